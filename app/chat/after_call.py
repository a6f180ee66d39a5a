"""What the end of a call left unanswered, answered in the thread of the caller's booking.

The thread's own rules hold: its access, its disclosure, its people. What the guest writes there
comes first.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.bots.answer import Mind
from app.bots.records import Question
from app.bots.sentences import sentence
from app.bots.words import words_loaded
from app.chat import store
from app.chat.threads import Standing, Threads
from app.chat.verdict import Verdicts
from app.clock import Clock
from app.conversations import Conversation, Conversations, Turn
from app.db import Connection, Database
from app.jobs import JobRun, Jobs
from app.pms.stay import Stay
from app.pms.sync import FetchedThread, Mirror
from app.tenants import Tenant, Tenants

logger = logging.getLogger(__name__)

AGAIN = timedelta(seconds=30)
"""How long an answer in the thread that is under way is waited for."""
STALE = timedelta(minutes=15)
"""After so long a follow-up of a call helps nobody."""


class AfterCalls:
    """Follows calls up."""

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
        mind: Mind,
        verdicts: Verdicts,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock
        self._jobs = jobs
        self._mirror = mirror
        self._threads = threads
        self._conversations = conversations
        self._mind = mind
        self._verdicts = verdicts

    async def answer(self, run: JobRun) -> datetime | None:
        """Job: a call ended before its question was answered. Key: the call's conversation."""
        tenant = await self._tenants.get(run.tenant_id)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            thread = await self._thread_of(conn, int(run.key))
            asked = unanswered(await self._conversations.transcript(conn, int(run.key), last=20))
        is_stale = not asked or self._clock.now() - asked[-1].said_at > STALE
        if tenant.mode == "off" or thread is None or is_stale:
            return None
        fetched = await self._mirror.fetch_thread(tenant, thread.id)
        await words_loaded()
        async with door.transaction() as conn:
            stay, _ = await self._threads.record(conn, tenant, fetched)
            standing = await self._threads.standing(conn, tenant, fetched.conversation)
        if standing.handling.mode == "human":
            return None
        if standing.thread.is_pending or standing.asked:
            return self._clock.now() + AGAIN
        question = _question(tenant, fetched, stay, standing, asked)
        return await self._reply(run, question, fetched.conversation, standing)

    async def _reply(
        self, run: JobRun, question: Question, conversation: Conversation, standing: Standing
    ) -> datetime | None:
        answering = await self._mind.begin(question)
        text = await answering.whole()
        if text:
            text = f"{sentence('after_call', answering.language)} {text}"
        through = max((turn.id for turn in standing.turns), default=0)
        door = await self._database.tenant(run.tenant_id)
        async with door.transaction() as conn:
            await self._jobs.hold(conn, run)
            _, thread = await self._threads.lock(conn, question.tenant, conversation)
            if thread.generation != standing.thread.generation:
                answering.discard()
                return self._clock.now() + AGAIN
            now = self._clock.now()
            await store.raise_generation(conn, conversation.id, first_pending_at=now, due_at=now)
            is_concluded = await self._verdicts.conclude(
                conn, answering, conversation, text, through_turn=through
            )
            # Gone with what it did: a second run answers nothing twice.
            await self._jobs.disarm(conn, tenant_id=run.tenant_id, kind=run.kind, key=run.key)
        run.counts["concluded"] = int(is_concluded)
        return None

    async def _thread_of(self, conn: Connection, call_id: int) -> Conversation | None:
        """The newest thread of the booking that a call was about."""
        call = await self._conversations.get(conn, call_id)
        if call.reservation_id is None:
            return None
        found = await self._conversations.of_reservation(conn, call.reservation_id)
        return next((one for one in found if one.medium == "thread"), None)


def unanswered(turns: Sequence[Turn]) -> list[Turn]:
    """What a caller asked last, before the call ended; an answer that was cut off is none."""
    left = list(turns)
    while left and left[-1].speaker == "bot":
        left.pop()
    asked: list[Turn] = []
    while left and left[-1].speaker == "guest":
        asked.append(left.pop())
    return asked[::-1]


def _question(
    tenant: Tenant,
    fetched: FetchedThread,
    stay: Stay | None,
    standing: Standing,
    asked: Sequence[Turn],
) -> Question:
    conversation = fetched.conversation
    return Question(
        tenant=tenant,
        medium="thread",
        conversation_id=conversation.id,
        generation=standing.thread.generation + 1,
        stay=stay,
        history=standing.turns,
        asked=tuple(stay.mask(turn.text) if stay else turn.text for turn in asked),
        has_attachment=False,
        language_hint=conversation.language,
        refuses_robot=standing.thread.refuses_robot,
        now=fetched.as_of,
    )
