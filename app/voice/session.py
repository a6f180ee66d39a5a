"""One call, from the greeting to the hang-up: a LiveKit `AgentSession` in our own loop.

The settings are those that were measured to cost nothing: explicit turn detection, no echo warm-up,
speech prepared before the turn is confirmed, text cut by us at the clause.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from livekit.agents import (
    AgentSession,
    CloseEvent,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
)
from livekit.agents.voice.io import PlaybackFinishedEvent, PlaybackStartedEvent
from livekit.agents.voice.transcription import TranscriptSynchronizer

from app.bots.answer import Mind
from app.bots.sentences import sentence
from app.db import Connection
from app.errors import Unavailable
from app.escalation.cases import Cases
from app.events import HandlingChanged
from app.pms.stay import Stay
from app.tenants import Tenant
from app.voice.agent import MindModel, Receptionist
from app.voice.caller import Callers
from app.voice.escalation import Escalation
from app.voice.first_words import FirstWords
from app.voice.follow_up import follow_up
from app.voice.greetings import Greetings
from app.voice.handling import CallHandling
from app.voice.identity import Identity, ThreadPost
from app.voice.line import Line
from app.voice.prelude import Prelude
from app.voice.record import CallRecord, RecordParts
from app.voice.silence import Silence
from app.voice.snapshot import Number
from app.voice.speech import Speech, Voices
from app.voice.stages import utterance_of
from app.voice.tickets import Ticket
from app.voice.tuning import Tuning
from app.voice.turns import Turns

PERSON_KEY = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallParts:
    """What every call needs of the house."""

    record: RecordParts
    mind: Mind
    cases: Cases
    callers: Callers
    own_numbers: Callable[[str], frozenset[str]]
    """Tenant → its hotlines' numbers, which no guest calls from."""
    post: ThreadPost
    voices: Voices
    greetings: Greetings
    prelude: Prelude


class CallSession:
    """One caller's conversation."""

    def __init__(
        self, parts: CallParts, *, tenant: Tenant, number: Number, ticket: Ticket, line: Line
    ) -> None:
        self._parts = parts
        self._tenant = tenant
        self._number = number
        self._ticket = ticket
        self._line = line
        self._record = CallRecord(parts.record, ticket)
        self._handling = CallHandling(tenant.settings.voice.on_escalate)
        self._escalation = Escalation(
            tenant=tenant,
            caller_e164=ticket.caller_e164,
            cases=parts.cases,
            clock=parts.record.clock,
            background=parts.record.background,
            ledger=self._record.ledger,
            conversation_id=self._record.conversation_id,
            handling=self._handling,
        )
        self._turns = Turns(
            tenant=tenant,
            language=number.language,
            mind=parts.mind,
            bus=parts.record.bus,
            conversations=parts.record.conversations,
            escalation=self._escalation,
            handling=self._handling,
            clock=parts.record.clock,
            background=parts.record.background,
            ledger=self._record.ledger,
            conversation_id=self._record.conversation_id,
        )
        self._identity = self._turns.identity = Identity(
            tenant=tenant,
            callers=parts.callers,
            parts=parts.record,
            record=self._record,
            post=parts.post,
            is_known=self._on_caller,
        )
        self._silence = Silence(
            after_s=tenant.settings.voice.silence_s,
            ask=lambda: self._say(sentence("voice_are_you_there", self._turns.language)),
            give_up=self._give_up_waiting,
            clock=parts.record.clock,
            background=parts.record.background,
        )
        self._first_words = FirstWords(
            turns=self._turns,
            background=parts.record.background,
            say=self._say,
            disclosed=self._record.disclosed,
        )
        self._session: AgentSession[None] | None = None
        """None before the call is served, and after."""
        self._tuning: Tuning | None = None
        self._over = asyncio.Event()
        self.ended = asyncio.Event()
        self._because = "the caller hung up"
        self._has_failed = False
        """Ears or mouth gave up: the carrier is asked to connect the sound once more."""
        self._heard_s: float | None = None
        """How much of our last stretch of speech the caller has heard."""
        self._handling.on_change(self._on_handling)
        self._escalation.on_news(self._say)

    async def run(self) -> None:
        """Serve the caller until either side ends it."""
        self._record.begin(self._turns.language, self._turns.transcript.resume)
        try:
            async with AsyncExitStack() as stack:
                await self._serve(stack)
        except Exception:
            self._because = "something of ours failed"
            self._escalation.call(
                severity="normal", trigger="[the call broke off]", because=self._because
            )
            raise
        finally:
            self._silence.busy()
            self._escalation.end()
            self._follow_up()
            await self._record.end(self._because)
            self.ended.set()

    async def _serve(self, stack: AsyncExitStack) -> None:
        tuning = self._tuning = Tuning(
            self._parts.voices, self._turns, tenant=self._tenant, number=self._number,
            language=await self._parts.prelude.language_of(self._ticket.call_sid),
        )  # fmt: skip
        speech = tuning.speech
        stack.push_async_callback(speech.mouth.aclose)
        stack.push_async_callback(speech.ears.aclose)
        session = self._made(speech)
        agent = Receptionist(
            self._turns,
            speech.mouth,
            speakable=tuning.speakable,
            background=self._parts.record.background,
        )
        stack.push_async_callback(agent.close)
        stack.push_async_callback(session.aclose)
        await session.start(agent, record=False)
        self._session = session
        stack.callback(setattr, self, "_session", None)
        stack.callback(self._first_words.end)
        self._greet(session)
        await self._identity.begin(self._ticket, self._parts.own_numbers(self._tenant.id))
        self._look_for_case()
        await self._until_over()
        if self._has_failed:
            raise Unavailable("ears or mouth failed for good")

    def _follow_up(self) -> None:
        """A question that the hang-up left open is answered in writing, where the tenant wants."""
        is_wanted = self._tenant.settings.voice.follow_up and self._turns.stay is not None
        if is_wanted and self._turns.is_unanswered:
            follow_up(self._record, self._parts.record, self._tenant.id)

    def end(self, because: str) -> None:
        """End it from our side."""
        self._because = because
        self._over.set()

    def _made(self, speech: Speech) -> AgentSession[None]:
        session: AgentSession[None] = AgentSession(
            stt=speech.ears,
            llm=MindModel(),
            tts=speech.mouth,
            vad=speech.activity,
            aec_warmup_duration=None,
            session_close_transcript_timeout=0,
            user_away_timeout=None,
            tts_text_transforms=None,
            turn_handling={
                "turn_detection": "vad",
                "endpointing": {"min_delay": 0.3, "max_delay": 0.8},
                "interruption": {"mode": "vad", "min_duration": 0.4},
                "preemptive_generation": {"preemptive_tts": True},
            },
        )
        sync = TranscriptSynchronizer(
            next_in_chain_audio=self._line.output, next_in_chain_text=None
        )
        session.input.audio = self._line.input
        session.output.audio, session.output.transcription = sync.audio_output, sync.text_output
        session.on("conversation_item_added", self._on_item)
        session.on("user_state_changed", self._on_state)
        session.on("agent_state_changed", self._on_state)
        session.on("close", self._on_close)
        session.on("user_input_transcribed", self._on_transcribed)
        self._line.output.on("playback_started", self._on_sound)
        self._line.output.on("playback_finished", self._on_played)
        self._line.on_key(self._on_key)
        return session

    async def _until_over(self) -> None:
        waits = [
            self._parts.record.background.spawn("line", self._line.closed.wait()),
            self._parts.record.background.spawn("over", self._over.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    # -- beginning and end -------------------------------------------------------------------

    def _greet(self, session: AgentSession[None]) -> None:
        greetings = self._parts.greetings
        greeting = greetings.of(self._tenant, self._number, self._turns.language)
        if greeting.sound is None:
            self._parts.record.background.spawn("greetings", greetings.prepare())
        self._first_words.greet(session, greeting)

    def _on_caller(self, stay: Stay | None) -> None:
        """It became known, or more surely known, whose stay it is."""
        was, self._turns.stay = self._turns.stay, stay
        if self._turns.has_asked and was is None and stay is not None:
            self._look_for_case()

    def _look_for_case(self) -> None:
        """Once it is known whose stay it is: the caller is told of its open case."""

        async def look(conn: Connection) -> None:
            says = await self._escalation.look_for_case(conn)
            conn.after_commit.append(lambda: self._first_words.know_case(says))

        self._record.ledger.write(look)

    # -- while it runs -----------------------------------------------------------------------

    def _on_close(self, event: CloseEvent) -> None:
        self._has_failed = event.error is not None
        self._over.set()

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item, now = event.item, self._parts.record.clock.now()
        if getattr(item, "role", None) == "user":
            self._silence.heard()
            self._turns.heard(utterance_of(item, now=now))
        elif getattr(item, "role", None) == "assistant":
            said = self._turns.said(utterance_of(item, now=now, heard_s=self._heard_s))
            if said is not None:
                self._record.trace(said)

    def _on_transcribed(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final and self._tuning is not None:
            self._tuning.hear(event.transcript, event.language)
        self._record.hear(self._turns.mask(event.transcript), is_final=event.is_final)

    def _on_sound(self, _: PlaybackStartedEvent) -> None:
        if stages := self._turns.begin_sound(self._parts.record.clock.now()):
            self._record.sound(stages)

    def _on_played(self, event: PlaybackFinishedEvent) -> None:
        self._heard_s = event.playback_position
        self._first_words.played(event.playback_position, is_cut=event.interrupted)

    def _on_state(self, _: object) -> None:
        """Time runs against the caller only while it is their turn."""
        session = self._session
        is_listening = session is not None and session.agent_state == "listening"
        is_theirs = is_listening and session is not None and session.user_state != "speaking"
        if is_theirs and self._handling.voice == "bot":
            self._silence.quiet()
        else:
            self._silence.busy()

    def _give_up_waiting(self) -> None:
        self._because = "the caller said nothing"
        if self._session is not None:
            self._parts.record.background.spawn("goodbye", self._say_goodbye(self._session))

    async def _say_goodbye(self, session: AgentSession[None]) -> None:
        await session.say(sentence("voice_goodbye", self._turns.language))
        self._over.set()

    def _on_key(self, key: str) -> None:
        if key == PERSON_KEY and self._session is not None:
            self._session.interrupt(force=True)
            self._say(self._escalation.press_key())

    def _say(self, words: str) -> None:
        """Say something nobody asked for, unless a person has the call."""
        if self._session is not None and not self._handling.is_taken:
            self._session.say(words)

    # -- who speaks --------------------------------------------------------------------------

    def on_handling(self, event: HandlingChanged) -> None:
        """Who speaks has changed, in this conversation or another."""
        mine = self._record.conversation_id
        is_mine = mine.done() and mine.result() == event.id
        if event.tenant_id != self._tenant.id or not is_mine:
            return
        if event.speaker:
            self._handling.heard(event.speaker)
        else:
            self._parts.record.background.spawn("who speaks", self._look(event.id))

    async def _look(self, conversation_id: int) -> None:
        stay = self._turns.stay
        door = await self._parts.record.database.tenant(self._tenant.id)
        async with door.transaction() as conn:
            await self._handling.look(
                conn,
                self._parts.cases,
                tenant_id=self._tenant.id,
                conversation_id=conversation_id,
                reservation_id=stay.reservation.id if stay else None,
            )

    def _on_handling(self) -> None:
        if self._session is not None:
            if self._handling.is_taken:
                self._session.interrupt(force=True)
            self._on_state(None)
