"""Clocks: real time is aware and UTC; the manual one moves only when told to."""

import asyncio
from datetime import UTC, datetime, timedelta

from app.clock import Clock, ManualClock

START = datetime(2026, 4, 13, 12, 0, tzinfo=UTC)


async def test_real_time_is_aware_and_utc_and_moves_on() -> None:
    clock = Clock()
    before = clock.now()
    await clock.sleep(0.01)
    assert before.utcoffset() == timedelta(0)
    assert clock.now() > before


async def test_sleepers_wake_in_the_order_of_their_times_once_the_clock_has_passed_them() -> None:
    clock, woken = ManualClock(START), list[float]()

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.ensure_future(sleep(seconds)) for seconds in (120, 5, 60)]
    await asyncio.sleep(0)
    clock.advance(4.9)
    await asyncio.sleep(0.01)
    assert woken == []
    clock.advance(0.1)
    await asyncio.sleep(0.01)
    assert woken == [5]
    clock.set(START + timedelta(seconds=120))
    await asyncio.gather(*tasks)
    assert sorted(woken) == [5, 60, 120]
    assert clock.now() == START + timedelta(seconds=120)


async def test_a_sleep_counts_from_the_moment_it_began() -> None:
    clock = ManualClock(START)
    clock.advance(100)
    task = asyncio.ensure_future(clock.sleep(10))
    await asyncio.sleep(0)
    clock.advance(9)
    await asyncio.sleep(0)
    assert not task.done()
    clock.advance(1)
    await task


async def test_no_sleep_only_lets_others_run() -> None:
    clock, ran = ManualClock(START), list[int]()
    asyncio.get_running_loop().call_soon(ran.append, 1)
    await clock.sleep(0)
    await clock.sleep(-1)
    assert ran == [1]


def test_a_pulse_that_beats_never_stood_still() -> None:
    clock = ManualClock(START)
    for _ in range(20):
        assert clock.beat() == 0
        clock.advance(1)
    assert not clock.stood_still_since(START)


def test_a_process_that_just_woke_is_known_to_have_stood_still_before_its_next_beat() -> None:
    clock = ManualClock(START)
    clock.stand_still(60)
    assert clock.stood_still_since(START + timedelta(seconds=30))
    assert not clock.stood_still_since(clock.now())


def test_a_standstill_is_remembered_for_facts_that_are_older() -> None:
    clock = ManualClock(START)
    clock.stand_still(60)
    assert clock.beat() == 60
    clock.advance(1)
    clock.beat()
    assert clock.stood_still_since(START + timedelta(seconds=60))
    assert not clock.stood_still_since(START + timedelta(seconds=61))


def test_a_clock_without_a_pulse_claims_nothing() -> None:
    clock = ManualClock(START)
    clock.advance(3600)
    assert not clock.stood_still_since(START)
