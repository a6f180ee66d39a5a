"""What happens in the stand-ins, as a live feed: kept for a while and followed over SSE."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable

from app.sim.clock import SimClock
from app.sim.rows import Row

_KEPT = 1000
"""Events kept for those who connect late."""
_BEAT_S = 15.0
"""A comment line goes out this often so that dead connections are noticed."""


class Feed:
    """Events in order, each a dict with `id`, `at`, `type` and its own fields."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._events: deque[Row] = deque(maxlen=_KEPT)
        self._last_id = 0
        self._news = asyncio.Event()
        self._is_closed = False
        self.at_close: set[Callable[[], None]] = set()
        """What else ends when the feed does: other streams, so that the server can stop."""

    def publish(self, kind: str, /, **fields: object) -> None:
        """Add an event and wake everybody who follows."""
        self._last_id += 1
        at = self._clock.now().isoformat(timespec="milliseconds")
        self._events.append({"id": self._last_id, "at": at, "type": kind, **fields})
        self._wake()

    def close(self) -> None:
        """Let every follower end, so that the server can stop."""
        self._is_closed = True
        for end in list(self.at_close):
            end()
        self._wake()

    def since(self, last_id: int) -> list[Row]:
        """The kept events after an id, oldest first."""
        return [event for event in self._events if event["id"] > last_id]

    @property
    def last_id(self) -> int:
        """Id of the newest event, 0 when there is none."""
        return self._last_id

    async def follow(self, last_id: int) -> AsyncIterator[bytes]:
        """Server-sent events after an id, without end until the feed is closed."""
        yield b": the stand-ins' feed\n\n"
        while not self._is_closed:
            news = self._news
            for event in self.since(last_id):
                last_id = event["id"]
                yield f"id: {last_id}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
            try:
                await asyncio.wait_for(news.wait(), _BEAT_S)
            except TimeoutError:
                yield b": still here\n\n"

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
