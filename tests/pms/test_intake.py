import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.background import Background
from app.clock import ManualClock
from app.db import Database, TenantDoor
from app.errors import BadInput, Unavailable
from app.pms.intake import MOST_AT_ONCE, Event, Intake
from app.tenants import Tenant


class CountingDoor(TenantDoor):
    """A tenant's door that counts how often it is used, and can be held shut."""

    def __init__(self, database: Database, door: TenantDoor) -> None:
        super().__init__(database, door._place)
        self.calls: list[int] = []
        self.may_pass = asyncio.Event()
        self.may_pass.set()

    async def call(self, sql: str, *args: Any) -> list[Any]:
        self.calls.append(len(args[0]))
        await self.may_pass.wait()
        return await super().call(sql, *args)


@pytest.fixture
async def door(database: Database, tenant: Tenant) -> CountingDoor:
    return CountingDoor(database, await database.tenant(tenant.id))


@pytest.fixture
def intake(background: Background) -> Intake:
    return Intake(background)


def make_event(clock: ManualClock, key: str = "message:1:1", **changes: Any) -> Event:
    values: dict[str, Any] = {
        "account_id": 1, "kind": "message", "dedupe_key": key, "envelope": {"id": key},
        "sealed": b"words", "received_at": clock.now(), "trace_parent": None,
    }  # fmt: skip
    return Event(**{**values, **changes})


async def rows_of(door: TenantDoor) -> list[dict[str, Any]]:
    async with door.transaction() as conn:
        return [dict(row) for row in await conn.fetch("select * from {schema}.inbox order by id")]


async def until_called(door: CountingDoor, times: int) -> None:
    while len(door.calls) < times:
        await asyncio.sleep(0)


async def test_an_event_stands_in_the_inbox_once_it_was_written(
    intake: Intake, door: CountingDoor, clock: ManualClock
) -> None:
    event = make_event(clock, envelope={"id": 7, "text": "Łódź"}, trace_parent="00-aa-bb-01")
    assert await intake.write(door, event)
    (row,) = await rows_of(door)
    assert row["envelope"] == {"id": 7, "text": "Łódź"}
    assert (row["account_id"], row["event"], row["sealed"]) == (1, "message", b"words")
    assert (row["received_at"], row["trace_parent"]) == (clock.now(), "00-aa-bb-01")
    assert row["handled_at"] is None


async def test_what_is_known_is_not_written_again(
    intake: Intake, door: CountingDoor, clock: ManualClock
) -> None:
    assert await intake.write(door, make_event(clock))
    assert not await intake.write(door, make_event(clock))
    assert len(await rows_of(door)) == 1


async def test_what_comes_while_another_is_written_is_written_together(
    intake: Intake, door: CountingDoor, clock: ManualClock
) -> None:
    door.may_pass.clear()
    writing = [asyncio.ensure_future(intake.write(door, make_event(clock, "first")))]
    await until_called(door, 1)
    writing += [asyncio.ensure_future(intake.write(door, make_event(clock, f"{n}"))) for n in "abc"]
    await asyncio.sleep(0)
    door.may_pass.set()
    assert await asyncio.gather(*writing) == [True] * 4
    assert door.calls == [1, 3]


async def test_a_rush_keeps_its_order_and_each_moment(
    intake: Intake, door: CountingDoor, clock: ManualClock
) -> None:
    count = MOST_AT_ONCE + 50
    events = [
        make_event(clock, f"{n}", received_at=clock.now() + timedelta(seconds=n))
        for n in range(count)
    ]
    await asyncio.gather(*(intake.write(door, event) for event in events))
    rows = await rows_of(door)
    assert [row["dedupe_key"] for row in rows] == [event.dedupe_key for event in events]
    assert [row["received_at"] for row in rows] == [event.received_at for event in events]
    assert max(door.calls) == MOST_AT_ONCE


async def test_of_two_alike_in_one_moment_one_is_new(
    intake: Intake, door: CountingDoor, clock: ManualClock
) -> None:
    answers = await asyncio.gather(*(intake.write(door, make_event(clock)) for _ in range(3)))
    assert answers == [True, False, False]
    assert len(await rows_of(door)) == 1


@pytest.mark.parametrize(
    "changes", [{"envelope": {"id": "a\x00b"}}, {"dedupe_key": "\ud83d"}, {"account_id": 2**70}]
)
async def test_an_event_that_no_row_can_hold_does_not_spoil_the_others(
    intake: Intake, door: CountingDoor, clock: ManualClock, changes: dict[str, Any]
) -> None:
    door.may_pass.clear()
    writing = [asyncio.ensure_future(intake.write(door, make_event(clock, "first")))]
    await until_called(door, 1)
    odd = make_event(clock, **changes)
    events = [make_event(clock, "a"), odd, make_event(clock, "b")]
    writing += [asyncio.ensure_future(intake.write(door, event)) for event in events]
    await asyncio.sleep(0)
    door.may_pass.set()
    first, a, refused, b = await asyncio.gather(*writing, return_exceptions=True)
    assert (first, a, b) == (True, True, True)
    assert isinstance(refused, BadInput)
    assert [row["dedupe_key"] for row in await rows_of(door)] == ["first", "a", "b"]


async def test_while_the_database_is_away_everybody_is_told(
    intake: Intake, door: CountingDoor, database: Database, clock: ManualClock
) -> None:
    await database.close()
    events = [make_event(clock, f"{n}") for n in range(3)]
    answers = await asyncio.gather(
        *(intake.write(door, event) for event in events), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Unavailable] * 3


async def test_an_outage_is_over_when_it_is_over(
    intake: Intake, door: CountingDoor, database: Database, clock: ManualClock, swept_url: str
) -> None:
    await database.close()
    with pytest.raises(Unavailable):
        await intake.write(door, make_event(clock))
    await database.open(swept_url)
    assert await intake.write(door, make_event(clock))


async def test_who_stops_waiting_takes_nothing_from_the_others(
    intake: Intake, door: CountingDoor, clock: ManualClock
) -> None:
    door.may_pass.clear()
    gone = asyncio.ensure_future(intake.write(door, make_event(clock, "gone")))
    await until_called(door, 1)
    left = asyncio.ensure_future(intake.write(door, make_event(clock, "left")))
    await asyncio.sleep(0)
    gone.cancel()
    door.may_pass.set()
    assert await left
    assert gone.cancelled()
    assert [row["dedupe_key"] for row in await rows_of(door)] == ["gone", "left"]


async def test_an_end_in_the_middle_leaves_nobody_waiting(
    intake: Intake, door: CountingDoor, clock: ManualClock, background: Background
) -> None:
    door.may_pass.clear()
    writing = [
        asyncio.ensure_future(intake.write(door, make_event(clock, f"{n}"))) for n in range(3)
    ]
    await until_called(door, 1)
    await background.cancel()
    answers = await asyncio.gather(*writing, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 3


async def test_events_are_written_as_the_tenants_own_role(
    intake: Intake, door: CountingDoor, database: Database, clock: ManualClock
) -> None:
    async with database.shared().transaction() as conn:
        await conn.execute("revoke insert on t_acme.inbox from t_acme")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await door.call(
                "select nightdesk.take_in($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                [1], ["message"], ["k"], ["{}"], [b""], [clock.now()], [None],
            )  # fmt: skip
    finally:
        async with database.shared().transaction() as conn:
            await conn.execute("grant insert on t_acme.inbox to t_acme")


async def test_a_tenants_role_cannot_write_events_of_another(
    door: CountingDoor, clock: ManualClock
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with door.transaction() as conn:
            await conn.fetch(
                "select nightdesk.take_in('t_two', 'two', $1, $2, $3, $4, $5, $6, $7)",
                [1], ["message"], ["k"], ["{}"], [b""], [clock.now()], [None],
            )  # fmt: skip


async def test_the_role_is_left_again_after_the_statement(
    intake: Intake, door: CountingDoor, swept_url: str, clock: ManualClock
) -> None:
    alone = Database(command_timeout_s=5, statement_cache=100, connections=1)
    await alone.open(swept_url)
    try:
        assert await intake.write(await alone.tenant("acme"), make_event(clock))
        async with alone.shared().transaction() as conn:
            assert await conn.fetchval("select current_user") == "app"
            assert not await conn.fetchval("select current_setting('nightdesk.tenant', true)")
    finally:
        await alone.close()
