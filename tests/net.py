"""A net under the whole suite: the usual guest's secrets stand in no row and in no log line."""

import logging
import os
import re

import asyncpg

from app.telemetry import JsonLines
from tests import case_world
from tests.make import DOOR_CODE, WIFI_PASSWORD

SECRETS = (DOOR_CODE, WIFI_PASSWORD, case_world.DOOR_CODE)
STANDING = re.compile("|".join(rf"(?<![\w]){re.escape(value)}(?!\w)" for value in SECRETS))
COLUMNS = """
    select table_schema as s, table_name as t,
           string_agg(format('%I::text', column_name), ', ') as columns
    from information_schema.columns
    where table_schema in ('nightdesk', 't_acme') and data_type <> 'bytea'
    group by table_schema, table_name
"""


class Net(logging.Handler):
    """Reads every log line of the suite as the product would write it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.caught: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line that holds a secret, with the test that wrote it."""
        line = self.format(record)
        if STANDING.search(line):
            self.caught.append(f"{os.environ.get('PYTEST_CURRENT_TEST', '?')}: {line}")


async def rows_with_secrets(url: str) -> list[str]:
    """Every row in which one of them can be read; encrypted columns are left out."""
    conn = await asyncpg.connect(url)
    try:
        tables = [
            f"select '{row['t']}: ' || concat_ws(' | ', {row['columns']}) as row "
            f"from {row['s']}.{row['t']}"
            for row in await conn.fetch(COLUMNS)
        ]
        rows = await conn.fetch(
            f"select row from ({' union all '.join(tables)}) every where row like any($1)",
            [f"%{value}%" for value in SECRETS],
        )
    finally:
        await conn.close()
    return [row["row"] for row in rows if STANDING.search(row["row"])]
