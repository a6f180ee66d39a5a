"""Exactly one reply: lease, fill placeholders, send, recognise what was already sent.

A POST has no idempotency key, so an unclear outcome is never simply tried again: the thread is
read after 5, 30 and 90 seconds, then sent once more, then a person is asked. A reply written under
an older handling, or whose access has closed meanwhile, is dropped.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from app.bus import Bus
from app.chat import store
from app.chat.footing import MOVED, Footing
from app.chat.humans import claims
from app.chat.store import Outgoing
from app.chat.ways import ENOUGH, assurance_of, way_of
from app.clock import Clock
from app.conversations import Conversation, Conversations
from app.db import Connection, Database
from app.escalation.cases import Cases
from app.events import ReplySent
from app.jobs import Job, JobRun, Jobs
from app.pms.gated import PlaceholderMangled, fill
from app.pms.hostaway import HostawayClient
from app.pms.hostaway_answers import HostawayError
from app.pms.records import Message, parse_moment
from app.pms.stay import Stay
from app.pms.sync import Mirror, parsed_messages
from app.tenants import Tenant, Tenants

logger = logging.getLogger(__name__)

LOOKS = (timedelta(seconds=5), timedelta(seconds=25), timedelta(seconds=60))
"""Waits before each look for a reply whose outcome is unclear: at 5, 30 and 90 s."""
MOST_ATTEMPTS = 2
"""Requests to the PMS for one reply whose outcomes were unclear."""
LONGEST_TRY = timedelta(minutes=20)
"""A reply that the PMS kept refusing for so long is a person's matter."""
AGAIN = timedelta(seconds=5)
QUEUE_PAUSE = timedelta(seconds=1)
LONGEST_QUEUE = timedelta(minutes=1)
"""Replies of one thread go out in order, but none is held up longer by an earlier one."""
FRESH = timedelta(seconds=30)
"""A reply that waited longer is not sent before its thread was read again."""
LookAt = Callable[[Tenant, int], Awaitable[int]]
"""Reads a thread again and acts on what is new in it (`Replies.look_at`)."""


class Outbox:
    """Sends replies through the PMS."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        clock: Clock,
        bus: Bus,
        jobs: Jobs,
        client: HostawayClient,
        mirror: Mirror,
        footing: Footing,
        conversations: Conversations,
        cases: Cases,
        look_at: LookAt,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock
        self._bus = bus
        self._jobs = jobs
        self._client = client
        self._mirror = mirror
        self._footing = footing
        self._conversations = conversations
        self._cases = cases
        self._look_at = look_at

    async def send(self, run: JobRun) -> datetime | None:
        """Job: send a reply, or find out whether it was sent. Key: the outbox row."""
        tenant = await self._tenants.get(run.tenant_id)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            outgoing = await store.lock_outgoing(conn, int(run.key))
            if outgoing is None or outgoing.status not in ("queued", "sending", "ambiguous"):
                return None
            if await store.is_behind(conn, outgoing, self._clock.now() - LONGEST_QUEUE):
                return self._clock.now() + QUEUE_PAUSE
            conversation = await self._conversations.get(conn, outgoing.conversation_id)
        if outgoing.status != "queued":
            again_at = await self._look(tenant, conversation, outgoing)
            if again_at is not None or not await self._is_unsent(tenant, outgoing.id):
                return again_at
        is_fresh = outgoing.status == "queued" and self._clock.now() - outgoing.created_at <= FRESH
        try:
            if outgoing.origin != "operator" and not is_fresh:
                await self._look_at(tenant, conversation.id)
            await self._footing.renew(tenant, conversation, outgoing)
        except HostawayError as exc:
            return await self._unread(tenant, conversation, outgoing, exc)
        async with door.transaction() as conn:
            text = await self._ready(conn, tenant, conversation, outgoing.id)
        if text is None:
            return None
        return await self._post(tenant, conversation, outgoing, text)

    async def _ready(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, outbox_id: int
    ) -> str | None:
        """The text with its secrets, if it may go out now; marks it as being sent."""
        await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        handling = await self._cases.may_speak(conn, tenant.id, conversation.id)
        outgoing = await store.lock_outgoing(conn, outbox_id)
        if outgoing is None or outgoing.status not in ("queued", "sending", "ambiguous"):
            return None
        is_ours = outgoing.origin != "operator"
        is_stale = is_ours and outgoing.epoch != handling.epoch
        if is_stale or (outgoing.origin == "bot" and handling.mode == "human"):
            await store.set_status(conn, outbox_id, "dropped", because="a person took over")
            return None
        thread = await store.lock_thread(conn, conversation.id)
        if outgoing.origin == "bot" and thread.generation != outgoing.generation:
            await store.set_status(conn, outbox_id, "dropped", because="the guest wrote again")
            await store.give_back(conn, conversation.id, outgoing.answered_before)
            return None
        if tenant.mode != "on" and is_ours:
            await store.set_status(conn, outbox_id, "dropped", because="the tenant is not on")
            return None
        stay = await self._footing.stay_of(conn, tenant, conversation)
        if await self._footing.has_closed(conn, outgoing, stay):
            await store.set_status(conn, outbox_id, "dropped", because=MOVED)
            return None
        if await self._footing.has_moved(conn, outgoing, stay):
            if not await self._footing.decide_again(conn, tenant, conversation, outgoing):
                await self._fail(conn, tenant, conversation, outgoing, MOVED)
            return None
        try:
            text = fill(outgoing.text, _secrets_for(conversation, outgoing, stay))
        except PlaceholderMangled:
            await self._fail(conn, tenant, conversation, outgoing, "access has changed meanwhile")
            return None
        now = self._clock.now()
        await store.set_status(conn, outbox_id, "sending", more_attempts=1, tried_at=now)
        return text

    async def _unread(
        self, tenant: Tenant, conversation: Conversation, outgoing: Outgoing, error: HostawayError
    ) -> datetime | None:
        """The booking could not be read again: nothing is sent before it can be."""
        now = self._clock.now()
        if error.retryable and now - outgoing.created_at < LONGEST_TRY:
            return now + AGAIN
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            await self._fail(conn, tenant, conversation, outgoing, str(error))
        return None

    async def _post(
        self, tenant: Tenant, conversation: Conversation, outgoing: Outgoing, text: str
    ) -> datetime | None:
        account = await self._mirror.account(tenant, int(conversation.account))
        door = await self._database.tenant(tenant.id)
        try:
            sent = await self._client.send_message(
                account,
                conversation.external_id,
                text,
                communication_type=way_of(conversation, outgoing.communication_type),
            )
        except HostawayError as exc:
            async with door.transaction() as conn:
                return await self._after_failure(conn, tenant, conversation, outgoing, exc)
        sent_at = parse_moment(sent.get("date")) or self._clock.now()
        async with door.transaction() as conn:
            await self._sent(conn, tenant, outgoing, str(sent.get("id") or ""), sent_at)
        return None

    async def _after_failure(
        self,
        conn: Connection,
        tenant: Tenant,
        conversation: Conversation,
        outgoing: Outgoing,
        error: HostawayError,
    ) -> datetime | None:
        now = self._clock.now()
        logger.warning("reply was not acknowledged", extra={"why": str(error)})
        if error.was_sent:
            await store.set_status(conn, outgoing.id, "ambiguous", because=str(error))
            return now + LOOKS[0]
        if error.retryable and now - outgoing.created_at < LONGEST_TRY:
            await store.set_status(
                conn, outgoing.id, "queued", because=str(error), more_attempts=-1
            )
            return now + AGAIN
        await self._fail(conn, tenant, conversation, outgoing, str(error))
        return None

    async def _look(
        self, tenant: Tenant, conversation: Conversation, outgoing: Outgoing
    ) -> datetime | None:
        """Look for a reply in the thread: recognised, or when to look or send again."""
        found = await self._find(tenant, conversation, outgoing)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            if found is not None:
                await self._sent(conn, tenant, outgoing, found.external_id, found.sent_at)
                return None
            await store.set_status(conn, outgoing.id, "ambiguous", more_checks=1)
            looks = outgoing.checks + 1 - len(LOOKS) * (max(outgoing.attempts, 1) - 1)
            if looks < len(LOOKS):
                return self._clock.now() + LOOKS[max(looks, 0)]
            if outgoing.attempts >= MOST_ATTEMPTS:
                await self._fail(conn, tenant, conversation, outgoing, "nobody knows if it arrived")
        return None

    async def _find(
        self, tenant: Tenant, conversation: Conversation, outgoing: Outgoing
    ) -> Message | None:
        door = await self._database.tenant(tenant.id)
        messages = await self._messages(tenant, conversation, is_urgent=True)
        async with door.transaction() as conn:
            others = await store.outgoing_of(conn, conversation.id, last=50)
            stay = await self._footing.stay_of(conn, tenant, conversation)
        texts = {
            message.external_id: stay.mask(message.text) if stay else message.text
            for message in messages
            if not message.is_incoming
        }
        claimed = claims(messages, texts, others)
        for message in messages:
            if (sent := claimed.get(message.external_id)) and sent.id == outgoing.id:
                return message
        return None

    async def _sent(
        self,
        conn: Connection,
        tenant: Tenant,
        outgoing: Outgoing,
        external_id: str,
        sent_at: datetime,
    ) -> None:
        await store.set_status(
            conn, outgoing.id, "sent", external_id=external_id or None, sent_at=self._clock.now()
        )
        speaker = "operator" if outgoing.origin == "operator" else "bot"
        await self._conversations.record_turn(
            conn,
            tenant.id,
            outgoing.conversation_id,
            speaker=speaker,  # type: ignore[arg-type]
            text=outgoing.text,
            said_at=sent_at,
            external_id=external_id or None,
            decision_id=outgoing.decision_id,
        )
        if external_id and await self._conversations.correct_speaker(
            conn,
            outgoing.conversation_id,
            external_id,
            speaker,  # type: ignore[arg-type]
        ):
            # Somebody saw it before us and took it for a person's: the look lifts that silence.
            await self._jobs.arm(
                conn,
                tenant_id=tenant.id,
                kind=Job.READ_THREAD,
                key=outgoing.conversation_id,
                due_at=self._clock.now(),
            )
        if speaker == "bot":
            # After the turn: whoever reads the thread locks in that order too.
            await store.mark_disclosed(conn, outgoing.conversation_id)
        wait = timedelta(seconds=tenant.settings.chat.send_check_s)
        await self._jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.CHECK_SENT,
            key=outgoing.id,
            due_at=self._clock.now() + wait,
        )
        event = ReplySent(
            tenant_id=tenant.id,
            conversation_id=outgoing.conversation_id,
            outbox_id=outgoing.id,
            origin=outgoing.origin,
        )
        self._bus.publish_after(conn, event)

    async def _fail(
        self,
        conn: Connection,
        tenant: Tenant,
        conversation: Conversation,
        outgoing: Outgoing,
        because: str,
    ) -> None:
        """It will not be sent by us: a person is told."""
        await store.set_status(conn, outgoing.id, "failed", because=because)
        await self._cases.open(
            conn,
            tenant,
            conversation_id=conversation.id,
            reservation_id=conversation.reservation_id,
            severity="normal",
            trigger_text=f"A reply could not be delivered: {because}",
            brief=outgoing.text,
        )

    async def _is_unsent(self, tenant: Tenant, outbox_id: int) -> bool:
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            outgoing = await store.lock_outgoing(conn, outbox_id)
        return outgoing is not None and outgoing.status in ("sending", "ambiguous")

    async def _messages(
        self, tenant: Tenant, conversation: Conversation, *, is_urgent: bool
    ) -> list[Message]:
        account = await self._mirror.account(tenant, int(conversation.account))
        rows = await self._client.messages(
            account, conversation.external_id, include_scheduled=True, is_urgent=is_urgent
        )
        return parsed_messages(rows)


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
