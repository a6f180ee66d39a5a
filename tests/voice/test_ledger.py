"""A call's record is written in order, survives an outage of seconds, and ends in bounded time."""

import pytest

from app.background import Background
from app.db import Connection, Database
from app.errors import NotFound, Unavailable
from app.tenants import Tenant
from app.voice.ledger import Ledger


@pytest.fixture
async def ledger(database: Database, tenant: Tenant, background: Background) -> Ledger:
    return Ledger(database, "acme", background)


async def test_writes_keep_their_order(ledger: Ledger):
    written: list[int] = []
    for number in range(20):

        async def write(conn: Connection, number: int = number) -> None:
            await conn.fetchval("select 1")
            written.append(number)

        ledger.write(write)
    await ledger.close()
    assert written == list(range(20))


async def test_a_database_that_is_away_for_a_moment_loses_nothing(ledger: Ledger):
    written: list[str] = []
    failures = [Unavailable("away"), Unavailable("away")]

    async def write(conn: Connection) -> None:
        if failures:
            raise failures.pop()
        written.append("first")

    async def then(conn: Connection) -> None:
        written.append("second")

    ledger.write(write)
    ledger.write(then)
    await ledger.close()
    assert written == ["first", "second"]


async def test_one_write_that_cannot_be_done_stops_no_other(ledger: Ledger):
    written: list[str] = []

    async def never(conn: Connection) -> None:
        raise NotFound("it is gone")

    async def then(conn: Connection) -> None:
        written.append("second")

    ledger.write(never)
    ledger.write(then)
    await ledger.close()
    assert written == ["second"]
