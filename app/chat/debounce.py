"""What came in for a thread: mirrored, looked at for urgency, and given its quiet window.

One transaction closes the inbox row, records the words, raises the thread's generation and arms
the job that answers. Only the newest generation acts.
"""

import logging
from datetime import datetime, timedelta

from app.bots.channel_texts import quotes_us
from app.bots.phrases import load_phrase_sets, match_intent
from app.bots.urgent import Urgent, find_urgent
from app.bus import Bus
from app.chat import store
from app.chat.threads import Threads
from app.chat.verdict import Verdicts
from app.clock import Clock
from app.conversations import Conversation, Conversations
from app.db import Connection
from app.escalation.cases import Cases
from app.events import MessageReceived
from app.jobs import Job, Jobs
from app.pms.inbox import InboxRow
from app.pms.incoming import identifier, short_text, small_number
from app.pms.records import LONGEST_LINE, Message, is_set, parse_moment, plain_text
from app.pms.stay import Stay
from app.pms.sync import FetchedThread, Mirror, NewTurn
from app.tenants import Tenant

logger = logging.getLogger(__name__)

ACCESS_CODES = frozenset({"ACCESS_INSTRUCTIONS", "WIFI_QUESTION"})
SETTLE = timedelta(seconds=2)
"""Several events of one reservation come together; it is fetched once."""


class Debounce:
    """The quiet window of a thread."""

    def __init__(
        self,
        *,
        bus: Bus,
        clock: Clock,
        jobs: Jobs,
        mirror: Mirror,
        threads: Threads,
        conversations: Conversations,
        cases: Cases,
        verdicts: Verdicts,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._jobs = jobs
        self._mirror = mirror
        self._threads = threads
        self._conversations = conversations
        self._cases = cases
        self._verdicts = verdicts

    async def on_message_event(self, conn: Connection, tenant: Tenant, row: InboxRow) -> None:
        """Inbox: a message of a thread."""
        conversation_id = identifier(row.envelope.get("conversationId"))
        reservation_id = identifier(row.envelope.get("reservationId"))
        if conversation_id is None:
            if reservation_id is not None:
                await self._find_thread(conn, tenant, row.account_id, reservation_id)
            return
        conversation = await self._conversations.ensure_thread(
            conn, account=str(row.account_id), external_id=conversation_id, now=row.received_at
        )
        if conversation.reservation_id is None and reservation_id is not None:
            conversation = await self._mirror.attach_known(
                conn, tenant, conversation, reservation_id
            )
        message = _message_of(row)
        if message is None or not message.is_incoming:
            is_ours = message is not None and await store.is_ours(
                conn, conversation.id, message.external_id
            )
            if not is_ours:
                await self._look_now(conn, tenant, conversation)
            return
        stay = await self._threads.stay_of(conn, tenant, conversation, row.received_at)
        if stay is None:
            is_urgent = _urgent_in(message.text, None) is not None
            await self.arm(
                conn,
                tenant,
                conversation,
                None,
                received_at=row.received_at,
                text="",
                is_urgent=is_urgent,
            )
            return
        thread = FetchedThread(
            conversation=conversation,
            messages=(message,),
            has_reservation=True,
            as_of=row.received_at,
        )
        for turn in await self._threads.mirror(conn, tenant, thread, stay):
            await self.receive(conn, tenant, conversation, stay, turn, at=row.received_at)
            if _is_live(tenant, message) and not self._is_for_us(tenant, message):
                # Too old for a bot, and nobody may have answered it: the look lists it.
                await self._look_now(conn, tenant, conversation)

    async def on_reservation_event(self, conn: Connection, tenant: Tenant, row: InboxRow) -> None:
        """Inbox: a reservation was made or changed; it is fetched soon."""
        await self._jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.RESERVATION,
            key=f"{row.account_id}:{row.envelope['id']}",
            due_at=self._clock.now() + SETTLE,
        )

    async def on_given_up(
        self, conn: Connection, tenant: Tenant, row: InboxRow, error: BaseException
    ) -> None:
        """Inbox: an event cannot be handled; what it told of is read from the PMS instead."""
        kind, key = f"inbox.{row.event}", str(row.id)
        conn.after_commit.append(
            lambda: self._jobs.record_given_up(tenant.id, kind=kind, key=key, error=error)
        )
        conversation_id = identifier(row.envelope.get("conversationId"))
        reservation_id = identifier(row.envelope.get("reservationId"))
        if conversation_id is not None:
            conversation = await self._conversations.ensure_thread(
                conn,
                account=str(row.account_id),
                external_id=conversation_id,
                now=row.received_at,
            )
            await self._look_now(conn, tenant, conversation)
        elif reservation_id is not None:
            await self._find_thread(conn, tenant, row.account_id, reservation_id)

    async def receive(
        self,
        conn: Connection,
        tenant: Tenant,
        conversation: Conversation,
        stay: Stay | None,
        turn: NewTurn,
        *,
        at: datetime,
    ) -> None:
        """A guest's words that were not known before, by whichever way they came."""
        if tenant.mode == "off" or not self._is_for_us(tenant, turn.message):
            return
        case = await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        country = stay.listing.country_code if stay else None
        urgent = _urgent_in(turn.text, country)
        handling = await self._cases.may_speak(conn, tenant.id, conversation.id)
        if case is not None:
            severity = urgent.severity if urgent else case.severity
            await self._cases.raise_severity(conn, tenant, case, severity=severity, text=turn.text)
        if handling.mode == "human" and not (urgent and case is None):
            return
        if urgent is not None:
            await self._verdicts.conclude_urgent(conn, tenant, conversation, stay, turn)
            return
        await self.arm(conn, tenant, conversation, stay, received_at=at, text=turn.text)

    async def arm(
        self,
        conn: Connection,
        tenant: Tenant,
        conversation: Conversation,
        stay: Stay | None,
        *,
        received_at: datetime,
        text: str,
        is_urgent: bool = False,
    ) -> None:
        """Start the quiet window anew; nobody waits longer than the tenant's longest wait.

        Urgent words of a guest whom the mirror does not know yet are looked at without a window.
        """
        if tenant.mode == "off":
            return
        thread = await store.lock_thread(conn, conversation.id)
        window, is_pressing = self._window(tenant, stay, text)
        if is_urgent:
            window, is_pressing = timedelta(0), True
        due_at = received_at + window
        first = thread.first_pending_at if thread.is_pending else None
        if first is not None and thread.due_at is not None and not is_pressing:
            due_at = max(due_at, thread.due_at)
        first = first or received_at
        longest = timedelta(seconds=tenant.settings.chat.longest_wait_s)
        due_at = min(due_at, first + max(longest, window))
        generation = await store.raise_generation(
            conn, conversation.id, first_pending_at=first, due_at=due_at
        )
        await store.drop_unsent(
            conn, conversation.id, "the guest wrote again", older_than=generation
        )
        await self._jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.REPLY,
            key=conversation.id,
            due_at=due_at,
            generation=generation,
        )
        self._bus.publish_after(
            conn,
            MessageReceived(
                tenant_id=tenant.id,
                conversation_id=conversation.id,
                generation=generation,
                due_at=due_at,
            ),
        )

    def _window(self, tenant: Tenant, stay: Stay | None, text: str) -> tuple[timedelta, bool]:
        """(quiet time, whether it is an access question on the day of arrival)."""
        chat = tenant.settings.chat
        if stay is None or not stay.reservation.is_confirmed:
            return timedelta(seconds=chat.window_other_s), False
        intent = match_intent(text, load_phrase_sets()) if stay.is_arrival_day else None
        if intent is not None and intent.action_code in ACCESS_CODES:
            return timedelta(seconds=chat.window_arrival_access_s), True
        return timedelta(seconds=chat.window_confirmed_s), False

    def _is_for_us(self, tenant: Tenant, message: Message) -> bool:
        """Not from before going live, and not too old to be answered."""
        if not _is_live(tenant, message):
            return False
        oldest = self._clock.now() - timedelta(seconds=tenant.settings.chat.max_age_s)
        return message.sent_at >= oldest

    async def _look_now(self, conn: Connection, tenant: Tenant, conversation: Conversation) -> None:
        await self._jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.READ_THREAD,
            key=conversation.id,
            due_at=self._clock.now(),
        )

    async def _find_thread(
        self, conn: Connection, tenant: Tenant, account_id: int, reservation_id: str
    ) -> None:
        await self._jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.FIND_THREAD,
            key=f"{account_id}:{reservation_id}",
            due_at=self._clock.now(),
        )


def _urgent_in(text: str, country_code: str | None) -> Urgent | None:
    """What cannot wait; a reaction that quotes our own words is no emergency."""
    return None if quotes_us(text) else find_urgent(text, country_code=country_code)


def _is_live(tenant: Tenant, message: Message) -> bool:
    since = tenant.live_since
    return since is not None and message.sent_at >= since.replace(microsecond=0)


def _message_of(row: InboxRow) -> Message | None:
    """The message an event carries; none where it has no id or no date: it only arms."""
    envelope = row.envelope
    external_id = identifier(envelope.get("id"))
    conversation_id = identifier(envelope.get("conversationId"))
    if external_id is None or conversation_id is None:
        return None
    attachments = row.sealed.get("attachments")
    return Message(
        external_id=external_id,
        conversation_external_id=conversation_id,
        reservation_external_id=identifier(envelope.get("reservationId")),
        is_incoming=is_set(envelope.get("isIncoming", 1)),
        is_automation=bool(envelope.get("communicationId") or envelope.get("communicationEvent")),
        text=plain_text(str(row.sealed.get("body") or "")),
        communication_type=short_text(envelope.get("communicationType"), LONGEST_LINE),
        channel_id=small_number(envelope.get("channelId")),
        status=short_text(envelope.get("status"), LONGEST_LINE),
        attachments=small_number(attachments) or 0,
        sent_at=parse_moment(envelope.get("date")) or row.received_at,
    )
