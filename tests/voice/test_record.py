"""A call has its row from the first sound to the last, also where the database is away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.conversations import Conversations, Speaker
from app.db import Connection, Database, TenantDoor
from app.errors import Unavailable
from app.events import CallEnded, CallStarted, Event, SpeechHeard
from app.jobs import Jobs
from app.settings import JobSettings, TelemetrySettings
from app.telemetry import Telemetry
from app.tenants import Tenant
from app.voice.record import SIGN_OF_LIFE_S, CallRecord, RecordParts
from app.voice.stages import Stages, Utterance
from app.voice.tickets import Ticket
from app.voice.transcript import Transcript

TICKET = Ticket(
    call_sid="CA1", tenant_id="acme", hotline_e164="+48221234567", caller_e164="+48500100200",
    is_doubtful=True,
)  # fmt: skip


class Flickering(Database):
    """A database that is away now and then."""

    away = 0
    """So many doors are not opened from now on."""
    rolls_back = 0
    """So many transactions of a tenant fail at their end."""

    async def tenant(self, tenant_id: str) -> TenantDoor:
        if self.away:
            self.away -= 1
            raise Unavailable("the database is away")
        return await super().tenant(tenant_id)

    @asynccontextmanager
    async def transaction_on(
        self, dsn: str | None, begin: str, schema: str
    ) -> AsyncIterator[Connection]:
        async with super().transaction_on(dsn, begin, schema) as conn:
            yield conn
            if schema.startswith("t_") and self.rolls_back:
                self.rolls_back -= 1
                raise Unavailable("the database is away")


class Spans(SpanExporter):
    """Keeps what would be exported."""

    def __init__(self) -> None:
        self.kept: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.kept.extend(spans)
        return SpanExportResult.SUCCESS


class Kept:
    """A record, and what became of it."""

    def __init__(
        self, parts: RecordParts, database: Flickering, clock: ManualClock, spans: "Spans"
    ) -> None:
        self.parts = parts
        self.spans = spans
        self.database = database
        self.clock = clock
        self.record = CallRecord(parts, TICKET)
        self.told: list[Event] = []

    async def heard(self, event: Event) -> None:
        self.told.append(event)

    async def call(self) -> dict[str, Any]:
        async with (await self.database.tenant("acme")).transaction() as conn:
            (row,) = await conn.fetch("select * from {schema}.calls")
        return dict(row)


@pytest.fixture
async def kept(
    database_url: str, database: Database, tenant: Tenant, clock: ManualClock,
    background: Background,
) -> AsyncIterator[Kept]:  # fmt: skip
    flickering = Flickering(command_timeout_s=10, statement_cache=200, connections=3)
    await flickering.open(database_url)
    bus = Bus(flickering, background)
    spans = Spans()
    telemetry = Telemetry(TelemetrySettings(), spans)
    jobs = Jobs(
        database=flickering, bus=bus, clock=clock, background=background,
        telemetry=telemetry, settings=JobSettings(),
    )  # fmt: skip
    parts = RecordParts(
        database=flickering, bus=bus, clock=clock, background=background,
        conversations=Conversations(bus), jobs=jobs, telemetry=telemetry,
    )  # fmt: skip
    kept = Kept(parts, flickering, clock, spans)
    bus.subscribe(CallStarted, kept.heard)
    bus.subscribe(CallEnded, kept.heard)
    bus.subscribe(SpeechHeard, kept.heard)
    yield kept
    await background.cancel()
    await flickering.close()


async def test_a_call_is_opened_and_closed_and_both_are_told(kept: Kept):
    kept.record.begin("en")
    kept.record.identify(2, None)
    kept.clock.advance(30)
    await kept.record.end("the caller hung up")
    call = await kept.call()
    assert (call["caller_e164"], call["assurance"], call["is_doubtful"]) == (
        "+48500100200", 2, True,
    )  # fmt: skip
    assert (call["because"], call["ended_at"]) == ("the caller hung up", kept.clock.now())
    assert [type(event) for event in kept.told] == [CallStarted, CallEnded]


async def test_what_is_told_of_a_call_hides_the_middle_of_the_callers_number(kept: Kept):
    kept.record.begin("pl")
    await kept.record.end("over")
    assert kept.told[0] == CallStarted(
        tenant_id="acme", conversation_id=await kept.record.conversation_id, call_sid="CA1",
        hotline_e164="+48221234567", caller="+48•••••0200", language="pl",
        started_at=kept.clock.now(),
    )  # fmt: skip


def heard(text: str) -> Callable[[int], Event]:
    """What the recogniser understood, of whichever conversation it will be."""

    def tiding(conversation_id: int) -> Event:
        return SpeechHeard(
            tenant_id="acme", conversation_id=conversation_id, call_sid="CA1", text=text,
            is_final=False,
        )  # fmt: skip

    return tiding


async def test_what_is_told_while_the_call_runs_keeps_its_order(kept: Kept):
    kept.record.begin("en")
    kept.record.tell(heard("is there"))
    kept.record.tell(heard("is there a bakery"))
    while len(kept.told) < 3:
        await asyncio.sleep(0)
    await kept.record.end("over")
    words = [event.text for event in kept.told if isinstance(event, SpeechHeard)]
    assert words == ["is there", "is there a bakery"]


async def test_when_the_disclosure_was_heard_first_stays(kept: Kept):
    kept.record.begin("en")
    first = kept.clock.now()
    kept.record.disclosed()
    kept.clock.advance(60)
    kept.record.disclosed()
    await kept.record.end("over")
    assert (await kept.call())["disclosed_at"] == first


def spoken(kept: Kept, speaker: Speaker, text: str, stages: Stages) -> None:
    """A turn of the call, traced as the session does it."""
    transcript = Transcript(
        tenant_id="acme", conversations=kept.parts.conversations, ledger=kept.record.ledger,
        conversation_id=kept.record.conversation_id,
    )  # fmt: skip
    utterance = Utterance(text=text, begins_at=kept.clock.now())
    said = transcript.keep(speaker, utterance, mask=str, heard="", stages=stages)
    assert said is not None
    kept.record.trace(said)


async def test_how_long_a_caller_waited_is_a_span_without_a_word_of_anybody(kept: Kept):
    now = kept.clock.now()
    stages = Stages(speech_ended_at=now, sound_at=now + timedelta(milliseconds=900))
    kept.record.begin("en")
    spoken(kept, "guest", "Is there a bakery?", stages)
    spoken(kept, "bot", "Yes, on the corner.", stages)
    spoken(kept, "bot", "Are you there?", Stages())
    await kept.record.end("over")
    kept.parts.telemetry.close()
    (span,) = kept.spans.kept
    assert (span.name, dict(span.attributes or {})) == (
        "call answer", {"tenant": "acme", "call": "CA1", "is_cut": False, "sound_ms": 900},
    )  # fmt: skip


async def test_turns_said_while_the_database_is_away_are_all_kept_in_order(kept: Kept):
    kept.record.begin("en")
    await kept.record.conversation_id
    kept.database.away = 1
    words = [f"word {number}" for number in range(6)]
    for text in words:
        spoken(kept, "guest", text, Stages())
    await kept.record.end("over")
    async with (await kept.database.tenant("acme")).transaction() as conn:
        rows = await conn.fetch("select text from {schema}.turns order by id")
    assert [row["text"] for row in rows] == words


async def test_a_call_whose_sound_is_connected_again_knows_what_was_said(kept: Kept):
    kept.record.begin("en")
    spoken(kept, "guest", "Is there a bakery?", Stages())
    await kept.record.end("something of ours failed")
    again = CallRecord(kept.parts, TICKET)
    earlier: list[str] = []
    again.begin("en", lambda turns: earlier.extend(turn.text for turn in turns))
    assert await again.conversation_id == await kept.record.conversation_id
    assert earlier == ["Is there a bakery?"]
    assert (await kept.call())["ended_at"] is None
    await again.end("over")


async def test_a_database_that_is_away_at_the_beginning_loses_no_call(kept: Kept):
    kept.database.away = 1
    began = kept.clock.now()
    kept.record.begin("en")
    kept.clock.advance(5)
    await kept.record.end("the caller hung up")
    call = await kept.call()
    assert (call["started_at"], call["ended_at"]) == (began, kept.clock.now())
    assert call["conversation_id"] == await kept.record.conversation_id


async def test_a_call_whose_row_was_rolled_back_has_the_id_of_the_one_that_stands(kept: Kept):
    kept.database.rolls_back = 1
    kept.record.begin("en")
    kept.record.identify(1, None)
    await kept.record.end("over")
    call = await kept.call()
    assert call["conversation_id"] == await kept.record.conversation_id
    assert call["assurance"] == 1


async def test_a_quiet_call_shows_that_it_is_alive(kept: Kept):
    kept.record.begin("en")
    await kept.record.conversation_id
    kept.clock.advance(SIGN_OF_LIFE_S)
    while (await kept.call())["seen_at"] != kept.clock.now():
        pass
    await kept.record.end("over")
