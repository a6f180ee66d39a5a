"""What the mirror holds: listings, reservations, messages; Hostaway's JSON becomes these here.

Whitelists decide what is kept. Secrets and gated text go into `Gated`, which the store encrypts;
card columns, internal notes and anything unknown are dropped.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import phonenumbers

from app.errors import BadInput
from app.pms.incoming import identifier, small_number

Json = Mapping[str, Any]
Visibility = Literal["public", "gated", "secret"]

LISTING_FIELDS = (
    "id", "name", "internalListingName", "description", "houseRules", "checkInTimeStart",
    "checkInTimeEnd", "checkOutTime", "timeZoneName", "publicAddress", "city", "state", "country",
    "countryCode", "personCapacity", "guestsIncluded", "bedroomsNumber",
    "bedsNumber", "bathroomsNumber", "guestBathroomsNumber", "maxChildrenAllowed",
    "maxInfantsAllowed", "maxPetsAllowed", "instantBookable", "cancellationPolicy", "language",
    "currencyCode", "airbnbSpace", "airbnbTransit", "airbnbNotes", "airbnbNeighborhoodOverview",
    "airbnbInteraction", "airbnbSummary", "wifiUsername", "specialStatus", "propertyTypeId",
)  # fmt: skip
"""Kept as they come; none is gated: `lat` and `lng` would tell the full address.

Source: Hostaway API documentation, listing object.
"""
LISTING_SECRETS = {"doorSecurityCode": "door_code", "wifiPassword": "wifi_password"}
LISTING_GATED_TEXT = {
    "specialInstruction": "specialInstruction",
    "keyPickup": "keyPickup",
    "airbnbAccess": "airbnbAccess",
    "address": "address",
}
RESERVATION_FIELDS = (
    "id", "listingMapId", "channelId", "channelName", "source", "status", "confirmationCode",
    "arrivalDate", "departureDate", "checkInTime", "checkOutTime", "nights",
    "previousArrivalDate", "previousDepartureDate", "isDatesUnspecified", "guestName",
    "guestFirstName", "guestLastName", "guestCountry", "guestCity", "guestLocale",
    "localeForMessaging", "numberOfGuests", "adults", "children", "infants", "pets", "totalPrice",
    "currency", "isPaid", "paymentStatus", "reservationAgreement", "isInstantBooked",
    "reservationDate", "cancellationDate", "cancelledBy", "insertedOn", "updatedOn",
    "latestActivityOn",
)  # fmt: skip
"""Kept as they come. Dropped: card columns, hostNote, e-mail, guestAuthHash, door codes."""
RESERVATION_SECRETS = {"doorCode": "door_code", "guestPortalUrl": "guest_portal_url"}
RESERVATION_GATED_TEXT = {"doorCodeInstruction": "doorCodeInstruction"}

LONGEST_TEXT = 20_000
"""Characters kept of one text of a listing or reservation; a prompt has room for far less."""
LONGEST_MARKUP = 100_000
"""Characters of a message that are looked at, mark-up included."""
LONGEST_MESSAGE = 5_000
"""Characters kept of a message's words: an e-mail quotes the whole thread below what is new.

So many are judged within 100 ms, whatever they are.
"""
LONGEST_LINE = 500
"""Characters of a name, a code or a word."""
LONGEST_CUSTOM = 2_000
"""Characters of a custom field's value, and of a secret: a longer one is none."""
MOST_CUSTOM_FIELDS = 200
"""Of one listing or reservation."""
FIRST_YEAR, LAST_YEAR = 1990, 2200
"""Dates lie within: sums of hours stay far from the ends of the calendar. A stay outside of them is
a way to say that there are no dates, such as `0000-00-00`."""

CUSTOM_FIELD = re.compile(r"\s*(\w{1,60})=([a-z][a-z0-9_]{0,59}):(public|gated|secret)\s*")
"""An entry of `pms.custom_fields`; `app.settings` demands the same form."""

CONFIRMED = frozenset({"new", "modified"})
"""Statuses of a booking that stands; Hostaway's dashboard calls both "Confirmed"."""
OWNER = "ownerStay"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """What one of the PMS's custom fields means to this tenant."""

    external_id: str
    name: str
    visibility: Visibility = "gated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """Values that wait for access; never shown by `repr`, never in a log."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Name of the placeholder → value, such as `door_code`."""
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Field name → text as the PMS has it, secrets still in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A property as the PMS has it."""

    external_id: str
    name: str
    internal_name: str | None
    time_zone: str | None
    """IANA name; none when the PMS does not say."""
    country_code: str | None
    city: str | None
    check_in_hour: int | None
    check_out_hour: int | None
    is_archived: bool
    custom_fields: Mapping[str, str]
    """Public ones, by the tenant's own names."""
    fields: Mapping[str, Any]
    """Whitelisted, under Hostaway's names."""
    gated: Gated = field(repr=False)
    as_of: datetime
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A booking, inquiry or owner stay as the PMS has it."""

    external_id: str
    listing_external_id: str
    unit_external_id: str | None
    """The unit's own listing, where the booked listing is made of several."""
    status: str
    arrival_on: date
    departure_on: date
    are_dates_unspecified: bool
    check_in_hour: int | None
    check_out_hour: int | None
    guest_name: str | None
    guest_locale: str | None
    phone_e164: str | None
    confirmation_code: str | None
    channel_id: int | None
    is_paid: bool | None
    agreement: str | None
    custom_fields: Mapping[str, str]
    fields: Mapping[str, Any]
    gated: Gated = field(repr=False)
    updated_at: datetime
    as_of: datetime
    id: int = 0

    @property
    def is_confirmed(self) -> bool:
        """Whether the booking stands."""
        return self.status in CONFIRMED

    @property
    def place_external_id(self) -> str:
        """Where the guest sleeps: the unit's own listing, else the booked one."""
        return self.unit_external_id or self.listing_external_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a thread as the PMS has it; `text` is raw and still holds secrets."""

    external_id: str
    conversation_external_id: str
    reservation_external_id: str | None
    is_incoming: bool
    is_automation: bool
    text: str = field(repr=False)
    communication_type: str | None
    channel_id: int | None
    status: str | None
    attachments: int
    sent_at: datetime
    is_request: bool = False
    """Whether the channel offers answers to choose from: a request that somebody decides on."""


def parse_custom_fields(entries: Iterable[str]) -> dict[str, CustomField]:
    """The tenant's setting `pms.custom_fields` (`"167=parking:public"`) by the PMS's id.

    Raises:
        BadInput: an entry is not of that form.
    """
    fields: dict[str, CustomField] = {}
    for entry in entries:
        found = CUSTOM_FIELD.fullmatch(entry)
        if found is None:
            raise BadInput(
                f"pms.custom_fields: {entry!r} is not of the form 167=parking:public "
                "(public, gated or secret)"
            )
        visibility: Visibility = found[3]  # type: ignore[assignment]
        fields[found[1]] = CustomField(external_id=found[1], name=found[2], visibility=visibility)
    return fields


def parse_listing(raw: Json, custom: Mapping[str, CustomField], *, as_of: datetime) -> Listing:
    """A listing of Hostaway's JSON.

    Raises:
        BadInput: there is no id in it.
    """
    public, gated = _split(raw, LISTING_SECRETS, LISTING_GATED_TEXT, custom)
    return Listing(
        external_id=_id(raw, "id"),
        name=_line(raw.get("name"))
        or _line(raw.get("internalListingName"))
        or f"Listing {_id(raw, 'id')}",
        internal_name=_line(raw.get("internalListingName")),
        time_zone=_line(raw.get("timeZoneName")),
        country_code=_line(raw.get("countryCode")),
        city=_line(raw.get("city")),
        check_in_hour=_hour(raw.get("checkInTimeStart")),
        check_out_hour=_hour(raw.get("checkOutTime")),
        is_archived=raw.get("specialStatus") == "archived",
        custom_fields=public,
        fields=_kept(raw, LISTING_FIELDS),
        gated=gated,
        as_of=as_of,
    )


def parse_reservation(
    raw: Json, custom: Mapping[str, CustomField], *, as_of: datetime
) -> Reservation:
    """A reservation of Hostaway's JSON.

    Dates that are none, or that run backwards, count as not specified: such a stay can be answered,
    but opens no door.

    Raises:
        BadInput: its id or listing is missing or malformed.
    """
    public, gated = _split(raw, RESERVATION_SECRETS, RESERVATION_GATED_TEXT, custom)
    arrival_on, departure_on, are_unspecified = _stay_dates(raw, as_of)
    fields = _kept(raw, RESERVATION_FIELDS)
    return Reservation(
        external_id=_id(raw, "id"),
        listing_external_id=_id(raw, "listingMapId"),
        unit_external_id=_unit(raw.get("reservationUnit")),
        status=_line(raw.get("status")) or "unknown",
        arrival_on=arrival_on,
        departure_on=departure_on,
        are_dates_unspecified=are_unspecified,
        check_in_hour=_hour(raw.get("checkInTime")),
        check_out_hour=_hour(raw.get("checkOutTime")),
        guest_name=_guest_name(raw),
        guest_locale=_line(raw.get("localeForMessaging")) or _line(raw.get("guestLocale")),
        phone_e164=to_e164(_line(raw.get("phone")), _line(raw.get("guestCountry"))),
        confirmation_code=_line(raw.get("confirmationCode")),
        channel_id=small_number(raw.get("channelId")),
        is_paid=_flag(raw.get("isPaid"), raw.get("paymentStatus")),
        agreement=_line(raw.get("reservationAgreement")),
        custom_fields=public,
        fields=fields,
        gated=gated,
        updated_at=parse_moment(raw.get("updatedOn")) or as_of,
        as_of=as_of,
    )


def parse_message(raw: Json) -> Message:
    """A message of Hostaway's JSON.

    Raises:
        BadInput: its id, conversation or date is missing.
    """
    sent_at = parse_moment(raw.get("date")) or parse_moment(raw.get("insertedOn"))
    if sent_at is None:
        raise BadInput("message: date is missing")
    body = raw.get("body")
    return Message(
        external_id=_id(raw, "id"),
        conversation_external_id=_id(raw, "conversationId"),
        reservation_external_id=identifier(raw.get("reservationId")),
        is_incoming=is_set(raw.get("isIncoming")),
        is_automation=bool(raw.get("communicationId") or raw.get("communicationEvent")),
        text=plain_text(body) if isinstance(body, str) else _text(body) or "",
        communication_type=_line(raw.get("communicationType")),
        channel_id=small_number(raw.get("channelId")),
        status=_line(raw.get("status")),
        attachments=attachments_of(raw),
        sent_at=sent_at,
        is_request=_offers_answers(raw.get("bookingcomReplyOptions")),
    )


def attachments_of(raw: Json) -> int:
    """How many files and pictures came with a message."""
    lists = (raw.get("attachments"), raw.get("imagesUrls"))
    return sum(len(each) for each in lists if isinstance(each, list))


def parse_moment(value: Any) -> datetime | None:
    """Hostaway's `YYYY-MM-DD HH:MM:SS`, which is UTC without saying so."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def to_e164(phone: str | None, country: str | None) -> str | None:
    """A phone number in E.164, or none when it is not one (masked, missing, too short)."""
    if not phone:
        return None
    try:
        number = phonenumbers.parse(phone, country.upper() if country else None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_set(value: Any) -> bool:
    """Whether one of Hostaway's flags is on: 0/1, true/false, or either as text."""
    if isinstance(value, str):
        return value.strip().lower() in ("1", "true", "yes")
    return bool(value)


def plain_text(body: str) -> str:
    """A message without HTML: host messages come as `<p>…</p>`; no longer than is kept.

    Every pattern stops at the next `<`, so that no text takes longer than its length.
    """
    body = body[:LONGEST_MARKUP].replace("\x00", "")
    if re.search(r"<(p|br|div|span|a|b|i|strong|em|ul|li|table)\b[^<>]*>", body, re.I):
        body = re.sub(r"<(br|/p|/div|/li)\b[^<>]*>", "\n", body, flags=re.I)
        body = html.unescape(re.sub(r"<[^<>]{1,400}>", "", body))
        body = re.sub(r"\n{3,}", "\n\n", body).replace("\x00", "")
    return _no_longer_than_judged(body.strip()[:LONGEST_MESSAGE])


def _no_longer_than_judged(text: str) -> str:
    """The text, cut where its signs stand for many letters each (one sign may stand for 18)."""
    if text.isascii() or len(unicodedata.normalize("NFKD", text)) <= 4 * LONGEST_MESSAGE:
        return text
    return text[: LONGEST_MESSAGE // 5]


def _kept(raw: Json, names: Iterable[str]) -> dict[str, Any]:
    """The plain values of those names; what a database cannot hold is taken out of texts."""
    return {
        name: value[:LONGEST_TEXT].replace("\x00", "") if isinstance(value, str) else value
        for name in names
        if name in raw and isinstance(value := raw[name], (str, int, float, type(None)))
    }


def _split(
    raw: Json,
    secrets: Mapping[str, str],
    gated_texts: Mapping[str, str],
    custom: Mapping[str, CustomField],
) -> tuple[dict[str, str], Gated]:
    """The public custom fields, and all that is gated."""
    public: dict[str, str] = {}
    hidden = {
        ours: value
        for theirs, ours in secrets.items()
        if (value := _text(raw.get(theirs))) and len(value) <= LONGEST_CUSTOM
    }
    texts = {
        ours: value for theirs, ours in gated_texts.items() if (value := _text(raw.get(theirs)))
    }
    for external_id, value in custom_values(raw.get("customFieldValues")):
        known = custom.get(external_id)
        if known is None:
            texts[f"custom_{external_id}"] = value
        elif known.visibility == "public":
            public[known.name] = value
        elif known.visibility == "secret":
            hidden[known.name] = value
        else:
            texts[known.name] = value
    return public, Gated(secrets=hidden, texts=texts)


def custom_values(raw: Any) -> list[tuple[str, str]]:
    """(id of the field, value) of `customFieldValues`, in the plain and the nested form."""
    values: list[tuple[str, str]] = []
    for entry in raw[:MOST_CUSTOM_FIELDS] if isinstance(raw, list) else []:
        if not isinstance(entry, Mapping):
            continue
        nested = entry.get("customField")
        inner = nested.get("id") if isinstance(nested, Mapping) else None
        external_id = identifier(entry.get("customFieldId")) or identifier(inner)
        value = (_text(entry.get("value")) or "")[:LONGEST_CUSTOM]
        if external_id is not None and value:
            values.append((external_id, value))
    return values


def _offers_answers(options: Any) -> bool:
    """Whether a message offers more than a plain text as its answer.

    Source: a captured message with `[{"type": "PlainText", …}]`; other types are inferred.
    """
    found = options if isinstance(options, list) else []
    kinds = {str(one.get("type")) for one in found if isinstance(one, Mapping)}
    return bool(kinds - {"PlainText", "None", ""})


def _guest_name(raw: Json) -> str | None:
    whole = _line(raw.get("guestName"))
    parts = [_line(raw.get("guestFirstName")), _line(raw.get("guestLastName"))]
    return whole or " ".join(part for part in parts if part) or None


def _unit(units: Any) -> str | None:
    if isinstance(units, list) and len(units) == 1 and isinstance(units[0], Mapping):
        return identifier(units[0].get("listingMapIdUnit"))
    return None


def _flag(is_paid: Any, payment_status: Any) -> bool | None:
    if is_paid not in (None, ""):
        return is_set(is_paid)
    if isinstance(payment_status, str) and payment_status:
        return payment_status.lower() == "paid"
    return None


def _id(raw: Json, name: str) -> str:
    external_id = identifier(raw.get(name))
    if external_id is None:
        raise BadInput(f"{name} is missing or not a number")
    return external_id


def _stay_dates(raw: Json, as_of: datetime) -> tuple[date, date, bool]:
    """(arrival, departure, whether they say nothing), yesterday for both as Hostaway does it."""
    arrival_on, departure_on = _day(raw.get("arrivalDate")), _day(raw.get("departureDate"))
    is_stay = arrival_on and departure_on and arrival_on <= departure_on
    if not (arrival_on and departure_on and is_stay):
        yesterday = as_of.date() - timedelta(days=1)
        return yesterday, yesterday, True
    return arrival_on, departure_on, is_set(raw.get("isDatesUnspecified"))


def _day(value: Any) -> date | None:
    try:
        day = date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
    return day if day is not None and FIRST_YEAR <= day.year <= LAST_YEAR else None


def _hour(value: Any) -> int | None:
    hour = small_number(value)
    return hour if hour is not None and 0 <= hour <= 23 else None


def _line(value: Any) -> str | None:
    """A short text: a name, a code, a word; what else a value holds is left out."""
    text = _text(value)
    return text[:LONGEST_LINE].strip() if text else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)[:LONGEST_TEXT].replace("\x00", "").strip() or None
