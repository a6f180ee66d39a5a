"""May this guest have codes now? Pure, and the only place where that is decided."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.pms.records import OWNER, Listing, Reservation

Reason = Literal[
    "open", "not_confirmed", "dates_unspecified", "owner", "too_early", "previous_stay", "over",
    "not_paid", "agreement_missing", "listing_archived", "several_stays", "unknown_stay",
    "unproven", "unproven_by_code",
]  # fmt: skip
SIGNED = frozenset({"signed", "not_required"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """What a tenant demands before codes are given."""

    hours_before_arrival: float = 24.0
    grace_min: int = 60
    requires_payment: bool = False
    requires_agreement: bool = False
    owner_stays: bool = False
    is_code_static: bool = False
    """The code stands at the listing and does not change between stays."""
    default_check_in_hour: int = 15
    default_check_out_hour: int = 11
    default_time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The decision, with the window it holds for (aware, in the listing's zone)."""

    allowed: bool
    reason: Reason
    opens_at: datetime | None = None
    closes_at: datetime | None = None


NO_STAY = Access(allowed=False, reason="unknown_stay")
SEVERAL_STAYS = Access(allowed=False, reason="several_stays")
"""Until somebody says which of the guest's stays is meant."""


def can_access(
    reservation: Reservation,
    listing: Listing,
    policy: AccessPolicy,
    now: datetime,
    *,
    previous_check_out_at: datetime | None = None,
) -> Access:
    """Whether codes may be given now (aware UTC), why (not), from when and until when.

    Args:
        reservation: the booking that asks.
        listing: where it stays; its zone decides, missing: the tenant's.
        policy: what the tenant demands.
        now: the moment, aware.
        previous_check_out_at: when the stay before leaves; holds back a static code.
    """
    if (refusal := _standing_refusal(reservation, listing, policy)) is not None:
        return Access(allowed=False, reason=refusal)
    opens_at = check_in_at(reservation, listing, policy) - timedelta(
        hours=policy.hours_before_arrival
    )
    closes_at = check_out_at(reservation, listing, policy) + timedelta(minutes=policy.grace_min)
    reason: Reason = "too_early"
    if policy.is_code_static and previous_check_out_at and previous_check_out_at > opens_at:
        opens_at, reason = previous_check_out_at, "previous_stay"
    zone = zone_of(listing, policy)
    window = {"opens_at": opens_at.astimezone(zone), "closes_at": closes_at.astimezone(zone)}
    if now < opens_at:
        return Access(allowed=False, reason=reason, **window)
    if now >= closes_at:
        return Access(allowed=False, reason="over", **window)
    is_guest = reservation.status != OWNER
    if is_guest and policy.requires_payment and reservation.is_paid is not True:
        return Access(allowed=False, reason="not_paid", **window)
    if is_guest and policy.requires_agreement and reservation.agreement not in SIGNED:
        return Access(allowed=False, reason="agreement_missing", **window)
    return Access(allowed=True, reason="open", **window)


def check_in_at(reservation: Reservation, listing: Listing, policy: AccessPolicy) -> datetime:
    """When the stay begins, aware UTC."""
    hour = _first(reservation.check_in_hour, listing.check_in_hour, policy.default_check_in_hour)
    return _moment(reservation.arrival_on, hour, zone_of(listing, policy))


def check_out_at(reservation: Reservation, listing: Listing, policy: AccessPolicy) -> datetime:
    """When the stay ends, aware UTC; a late check-out stands on the reservation."""
    hour = _first(reservation.check_out_hour, listing.check_out_hour, policy.default_check_out_hour)
    return _moment(reservation.departure_on, hour, zone_of(listing, policy))


def whole_minute(moment: datetime) -> datetime:
    """The moment as it is told to people: by then access is open, never a little later."""
    exact = moment.astimezone(UTC)
    begun = exact.replace(second=0, microsecond=0)
    told = begun if begun == exact else begun + timedelta(minutes=1)
    return told.astimezone(moment.tzinfo)


def zone_of(listing: Listing, policy: AccessPolicy) -> ZoneInfo:
    """The listing's zone; the tenant's where it has none, or one nobody knows."""
    return own_zone_of(listing) or _zone(policy.default_time_zone) or ZoneInfo("UTC")


def own_zone_of(listing: Listing) -> ZoneInfo | None:
    """The zone that the listing itself names; none where it names none, or one nobody knows."""
    return _zone(listing.time_zone)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _standing_refusal(
    reservation: Reservation, listing: Listing, policy: AccessPolicy
) -> Reason | None:
    """What no passing of time changes."""
    if reservation.are_dates_unspecified:
        return "dates_unspecified"
    if reservation.status == OWNER:
        if not policy.owner_stays:
            return "owner"
    elif not reservation.is_confirmed:
        return "not_confirmed"
    return "listing_archived" if listing.is_archived else None


def _moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """A local hour as aware UTC: the first moment at which the clock there has come to it.

    An hour that comes twice counts when it comes first; one that is skipped, when the gap ends.
    """
    wanted = datetime.combine(day, time(hour))
    moment = wanted.replace(tzinfo=zone).astimezone(UTC)
    too_early = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if moment <= too_early:
        return moment
    while moment - too_early > timedelta(seconds=1):
        middle = too_early + (moment - too_early) / 2
        if middle.astimezone(zone).replace(tzinfo=None) >= wanted:
            moment = middle
        else:
            too_early = middle
    return moment.replace(microsecond=0)


def _first(*hours: int | None) -> int:
    return next(hour for hour in hours if hour is not None)
