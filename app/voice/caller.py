"""Who is calling: a number or a name becomes a stay, and how sure we are of it.

Assurance: 0 unknown; 1 the number stands on exactly one live stay; 2 plus its departure date or its
confirmation code. Without the number: name and confirmation code are 2, name and both dates 1. What
found the booking never confirms it, and a name never counts beside a number.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import phonenumbers

from app.db import Connection
from app.pms.access import Access, Reason
from app.pms.stay import Stay, Stays
from app.tenants import Tenant
from app.voice import store
from app.voice.tickets import Ticket

Fact = Literal["departure", "arrival", "code"]
"""What of a booking a caller can know."""
CONFIRMING: frozenset[Fact] = frozenset({"departure", "code"})
"""Each of these confirms a booking that the number found."""
BOTH_DATES: frozenset[Fact] = frozenset({"arrival", "departure"})
WITHHELD_SPELT = frozenset({"+266696687", "+86282452253", "+8656696", "+2562533", "+7378742833"})
"""ANONYMOUS, UNAVAILABLE, UNKNOWN, BLOCKED and RESTRICTED, as some carriers dial them."""
NAMES_OF_A_SHARED_NUMBER = 3
"""A number on so many differently named guests is nobody's: an agency, or a proxy of a channel."""
MOST_WRONG_IN_A_CALL = 3
MOST_WRONG_A_DAY = 5
"""Wrong facts about one stay, whoever called, after which only people help."""
A_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is on the line, as far as we know."""

    stays: tuple[Stay, ...] = ()
    """Live stays that the number stands on, the current one first."""
    meant: Stay | None = None
    """The one that was singled out of several, or that a name and facts have found."""
    finding: frozenset[Fact] = frozenset()
    """Facts by which it was singled out: they confirm nothing."""
    proven: frozenset[Fact] = frozenset()
    """Facts that the caller told, and that are right."""
    is_barred: bool = False
    """Too many wrong facts: nothing is proven any more, and people see to access."""

    @property
    def stay(self) -> Stay | None:
        """The one stay that is meant; none where there are none, or several."""
        if self.meant is not None:
            return self.meant
        return self.stays[0] if len(self.stays) == 1 else None

    @property
    def assurance(self) -> int:
        """How sure we are: 0, 1 or 2."""
        if self.stay is None:
            return 0
        if self.stays:
            return 2 if (self.proven - self.finding) & CONFIRMING else 1
        if "code" in self.proven:
            return 2
        return 1 if self.proven >= BOTH_DATES else 0

    @property
    def missing(self) -> frozenset[Fact]:
        """Facts of which one more would make us surer."""
        wanted: frozenset[Fact] = CONFIRMING if self.stays else frozenset({"code"})
        return wanted - self.finding - self.proven

    def stay_at(self, needed: int) -> Stay | None:
        """The stay as this caller may hear of it: below the assurance needed without access.

        Nothing is in it then that would prove the caller to be its guest.
        """
        if self.stay is None or self.assurance == 0:
            return None
        if self.assurance >= needed:
            return self.stay
        return self.stay.unproven(self._access_below())

    def _access_below(self) -> Access:
        stay = self.stay
        if stay is not None and not stay.access.allowed:
            return replace(stay.access, closes_at=None)
        reason: Reason = "unproven" if "departure" in self.missing else "unproven_by_code"
        return Access(allowed=False, reason="unknown_stay" if self.is_barred else reason)


def phone_of_caller(stated: str) -> str | None:
    """The caller's number in E.164; none where it is withheld, or no telephone number."""
    if stated in WITHHELD_SPELT:
        return None
    try:
        number = phonenumbers.parse(stated, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Callers:
    """Finds the caller in the mirror."""

    def __init__(self, stays: Stays) -> None:
        self._stays = stays

    async def by_number(
        self,
        conn: Connection,
        tenant: Tenant,
        ticket: Ticket,
        now: datetime,
        *,
        own_numbers: Collection[str] = (),
    ) -> Caller:
        """Whoever the number belongs to; nobody where it is withheld, doubtful or no guest's own.

        Args:
            conn: the tenant's.
            tenant: whose hotline it is.
            ticket: the call.
            now: the moment.
            own_numbers: the tenant's hotlines.
        """
        number = ticket.caller_e164
        staff = tenant.settings.voice.staff_numbers
        if number is None or ticket.is_doubtful or number in own_numbers or number in staff:
            return Caller()
        found = await self._stays.live_of_phone(conn, tenant, number, now)
        if len({stay.reservation.guest_name for stay in found}) >= NAMES_OF_A_SHARED_NUMBER:
            return Caller()
        return Caller(stays=tuple(found))

    async def by_name(
        self, conn: Connection, tenant: Tenant, name: tuple[str, ...], now: datetime
    ) -> tuple[Stay, ...]:
        """Live stays whose guest's name sounds like that, by arrival."""
        return tuple(await self._stays.live_of_name(conn, tenant, name, now))

    async def wrong_of(
        self, conn: Connection, stays: Collection[Stay], now: datetime
    ) -> Mapping[int, int]:
        """Reservation → wrong facts that callers told about it within a day."""
        ids = [stay.reservation.id for stay in stays]
        return await store.wrong_facts(conn, ids, since=now - A_DAY) if ids else {}
