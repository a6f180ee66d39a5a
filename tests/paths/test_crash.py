"""Killed, robbed of its servers, frozen, held to the real limits: what guests get all the same.

Real processes, short; the long runs are `python -m bench.crash`. What counts is what the stand-ins
of the PMS and of Slack received.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from app.clock import STILL_S
from bench.crash import havoc
from bench.crash.checker import Verdict
from bench.crash.forms import happens, judge, until_answered
from bench.crash.ground import ACCOUNT, WIDE, Ground, ground
from bench.crash.load import FAULTS, Guest, book, misbehave, write_all
from bench.crash.script import CHANGES, WINDOW_S, make_single

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEED = 20
QUIET_S = 3.0
"""A late duplicate would come within this, after everything is answered."""
_numbers = itertools.count(1, 100)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Ground]:
    """Stand-ins and product, in processes of their own, with one company that is on."""
    async with ground(seed=SEED) as opened:
        await opened.make_company()
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _friendly(place: Ground) -> AsyncIterator[None]:
    """The outside is friendly again after each test."""
    yield
    await place.sim("DELETE", "/faults")
    await place.sim("PATCH", "/settings", {"webhook_duplicate": 0.0, "webhook_reorder": 0.0})


async def guests_of(place: Ground, count: int, *, within_s: float = 3.0) -> list[Guest]:
    scripts = make_single(count, SEED, first=next(_numbers), within_s=within_s)
    return await book(place, scripts)


async def verdict_of(place: Ground, guests: Sequence[Guest]) -> Verdict:
    await until_answered(place, guests, say=lambda _: None)
    await asyncio.sleep(QUIET_S)
    return await judge(place, guests)


def broken(verdict: Verdict) -> list[str]:
    """Promises that were broken, lateness excepted: tests are not timed."""
    return [
        f"seed {SEED}: {one.what}: {one.guest}: {one.why}"
        for one in verdict.found
        if one.what != "late"
    ]


async def test_a_product_that_is_killed_twice_answers_everybody_once(place: Ground) -> None:
    await misbehave(place)
    guests = await guests_of(place, 10)

    async def strike(_: int) -> None:
        await havoc.kill_and_restart(place, say=lambda _: None)

    await asyncio.gather(write_all(place, guests), havoc.at_moments([2.0, 5.5], strike))
    verdict = await verdict_of(place, guests)
    assert broken(verdict) == []
    assert verdict.needed == 10


async def test_a_product_that_loses_its_servers_answers_everybody_once(place: Ground) -> None:
    await misbehave(place)
    guests = await guests_of(place, 10)
    pids = [pid for pid, _ in place.servers()]

    async def strike(number: int) -> None:
        do = havoc.kill_valkey if number == 1 else havoc.stop_postgres
        await do(place, say=lambda _: None)

    await asyncio.gather(write_all(place, guests), havoc.at_moments([2.0, 3.5], strike))
    assert broken(await verdict_of(place, guests)) == []
    assert not set(pids) & {pid for pid, _ in place.servers()}


async def test_a_frozen_product_sends_nothing_stale(place: Ground) -> None:
    await place.sim("PATCH", "/settings", {"latency_s": 0.3})
    guests = await guests_of(place, 15, within_s=2.0)
    dice = random.Random(SEED)

    async def world_goes_on() -> None:
        changes = zip(guests, itertools.cycle(CHANGES), strict=False)
        await asyncio.gather(
            *(
                happens(place, guest, change, dice.uniform(0.5, STILL_S))
                for guest, change in changes
            )
        )

    await havoc.freeze_while(
        place,
        write_all(place, guests),
        after_s=WINDOW_S + 1.0,
        for_s=STILL_S + 2.0,
        meanwhile=world_goes_on,
        say=lambda _: None,
    )
    await place.sim("PATCH", "/settings", {"latency_s": 0.0})
    assert broken(await verdict_of(place, guests)) == []


async def test_a_reply_that_is_listed_late_is_not_sent_twice(place: Ground) -> None:
    late = {"kind": "listed_late", "probability": 1.0, "delay_s": 7.0}
    cut = {"kind": "accepted_then_cut", "probability": 1.0}
    for fault in (late, cut):
        await place.sim("POST", "/faults", {"target": "hostaway.send", **fault})
    guests = await guests_of(place, 3, within_s=0.5)
    await write_all(place, guests)
    await until_answered(place, guests, say=lambda _: None)
    await asyncio.sleep(9.0)
    assert broken(await verdict_of(place, guests)) == []


async def test_the_pms_never_sees_more_requests_than_it_allows(place: Ground) -> None:
    await place.sim("DELETE", "/faults")
    await place.kill_product()
    place.extra |= {
        "NIGHTDESK_HOSTAWAY__IP_REQUESTS": "6",
        "NIGHTDESK_HOSTAWAY__ACCOUNT_REQUESTS": "6",
        "NIGHTDESK_HOSTAWAY__WINDOW_S": "2",
    }
    limits = {"rate_ip": 7, "rate_account": 7, "rate_window_s": 2.0}
    throttled = (await account(place))["throttled"]
    await place.sim("PATCH", "/settings", limits)
    await place.start_product()
    guests = await guests_of(place, 6, within_s=1.0)
    await write_all(place, guests)
    assert broken(await verdict_of(place, guests)) == []
    assert (await account(place))["throttled"] == throttled
    await place.sim("PATCH", "/settings", {"rate_ip": WIDE, "rate_account": WIDE})


async def account(place: Ground) -> dict[str, int]:
    state = await place.sim("GET", "/hostaway/state", account=ACCOUNT)
    found: dict[str, int] = state["accounts"][ACCOUNT]
    return found


async def test_the_stand_in_is_as_unfriendly_as_the_promise_says() -> None:
    kinds = {str(fault["kind"]) for fault in FAULTS}
    assert kinds >= {"accepted_then_cut", "500_after_acting", "slow", "listed_late"}
