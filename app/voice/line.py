"""Where a call's sound comes in and goes out."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from livekit.agents.voice import io


class Line(Protocol):
    """One caller's end of a call, however it is carried."""

    @property
    def input(self) -> io.AudioInput:
        """The caller's sound."""

    @property
    def output(self) -> io.AudioOutput:
        """What the caller hears."""

    @property
    def closed(self) -> asyncio.Event:
        """Set once the caller is gone, or the carrier took the sound away."""

    def on_key(self, heard: Callable[[str], None]) -> None:
        """Tell who hears the telephone's keys (`0` to `9`, `*`, `#`)."""

    async def hang_up(self) -> None:
        """End it from our side; the carrier goes on with what it was told to do next."""
