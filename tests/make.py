"""Valid records with overrides, and rows as Hostaway would send them."""

from datetime import UTC, date, datetime
from typing import Any

from app.bots.records import Question
from app.chat.store import Outgoing
from app.conversations import Speaker, Turn
from app.keys import Keyring, new_key
from app.pms.records import Gated, Listing, Message, Reservation
from app.pms.stay import Stay, assemble
from app.tenants import Mode, Tenant, TenantSettings

NOON = datetime(2026, 4, 13, 12, 0, tzinfo=UTC)
"""Monday, 13 April 2026: the day on which the usual guest arrives, 14:00 in Warsaw."""
DOOR_CODE = "48151"
WIFI_PASSWORD = "river-otter-77"


def make_listing(**changes: Any) -> Listing:
    """A flat in Warsaw."""
    values: dict[str, Any] = {
        "external_id": "1042",
        "name": "Bright flat by the river",
        "internal_name": "Loft 3",
        "time_zone": "Europe/Warsaw",
        "country_code": "PL",
        "city": "Warsaw",
        "check_in_hour": 15,
        "check_out_hour": 11,
        "is_archived": False,
        "custom_fields": {},
        "fields": {"wifiUsername": "RiverNet", "maxPetsAllowed": 1, "houseRules": "No parties."},
        "gated": Gated(secrets={"wifi_password": WIFI_PASSWORD}),
        "as_of": NOON,
    }
    return Listing(**{**values, **changes})


def make_reservation(**changes: Any) -> Reservation:
    """A booking that arrives today and leaves on Thursday."""
    values: dict[str, Any] = {
        "id": 1,
        "external_id": "5000",
        "listing_external_id": "1042",
        "unit_external_id": None,
        "status": "new",
        "arrival_on": date(2026, 4, 13),
        "departure_on": date(2026, 4, 16),
        "are_dates_unspecified": False,
        "check_in_hour": None,
        "check_out_hour": None,
        "guest_name": "Jan Testowy",
        "guest_locale": "en",
        "phone_e164": "+48500100200",
        "confirmation_code": "HMABCD1234",
        "channel_id": 2018,
        "is_paid": None,
        "agreement": "not_required",
        "custom_fields": {},
        "fields": {"guestName": "Jan Testowy", "numberOfGuests": 2, "status": "new"},
        "gated": Gated(secrets={"door_code": DOOR_CODE}),
        "updated_at": NOON,
        "as_of": NOON,
    }
    return Reservation(**{**values, **changes})


def make_message(text: str = "Hello", **changes: Any) -> Message:
    """A guest's message."""
    values: dict[str, Any] = {
        "external_id": "9001",
        "conversation_external_id": "70",
        "reservation_external_id": "5000",
        "is_incoming": True,
        "is_automation": False,
        "text": text,
        "communication_type": "channel",
        "channel_id": 2018,
        "status": "sent",
        "attachments": 0,
        "sent_at": NOON,
    }
    return Message(**{**values, **changes})


def make_tenant(*, mode: Mode = "on", **settings: dict[str, Any]) -> Tenant:
    """A tenant; settings by section: `make_tenant(chat={"score_threshold": 0.9})`."""
    return Tenant(
        id="acme",
        name="Acme Stays",
        mode=mode,
        live_since=NOON,
        settings=TenantSettings.model_validate(settings),
        keyring=Keyring((new_key(),)),
    )


def make_stay(
    *,
    tenant: Tenant | None = None,
    reservation: Reservation | None = None,
    listing: Listing | None = None,
    now: datetime = NOON,
    **more: Any,
) -> Stay:
    """A stay on the day of arrival, access open."""
    return assemble(
        tenant or make_tenant(),
        1,
        reservation or make_reservation(),
        listing or make_listing(),
        now=now,
        **more,
    )


def make_question(*asked: str, stay: Stay | None = None, **changes: Any) -> Question:
    """What a guest asked on arrival day."""
    values: dict[str, Any] = {
        "tenant": make_tenant(),
        "medium": "thread",
        "conversation_id": 1,
        "generation": 1,
        "stay": stay or make_stay(),
        "history": (),
        "asked": asked,
        "has_attachment": False,
        "language_hint": None,
        "refuses_robot": False,
        "now": NOON,
    }
    return Question(**{**values, **changes})


def make_turn(speaker: Speaker, text: str, said_at: datetime = NOON, *, turn_id: int = 1) -> Turn:
    """One utterance."""
    return Turn(id=turn_id, external_id=str(turn_id), speaker=speaker, text=text, said_at=said_at)


def make_outgoing(text: str, **changes: Any) -> Outgoing:
    """A bot's reply that is being sent."""
    values: dict[str, Any] = {
        "id": 1, "conversation_id": 1, "generation": 1, "origin": "bot", "epoch": 0, "text": text,
        "communication_type": "channel", "status": "sending", "attempts": 1, "checks": 0,
        "answered_before": 0,
        "decision_id": None, "operator": None, "typed": [], "external_id": None,
        "created_at": NOON, "tried_at": NOON, "instead_of": None,
    }  # fmt: skip
    return Outgoing(**{**values, **changes})


def raw_listing(**changes: Any) -> dict[str, Any]:
    """A listing as Hostaway sends it."""
    return {
        "id": 1042, "name": "Bright flat by the river", "internalListingName": "Loft 3",
        "timeZoneName": "Europe/Warsaw", "countryCode": "PL", "city": "Warsaw",
        "checkInTimeStart": 15, "checkOutTime": 11, "doorSecurityCode": None,
        "wifiUsername": "RiverNet", "wifiPassword": WIFI_PASSWORD, "maxPetsAllowed": 1,
        "houseRules": "No parties.", "address": "ul. Rzeczna 7, Warsaw", "customFieldValues": [],
        **changes,
    }  # fmt: skip


def raw_reservation(**changes: Any) -> dict[str, Any]:
    """A reservation as Hostaway sends it, arriving on 13 April 2026."""
    return {
        "id": 5000, "listingMapId": 1042, "channelId": 2018, "channelName": "airbnbOfficial",
        "status": "new", "arrivalDate": "2026-04-13", "departureDate": "2026-04-16",
        "isDatesUnspecified": 0, "checkInTime": None, "checkOutTime": None,
        "guestName": "Jan Testowy", "guestFirstName": "Jan", "guestLastName": "Testowy",
        "phone": "+48500100200", "guestCountry": "PL", "guestLocale": "en",
        "numberOfGuests": 2, "confirmationCode": "HMABCD1234", "doorCode": DOOR_CODE,
        "isPaid": None, "reservationAgreement": "not_required", "customFieldValues": [],
        "updatedOn": "2026-04-13 08:00:00", "latestActivityOn": "2026-04-13 08:00:00",
        **changes,
    }  # fmt: skip


def raw_message(
    message_id: int, text: str, *, at: datetime, is_incoming: bool = True, **changes: Any
) -> dict[str, Any]:
    """A message as Hostaway sends it."""
    return {
        "id": message_id, "accountId": 70001, "conversationId": 70, "reservationId": 5000,
        "listingMapId": 1042, "channelId": 2018, "body": text, "isIncoming": int(is_incoming),
        "communicationType": "channel", "communicationId": None, "communicationEvent": None,
        "status": "sent", "attachments": [], "imagesUrls": None,
        "date": f"{at:%Y-%m-%d %H:%M:%S}", "insertedOn": f"{at:%Y-%m-%d %H:%M:%S}",
        **changes,
    }  # fmt: skip
