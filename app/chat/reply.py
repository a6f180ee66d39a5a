"""The jobs that answer a thread, and that look at one.

Fetch again, see whether a person spoke, whether an answer is still needed; ask the mind; conclude.
Nothing outside is called inside a transaction.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.bots.answer import Mind
from app.bots.phrases import refuses_robot
from app.bots.records import Question
from app.bots.words import words_loaded
from app.chat import store
from app.chat.debounce import Debounce
from app.chat.machines import is_machine
from app.chat.threads import Standing, Threads
from app.chat.verdict import Verdicts
from app.clock import Clock
from app.conversations import Conversation, Conversations, Turn
from app.db import Connection, Database
from app.escalation.cases import Cases
from app.jobs import Job, JobRun, Jobs
from app.pms.stay import Stay
from app.pms.sync import FetchedThread, Mirror, NewTurn
from app.tenants import Tenant, Tenants

logger = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
UNCLEAR = timedelta(minutes=10)
"""For so long an answer waits until it is known whether the reply before it arrived."""
UNCLEAR_PAUSE = timedelta(seconds=4)


class Replies:
    """Answers threads."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        clock: Clock,
        jobs: Jobs,
        mirror: Mirror,
        threads: Threads,
        conversations: Conversations,
        cases: Cases,
        mind: Mind,
        debounce: Debounce,
        verdicts: Verdicts,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock
        self._jobs = jobs
        self._mirror = mirror
        self._threads = threads
        self._conversations = conversations
        self._cases = cases
        self._mind = mind
        self._debounce = debounce
        self._verdicts = verdicts

    async def answer(self, run: JobRun) -> datetime | None:
        """Job: the quiet window of a thread is over. Key: the conversation."""
        tenant = await self._tenants.get(run.tenant_id)
        if tenant.mode == "off":
            return None
        fetched = await self._mirror.fetch_thread(tenant, int(run.key))
        await words_loaded()
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            stay, new = await self._threads.record(conn, tenant, fetched)
            conversation = await self._conversations.get(conn, fetched.conversation.id)
            if await self._is_unclear(conn, tenant, conversation, run.generation):
                return self._clock.now() + UNCLEAR_PAUSE
            question, through = await self._question(conn, tenant, fetched, stay, run.generation)
            if question is None:
                await self._receive(conn, tenant, fetched.conversation, stay, new)
                return None
        answering = await self._mind.begin(question)
        text = await answering.whole()
        async with door.transaction() as conn:
            is_concluded = await self._verdicts.conclude(
                conn, answering, conversation, text, through_turn=through
            )
        run.counts["concluded"] = int(is_concluded)
        return None

    async def look(self, run: JobRun) -> datetime | None:
        """Job: a thread may hold what the mirror has not seen. Key: the conversation."""
        tenant = await self._tenants.get(run.tenant_id)
        run.counts["turns"] = await self.look_at(tenant, int(run.key))
        return None

    async def look_at(self, tenant: Tenant, conversation_id: int) -> int:
        """Read a thread and its booking again, with all that follows; how many turns were new."""
        fetched = await self._mirror.fetch_thread(tenant, conversation_id)
        await words_loaded()
        conversation = fetched.conversation
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            stay, new = await self._threads.record(conn, tenant, fetched)
            await self._receive(conn, tenant, conversation, stay, new)
            standing = await self._threads.standing(conn, tenant, conversation)
            is_free = standing.handling.mode == "bot" and not standing.thread.is_pending
            if is_free and standing.asked:
                await self._debounce.arm(
                    conn, tenant, conversation, stay,
                    received_at=self._clock.now(), text=standing.asked[-1].text,
                )  # fmt: skip
        return len(new)

    async def leave_given_up(self, run: JobRun) -> datetime | None:
        """Job: a thread could not be answered, or a reply not sent. Key: `kind:key` of that job."""
        kind, _, key = run.key.partition(":")
        tenant = await self._tenants.get(run.tenant_id)
        error = await self._jobs.last_error(tenant.id, kind, key)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            conversation_id: int | None = int(key)
            if kind == Job.SEND:
                conversation_id = await store.conversation_of(conn, int(key))
                await store.set_status(conn, int(key), "failed", because=error)
            if conversation_id is None:
                return None
            conversation = await self._conversations.get(conn, conversation_id)
            turns = await self._conversations.transcript(conn, conversation.id, last=20)
            said = [turn.text for turn in turns if turn.speaker == "guest"]
            await self._cases.open(
                conn,
                tenant,
                conversation_id=conversation.id,
                reservation_id=conversation.reservation_id,
                severity="normal",
                trigger_text=said[-1] if said else "[unknown message]",
                brief=f"could not be answered: {error}",
            )
        return None

    async def _receive(
        self,
        conn: Connection,
        tenant: Tenant,
        conversation: Conversation,
        stay: Stay | None,
        new: Sequence[NewTurn],
    ) -> None:
        """What a guest said that no webhook has brought yet, and that no answer here covers."""
        for turn in new:
            if turn.speaker == "guest":
                await self._debounce.receive(
                    conn, tenant, conversation, stay, turn, at=turn.message.sent_at
                )

    async def _is_unclear(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, generation: int
    ) -> bool:
        """Whether an earlier reply may or may not have arrived: what is open depends on it.

        Replies that surely did not are taken back: this answer covers their questions as well.
        """
        await self._threads.lock(conn, tenant, conversation)
        since = self._clock.now() - UNCLEAR
        if await store.is_unclear(conn, conversation.id, since, older_than=generation):
            return True
        await store.drop_unsent(
            conn, conversation.id, "the guest wrote again", older_than=generation
        )
        return False

    async def _question(
        self,
        conn: Connection,
        tenant: Tenant,
        fetched: FetchedThread,
        stay: Stay | None,
        generation: int,
    ) -> tuple[Question | None, int]:
        """(what is to be answered, the newest turn it covers); nothing where nothing is."""
        conversation = fetched.conversation
        standing = await self._threads.standing(conn, tenant, conversation)
        asked = standing.asked
        through = max((turn.id for turn in standing.turns), default=0)
        is_answered = standing.thread.answered_generation >= generation
        if standing.thread.generation != generation or is_answered:
            return None, through
        if standing.handling.mode == "human" or not asked:
            await store.mark_answered(
                conn, conversation.id, generation=generation, through_turn=through
            )
            return None, through
        refuses = standing.thread.refuses_robot or any(refuses_robot(turn.text) for turn in asked)
        if refuses and not standing.thread.refuses_robot:
            await store.keep_refusal(conn, conversation.id)
        if await self._is_too_much(conn, tenant, conversation.id, standing):
            await self._leave_to_people(conn, tenant, conversation, asked)
            await store.mark_answered(
                conn, conversation.id, generation=generation, through_turn=through
            )
            return None, through
        open_ids = {turn.id for turn in asked}
        requests = {m.external_id for m in fetched.messages if m.is_request}
        return Question(
            tenant=tenant,
            medium="thread",
            conversation_id=conversation.id,
            generation=generation,
            stay=stay,
            # A reply to earlier words may have come after these: it is history all the same.
            history=tuple(turn for turn in standing.turns if turn.id not in open_ids),
            asked=tuple(turn.text for turn in asked if not _is_mark(turn.text)),
            has_attachment=_has_attachment(fetched, asked),
            language_hint=conversation.language,
            refuses_robot=refuses,
            now=fetched.as_of,
            requests=tuple(turn.text for turn in asked if turn.external_id in requests),
        ), through

    async def _is_too_much(
        self, conn: Connection, tenant: Tenant, conversation_id: int, standing: Standing
    ) -> bool:
        """Whether the bot has said enough for an hour, or talks with another machine."""
        since = self._clock.now() - HOUR
        replies = await store.bot_replies_since(conn, conversation_id, since)
        recent = [turn for turn in standing.turns if turn.said_at > since]
        return replies >= tenant.settings.chat.max_replies_per_hour or is_machine(recent)

    async def _leave_to_people(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, asked: Sequence[Turn]
    ) -> None:
        await self._cases.open(
            conn,
            tenant,
            conversation_id=conversation.id,
            reservation_id=conversation.reservation_id,
            severity="low",
            trigger_text=asked[-1].text,
            brief="too many replies within an hour, or another machine answers",
        )


def _is_mark(text: str) -> bool:
    return text in ("[attachment]", "[empty message]")


def _has_attachment(fetched: FetchedThread, asked: Sequence[Turn]) -> bool:
    ids = {turn.external_id for turn in asked}
    return any(m.attachments for m in fetched.messages if m.external_id in ids)
