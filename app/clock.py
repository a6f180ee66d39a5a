"""The clock that business time comes from; tests and the demo may replace it."""

import asyncio
from datetime import UTC, datetime, timedelta


class Clock:
    """Real time."""

    def now(self) -> datetime:
        """This moment, aware, UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of this clock's time."""
        await asyncio.sleep(seconds)


class ManualClock(Clock):
    """A clock that moves only when told to, for tests; sleepers wake when it passes them."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, asyncio.Event]] = []

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on and wake every sleeper whose time has come."""
        self.set(self._now + timedelta(seconds=seconds))

    def set(self, moment: datetime) -> None:
        """Jump to a moment (aware UTC)."""
        self._now = moment
        for until, event in self._sleepers:
            if until <= moment:
                event.set()
        self._sleepers = [(until, event) for until, event in self._sleepers if until > moment]

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved past the given distance."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        event = asyncio.Event()
        self._sleepers.append((self._now + timedelta(seconds=seconds), event))
        await event.wait()
