"""One media stream as Twilio carries it: sound both ways at its own pace, marks, keys, a tape.

What is sent to the caller is a queue, played in real time; marks come back once they are reached,
and all at once after a `clear`. Source: Twilio, "Media Streams WebSocket messages".
"""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from app.sim.mulaw import SILENCE, from_mulaw
from app.sim.tape import RATE, TICK, Tape

TICK_S = TICK / RATE
SILENT_TICK = bytes([SILENCE]) * TICK


@dataclass(slots=True)
class Handset:
    """The caller's end: what is said and pressed, and what is heard as it is heard."""

    speech: deque[bytes] = field(default_factory=deque)
    """mu-law pieces of 20 ms that wait to be said."""
    microphone: deque[bytes] = field(default_factory=deque)
    """The same from a microphone elsewhere; not heard while there is speech."""
    keys: deque[str] = field(default_factory=deque)
    on_heard: Callable[[bytes], None] = lambda _: None
    """Told every 20 ms that are played to the caller."""
    on_cleared: Callable[[], None] = lambda: None
    cushion: int = 0
    """Pieces that a microphone must be ahead after a gap: what comes from far comes unevenly."""
    _is_dry: bool = True

    def next_tick(self) -> bytes:
        """The next 20 ms of what the caller says."""
        if self.speech:
            self.microphone.clear()
            return self.speech.popleft()
        needed = max(self.cushion, 1) if self._is_dry else 1
        self._is_dry = len(self.microphone) < needed
        return SILENT_TICK if self._is_dry else self.microphone.popleft()


class MediaStream:
    """From the stream's start to its stop."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        handset: Handset,
        tape: Tape,
        *,
        stream_sid: str,
        account_sid: str,
        call_sid: str,
    ) -> None:
        self._socket = socket
        self._handset = handset
        self._tape = tape
        self._stream_sid = stream_sid
        self._ids = {"accountSid": account_sid, "callSid": call_sid}
        self._sequence = 0
        self._playing = bytearray()
        self._marks: deque[tuple[int, str]] = deque()
        self._played = 0

    async def run(self, given: Mapping[str, str], over: asyncio.Event) -> None:
        """Carry sound until the hotline closes the socket, or the carrier is told to stop."""
        await self._socket.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        await self._send("start", {**self._start(given)})
        hearing = asyncio.create_task(self._hear())
        try:
            await self._tick(hearing, over)
            if not self._socket.closed:
                await self._send("stop", dict(self._ids))
        except (ConnectionError, aiohttp.ClientError):
            return
        finally:
            hearing.cancel()

    def _start(self, given: Mapping[str, str]) -> dict[str, Any]:
        return {
            "streamSid": self._stream_sid,
            **self._ids,
            "tracks": ["inbound"],
            "customParameters": dict(given),
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1},
        }

    async def _tick(self, hearing: asyncio.Task[None], over: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        began, number = loop.time(), 0
        while not over.is_set() and not hearing.done():
            number += 1
            await asyncio.sleep(max(0.0, began + number * TICK_S - loop.time()))
            said, played = self._handset.next_tick(), self._play()
            self._tape.add(from_mulaw(said), from_mulaw(played))
            self._handset.on_heard(played)
            await self._send(
                "media",
                {
                    "track": "inbound",
                    "chunk": str(number),
                    "timestamp": str((number - 1) * 20),
                    "payload": base64.b64encode(said).decode(),
                },
            )
            await self._send_due()

    def _play(self) -> bytes:
        """The next 20 ms of what the hotline sent."""
        played, self._playing = bytes(self._playing[:TICK]), self._playing[TICK:]
        self._played += len(played)
        return played + SILENT_TICK[len(played) :]

    async def _send_due(self) -> None:
        while self._marks and self._marks[0][0] <= self._played:
            _, name = self._marks.popleft()
            await self._send("mark", {"name": name})
        while self._handset.keys:
            digit = self._handset.keys.popleft()
            await self._send("dtmf", {"track": "inbound_track", "digit": digit})

    async def _send(self, event: str, content: dict[str, Any]) -> None:
        self._sequence += 1
        await self._socket.send_json(
            {
                "event": event,
                "sequenceNumber": str(self._sequence),
                "streamSid": self._stream_sid,
                event: content,
            }
        )

    async def _hear(self) -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            said = json.loads(message.data)
            if said["event"] == "media":
                self._playing += base64.b64decode(said["media"]["payload"])
            elif said["event"] == "mark":
                self._marks.append((self._played + len(self._playing), said["mark"]["name"]))
            elif said["event"] == "clear":
                self._playing.clear()
                self._marks = deque((self._played, name) for _, name in self._marks)
                self._handset.on_cleared()
