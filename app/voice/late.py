"""The live part of the hotline, loaded once somebody needs it.

Importing livekit takes seconds and memory that a process without hotlines need not pay; the
carrier's webhooks are answered without it.
"""

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from app.events import HandlingChanged
from app.heap import keep_loaded
from app.voice.tickets import Ticket
from app.voice.twilio import MEDIA_PATH

LIVE_MODULE = "app.voice.live"
HEAVY_MODULES = ("livekit.agents", "openai", "av", "numpy", "num2words", "babel.numbers")
"""Imported in a thread; the rest must be on the loop's: LiveKit registers its plugins there."""


class Live(Protocol):
    """What is loaded late."""

    async def accept(self, websocket: WebSocket) -> None:
        """One media stream, from its start to its end."""

    def expect(self, ticket: Ticket) -> None:
        """A call rings."""

    def has_room(self) -> bool:
        """Whether one more call can be served."""

    def may_stream_again(self, call_sid: str) -> bool:
        """Whether the stream of a call broke off and deserves a second try."""

    async def on_handling_changed(self, event: HandlingChanged) -> None:
        """Who speaks in a conversation has changed."""

    async def prepare(self) -> None:
        """Make the greetings that are missing."""

    async def close(self) -> None:
        """End every call, and what they were made with."""


class LateLive:
    """Stands for the live part until it is there."""

    def __init__(self, make: Callable[[Any], Live]) -> None:
        self._make = make
        self._live: Live | None = None
        self._loading = asyncio.Lock()
        self._preparing = asyncio.Lock()
        self._is_preparing_asked = False

    def routes(self) -> list[WebSocketRoute]:
        """The media streams' socket."""
        return [WebSocketRoute(MEDIA_PATH, self.accept)]

    async def load(self) -> Live:
        """The live part, imported in a thread."""
        async with self._loading:
            if self._live is None:
                for name in HEAVY_MODULES:
                    await asyncio.to_thread(import_module, name)
                self._live = self._make(import_module(LIVE_MODULE))
                keep_loaded()
            return self._live

    async def prepare(self) -> None:
        """Make the greetings that are missing, once for however many changes came meanwhile."""
        self._is_preparing_asked = True
        async with self._preparing:
            if self._is_preparing_asked:
                self._is_preparing_asked = False
                await (await self.load()).prepare()

    async def accept(self, websocket: WebSocket) -> None:
        """One media stream."""
        await (await self.load()).accept(websocket)

    def expect(self, ticket: Ticket) -> None:
        """A call rings: what it needs is made ready."""
        if self._live is not None:
            self._live.expect(ticket)

    def has_room(self) -> bool:
        """Whether one more call can be served."""
        return self._live is None or self._live.has_room()

    def may_stream_again(self, call_sid: str) -> bool:
        """Whether the stream of a call broke off and deserves a second try."""
        return self._live is not None and self._live.may_stream_again(call_sid)

    async def on_handling_changed(self, event: HandlingChanged) -> None:
        """Who speaks in a conversation has changed."""
        if self._live is not None:
            await self._live.on_handling_changed(event)

    async def close(self) -> None:
        """End every call."""
        if self._live is not None:
            await self._live.close()
