"""The record of one call: its row from the first sound to the last, and what others are told of it.

Everything is written by the ledger, in order and in the background.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.background import Background
from app.bus import Bus
from app.clock import Clock
from app.conversations import Conversations, Turn
from app.db import Connection, Database
from app.events import (
    AnswerBegan,
    CallEnded,
    CallerIdentified,
    CallStarted,
    Event,
    SpeechHeard,
)
from app.hotlines import masked
from app.jobs import Job, Jobs
from app.telemetry import Telemetry
from app.voice import store
from app.voice.calls import LOOK_AGAIN
from app.voice.ledger import Ledger
from app.voice.tickets import Ticket
from app.voice.transcript import Said

SIGN_OF_LIFE_S = 15.0
"""How often a call says that it is alive, beside its turns."""

Resume = Callable[[Sequence[Turn]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordParts:
    """What every record is made with."""

    database: Database
    bus: Bus
    clock: Clock
    background: Background
    conversations: Conversations
    jobs: Jobs
    telemetry: Telemetry


class CallRecord:
    """One call as it is kept."""

    def __init__(self, parts: RecordParts, ticket: Ticket) -> None:
        self._parts = parts
        self._ticket = ticket
        self._started_at = parts.clock.now()
        self.ledger = Ledger(parts.database, ticket.tenant_id, parts.background)
        self.conversation_id: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self._tidings: asyncio.Queue[Callable[[int], Event]] = asyncio.Queue()

    def begin(self, language: str, resume: Resume = lambda _: None) -> None:
        """The caller is on the line; where it is again, `resume` gets what was said before."""

        async def write(conn: Connection) -> None:
            conversation_id = await store.open_call(
                conn,
                call_sid=self._ticket.call_sid,
                hotline_e164=self._ticket.hotline_e164,
                caller_e164=self._ticket.caller_e164,
                language=language,
                now=self._started_at,
                is_doubtful=self._ticket.is_doubtful,
            )
            await self._parts.jobs.arm_unless_armed(
                conn,
                tenant_id=self._ticket.tenant_id,
                kind=Job.CALL,
                key=self._ticket.call_sid,
                due_at=self._started_at + LOOK_AGAIN,
            )
            earlier = await self._parts.conversations.transcript(conn, conversation_id)
            conn.after_commit.append(lambda: self._opened(conversation_id))
            if earlier:
                resume(earlier)
            event = CallStarted(
                tenant_id=self._ticket.tenant_id,
                conversation_id=conversation_id,
                call_sid=self._ticket.call_sid,
                hotline_e164=self._ticket.hotline_e164,
                caller=masked(self._ticket.caller_e164 or ""),
                language=language,
                started_at=self._started_at,
            )
            self._parts.bus.publish_after(conn, event)

        self.ledger.write(write)
        self._tasks = [
            self._parts.background.spawn("signs of life", self._show_life()),
            self._parts.background.spawn("tidings", self._tell_all()),
        ]

    def tell(self, tiding: Callable[[int], Event]) -> None:
        """Have an event of this call published, in order; it is made of the conversation's id.

        What is told so is seen at once and kept nowhere.
        """
        self._tidings.put_nowait(tiding)

    def hear(self, text: str, *, is_final: bool) -> None:
        """The recogniser understood something of the caller's turn."""
        self.tell(
            lambda conversation_id: SpeechHeard(
                tenant_id=self._ticket.tenant_id,
                conversation_id=conversation_id,
                call_sid=self._ticket.call_sid,
                text=text,
                is_final=is_final,
            )
        )

    def sound(self, stages: Mapping[str, int]) -> None:
        """The first sound of an answer went to the line."""
        self.tell(
            lambda conversation_id: AnswerBegan(
                tenant_id=self._ticket.tenant_id,
                conversation_id=conversation_id,
                call_sid=self._ticket.call_sid,
                stages=stages,
            )
        )

    def trace(self, said: Said) -> None:
        """A span of the time in which the caller waited for an answer; none for other turns."""
        stages = said.stages
        if said.speaker == "bot" and stages.speech_ended_at and stages.sound_at:
            self._parts.telemetry.record(
                "call answer",
                began_at=stages.speech_ended_at,
                ended_at=stages.sound_at,
                tenant=self._ticket.tenant_id,
                call=self._ticket.call_sid,
                is_cut=said.utterance.is_cut,
                **stages.told(),
            )

    def identify(self, assurance: int, reservation_id: int | None) -> None:
        """How sure we are of who calls, and whose stay it is."""

        async def write(conn: Connection) -> None:
            conversation_id = await self.conversation_id
            await store.keep_caller(conn, conversation_id, assurance)
            if reservation_id is not None:
                await self._parts.conversations.describe(
                    conn, conversation_id, reservation_id=reservation_id
                )
            event = CallerIdentified(
                tenant_id=self._ticket.tenant_id,
                conversation_id=conversation_id,
                call_sid=self._ticket.call_sid,
                assurance=assurance,
                reservation_id=reservation_id,
            )
            self._parts.bus.publish_after(conn, event)

        self.ledger.write(write)

    def keep_facts(self, facts: Sequence[Mapping[str, Any]]) -> None:
        """What the caller told to be known by, right or wrong, without its value."""

        async def write(conn: Connection) -> None:
            await store.add_facts(conn, await self.conversation_id, facts)

        self.ledger.write(write)

    def disclosed(self) -> None:
        """The caller has heard that an AI speaks."""
        at = self._parts.clock.now()

        async def write(conn: Connection) -> None:
            await store.mark_disclosed(conn, await self.conversation_id, at)

        self.ledger.write(write)

    async def end(self, because: str) -> None:
        """The line is closed; waits for the last rows, within bounds."""
        at = self._parts.clock.now()
        for task in self._tasks:
            task.cancel()

        async def write(conn: Connection) -> None:
            await store.end_call(conn, self._ticket.call_sid, because=because, at=at)
            event = CallEnded(
                tenant_id=self._ticket.tenant_id,
                conversation_id=await self.conversation_id,
                call_sid=self._ticket.call_sid,
                because=because,
                ended_at=at,
            )
            self._parts.bus.publish_after(conn, event)

        self.ledger.write(write)
        await self.ledger.close()

    async def _opened(self, conversation_id: int) -> None:
        """Known once the row stands: a first try may have been rolled back."""
        if not self.conversation_id.done():
            self.conversation_id.set_result(conversation_id)

    async def _tell_all(self) -> None:
        conversation_id = await self.conversation_id
        while True:
            tiding = await self._tidings.get()
            await self._parts.bus.publish(tiding(conversation_id))

    async def _show_life(self) -> None:
        while True:
            await self._parts.clock.sleep(SIGN_OF_LIFE_S)
            at = self._parts.clock.now()

            async def write(conn: Connection, at: datetime = at) -> None:
                await store.mark_seen(conn, await self.conversation_id, at)

            self.ledger.write(write)
