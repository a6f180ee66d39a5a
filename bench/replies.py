"""How late a reply starts: the quiet window's end against what the stand-in of the PMS received.

A reply *starts* with the first request for the thread's messages that reaches the stand-in at or
after the end of the window (5 s here) after the guest's last message; that request is the first
thing the job does. The message's moment is the one before it was given to the stand-in, so delivery
of the webhook counts. Guests come at random, BENCH_RATE (3) threads a second, each writing one to
three messages; the rate bucket is off on both sides. In the second form the product is ended by
SIGTERM and started again in the middle, RESTARTS (3) times: `all told` counts the whole absence,
`once ready` counts from /readyz where the window ended while nobody was there. Guests pause
meanwhile: what the PMS cannot deliver it sends again a minute later. Environment: BENCH_SECONDS
(60) a round, BENCH_ROUNDS (3), BENCH_RATE, BENCH_RESTARTS.
"""

import asyncio
import os
import random
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.lab import ACCOUNT, TENANT, UNBOUND, Lab

SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
RATE = float(os.environ.get("BENCH_RATE", "3"))
RESTARTS = int(os.environ.get("BENCH_RESTARTS", "3"))
WINDOW_S = 5.0
PATIENCE_S = 90.0
SAME_MOMENT_S = 0.05
"""The message's moment is taken a little before the product's own clock sees it."""
DELIVERED_S = 1.0
"""Guests pause so long before an end: what they wrote has been delivered."""
WINDOWS = {
    f"NIGHTDESK_CHAT__WINDOW_{kind}_S": str(WINDOW_S)
    for kind in ("CONFIRMED", "OTHER", "ARRIVAL_ACCESS")
}
QUESTIONS = (
    "From what time can we check in?",
    "What is the wifi password please?",
    "Is there a bakery or a small grocery shop somewhere near the flat?",
    "O której godzinie musimy opuścić mieszkanie?",
    "Wo können wir parken?",
    "Could you recommend a restaurant for a birthday dinner with eight people?",
)


@dataclass(slots=True, kw_only=True)
class Asked:
    """A thread whose guest has written."""

    thread: int
    last_at: float
    """Monotonic: before the last message was given to the PMS."""
    started_at: float | None = None
    answered_at: float | None = None

    @property
    def due_at(self) -> float:
        return self.last_at + WINDOW_S


class Guests:
    """Writes into threads nobody has written into before, and finds when each was looked at."""

    def __init__(self, lab: Lab, http: aiohttp.ClientSession) -> None:
        self._lab = lab
        self._http = http
        self._dice = random.Random(11)
        account = lab.outside.world.store.accounts[int(ACCOUNT)]
        stays = [r for r in account.reservations.values() if r["status"] in ("new", "modified")]
        self._dice.shuffle(stays)
        self._fresh = [account.conversations_of(stay["id"])[0]["id"] for stay in stays]
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def write_for(self, seconds: float) -> list[Asked]:
        """Guests come for so long; gives their threads when the last has written."""
        until = time.monotonic() + seconds
        writing = []
        while time.monotonic() < until and self._fresh:
            await self.may_write.wait()
            thread, texts = (
                self._fresh.pop(),
                self._dice.sample(QUESTIONS, self._dice.choice((1, 1, 2, 3))),
            )
            writing.append(asyncio.create_task(self._burst(thread, texts)))
            await asyncio.sleep(self._dice.expovariate(RATE))
        if not self._fresh:
            raise RuntimeError("the stand-in has no more threads: fewer rounds, or a lower rate")
        return list(await asyncio.gather(*writing))

    async def _burst(self, thread: int, texts: list[str]) -> Asked:
        at = 0.0
        for text in texts:
            if at:
                await asyncio.sleep(self._dice.uniform(0.3, 2.0))
            await self.may_write.wait()
            at = time.monotonic()
            url = f"{self._lab.outside.base}/sim/hostaway/guest-message"
            body = {"conversationId": thread, "body": text, "webhook": True}
            async with self._http.post(url, json=body) as answer:
                assert answer.status == 200, await answer.text()
        return Asked(thread=thread, last_at=at)

    async def until_answered(self, asked: list[Asked]) -> None:
        """Look through what the stand-in received until every thread was looked at."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self._read(asked)
            if all(one.started_at is not None for one in asked):
                return
            await asyncio.sleep(0.5)

    def _read(self, asked: list[Asked]) -> None:
        looks: dict[str, list[float]] = defaultdict(list)
        sends: dict[str, list[float]] = defaultdict(list)
        for at, method, path in list(self._lab.outside.arrivals.seen):
            (looks if method == "GET" else sends)[path].append(at)
        for one in asked:
            path = f"/hostaway/v1/conversations/{one.thread}/messages"
            one.started_at = next((t for t in looks[path] if t >= one.due_at - SAME_MOMENT_S), None)
            one.answered_at = next((t for t in sends[path] if t >= one.due_at), None)


async def measure() -> dict[str, tuple[list[float], str]]:
    figures: dict[str, tuple[list[float], str]] = {}

    def note(name: str, value: float, unit: str) -> None:
        figures.setdefault(name, ([], unit))[0].append(value)

    lab = Lab(settings=UNBOUND | WINDOWS)
    try:
        await lab.settle()
        await lab.start()
        async with aiohttp.ClientSession() as http:
            guests = Guests(lab, http)
            await asyncio.sleep(3)
            await guests.until_answered(await guests.write_for(5))
            for _ in range(ROUNDS):
                before = lab.cpu_s()
                asked = await guests.write_for(SECONDS)
                await guests.until_answered(asked)
                note("processor a reply", (lab.cpu_s() - before) / len(asked) * 1000, "ms")
                tell("steady", asked, note, ready_at=[])
            if RESTARTS:
                await with_restarts(lab, guests, note)
        note("failed runs of jobs", await failed(lab), "runs")
    finally:
        await lab.end()
    return figures


async def with_restarts(lab: Lab, guests: Guests, note: Any) -> None:
    """Guests write on while the product is ended and started again, so many times."""
    ready_at: list[tuple[float, float]] = []
    each_s = max(2 * WINDOW_S, SECONDS / (RESTARTS + 1))
    writing = asyncio.create_task(guests.write_for(each_s * (RESTARTS + 1)))
    for _ in range(RESTARTS):
        await asyncio.sleep(each_s)
        guests.may_write.clear()
        await asyncio.sleep(DELIVERED_S)
        began = time.monotonic()
        stopped_s = await lab.stop()
        started_s = await lab.start()
        ready_at.append((began, time.monotonic()))
        guests.may_write.set()
        note("restart: SIGTERM until gone", stopped_s, "s")
        note("restart: start until ready", started_s, "s")
    asked = await writing
    await guests.until_answered(asked)
    tell("across restarts, all told", asked, note, ready_at=[])
    tell("across restarts, once ready", asked, note, ready_at=ready_at)


def tell(name: str, asked: list[Asked], note: Any, *, ready_at: list[tuple[float, float]]) -> None:
    """Lateness of the starts, with windows that ended in an absence counted from its end."""

    def due(one: Asked) -> float:
        return next((e for b, e in ready_at if b <= one.due_at < e), one.due_at)

    late = sorted(
        max(0.0, one.started_at - due(one)) for one in asked if one.started_at is not None
    )
    note(f"{name}: threads", len(asked), "threads")
    note(f"{name}: never started", len(asked) - len(late), "threads")
    for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
        at = min(len(late) - 1, int(len(late) * share))
        note(f"{name}: start after the window, {label}", late[at], "s")
    answered = sorted(o.answered_at - due(o) for o in asked if o.answered_at is not None)
    if answered:
        note(f"{name}: replies sent", len(answered), "replies")
        note(f"{name}: reply after the window, p50", answered[len(answered) // 2], "s")
        note(f"{name}: reply after the window, p99", answered[int(len(answered) * 0.99)], "s")


async def failed(lab: Lab) -> float:
    sql = "select count(*) from nightdesk.job_runs where status <> 'done' and tenant_id = "
    return float(await lab.value(f"{sql}'{TENANT}'"))
