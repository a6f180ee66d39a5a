"""A line over Twilio Media Streams: 8 kHz mu-law in JSON, played from a queue at Twilio's end.

What is sent ahead of being heard is kept short, so an interruption loses little; a mark behind
every piece tells how far the caller has heard. Source: Twilio, "Media Streams WebSocket messages".
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from typing import Any, Protocol

import orjson

from app.clock import Clock
from app.voice.phone_sound import HeardSound, SpokenSound

DEAD_AFTER_S = 5.0
"""Sound comes every 20 ms: so long without any message, the socket is dead."""


class Socket(Protocol):
    """The websocket under a line."""

    async def receive(self) -> str | None:
        """The next text message; none once it is closed."""

    async def send(self, text: str) -> None:
        """Send a text message.

        Raises:
            OSError: it is closed.
        """

    async def close(self, code: int = 1000) -> None:
        """Close it; closing twice is no error."""


class PhoneLine:
    """One media stream of the carrier."""

    def __init__(self, socket: Socket, *, stream_sid: str, clock: Clock) -> None:
        self._socket = socket
        self._stream_sid = stream_sid
        self.input = HeardSound()
        self.output = SpokenSound(clock)
        self.closed = asyncio.Event()
        self._keys: Callable[[str], None] | None = None

    def on_key(self, heard: Callable[[str], None]) -> None:
        """Tell who hears the telephone's keys."""
        self._keys = heard

    async def hang_up(self) -> None:
        """Close the stream; Twilio goes on with the action of its `<Connect>`."""
        self._end()
        await self._socket.close()

    async def run(self) -> None:
        """Carry sound both ways until either side ends it."""
        sending = asyncio.ensure_future(self._send())
        try:
            await self._receive()
        finally:
            self._end()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await self._socket.close()

    async def _receive(self) -> None:
        while not self.closed.is_set():
            try:
                text = await asyncio.wait_for(self._socket.receive(), DEAD_AFTER_S)
            except TimeoutError:
                return
            if text is None or not self._take(message_of(text)):
                return

    def _take(self, message: dict[str, Any]) -> bool:
        """Act on a message; whether the stream goes on. What is malformed is passed over."""
        event = message.get("event")
        part = message.get(event) if isinstance(event, str) else None
        content = part if isinstance(part, dict) else {}
        if event == "stop":
            return False
        if event == "media":
            if (payload := payload_of(content)) is not None:
                at = str(content.get("timestamp", ""))
                self.input.push(payload, int(at) if at.isdecimal() and len(at) < 12 else None)
        elif event == "mark":
            self.output.on_mark(str(content.get("name")))
        elif event == "dtmf" and self._keys is not None:
            digit = str(content.get("digit", ""))
            if len(digit) == 1 and digit in "0123456789*#":
                self._keys(digit)
        return True

    async def _send(self) -> None:
        try:
            async for message in self.output.messages():
                await self._socket.send(
                    orjson.dumps({**message, "streamSid": self._stream_sid}).decode()
                )
        except OSError:
            self._end()

    def _end(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self.input.end()
            self.output.end()


def message_of(text: str) -> dict[str, Any]:
    """A message as a mapping; an empty one where it is none."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def payload_of(media: dict[str, Any]) -> bytes | None:
    """The caller's mu-law bytes; none where the message holds something else."""
    if media.get("track", "inbound") != "inbound":
        return None
    try:
        return base64.b64decode(str(media.get("payload", "")), validate=True) or None
    except (binascii.Error, ValueError):
        return None
