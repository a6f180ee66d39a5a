"""A stay: guest, reservation and listing at one moment, access decided, secrets as placeholders.

What a template or a condition may read is `Stay.mapping()`; what may be put back into an outgoing
text is `Stay.deliverable`, which is empty while access is locked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.db import Connection
from app.errors import NotFound
from app.pms import store
from app.pms.access import (
    Access,
    AccessPolicy,
    can_access,
    check_in_at,
    check_out_at,
    zone_of,
)
from app.pms.gated import cut_codes, mask, placeholder
from app.pms.records import Listing, Reservation
from app.settings import AccessSettings
from app.tenants import Tenant

DOOR_CODE = "door_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Who, where and when, at one moment."""

    tenant_id: str
    account_id: int
    listing: Listing
    reservation: Reservation
    access: Access
    zone: ZoneInfo
    check_in_at: datetime
    check_out_at: datetime
    now: datetime
    is_code_ready: bool
    """Whether the door code's one source holds a value."""
    known: Mapping[str, str] = field(repr=False)
    """Every secret of the stay by name: what is masked in every text on its way in."""
    deliverable: Mapping[str, str] = field(repr=False)
    """What an outgoing text may carry now; empty while access is locked."""
    texts: Mapping[str, str] = field(repr=False)
    """Gated text with its secrets as placeholders; empty while access is locked."""

    def mask(self, text: str) -> str:
        """A text on its way in, with this stay's secrets as placeholders."""
        return mask(text, self.known)

    @property
    def now_local(self) -> datetime:
        """This moment at the listing."""
        return self.now.astimezone(self.zone)

    @property
    def is_arrival_day(self) -> bool:
        """Whether the guest arrives today, by the listing's calendar."""
        return self.now_local.date() == self.reservation.arrival_on

    def mapping(self) -> dict[str, Any]:
        """The reservation object of conditions: Hostaway's names and the article's; nothing gated.

        The table of all names stands in docs/variables.md.
        """
        listing = {
            **{k: self._masked(v) for k, v in self.listing.fields.items()},
            **self.listing.custom_fields,
            "petsAllowed": (self.listing.fields.get("maxPetsAllowed") or 0) > 0,
        }
        return {
            **{k: self._masked(v) for k, v in self.reservation.fields.items()},
            **self.reservation.custom_fields,
            "listing": listing,
            "listingName": self.listing.name,
            "status": self.reservation.status,
            "numberOfNights": (self.reservation.departure_on - self.reservation.arrival_on).days,
            "guestLocale": self.reservation.guest_locale,
            "canAccess": self.access.allowed,
            "isArrivalDay": self.is_arrival_day,
            "hasArrived": self.now >= self.check_in_at,
            "hasLeft": self.now >= self.check_out_at,
        }

    def variables(self) -> dict[str, Any]:
        """What a template may read: the mapping, times as words, gated values as placeholders."""
        values = self.mapping()
        secrets = {name: placeholder(name) for name in self.deliverable}
        times = {
            "checkInTimeStart": f"{self.check_in_at.astimezone(self.zone):%H:%M}",
            "checkOutTime": f"{self.check_out_at.astimezone(self.zone):%H:%M}",
        }
        values["listing"] = {**values["listing"], **times, **self.texts, **secrets}
        opens = self.access.opens_at
        return {
            **values,
            **times,
            **self.texts,
            **secrets,
            "guest_name": self.mask(self.reservation.guest_name or ""),
            "listing_name": self.listing.name,
            "arrival_date": self.reservation.arrival_on.isoformat(),
            "departure_date": self.reservation.departure_on.isoformat(),
            "accessReason": self.access.reason,
            "accessOpensAt": f"{opens:%Y-%m-%d %H:%M}" if opens else "",
            "isCodeReady": self.is_code_ready,
            "now_local": f"{self.now_local:%A %Y-%m-%d %H:%M}",
            "timeZone": self.zone.key,
        }

    def snapshot(self) -> dict[str, Any]:
        """The stay as seen, for a decision: nothing in it opens a door."""
        return {
            "reservation": self.reservation.external_id,
            "listing": self.listing.external_id,
            "reservation_as_of": self.reservation.as_of.isoformat(),
            "listing_as_of": self.listing.as_of.isoformat(),
            "access": self.access.reason,
            "opens_at": self.access.opens_at and self.access.opens_at.isoformat(),
            "closes_at": self.access.closes_at and self.access.closes_at.isoformat(),
            "now": self.now.isoformat(),
            "variables": {k: v for k, v in self.mapping().items() if k != "listing"},
        }

    def _masked(self, value: Any) -> Any:
        return self.mask(value) if isinstance(value, str) else value


class Stays:
    """Reads stays from the mirror; nothing outside is called."""

    async def of_reservation(
        self, conn: Connection, tenant: Tenant, reservation_id: int, now: datetime
    ) -> Stay:
        """The stay of a reservation, joined with adjoining ones of the same guest.

        Raises:
            NotFound: the mirror does not know the reservation, or its listing.
        """
        found = await store.reservation_by_id(conn, reservation_id, tenant.keyring)
        if found is None:
            raise NotFound(f"the mirror has no reservation {reservation_id}")
        account_id, reservation = found
        listing = await store.listing(
            conn, account_id, reservation.listing_external_id, tenant.keyring
        )
        if listing is None:
            raise NotFound(f"the mirror has no listing {reservation.listing_external_id}")
        unit = None
        if reservation.unit_external_id:
            unit = await store.listing(
                conn, account_id, reservation.unit_external_id, tenant.keyring
            )
        neighbours = await store.neighbours(conn, account_id, reservation, tenant.keyring)
        return assemble(
            tenant, account_id, reservation, listing, unit=unit, neighbours=neighbours, now=now
        )

    async def live_of_guest(
        self, conn: Connection, tenant: Tenant, reservation_id: int, now: datetime
    ) -> Stay:
        """The stay that a thread means: its own if live, else the guest's current, else next."""
        own = await self.of_reservation(conn, tenant, reservation_id, now)
        phone = own.reservation.phone_e164
        if _is_live(own) or phone is None:
            return own
        found = await store.reservations_of_phone(
            conn,
            phone,
            departing_from=(now - timedelta(days=1)).date(),
            keyring=tenant.keyring,
        )
        others = [
            await self.of_reservation(conn, tenant, reservation.id, now)
            for _, reservation in found
            if reservation.is_confirmed
            and reservation.id != reservation_id
            and reservation.guest_name == own.reservation.guest_name
        ]
        return next((stay for stay in others if _is_live(stay)), own)


def assemble(
    tenant: Tenant,
    account_id: int,
    reservation: Reservation,
    listing: Listing,
    *,
    unit: Listing | None = None,
    neighbours: list[Reservation] | None = None,
    now: datetime,
) -> Stay:
    """The stay of what the mirror holds; pure."""
    joined = join_adjoining(reservation, neighbours or [])
    source = code_source_of(tenant.settings.access, reservation.listing_external_id)
    policy = policy_of(tenant.settings.access, is_code_static=source == "listing")
    previous = _previous_check_out(joined, listing, policy, neighbours or [])
    access = can_access(joined, listing, policy, now, previous_check_out_at=previous)
    code = _door_code(source, reservation, unit or listing)
    known = _known_secrets(reservation, listing, unit)
    if code:
        known = {DOOR_CODE: code, **{k: v for k, v in known.items() if v != code}}
    texts: dict[str, str] = {}
    cut: dict[str, str] = {}
    for name, text in {
        **listing.gated.texts,
        **_unit_texts(unit),
        **reservation.gated.texts,
    }.items():
        masked = without_foreign_codes(mask(text, known))
        texts[name], found = cut_codes(masked, prefix=name)
        cut |= found
    own = {DOOR_CODE: code} if code else {}
    sayable = {k: v for k, v in known.items() if not k.startswith("other_")}
    is_open = access.allowed
    return Stay(
        tenant_id=tenant.id,
        account_id=account_id,
        listing=listing,
        reservation=joined,
        access=access,
        zone=zone_of(listing, policy),
        check_in_at=check_in_at(joined, listing, policy),
        check_out_at=check_out_at(joined, listing, policy),
        now=now,
        is_code_ready=code is not None,
        known={**known, **cut},
        deliverable={**sayable, **cut, **own} if is_open else {},
        texts=texts if is_open else {},
    )


def without_foreign_codes(masked: str) -> str:
    """Gated text without the sentences that hold a door code of another source than the stay's."""
    if "[[other_" not in masked:
        return masked
    sentences = re.split(r"(?<=[.!?؟\n])\s+", masked)
    return " ".join(sentence for sentence in sentences if "[[other_" not in sentence)


def code_source_of(settings: AccessSettings, listing_external_id: str) -> str:
    """Where a listing's door code comes from: the listing's own choice, else the tenant's."""
    for entry in settings.code_sources:
        listing, _, source = entry.partition("=")
        if listing.strip() == listing_external_id:
            return source.strip()
    return settings.code_source


def policy_of(settings: AccessSettings, *, is_code_static: bool) -> AccessPolicy:
    """The tenant's settings as `can_access` wants them."""
    return AccessPolicy(
        hours_before_arrival=settings.hours_before_arrival,
        grace_min=settings.grace_min,
        requires_payment=settings.requires_payment,
        requires_agreement=settings.requires_agreement,
        owner_stays=settings.owner_stays,
        is_code_static=is_code_static,
        default_check_in_hour=settings.default_check_in_hour,
        default_check_out_hour=settings.default_check_out_hour,
        default_time_zone=settings.default_time_zone,
    )


def join_adjoining(reservation: Reservation, neighbours: list[Reservation]) -> Reservation:
    """The reservation stretched over adjoining stays of the same guest in the same listing."""
    if not reservation.is_confirmed or reservation.are_dates_unspecified:
        return reservation
    mine = [n for n in neighbours if n.is_confirmed and _is_same_guest(n, reservation)]
    joined, grew = reservation, True
    while grew:
        grew = False
        for other in mine:
            if other.departure_on == joined.arrival_on:
                joined = replace(
                    joined, arrival_on=other.arrival_on, check_in_hour=other.check_in_hour
                )
                grew = True
            elif other.arrival_on == joined.departure_on:
                joined = replace(
                    joined, departure_on=other.departure_on, check_out_hour=other.check_out_hour
                )
                grew = True
    return joined


def _is_same_guest(one: Reservation, other: Reservation) -> bool:
    if one.phone_e164 and other.phone_e164:
        return one.phone_e164 == other.phone_e164
    return bool(one.guest_name) and one.guest_name == other.guest_name


def _previous_check_out(
    reservation: Reservation,
    listing: Listing,
    policy: AccessPolicy,
    neighbours: list[Reservation],
) -> datetime | None:
    before = [n for n in neighbours if n.departure_on <= reservation.arrival_on]
    leaving = [
        check_out_at(n, listing, policy) for n in before if not _is_same_guest(n, reservation)
    ]
    return max(leaving, default=None)


def _door_code(source: str, reservation: Reservation, listing: Listing) -> str | None:
    """The code from its one source; empty there means not ready, never another source."""
    if source == "reservation":
        return reservation.gated.secrets.get(DOOR_CODE)
    if source == "listing":
        return listing.gated.secrets.get(DOOR_CODE)
    name = source.removeprefix("field:")
    for gated in (reservation.gated, listing.gated):
        if value := gated.secrets.get(name) or gated.texts.get(name):
            return value
    return None


def _known_secrets(
    reservation: Reservation, listing: Listing, unit: Listing | None
) -> dict[str, str]:
    """Every secret by name; door codes of another source are `other_…`: masked, never said."""
    known: dict[str, str] = {}
    places = [("listing", listing.gated), ("reservation", reservation.gated)]
    if unit is not None:
        places.insert(1, ("unit", unit.gated))
    for place, gated in places:
        for name, value in gated.secrets.items():
            known[f"other_{place}_{name}" if name == DOOR_CODE else name] = value
    return known


def _unit_texts(unit: Listing | None) -> Mapping[str, str]:
    return unit.gated.texts if unit is not None else {}


def _is_live(stay: Stay) -> bool:
    """Whether a confirmed stay is not over yet."""
    return stay.reservation.is_confirmed and stay.now < stay.check_out_at
