import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.background import Background
from app.clock import ManualClock
from app.db import Connection, Database
from app.errors import BadInput, Unavailable
from app.pms.inbox import MAX_ATTEMPTS, Inbox, InboxRow
from app.settings import TelemetrySettings
from app.telemetry import Telemetry
from app.tenants import Tenant, Tenants


class Desk:
    """An inbox, and a handler that keeps what it is given."""

    def __init__(self, make: Callable[[], Inbox], tenant: Tenant, database: Database) -> None:
        self.make = make
        self.tenant = tenant
        self.database = database
        self.handled: list[InboxRow] = []
        self.errors: dict[str, Exception] = {}
        self.inbox = self.another()

    def another(self) -> Inbox:
        inbox = self.make()
        inbox.register({"message": self.handle})
        return inbox

    async def handle(self, conn: Connection, tenant: Tenant, row: InboxRow) -> None:
        await conn.fetchval("select pg_sleep(0.001)")
        if error := self.errors.get(str(row.envelope["id"])):
            raise error
        self.handled.append(row)

    async def put(self, *ids: int, event: str = "message") -> None:
        for number in ids:
            await self.inbox.store(
                self.tenant, self.database, account_id=1, event=event, dedupe_key=f"m{number}",
                envelope={"id": number}, sealed={"body": f"words {number}"},
            )  # fmt: skip

    async def rows(self) -> list[dict[str, Any]]:
        async with (await self.database.tenant("acme")).transaction() as conn:
            return [dict(r) for r in await conn.fetch("select * from {schema}.inbox order by id")]

    @property
    def ids(self) -> list[Any]:
        return [row.envelope["id"] for row in self.handled]


@pytest.fixture
async def desk(
    database: Database,
    tenants: Tenants,
    tenant: Tenant,
    clock: ManualClock,
    background: Background,
) -> Desk:
    telemetry = Telemetry(TelemetrySettings())

    def make() -> Inbox:
        return Inbox(
            database=database, tenants=tenants, clock=clock, background=background,
            telemetry=telemetry, sweep_s=0.01,
        )  # fmt: skip

    return Desk(make, tenant, database)


async def test_rows_are_handled_in_order_with_their_words(desk: Desk) -> None:
    await desk.put(1, 2, 3)
    assert await desk.inbox.drain("acme") == 3
    assert desk.ids == [1, 2, 3]
    assert desk.handled[0].sealed == {"body": "words 1"}


async def test_handled_words_are_forgotten(desk: Desk) -> None:
    await desk.put(1)
    (before,) = await desk.rows()
    assert before["sealed"] is not None
    assert b"words" not in before["sealed"]
    await desk.inbox.drain("acme")
    (after,) = await desk.rows()
    assert after["sealed"] is None
    assert after["handled_at"] is not None


async def test_words_are_not_shown_by_repr(desk: Desk) -> None:
    await desk.put(1)
    await desk.inbox.drain("acme")
    assert "words" not in repr(desk.handled[0])


async def test_what_was_stored_before_is_known(desk: Desk) -> None:
    await desk.put(1, 1)
    assert await desk.inbox.drain("acme") == 1
    await desk.put(1)
    assert await desk.inbox.drain("acme") == 0


async def test_two_who_drain_at_once_handle_each_row_once(desk: Desk) -> None:
    await desk.put(*range(30))
    counts = await asyncio.gather(*(desk.another().drain("acme") for _ in range(3)))
    assert sum(counts) == 30
    assert sorted(desk.ids) == list(range(30))


ERRORS = [BadInput("bad"), KeyError("x"), OverflowError("far"), ZeroDivisionError("guest's words")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_poison_row_holds_nobody_up_and_is_tried_once_a_round(
    desk: Desk, error: Exception
) -> None:
    desk.errors["1"] = error
    await desk.put(1, 2, 3)
    assert await desk.inbox.drain("acme") == 3
    assert desk.ids == [2, 3]
    poison = (await desk.rows())[0]
    assert (poison["attempts"], poison["handled_at"]) == (1, None)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_poison_row_is_given_up_in_the_end_with_its_error(
    desk: Desk, error: Exception
) -> None:
    desk.errors["1"] = error
    await desk.put(1)
    for _ in range(MAX_ATTEMPTS):
        assert await desk.inbox.drain("acme") == 1
    assert await desk.inbox.drain("acme") == 0
    (poison,) = await desk.rows()
    assert poison["handled_at"] is not None
    assert poison["error"].startswith(type(error).__name__)
    assert "guest" not in poison["error"]


async def test_a_row_that_works_in_a_later_round_is_handled(desk: Desk) -> None:
    desk.errors["1"] = BadInput("not yet")
    await desk.put(1)
    await desk.inbox.drain("acme")
    desk.errors.clear()
    await desk.inbox.drain("acme")
    assert desk.ids == [1]


async def test_what_is_given_up_is_told_of_without_its_words(desk: Desk) -> None:
    told: list[InboxRow] = []

    async def given_up(_c: Connection, _t: Tenant, row: InboxRow, _e: BaseException) -> None:
        told.append(row)

    async def fail(*_: object) -> None:
        raise BadInput("never")

    desk.inbox.register({"message": fail}, given_up)
    await desk.put(1)
    for _ in range(MAX_ATTEMPTS):
        await desk.inbox.drain("acme")
    assert [(row.envelope["id"], row.sealed) for row in told] == [(1, {})]


async def test_an_event_nobody_handles_is_closed(desk: Desk) -> None:
    await desk.put(1, event="stranger")
    for _ in range(MAX_ATTEMPTS):
        await desk.inbox.drain("acme")
    assert (await desk.rows())[0]["handled_at"] is not None


async def test_an_outage_does_not_count_against_a_row(desk: Desk) -> None:
    desk.errors["1"] = Unavailable("the database is away")
    await desk.put(1)
    with pytest.raises(Unavailable):
        await desk.inbox.drain("acme")
    assert (await desk.rows())[0]["attempts"] == 0
    desk.errors.clear()
    assert await desk.inbox.drain("acme") == 1


async def test_what_failed_leaves_nothing_behind(desk: Desk) -> None:
    async def write_and_fail(conn: Connection, tenant: Tenant, row: InboxRow) -> None:
        await conn.execute(
            """insert into {schema}.pms_state (key, value, as_of) values ('k', '1', now())"""
        )
        raise BadInput("after writing")

    desk.inbox.register({"message": write_and_fail})
    await desk.put(1)
    await desk.inbox.drain("acme")
    async with (await desk.database.tenant("acme")).transaction() as conn:
        assert await conn.fetchval("select count(*) from {schema}.pms_state") == 0


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.005)


async def test_a_nudge_handles_what_came_in(desk: Desk) -> None:
    await desk.put(1)
    desk.inbox.nudge("acme")
    await until(lambda: desk.ids == [1])
    await desk.put(2)
    desk.inbox.nudge("acme")
    desk.inbox.nudge("acme")
    await until(lambda: desk.ids == [1, 2])


async def test_a_nudge_waits_for_what_handlers_need(desk: Desk) -> None:
    is_there = asyncio.Event()

    async def needed() -> None:
        await is_there.wait()

    desk.inbox.register({"message": desk.handle}, before=needed)
    await desk.put(1)
    desk.inbox.nudge("acme")
    await desk.put(2)
    assert desk.ids == []
    is_there.set()
    await until(lambda: desk.ids == [1, 2])


async def test_a_sweep_finds_what_nobody_nudged(desk: Desk, background: Background) -> None:
    await desk.put(1)
    background.spawn("sweep", desk.inbox.sweep())
    await until(lambda: desk.ids == [1])


async def test_a_database_that_does_not_answer_in_time_does_not_count_against_a_row(
    desk: Desk,
) -> None:
    desk.errors["1"] = TimeoutError()
    await desk.put(1)
    with pytest.raises(Unavailable):
        await desk.inbox.drain("acme")
    assert (await desk.rows())[0]["attempts"] == 0
