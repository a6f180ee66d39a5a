"""A stay: guest, reservation and listing at one moment, access decided, secrets as placeholders.

What a template or a condition may read is `Stay.mapping()`; what may be put back into an outgoing
text is `Stay.deliverable`, which is empty while access is locked.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.db import Connection
from app.errors import NotFound
from app.pms import store
from app.pms.access import (
    SEVERAL_STAYS,
    Access,
    can_access,
    check_in_at,
    check_out_at,
    own_zone_of,
    whole_minute,
    zone_of,
)
from app.pms.gated import HIDDEN, hide_codes, names_in, placeholder
from app.pms.masking import mask
from app.pms.names import likeness
from app.pms.quoting import Shingles, conceal, shingles_of
from app.pms.records import Listing, Reservation
from app.pms.stay_parts import (
    as_meant_now,
    code_source_of,
    door_code,
    gated_texts,
    is_unsure,
    join_adjoining,
    known_secrets,
    one_a_stay,
    parts_of,
    policy_of,
    previous_check_out,
    without_foreign_codes,
)
from app.tenants import Tenant

NOTHING: Shingles = frozenset()
MOST_OF_A_NAME = 8
"""Bookings of one name that are looked at."""
PROOFS = frozenset(
    {
        "departureDate", "nights", "numberOfNights", "confirmationCode", "id",
        "previousDepartureDate", "previousArrivalDate", "totalPrice",
    }
)  # fmt: skip
"""What of a booking only its guest knows."""
CHECKED_CHANNELS = frozenset({2018, 2005, 2002})
"""Airbnb, Booking.com and Vrbo, which know who writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Who, where and when, at one moment."""

    tenant_id: str
    account_id: int
    listing: Listing
    reservation: Reservation
    """The thread's or caller's booking, stretched over adjoining ones of the same guest."""
    part_external_id: str
    """Which of those counts now: its code, its payment and its agreement."""
    access: Access
    zone: ZoneInfo
    is_zone_assumed: bool
    """Whether the listing names no zone that exists, so that times are by the tenant's."""
    check_in_at: datetime
    check_out_at: datetime
    now: datetime
    is_code_ready: bool
    """Whether the door code's one source holds a value."""
    known: Mapping[str, str] = field(repr=False)
    """Every secret of the stay by name: what is masked in every text on its way in."""
    unsure: frozenset[str]
    """Names of values that merely stood in gated text, and may be no codes."""
    deliverable: Mapping[str, str] = field(repr=False)
    """What an outgoing text may carry now; empty while access is locked."""
    texts: Mapping[str, str] = field(repr=False)
    """Gated text with its secrets as placeholders; empty while access is locked."""
    withheld: Shingles = field(repr=False)
    """By what quotations are known of gated text that may not be said now."""
    is_unproven: bool = False
    """Whoever asks may not be the guest: what would prove it is left out."""

    def mask(self, text: str) -> str:
        """A text on its way in, with this stay's secrets as placeholders."""
        return mask(text, self.known, unsure=self.unsure)

    def for_model(self, text: str, *, is_said: bool = False) -> str:
        """A text on its way to a model, which never gets a secret, nor now what is locked.

        Args:
            text: of the operator or of the thread.
            is_said: by whomever, in the thread: it may quote what was told while access was open,
                and a guess of a guest shall look the same whether it is right or wrong.
        """
        masked = self.mask(text)
        if is_said:
            masked = conceal(masked, self.withheld)
        if self.access.allowed:
            return masked
        if is_said:
            masked = hide_codes(masked)
        names = names_in(masked) if is_said else names_in(masked) & self.known.keys()
        for name in names:
            masked = masked.replace(placeholder(name), HIDDEN)
        return masked

    def must_not_say(self, text: str) -> bool:
        """Whether a text of ours gives away what is locked."""
        return not self.access.allowed and conceal(text, self.withheld) != text

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
            **{k: self._masked(v) for k, v in self.listing.custom_fields.items()},
            "name": self.mask(self.listing.name),
            "petsAllowed": str(self.listing.fields.get("maxPetsAllowed") or 0) not in ("0", "0.0"),
        }
        proofs = PROOFS if self.is_unproven else frozenset[str]()
        values = {
            **{k: self._masked(v) for k, v in self.reservation.fields.items()},
            **{k: self._masked(v) for k, v in self.reservation.custom_fields.items()},
            "listing": listing,
            "listingName": self.mask(self.listing.name),
            "status": self.reservation.status,
            "numberOfNights": (self.reservation.departure_on - self.reservation.arrival_on).days,
            "guestLocale": self.reservation.guest_locale,
            "canAccess": self.access.allowed,
            "isArrivalDay": self.is_arrival_day,
            "hasArrived": self.now >= self.check_in_at,
            "hasLeft": self.now >= self.check_out_at,
        }
        return {name: value for name, value in values.items() if name not in proofs}

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
            "listing_name": self.mask(self.listing.name),
            "arrival_date": self.reservation.arrival_on.isoformat(),
            "departure_date": "" if self.is_unproven else self.reservation.departure_on.isoformat(),
            "accessReason": self.access.reason,
            "accessOpensAt": f"{whole_minute(opens):%Y-%m-%d %H:%M}" if opens else "",
            "isCodeReady": self.is_code_ready,
            "now_local": f"{self.now_local:%A %Y-%m-%d %H:%M}",
            "timeZone": self.zone.key,
        }

    def with_access(self, access: Access) -> "Stay":
        """The same stay under another decision, which can only take access away."""
        if access.allowed:
            raise ValueError("access is given by can_access alone")
        shown = shingles_of(self.texts.values(), address=self.texts.get("address", ""))
        withheld = self.withheld | shown
        return replace(self, access=access, deliverable={}, texts={}, withheld=withheld)

    def unproven(self, access: Access) -> "Stay":
        """The same stay for somebody who has not proven to be its guest, under such a decision.

        Without what would prove it: nothing is read back as a hint.
        """
        return replace(self.with_access(access), is_unproven=True)

    def footing(self) -> dict[str, Any]:
        """What a reply rests on: where one of these has changed, it may be wrong to send it.

        Texts are told apart by a digest; the values of secrets are filled in later anyway.
        """
        texts = repr(sorted(self.texts.items())).encode()
        return {
            "reservation": self.reservation.external_id,
            "listing": self.reservation.listing_external_id,
            "unit": self.reservation.unit_external_id,
            "status": self.reservation.status,
            "check_in_at": self.check_in_at.isoformat(),
            "check_out_at": self.check_out_at.isoformat(),
            "access": self.access.reason,
            "opens_at": self.access.opens_at and self.access.opens_at.isoformat(),
            "closes_at": self.access.closes_at and self.access.closes_at.isoformat(),
            "is_code_ready": self.is_code_ready,
            "texts": hashlib.sha256(texts).hexdigest()[:16],
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
            "footing": self.footing(),
            "variables": {k: v for k, v in self.mapping().items() if k != "listing"},
        }

    def _masked(self, value: Any) -> Any:
        """A field of the mirror, without sentences that hold a code of another source."""
        return without_foreign_codes(self.mask(value)) if isinstance(value, str) else value


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
        return await self._of(conn, tenant, *found, now)

    async def _of(
        self,
        conn: Connection,
        tenant: Tenant,
        account_id: int,
        reservation: Reservation,
        now: datetime,
    ) -> Stay:
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
        """The stay that a thread means: its own if live, else the guest's current, else next.

        Where that is not one but several at once, nobody knows which: its own, and no access.
        """
        own = await self.of_reservation(conn, tenant, reservation_id, now)
        phone = own.reservation.phone_e164
        if _is_live(own) or phone is None or not _is_known_guest(own.reservation):
            return own
        found = await store.reservations_of_phone(
            conn,
            phone,
            departing_from=(now - timedelta(days=1)).date(),
            keyring=tenant.keyring,
        )
        others = [
            await self._of(conn, tenant, account_id, reservation, now)
            for account_id, reservation in found
            if account_id == own.account_id
            and reservation.is_confirmed
            and reservation.id != reservation_id
            and reservation.guest_name == own.reservation.guest_name
        ]
        meant = _singled_out(own, [stay for stay in others if _is_live(stay)])
        return own if meant is own else _masking_also(meant, own)

    async def live_of_phone(
        self, conn: Connection, tenant: Tenant, phone_e164: str, now: datetime
    ) -> list[Stay]:
        """The confirmed stays of a number that are not over, adjoining ones as one.

        The current first, then by arrival; of all the tenant's accounts. A booking whose listing
        is not mirrored is left out. A number that very many bookings share is nobody's: of those
        the earliest are given.
        """
        found = await store.reservations_of_phone(
            conn,
            phone_e164,
            departing_from=(now - timedelta(days=1)).date(),
            keyring=tenant.keyring,
        )
        stays = []
        for account_id, reservation in one_a_stay(found, now.date()):
            with contextlib.suppress(NotFound):
                stays.append(await self._of(conn, tenant, account_id, reservation, now))
        live = [stay for stay in stays if _is_live(stay)]
        return sorted(live, key=lambda stay: (now < stay.check_in_at, stay.check_in_at))

    async def live_of_name(
        self, conn: Connection, tenant: Tenant, name: Sequence[str], now: datetime
    ) -> list[Stay]:
        """The live stays whose guest's name is like what was heard, by arrival.

        Args:
            conn: the tenant's.
            tenant: whose stays they are.
            name: the words of the name, as recognition wrote them.
            now: the moment.
        """
        rows = await store.guests_from(conn, departing_from=(now - timedelta(days=1)).date())
        likely = []
        for number, row in enumerate(rows):
            if (how := likeness(name, row["guest_name"])) > 0:
                likely.append((how, row["id"]))
            if number % 100 == 99:
                await asyncio.sleep(0)
        likely.sort(key=lambda each: -each[0])
        bookings = [
            found
            for _, reservation_id in likely[:MOST_OF_A_NAME]
            if (found := await store.reservation_by_id(conn, reservation_id, tenant.keyring))
        ]
        bookings.sort(key=lambda each: each[1].arrival_on)
        stays = []
        for account_id, reservation in one_a_stay(bookings, now.date()):
            with contextlib.suppress(NotFound):
                stays.append(await self._of(conn, tenant, account_id, reservation, now))
        return [stay for stay in stays if _is_live(stay)]


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
    settings, custom = tenant.settings.access, tenant.settings.pms.custom_fields
    listing, reservation = as_meant_now(listing, custom), as_meant_now(reservation, custom)
    unit = as_meant_now(unit, custom) if unit else None
    place_id = reservation.place_external_id
    neighbours = [n for n in neighbours or [] if n.place_external_id == place_id]
    parts = parts_of(reservation, neighbours)
    joined = join_adjoining(reservation, neighbours)
    source = code_source_of(
        settings, reservation.unit_external_id or "", reservation.listing_external_id
    )
    place = unit if reservation.unit_external_id else listing
    policy = policy_of(settings, is_code_static=False)
    reservation = next((p for p in parts if now < check_out_at(p, listing, policy)), parts[-1])
    code, is_static = door_code(source, reservation, place)
    policy = policy_of(settings, is_code_static=is_static)
    previous = previous_check_out(joined, listing, policy, neighbours)
    asking = replace(joined, is_paid=reservation.is_paid, agreement=reservation.agreement)
    access = can_access(asking, listing, policy, now, previous_check_out_at=previous)
    known = known_secrets(code, reservation, listing, unit, parts)
    texts, cut = gated_texts(known, reservation, listing, unit)
    address = texts.get("address", "")
    sayable = {k: v for k, v in known.items() if not k.startswith("other_")}
    is_open = access.allowed
    unsure = frozenset(name for name, value in cut.items() if is_unsure(value))
    return Stay(
        tenant_id=tenant.id,
        account_id=account_id,
        listing=listing,
        reservation=joined,
        part_external_id=reservation.external_id,
        access=access,
        zone=zone_of(listing, policy),
        is_zone_assumed=own_zone_of(listing) is None,
        check_in_at=check_in_at(joined, listing, policy),
        check_out_at=check_out_at(joined, listing, policy),
        now=now,
        is_code_ready=code is not None,
        known={**known, **cut},
        deliverable={**sayable, **cut} if is_open else {},
        texts=texts if is_open else {},
        unsure=unsure,
        withheld=NOTHING if is_open else shingles_of(texts.values(), address=address),
    )


def _masking_also(stay: Stay, own: Stay, *, whose: str = "thread") -> Stay:
    """The stay that a thread means, which also knows the secrets of the thread's own."""
    known = set(stay.known.values())
    others = {f"other_{whose}_{k}": value for k, value in own.known.items() if value not in known}
    unsure = {f"other_{whose}_{name}" for name in own.unsure}
    return replace(
        stay,
        known={**others, **stay.known},
        unsure=stay.unsure | unsure,
        withheld=stay.withheld | own.withheld,
    )


def _is_known_guest(reservation: Reservation) -> bool:
    """Whether name and number are more than a claim: anybody may type them into an inquiry."""
    return reservation.is_confirmed or reservation.channel_id in CHECKED_CHANNELS


def _is_live(stay: Stay) -> bool:
    """Whether a confirmed stay is not over yet; while access is open it is not."""
    is_running = stay.reservation.is_confirmed and stay.now < stay.check_out_at
    return is_running or stay.access.allowed


def _singled_out(own: Stay, live: list[Stay]) -> Stay:
    """The one live stay that is current, else next; its own without access where several are."""
    if not live:
        return own
    first = min(live, key=lambda stay: stay.check_in_at)
    current = [stay for stay in live if stay.now >= stay.check_in_at]
    meant = current or [stay for stay in live if stay.check_in_at < first.check_out_at]
    places = {(s.reservation.place_external_id, s.check_in_at, s.check_out_at) for s in meant}
    if len(places) == 1:
        return meant[0]
    closed = own.with_access(SEVERAL_STAYS)
    for stay in meant:
        shut = stay.with_access(SEVERAL_STAYS)
        closed = _masking_also(closed, shut, whose=f"stay_{stay.reservation.external_id}")
    return closed
