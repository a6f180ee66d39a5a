"""The webhook under load: durable insert, then 200, while the product does its whole work.

The product runs as a child as in production, its inbox drained, windows armed, jobs at work under
Hostaway's own rate limits. Every request is a real one: keep-alive, Basic login, a message of its
own in one of some thousand threads. `steady` is 200 requests a second at fixed times, latency from
the intended start; `hard` is as many as are answered with all connections busy, beside the floor
(bench/floor.py) on the same PostgreSQL, in turns. Processor time per 1,000 requests hardly depends
on the machine's other load. Environment: BENCH_SECONDS (60), BENCH_ROUNDS (3), BENCH_RATE (200).
"""

import asyncio
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson

from bench import shots
from bench.lab import TENANT, Lab, cpu_s, free_port, freed

SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
RATE = float(os.environ.get("BENCH_RATE", "200"))
HARD_S = max(3.0, SECONDS / 6)
CONNECTIONS = 32
OPEN_ROWS = f"select count(*) from t_{TENANT}.inbox where handled_at is null"
WORDS = (
    "Hello, we arrive tonight at about nine, is somebody there to let us in?",
    "What is the wifi password please? The one on the fridge does not work.",
    "Dzień dobry, o której godzinie możemy się zameldować i gdzie zaparkować samochód?",
    "Guten Tag, dürfen wir unseren kleinen Hund mitbringen? Er ist sehr ruhig.",
    "Could you recommend a restaurant nearby for a birthday dinner with eight people?",
    "Is there an iron and a hair dryer in the apartment? And how many towels do we get?",
    "Thank you so much, that was really helpful!",
    "نصل غدا في المساء، هل يمكن الدخول في وقت متأخر؟",
    "Our flight was delayed by four hours, so we will come after midnight. Is that fine with you?",
    "Can we stay one night longer? We love the place.",
)


class Messages:
    """The n-th message of a guest, as Hostaway's webhook has it."""

    def __init__(self, lab: Lab, threads: list[dict[str, Any]], sample: dict[str, Any]) -> None:
        self._path, self._authorization = lab.hook()
        self._threads = threads
        self._sample = sample
        self._dice = random.Random(9)
        self._base = int(time.time()) % 10_000_000 * 1_000_000

    def body(self, number: int) -> bytes:
        thread = self._threads[self._dice.randrange(len(self._threads))]
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        data = self._sample | {
            "id": self._base + number, "conversationId": thread["id"],
            "reservationId": thread["reservationId"], "listingMapId": thread["listingMapId"],
            "body": f"{self._dice.choice(WORDS)} {self._dice.choice(WORDS)} ({number})",
            "isIncoming": 1, "status": "sent", "communicationId": None,
            "communicationEvent": None, "date": now, "insertedOn": now, "updatedOn": now,
        }  # fmt: skip
        event = {"object": "conversationMessage", "event": "message.received"}
        return orjson.dumps({**event, "accountId": data["accountId"], "data": data})

    def to_product(self, number: int) -> bytes:
        return shots.request(self._path, self._authorization, self.body(number))

    def to_floor(self, number: int) -> bytes:
        return shots.request("/one", self._authorization, self.body(number))

    def to_explicit_floor(self, number: int) -> bytes:
        return shots.request("/explicit", self._authorization, self.body(number))


async def measure() -> dict[str, tuple[list[float], str]]:
    figures: dict[str, tuple[list[float], str]] = {}

    def note(name: str, value: float, unit: str) -> None:
        figures.setdefault(name, ([], unit))[0].append(value)

    lab = Lab()
    try:
        await lab.settle()
        await lab.start()
        messages = await messages_of(lab)
        floor_port = free_port()
        floor = subprocess.Popen(
            [sys.executable, "-m", "bench.floor", lab.database_url, str(floor_port)]
        )
        with freed(floor):
            await _until_open(floor_port)
            number = await warm_up(lab, floor_port, messages)
            for _ in range(ROUNDS):
                number = await steady_round(lab, floor_port, messages, number, note)
                number = await hard_round(lab, floor, floor_port, messages, number, note)
    finally:
        await lab.end()
    return figures


async def warm_up(lab: Lab, floor_port: int, messages: Messages) -> int:
    """A little of everything, so that no round is the first."""
    await shots.steady(lab.port, messages.to_product, first=0, rate=50, seconds=4)
    await shots.steady(floor_port, messages.to_floor, first=0, rate=50, seconds=1)
    await shots.steady(floor_port, messages.to_explicit_floor, first=10_000, rate=50, seconds=1)
    await until_drained(lab)
    return 20_000


async def steady_round(lab: Lab, floor_port: int, messages: Messages, first: int, note: Any) -> int:
    run = await shots.steady(
        floor_port, messages.to_floor, first=first, rate=RATE, seconds=SECONDS / 4
    )
    first += len(run.latencies_ms) + 10
    note(f"floor: steady {RATE:.0f}/s: latency p50", run.percentile(0.5), "ms")
    note(f"floor: steady {RATE:.0f}/s: latency p99", run.percentile(0.99), "ms")
    before = lab.cpu_s()
    run = await shots.steady(lab.port, messages.to_product, first=first, rate=RATE, seconds=SECONDS)
    used = lab.cpu_s() - before
    left = await lab.value(OPEN_ROWS)
    name = f"steady {RATE:.0f}/s"
    note(f"{name}: latency p50", run.percentile(0.5), "ms")
    note(f"{name}: latency p99", run.percentile(0.99), "ms")
    note(f"{name}: latency p99.9", run.percentile(0.999), "ms")
    note(f"{name}: latency max", max(run.latencies_ms), "ms")
    note(f"{name}: not answered 200", sum(run.statuses.values()) - run.statuses[200], "requests")
    note(f"{name}: processor of the product", used / run.took_s * 100, "% of a core")
    note(f"{name}: rows not handled yet at the end", left, "rows")
    note(f"{name}: drained afterwards within", await until_drained(lab), "s")
    total = lab.cpu_s() - before
    count = len(run.latencies_ms)
    note("processor per 1,000 messages, all their work", total / count * 1000, "s")
    return first + count + 10


async def hard_round(
    lab: Lab,
    floor: subprocess.Popen[bytes],
    port: int,
    messages: Messages,
    first: int,
    note: Any,
) -> int:
    """The floor, then the product; the ratio is of neighbours in time."""
    rates = {}
    for name, make in (("floor", messages.to_floor), ("floor, begin", messages.to_explicit_floor)):
        before = cpu_s(floor.pid)
        run = await shots.hard(port, make, first=first, seconds=HARD_S, connections=CONNECTIONS)
        first += len(run.latencies_ms) + 100
        used = cpu_s(floor.pid) - before
        rates[name] = run.per_s
        note(f"{name}: hard", run.per_s, "per second")
        note(f"{name}: processor per 1,000 requests", used / len(run.latencies_ms) * 1000, "s")
    before = lab.cpu_s()
    run = await shots.hard(
        lab.port, messages.to_product, first=first, seconds=HARD_S, connections=CONNECTIONS
    )
    first += len(run.latencies_ms) + 100
    used = lab.cpu_s() - before
    left = await lab.value(OPEN_ROWS)
    bad = sum(run.statuses.values()) - run.statuses[200]
    note("product: hard", run.per_s, "per second")
    note("product: hard, latency p99", run.percentile(0.99), "ms")
    note("product: hard, not answered 200", bad, "requests")
    note("product: processor per 1,000 requests, draining included",
         used / len(run.latencies_ms) * 1000, "s")  # fmt: skip
    note("product: drained during the run", (len(run.latencies_ms) - left) / run.took_s,
         "per second")  # fmt: skip
    took_s = await until_drained(lab)
    note("product: drained afterwards", left / took_s if took_s else 0, "per second")
    note("throughput against the floor", run.per_s / rates["floor"] * 100, "%")
    note("throughput against the floor with begin", run.per_s / rates["floor, begin"] * 100, "%")
    return first


async def messages_of(lab: Lab) -> Messages:
    """Messages into the threads that the stand-in has."""
    account = lab.outside.world.store.accounts[int(lab.account.external_id)]  # type: ignore[union-attr]
    threads = list(account.conversations.values())
    thread = next(t for t in account.threads.values() if t)
    sample = lab.outside.world.store.thread(account, thread[0].row["conversationId"])[0]
    return Messages(lab, threads, sample)


async def until_drained(lab: Lab) -> float:
    """Seconds until no row of the inbox is open."""
    began = time.monotonic()
    while await lab.value(OPEN_ROWS):
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def _until_open(port: int) -> None:
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"http://127.0.0.1:{port}/"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
