"""What is done to the product while guests write: kills, servers killed, flushed and stopped."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import redis.asyncio

from app.embedded import running_urls
from bench.crash.ground import LOOK_S, Ground

Say = Callable[[str], None]
SETTLES_S = 10.0
"""After a freeze, before the next begins."""
EDGE_S = 4.0
"""Nothing is done so shortly after the beginning."""


def moments(count: int, length_s: float, dice: random.Random) -> list[float]:
    """So many random moments within a time, in order."""
    return sorted(dice.uniform(EDGE_S, max(EDGE_S + 1, length_s)) for _ in range(count))


async def at_moments(when: list[float], strike: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Strike at each moment, one after the other."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, moment in enumerate(when, start=1):
        await asyncio.sleep(max(0.0, began + moment - loop.time()))
        await strike(number)


async def kill_and_restart(ground: Ground, *, say: Say) -> None:
    """kill -9, and start again at once; ready when it comes back."""
    await ground.kill_product()
    killed_at = ground.diary[-1].at
    await ground.start_product()
    say(f"ready again {ground.diary[-1].at - killed_at:.1f} s after the kill")


async def kill_valkey(ground: Ground, *, say: Say) -> None:
    """Empty Valkey, then kill -9; the product starts it again."""
    urls = running_urls(ground.folder / "data")
    client = redis.asyncio.Redis.from_url(urls.redis_url or "" if urls else "")
    with contextlib.suppress(redis.exceptions.RedisError):
        await client.flushall()
    await client.aclose()
    pid, _ = ground.servers()[1]
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    ground.note("valkey flushed and killed")
    await _until_other(ground, 1, pid)
    ground.note("valkey back")
    say("valkey flushed, killed, and back")


async def stop_postgres(ground: Ground, *, say: Say) -> None:
    """Immediate shutdown of PostgreSQL: no checkpoint, connections cut; the product restarts it."""
    pid, _ = ground.servers()[0]
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
    ground.note("postgresql stopped at once")
    stopped_at = ground.diary[-1].at
    await _until_other(ground, 0, pid)
    await ground.witness.until_asked(ground.is_ready, "the database's return")
    ground.note("postgresql back")
    say(f"postgresql stopped at once, ready {ground.diary[-1].at - stopped_at:.1f} s later")


async def _until_other(ground: Ground, place: int, pid: int) -> None:
    async with asyncio.timeout(60):
        while ground.servers()[place][0] == pid:
            await asyncio.sleep(LOOK_S)


def returns(ground: Ground) -> list[float]:
    """When the product, or a server below it, came back up."""
    back = ("ready", "valkey back", "postgresql back", "thawed")
    return [moment.at for moment in ground.diary if moment.what in back]


async def freeze_while(
    ground: Ground,
    writing: Coroutine[Any, Any, None],
    *,
    after_s: float,
    for_s: float,
    meanwhile: Callable[[], Coroutine[Any, Any, None]],
    say: Say,
) -> None:
    """Stop the product's process while guests write, have the world go on, and let it go on."""
    task = asyncio.ensure_future(writing)
    await asyncio.sleep(after_s)
    ground.signal(signal.SIGSTOP)
    ground.note("frozen")
    until = asyncio.get_running_loop().time() + for_s
    await asyncio.gather(task, meanwhile())
    await asyncio.sleep(max(0.0, until - asyncio.get_running_loop().time()))
    ground.signal(signal.SIGCONT)
    ground.note("thawed")
    say(f"frozen {after_s:.1f} s after the first words, for {for_s:.0f} s")
    await asyncio.sleep(SETTLES_S)
