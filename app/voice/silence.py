"""A caller who says nothing is asked, asked again, then told goodbye.

Time runs only while both sides are quiet. A caller who waits for us is not silent: whoever thinks,
speaks or has called a person stops it.
"""

import asyncio
from collections.abc import Callable

from app.background import Background
from app.clock import Clock

ASKED = 2
"""How often before the end."""


class Silence:
    """How long one caller has been quiet, and what follows."""

    def __init__(
        self,
        *,
        after_s: float,
        ask: Callable[[], None],
        give_up: Callable[[], None],
        clock: Clock,
        background: Background,
    ) -> None:
        self._after_s = after_s
        self._ask = ask
        self._give_up = give_up
        self._clock = clock
        self._background = background
        self._asked = 0
        self._waiting: asyncio.Task[None] | None = None

    def quiet(self) -> None:
        """Nobody speaks now, and the caller is to."""
        self.busy()
        self._waiting = self._background.spawn("silence", self._wait())

    def busy(self) -> None:
        """Somebody speaks, or the caller waits for us."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def heard(self) -> None:
        """The caller said something after all."""
        self._asked = 0

    async def _wait(self) -> None:
        await self._clock.sleep(self._after_s)
        self._waiting = None
        if self._asked < ASKED:
            self._asked += 1
            self._ask()
        else:
            self._give_up()
