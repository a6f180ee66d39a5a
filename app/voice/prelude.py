"""What is made ready while it rings: warm connections, and the language the caller is known by.

Begun by the carrier's webhook and never waited for there; a greeting waits for the language a
moment at most.
"""

import asyncio
import logging
from collections import OrderedDict

from app.errors import ProductError
from app.tenants import Tenants
from app.voice.caller import Callers
from app.voice.record import RecordParts
from app.voice.speech import Voices
from app.voice.tickets import Ticket

logger = logging.getLogger(__name__)

WAITS_S = 0.1
"""So long may a greeting wait for its language; later it is the hotline's."""
MOST_RINGING = 256
"""Calls that rang and are remembered; those that never connected go first."""


class Prelude:
    """Calls that ring."""

    def __init__(
        self,
        *,
        record: RecordParts,
        tenants: Tenants,
        callers: Callers,
        voices: Voices,
        most: int = MOST_RINGING,
    ) -> None:
        self._record = record
        self._tenants = tenants
        self._callers = callers
        self._voices = voices
        self._most = most
        self._ringing: OrderedDict[str, asyncio.Task[str | None]] = OrderedDict()

    def begin(self, ticket: Ticket) -> None:
        """A call rings."""
        if ticket.call_sid in self._ringing:
            return
        spawn = self._record.background.spawn
        self._ringing[ticket.call_sid] = spawn("prelude", self._language(ticket))
        spawn("warm speech", self._warm(ticket))
        if len(self._ringing) > self._most:
            self._ringing.popitem(last=False)

    async def language_of(self, call_sid: str) -> str | None:
        """The locale of the caller's reservation, where it is known in time."""
        task = self._ringing.pop(call_sid, None)
        if task is None:
            return None
        done, _ = await asyncio.wait([task], timeout=WAITS_S)
        return task.result() if done and not task.cancelled() else None

    async def _warm(self, ticket: Ticket) -> None:
        await self._voices.warm(await self._tenants.get(ticket.tenant_id))

    async def _language(self, ticket: Ticket) -> str | None:
        try:
            tenant = await self._tenants.get(ticket.tenant_id)
            door = await self._record.database.tenant(tenant.id)
            async with door.transaction() as conn:
                now = self._record.clock.now()
                caller = await self._callers.by_number(conn, tenant, ticket, now)
        except ProductError:
            logger.warning("a caller's language could not be looked up")
            return None
        return caller.stay.reservation.guest_locale if caller.stay else None
