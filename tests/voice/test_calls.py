"""Calls as they were kept are found by people, and closed where their process died."""

import asyncio
import signal
import sys
from datetime import timedelta
from typing import Any

import pytest

from app.bus import Bus
from app.clock import ManualClock
from app.conversations import Conversations
from app.db import Database
from app.errors import NotFound
from app.events import CallEnded
from app.jobs import Job, JobRun
from app.tenants import Tenant
from app.voice import store
from app.voice.calls import LOOK_AGAIN, PROCESS_ENDED, UNSEEN, Calls

RUN = JobRun(tenant_id="acme", kind=Job.CALL, key="CA1", generation=1, attempt=1)


@pytest.fixture
def calls(database: Database, bus: Bus, clock: ManualClock) -> Calls:
    return Calls(database=database, bus=bus, conversations=Conversations(bus), clock=clock)


async def ring(database: Database, clock: ManualClock, call_sid: str) -> int:
    async with (await database.tenant("acme")).transaction() as conn:
        return await store.open_call(
            conn, call_sid=call_sid, hotline_e164="+48221234567", caller_e164="+48500100200",
            language="en", now=clock.now(),
        )  # fmt: skip


async def end(database: Database, clock: ManualClock, call_sid: str) -> None:
    async with (await database.tenant("acme")).transaction() as conn:
        await store.end_call(conn, call_sid, because="the caller hung up", at=clock.now())


async def row(database: Database, call_sid: str) -> dict[str, Any]:
    async with (await database.tenant("acme")).transaction() as conn:
        (found,) = await conn.fetch("select * from {schema}.calls where call_sid = $1", call_sid)
    return dict(found)


async def test_the_newest_calls_come_first(
    calls: Calls, database: Database, clock: ManualClock, tenant: Tenant
):
    for number in range(3):
        await ring(database, clock, f"CA{number}")
        clock.advance(60)
    assert [call.call_sid for call in await calls.recent("acme", last=2)] == ["CA2", "CA1"]


async def test_a_call_is_found_by_its_number_and_by_its_callsid(
    calls: Calls, database: Database, clock: ManualClock, tenant: Tenant
):
    number = await ring(database, clock, "CA1")
    for which in (str(number), "CA1"):
        call, turns = await calls.get("acme", which)
        assert (call.conversation_id, turns) == (number, [])


@pytest.mark.parametrize("which", ["99", "CA9", "", "9" * 40, "٣"])
async def test_a_call_that_is_not_there_is_not_found(calls: Calls, tenant: Tenant, which: str):
    with pytest.raises(NotFound):
        await calls.get("acme", which)


async def test_a_call_that_shows_life_is_left_alone(
    calls: Calls, database: Database, clock: ManualClock, tenant: Tenant
):
    number = await ring(database, clock, "CA1")
    clock.advance(LOOK_AGAIN.total_seconds())
    async with (await database.tenant("acme")).transaction() as conn:
        await store.mark_seen(conn, number, clock.now() - timedelta(seconds=30))
    assert await calls.look_after(RUN) == clock.now() + LOOK_AGAIN
    assert (await row(database, "CA1"))["ended_at"] is None


async def test_a_call_that_is_over_is_not_looked_after_any_more(
    calls: Calls, database: Database, clock: ManualClock, tenant: Tenant
):
    await ring(database, clock, "CA1")
    await end(database, clock, "CA1")
    clock.advance(3600)
    assert await calls.look_after(RUN) is None
    assert (await row(database, "CA1"))["because"] == "the caller hung up"


async def test_a_call_without_a_sign_of_life_is_closed_at_its_last_one_and_told(
    calls: Calls, database: Database, clock: ManualClock, tenant: Tenant, bus: Bus
):
    told: list[CallEnded] = []

    async def hear(event: CallEnded) -> None:
        told.append(event)

    bus.subscribe(CallEnded, hear)
    number = await ring(database, clock, "CA1")
    clock.advance(90)
    last_seen = clock.now()
    async with (await database.tenant("acme")).transaction() as conn:
        await store.mark_seen(conn, number, last_seen)
    clock.advance(UNSEEN.total_seconds() + 1)
    assert await calls.look_after(RUN) is None
    call = await row(database, "CA1")
    assert (call["ended_at"], call["because"]) == (last_seen, PROCESS_ENDED)
    assert [(event.call_sid, event.ended_at) for event in told] == [("CA1", last_seen)]


async def test_a_process_that_was_killed_leaves_its_turns_and_a_call_that_the_next_start_closes(
    calls: Calls, database: Database, database_url: str, clock: ManualClock, tenant: Tenant
):
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.voice.dying", database_url, stdout=asyncio.subprocess.PIPE
    )
    assert dying.stdout is not None
    assert await dying.stdout.readline() == b"said\n"
    dying.send_signal(signal.SIGKILL)
    assert await dying.wait() == -signal.SIGKILL
    assert (await row(database, "CA-dying"))["ended_at"] is None
    clock.set((await row(database, "CA-dying"))["seen_at"] + timedelta(seconds=2))
    await calls.close_left("acme")
    call, turns = await calls.get("acme", "CA-dying")
    assert (call.because, call.ended_at) == (PROCESS_ENDED, call.seen_at)
    assert [turn.text for turn in turns] == ["Is anybody there?"]
