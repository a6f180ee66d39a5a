"""A caller who talks with the hotline in text: every turn confirmed, over a real mirror."""

import contextlib
from collections.abc import AsyncIterator

from app.chat.by_phone import ByPhone
from app.pms.stay import Stay
from app.tenants import Tenant
from app.voice.caller import Callers
from app.voice.escalation import Escalation
from app.voice.handling import CallHandling
from app.voice.identity import Identity
from app.voice.record import CallRecord, RecordParts
from app.voice.tickets import Ticket
from app.voice.turns import Turns
from tests.make import DOOR_CODE
from tests.rooms import Rooms

GUEST = "+48500100200"
HOTLINE = "+48221234567"


class Talk:
    """One call."""

    def __init__(self, rooms: Rooms, tenant: Tenant, ticket: Ticket) -> None:
        parts = RecordParts(
            database=rooms.database, bus=rooms.bus, clock=rooms.clock,
            background=rooms.background, conversations=rooms.conversations, jobs=rooms.jobs,
            telemetry=rooms.telemetry,
        )  # fmt: skip
        self.rooms = rooms
        self.ticket = ticket
        self.record = CallRecord(parts, ticket)
        handling = CallHandling(tenant.settings.voice.on_escalate)
        self.turns = Turns(
            tenant=tenant,
            language="en",
            mind=rooms.mind,
            bus=rooms.bus,
            conversations=rooms.conversations,
            escalation=Escalation(
                tenant=tenant,
                caller_e164=ticket.caller_e164,
                cases=rooms.cases,
                clock=rooms.clock,
                background=rooms.background,
                ledger=self.record.ledger,
                conversation_id=self.record.conversation_id,
                handling=handling,
            ),
            handling=handling,
            clock=rooms.clock,
            background=rooms.background,
            ledger=self.record.ledger,
            conversation_id=self.record.conversation_id,
        )
        self.post = ByPhone(
            database=rooms.database, clock=rooms.clock, jobs=rooms.jobs,
            conversations=rooms.conversations, stays=rooms.stays, cases=rooms.cases,
            mind=rooms.mind, verdicts=rooms.verdicts,
        )  # fmt: skip
        self.identity = self.turns.identity = Identity(
            tenant=tenant,
            callers=Callers(rooms.stays),
            parts=parts,
            record=self.record,
            post=self.post,
            is_known=self._know,
        )

    def _know(self, stay: Stay | None) -> None:
        self.turns.stay = stay

    async def begin(self) -> None:
        self.record.begin("en")
        await self.identity.begin(self.ticket, frozenset({HOTLINE}))

    async def half_says(self, text: str) -> None:
        """Something is thought of a turn that is not over, and forgotten again."""
        await self.identity.consider(text)

    async def says(self, text: str) -> str:
        """The whole answer to a turn, placeholders for secrets."""
        self.turns.confirm(text)
        answer = "".join([clause async for clause in self.turns.answer(text)]).strip()
        self.rooms.clock.advance(1)
        return answer

    async def over(self) -> None:
        await self.record.end("the caller hung up")

    @property
    def level(self) -> int:
        return self.identity.caller.assurance

    def has_code(self) -> bool:
        """Whether the door code could be said now."""
        stay = self.turns.stay
        return stay is not None and stay.deliverable.get("door_code") == DOOR_CODE


@contextlib.asynccontextmanager
async def calling(
    rooms: Rooms, number: str | None = None, *, sid: str = "CA1", is_doubtful: bool = False
) -> AsyncIterator[Talk]:
    """A call from a number, or one that is withheld."""
    ticket = Ticket(
        call_sid=sid, tenant_id="acme", hotline_e164=HOTLINE, caller_e164=number,
        is_doubtful=is_doubtful,
    )  # fmt: skip
    talk = Talk(rooms, rooms.tenant, ticket)
    await talk.begin()
    try:
        yield talk
    finally:
        await talk.over()
