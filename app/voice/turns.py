"""The conversation on a line: each turn asked of the mind, its answer checked before it is spoken.

A half-heard turn may be asked about too; only a confirmed one leaves a decision, a case, a turn.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime

from app.background import Background
from app.bots.answer import Answering, Mind
from app.bots.llm import ModelError
from app.bots.records import Question
from app.bots.sentences import sentence
from app.bots.words import words_loaded
from app.bus import Bus
from app.clock import Clock
from app.conversations import Conversations, Speaker
from app.db import Connection
from app.errors import BadInput, NotFound, ProductError
from app.events import DecisionMade
from app.pms.gated import check
from app.pms.stay import Stay
from app.tenants import Tenant
from app.voice.clauses import clauses
from app.voice.escalation import Escalation, hands_over
from app.voice.follow_up import is_unanswered
from app.voice.handling import ONLY_FACTS, CallHandling
from app.voice.identity import Identity
from app.voice.ledger import Ledger
from app.voice.openings import Openings
from app.voice.patience import FILLERS, patiently
from app.voice.pronounce import heard_form
from app.voice.stages import Stages, Utterance
from app.voice.thought import Foreseeing, Thought, allowed
from app.voice.transcript import Said, Transcript

logger = logging.getLogger(__name__)


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
        escalation: Escalation,
        handling: CallHandling,
        clock: Clock,
        background: Background,
        ledger: Ledger,
        conversation_id: asyncio.Future[int],
    ) -> None:
        self.tenant = tenant
        self.handling = handling
        self.escalation = escalation
        self.openings = Openings()
        self.transcript = Transcript(
            tenant_id=tenant.id,
            conversations=conversations,
            ledger=ledger,
            conversation_id=conversation_id,
        )
        self.identity: Identity | None = None
        self.on_foreseen: Callable[[str], None] = lambda _: None
        """Told of a first clause that will be said if the route leads to it."""
        self.on_stay: Callable[[], None] = lambda: None
        """Told when the caller's stay is known, or another."""
        self._language = escalation.language = language
        self._stay: Stay | None = None
        self._mind = mind
        self._bus = bus
        self._clock = clock
        self._background = background
        self._ledger = ledger
        self._conversation_id = conversation_id
        self._thoughts: list[Thought] = []
        self._confirmed: str | None = None

    @property
    def language(self) -> str:
        """The language of the call, for now."""
        return self._language

    @language.setter
    def language(self, language: str) -> None:
        self._language = self.escalation.language = language

    @property
    def stay(self) -> Stay | None:
        """The caller's stay, as far as the caller may hear of it."""
        return self._stay

    @stay.setter
    def stay(self, stay: Stay | None) -> None:
        self._stay = self.escalation.stay = stay
        self.on_stay()
        self.transcript.mask_again(self.mask)

    @property
    def has_asked(self) -> bool:
        """Whether the caller has said anything yet."""
        return bool(self._thoughts)

    @property
    def is_unanswered(self) -> bool:
        """Whether the caller's last question has had no answer, and people do not see to it."""
        return self.handling.voice == "bot" and is_unanswered(self._thoughts)

    def mask(self, text: str) -> str:
        """A text with what is known to be secret as placeholders."""
        return self._stay.mask(text) if self._stay else text

    # -- the mind ----------------------------------------------------------------------------

    async def answer(self, asked: str) -> AsyncGenerator[str, None]:
        """The answer to a turn, clause by clause, each of them checked."""
        thought = self._new_thought(asked)
        await words_loaded()
        if self._says_nothing_to(asked):
            return
        try:
            async with aclosing(self._clauses(thought)) as said:
                async for clause in said:
                    if self.handling.is_taken:
                        return
                    thought.stages.clause_at = thought.stages.clause_at or self._clock.now()
                    thought.words.append(clause)
                    yield clause + " "
        finally:
            thought.is_said = True
            self._conclude_confirmed()

    def confirm(self, asked: str) -> None:
        """The caller has finished this turn: what was thought of it counts."""
        self._confirmed = asked
        self.escalation.alert_at_once(asked)
        if self.identity is not None:
            self.identity.confirm(asked)
        for thought in reversed(self._thoughts):
            if thought.is_of(asked):
                thought.is_confirmed = True
                break
        self._conclude_confirmed()

    def _new_thought(self, asked: str) -> Thought:
        thought = Thought(asked=asked)
        thought.is_confirmed = thought.is_of(self._confirmed)
        for earlier in self._thoughts:
            if earlier.is_of(asked) and not earlier.is_concluded and not earlier.words:
                earlier.is_confirmed = False  # thought anew: it is one turn
        kept = [earlier for earlier in self._thoughts if earlier.is_confirmed][-8:]
        self._thoughts = [*kept, thought]
        return thought

    def _says_nothing_to(self, asked: str) -> bool:
        """Whether people have the call; a caller in danger is told the emergency number first."""
        if self.handling.is_taken or not self.handling.is_silent:
            return self.handling.is_taken
        return self.escalation.urgency(asked) is None

    async def _clauses(self, thought: Thought) -> AsyncGenerator[str, None]:
        """What is owed, then the answer; a filler while it is slow, a person where it is late."""
        for owed in self.openings.due():
            yield owed
        thought.prepared = self.escalation.reply_to(thought.asked)
        if thought.prepared is not None:
            yield thought.prepared.says
            return
        voice = self.tenant.settings.voice
        in_time = patiently(
            self._thinking(thought),
            fillers=[sentence(which, self.language) for which in FILLERS],
            filler_after_s=voice.filler_after_s,
            within_s=voice.answer_within_s,
            background=self._background,
        )
        try:
            async with aclosing(in_time):
                async for clause in in_time:
                    yield clause
        except ProductError as exc:
            thought.given_up = str(exc)
            says = self.escalation.holding()
            if thought.answering is not None:
                thought.answering.give_up(str(exc), says=says)
            yield says

    async def _thinking(self, thought: Thought) -> AsyncGenerator[str, None]:
        if self.identity is not None:
            thought.step = await self.identity.meet(thought.asked)
        answering = thought.answering = await self._mind.begin(await self._question(thought))
        if self.identity is not None:
            await self.identity.speak(answering, thought.step)
        answering.on_words_ahead = Foreseeing(answering, self.on_foreseen)
        route = await answering.route()
        if route.outcome == "silence":
            yield sentence("voice_more", self.language)
            return
        is_certain = route.outcome != "reply" or route.origin != "bot"
        if self.handling.voice == "case" and not is_certain:
            yield answering.give_up(ONLY_FACTS, says=sentence("voice_passed_on", self.language))
            return
        async for clause in self._checked(thought, answering):
            yield clause

    async def _checked(self, thought: Thought, answering: Answering) -> AsyncIterator[str]:
        try:
            async for found in clauses(self._noted(thought, answering.words())):
                clause = answering.spoken(found)
                check(clause, allowed(answering))
                if clause or not thought.words:
                    yield clause or self.escalation.holding()
        except (ModelError, BadInput, NotFound) as exc:
            thought.given_up = str(exc)
            yield answering.give_up(str(exc), says=self.escalation.holding())

    async def _noted(self, thought: Thought, words: AsyncIterator[str]) -> AsyncIterator[str]:
        async for word in words:
            thought.stages.token_at = thought.stages.token_at or self._clock.now()
            yield word

    async def _question(self, thought: Thought) -> Question:
        return Question(
            tenant=self.tenant,
            medium="phone",
            conversation_id=await self._conversation_id,
            generation=len(self.transcript.history),
            stay=self.stay,
            history=self.transcript.history,
            asked=(self.mask(thought.question),),
            has_attachment=False,
            language_hint=self.language,
            refuses_robot=False,
            now=self._clock.now(),
        )

    # -- what follows ------------------------------------------------------------------------

    def _conclude_confirmed(self) -> None:
        for thought in self._thoughts:
            if thought.is_confirmed and thought.is_said and not thought.is_concluded:
                thought.is_concluded = True
                self._conclude(thought)

    def _conclude(self, thought: Thought) -> None:
        """What a confirmed thought leaves; one that was cut off before its route leaves nothing."""
        if thought.prepared is not None:
            self._ledger.write(thought.prepared.write)
            return
        route = thought.answering.known_route if thought.answering else None
        if thought.answering is None or route is None:
            if thought.answering is not None:
                thought.answering.discard()
            if because := thought.given_up:
                self.escalation.call(severity="normal", trigger=thought.asked, because=because)
                self.escalation.escalated()
            return
        if self.identity is not None:
            self.identity.was_told("".join(thought.words), thought.answering)
        threshold = self.tenant.settings.chat.score_threshold
        if thought.given_up or hands_over(route, threshold):
            self.escalation.escalated()
        answering = thought.answering

        async def write(conn: Connection) -> None:
            await self._write_decision(conn, thought, answering)

        self._ledger.write(write)

    async def _write_decision(
        self, conn: Connection, thought: Thought, answering: Answering
    ) -> None:
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
        if route.outcome == "person" and not self.escalation.is_alerted(thought.asked):
            await self.escalation.open(
                conn,
                severity=route.severity,
                trigger=route.for_people or thought.asked,
                because=route.because,
            )

    # -- the words ---------------------------------------------------------------------------

    def heard(self, utterance: Utterance) -> None:
        """The caller said something."""
        thought = next((t for t in reversed(self._thoughts) if t.is_of(utterance.text)), None)
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

    def said(self, utterance: Utterance) -> Said | None:
        """The caller has heard this of ours, placeholders for secrets."""
        self.openings.heard(utterance.text)
        thought = self._thought_behind(utterance.text)
        if thought is not None:
            # What was heard counts, and what was not said yet will not be: its decision is
            # written before its turn.
            thought.is_confirmed = thought.is_said = thought.is_heard = True
            thought.stages.sound_at = thought.stages.sound_at or utterance.begins_at
            self._conclude_confirmed()
        return self._keep("bot", utterance, thought.stages if thought else Stages(), thought)

    def _thought_behind(self, text: str) -> Thought | None:
        """Whose words were heard; none where they are no answer. Answers are played in order."""
        could_be = [t for t in self._thoughts if not t.is_heard and t.may_be(text)]
        confirmed = [thought for thought in could_be if thought.is_confirmed]
        return confirmed[0] if confirmed else could_be[-1] if could_be else None

    def _keep(
        self, speaker: Speaker, utterance: Utterance, stages: Stages, thought: Thought | None
    ) -> Said | None:
        decision_id = thought.decision_id if thought else None
        is_ours = speaker == "bot"
        heard = heard_form(self.mask(utterance.text), self.language) if is_ours else utterance.text
        said = self.transcript.keep(
            speaker, utterance, mask=self.mask, heard=heard, stages=stages, decision_id=decision_id
        )
        if said is not None and thought is not None:
            thought.turns.append(said)
        return said
