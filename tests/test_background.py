"""Owned tasks: named, logged when they fail, ended at shutdown."""

import asyncio
import contextlib
import logging

import pytest

from app.background import Background


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_failing_task_is_logged_by_name_and_stops_nobody_else(
    background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise RuntimeError("broken")

    other = background.spawn("other", forever())
    failing = background.spawn("failing", fail())
    await asyncio.wait([failing])
    await asyncio.sleep(0)
    assert [(r.levelno, r.__dict__["task"]) for r in caplog.records] == [(logging.ERROR, "failing")]
    assert not other.done()


async def test_a_task_gives_its_result_to_whoever_awaits_it(background: Background) -> None:
    async def give() -> int:
        return 42

    task = background.spawn("give", give())
    assert (await task, task.get_name()) == (42, "give")


async def test_draining_waits_for_what_ends_and_cancels_what_does_not(
    background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    done = list[str]()

    async def finish() -> None:
        await asyncio.sleep(0.02)
        done.append("finished")

    endless = background.spawn("endless", forever())
    background.spawn("short", finish())
    await background.drain(0.2)
    assert done == ["finished"]
    assert endless.cancelled()
    assert caplog.records == []


async def test_what_a_cancelled_task_starts_is_cancelled_too(background: Background) -> None:
    started = list[asyncio.Task[None]]()

    async def start_another() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await forever()
        started.append(background.spawn("late", forever()))

    background.spawn("parent", start_another())
    await asyncio.sleep(0)
    await background.cancel()
    assert [task.cancelled() for task in started] == [True]


async def test_a_task_may_drain_the_others_and_live(background: Background) -> None:
    async def drain() -> str:
        await background.drain(0.01)
        return "alive"

    other = background.spawn("other", forever())
    assert await background.spawn("drainer", drain()) == "alive"
    assert other.cancelled()


async def test_a_loop_that_must_not_end_is_begun_anew_after_a_failure() -> None:
    background = Background()
    lives: list[int] = []

    async def loop() -> None:
        lives.append(len(lives))
        if len(lives) == 1:
            raise RuntimeError("nobody foresaw this")

    await asyncio.wait_for(background.keep("loop", loop), timeout=10)
    assert lives == [0, 1]
