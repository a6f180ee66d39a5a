"""Asked when a reply's turn at the PMS has come: may it go out now, and in which words?

Under the locks of everybody who could object: a run that lost its claim, a reply under an older
handling, one that the guest has overtaken or whose booking has changed is not sent; one made of
old facts waits for another look. Here placeholders become values, for that one request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.bots.decisions import stay_seen
from app.chat import store
from app.chat.store import Outgoing
from app.clock import Clock
from app.conversations import Conversation
from app.db import Connection, Database
from app.errors import NotFound
from app.escalation.cases import Cases
from app.jobs import Job, JobRun, Jobs
from app.pms.gated import PlaceholderMangled, fill
from app.pms.hostaway_answers import Withdrawn
from app.pms.stay import Stay, Stays
from app.tenants import Tenant

SEEN_OF_STAY = ("reservation", "listing", "access", "closes_at")
SEEN_OF_BOOKING = (
    "status", "arrivalDate", "departureDate", "checkInTime", "checkOutTime", "canAccess",
)  # fmt: skip
"""What a reply rests on: where one of these has changed it is made anew."""


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
        stays: Stays,
        cases: Cases,
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._stays = stays
        self._cases = cases

    def is_old(self, sending: Sending) -> bool:
        """Whether somebody may have written, or the booking changed, without our knowing."""
        if sending.outgoing.origin == "operator":
            return False
        fresh = timedelta(seconds=sending.tenant.settings.chat.fresh_s)
        is_aged = self._clock.now() - sending.seen_at > fresh
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
        is_ours, is_bots = outgoing.origin != "operator", outgoing.origin == "bot"
        because, is_open_again = None, False
        is_silenced = is_bots and handling.mode == "human"
        if is_silenced or (is_ours and outgoing.epoch != handling.epoch):
            because = "a person took over"
        elif is_bots and thread.generation != outgoing.generation:
            because, is_open_again = "the guest wrote again", True
        elif is_ours and tenant.mode != "on":
            because = "the tenant is not on"
        elif is_bots and await self._has_moved(conn, sending):
            because, is_open_again = "the booking has changed", True
            await self._answer_anew(conn, tenant, conversation)
        if because is not None:
            await store.set_status(conn, outgoing.id, "dropped", because=because)
            if is_open_again:
                await store.give_back(conn, conversation.id, outgoing.answered_before)
            return None
        if is_ours and self._clock.stood_still_since(sending.seen_at):
            await self.unmark(conn, sending)
            sending.again_at = self._clock.now()
            return None
        return await self._filled(conn, sending)

    async def _filled(self, conn: Connection, sending: Sending) -> str | None:
        """The text with its secrets; marks the row as being sent."""
        tenant, conversation, outgoing = sending.tenant, sending.conversation, sending.outgoing
        try:
            text = fill(
                outgoing.text, await self._secrets_for(conn, tenant, conversation, outgoing)
            )
        except PlaceholderMangled:
            await self.fail(conn, sending, "access has changed meanwhile")
            return None
        if not sending.is_marked:
            await store.set_status(conn, outgoing.id, "sending", more_attempts=1)
            marked = await store.lock_outgoing(conn, outgoing.id)
            sending.outgoing, sending.is_marked = marked or outgoing, True
        return text

    async def unmark(self, conn: Connection, sending: Sending) -> None:
        """It surely was not sent: the row says so again."""
        if sending.is_marked:
            await store.set_status(conn, sending.outgoing.id, "queued", more_attempts=-1)

    async def _has_moved(self, conn: Connection, sending: Sending) -> bool:
        """Whether the booking is not any more what the reply was made of."""
        if sending.outgoing.decision_id is None:
            return False
        seen = await stay_seen(conn, sending.outgoing.decision_id)
        stay = await self.stay(conn, sending.tenant, sending.conversation)
        if seen is None or stay is None:
            return False
        return has_moved(seen, stay.snapshot())

    async def _answer_anew(
        self, conn: Connection, tenant: Tenant, conversation: Conversation
    ) -> None:
        now = self._clock.now()
        generation = await store.raise_generation(
            conn, conversation.id, first_pending_at=now, due_at=now
        )
        await self._jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.REPLY,
            key=conversation.id,
            due_at=now,
            generation=generation,
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

    async def stay(
        self, conn: Connection, tenant: Tenant, conversation: Conversation
    ) -> Stay | None:
        """The stay that a thread means, as the mirror has it."""
        if conversation.reservation_id is None:
            return None
        try:
            return await self._stays.live_of_guest(
                conn, tenant, conversation.reservation_id, self._clock.now()
            )
        except NotFound:
            return None

    async def _secrets_for(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, outgoing: Outgoing
    ) -> dict[str, str]:
        """What may be filled in: what access allows now, and what a person typed themselves."""
        stay = await self.stay(conn, tenant, conversation)
        if stay is None:
            return {}
        typed = {name: stay.known[name] for name in outgoing.typed if name in stay.known}
        return {**stay.deliverable, **typed}


def has_moved(seen: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a stay differs from an earlier look at it in what replies rest on."""
    booking, booking_now = seen.get("variables") or {}, now["variables"]
    return any(seen.get(name) != now[name] for name in SEEN_OF_STAY) or any(
        booking.get(name) != booking_now.get(name) for name in SEEN_OF_BOOKING
    )
