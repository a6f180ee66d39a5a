"""The conversation on a line: each turn asked of the mind, its answer checked before it is spoken.

A half-heard turn may be asked about too; only a confirmed one leaves a decision, a case, a turn.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from app.bots.answer import Answering, Mind
from app.bots.llm import ModelError
from app.bots.records import Question
from app.bots.sentences import sentence
from app.clock import Clock
from app.conversations import Conversations, Speaker, Turn
from app.db import Connection
from app.errors import BadInput, NotFound
from app.escalation.cases import Cases
from app.pms.gated import check
from app.pms.stay import Stay
from app.tenants import Tenant
from app.voice.clauses import clauses
from app.voice.ledger import Ledger

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Thought:
    """One question to the mind, on its way to being said or forgotten."""

    asked: str
    answering: Answering | None = None
    is_confirmed: bool = False
    is_said: bool = False
    """The mind has no more words for it."""
    is_concluded: bool = False
    decision: asyncio.Future[int | None] = field(default_factory=asyncio.Future)
    """The decision's id, once it is written; none where nothing was decided."""


class Turns:
    """What is said on one call, by both sides."""

    def __init__(
        self,
        *,
        tenant: Tenant,
        language: str,
        mind: Mind,
        conversations: Conversations,
        cases: Cases,
        clock: Clock,
        ledger: Ledger,
        conversation_id: asyncio.Future[int],
    ) -> None:
        self.tenant = tenant
        self.language = language
        self.stay: Stay | None = None
        self.is_silent = False
        """A person has the call: the bot hears, and says nothing."""
        self._mind = mind
        self._conversations = conversations
        self._cases = cases
        self._clock = clock
        self._ledger = ledger
        self._conversation_id = conversation_id
        self._history: list[Turn] = []
        self._thoughts: list[Thought] = []
        self._confirmed: str | None = None

    # -- the mind ----------------------------------------------------------------------------

    async def answer(self, asked: str) -> AsyncGenerator[str, None]:
        """The answer to a turn, clause by clause, each of them checked."""
        thought = Thought(asked=asked, is_confirmed=_same(asked, self._confirmed))
        kept = [earlier for earlier in self._thoughts if earlier.is_confirmed][-8:]
        self._thoughts = [*kept, thought]
        if self.is_silent:
            return
        try:
            thought.answering = await self._mind.begin(await self._question(asked))
            async for clause in self._checked(thought.answering):
                yield clause + " "
            thought.is_said = True
        finally:
            thought.is_said = True
            self._conclude_confirmed()

    def confirm(self, asked: str) -> None:
        """The caller has finished this turn: what was thought of it counts."""
        self._confirmed = asked
        for thought in reversed(self._thoughts):
            if _same(thought.asked, asked):
                thought.is_confirmed = True
                break
        self._conclude_confirmed()

    @property
    def last_decision(self) -> "asyncio.Future[int | None] | None":
        """The decision behind what was said last."""
        confirmed = [thought for thought in self._thoughts if thought.is_confirmed]
        return confirmed[-1].decision if confirmed else None

    async def _checked(self, answering: Answering) -> AsyncIterator[str]:
        stay = answering.question.stay
        allowed = frozenset(stay.deliverable) if stay else frozenset[str]()
        try:
            async for clause in clauses(answering.words()):
                check(clause, allowed)
                yield clause
        except (ModelError, BadInput, NotFound) as exc:
            yield answering.give_up(str(exc)) or sentence("holding", self.language)

    async def _question(self, asked: str) -> Question:
        return Question(
            tenant=self.tenant,
            medium="phone",
            conversation_id=await self._conversation_id,
            generation=len(self._history),
            stay=self.stay,
            history=tuple(self._history),
            asked=(self.stay.mask(asked) if self.stay else asked,),
            has_attachment=False,
            language_hint=self.language,
            refuses_robot=False,
            now=self._clock.now(),
        )

    def _conclude_confirmed(self) -> None:
        for thought in self._thoughts:
            is_ready = thought.is_confirmed and thought.is_said and not thought.is_concluded
            if is_ready and thought.answering is not None:
                thought.is_concluded = True
                self._ledger.write(_Conclusion(self, thought, thought.answering))

    async def conclude(self, conn: Connection, thought: Thought, answering: Answering) -> None:
        """Write a decision; only now may a case open."""
        decision_id = await answering.commit(conn)
        if not thought.decision.done():
            thought.decision.set_result(decision_id)
        route = await answering.route()
        if route.outcome == "person":
            await self.call_person(
                conn, severity=route.severity, trigger=thought.asked, because=route.because
            )

    async def call_person(
        self, conn: Connection, *, severity: str, trigger: str, because: str
    ) -> None:
        """Open the case of this call, or write into the one that is open."""
        await self._cases.open(
            conn,
            self.tenant,
            conversation_id=await self._conversation_id,
            reservation_id=self.stay.reservation.id if self.stay else None,
            severity=severity,  # type: ignore[arg-type]
            trigger_text=self.stay.mask(trigger) if self.stay else trigger,
            brief=because,
        )

    # -- the words ---------------------------------------------------------------------------

    def heard(self, text: str, at: datetime) -> None:
        """The caller said something."""
        self._record("guest", self.stay.mask(text) if self.stay else text, at)

    def said(self, text: str, at: datetime) -> None:
        """The caller has heard this of ours, placeholders for secrets."""
        self._record("bot", text, at, decision=self.last_decision)

    def _record(
        self,
        speaker: Speaker,
        text: str,
        at: datetime,
        decision: "asyncio.Future[int | None] | None" = None,
    ) -> None:
        text = text.strip()
        if not text:
            return
        self._history.append(
            Turn(id=len(self._history), external_id=None, speaker=speaker, text=text, said_at=at)
        )

        async def write(conn: Connection) -> None:
            decision_id = decision.result() if decision and decision.done() else None
            await self._conversations.record_turn(
                conn,
                self.tenant.id,
                await self._conversation_id,
                speaker=speaker,
                text=text,
                said_at=at,
                decision_id=decision_id,
            )

        self._ledger.write(write)


class _Conclusion:
    """The write that concludes a thought."""

    def __init__(self, turns: Turns, thought: Thought, answering: Answering) -> None:
        self._turns = turns
        self._thought = thought
        self._answering = answering

    async def __call__(self, conn: Connection) -> None:
        await self._turns.conclude(conn, self._thought, self._answering)


def _same(one: str, other: str | None) -> bool:
    """Whether two transcripts are one, but for case and punctuation."""
    return other is not None and _bare(one) == _bare(other)


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
