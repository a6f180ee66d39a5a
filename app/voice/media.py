"""The media streams' websocket: who may open a line, and everything that ends with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.background import Background
from app.clock import Clock
from app.errors import ProductError
from app.voice.phone_line import PhoneLine, message_of
from app.voice.tickets import Ticket, Tickets

logger = logging.getLogger(__name__)

STARTS_WITHIN_S = 5.0
"""A socket that says nothing for so long is closed."""
ENDS_WITHIN_S = 10.0
"""How long a call may take to end once its line is gone."""
REFUSED = 1008
"""The websocket's own code for a policy that was broken."""

Serve = Callable[[Ticket, PhoneLine], Awaitable[None]]


class MediaStreams:
    """Accepts the carrier's sockets and hands each to whoever serves calls."""

    def __init__(
        self, *, tickets: Tickets, serve: Serve, clock: Clock, background: Background
    ) -> None:
        self._tickets = tickets
        self._serve = serve
        self._clock = clock
        self._background = background

    async def accept(self, websocket: WebSocket) -> None:
        """One stream, from its start to its end."""
        await websocket.accept()
        socket = CarrierSocket(websocket)
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                start = await _start_of(socket)
            stated = start.get("customParameters")
            token = stated.get("ticket") if isinstance(stated, dict) else None
            ticket = self._tickets.take(str(token), str(start.get("callSid")))
        except (TimeoutError, ProductError, ValueError, TypeError) as exc:
            logger.warning("media stream refused", extra={"why": str(exc) or "it did not start"})
            await socket.close(REFUSED)
            return
        line = PhoneLine(socket, stream_sid=str(start.get("streamSid", "")), clock=self._clock)
        serving = self._background.spawn("call", self._serving(ticket, line))
        try:
            await line.run()
        finally:
            await asyncio.wait([serving], timeout=ENDS_WITHIN_S)
            serving.cancel()

    async def _serving(self, ticket: Ticket, line: PhoneLine) -> None:
        try:
            await self._serve(ticket, line)
        finally:
            await line.hang_up()


class CarrierSocket:
    """A websocket of the public door as lines want it."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | None:
        """The next text message; none once it is closed. What is no text is passed over."""
        while True:
            if self._websocket.client_state is not WebSocketState.CONNECTED:
                return None
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            if (text := message.get("text")) is not None:
                return str(text)

    async def send(self, text: str) -> None:
        """Send a text message.

        Raises:
            OSError: it is closed.
        """
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as exc:
            raise ConnectionError("the stream is closed") from exc

    async def close(self, code: int = 1000) -> None:
        """Close it; closing twice is no error."""
        states = (self._websocket.client_state, self._websocket.application_state)
        if WebSocketState.DISCONNECTED in states:
            return
        try:
            await self._websocket.close(code)
        except (WebSocketDisconnect, RuntimeError):
            return


async def _start_of(socket: CarrierSocket) -> dict[str, Any]:
    """The stream's `start`, which follows `connected`.

    Raises:
        ValueError: the socket was closed before, or sent something else.
    """
    while (text := await socket.receive()) is not None:
        message = message_of(text)
        if message.get("event") == "start" and isinstance(message.get("start"), dict):
            return {"streamSid": message.get("streamSid"), **message["start"]}
        if message.get("event") not in ("connected", None):
            break
    raise ValueError("the stream did not begin with its start")
