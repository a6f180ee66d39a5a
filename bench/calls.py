"""Calls one after another, ten at a time: what is left of them when the last has hung up.

The product of `bench.voice_server` with providers of fixed latency; callers are this process too,
and close everything of theirs before anything is counted. After a first round, whose caches stay,
the process is looked at, and once more after the last: tasks, open descriptors, sockets, objects of
a call that are still alive, resident memory. Environment: CALLS (100), CALLS_AT_ONCE (10).
"""

import asyncio
import base64
import gc
import json
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from app.sim.mulaw import to_mulaw
from bench.voice_server import served

CALLS = int(os.environ.get("CALLS", "100"))
AT_ONCE = int(os.environ.get("CALLS_AT_ONCE", "10"))
RATE, FRAME = 8000, 160
FRAME_S = FRAME / RATE
SPEAKS_S = 0.6
QUIET_S = 0.5
LONGEST_S = 20.0
SETTLES_S = 15.0
SILENCE = base64.b64encode(b"\xff" * FRAME).decode()
TONE = base64.b64encode(
    to_mulaw((np.sin(np.arange(FRAME) * 2 * np.pi * 200 / RATE) * 9000).astype(np.int16))
).decode()
OF_A_CALL = frozenset(
    {"CallSession", "PhoneLine", "AgentSession", "Turns", "Ledger", "CarrierSocket", "CallRecord"}
)
"""Classes of which nothing may be left once no call runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a process holds while no call runs."""

    tasks: int
    descriptors: int
    sockets: int
    alive: dict[str, int]
    """Objects of calls, by class."""
    resident_mb: float


async def measure() -> dict[str, tuple[list[float], str]]:
    """What is left of every call, and how long one takes."""
    async with served(0) as (_, port):
        url = f"ws://127.0.0.1:{port}/ws"
        await calls(url, AT_ONCE, AT_ONCE, "warm")
        before = await left()
        took = await calls(url, CALLS, AT_ONCE, "call")
        after = await left()
    if after.alive:
        print(f"alive: {after.alive}")
    return {
        f"calls, {AT_ONCE} at a time": ([float(len(took))], "calls"),
        "one call; half hear everything out": (took, "s"),
        "tasks left": ([float(after.tasks - before.tasks)], "tasks"),
        "descriptors left": ([float(after.descriptors - before.descriptors)], "files"),
        "sockets left": ([float(after.sockets - before.sockets)], "sockets"),
        "objects of a call left": ([float(sum(after.alive.values()))], "objects"),
        "memory a call": ([(after.resident_mb - before.resident_mb) / len(took)], "MB"),
    }


async def calls(url: str, count: int, at_once: int, name: str) -> list[float]:
    """So many calls, each answered; seconds of each."""
    turn, took = asyncio.Semaphore(at_once), []

    async def one(number: int) -> None:
        async with turn:
            began = time.perf_counter()
            await call(url, f"{name}-{number}", is_patient=number % 2 == 0)
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(one(number) for number in range(count)))
    return took


async def call(url: str, name: str, *, is_patient: bool) -> None:
    """The greeting heard out, a sentence said, its answer heard; or all that cut short."""
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        await socket.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {"streamSid": f"MZ{name}", "callSid": name, "customParameters": {"ticket": name}}
        await socket.send_json({"event": "start", "streamSid": f"MZ{name}", "start": start})
        caller = _Caller(socket)
        tasks = [asyncio.ensure_future(work) for work in (caller.send(), caller.hear())]
        try:
            async with asyncio.timeout(LONGEST_S):
                await caller.until_answered(0, is_patient=is_patient)
                caller.says_until = asyncio.get_running_loop().time() + SPEAKS_S
                await asyncio.sleep(SPEAKS_S)
                await caller.until_answered(caller.sounds, is_patient=is_patient)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await socket.send_json({"event": "stop", "streamSid": f"MZ{name}", "stop": {}})


class _Caller:
    """One caller's end: frames at their pace, marks given back as they come."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._heard_at = 0.0
        self.sounds = 0
        """Messages with sound that have come."""
        self.says_until = 0.0

    async def send(self) -> None:
        loop = asyncio.get_running_loop()
        began, number = loop.time(), 0
        while True:
            payload = TONE if loop.time() < self.says_until else SILENCE
            media = {"track": "inbound", "timestamp": str(number * 20), "payload": payload}
            await self._socket.send_json({"event": "media", "media": media})
            number += 1
            await asyncio.sleep(max(0.0, began + number * FRAME_S - loop.time()))

    async def hear(self) -> None:
        async for message in self._socket:
            told: dict[str, Any] = json.loads(message.data)
            if told["event"] == "media":
                self.sounds += 1
                self._heard_at = asyncio.get_running_loop().time()
            elif told["event"] == "mark":
                await self._socket.send_json({"event": "mark", "mark": told["mark"]})

    async def until_answered(self, heard: int, *, is_patient: bool) -> None:
        """More sound has come than was known; and then a pause, where the caller waits for it."""
        loop = asyncio.get_running_loop()
        quiet_s = QUIET_S if is_patient else 0.0
        while self.sounds <= heard or loop.time() - self._heard_at < quiet_s:
            await asyncio.sleep(0.05)


async def left() -> Left:
    """What is there once it does not get less any more."""
    until = time.perf_counter() + SETTLES_S
    found = _look()
    while time.perf_counter() < until:
        await asyncio.sleep(1.0)
        again = _look()
        if not again.alive and again.tasks >= found.tasks:
            return again
        found = again
    return found


def _look() -> Left:
    gc.collect()
    names = [os.readlink(path) for path in _descriptors()]
    alive = Counter(
        type(one).__name__ for one in gc.get_objects() if type(one).__name__ in OF_A_CALL
    )
    status = Path("/proc/self/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return Left(
        tasks=len(asyncio.all_tasks()),
        descriptors=len(names),
        sockets=sum(name.startswith("socket:") for name in names),
        alive=dict(alive),
        resident_mb=int(resident.split()[1]) / 1024,
    )


def _descriptors() -> list[Path]:
    return [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
