"""Sees what happens, over HTTP: the stand-ins' control plane and feed, the product's live feed."""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiohttp

from app.sim.rows import Row
from app.sim.timeline import Event

_LOOK_S = 0.05
_AGAIN_S = 0.3
"""Wait before a feed that broke is followed again."""
_READY_S = 60.0
_ENDLESS = aiohttp.ClientTimeout(total=None, sock_connect=5.0)

T = TypeVar("T")


class NotSeen(Exception):
    """What should have happened did not happen in time; the text says what."""


class Witness:
    """Asks the stand-ins and keeps every event of both feeds."""

    def __init__(self, http: aiohttp.ClientSession, sim: str) -> None:
        self.events: list[Event] = []
        """In order of arrival; `at` is the stand-ins' stamp, or when the product's arrived."""
        self._http = http
        self._sim = sim
        self._tasks: set[asyncio.Task[None]] = set()

    async def sim(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """A request to the control plane, which must succeed.

        Raises:
            NotSeen: it was refused.
        """
        url = f"{self._sim}/sim{path}"
        async with self._http.request(method, url, json=body, params=query) as answer:
            if answer.status != 200:
                raise NotSeen(f"the stand-ins refused {path}: {await answer.text()}")
            return await answer.json()

    def follow_sim(self) -> None:
        """Keep the stand-ins' events from their first on."""
        self._spawn(self._follow(f"{self._sim}/sim/events", {}, _as_sim))

    async def follow_product(self, desk: str, token: str) -> None:
        """Keep the product's live feed; comes back when it listens.

        Raises:
            NotSeen: the feed cannot be had.
        """
        headers = {"Authorization": f"Bearer {token}"}
        connected = asyncio.Event()
        self._spawn(self._follow(f"{desk}/live", headers, _as_product, connected))
        try:
            await asyncio.wait_for(connected.wait(), _READY_S)
        except TimeoutError as problem:
            raise NotSeen("the product's live feed does not answer") from problem

    async def until(
        self, find: Callable[[], T], what: str, within_s: float = 25.0, *, look_s: float = _LOOK_S
    ) -> T:
        """What a look finds, once it finds something.

        Raises:
            NotSeen: it found nothing in time.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    if found := find():
                        return found
                    await asyncio.sleep(look_s)
        except TimeoutError as problem:
            raise NotSeen(f"{what}: not within {within_s:.0f} s") from problem

    async def until_asked(
        self, ask: Callable[[], Awaitable[T]], what: str, within_s: float = 60.0
    ) -> T:
        """What a question answers, once the answer says something.

        Raises:
            NotSeen: it said nothing in time.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    if found := await ask():
                        return found
                    await asyncio.sleep(4 * _LOOK_S)
        except TimeoutError as problem:
            raise NotSeen(f"{what}: not within {within_s:.0f} s") from problem

    async def answers(self, url: str) -> bool:
        """Whether a page answers 200 now."""
        try:
            async with self._http.get(url) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def close(self) -> None:
        """Follow nothing any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(
        self,
        url: str,
        headers: Mapping[str, str],
        as_event: Callable[[Row], Event],
        connected: asyncio.Event | None = None,
    ) -> None:
        last_id = 0
        while True:
            more = {"Last-Event-ID": str(last_id)}
            try:
                async with self._http.get(
                    url, headers={**headers, **more}, timeout=_ENDLESS
                ) as answer:
                    if answer.status == 200:
                        if connected is not None:
                            connected.set()
                        async for row in rows_of(answer.content):
                            last_id = row.get("id", last_id)
                            self.events.append(as_event(row))
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(_AGAIN_S)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)


async def rows_of(lines: AsyncIterable[bytes]) -> AsyncIterator[Row]:
    """The JSON objects of a stream of server-sent events."""
    async for line in lines:
        if line.startswith(b"data:"):
            yield json.loads(line.removeprefix(b"data:"))


def _as_sim(row: Row) -> Event:
    return row | {"from": "sim", "at": datetime.fromisoformat(row["at"])}


def _as_product(row: Row) -> Event:
    return row | {"from": "product", "at": datetime.now(UTC)}
