"""States that access may be in at noon of 13 April 2026, a canary in everything that is gated."""

from dataclasses import dataclass, field
from typing import Any

from app.pms.records import parse_custom_fields, parse_listing, parse_reservation
from app.pms.stay import Stay, assemble
from app.tenants import Tenant
from tests.canaries import Canaries
from tests.make import NOON, make_tenant, raw_listing, raw_reservation

CUSTOM = ("161=parking:public", "162=lockbox:secret", "163=cellar:gated")
DEMANDS = {"requires_payment": True, "requires_agreement": True}
Row = dict[str, Any]

LOCKED: dict[str, Row] = {
    "inquiry": {"status": "inquiry"},
    "cancelled": {"status": "cancelled"},
    "declined": {"status": "declined"},
    "expired": {"status": "expired"},
    "pending": {"status": "pending"},
    "too early": {"arrivalDate": "2026-05-04", "departureDate": "2026-05-07"},
    "an hour too early": {"arrivalDate": "2026-04-14", "departureDate": "2026-04-17"},
    "over": {"arrivalDate": "2026-04-06", "departureDate": "2026-04-09"},
    "over for two hours": {"arrivalDate": "2026-04-10", "checkOutTime": 11},
    "dates unspecified": {"isDatesUnspecified": 1},
    "owner stay": {"status": "ownerStay"},
    "not paid": {"isPaid": 0},
    "no agreement": {"reservationAgreement": "not_signed"},
    "previous guest still there": {},
    "archived listing": {},
}
"""Every reason for which access may be locked, as changes of an open stay's reservation."""
LOCKED["over for two hours"]["departureDate"] = "2026-04-13"
OPEN: dict[str, Row] = {
    "open": {},
    "open, no code yet": {"doorCode": None},
    "open, unit unknown": {"reservationUnit": [{"listingMapIdUnit": 7777}]},
    "open, static code": {},
}
STATIC = ("previous guest still there", "open, static code")
STRANGER = "no stay known"
STATES = (*LOCKED, STRANGER, *OPEN)


@dataclass(kw_only=True)
class World:
    """A stay in some state, as rows of the PMS, with what must not leave it."""

    number: int
    state: str
    tenant: Tenant
    listing: Row
    reservation: Row
    previous: Row
    """Another guest's booking of the same listing, who is there until four o'clock."""
    secrets: list[str] = field(default_factory=list)
    """Values that no model and no log may ever see."""
    gated: list[str] = field(default_factory=list)
    """Words of gated texts."""
    sentences: list[str] = field(default_factory=list)
    """The gated texts."""

    @property
    def is_open(self) -> bool:
        """Whether the guest may have codes."""
        return self.state in OPEN

    @property
    def has_previous(self) -> bool:
        """Whether the guest before is still there."""
        return self.state == "previous guest still there"

    @property
    def foreign(self) -> str:
        """The other guest's door code."""
        return str(self.previous["doorCode"])

    def stay(self) -> Stay | None:
        """The stay, from rows as the PMS sends them."""
        if self.state == STRANGER:
            return None
        custom = parse_custom_fields(CUSTOM)
        reservation, previous = (
            parse_reservation(row, custom, as_of=NOON) for row in (self.reservation, self.previous)
        )
        listing = parse_listing(self.listing, custom, as_of=NOON)
        neighbours = [previous] if self.has_previous else []
        return assemble(self.tenant, 1, reservation, listing, neighbours=neighbours, now=NOON)


def make_world(state: str, number: int) -> World:
    """The world of a state; every canary and every id is new."""
    made, changes = Canaries(number), {**LOCKED, **OPEN, STRANGER: {}}[state]
    door, static, wifi = made.code(), made.code(), made.password()
    lockbox, gate = made.code(), made.code()
    words = [made.word() for _ in range(6)]
    portal = f"https://portal.example/g/{made.word().lower()}"
    texts = {
        "specialInstruction": f"Walk past the {words[0]} fountain, then ring twice at the bell. "
        f"Gate code: {gate}.",
        "keyPickup": f"The spare key is with {words[1]} in the kiosk around the corner.",
        "airbnbAccess": f"You have the whole {words[2]} floor and the roof to yourselves.",
        "address": f"ul. {words[3]} 17/4, 00-950 Warszawa",
    }
    instruction = f"Hold the {words[4]} handle down while you turn the knob to the left."
    cellar = f"Bicycles go into the {words[5]} cellar behind the second door."
    ids = {"id": 20_000 + number, "listingMapId": 10_000 + number}
    booked = {
        "doorCode": door, "doorCodeInstruction": instruction, "guestPortalUrl": portal,
        "isPaid": 1, "reservationAgreement": "signed", "phone": f"+48501{number:06d}",
    }  # fmt: skip
    return World(
        number=number,
        state=state,
        tenant=make_tenant(
            access={**DEMANDS, "code_source": "listing" if state in STATIC else "reservation"},
            pms={"custom_fields": CUSTOM},
            chat={"disclosure": False},
        ),
        listing=raw_listing(
            id=ids["listingMapId"], doorSecurityCode=static, wifiPassword=wifi,
            specialStatus="archived" if state == "archived listing" else None,
            customFieldValues=[
                {"customFieldId": 161, "value": "Garage B2, level minus one"},
                {"customFieldId": 162, "value": f"{lockbox}#"},
                {"customFieldId": 163, "value": cellar},
            ],
            **texts,
        ),
        reservation=raw_reservation(**{**ids, **booked, **changes}),
        previous=raw_reservation(
            id=30_000 + number, listingMapId=ids["listingMapId"], guestName="Ewa Poprzednia",
            arrivalDate="2026-04-10", departureDate="2026-04-13", checkOutTime=16,
            phone=f"+48601{number:06d}", doorCode=made.code(), confirmationCode="HMOTHER999",
        ),
        secrets=[
            static if changes.get("doorCode", "") is None else door,
            static, wifi, lockbox, gate, portal,
        ],
        gated=words,
        sentences=[*texts.values(), instruction, cellar],
    )  # fmt: skip
