"""Exactly one reply: lease, fill placeholders, send, recognise what was already sent.

A POST has no idempotency key, so an unclear outcome is never simply tried again: the thread is
read after 5, 30 and 90 seconds, then sent once more, then a person is asked. Whether a reply may
go is asked when its turn at the PMS has come (`clearance.py`); what that needs of the PMS is
fetched before: the thread of a reply from old facts, the bookings of one that holds a secret.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from app.bus import Bus
from app.chat import store
from app.chat.clearance import Clearances, Sending
from app.chat.footing import Footing
from app.chat.humans import claims
from app.chat.store import Outgoing
from app.chat.ways import way_of
from app.clock import Clock
from app.conversations import Conversation, Conversations
from app.db import Connection, Database
from app.events import ReplySent
from app.jobs import Job, JobRun, Jobs
from app.pms.hostaway import HostawayClient
from app.pms.hostaway_answers import HostawayError, Withdrawn
from app.pms.records import Message, parse_moment
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
LONG_AGO = datetime.min.replace(tzinfo=UTC)
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
        clearances: Clearances,
        conversations: Conversations,
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
        self._clearances = clearances
        self._conversations = conversations
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
        sending = Sending(
            run=run,
            tenant=tenant,
            conversation=conversation,
            outgoing=outgoing,
            # One that goes another way now was made a while before its row.
            seen_at=outgoing.created_at if outgoing.instead_of is None else LONG_AGO,
        )
        if outgoing.status != "queued":
            again_at = await self._look(sending)
            unsent = await self._unsent(tenant, outgoing.id)
            if again_at is not None or unsent is None:
                return again_at
            sending.outgoing, sending.seen_at = unsent, LONG_AGO
        try:
            await self._renew(sending)
        except HostawayError as exc:
            return await self._unread(sending, exc)
        return await self._post(sending)

    async def _renew(self, sending: Sending) -> None:
        """Read again what must be known before it is sent and cannot be asked in its turn."""
        if self._clearances.is_old(sending):
            sending.seen_at = self._clock.now()
            sending.tenant = await self._tenants.read_again(sending.tenant.id)
            await self._look_at(sending.tenant, sending.conversation.id)
        now = self._clock.now()
        if await self._footing.renew(sending.tenant, sending.conversation, sending.outgoing):
            sending.renewed_at = now

    async def _unread(self, sending: Sending, error: HostawayError) -> datetime | None:
        """Thread or booking could not be read again: nothing is sent before they can be."""
        now = self._clock.now()
        if error.retryable and now - sending.outgoing.created_at < LONGEST_TRY:
            return now + AGAIN
        door = await self._database.tenant(sending.tenant.id)
        async with door.transaction() as conn:
            if await self._clearances.is_as_known(conn, sending):
                await self._clearances.fail(conn, sending, str(error))
        return None

    async def _post(self, sending: Sending) -> datetime | None:
        tenant, conversation = sending.tenant, sending.conversation
        account = await self._mirror.account(tenant, int(conversation.account))
        door = await self._database.tenant(tenant.id)
        try:
            sent = await self._client.send_message(
                account,
                conversation.external_id,
                lambda: self._clearances.words(sending),
                communication_type=way_of(conversation, sending.outgoing.communication_type),
            )
        except Withdrawn:
            return sending.again_at
        except HostawayError as exc:
            async with door.transaction() as conn:
                return await self._after_failure(conn, sending, exc)
        sent_at = parse_moment(sent.get("date")) or self._clock.now()
        async with door.transaction() as conn:
            await self._sent(conn, tenant, sending.outgoing, str(sent.get("id") or ""), sent_at)
        return None

    async def _after_failure(
        self, conn: Connection, sending: Sending, error: HostawayError
    ) -> datetime | None:
        now, outgoing = self._clock.now(), sending.outgoing
        logger.warning("reply was not acknowledged", extra={"why": str(error)})
        if not await self._clearances.is_as_known(conn, sending):
            return None
        if error.was_sent:
            await store.set_status(conn, outgoing.id, "ambiguous", because=str(error))
            return now + LOOKS[0]
        if error.retryable and now - outgoing.created_at < LONGEST_TRY:
            await self._clearances.unmark(conn, sending, because=str(error))
            return now + AGAIN
        await self._clearances.fail(conn, sending, str(error))
        return None

    async def _look(self, sending: Sending) -> datetime | None:
        """Look for a reply in the thread: recognised, or when to look or send again.

        One that a run left behind while it was being sent is looked for at once and then as ever.
        """
        outgoing, tenant = sending.outgoing, sending.tenant
        found = await self._find(sending)
        is_left = outgoing.status == "sending"
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            if found is not None:
                await self._sent(conn, tenant, outgoing, found.external_id, found.sent_at)
                return None
            if not await self._clearances.is_as_known(conn, sending):
                return self._clock.now() + QUEUE_PAUSE
            await store.set_status(conn, outgoing.id, "ambiguous", more_checks=0 if is_left else 1)
            if is_left:
                return self._clock.now() + LOOKS[0]
            looks = outgoing.checks + 1 - len(LOOKS) * (max(outgoing.attempts, 1) - 1)
            if looks < len(LOOKS):
                return self._clock.now() + LOOKS[max(looks, 0)]
            if outgoing.attempts >= MOST_ATTEMPTS:
                await self._clearances.fail(conn, sending, "nobody knows if it arrived")
        return None

    async def _find(self, sending: Sending) -> Message | None:
        tenant, conversation, outgoing = sending.tenant, sending.conversation, sending.outgoing
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

    async def _unsent(self, tenant: Tenant, outbox_id: int) -> Outgoing | None:
        """A reply that nobody found in the thread, as it stands now."""
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            outgoing = await store.lock_outgoing(conn, outbox_id)
        is_open = outgoing is not None and outgoing.status in ("sending", "ambiguous")
        return outgoing if is_open else None

    async def _messages(
        self, tenant: Tenant, conversation: Conversation, *, is_urgent: bool
    ) -> list[Message]:
        account = await self._mirror.account(tenant, int(conversation.account))
        rows = await self._client.messages(
            account, conversation.external_id, include_scheduled=True, is_urgent=is_urgent
        )
        return parsed_messages(rows)
