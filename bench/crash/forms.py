"""The forms of the trial: kills of the product, of its servers, freezes, the real rate limits."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.crash import havoc
from bench.crash.checker import Verdict, check
from bench.crash.ground import Ground, ground
from bench.crash.load import Guest, book, misbehave, threads_of, write_all
from bench.crash.report import Report, show
from bench.crash.script import WINDOW_S, make_scripts

LOST_AFTER_S = 180.0
"""What was not answered so long after everything was written will not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How hard to try."""

    messages: int = 2000
    rate: float = 6.0
    kills: int = 30
    flushes: int = 10
    stops: int = 5
    freezes: int = 5
    freeze_s: float = 60.0
    settle_s: float = 100.0
    seed: int = 1
    keep: bool = False


async def kills(plan: Plan) -> Report:
    """kill -9 of the product at random moments, restarted each time."""
    dice = random.Random(f"kills-{plan.seed}")
    when = havoc.moments(plan.kills, plan.messages / plan.rate, dice)
    print(f"seed {plan.seed}; kill -9 after s: {', '.join(f'{at:.1f}' for at in when)}")
    async with ground(seed=plan.seed, keep=plan.keep) as place:

        async def strike(number: int) -> None:
            await havoc.kill_and_restart(place, say=lambda text: _say(f"kill {number}: {text}"))

        return await _under_load("kills", plan, place, havoc.at_moments(when, strike))


async def servers(plan: Plan) -> Report:
    """Valkey flushed and killed, PostgreSQL stopped at once, at random moments."""
    dice = random.Random(f"servers-{plan.seed}")
    length_s = plan.messages / plan.rate
    flushes = [(at, "valkey") for at in havoc.moments(plan.flushes, length_s, dice)]
    stops = [(at, "postgresql") for at in havoc.moments(plan.stops, length_s, dice)]
    when = sorted([*flushes, *stops])
    print(f"seed {plan.seed}; after s: {', '.join(f'{what} {at:.1f}' for at, what in when)}")
    async with ground(seed=plan.seed, keep=plan.keep) as place:

        async def strike(number: int) -> None:
            do = havoc.kill_valkey if when[number - 1][1] == "valkey" else havoc.stop_postgres
            await do(place, say=lambda text: _say(f"strike {number}: {text}"))

        striking = havoc.at_moments([at for at, _ in when], strike)
        return await _under_load("servers", plan, place, striking)


async def _under_load(form: str, plan: Plan, place: Ground, striking: Awaitable[None]) -> Report:
    """Everybody writes while it is struck; then wait until all is answered, and watch on."""
    guests = await book(place, make_scripts(plan.messages, plan.seed, rate=plan.rate))
    await place.make_company()
    await misbehave(place)
    _say(f"{len(guests)} guests write {plan.messages} messages")
    await asyncio.gather(write_all(place, guests), striking)
    _say("everything is written")
    await until_answered(place, guests)
    await place.witness.sim("DELETE", "/faults")
    await asyncio.sleep(plan.settle_s)
    verdict = await judge(place, guests)
    return show(form, plan.seed, verdict, place)


async def judge(place: Ground, guests: Sequence[Guest]) -> Verdict:
    """The verdict as of now."""
    threads = await threads_of(place, guests)
    return check(threads, window_s=WINDOW_S, returns=havoc.returns(place))


async def until_answered(place: Ground, guests: Sequence[Guest]) -> None:
    """Until nothing is lost, or nothing more will come."""
    until = time.monotonic() + LOST_AFTER_S
    while time.monotonic() < until:
        verdict = await judge(place, guests)
        if not verdict.count("lost"):
            _say("everything is answered")
            return
        await asyncio.sleep(2.0)
    _say(f"{verdict.count('lost')} are still open")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


FORMS: Mapping[str, Callable[[Plan], Awaitable[Report]]] = {"kills": kills, "servers": servers}
