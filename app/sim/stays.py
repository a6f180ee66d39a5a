"""Makes reservations: stays laid end to end per listing, and the enquiries that came to nothing."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.sim.people import Guest, make_guest
from app.sim.places import Place
from app.sim.rows import Row, utc_text

CHANNELS = {
    2018: "airbnbOfficial",
    2005: "bookingcom",
    2002: "homeaway",
    2000: "direct",
    2013: "bookingengine",
    2007: "expedia",
    2099: "newchannel2026",
}
"""Channel id → name; the last one stands for ids that nobody has heard of."""
HELD = ("new", "new", "new", "modified", "new", "ownerStay", "new", "awaitingPayment")
"""Statuses of stays that hold their dates, in the order they are dealt out."""
LAPSED = (
    *("inquiry", "cancelled", "pending", "inquiryPreapproved", "unconfirmed", "expired"),
    *("awaitingGuestVerification", "inquiryDenied", "inquiryTimedout", "declined"),
    *("inquiryNotPossible", "unknown"),
)
_NO_PHONE_YET = frozenset({"inquiry", "inquiryPreapproved", "pending", "unconfirmed"})
_NIGHTS = (1, 2, 2, 3, 3, 4, 5, 7, 9)
_FEW = 4
"""Below so many stays a listing, they begin at `_STARTS` and not far in the past."""
_STARTS = (-3, -6, 0, 1, 21, 3, -12, 40, 9, -1)
_STEP_DAYS = 4.6
"""About how far apart two stays of a listing begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A reservation row with what only the stand-in knows of its guest."""

    row: Row
    language: str


def make_stays(
    place: Place, listings: list[Row], dice: random.Random, now: datetime, count: int
) -> list[Stay]:
    """So many reservations of the account, spread over its listings and around today."""
    maker = _Maker(place, dice, now, place.account_id * 1000 + 1)
    share, rest = divmod(count, len(listings))
    stays: list[Stay] = []
    for number, listing in enumerate(listings):
        wanted = share + (number < rest)
        held = max(1 if number else 2, round(wanted * 0.72))
        stays += maker.held_stays(listing, number, held)
        stays += [maker.lapsed_stay(listing) for _ in range(wanted - held)]
    _add_noise(stays, place)
    return stays


def make_stay(
    place: Place, listing: Row, dice: random.Random, now: datetime, wanted: Row, first_id: int
) -> Stay:
    """One new reservation, confirmed and paid unless `wanted` says otherwise.

    `wanted` holds Hostaway's own fields; `arrivalInDays` counts from today where the home is, and
    what follows from the given fields (departure, nights, whole name) is worked out.
    """
    maker = _Maker(place, dice, now, first_id)
    given: Row = {"isPaid": 1, "paymentStatus": "Paid", "reservationAgreement": "not_required"}
    given |= wanted
    arrives_in = int(given.pop("arrivalInDays", 14))
    if "arrivalDate" in given:
        arrives_in = (date.fromisoformat(given["arrivalDate"]) - maker.today).days
    nights = int(given.get("nights", 3))
    if "departureDate" in given:
        leaves_in = (date.fromisoformat(given["departureDate"]) - maker.today).days
        nights = leaves_in - arrives_in
    stay = maker.stay(listing, arrives_in, nights, given.get("status", "new"))
    if "guestName" not in given and {"guestFirstName", "guestLastName"} & given.keys():
        named = stay.row | given
        names = (named["guestFirstName"], named["guestLastName"])
        given["guestName"] = " ".join(name for name in names if name)
    return Stay(row=stay.row | given, language=stay.language)


class _Maker:
    """Makes the stays of one account with one set of dice."""

    def __init__(self, place: Place, dice: random.Random, now: datetime, first_id: int) -> None:
        self._place = place
        self._dice = dice
        self._now = now
        self.today = now.astimezone(ZoneInfo(place.zone)).date()
        self._dealt = 0
        self._lapsed = 0
        self._next_id = first_id

    def held_stays(self, listing: Row, number: int, count: int) -> Iterator[Stay]:
        """Stays one after the other; often the next guest comes on the day the last one leaves."""
        arrives_in = -int(count * 0.65 * _STEP_DAYS) - self._dice.randint(0, 3)
        if count < _FEW:
            arrives_in = _STARTS[number % len(_STARTS)]
        for _ in range(count):
            nights = self._dice.choice(_NIGHTS)
            if number == 0 and arrives_in < 0 <= arrives_in + nights:
                nights = -arrives_in  # the first listing changes guests today
            status = HELD[self._dealt % len(HELD)]
            if arrives_in < -30 and status == "awaitingPayment":
                status = "new"
            self._dealt += 1
            yield self.stay(listing, arrives_in, nights, status)
            is_back_to_back = number == 0 or self._dice.random() < 0.4
            arrives_in += nights + (0 if is_back_to_back else self._dice.randint(1, 6))

    def lapsed_stay(self, listing: Row) -> Stay:
        """An enquiry, a request or a cancellation, anywhere around today."""
        status = LAPSED[self._lapsed % len(LAPSED)]
        self._lapsed += 1
        arrives_in = self._dice.randint(1, 90)
        if status in ("cancelled", "declined", "expired", "unknown"):
            arrives_in = self._dice.randint(-120, 60)
        stay = self.stay(listing, arrives_in, self._dice.choice(_NIGHTS), status)
        if status == "inquiry" and self._lapsed // len(LAPSED) % 2:
            yesterday = (self.today - timedelta(days=1)).isoformat()
            stay.row.update(
                isDatesUnspecified=1, arrivalDate=yesterday, departureDate=yesterday, nights=0
            )
        return stay

    def stay(self, listing: Row, arrives_in: int, nights: int, status: str) -> Stay:
        """One reservation from its dates, counted from today."""
        dice, guest = self._dice, make_guest(self._place, self._dice)
        channel = dice.choices((2018, 2005, 2002, 2000, 2013, 2007), (45, 30, 8, 9, 5, 3))[0]
        reservation_id, self._next_id = self._next_id, self._next_id + 1
        code = _confirmation_code(channel, dice)
        reference = f"{self._place.account_id}-{listing['id']}-{channel}-{code or reservation_id}"
        arrival = self.today + timedelta(days=arrives_in)
        row: Row = {
            "id": reservation_id,
            "hostawayReservationId": str(reservation_id),
            "listingMapId": listing["id"],
            "listingName": "" if dice.random() < 0.25 else listing["name"],
            "channelId": channel,
            "channelName": CHANNELS[channel],
            "reservationId": reference,
            "channelReservationId": reference,
            "confirmationCode": code,
            "status": status,
            "arrivalDate": arrival.isoformat(),
            "departureDate": (arrival + timedelta(days=nights)).isoformat(),
            "nights": nights,
            **self._guest(guest, channel, status),
            **self._money(listing, nights, status),
            **self._times(listing, arrives_in, status),
        }
        return Stay(row=row, language=guest.language)

    def _guest(self, guest: Guest, channel: int, status: str) -> Row:
        dice = self._dice
        last = None if status in _NO_PHONE_YET or dice.random() < 0.08 else guest.last_name
        has_phone = status not in _NO_PHONE_YET and dice.random() < 0.85
        adults = dice.choice((1, 2, 2, 2, 3, 4))
        email = f"guest.{dice.randint(10**6, 10**7)}@{CHANNELS[channel]}.example"
        return {
            "guestName": f"{guest.first_name} {last}" if last else guest.first_name,
            "guestFirstName": guest.first_name,
            "guestLastName": last,
            "phone": guest.phone if has_phone else None,
            "guestEmail": None if channel == 2018 else email,
            "guestCountry": guest.country if dice.random() < 0.7 else None,
            "guestLocale": guest.language if dice.random() < 0.3 else None,
            "numberOfGuests": adults,
            "adults": adults,
            "children": dice.choice((0, 0, None, 1)),
            "pets": dice.choice((None, None, 0, 1)),
        }

    def _money(self, listing: Row, nights: int, status: str) -> Row:
        price = round(nights * self._dice.uniform(180, 640), 2)
        is_paid = self._dice.choice((None, None, 1, 1, 0)) if status in HELD else None
        return {
            "totalPrice": price if status != "ownerStay" else 0,
            "currency": listing["currencyCode"],
            "cleaningFee": self._dice.choice((80, 120, None)),
            "isPaid": is_paid,
            "paymentStatus": {None: None, 1: "Paid", 0: "Unpaid"}[is_paid],
            "reservationAgreement": self._dice.choices(
                ("not_required", "signed", "not_signed"), (80, 12, 8)
            )[0],
        }

    def _times(self, listing: Row, arrives_in: int, status: str) -> Row:
        dice = self._dice
        lead = dice.randint(1, 60)
        booked = self._now + timedelta(
            days=min(arrives_in - lead, -1), minutes=-dice.randint(0, 1400)
        )
        changed = min(
            booked + timedelta(minutes=dice.randint(1, lead * 1440)),
            self._now - timedelta(seconds=dice.randint(60, 86_000)),
        )
        changed = max(changed, booked)
        needs_code = listing.get("doorSecurityCode") is None and status in ("new", "modified")
        pushed = needs_code and arrives_in <= 1
        row: Row = {
            "checkInTime": dice.choice((None, None, listing["checkInTimeStart"])),
            "checkOutTime": dice.choice((None, None, listing["checkOutTime"])),
            "doorCode": str(dice.randint(1000, 9999)) if pushed else None,
            "doorCodeVendor": "Hostaway" if pushed else None,
            "guestPortalUrl": f"https://portal.example/r/{dice.getrandbits(64):016x}",
            "reservationDate": utc_text(booked),
            "insertedOn": utc_text(booked + timedelta(seconds=42)),
            "updatedOn": utc_text(changed),
            "latestActivityOn": utc_text(changed),
        }
        if status == "cancelled":
            row |= {"cancellationDate": utc_text(changed), "cancelledBy": "guest"}
        return row


def _confirmation_code(channel: int, dice: random.Random) -> str | None:
    letters = "ABCDEFGHJKMNPQRSTWXYZ2345689"
    if channel == 2018:
        return "HM" + "".join(dice.choices(letters, k=8))
    if channel == 2005:
        return str(dice.randint(10**9, 5 * 10**9))
    if channel == 2002:
        return "HA-" + "".join(dice.choices(letters, k=6))
    return None


def _add_noise(stays: list[Stay], place: Place) -> None:
    """The oddities that every account has a few of, always at the same places."""
    held = [stay.row for stay in stays if stay.row["status"] in ("new", "modified")]
    held[3] |= {"channelId": 2099, "channelName": CHANNELS[2099], "guestTrustSignal": {"tier": 2}}
    held[5] |= {"hostNote": "complained about noise last time", "guestNote": "late flight"}
    for row in held[7:10]:
        row["phone"] = "+48225550199" if place.country_code == "PL" else "+97145550199"
    held[11]["phone"] = held[11]["phone"] and f" {held[11]['phone'][:3]} {held[11]['phone'][3:]}"
    held[12] |= {"ccName": "CARD HOLDER", "ccNumberEndingDigits": "4242", "cvc": None}
    held[13] |= {"isRentalAgreementActive": True, "bookingcomNoShowFeeWaived": False}
