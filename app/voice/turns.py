"""The conversation on a line: each turn asked of the mind, its answer checked before it is spoken.

A half-heard turn may be asked about too; only a confirmed one leaves a decision, a case, a turn.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.bots.answer import Answering, Mind
from app.bots.llm import ModelError
from app.bots.records import Question
from app.bots.sentences import sentence
from app.bots.words import words_loaded
from app.bus import Bus
from app.clock import Clock
from app.conversations import Conversations, Speaker
from app.db import Connection
from app.errors import BadInput, NotFound
from app.escalation.cases import Cases
from app.events import DecisionMade
from app.pms.gated import check
from app.pms.stay import Stay
from app.tenants import Tenant
from app.voice.clauses import clauses, first_clause
from app.voice.ledger import Ledger
from app.voice.stages import Stages, Utterance
from app.voice.transcript import Said, Transcript

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Thought:
    """One question to the mind, on its way to being said or forgotten."""

    asked: str
    answering: Answering | None = None
    is_confirmed: bool = False
    is_said: bool = False
    """The mind has no more words for it."""
    is_heard: bool = False
    """The caller has heard it, or its beginning."""
    is_concluded: bool = False
    words: list[str] = field(default_factory=list)
    """What was given to the voice, clause by clause."""
    stages: Stages = field(default_factory=Stages)
    decision_id: int | None = None
    """None until it is written, and where nothing was decided."""
    turns: list[Said] = field(default_factory=list)
    """The caller's turn that asked, and ours that answered."""


class Turns:
    """What is said on one call, by both sides."""

    def __init__(
        self,
        *,
        tenant: Tenant,
        language: str,
        mind: Mind,
        bus: Bus,
        conversations: Conversations,
        cases: Cases,
        clock: Clock,
        ledger: Ledger,
        conversation_id: asyncio.Future[int],
    ) -> None:
        self.tenant = tenant
        self.language = language
        self.is_silent = False
        """A person has the call: the bot hears, and says nothing."""
        self.transcript = Transcript(
            tenant_id=tenant.id,
            conversations=conversations,
            ledger=ledger,
            conversation_id=conversation_id,
        )
        self.on_foreseen: Callable[[str], None] = lambda _: None
        """Told of a first clause that will be said if the route leads to it."""
        self._stay: Stay | None = None
        self._mind = mind
        self._bus = bus
        self._cases = cases
        self._clock = clock
        self._ledger = ledger
        self._conversation_id = conversation_id
        self._thoughts: list[Thought] = []
        self._confirmed: str | None = None

    @property
    def stay(self) -> Stay | None:
        """The caller's stay, as far as the caller may hear of it."""
        return self._stay

    @stay.setter
    def stay(self, stay: Stay | None) -> None:
        self._stay = stay
        self.transcript.mask_again(self.mask)

    def mask(self, text: str) -> str:
        """A text with what is known to be secret as placeholders."""
        return self._stay.mask(text) if self._stay else text

    # -- the mind ----------------------------------------------------------------------------

    async def answer(self, asked: str) -> AsyncGenerator[str, None]:
        """The answer to a turn, clause by clause, each of them checked."""
        thought = Thought(asked=asked, is_confirmed=_same(asked, self._confirmed))
        kept = [earlier for earlier in self._thoughts if earlier.is_confirmed][-8:]
        self._thoughts = [*kept, thought]
        if self.is_silent:
            return
        try:
            await words_loaded()
            thought.answering = await self._mind.begin(await self._question(asked))
            thought.answering.on_words_ahead = _Foreseeing(thought.answering, self.on_foreseen)
            async for clause in self._checked(thought, thought.answering):
                thought.stages.clause_at = thought.stages.clause_at or self._clock.now()
                thought.words.append(clause)
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

    async def _checked(self, thought: Thought, answering: Answering) -> AsyncIterator[str]:
        try:
            async for clause in clauses(self._noted(thought, answering.words())):
                check(clause, _allowed(answering))
                yield clause
        except (ModelError, BadInput, NotFound) as exc:
            yield answering.give_up(str(exc)) or sentence("holding", self.language)

    async def _noted(self, thought: Thought, words: AsyncIterator[str]) -> AsyncIterator[str]:
        async for word in words:
            thought.stages.token_at = thought.stages.token_at or self._clock.now()
            yield word

    async def _question(self, asked: str) -> Question:
        return Question(
            tenant=self.tenant,
            medium="phone",
            conversation_id=await self._conversation_id,
            generation=len(self.transcript.history),
            stay=self.stay,
            history=self.transcript.history,
            asked=(self.mask(asked),),
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
        thought.decision_id = await answering.commit(conn)
        for turn in thought.turns:
            await self.transcript.link(conn, turn, thought.decision_id)
        route = await answering.route()
        decided = DecisionMade(
            tenant_id=self.tenant.id,
            conversation_id=answering.question.conversation_id,
            decision_id=thought.decision_id,
            outcome=route.outcome,
            origin=route.origin,
            action_code=route.action_code,
            bot=route.bot,
            score=route.score,
            because=route.because,
        )
        self._bus.publish_after(conn, decided)
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
            trigger_text=self.mask(trigger),
            brief=because,
        )

    # -- the words ---------------------------------------------------------------------------

    def heard(self, utterance: Utterance) -> None:
        """The caller said something."""
        thought = next(
            (t for t in reversed(self._thoughts) if _same(t.asked, utterance.text)), None
        )
        if thought is not None:
            thought.stages.hear(utterance)
        stages = Stages()
        stages.hear(utterance)
        self._keep("guest", utterance, stages, thought)

    def begin_sound(self, at: datetime) -> dict[str, int]:
        """The first sound of a stretch of speech went out; its stages, where it is an answer."""
        thoughts = [t for t in self._thoughts if t.is_confirmed and t.words and not t.is_heard]
        if not thoughts or thoughts[0].stages.sound_at is not None:
            return {}
        thoughts[0].stages.sound_at = at
        return thoughts[0].stages.told()

    def said(self, utterance: Utterance) -> None:
        """The caller has heard this of ours, placeholders for secrets."""
        thought = self._thought_behind(utterance.text)
        if thought is not None:
            # What was heard counts, and what was not said yet will not be: its decision is
            # written before its turn.
            thought.is_confirmed = thought.is_said = thought.is_heard = True
            thought.stages.sound_at = thought.stages.sound_at or utterance.begins_at
            self._conclude_confirmed()
        self._keep("bot", utterance, thought.stages if thought else Stages(), thought)

    def _thought_behind(self, text: str) -> Thought | None:
        """Whose words were heard; none where they are no answer. Answers are played in order."""
        could_be = [
            thought
            for thought in self._thoughts
            if not thought.is_heard and _begins("".join(thought.words), text)
        ]
        confirmed = [thought for thought in could_be if thought.is_confirmed]
        return confirmed[0] if confirmed else could_be[-1] if could_be else None

    def _keep(
        self, speaker: Speaker, utterance: Utterance, stages: Stages, thought: Thought | None
    ) -> None:
        decision_id = thought.decision_id if thought else None
        said = self.transcript.keep(
            speaker, utterance, mask=self.mask, stages=stages, decision_id=decision_id
        )
        if said is not None and thought is not None:
            thought.turns.append(said)


class _Foreseeing:
    """Finds the first clause of words that come before their route."""

    def __init__(self, answering: Answering, tell: Callable[[str], None]) -> None:
        self._answering = answering
        self._tell = tell
        self._has_told = False

    def __call__(self, words: str) -> None:
        if self._has_told or (clause := first_clause(words)) is None:
            return
        self._has_told = True
        with contextlib.suppress(BadInput):
            check(clause, _allowed(self._answering))
            self._tell(clause)


class _Conclusion:
    """The write that concludes a thought."""

    def __init__(self, turns: Turns, thought: Thought, answering: Answering) -> None:
        self._turns = turns
        self._thought = thought
        self._answering = answering

    async def __call__(self, conn: Connection) -> None:
        await self._turns.conclude(conn, self._thought, self._answering)


def _allowed(answering: Answering) -> frozenset[str]:
    """The placeholders that an answer may carry."""
    stay = answering.question.stay
    return frozenset(stay.deliverable) if stay else frozenset()


def _same(one: str, other: str | None) -> bool:
    """Whether two transcripts are one, but for case and punctuation."""
    return other is not None and _bare(one) == _bare(other)


def _begins(whole: str, part: str) -> bool:
    """Whether one text is how the other begins, but for case and punctuation."""
    return bool(_bare(part)) and _bare(whole).startswith(_bare(part))


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
