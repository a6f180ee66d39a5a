"""Who is calling: a number becomes a stay, and how sure we are of it.

Assurance: 0 unknown; 1 the number stands on exactly one live stay; 2 plus one fact of it. Codes are
said only from the tenant's level on.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import phonenumbers

from app.db import Connection
from app.pms.access import NO_STAY
from app.pms.stay import Stay, Stays
from app.tenants import Tenant
from app.voice.tickets import Ticket

WITHHELD_SPELT = frozenset({"+266696687", "+86282452253", "+8656696", "+2562533", "+7378742833"})
"""ANONYMOUS, UNAVAILABLE, UNKNOWN, BLOCKED and RESTRICTED, as some carriers dial them."""
NAMES_OF_A_SHARED_NUMBER = 3
"""A number on so many differently named guests is nobody's: an agency, or a proxy of a channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is on the line, as far as we know."""

    stays: tuple[Stay, ...] = ()
    """Live stays that the number stands on, the current one first."""
    assurance: int = 0

    @property
    def stay(self) -> Stay | None:
        """The one stay that is meant; none where there are none, or several."""
        return self.stays[0] if len(self.stays) == 1 else None

    def stay_at(self, needed: int) -> Stay | None:
        """The stay as this caller may hear of it: without access below the assurance needed."""
        if self.stay is None or self.assurance >= needed:
            return self.stay
        return replace(self.stay, access=NO_STAY, deliverable={}, texts={})


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
        self, conn: Connection, tenant: Tenant, ticket: Ticket, now: datetime
    ) -> Caller:
        """Whoever the number belongs to; nobody where it is withheld or doubtful."""
        if ticket.caller_e164 is None or ticket.is_doubtful:
            return Caller()
        found = await self._stays.live_of_phone(conn, tenant, ticket.caller_e164, now)
        if len({stay.reservation.guest_name for stay in found}) >= NAMES_OF_A_SHARED_NUMBER:
            return Caller()
        return Caller(stays=tuple(found), assurance=1 if len(found) == 1 else 0)
