"""The live calls of this process: admitted, served, told what happens to their cases."""

import asyncio
import logging

from app.events import HandlingChanged
from app.tenants import Tenants
from app.voice.phone_line import PhoneLine
from app.voice.session import CallParts, CallSession
from app.voice.snapshot import Number, Snapshot
from app.voice.tickets import Ticket

logger = logging.getLogger(__name__)

ENDS_WITHIN_S = 10.0
MOST_BROKEN = 200
"""Calls that broke off and are remembered; the carrier asks about each within seconds."""
STREAMS = 2
"""How often the sound of one call may be connected: once, and once more when it broke off."""


class Dispatch:
    """Every call on the line now, by its CallSid."""

    def __init__(
        self, *, parts: CallParts, tenants: Tenants, snapshot: Snapshot, max_calls: int
    ) -> None:
        self._parts = parts
        self._tenants = tenants
        self._snapshot = snapshot
        self._max_calls = max_calls
        self._live: dict[str, CallSession] = {}
        self._broken: dict[str, int] = {}
        """Calls whose stream ended without either side hanging up, and how often."""

    def has_room(self) -> bool:
        """Whether one more call can be served."""
        return len(self._live) < self._max_calls

    def may_stream_again(self, call_sid: str) -> bool:
        """Whether the stream of a call broke off and deserves a second try."""
        return 0 < self._broken.get(call_sid, 0) < STREAMS

    async def serve(self, ticket: Ticket, line: PhoneLine) -> None:
        """One call from its first sound to its last."""
        number = self._snapshot.find(ticket.hotline_e164)
        if number is None or ticket.call_sid in self._live:
            logger.warning("a call cannot be served", extra={"is_second": number is not None})
            return
        span = self._parts.record.telemetry.span(
            "call", tenant=ticket.tenant_id, call=ticket.call_sid
        )
        with span:
            await self._serve(number, ticket, line)

    async def _serve(self, number: Number, ticket: Ticket, line: PhoneLine) -> None:
        """All that is written of the call carries the trace that is current here."""
        tenant = await self._tenants.get(ticket.tenant_id)
        session = CallSession(self._parts, tenant=tenant, number=number, ticket=ticket, line=line)
        self._live[ticket.call_sid] = session
        try:
            await session.run()
            self._broken.pop(ticket.call_sid, None)
        except Exception:
            times = self._broken.pop(ticket.call_sid, 0) + 1
            self._broken = dict([*self._broken.items(), (ticket.call_sid, times)][-MOST_BROKEN:])
            raise
        finally:
            del self._live[ticket.call_sid]

    async def on_handling_changed(self, event: HandlingChanged) -> None:
        """Who speaks in a conversation has changed: its call hears it at once."""
        for call in list(self._live.values()):
            call.on_handling(event)

    async def close(self) -> None:
        """End every call; each says that it must go."""
        calls = list(self._live.values())
        for call in calls:
            call.end("the hotline was restarted")
        await asyncio.wait_for(
            asyncio.gather(*(call.ended.wait() for call in calls)), timeout=ENDS_WITHIN_S
        )
