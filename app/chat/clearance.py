"""Asked when a reply's turn at the PMS has come: may it go out now, and in which words?

Under the locks of everybody who could object: a run that lost its claim, a reply under an older
handling, one that the guest has overtaken or whose booking has changed is not sent; one made of
old facts waits for another look. Here placeholders become values, for that one request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.chat import store
from app.chat.footing import MOVED, Footing
from app.chat.store import Outgoing
from app.chat.ways import ENOUGH, assurance_of, way_of
from app.clock import Clock
from app.conversations import Conversation
from app.db import Connection, Database
from app.escalation.cases import Cases
from app.escalation.records import Handling
from app.jobs import JobRun, Jobs
from app.pms.gated import PlaceholderMangled, fill
from app.pms.hostaway_answers import Withdrawn
from app.pms.stay import Stay
from app.tenants import Tenant

OVERTAKEN = "the guest wrote again"


@dataclass(slots=True, kw_only=True)
class Sending:
    """One run that sends one reply."""

    run: JobRun
    tenant: Tenant
    conversation: Conversation
    outgoing: Outgoing
    """As this run knows the row; another run that changed it has taken over."""
    seen_at: datetime
    """How old the facts are at most."""
    renewed_at: datetime | None = None
    """Since when at most its bookings may have changed; none where they were not fetched again."""
    is_marked: bool = False
    """Whether the row says that it is being sent."""
    again_at: datetime | None = None
    """When to run again, where it is not sent now."""


class Clearances:
    """Clears replies for sending."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        jobs: Jobs,
        footing: Footing,
        cases: Cases,
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._footing = footing
        self._cases = cases

    def is_old(self, sending: Sending) -> bool:
        """Whether somebody may have written, or the booking changed, without our knowing."""
        if sending.outgoing.origin == "operator":
            return False
        is_aged = self._is_past(sending, sending.seen_at)
        return is_aged or self._clock.stood_still_since(sending.seen_at)

    async def words(self, sending: Sending) -> str:
        """The text with its secrets, now that its turn has come; the row says so when it commits.

        Raises:
            Withdrawn: it may not go out, or not yet.
            Conflict: another run has taken over.
        """
        door = await self._database.tenant(sending.tenant.id)
        async with door.transaction() as conn:
            text = await self._ready(conn, sending)
        if text is None:
            raise Withdrawn("the reply is not sent now")
        return text

    async def _ready(self, conn: Connection, sending: Sending) -> str | None:
        """The text, if it may go out now; locks whatever could say no, in everybody's order."""
        tenant, conversation = sending.tenant, sending.conversation
        await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        handling = await self._cases.may_speak(conn, tenant.id, conversation.id)
        thread = await store.lock_thread(conn, conversation.id)
        outgoing = await store.lock_outgoing(conn, sending.outgoing.id)
        await self._jobs.hold(conn, sending.run)
        if outgoing != sending.outgoing:
            return None
        stay = await self._footing.stay_of(conn, tenant, conversation)
        because = await self._objection(conn, sending, handling, thread, stay)
        if because is not None:
            await self._drop(conn, sending, because)
            return None
        if await self._footing.has_moved(conn, outgoing, stay):
            if not await self._footing.decide_again(conn, tenant, conversation, outgoing):
                await self.fail(conn, sending, MOVED)
            return None
        is_ours = outgoing.origin != "operator"
        stood_still = is_ours and self._clock.stood_still_since(sending.seen_at)
        if stood_still or await self._must_renew(conn, sending, stay):
            await self.unmark(conn, sending)
            sending.again_at = self._clock.now()
            return None
        return await self._filled(conn, sending, stay)

    async def _objection(
        self,
        conn: Connection,
        sending: Sending,
        handling: Handling,
        thread: store.Thread,
        stay: Stay | None,
    ) -> str | None:
        """Why it must not go out at all; none where nobody objects."""
        outgoing = sending.outgoing
        is_ours, is_bots = outgoing.origin != "operator", outgoing.origin == "bot"
        is_silenced = is_bots and handling.mode == "human"
        if is_silenced or (is_ours and outgoing.epoch != handling.epoch):
            return "a person took over"
        if is_bots and thread.generation != outgoing.generation:
            return OVERTAKEN
        if is_ours and sending.tenant.mode != "on":
            return "the tenant is not on"
        return MOVED if await self._footing.has_closed(conn, outgoing, stay) else None

    async def _drop(self, conn: Connection, sending: Sending, because: str) -> None:
        outgoing = sending.outgoing
        await store.set_status(conn, outgoing.id, "dropped", because=because)
        if because == OVERTAKEN:
            await store.give_back(conn, outgoing.conversation_id, outgoing.answered_before)

    async def _must_renew(self, conn: Connection, sending: Sending, stay: Stay | None) -> bool:
        """Whether its bookings have to be fetched again, and were not in this run.

        A bot's reply may wait long for its turn: it would go round in circles at the PMS's limits.
        """
        renewed_at = sending.renewed_at
        if renewed_at is not None and not self._clock.stood_still_since(renewed_at):
            is_bots = sending.outgoing.origin == "bot"
            if is_bots or not self._is_past(sending, renewed_at):
                return False
        return await self._footing.must_renew(conn, sending.tenant, sending.outgoing, stay)

    async def _filled(self, conn: Connection, sending: Sending, stay: Stay | None) -> str | None:
        """The text with its secrets; marks the row as being sent."""
        outgoing = sending.outgoing
        try:
            text = fill(outgoing.text, _secrets_for(sending.conversation, outgoing, stay))
        except PlaceholderMangled:
            await self.fail(conn, sending, "access has changed meanwhile")
            return None
        if not sending.is_marked:
            now = self._clock.now()
            await store.set_status(conn, outgoing.id, "sending", more_attempts=1, tried_at=now)
            marked = await store.lock_outgoing(conn, outgoing.id)
            sending.outgoing, sending.is_marked = marked or outgoing, True
        return text

    async def unmark(
        self, conn: Connection, sending: Sending, *, because: str | None = None
    ) -> None:
        """It surely was not sent: the row says so again."""
        if sending.is_marked:
            await store.set_status(
                conn, sending.outgoing.id, "queued", because=because, more_attempts=-1
            )

    async def is_as_known(self, conn: Connection, sending: Sending) -> bool:
        """Whether the row is as this run left it, no other having taken over; locked."""
        conversation = sending.conversation
        # Before the row, in everybody's order: who fails it opens a case.
        await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        return await store.lock_outgoing(conn, sending.outgoing.id) == sending.outgoing

    async def fail(self, conn: Connection, sending: Sending, because: str) -> None:
        """It will not be sent by us: a person is told."""
        conversation, outgoing = sending.conversation, sending.outgoing
        await store.set_status(conn, outgoing.id, "failed", because=because)
        await self._cases.open(
            conn,
            sending.tenant,
            conversation_id=conversation.id,
            reservation_id=conversation.reservation_id,
            severity="normal",
            trigger_text=f"A reply could not be delivered: {because}",
            brief=outgoing.text,
        )

    def _is_past(self, sending: Sending, moment: datetime) -> bool:
        fresh = timedelta(seconds=sending.tenant.settings.chat.fresh_s)
        return self._clock.now() - moment > fresh


def _secrets_for(
    conversation: Conversation, outgoing: Outgoing, stay: Stay | None
) -> Mapping[str, str]:
    """What may be filled in: what access allows now, and what a person typed themselves."""
    if stay is None:
        return {}
    way = way_of(conversation, outgoing.communication_type)
    if outgoing.instead_of is not None and assurance_of(way, stay) < ENOUGH:
        return {}
    typed = {name: stay.known[name] for name in outgoing.typed if name in stay.known}
    return {**stay.deliverable, **typed}
