"""Who may have codes when, worked out a second time from the words of the design and nothing else.

Nothing of the product is asked. Where the product calculates, this looks at a clock: it steps
through real time and reads what the wall at the listing shows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=15)
"""Every offset and every change of the clock since 1990 falls on such a step."""
TAKEN = ("new", "modified", "ownerStay")
"""Statuses in which somebody sleeps there."""


@dataclass(frozen=True, kw_only=True)
class Booked:
    """One booking of a place, as people talk about it."""

    number: int
    guest: str
    status: str
    arrives: date
    leaves: date
    in_hour: int | None = None
    out_hour: int | None = None
    has_no_dates: bool = False
    has_paid: bool | None = None
    agreement: str | None = None
    code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the operator has decided."""

    hours_before: float = 24.0
    grace_min: int = 60
    wants_payment: bool = False
    wants_agreement: bool = False
    owners_too: bool = False
    is_static: bool = False
    """One code for every guest."""
    zone: str | None = None
    """The listing's."""
    own_zone: str = "UTC"
    """The operator's."""
    in_hour: int = 15
    out_hour: int = 11
    is_archived: bool = False
    static_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What ought to be."""

    may_have_codes: bool
    opens: datetime | None = None
    closes: datetime | None = None
    code: str | None = field(default=None)


def clock_shows(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The first moment at which the wall clock shows that day and hour, or anything later."""
    wanted = datetime.combine(day, time(hour))
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    for _ in range(1000):
        if moment.astimezone(zone).replace(tzinfo=None) >= wanted:
            return moment
        moment += STEP
    raise AssertionError("no clock stands still for so long")


def zone_of(rules: Rules) -> ZoneInfo:
    """The listing's zone, else the operator's."""
    try:
        return ZoneInfo(rules.zone or "")
    except (KeyError, ValueError, OSError):
        return ZoneInfo(rules.own_zone)


def comes(booked: Booked, rules: Rules) -> datetime:
    """When the guest may enter."""
    hour = rules.in_hour if booked.in_hour is None else booked.in_hour
    return clock_shows(booked.arrives, hour, zone_of(rules))


def goes(booked: Booked, rules: Rules) -> datetime:
    """When the guest must have left."""
    hour = rules.out_hour if booked.out_hour is None else booked.out_hour
    return clock_shows(booked.leaves, hour, zone_of(rules))


def one_stay(own: Booked, others: Iterable[Booked]) -> list[Booked]:
    """The booking with all that adjoins it of the same guest, in order."""
    if own.status == "ownerStay":
        return [own]
    mine = [b for b in others if b.guest == own.guest and b.status in ("new", "modified")]
    days = {b.arrives: b for b in mine if not b.has_no_dates}
    ends = {b.leaves: b for b in mine if not b.has_no_dates}
    stay = [own]
    while stay[0].arrives in ends:
        stay.insert(0, ends.pop(stay[0].arrives))
    while stay[-1].leaves in days:
        stay.append(days.pop(stay[-1].leaves))
    return stay


def verdict(own: Booked, others: Sequence[Booked], rules: Rules, now: datetime) -> Verdict:
    """Whether codes may be given now for a booking; others are those of the same place."""
    if own.has_no_dates or rules.is_archived:
        return Verdict(may_have_codes=False)
    if own.status not in ("new", "modified") and not (
        own.status == "ownerStay" and rules.owners_too
    ):
        return Verdict(may_have_codes=False)
    stay = one_stay(own, others)
    opens = comes(stay[0], rules) - timedelta(hours=rules.hours_before)
    closes = goes(stay[-1], rules) + timedelta(minutes=rules.grace_min)
    if rules.is_static:
        strangers = [
            b
            for b in others
            if b.guest != own.guest
            and b.status in TAKEN
            and not b.has_no_dates
            and b.leaves <= stay[0].arrives
        ]
        opens = max([opens, *(goes(b, rules) for b in strangers)])
    present = next((b for b in stay if now < goes(b, rules)), stay[-1])
    is_settled = own.status == "ownerStay" or (
        (present.has_paid is True or not rules.wants_payment)
        and (present.agreement in ("signed", "not_required") or not rules.wants_agreement)
    )
    is_open = opens <= now < closes and is_settled
    code = rules.static_code if rules.is_static else present.code
    return Verdict(
        may_have_codes=is_open, opens=opens, closes=closes, code=code if is_open else None
    )
