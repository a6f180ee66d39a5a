"""A call's record is written in order, survives an outage, and ends in bounded time."""

import asyncio

import pytest

from app.background import Background
from app.db import Connection, Database
from app.errors import NotFound, Unavailable
from app.tenants import Tenant
from app.voice.ledger import Ledger


@pytest.fixture
async def ledger(database: Database, tenant: Tenant, background: Background) -> Ledger:
    return Ledger(database, "acme", background, first_wait_s=0.001, flush_s=5)


class Writes:
    """What was written; some of it fails before it is."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.done: list[int] = []

    def add(self, number: int, *failures: Exception) -> None:
        left = list(failures)

        async def write(conn: Connection) -> None:
            await conn.fetchval("select 1")
            if left:
                raise left.pop()
            self.done.append(number)

        self.ledger.write(write)


async def test_writes_keep_their_order(ledger: Ledger):
    writes = Writes(ledger)
    for number in range(20):
        writes.add(number)
    await ledger.close()
    assert writes.done == list(range(20))


async def test_while_the_database_is_away_everything_waits(ledger: Ledger):
    writes = Writes(ledger)
    writes.add(1, *[Unavailable("away")] * 12)
    writes.add(2)
    await ledger.close()
    assert writes.done == [1, 2]


async def test_a_write_that_cannot_be_done_stops_no_other(ledger: Ledger):
    writes = Writes(ledger)
    writes.add(1, NotFound("it is gone"))
    writes.add(2)
    await ledger.close()
    assert writes.done == [2]


async def test_an_error_that_nobody_foresaw_stops_no_other(ledger: Ledger):
    writes = Writes(ledger)
    writes.add(1, TypeError("a mistake of ours"))
    writes.add(2)
    await ledger.close()
    assert writes.done == [2]


async def test_what_is_left_at_the_end_of_a_call_is_written_after_it(
    database: Database, tenant: Tenant, background: Background
):
    ledger = Ledger(database, "acme", background, first_wait_s=0.05, flush_s=0.01)
    writes = Writes(ledger)
    writes.add(1, Unavailable("away"), Unavailable("away"))
    writes.add(2)
    await ledger.close()
    assert writes.done == []
    while len(writes.done) < 2:
        await asyncio.sleep(0.01)
    assert writes.done == [1, 2]
