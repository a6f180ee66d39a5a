"""One tenant's flood and the others' replies: four tenants, one process, a steady trickle.

What counts is what the outside received: a reply starts with the first look at the guest's thread
after their message. Each round measures the quiet tenants without and then with the flood.
Environment: FLOOD_ROUNDS (3), FLOOD_MESSAGES (10000), FLOOD_BURST (4, into one thread),
FLOOD_CALM_S (90), FLOOD_LIMIT (2000 PMS requests in 10 s; 14 stands for Hostaway's own limits),
FLOOD_PAUSE_S (0.7, between the quiet tenants' messages), FLOOD_SENDERS (24), FLOOD_SEED.
"""

import asyncio
import base64
import itertools
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from app.settings import load_settings
from app.wiring import build
from bench.outside import FIRST_THREAD, QUESTIONS, Account, Outside

ROUNDS = int(os.environ.get("FLOOD_ROUNDS", "3"))
MESSAGES = int(os.environ.get("FLOOD_MESSAGES", "10000"))
CALM_S = float(os.environ.get("FLOOD_CALM_S", "90"))
LIMIT = int(os.environ.get("FLOOD_LIMIT", "2000"))
IS_REAL = LIMIT == 14
PAUSE_S = float(os.environ.get("FLOOD_PAUSE_S", "0.7"))
SEED = int(os.environ.get("FLOOD_SEED", "4"))
BURST = int(os.environ.get("FLOOD_BURST", "4"))
"""Messages one after another into each thread of the flood."""
SENDERS = int(os.environ.get("FLOOD_SENDERS", "24"))
"""Deliveries of the flood under way at a time."""
WINDOW_S = 5.0
"""The product's own quiet window of an inquiry."""
TENANTS = ("flooded", "quiet-one", "quiet-two", "quiet-three")


@dataclass(slots=True, kw_only=True)
class Sent:
    """A quiet tenant's message."""

    account: Account
    thread: int
    at: float
    acked_s: float = 0.0

    def start_s(self) -> float | None:
        """Seconds from the message to the first look at its thread."""
        asked = [when for when, _ in self.account.requests[self.thread] if when >= self.at]
        return asked[0] - self.at if asked else None

    def reply_s(self) -> float | None:
        """Seconds from the message to the reply's arrival at the PMS."""
        sent = [w for w, what in self.account.requests[self.thread] if what == "send"]
        return sent[0] - self.at if sent else None


class Bench:
    """The product in a process of its own, and everything outside of it in this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dice = random.Random(SEED)
        threads, quiet = 60 + MESSAGES * ROUNDS // BURST, 200 if IS_REAL else 4000
        self.accounts = [
            Account(id=str(80001 + n), threads=threads if n == 0 else quiet) for n in range(4)
        ]
        windows = (15, 20) if IS_REAL else (LIMIT, LIMIT)
        self.outside = Outside(self.accounts, per_address=windows[0], per_account=windows[1])
        self.hooks: dict[str, tuple[str, dict[str, str]]] = {}
        self.fresh = {account.id: itertools.count(FIRST_THREAD) for account in self.accounts}
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        base = await self.outside.start()
        own = 18 if IS_REAL else LIMIT
        self.environment = {
            "NIGHTDESK_DATA__DIR": str(self.folder),
            "NIGHTDESK_SERVER__PUBLIC_PORT": str(self.port),
            "NIGHTDESK_SERVER__DESK_PORT": "0",
            "NIGHTDESK_HOSTAWAY__BASE_URL": f"{base}/v1",
            "NIGHTDESK_HOSTAWAY__IP_REQUESTS": str(LIMIT),
            "NIGHTDESK_HOSTAWAY__ACCOUNT_REQUESTS": str(own),
            "NIGHTDESK_LLM__BASE_URL": f"{base}/openai/v1",
            "NIGHTDESK_CHAT__WINDOW_OTHER_S": str(WINDOW_S),
            "NIGHTDESK_TELEMETRY__LOG_LEVEL": "WARNING",
            "OPENAI_API_KEY": "bench",
        }
        await self._make_tenants()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.main"], env={**os.environ, **self.environment}
        )
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        while True:
            try:
                async with self.http.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
        await asyncio.sleep(5)

    async def stop(self) -> None:
        if self.http is not None:
            await self.http.close()
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self.process.wait, 60)
        await self.outside.stop()

    async def _make_tenants(self) -> None:
        """Four tenants that are on, each mirror filled by its own full pass."""
        product = build(load_settings(None, self.environment))
        async with product.opened():
            for name, account in zip(TENANTS, self.accounts, strict=True):
                await product.tenants.add(name, name.title())
                await product.tenants.set_mode(name, "on")
                made = await product.tenants.add_account(
                    name, external_id=account.id, client_secret="bench"
                )
                login, password = made.webhook_logins[0]
                basic = base64.b64encode(f"{login}:{password}".encode()).decode()
                url = f"http://127.0.0.1:{self.port}/webhook/hostaway/{made.account_key}"
                headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
                self.hooks[account.id] = (url, headers)
            while True:
                runs = await product.jobs.recent_runs(limit=500)
                done = [r for r in runs if r["kind"] == "pms.full_sync" and r["status"] == "done"]
                if len({r["tenant_id"] for r in done}) == len(TENANTS):
                    return
                await asyncio.sleep(0.5)

    async def write(self, account: Account, thread: int, text: str) -> float:
        """A guest's message reaches the PMS and its webhook us; seconds to the acknowledgement."""
        row = account.write(thread, text, is_incoming=True)
        event = {"object": "conversationMessage", "event": "message.received"}
        body = {**event, "accountId": int(account.id), "data": row}
        url, headers = self.hooks[account.id]
        assert self.http is not None
        began = time.monotonic()
        while True:
            try:
                async with self.http.post(url, json=body, headers=headers) as answer:
                    if answer.status == 200:
                        return time.monotonic() - began
                    assert answer.status == 503, await answer.text()
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.5)

    async def trickle(self, ends: asyncio.Event, sent: list[Sent]) -> None:
        """Quiet tenants' guests write, each into a thread of their own."""
        writing: set[asyncio.Task[None]] = set()
        for account, number in zip(itertools.cycle(self.accounts[1:]), itertools.count()):
            if ends.is_set():
                break
            one = Sent(account=account, thread=next(self.fresh[account.id]), at=time.monotonic())
            sent.append(one)
            task = asyncio.create_task(self._write_one(one, QUESTIONS[number // 3 % 3]))
            writing.add(task)
            task.add_done_callback(writing.discard)
            await asyncio.sleep(PAUSE_S * self.dice.uniform(0.5, 1.5))
        await asyncio.gather(*writing)

    async def _write_one(self, one: Sent, text: str) -> None:
        one.acked_s = await self.write(one.account, one.thread, text)

    async def flood(self) -> float:
        """All messages of a flood, as fast as they are taken; seconds until the last was."""
        account = self.accounts[0]
        threads = iter([next(self.fresh[account.id]) for _ in range(MESSAGES // BURST)])
        began = time.monotonic()

        async def send() -> None:
            for thread in threads:
                for number in range(BURST):
                    question = QUESTIONS[number % 3]
                    await self.write(account, thread, f"{question} ({number})")

        await asyncio.gather(*(send() for _ in range(SENDERS)))
        return time.monotonic() - began

    def unanswered(self, first: int) -> list[int]:
        """Threads of the flood that have no reply yet."""
        account = self.accounts[0]
        threads = [t for t in account.messages if t >= first]
        return [t for t in threads if all(m["isIncoming"] for m in account.messages[t])]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[18]


async def measured(bench: Bench, work: Any) -> list[Sent]:
    """What the quiet tenants' guests wrote while a work was under way, all of it answered."""
    ends, sent = asyncio.Event(), list[Sent]()
    trickling = asyncio.create_task(bench.trickle(ends, sent))
    await work
    ends.set()
    await trickling
    until = time.monotonic() + 300
    while any(one.reply_s() is None for one in sent) and time.monotonic() < until:
        await asyncio.sleep(0.5)
    return sent


async def measure() -> dict[str, tuple[list[float], str]]:
    folder = Path(tempfile.mkdtemp(prefix="nightdesk-flood-"))
    bench = Bench(folder)
    figures: dict[str, tuple[list[float], str]] = {}

    def note(name: str, value: float, unit: str) -> None:
        figures.setdefault(name, ([], unit))[0].append(value)
        print(f"  {name}: {value:.3f} {unit}", flush=True)

    try:
        await bench.start()
        for _ in range(ROUNDS):
            await one_round(bench, note)
        note("peak of PMS requests in 10 s", bench.outside.address.peak, "requests")
        note("requests the PMS refused", bench.outside.refused, "requests")
    finally:
        await bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return figures


async def one_round(bench: Bench, note: Any) -> None:
    calm = await measured(bench, asyncio.sleep(CALM_S))
    took_s: list[float] = []

    async def flooding() -> None:
        first = FIRST_THREAD
        began = time.monotonic()
        known = set(bench.accounts[0].messages)
        took_s.append(await bench.flood())
        while len([t for t in bench.unanswered(first) if t not in known]) > 0:
            await asyncio.sleep(1)
        took_s.append(time.monotonic() - began)

    flooded = await measured(bench, flooding())
    for name, sent in (("calm", calm), ("flooded", flooded)):
        starts = [s for one in sent if (s := one.start_s()) is not None]
        replies = [s for one in sent if (s := one.reply_s()) is not None]
        note(f"{name}: quiet tenants' messages", len(sent), "messages")
        note(f"{name}: without a reply", len(sent) - len(replies), "messages")
        note(f"{name}: reply start after the message, p50", statistics.median(starts), "s")
        note(f"{name}: reply start after the message, p95", p95(starts), "s")
        note(f"{name}: lateness of the start, p95", p95(starts) - WINDOW_S, "s")
        note(f"{name}: reply arrives after the message, p95", p95(replies), "s")
        note(f"{name}: webhook acknowledged, p95", p95([one.acked_s for one in sent]) * 1000, "ms")
    note("flood: taken by the webhook", MESSAGES / took_s[0], "per second")
    note("flood: taken and answered in", took_s[1], "s")
    before, after = (p95([s for o in sent if (s := o.start_s())]) for sent in (calm, flooded))
    note("quiet tenants' reply start p95, flooded against calm", (after / before - 1) * 100, "%")
    before, after = (p95([s for o in sent if (s := o.reply_s())]) for sent in (calm, flooded))
    note("quiet tenants' reply arrival p95, flooded against calm", (after / before - 1) * 100, "%")
