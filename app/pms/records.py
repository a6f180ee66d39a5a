"""What the mirror holds: listings, reservations, messages; Hostaway's JSON becomes these here.

Whitelists decide what is kept. Secrets and gated text go into `Gated`, which the store encrypts;
card columns, internal notes and anything unknown are dropped.
"""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

import phonenumbers

from app.errors import BadInput

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

FIRST_YEAR, LAST_YEAR = 1990, 2200
"""Dates of stays lie within: sums of hours stay far from the ends of the calendar."""
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
        found = re.fullmatch(r"(\w+)=([a-z][a-z0-9_]*):(public|gated|secret)", entry.strip())
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
        name=_text(raw.get("name"))
        or _text(raw.get("internalListingName"))
        or f"Listing {raw['id']}",
        internal_name=_text(raw.get("internalListingName")),
        time_zone=_text(raw.get("timeZoneName")),
        country_code=_text(raw.get("countryCode")),
        city=_text(raw.get("city")),
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

    Raises:
        BadInput: its id, listing or dates are missing or malformed.
    """
    public, gated = _split(raw, RESERVATION_SECRETS, RESERVATION_GATED_TEXT, custom)
    arrival_on, departure_on = _day(raw, "arrivalDate"), _day(raw, "departureDate")
    fields = _kept(raw, RESERVATION_FIELDS)
    return Reservation(
        external_id=_id(raw, "id"),
        listing_external_id=_id(raw, "listingMapId"),
        unit_external_id=_unit(raw.get("reservationUnit")),
        status=str(raw.get("status") or "unknown"),
        arrival_on=arrival_on,
        departure_on=departure_on,
        are_dates_unspecified=is_set(raw.get("isDatesUnspecified")),
        check_in_hour=_hour(raw.get("checkInTime")),
        check_out_hour=_hour(raw.get("checkOutTime")),
        guest_name=_guest_name(raw),
        guest_locale=_text(raw.get("localeForMessaging")) or _text(raw.get("guestLocale")),
        phone_e164=to_e164(_text(raw.get("phone")), _text(raw.get("guestCountry"))),
        confirmation_code=_text(raw.get("confirmationCode")),
        channel_id=_int(raw.get("channelId")),
        is_paid=_flag(raw.get("isPaid"), raw.get("paymentStatus")),
        agreement=_text(raw.get("reservationAgreement")),
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
    pictures = raw.get("imagesUrls")
    attached = raw.get("attachments")
    reservation = raw.get("reservationId")
    return Message(
        external_id=_id(raw, "id"),
        conversation_external_id=_id(raw, "conversationId"),
        reservation_external_id=str(reservation) if reservation not in (None, "") else None,
        is_incoming=is_set(raw.get("isIncoming")),
        is_automation=bool(raw.get("communicationId") or raw.get("communicationEvent")),
        text=plain_text(str(raw.get("body") or "")),
        communication_type=_text(raw.get("communicationType")),
        channel_id=_int(raw.get("channelId")),
        status=_text(raw.get("status")),
        attachments=(len(attached) if isinstance(attached, list) else 0)
        + (len(pictures) if isinstance(pictures, list) else 0),
        sent_at=sent_at,
        is_request=_offers_answers(raw.get("bookingcomReplyOptions")),
    )


def parse_moment(value: Any) -> datetime | None:
    """Hostaway's `YYYY-MM-DD HH:MM:SS`, which is UTC without saying so."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


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
    """A message without HTML: host messages come as `<p>…</p>`."""
    body = body.replace("\x00", "")
    if not re.search(r"<(p|br|div|span|a|b|i|strong|em|ul|li|table)\b[^>]*>", body, re.I):
        return body.strip()
    broken = re.sub(r"<(br|/p|/div|/li)\b[^>]*>", "\n", body, flags=re.I)
    text = html.unescape(re.sub(r"<[^<>]{1,400}>", "", broken))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _kept(raw: Json, names: Iterable[str]) -> dict[str, Any]:
    """The plain values of those names; what a database cannot hold is taken out of texts."""
    return {
        name: value.replace("\x00", "") if isinstance(value, str) else value
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
    hidden = {ours: value for theirs, ours in secrets.items() if (value := _text(raw.get(theirs)))}
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
    for entry in raw if isinstance(raw, list) else []:
        if not isinstance(entry, Mapping):
            continue
        nested = entry.get("customField")
        external_id = entry.get("customFieldId") or (
            nested.get("id") if isinstance(nested, Mapping) else None
        )
        value = _text(entry.get("value"))
        if external_id is not None and value:
            values.append((str(external_id), value))
    return values


def _offers_answers(options: Any) -> bool:
    """Whether a message offers more than a plain text as its answer.

    Source: a captured message with `[{"type": "PlainText", …}]`; other types are inferred.
    """
    found = options if isinstance(options, list) else []
    kinds = {str(one.get("type")) for one in found if isinstance(one, Mapping)}
    return bool(kinds - {"PlainText", "None", ""})


def _guest_name(raw: Json) -> str | None:
    whole = _text(raw.get("guestName"))
    parts = [_text(raw.get("guestFirstName")), _text(raw.get("guestLastName"))]
    return whole or " ".join(part for part in parts if part) or None


def _unit(units: Any) -> str | None:
    if isinstance(units, list) and len(units) == 1 and isinstance(units[0], Mapping):
        listing = units[0].get("listingMapIdUnit")
        return str(listing) if listing else None
    return None


def _flag(is_paid: Any, payment_status: Any) -> bool | None:
    if is_paid not in (None, ""):
        return is_set(is_paid)
    if isinstance(payment_status, str) and payment_status:
        return payment_status.lower() == "paid"
    return None


def _id(raw: Json, name: str) -> str:
    value = raw.get(name)
    if isinstance(value, bool) or value is None or not str(value).strip().isdigit():
        raise BadInput(f"{name} is missing or not a number")
    return str(int(str(value)))


def _day(raw: Json, name: str) -> date:
    try:
        day = date.fromisoformat(str(raw.get(name))[:10])
    except ValueError as exc:
        raise BadInput(f"{name} is not a date") from exc
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadInput(f"{name} lies in no year that anybody books")
    return day


def _hour(value: Any) -> int | None:
    hour = _int(value)
    return hour if hour is not None and 0 <= hour <= 23 else None


def _int(value: Any) -> int | None:
    try:
        number = None if value is None or isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < 2**31 else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (dict, list, bool)):
        return None
    return str(value).replace("\x00", "").strip() or None
