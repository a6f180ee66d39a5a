"""Makes what was already written before today: automations, guests and people of the company."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.sim.places import Place
from app.sim.rows import Row
from app.sim.stays import Stay

CONFIRMED = frozenset({"new", "modified"})
_SHOWN_AHEAD_DAYS = 45
"""Only threads of current and coming stays have a history; the others are empty."""

_GUEST_LINES = {
    "pl": ("Dzień dobry, czy można zostawić bagaże?", "Dziękujemy, do zobaczenia!"),
    "de": ("Hallo, gibt es einen Supermarkt in der Nähe?", "Vielen Dank, bis bald!"),
    "en": ("Hi! Is there a supermarket close by?", "Great, thanks a lot 🙏"),
    "ar": ("مرحبا، هل يوجد موقف قريب؟", "شكرا جزيلا"),
}
_HOST_LINES = {
    "pl": "Dzień dobry! Oczywiście, proszę dać znać przed przyjazdem.",
    "de": "Hallo! Ja, gleich um die Ecke. Melden Sie sich gern jederzeit.",
    "en": "Hello! Yes, just around the corner. Let me know if you need anything.",
    "ar": "أهلا بك! نعم، بجانب المبنى.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of a thread's past: who wrote it, when, and Hostaway's own fields."""

    origin: str
    """`guest`, `human`, `automation` or `channel`."""
    at: datetime
    body: str
    fields: Row


def make_history(
    place: Place, listing: Row, stay: Stay, dice: random.Random, now: datetime
) -> list[Line]:
    """The thread's past in order of time; empty for stays that are over or far off."""
    row = stay.row
    arrival, departure = map(date.fromisoformat, (row["arrivalDate"], row["departureDate"]))
    today = now.date()
    if departure < today - timedelta(days=1) or (arrival - today).days > _SHOWN_AHEAD_DAYS:
        return []
    booked = datetime.fromisoformat(row["reservationDate"] + "+00:00")
    lines: list[Line] = []
    if row["status"] in CONFIRMED:
        lines.append(booking_message(place, listing, row, booked + timedelta(minutes=2)))
    if dice.random() < 0.5:
        lines += _small_talk(stay.language, booked + timedelta(hours=dice.randint(1, 20)), dice)
    if row["status"] in CONFIRMED and (arrival - today).days <= 2:
        sent_at = datetime.combine(arrival - timedelta(days=2), now.timetz())
        lines.append(check_in_message(listing, row, sent_at))
    return sorted((line for line in lines if line.at < now), key=lambda line: line.at)


def booking_message(place: Place, listing: Row, row: Row, at: datetime) -> Line:
    """The automation that thanks for a booking; it names no code."""
    body = (
        f"<p>Dear {row['guestFirstName']},</p><p>thank you for booking {listing['name']} in "
        f"{place.city}, {row['arrivalDate']} to {row['departureDate']}. You will get everything "
        f"for your arrival two days before.</p><p>{place.company}</p>"
    )
    return _automation(body, at, 31, "reservationCreated", 0)


def check_in_message(listing: Row, row: Row, at: datetime) -> Line:
    """The automation that tells how to get in, door code and wifi included."""
    code = row.get("doorCode") or listing.get("doorSecurityCode") or "to follow"
    body = (
        f"<p>Hello {row['guestFirstName']}, your stay is near.</p>"
        f"<p>Door code: <b>{code}</b><br>Wifi: {listing.get('wifiUsername')} / "
        f"{listing.get('wifiPassword')}</p><p>{listing.get('specialInstruction') or ''}</p>"
    )
    return _automation(body, at, 32, "beforeCheckIn", -172_800)


def _automation(body: str, at: datetime, number: int, event: str, delta_s: int) -> Line:
    fields: Row = {
        "communicationId": 880_000 + number,
        "communicationEvent": event,
        "communicationTimeDeltaSeconds": delta_s,
        "sentUsingHostaway": 1,
    }
    return Line(origin="automation", at=at, body=body, fields=fields)


def _small_talk(language: str, at: datetime, dice: random.Random) -> list[Line]:
    first, last = _GUEST_LINES[language]
    later = at + timedelta(minutes=dice.randint(5, 90))
    lines = [
        Line(origin="guest", at=at, body=first, fields={}),
        Line(origin="human", at=later, body=_HOST_LINES[language], fields={}),
    ]
    if dice.random() < 0.5:
        thanks_at = later + timedelta(minutes=4)
        lines.append(Line(origin="guest", at=thanks_at, body=last, fields={}))
    return lines
