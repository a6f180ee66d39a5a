"""The jobs that answer a thread, and that look at one.

Fetch again, see whether a person spoke, whether an answer is still needed; ask the mind; conclude.
Nothing outside is called inside a transaction.
"""

import logging
from datetime import datetime, timedelta

from app.bots.answer import Mind
from app.bots.phrases import refuses_robot
from app.bots.records import Question
from app.chat import store
from app.chat.debounce import Debounce
from app.chat.humans import speakers_of
from app.chat.verdict import Verdicts, is_machine
from app.clock import Clock
from app.conversations import Conversations, Turn
from app.db import Connection, Database
from app.escalation.cases import Cases
from app.escalation.records import Handling
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
        thread = await self._mirror.fetch_thread(tenant, int(run.key))
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            stay, new = await self._record(conn, tenant, thread)
            if await self._is_unclear(conn, tenant, thread, run.generation):
                return self._clock.now() + UNCLEAR_PAUSE
            question, through = await self._question(conn, tenant, thread, stay, run.generation)
            if question is None:
                await self._receive(conn, tenant, thread, stay, new)
                return None
        answering = await self._mind.begin(question)
        text = await answering.whole()
        async with door.transaction() as conn:
            is_concluded = await self._verdicts.conclude(
                conn, answering, thread.conversation, text, through_turn=through
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
        thread = await self._mirror.fetch_thread(tenant, conversation_id)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            stay, new = await self._record(conn, tenant, thread)
            await self._receive(conn, tenant, thread, stay, new)
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
        thread: FetchedThread,
        stay: Stay | None,
        new: list[NewTurn],
    ) -> None:
        """What a guest said that no webhook has brought yet, and that no answer here covers."""
        for turn in new:
            if turn.speaker == "guest":
                await self._debounce.receive(
                    conn, tenant, thread.conversation, stay, turn, at=turn.message.sent_at
                )

    async def _record(
        self, conn: Connection, tenant: Tenant, thread: FetchedThread
    ) -> tuple[Stay | None, list[NewTurn]]:
        """Mirror what was fetched; a person's new words silence the bot."""
        conversation = thread.conversation
        stay = await self._debounce.stay_of(conn, tenant, conversation, self._clock.now())
        speakers = await speakers_of(
            conn, self._mirror, tenant, conversation.id, thread.messages, stay
        )
        new = await self._mirror.record_messages(conn, tenant, thread, stay, speakers)
        if stay is not None:
            await self._mirror.mask_again(conn, conversation.id, stay)
        last_guest_at = max((m.sent_at for m in thread.messages if m.is_incoming), default=None)
        for turn in new:
            is_newer = last_guest_at is None or turn.message.sent_at >= last_guest_at
            is_live = tenant.live_since is not None and turn.message.sent_at >= tenant.live_since
            if turn.speaker == "operator" and is_newer and is_live:
                await self._cases.person_spoke(
                    conn,
                    tenant,
                    conversation.id,
                    conversation.reservation_id,
                    who="somebody in the PMS",
                    route="pms",
                    is_inferred=True,
                )
        await self._leave_overdue(conn, tenant, thread, new)
        return stay, new

    async def _leave_overdue(
        self, conn: Connection, tenant: Tenant, thread: FetchedThread, new: list[NewTurn]
    ) -> None:
        """Messages found too late, which nobody answered meanwhile, are listed for people."""
        if tenant.mode == "off" or tenant.live_since is None:
            return
        youngest = self._clock.now() - timedelta(seconds=tenant.settings.chat.max_age_s)
        outgoing = [m.sent_at for m in thread.messages if not m.is_incoming and not m.is_automation]
        answered_at = max(outgoing, default=tenant.live_since)
        overdue = [
            turn
            for turn in new
            if turn.speaker == "guest"
            and max(answered_at, tenant.live_since) < turn.message.sent_at < youngest
        ]
        if overdue:
            await self._cases.open(
                conn,
                tenant,
                conversation_id=thread.conversation.id,
                reservation_id=thread.conversation.reservation_id,
                severity="low",
                trigger_text=overdue[-1].text or "[attachment]",
                brief="found too late to be answered by a bot",
            )

    async def _is_unclear(
        self, conn: Connection, tenant: Tenant, thread: FetchedThread, generation: int
    ) -> bool:
        """Whether an earlier reply may or may not have arrived: what is open depends on it.

        Replies that surely did not are taken back: this answer covers their questions as well.
        """
        conversation = thread.conversation
        await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        await self._cases.may_speak(conn, tenant.id, conversation.id)
        await store.lock_thread(conn, conversation.id)
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
        thread: FetchedThread,
        stay: Stay | None,
        generation: int,
    ) -> tuple[Question | None, int]:
        """(what is to be answered, the newest turn it covers); nothing where nothing is."""
        conversation = thread.conversation
        await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        handling = await self._cases.may_speak(conn, tenant.id, conversation.id)
        state = await store.lock_thread(conn, conversation.id)
        turns = await self._conversations.transcript(conn, conversation.id)
        asked = self._unanswered(tenant, turns, state.answered_through, handling)
        through = max((turn.id for turn in turns), default=0)
        is_answered = state.answered_generation >= generation
        if state.generation != generation or is_answered:
            return None, through
        if handling.mode == "human" or not asked:
            await store.mark_answered(
                conn, conversation.id, generation=generation, through_turn=through
            )
            return None, through
        refuses = state.refuses_robot or any(refuses_robot(turn.text) for turn in asked)
        if refuses and not state.refuses_robot:
            await store.keep_refusal(conn, conversation.id)
        if await self._is_too_much(conn, tenant, conversation.id, turns):
            await self._leave_to_people(conn, tenant, thread, asked)
            await store.mark_answered(
                conn, conversation.id, generation=generation, through_turn=through
            )
            return None, through
        open_ids = {turn.id for turn in asked}
        return Question(
            tenant=tenant,
            medium="thread",
            conversation_id=conversation.id,
            generation=generation,
            stay=stay,
            # A reply to earlier words may have come after these: it is history all the same.
            history=tuple(turn for turn in turns if turn.id not in open_ids),
            asked=tuple(turn.text for turn in asked if not _is_mark(turn.text)),
            has_attachment=_has_attachment(thread, asked),
            language_hint=conversation.language,
            refuses_robot=refuses,
            now=thread.as_of,
        ), through

    def _unanswered(
        self, tenant: Tenant, turns: list[Turn], answered_through: int, handling: Handling
    ) -> list[Turn]:
        """The guest's turns that no decision and no person has answered, and that are fresh.

        What was written while people spoke is theirs, also after they gave the thread back.
        """
        if tenant.live_since is None:
            return []
        ours_since = handling.changed_at if handling.epoch else tenant.live_since
        oldest = max(
            max(tenant.live_since, ours_since).replace(microsecond=0),
            self._clock.now() - timedelta(seconds=tenant.settings.chat.max_age_s),
        )
        people = [turn.said_at for turn in turns if turn.speaker == "operator"]
        last_person_at = max(people, default=None)
        return [
            turn
            for turn in turns
            if turn.speaker == "guest"
            and turn.id > answered_through
            and turn.said_at >= oldest
            and (last_person_at is None or turn.said_at > last_person_at)
        ]

    async def _is_too_much(
        self, conn: Connection, tenant: Tenant, conversation_id: int, turns: list[Turn]
    ) -> bool:
        """Whether the bot has said enough for an hour, or talks with another machine."""
        since = self._clock.now() - HOUR
        replies = await store.bot_replies_since(conn, conversation_id, since)
        recent = [turn for turn in turns if turn.said_at > since]
        return replies >= tenant.settings.chat.max_replies_per_hour or is_machine(recent)

    async def _leave_to_people(
        self, conn: Connection, tenant: Tenant, thread: FetchedThread, asked: list[Turn]
    ) -> None:
        await self._cases.open(
            conn,
            tenant,
            conversation_id=thread.conversation.id,
            reservation_id=thread.conversation.reservation_id,
            severity="low",
            trigger_text=asked[-1].text,
            brief="too many replies within an hour, or another machine answers",
        )


def _is_mark(text: str) -> bool:
    return text in ("[attachment]", "[empty message]")


def _has_attachment(thread: FetchedThread, asked: list[Turn]) -> bool:
    ids = {turn.external_id for turn in asked}
    return any(m.attachments for m in thread.messages if m.external_id in ids)
