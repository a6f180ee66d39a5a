"""A first clause synthesised before its route is known: held, then taken or let go."""

import asyncio
from collections.abc import Callable
from typing import Any

from livekit.agents import tts

from app.background import Background


class Foretold:
    """What the voice has in hand, one clause at a time."""

    def __init__(
        self, mouth: tts.TTS[Any], *, speakable: Callable[[str], str], background: Background
    ) -> None:
        self._mouth = mouth
        self._speakable = speakable
        self._background = background
        self._made: tuple[str, tts.ChunkedStream] | None = None

    def prepare(self, clause: str) -> None:
        """Have a clause made that may be said soon; the one before is let go."""
        words = self._speakable(clause).strip()
        if not words or (self._made is not None and self._made[0] == words):
            return
        self._let_go()
        self._made = (words, self._mouth.synthesize(words))

    def spoken(self, clause: str) -> tts.ChunkedStream | None:
        """The clause as sound, perhaps under way already; none where it says nothing."""
        words = self._speakable(clause).strip()
        if not words:
            return None
        if self._made is not None and self._made[0] == words:
            stream, self._made = self._made[1], None
            return stream
        return self._mouth.synthesize(words)

    async def close(self) -> None:
        """Let go of what was never said."""
        if (left := self._let_go()) is not None:
            await left

    def _let_go(self) -> "asyncio.Task[None] | None":
        if self._made is None:
            return None
        (_, stream), self._made = self._made, None
        return self._background.spawn("unsaid", stream.aclose())
