"""The forms of the trial: kills of the product, of its servers, freezes, the real rate limits."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bench.crash import havoc
from bench.crash.checker import WITHIN_S, Verdict, check
from bench.crash.ground import ACCOUNT, Ground, ground
from bench.crash.load import (
    Guest,
    book,
    cancel,
    misbehave,
    person_answers,
    say,
    threads_of,
    write_all,
)
from bench.crash.report import Report, show
from bench.crash.script import CHANGES, TAKEN_BACK, WINDOW_S, Line, make_scripts, make_single

LOST_AFTER_S = 180.0
"""What was not answered so long after everything was written will not be."""
LOOK_S = 1.5
GUESTS_A_FREEZE = 30
ASKING_S = 6.0
"""Within so many seconds they all write, so that a freeze meets every phase of an answer."""
SLOW_S = 0.4
"""What the PMS and the model take while freezes are tried."""
REAL_IP, REAL_ACCOUNT = 15, 20
"""Hostaway's limits in 10 s. Source: Hostaway API documentation, "Rate limits"."""


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
            await havoc.kill_and_restart(place, say=partial(_say_of, f"kill {number}"))

        return await _under_load("kills", plan, place, lambda: havoc.at_moments(when, strike))


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
            await do(place, say=partial(_say_of, f"strike {number}"))

        moments = [at for at, _ in when]
        return await _under_load("servers", plan, place, lambda: havoc.at_moments(moments, strike))


async def freeze(plan: Plan) -> Report:
    """SIGSTOP, and SIGCONT after a minute in which the world went on."""
    dice = random.Random(f"freeze-{plan.seed}")
    print(f"seed {plan.seed}; {plan.freezes} freezes of {plan.freeze_s:.0f} s")
    async with ground(seed=plan.seed, keep=plan.keep) as place:
        rounds = [
            make_single(GUESTS_A_FREEZE, plan.seed, first=1 + n * 100, within_s=ASKING_S)
            for n in range(plan.freezes)
        ]
        guests = [await book(place, scripts) for scripts in rounds]
        await place.make_company()
        await place.sim("PATCH", "/settings", {"latency_s": SLOW_S})
        await place.model_is_slow(SLOW_S)
        for number, some in enumerate(guests, start=1):
            after_s = dice.uniform(WINDOW_S, ASKING_S + WINDOW_S)
            await havoc.freeze_while(
                place,
                write_all(place, some),
                after_s=after_s,
                for_s=plan.freeze_s,
                meanwhile=partial(_world_goes_on, place, some, dice, plan.freeze_s),
                say=partial(_say_of, f"freeze {number}"),
            )
        everybody = [guest for some in guests for guest in some]
        await until_answered(place, everybody)
        await asyncio.sleep(plan.settle_s)
        return show("freeze", plan.seed, await judge(place, everybody), place)


async def _world_goes_on(
    place: Ground, guests: Sequence[Guest], dice: random.Random, length_s: float
) -> None:
    """Within the freeze something happens to most threads."""
    changes = [(guest, CHANGES[n % len(CHANGES)]) for n, guest in enumerate(guests)]
    await asyncio.gather(
        *(
            happens(place, guest, change, dice.uniform(0.1, 0.8) * length_s)
            for guest, change in changes
        )
    )


async def happens(place: Ground, guest: Guest, change: str, after_s: float) -> None:
    """One of `CHANGES` befalls a thread."""
    await asyncio.sleep(after_s)
    if change == "takes_back":
        await say(place, guest, Line(text=TAKEN_BACK[0], kind="takes_back"))
    elif change == "asks_more":
        text = "And until when do we have to check out?"
        await say(place, guest, Line(text=text, kind="asks", topic="check_out"))
    elif change == "person":
        await person_answers(place, guest)
    elif change == "cancelled":
        await cancel(place, guest)


async def limits(plan: Plan) -> Report:
    """Many ask at once at Hostaway's real limits: how fast it drains, and that none is exceeded."""
    print(f"seed {plan.seed}; {plan.messages} messages at {REAL_IP} and {REAL_ACCOUNT} in 10 s")
    real = {"NIGHTDESK_HOSTAWAY__IP_REQUESTS": "14", "NIGHTDESK_HOSTAWAY__ACCOUNT_REQUESTS": "18"}
    async with ground(seed=plan.seed, keep=plan.keep, extra=real) as place:
        await place.sim("PATCH", "/settings", {"rate_ip": REAL_IP, "rate_account": REAL_ACCOUNT})
        scripts = make_single(plan.messages, plan.seed, first=1, within_s=ASKING_S)
        guests = await book(place, scripts)
        await place.make_company()
        _say(f"{len(guests)} guests ask within {ASKING_S:.0f} s")
        began = time.time()
        await write_all(place, guests)
        await until_answered(place, guests, within_s=60.0 + 6.0 * plan.messages)
        threads = await threads_of(place, guests)
        replied = sorted(reply.at for thread in threads for reply in thread.replies)
        state = await place.sim("GET", "/hostaway/state")
        verdict = check(threads, window_s=WINDOW_S, within_s=float("inf"))
        report = show("limits", plan.seed, verdict, place)
        return _with_drain(report, replied, began, state)


def _with_drain(
    report: Report, replied: Sequence[float], began: float, state: Mapping[str, Any]
) -> Report:
    """The report with the drain, and whether the stand-in saw more than it allows."""
    account = state["accounts"][ACCOUNT]
    ip = max(state["peaks_per_window"].values(), default=0)
    minutes = (replied[-1] - began - WINDOW_S) / 60 if replied else 0.0
    drain = len(replied) / minutes if minutes else 0.0
    asked = sum(account["requests"].values())
    for name, value, bound in (
        ("drained, replies a minute", f"{drain:.1f}", ""),
        ("requests to the PMS in all", asked, ""),
        ("most requests of the address in 10 s", ip, REAL_IP),
        ("most requests of the account in 10 s", account["peak_per_window"], REAL_ACCOUNT),
        ("turned away (429)", account["throttled"], 0),
    ):
        print(f"  {name:44} {value!s:>10}  {f'promise {bound}' if bound != '' else ''}")
    is_within = ip <= REAL_IP and account["peak_per_window"] <= REAL_ACCOUNT
    figures = {
        "crash limits: drained": ([drain], "replies/min"),
        "crash limits: most requests of the address in 10 s": ([float(ip)], ""),
    }
    return replace(
        report,
        figures={**report.figures, **figures},
        is_kept=report.is_kept and is_within and not account["throttled"],
    )


async def _under_load(
    form: str, plan: Plan, place: Ground, striking: Callable[[], Coroutine[Any, Any, None]]
) -> Report:
    """Everybody writes while it is struck; then wait until all is answered, and watch on."""
    guests = await book(place, make_scripts(plan.messages, plan.seed, rate=plan.rate))
    await place.make_company()
    await misbehave(place)
    _say(f"{len(guests)} guests write {plan.messages} messages")
    await asyncio.gather(write_all(place, guests), striking())
    _say("everything is written")
    await until_answered(place, guests)
    await place.sim("DELETE", "/faults")
    await asyncio.sleep(plan.settle_s)
    return show(form, plan.seed, await judge(place, guests), place)


async def judge(place: Ground, guests: Sequence[Guest], within_s: float = WITHIN_S) -> Verdict:
    """The verdict as of now."""
    threads = await threads_of(place, guests)
    returns = havoc.returns(place)
    return check(threads, window_s=WINDOW_S, returns=returns, within_s=within_s)


async def until_answered(
    place: Ground,
    guests: Sequence[Guest],
    *,
    within_s: float = LOST_AFTER_S,
    say: Callable[[str], None] | None = None,
) -> None:
    """Until nothing is lost, or nothing more will come."""
    tell = say or _say
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        verdict = await judge(place, guests)
        if not verdict.count("lost"):
            tell("everything is answered")
            return
        await asyncio.sleep(LOOK_S)
    tell(f"{verdict.count('lost')} are still open")


def _say_of(whom: str, text: str) -> None:
    _say(f"{whom}: {text}")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


FORMS: Mapping[str, Callable[[Plan], Coroutine[Any, Any, Report]]] = {
    "kills": kills,
    "servers": servers,
    "freeze": freeze,
    "limits": limits,
}
SHORT: Mapping[str, Plan] = {
    "kills": Plan(messages=200, kills=5, rate=5.0, settle_s=20.0),
    "servers": Plan(messages=200, flushes=3, stops=2, rate=5.0, settle_s=20.0),
    "freeze": Plan(freezes=1, settle_s=10.0),
    "limits": Plan(messages=40),
}
"""What `make bench` runs."""


async def measure() -> dict[str, tuple[list[float], str]]:
    """Every form, short; the whole ones are `python -m bench.crash`."""
    figures: dict[str, tuple[list[float], str]] = {}
    for name, plan in SHORT.items():
        figures |= (await FORMS[name](plan)).figures
    return figures
