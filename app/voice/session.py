"""One call, from the greeting to the hang-up: a LiveKit `AgentSession` in our own loop.

The settings are those that were measured to cost nothing: explicit turn detection, no echo warm-up,
speech prepared before the turn is confirmed, text cut by us at the clause.
"""

import asyncio
import logging
from dataclasses import dataclass

from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)
from livekit.agents.voice.io import PlaybackFinishedEvent, PlaybackStartedEvent
from livekit.agents.voice.transcription import TranscriptSynchronizer

from app.bots.answer import Mind
from app.bots.sentences import sentence
from app.db import Connection
from app.errors import Unavailable
from app.escalation.cases import Cases
from app.events import AnswerBegan, SpeechHeard
from app.tenants import Tenant
from app.voice.agent import MindModel, Receptionist
from app.voice.caller import Callers
from app.voice.greetings import Greetings, frames
from app.voice.line import Line
from app.voice.pronounce import Letters, speakable
from app.voice.record import CallRecord, RecordParts
from app.voice.snapshot import Number
from app.voice.speech import Speech, Voices
from app.voice.stages import utterance_of
from app.voice.tickets import Ticket
from app.voice.turns import Turns

logger = logging.getLogger(__name__)

PERSON_KEY = "0"
SILENCES = 2
"""How often a silent caller is asked before the call ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallParts:
    """What every call needs of the house."""

    record: RecordParts
    mind: Mind
    cases: Cases
    callers: Callers
    voices: Voices
    greetings: Greetings


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
        self._turns = Turns(
            tenant=tenant,
            language=number.language,
            mind=parts.mind,
            bus=parts.record.bus,
            conversations=parts.record.conversations,
            cases=parts.cases,
            clock=parts.record.clock,
            ledger=self._record.ledger,
            conversation_id=self._record.conversation_id,
        )
        self._session: AgentSession[None] | None = None
        self._letters: Letters = "kept"
        self._over = asyncio.Event()
        self.ended = asyncio.Event()
        self._because = "the caller hung up"
        self._silences = 0
        self._heard_s: float | None = None
        """How much of our last stretch of speech the caller has heard."""

    async def run(self) -> None:
        """Serve the caller until either side ends it."""
        self._record.begin(self._turns.language)
        speech = self._parts.voices.of_call(self._tenant, self._turns.language)
        self._letters = speech.letters
        session = self._session = self._made(speech)
        agent = Receptionist(
            self._turns,
            speech.mouth,
            speakable=self._speakable,
            background=self._parts.record.background,
        )
        try:
            await session.start(agent, record=False)
            self._greet(session)
            await self._identify()
            await self._until_over()
        except Exception:
            self._because = "something of ours failed"
            raise
        finally:
            await session.aclose()
            await agent.close()
            await speech.ears.aclose()
            await speech.mouth.aclose()
            await self._record.end(self._because)
            self.ended.set()

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
            user_away_timeout=self._tenant.settings.voice.silence_s,
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
        session.on("user_state_changed", self._on_user_state)
        session.on("close", lambda _: self._over.set())
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
        text = self._parts.greetings.text(self._number, self._turns.language)
        sound = self._parts.greetings.sound(self._tenant, self._number, self._turns.language)
        if sound is None:
            session.say(text)
        else:
            session.say(text, audio=frames(sound))

    async def _identify(self) -> None:
        door = await self._parts.record.database.tenant(self._tenant.id)
        try:
            async with door.transaction() as conn:
                caller = await self._parts.callers.by_number(
                    conn, self._tenant, self._ticket, self._parts.record.clock.now()
                )
        except Unavailable:
            logger.warning("a caller could not be looked up")
            return
        self._turns.stay = caller.stay_at(self._tenant.settings.voice.access_assurance)
        stay = caller.stay
        self._record.identify(caller.assurance, stay.reservation.id if stay else None)

    # -- while it runs -----------------------------------------------------------------------

    def _speakable(self, clause: str) -> str:
        stay = self._turns.stay
        secrets = stay.deliverable if stay else {}
        return speakable(clause, self._turns.language, secrets, letters=self._letters)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item, now = event.item, self._parts.record.clock.now()
        if getattr(item, "role", None) == "user":
            self._silences = 0
            self._turns.heard(utterance_of(item, now=now))
        elif getattr(item, "role", None) == "assistant":
            self._turns.said(utterance_of(item, now=now, heard_s=self._heard_s))

    def _on_transcribed(self, event: UserInputTranscribedEvent) -> None:
        text = self._turns.mask(event.transcript)
        self._record.tell(
            lambda conversation_id: SpeechHeard(
                tenant_id=self._tenant.id,
                conversation_id=conversation_id,
                call_sid=self._ticket.call_sid,
                text=text,
                is_final=event.is_final,
            )
        )

    def _on_sound(self, _: PlaybackStartedEvent) -> None:
        if stages := self._turns.begin_sound(self._parts.record.clock.now()):
            self._record.tell(
                lambda conversation_id: AnswerBegan(
                    tenant_id=self._tenant.id,
                    conversation_id=conversation_id,
                    call_sid=self._ticket.call_sid,
                    stages=stages,
                )
            )

    def _on_played(self, event: PlaybackFinishedEvent) -> None:
        self._heard_s = event.playback_position

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "away" and self._session is not None and not self._turns.is_silent:
            self._silences += 1
            language = self._turns.language
            if self._silences <= SILENCES:
                self._session.say(sentence("voice_are_you_there", language))
            else:
                self._because = "the caller said nothing"
                self._parts.record.background.spawn("goodbye", self._say_goodbye(self._session))

    async def _say_goodbye(self, session: AgentSession[None]) -> None:
        await session.say(sentence("voice_goodbye", self._turns.language))
        self._over.set()

    def _on_key(self, key: str) -> None:
        if key == PERSON_KEY and self._session is not None:
            self._session.interrupt(force=True)
            self._session.say(sentence("voice_holding", self._turns.language))

            async def write(conn: Connection) -> None:
                await self._turns.call_person(
                    conn, severity="normal", trigger="[key 0]", because="the caller pressed 0"
                )

            self._record.ledger.write(write)
