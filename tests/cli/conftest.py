"""What the tests of the command line share: a database, and the commands run against it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import asyncpg
import pytest
from click.testing import CliRunner, Result

from app.cli import nightdesk
from app.cli.connection import Desk, connected
from app.embedded import ServerUrls
from app.keys import new_key
from app.settings import load_settings

T = TypeVar("T")


class Terminal:
    """Somebody who types commands, each with the environment of this test's database."""

    def __init__(self, database_url: str) -> None:
        self.environment = {
            "NIGHTDESK_DATABASE_URL": database_url,
            "NIGHTDESK_ENCRYPTION_KEYS": new_key(),
        }

    def type(self, *arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(
            nightdesk, arguments, env={**self.environment, **environment}, prog_name="nightdesk"
        )

    def says(self, *arguments: str, **environment: str) -> str:
        """What a command prints that has to succeed."""
        result = self.type(*arguments, **environment)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.says(*arguments, "--json"))

    def desk(self, work: Callable[[Desk], Awaitable[T]]) -> T:
        """Do something at the same database without a command."""

        async def run() -> T:
            async with connected(load_settings(None, self.environment)) as desk:
                return await work(desk)

        return asyncio.run(run())


@pytest.fixture(scope="session")
def cli_database_url(embedded_urls: ServerUrls) -> str:
    """One database for all commands: making one takes longer than most tests."""
    base = embedded_urls.database_url or ""

    async def create() -> None:
        admin = await asyncpg.connect(base)
        await admin.execute("create database command_line")
        await admin.close()

    asyncio.run(create())
    return base.replace("/nightdesk?", "/command_line?")


@pytest.fixture
def terminal(cli_database_url: str) -> Iterator[Terminal]:
    """Nothing was typed yet; afterwards there is no tenant again."""
    made = Terminal(cli_database_url)
    yield made
    asyncio.run(_remove_tenants(cli_database_url))


async def _remove_tenants(url: str) -> None:
    conn = await asyncpg.connect(url)
    if await conn.fetchval("select to_regclass('nightdesk.tenants') is not null"):
        for row in await conn.fetch("delete from nightdesk.tenants returning schema_name"):
            await conn.execute(f"drop schema {row['schema_name']} cascade")
    await conn.close()


@pytest.fixture
def acme(terminal: Terminal) -> Terminal:
    """There is one tenant, acme."""
    terminal.says("tenant", "add", "acme", "--name", "Acme Stays")
    return terminal
