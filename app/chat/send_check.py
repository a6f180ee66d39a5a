"""A while after sending: did it go out? What a channel refused goes another way, or to people.

One other way at most; what is gated never goes one that is not trusted with it.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.bots.decisions import decisions_of
from app.chat import store
from app.chat.altered import letters
from app.chat.store import Outgoing
from app.chat.threads import Threads
from app.chat.ways import holds_forbidden, is_watched, may_take, other_ways, way_of
from app.clock import Clock
from app.conversations import Conversation, Conversations
from app.db import Connection, Database
from app.escalation.cases import Cases
from app.escalation.records import Handling
from app.jobs import Job, JobRun, Jobs
from app.pms.hostaway import HostawayClient
from app.pms.stay import Stay
from app.pms.sync import Mirror, parsed_messages
from app.tenants import Tenant, Tenants

logger = logging.getLogger(__name__)

REFUSED = frozenset({"failed", "cancelled_by_system"})
UNDER_WAY = frozenset({"awaiting", "paused"})
LONGEST_WAY = timedelta(minutes=15)
"""A message that the PMS has not handed on after this is looked at no more."""
ADDRESSES = ("guestEmail", "recipientEmail")
"""Where a thread of the PMS has the guest's address; a channel's relay counts."""
SHORTEST_GATED = 8
"""Letters of a gated text that are looked for in a reply."""
BECAUSE = "the channel refused it"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """A reply that a channel refused, with what is needed to send it otherwise."""

    tenant: Tenant
    conversation: Conversation
    outgoing: Outgoing
    has_email: bool


class SendChecks:
    """Looks at what was sent once more."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        clock: Clock,
        jobs: Jobs,
        client: HostawayClient,
        mirror: Mirror,
        threads: Threads,
        conversations: Conversations,
        cases: Cases,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock
        self._jobs = jobs
        self._client = client
        self._mirror = mirror
        self._threads = threads
        self._conversations = conversations
        self._cases = cases

    async def check(self, run: JobRun) -> datetime | None:
        """Job: a while after sending, did it really go out? Key: the outbox row."""
        tenant = await self._tenants.get(run.tenant_id)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            outgoing = await store.lock_outgoing(conn, int(run.key))
            if outgoing is None or outgoing.status != "sent":
                return None
            conversation = await self._conversations.get(conn, outgoing.conversation_id)
        status = await self._status(tenant, conversation, outgoing)
        now = self._clock.now()
        if status in UNDER_WAY and now - (outgoing.tried_at or outgoing.created_at) < LONGEST_WAY:
            return now + timedelta(seconds=tenant.settings.chat.send_check_s)
        if status not in REFUSED:
            return None
        refusal = _Refusal(
            tenant=tenant,
            conversation=conversation,
            outgoing=outgoing,
            has_email=await self._has_email(tenant, conversation),
        )
        async with door.transaction() as conn:
            await self._act(conn, refusal)
        run.counts["refused"] = 1
        return None

    async def _act(self, conn: Connection, refusal: _Refusal) -> None:
        """Send it another way, leave it to the next reply, or tell people; locks as a send does."""
        tenant, conversation = refusal.tenant, refusal.conversation
        handling, thread = await self._threads.lock(conn, tenant, conversation)
        outgoing = await store.lock_outgoing(conn, refusal.outgoing.id)
        if outgoing is None or outgoing.status != "sent":
            return
        await store.set_status(conn, outgoing.id, "failed", because=BECAUSE)
        await store.reconsider_disclosure(conn, conversation.id)
        has_newer = thread.generation != outgoing.generation and thread.is_pending
        if outgoing.origin == "bot" and has_newer and handling.mode == "bot":
            await store.give_back(conn, conversation.id, outgoing.answered_before)
            return
        way = await self._other_way(conn, refusal, handling)
        if way is None or not await self._send_by(conn, refusal, handling, way):
            await self._cases.open(
                conn,
                tenant,
                conversation_id=conversation.id,
                reservation_id=conversation.reservation_id,
                severity="normal",
                trigger_text=f"A reply could not be delivered: {BECAUSE}",
                brief=outgoing.text,
            )

    async def _other_way(
        self, conn: Connection, refusal: _Refusal, handling: Handling
    ) -> str | None:
        """By which way a reply may go instead; none where people must see to it."""
        conversation, outgoing = refusal.conversation, refusal.outgoing
        is_theirs = outgoing.origin == "operator" or outgoing.instead_of is not None
        is_last_word = outgoing.origin == "holding" and outgoing.epoch == handling.epoch
        if is_theirs or (handling.mode == "human" and not is_last_word):
            return None
        stay = await self._threads.stay_of(conn, refusal.tenant, conversation, self._clock.now())
        is_booked = stay is not None and stay.reservation.is_confirmed
        if is_watched(conversation) and not is_booked and holds_forbidden(outgoing.text):
            return None
        is_gated = await _is_gated(conn, refusal.tenant, outgoing, stay)
        ways = other_ways(
            conversation,
            stay,
            failed=way_of(conversation, outgoing.communication_type),
            used=await self._mirror.ways_used(conn, conversation.id),
            has_email=refusal.has_email,
        )
        return next((w for w in ways if may_take(w, outgoing.text, stay, is_gated=is_gated)), None)

    async def _send_by(
        self, conn: Connection, refusal: _Refusal, handling: Handling, way: str
    ) -> bool:
        """Queue the reply again, to go that way; false where that was done before."""
        now = self._clock.now()
        outbox_id = await store.add_instead(
            conn, refusal.outgoing.id, way=way, epoch=handling.epoch, now=now
        )
        if outbox_id is None:
            return False
        logger.info("reply goes another way", extra={"way": way})
        await self._jobs.arm(
            conn, tenant_id=refusal.tenant.id, kind=Job.SEND, key=outbox_id, due_at=now
        )
        return True

    async def _status(
        self, tenant: Tenant, conversation: Conversation, outgoing: Outgoing
    ) -> str | None:
        """What the PMS says became of a reply; none where it does not show it."""
        account = await self._mirror.account(tenant, int(conversation.account))
        rows = await self._client.messages(
            account, conversation.external_id, include_scheduled=True
        )
        found = [
            m.status for m in parsed_messages(list(rows)) if m.external_id == outgoing.external_id
        ]
        return found[0] if found else None

    async def _has_email(self, tenant: Tenant, conversation: Conversation) -> bool:
        account = await self._mirror.account(tenant, int(conversation.account))
        raw: Mapping[str, Any] = await self._client.conversation(
            account, conversation.external_id, is_urgent=True
        )
        return any("@" in str(raw.get(name) or "") for name in ADDRESSES)


async def _is_gated(
    conn: Connection, tenant: Tenant, outgoing: Outgoing, stay: Stay | None
) -> bool:
    """Whether a reply may hold gated text: a template's is looked for, a bot's is assumed."""
    if stay is None or not stay.access.allowed:
        return False
    decisions = await decisions_of(conn, tenant.keyring, outgoing.conversation_id)
    origin = next((d.origin for d in decisions if d.id == outgoing.decision_id), "bot")
    if origin == "bot":
        return True
    text = letters(outgoing.text)
    gated = [letters(value) for value in stay.texts.values()]
    return any(len(value) >= SHORTEST_GATED and value in text for value in gated)
