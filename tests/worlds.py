"""Worlds for property tests of access: places, guests and clocks, drawn by hypothesis or by a seed.

A world is told twice: in the words of `tests.oracle`, and in the product's own records.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from zoneinfo import available_timezones

from app.pms.records import Gated, Listing, Reservation
from app.tenants import Tenant
from tests import oracle
from tests.make import make_listing, make_reservation, make_tenant
from tests.oracle import Booked, Rules

Item = TypeVar("Item")
STATUSES = (
    "new", "modified", "ownerStay", "cancelled", "pending", "unconfirmed", "awaitingPayment",
    "awaitingGuestVerification", "inquiry", "inquiryPreapproved", "inquiryDenied",
    "inquiryTimedout", "inquiryNotPossible", "declined", "expired", "unknown", "confirmed", "NEW",
    "new ", "blocked", "",
)  # fmt: skip
"""Every status that Hostaway has, and some that it has not."""
ODD_ZONES = (
    "Europe/Warsaw", "Asia/Dubai", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
    "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati", "Etc/GMT+12", "America/St_Johns",
    "Africa/Casablanca", "Africa/Cairo", "Antarctica/Troll", "Asia/Pyongyang", "America/Caracas",
    "Europe/Istanbul", "Asia/Gaza", "America/Sao_Paulo", "Asia/Tehran", "UTC",
)  # fmt: skip
"""Half hours and quarters, gaps at midnight and of two hours, rules that changed, the date line."""
CHANGES = (
    date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1), date(2026, 4, 5),
    date(2026, 10, 4), date(2026, 9, 27), date(2011, 12, 30), date(2014, 10, 26), date(2026, 4, 24),
    date(2016, 5, 1), date(2015, 8, 15), date(2018, 11, 4), date(2022, 3, 22), date(2026, 12, 31),
)  # fmt: skip
"""Days on or near which a clock somewhere jumps, and the end of a year."""
NO_ZONES = (None, "", "Mars/Base", "europe/warszawa", "../UTC", "Europe", "UTC+2", "Local")
ZONES = tuple(sorted(available_timezones() - {"localtime", "Factory"}))
GUESTS = ("Ada Kowalska", "Jan Nowak", "Zoe Smith")
PHONES = {name: f"+4850010020{at}" for at, name in enumerate(GUESTS)}
PLACE = "1042"


@dataclass(frozen=True, kw_only=True)
class World:
    """One place with its bookings, the rules, the one who asks, and when."""

    rules: Rules
    own: Booked
    others: Sequence[Booked]
    now: datetime

    @property
    def expected(self) -> oracle.Verdict:
        """What ought to be."""
        return oracle.verdict(self.own, self.others, self.rules, self.now)


class Draw:
    """Choices of one world, by a seed that the test prints when it fails."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def of(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self._random.randrange(len(items))]

    def chance(self, share: float) -> bool:
        """True so often."""
        return self._random.random() < share

    def number(self, least: int, most: int) -> int:
        """A whole number between them."""
        return self._random.randint(least, most)


def a_world(seed: int) -> World:
    """A place where guests follow each other, often to the day, and one of them asks."""
    draw = Draw(seed)
    rules = some_rules(draw)
    bookings = some_bookings(draw)
    own = draw.of(bookings)
    others = [booked for booked in bookings if booked is not own]
    return World(rules=rules, own=own, others=others, now=some_moment(draw, bookings, rules))


def some_rules(draw: Draw) -> Rules:
    """What an operator may have decided, and a listing may say."""
    zone = draw.of((draw.of(ODD_ZONES), draw.of(ODD_ZONES), draw.of(ZONES), draw.of(NO_ZONES)))
    is_static = draw.chance(0.4)
    return Rules(
        hours_before=draw.of((24.0, 24.0, 0.0, 3.0, 0.5, 7.37, 48.0, 100.0)),
        grace_min=draw.of((60, 60, 0, 1, 15, 240)),
        wants_payment=draw.chance(0.25),
        wants_agreement=draw.chance(0.25),
        owners_too=draw.chance(0.5),
        is_static=is_static,
        zone=zone,
        own_zone=draw.of(("UTC", "Europe/Warsaw", "Asia/Dubai")),
        in_hour=draw.of((15, 16, 0, 2, 23)),
        out_hour=draw.of((11, 10, 0, 2, 23)),
        is_archived=draw.chance(0.05),
        static_code="20002" if is_static else None,
    )


def some_bookings(draw: Draw) -> list[Booked]:
    """Guests one after the other around a day on which a clock jumps; some overlap or fall away."""
    day = draw.of(CHANGES) - timedelta(days=draw.number(0, 8))
    bookings: list[Booked] = []
    for number in range(draw.number(1, 6)):
        nights = draw.number(1, 5)
        is_double = draw.chance(0.1) and bool(bookings)
        arrives = bookings[-1].arrives + timedelta(days=1) if is_double else day
        status = draw.of(("new", "new", "modified", "ownerStay", draw.of(STATUSES)))
        strangers = [name for name in GUESTS if not is_double or name != bookings[-1].guest]
        bookings.append(
            Booked(
                number=5000 + number,
                guest="Owner" if status == "ownerStay" else draw.of(strangers),
                status=status,
                arrives=arrives,
                leaves=arrives + timedelta(days=nights),
                in_hour=draw.of((None, None, None, 12, 2, 0, 22)),
                out_hour=draw.of((None, None, None, 14, 2, 0, 18)),
                has_no_dates=draw.chance(0.05),
                has_paid=draw.of((True, True, False, None)),
                agreement=draw.of(("signed", "not_required", "not_signed", None)),
                code=f"7{number}{number}09",
            )
        )
        day = max(b.leaves for b in bookings) + timedelta(days=draw.of((0, 0, 0, 1, 3)))
    return bookings


def some_moment(draw: Draw, bookings: Sequence[Booked], rules: Rules) -> datetime:
    """A moment at or near one at which something changes."""
    booked = draw.of(bookings)
    edges: tuple[Callable[[], datetime], ...] = (
        lambda: oracle.comes(booked, rules),
        lambda: oracle.comes(booked, rules) - timedelta(hours=rules.hours_before),
        lambda: oracle.goes(booked, rules),
        lambda: oracle.goes(booked, rules) + timedelta(minutes=rules.grace_min),
    )
    near = draw.of((0, 0, -1, 1, -60, 60, -3600, 3600, draw.number(-200_000, 200_000)))
    return draw.of(edges)() + timedelta(seconds=near)


def tenant_of(rules: Rules) -> Tenant:
    """The operator's settings."""
    return make_tenant(
        access={
            "hours_before_arrival": rules.hours_before,
            "grace_min": rules.grace_min,
            "requires_payment": rules.wants_payment,
            "requires_agreement": rules.wants_agreement,
            "owner_stays": rules.owners_too,
            "code_source": "listing" if rules.is_static else "reservation",
            "default_check_in_hour": rules.in_hour,
            "default_check_out_hour": rules.out_hour,
            "default_time_zone": rules.own_zone,
        }
    )


def listing_of(rules: Rules, **changes: Any) -> Listing:
    """The place."""
    secrets = {"wifi_password": "river-otter-77"}
    if rules.static_code is not None:
        secrets["door_code"] = rules.static_code
    values: dict[str, Any] = {
        "external_id": PLACE,
        "time_zone": rules.zone,
        "check_in_hour": None,
        "check_out_hour": None,
        "is_archived": rules.is_archived,
        "gated": Gated(secrets=secrets, texts={"specialInstruction": "Ring at Nowak, code 99887."}),
    }
    return make_listing(**{**values, **changes})


def reservation_of(booked: Booked, **changes: Any) -> Reservation:
    """A booking as the mirror holds it; every guest has a name and a number of their own."""
    values: dict[str, Any] = {
        "id": booked.number,
        "external_id": str(booked.number),
        "listing_external_id": PLACE,
        "status": booked.status,
        "arrival_on": booked.arrives,
        "departure_on": booked.leaves,
        "are_dates_unspecified": booked.has_no_dates,
        "check_in_hour": booked.in_hour,
        "check_out_hour": booked.out_hour,
        "guest_name": booked.guest,
        "phone_e164": PHONES.get(booked.guest),
        "is_paid": booked.has_paid,
        "agreement": booked.agreement,
        "gated": Gated(secrets={"door_code": booked.code} if booked.code else {}),
    }
    return make_reservation(**{**values, **changes})
