"""The clock that business time comes from; tests and the demo may replace it.

It also has a pulse, so that whoever acts on facts can tell whether the process, or its machine,
stood still since it learned them.
"""

import asyncio
from datetime import UTC, datetime, timedelta

BEAT_S = 0.5
"""How often the pulse beats while the process works."""
STILL_S = 5.0
"""A pulse that was missed for so long: the process stood still."""


class Clock:
    """Real time."""

    def __init__(self) -> None:
        self._beat_at: datetime | None = None
        self._stood_until: datetime | None = None

    def now(self) -> datetime:
        """This moment, aware, UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of this clock's time."""
        await asyncio.sleep(seconds)

    def beat(self) -> float:
        """One beat of the pulse; for how many seconds the process stood still before it, if so."""
        now, before = self.now(), self._beat_at
        self._beat_at = now
        stood_s = (now - before).total_seconds() if before is not None else 0.0
        if stood_s <= STILL_S:
            return 0.0
        self._stood_until = now
        return stood_s

    def stood_still_since(self, moment: datetime) -> bool:
        """Whether the process stood still at some time since a moment.

        Right after it the pulse has not beaten yet, and is found to be overdue.
        """
        still = timedelta(seconds=STILL_S)
        if self._beat_at is not None and self.now() - self._beat_at > still:
            return moment < self.now()
        return self._stood_until is not None and self._stood_until >= moment


class ManualClock(Clock):
    """A clock that moves only when told to, for tests; sleepers wake when it passes them."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self._now = start
        self._sleepers: list[tuple[datetime, asyncio.Event]] = []

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on and wake every sleeper whose time has come."""
        self.set(self._now + timedelta(seconds=seconds))

    def stand_still(self, seconds: float) -> None:
        """Move on as a frozen process does: without a beat."""
        self.beat()
        self.advance(seconds)

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
