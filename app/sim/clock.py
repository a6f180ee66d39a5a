"""The stand-ins' own clock: real time moved by an offset that the control plane sets."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class SimClock:
    """Real time plus an offset; dates of the made-up bookings follow it."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self._offset = timedelta(seconds=offset_s)

    def now(self) -> datetime:
        """This moment in the stand-ins' world, aware, UTC."""
        return datetime.now(UTC) + self._offset

    def today(self, zone: str) -> date:
        """The calendar date in an IANA zone."""
        return self.now().astimezone(ZoneInfo(zone)).date()

    def advance(self, seconds: float) -> None:
        """Move on (or back) by so many seconds."""
        self._offset += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        """Jump to a moment (aware); time runs on from there."""
        self._offset = moment - datetime.now(UTC)

    @property
    def offset_s(self) -> float:
        """How far ahead of real time it is, in seconds."""
        return self._offset.total_seconds()
