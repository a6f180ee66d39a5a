"""What follows from a decision, in one transaction: a case, a reply in the outbox, or nothing.

The lock on `handling` is taken here: whoever takes over meanwhile comes first or second, never
between. A decision whose thread has moved on is dropped.
"""

import logging
from datetime import datetime

from app.bots.answer import Answering, Mind
from app.bots.records import Question, Route
from app.bots.sentences import sentence
from app.bus import Bus
from app.chat import store
from app.chat.ways import grows_by, holds_forbidden, is_watched, limit_of, shortened, way_of
from app.clock import Clock
from app.conversations import Conversation, Conversations
from app.db import Connection
from app.escalation.cases import Cases
from app.events import DecisionMade, DraftWritten
from app.jobs import Job, Jobs
from app.pms.stay import Stay
from app.pms.sync import NewTurn
from app.tenants import Tenant

logger = logging.getLogger(__name__)


class Verdicts:
    """Turns an answer into what follows from it."""

    def __init__(
        self,
        *,
        bus: Bus,
        clock: Clock,
        jobs: Jobs,
        conversations: Conversations,
        cases: Cases,
        mind: Mind,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._jobs = jobs
        self._conversations = conversations
        self._cases = cases
        self._mind = mind

    async def conclude(
        self,
        conn: Connection,
        answering: Answering,
        conversation: Conversation,
        text: str | None,
        *,
        through_turn: int,
    ) -> bool:
        """Commit a decision and what follows; false where the thread has moved on meanwhile.

        While a person speaks only an urgent message is concluded: a case, and not a word.
        """
        question = answering.question
        tenant = question.tenant
        await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        handling = await self._cases.may_speak(conn, tenant.id, conversation.id)
        thread = await store.lock_thread(conn, conversation.id)
        is_silent = handling.mode == "human"
        is_urgent = (await answering.route()).origin == "urgent"
        is_answered = thread.answered_generation >= question.generation
        has_moved_on = thread.generation != question.generation or is_answered
        if has_moved_on or (is_silent and not is_urgent):
            answering.discard()
            return False
        text = self.shaped(answering, conversation, thread, text, is_urgent=is_urgent)
        route = await answering.route()
        decision_id = await answering.commit(conn)
        await store.mark_answered(
            conn, conversation.id, generation=question.generation, through_turn=through_turn
        )
        await self._conversations.describe(conn, conversation.id, language=route.language)
        if route.outcome == "person":
            await self._hand_over(conn, question, conversation, route)
            handling = await self._cases.may_speak(conn, tenant.id, conversation.id)
            is_holding = tenant.settings.chat.holding_sentence or route.origin == "urgent"
            is_said = route.is_answered or (is_holding and tenant.mode == "on")
            text = text if is_said and not is_silent else None
        if text and route.outcome != "silence":
            await self._put(
                conn, question, conversation, route, text, epoch=handling.epoch,
                decision_id=decision_id, answered_before=thread.answered_through,
                due_at=min(thread.due_at or self._clock.now(), self._clock.now()),
            )  # fmt: skip
        self._publish(conn, question, route, decision_id)
        return True

    async def conclude_urgent(
        self,
        conn: Connection,
        tenant: Tenant,
        conversation: Conversation,
        stay: Stay | None,
        turn: NewTurn,
    ) -> None:
        """An urgent message, at the moment it arrives: no window, no model."""
        thread = await store.lock_thread(conn, conversation.id)
        now = self._clock.now()
        generation = await store.raise_generation(
            conn, conversation.id, first_pending_at=thread.first_pending_at or now, due_at=now
        )
        question = Question(
            tenant=tenant,
            medium="thread",
            conversation_id=conversation.id,
            generation=generation,
            stay=stay,
            history=(),
            asked=(turn.text,),
            has_attachment=turn.message.attachments > 0,
            language_hint=conversation.language,
            refuses_robot=False,
            now=now,
        )
        answering = await self._mind.begin(question, conn)
        text = await answering.whole()
        await self.conclude(conn, answering, conversation, text, through_turn=turn.id)

    def shaped(
        self,
        answering: Answering,
        conversation: Conversation,
        thread: store.Thread,
        text: str | None,
        *,
        is_urgent: bool,
    ) -> str | None:
        """The text within its channel's rules, disclosure included; else a person's matter."""
        if text is None:
            return None
        stay = answering.question.stay
        is_booked = stay is not None and stay.reservation.is_confirmed
        if is_watched(conversation) and not is_booked and holds_forbidden(text):
            because = "the reply held what the channel forbids before booking"
            text = answering.give_up(because) or ""
        limit = limit_of(way_of(conversation)) - grows_by(text, stay)
        said = self._disclosure(answering, thread)
        if is_urgent:
            first = shortened(text, limit) or ""
            return f"{first} {said}".strip() if len(first) + len(said) < limit else first
        room = limit - len(said) - 1 if said else limit
        short = self._fitted(answering, text, room)
        if short is None:
            short = shortened(answering.give_up("the reply is too long") or "", room)
        return f"{said} {short}".strip() if short else None

    def _fitted(self, answering: Answering, text: str, room: int) -> str | None:
        """As much of the text as fits; what it promises of a person is never what is cut."""
        promise = answering.promise
        body = text.removesuffix(promise).rstrip() if promise else text
        if not promise or not answering.question.tenant.settings.chat.holding_sentence:
            return shortened(body, room)
        short = shortened(body, room - len(promise) - 1)
        return f"{short}\n{promise}" if short else None

    async def _hand_over(
        self, conn: Connection, question: Question, conversation: Conversation, route: Route
    ) -> None:
        await self._cases.open(
            conn,
            question.tenant,
            conversation_id=conversation.id,
            reservation_id=conversation.reservation_id,
            severity=route.severity,
            trigger_text=route.for_people or question.text or "[attachment]",
            brief=route.because,
        )

    async def _put(
        self,
        conn: Connection,
        question: Question,
        conversation: Conversation,
        route: Route,
        text: str,
        *,
        epoch: int,
        decision_id: int,
        answered_before: int,
        due_at: datetime,
    ) -> None:
        """Into the outbox; sending keeps the thread's place in line, before threads due later."""
        tenant = question.tenant
        is_draft = tenant.mode != "on" or route.is_draft
        outbox_id = await store.add_outgoing(
            conn,
            conversation_id=conversation.id,
            generation=question.generation,
            origin="holding" if route.outcome == "person" else "bot",
            epoch=epoch,
            text=text,
            communication_type=conversation.communication_type,
            status="draft" if is_draft else "queued",
            decision_id=decision_id,
            operator=None,
            now=question.now,
            answered_before=answered_before,
        )
        if outbox_id is None:
            return
        if is_draft:
            draft = DraftWritten(
                tenant_id=tenant.id, conversation_id=conversation.id, outbox_id=outbox_id
            )
            self._bus.publish_after(conn, draft)
            return
        await self._jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.SEND,
            key=outbox_id,
            due_at=due_at,
        )

    def _disclosure(self, answering: Answering, thread: store.Thread) -> str:
        """What the first bot message of a thread says: that it is an AI; empty later on."""
        tenant = answering.question.tenant
        if thread.is_disclosed or not tenant.settings.chat.disclosure:
            return ""
        return sentence(
            "disclosure", answering.language, name=answering.bot_name(), tenant=tenant.name
        )

    def _publish(
        self, conn: Connection, question: Question, route: Route, decision_id: int
    ) -> None:
        self._bus.publish_after(
            conn,
            DecisionMade(
                tenant_id=question.tenant.id,
                conversation_id=question.conversation_id,
                decision_id=decision_id,
                outcome=route.outcome,
                origin=route.origin,
                action_code=route.action_code,
                bot=route.bot,
                score=route.score,
                because=route.because,
            ),
        )
