"""The two directions of a media stream's sound, as LiveKit wants them.

What the caller says comes in frames; what the caller hears is paced, cleared at once, and known by
how far it was heard. Source: Twilio, "Media Streams WebSocket messages".
"""

import asyncio
import base64
import contextlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents.voice import io

from app.clock import Clock
from app.voice.audio import LINE_RATE, SILENCE, Samples, from_mulaw, to_mulaw

PIECE = LINE_RATE // 10
"""Samples of one media message and between two marks: 100 ms."""
SEND_AHEAD_S = 0.3
"""So much more than what is being heard lies at Twilio's end."""
HEARD_FRAME = LINE_RATE * 60 // 1000
"""Samples of one frame of the caller's sound: 60 ms cost a third less than 20 ms. Measured."""
LONGEST_GAP = LINE_RATE
"""A gap in the caller's timestamps is filled with silence, up to a second."""
MARK_LATE_S = 2.0
"""A piece counts as heard so long after its time where its mark never comes back."""


class HeardSound(io.AudioInput):
    """The caller's sound as frames of 60 ms; gaps are silence, so time goes on."""

    def __init__(self) -> None:
        super().__init__(label="phone")
        self._frames: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue()
        self._waiting = bytearray()
        self._next_ms: int | None = None

    async def __anext__(self) -> rtc.AudioFrame:
        """The next frame.

        Raises:
            StopAsyncIteration: the line is closed.
        """
        frame = await self._frames.get()
        if frame is None:
            self._frames.put_nowait(None)
            raise StopAsyncIteration
        return frame

    def on_detached(self) -> None:
        """Nobody listens: what is waiting is forgotten."""
        self._waiting.clear()
        while not self._frames.empty():
            self._frames.get_nowait()

    def push(self, payload: bytes, at_ms: int | None) -> None:
        """Sound that has come, at its place in the stream."""
        if at_ms is not None and self._next_ms is not None and at_ms > self._next_ms:
            missing = min((at_ms - self._next_ms) * LINE_RATE // 1000, LONGEST_GAP)
            self._waiting += bytes([SILENCE]) * missing
        if at_ms is not None:
            self._next_ms = at_ms + len(payload) * 1000 // LINE_RATE
        self._waiting += payload
        while len(self._waiting) >= HEARD_FRAME:
            piece, self._waiting = bytes(self._waiting[:HEARD_FRAME]), self._waiting[HEARD_FRAME:]
            self._frames.put_nowait(_frame(from_mulaw(piece)))

    def end(self) -> None:
        """Nothing more comes."""
        self._frames.put_nowait(None)


@dataclass(slots=True)
class _Segment:
    """One stretch of speech: what was captured between two flushes."""

    sound: bytearray = field(default_factory=bytearray)
    sent: int = 0
    heard: int = 0
    is_whole: bool = False
    is_started: bool = False


class SpokenSound(io.AudioOutput):
    """What the caller hears: paced, cleared at once, and known by how far it was heard.

    Every captured segment ends in exactly one `on_playback_finished`, however it ends.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(
            label="phone",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=LINE_RATE,
        )
        self._clock = clock
        self._segments: deque[_Segment] = deque()
        self._capturing: _Segment | None = None
        self._is_cut = False
        self._is_paused = False
        self._is_over = False
        self._round = 0
        """Counts clears: a mark of an earlier round says nothing any more."""
        self._controls: deque[dict[str, Any]] = deque()
        self._changed = asyncio.Event()
        self._played_until = 0.0
        """When what was sent will have been played, on the loop's clock."""

    # -- what the session asks ---------------------------------------------------------------

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take sound to be played; faster than real time is fine."""
        await super().capture_frame(frame)
        if self._is_cut:
            return
        if self._capturing is None:
            self._capturing = _Segment()
            self._segments.append(self._capturing)
        samples = np.frombuffer(frame.data, dtype=np.int16)
        self._capturing.sound += to_mulaw(samples)
        self._changed.set()
        if self._is_over:
            self.clear_buffer()

    def flush(self) -> None:
        """The segment is whole."""
        super().flush()
        if self._capturing is not None:
            self._capturing.is_whole = True
        self._capturing, self._is_cut = None, False
        self._changed.set()

    def clear_buffer(self) -> None:
        """Stop now: nothing more of what was captured is heard."""
        if not self._segments:
            return
        self._is_cut = self._capturing is not None
        self._capturing = None
        self._forget_sent()
        while self._segments:
            segment = self._segments.popleft()
            self._finish(segment, interrupted=True)

    def pause(self) -> None:
        """Fall silent, to go on or to be cleared."""
        self._is_paused = True
        if self._segments:
            self._forget_sent()
            self._segments[0].sent = self._segments[0].heard

    def resume(self) -> None:
        """Go on where the caller last heard."""
        self._is_paused = False
        self._changed.set()

    # -- what the line asks ------------------------------------------------------------------

    def on_mark(self, name: str) -> None:
        """The caller has heard up to a mark."""
        parts = name.split(":")
        if len(parts) != 2 or not all(part.isdigit() for part in parts):
            return
        number, heard = int(parts[0]), int(parts[1])
        if number == self._round and self._segments:
            self._segments[0].heard = min(heard, self._segments[0].sent)
            self._finish_heard()

    def end(self) -> None:
        """The line is gone: whatever was under way ends here."""
        self._is_over = True
        self.clear_buffer()
        self._changed.set()

    async def messages(self) -> Any:
        """Control and media messages to send, paced; ends with the line."""
        loop = asyncio.get_running_loop()
        while not self._is_over:
            if self._controls:
                yield self._controls.popleft()
                continue
            segment = self._segments[0] if self._segments else None
            if segment is None or self._is_paused:
                await self._wait(None)
            elif segment.sent < len(segment.sound):
                ahead_s = self._played_until - loop.time()
                if ahead_s > SEND_AHEAD_S:
                    await self._wait(ahead_s - SEND_AHEAD_S)
                    continue
                for message in self._next_piece(segment, loop.time()):
                    yield message
            elif segment.is_whole:
                late_s = self._played_until + MARK_LATE_S - loop.time()
                if late_s <= 0 or not segment.sound:
                    segment.heard = segment.sent
                    self._finish_heard()
                else:
                    await self._wait(late_s)
            else:
                await self._wait(None)

    def _next_piece(self, segment: _Segment, now: float) -> list[dict[str, Any]]:
        piece = bytes(segment.sound[segment.sent : segment.sent + PIECE])
        segment.sent += len(piece)
        if not segment.is_started:
            segment.is_started = True
            self.on_playback_started(created_at=self._clock.now().timestamp())
        self._played_until = max(self._played_until, now) + len(piece) / LINE_RATE
        payload = base64.b64encode(piece).decode()
        return [
            {"event": "media", "media": {"payload": payload}},
            {"event": "mark", "mark": {"name": f"{self._round}:{segment.sent}"}},
        ]

    async def _wait(self, at_most_s: float | None) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), at_most_s)

    def _forget_sent(self) -> None:
        self._round += 1
        self._played_until = 0.0
        if any(segment.sent > segment.heard for segment in self._segments):
            self._controls.append({"event": "clear"})
        self._changed.set()

    def _finish_heard(self) -> None:
        segment = self._segments[0]
        if segment.is_whole and segment.heard >= len(segment.sound):
            self._segments.popleft()
            self._round += 1
            self._finish(segment, interrupted=False)
            self._changed.set()

    def _finish(self, segment: _Segment, *, interrupted: bool) -> None:
        self.on_playback_finished(
            playback_position=segment.heard / LINE_RATE, interrupted=interrupted
        )


def _frame(samples: Samples) -> rtc.AudioFrame:
    return rtc.AudioFrame(
        data=samples.tobytes(),
        sample_rate=LINE_RATE,
        num_channels=1,
        samples_per_channel=len(samples),
    )
