"""A generator of HTTP requests that costs little: keep-alive connections, bytes made beforehand.

Two ways: `steady` sends at fixed times, whatever came back, and counts latency from the time a
request was meant to go out; `hard` keeps so many connections busy without a pause.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import uvloop

Make = Callable[[int], bytes]
"""The n-th request as bytes, headers included."""
PATIENCE_S = 30.0


@dataclass(slots=True)
class Result:
    """What came of a run."""

    latencies_ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    took_s: float = 0.0

    def note(self, status: int, latency_s: float) -> None:
        self.latencies_ms.append(latency_s * 1000)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    @property
    def per_s(self) -> float:
        return len(self.latencies_ms) / self.took_s

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Line(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("cut"))

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def fire(self, request: bytes) -> int:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = body[length:]
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(int(head[9:12]))


class Gun:
    """Connections to one port."""

    def __init__(self, port: int, make: Make, connections: int) -> None:
        self._port = port
        self._make = make
        self._count = connections
        self._idle: deque[Line] = deque()
        self._waiting: deque[asyncio.Future[Line]] = deque()

    async def open(self) -> None:
        self._idle.extend([await self._new() for _ in range(self._count)])

    def close(self) -> None:
        for line in self._idle:
            if line._transport is not None:
                line._transport.close()

    async def steady(self, first: int, rate: float, seconds: float) -> Result:
        """At `rate` a second for so long; the n-th at its own fixed time."""
        result, loop = Result(), asyncio.get_running_loop()
        began = time.perf_counter() + 0.05
        tasks = []
        for number in range(int(rate * seconds)):
            meant = began + number / rate
            wait_s = meant - time.perf_counter()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            tasks.append(loop.create_task(self._one(first + number, meant, result)))
        await asyncio.wait(tasks, timeout=PATIENCE_S)
        result.took_s = time.perf_counter() - began
        lost = [task for task in tasks if not task.done() or task.exception() is not None]
        result.statuses[0] = len(lost)
        return result

    async def hard(self, first: int, seconds: float) -> Result:
        """As many as are answered within so long, all connections busy."""
        result = Result()
        began, number = time.perf_counter(), first

        async def busy() -> None:
            nonlocal number
            while (now := time.perf_counter()) < began + seconds:
                number += 1
                await self._one(number, now, result)

        await asyncio.gather(*(busy() for _ in range(self._count)))
        result.took_s = time.perf_counter() - began
        return result

    async def _one(self, number: int, meant: float, result: Result) -> None:
        line = await self._take()
        if not line.is_open:
            line = await self._new()
        try:
            status = await line.fire(self._make(number))
        finally:
            self._give_back(line)
        result.note(status, time.perf_counter() - meant)

    async def _take(self) -> Line:
        if self._idle:
            return self._idle.popleft()
        waiter: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return await waiter

    def _give_back(self, line: Line) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(line)
        else:
            self._idle.append(line)

    async def _new(self) -> Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(Line, "127.0.0.1", self._port)
        return line


async def steady(
    port: int, make: Make, *, first: int, rate: float, seconds: float, connections: int = 64
) -> Result:
    """An open-loop run in a thread and loop of its own."""

    async def run() -> Result:
        gun = Gun(port, make, connections)
        await gun.open()
        try:
            return await gun.steady(first, rate, seconds)
        finally:
            gun.close()

    return await asyncio.to_thread(uvloop.run, run())


async def hard(port: int, make: Make, *, first: int, seconds: float, connections: int) -> Result:
    """A closed-loop run in a thread and loop of its own."""

    async def run() -> Result:
        gun = Gun(port, make, connections)
        await gun.open()
        try:
            return await gun.hard(first, seconds)
        finally:
            gun.close()

    return await asyncio.to_thread(uvloop.run, run())


def request(path: str, authorization: str, body: bytes) -> bytes:
    """A POST as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {authorization}\r\n"
        "User-Agent: Hostaway\r\nAccept: */*\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
