"""One call over the real session and line, with typed words: what is heard, and what it leaves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from app.background import Background
from app.bots.answer import Mind
from app.bots.library import Libraries
from app.bus import Bus
from app.clock import Clock
from app.conversations import Conversations
from app.db import Database
from app.errors import BadInput
from app.escalation.cases import Cases
from app.events import HandlingChanged
from app.hotlines import Hotlines
from app.jobs import Job, Jobs
from app.keys import Keyring, new_key
from app.pms.stay import Stays
from app.settings import JobSettings, TelemetrySettings
from app.telemetry import Telemetry
from app.tenants import Tenant, Tenants
from app.voice.caller import Callers
from app.voice.greetings import Greetings
from app.voice.identity import ThreadPost
from app.voice.phone_line import PhoneLine
from app.voice.prelude import Prelude
from app.voice.record import RecordParts
from app.voice.session import CallParts, CallSession
from app.voice.snapshot import Number, Snapshot
from app.voice.speech import Voices
from app.voice.tickets import Ticket
from tests.fakes import FakeLanguageModel
from tests.make import make_stay
from tests.rooms import Rooms
from tests.voice.conftest import CALLER
from tests.voice.telephone import LONG_S, SPOKEN_S, Carrier, TypedVoices

QUESTION = "Is there a bakery nearby?"
DISCLOSURE = "Hello, this is the AI assistant of Acme Stays."
HOTLINE = "+48221234567"


class Call:
    """A caller on the line of a session that runs."""

    def __init__(self, parts: CallParts, tenant: Tenant, voices: TypedVoices) -> None:
        self.parts = parts
        self.voices = voices
        self.carrier = Carrier()
        self.line = PhoneLine(self.carrier, stream_sid="MZ1", clock=parts.record.clock)
        self.session = CallSession(
            parts, tenant=tenant, number=NUMBER, line=self.line,
            ticket=Ticket(
                call_sid="CA1", tenant_id="acme", hotline_e164=HOTLINE, caller_e164=CALLER,
                is_doubtful=False,
            ),
        )  # fmt: skip
        self.tasks: list[asyncio.Task[Any]] = []

    def begin(self) -> None:
        spawn = self.parts.record.background.spawn
        self.tasks = [
            spawn("line", self.line.run()),
            spawn("call", self.session.run()),
        ]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not is_so():
                await asyncio.sleep(0.01)

    async def until_said(self, text: str) -> None:
        """The voice was given this."""
        await self.until(lambda: any(text in spoken for spoken in self.voices.spoken))

    async def until_turn(self, speaker: str, text: str) -> None:
        """A turn stands in the transcript."""

        async def stands() -> bool:
            return any(
                turn["speaker"] == speaker and text in turn["text"]
                for turn in await self.rows("turns")
            )

        async with asyncio.timeout(15):
            while not await stands():
                await asyncio.sleep(0.02)

    async def hangs_up(self) -> None:
        self.carrier.says("stop")
        await self.session.ended.wait()
        await asyncio.wait(self.tasks)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        async with (await self.parts.record.database.tenant("acme")).transaction() as conn:
            found = await conn.fetch(f"select * from {{schema}}.{table} order by 1")
        return [dict(row) for row in found]


NUMBER = Number(
    number_e164=HOTLINE, tenant_id="acme", name="Acme Stays", language="en", account_sid="AC1",
    auth_tokens=("x",),
)  # fmt: skip


@pytest.fixture
def model() -> FakeLanguageModel:
    return FakeLanguageModel()


@pytest.fixture
async def parts(
    database: Database, bus: Bus, background: Background, tenants: Tenants, tenant: Tenant,
    model: FakeLanguageModel, rooms: Rooms, tmp_path: Any,
) -> CallParts:  # fmt: skip
    """A house with one hotline; time is real."""
    clock, telemetry = Clock(), Telemetry(TelemetrySettings())
    jobs = Jobs(
        database=database, bus=bus, clock=clock, background=background, telemetry=telemetry,
        settings=JobSettings(),
    )  # fmt: skip
    today = clock.now().date()
    until = today + timedelta(days=3)
    await rooms.books(5009, 79, arrivalDate=f"{today}", departureDate=f"{until}")
    hotlines = Hotlines(database, bus, tenants)
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("x",))
    await hotlines.add("acme", HOTLINE, name="Acme Stays", language="en")
    snapshot = Snapshot(hotlines, Keyring((new_key(),)), tmp_path)
    await snapshot.refresh()
    mind = Mind(
        database=database, libraries=Libraries(database, bus, clock), model=model,
        background=background,
    )  # fmt: skip
    await mind.warm("acme")
    voices = cast("Voices", TypedVoices())
    record = RecordParts(
        database=database,
        bus=bus,
        clock=clock,
        background=background,
        conversations=Conversations(bus),
        jobs=jobs,
        telemetry=telemetry,
    )
    callers = Callers(Stays())
    return CallParts(
        record=record,
        mind=mind,
        cases=Cases(database=database, bus=bus, clock=clock, jobs=jobs, tenants=tenants),
        callers=callers,
        own_numbers=snapshot.numbers_of,
        post=cast("ThreadPost", None),
        voices=voices,
        greetings=Greetings(snapshot=snapshot, tenants=tenants, voices=voices),
        prelude=Prelude(record=record, tenants=tenants, callers=callers, voices=voices),
    )  # fmt: skip


def call_of(
    parts: CallParts, tenant: Tenant, *, character_s: float = SPOKEN_S, **voice: Any
) -> Call:
    settings = tenant.settings.model_copy(
        update={"voice": tenant.settings.voice.model_copy(update=voice)}
    )
    voices = cast("TypedVoices", parts.voices)
    voices.second_a_character = character_s
    return Call(parts, replace(tenant, settings=settings), voices)


@pytest.fixture
async def call(parts: CallParts, tenant: Tenant) -> AsyncIterator[Call]:
    """A caller who has just been greeted by a prepared greeting."""
    await parts.greetings.prepare()
    call = call_of(parts, tenant)
    call.begin()
    yield call
    if not call.session.ended.is_set():
        await call.hangs_up()


async def test_a_greeting_that_was_heard_is_recorded_as_disclosed(call: Call):
    await call.until_turn("bot", DISCLOSURE)
    await call.hangs_up()
    (row,) = await call.rows("calls")
    assert row["disclosed_at"] is not None


async def test_a_greeting_that_was_talked_over_is_made_up_for_before_the_answer(
    parts: CallParts, tenant: Tenant
):
    parts.voices.second_a_character = LONG_S  # type: ignore[attr-defined]
    await parts.greetings.prepare()
    call = call_of(parts, tenant, character_s=SPOKEN_S)
    call.carrier.holds_marks = True
    call.begin()
    await call.until(lambda: "media" in call.carrier.sent)
    await call.voices.hears(QUESTION)
    await call.until(lambda: "clear" in call.carrier.sent)
    (row,) = await call.rows("calls")
    assert row["disclosed_at"] is None
    call.carrier.holds_marks = False
    await call.until_said("The shop is on the corner.")
    for name in call.carrier.marks:
        call.carrier.returns(name)
    await call.until_turn("bot", f"{DISCLOSURE} The shop is on the corner.")
    await call.hangs_up()
    (row,) = await call.rows("calls")
    assert row["disclosed_at"] is not None


async def test_a_question_is_answered_and_kept(call: Call, model: FakeLanguageModel):
    await call.until_turn("bot", DISCLOSURE)
    await call.voices.hears(QUESTION)
    await call.until_turn("bot", "The shop is on the corner.")
    await call.hangs_up()
    assert [(turn["speaker"], turn["text"]) for turn in await call.rows("turns")][1:] == [
        ("guest", QUESTION), ("bot", "The shop is on the corner."),
    ]  # fmt: skip


async def test_whoever_takes_the_case_has_the_call_before_another_frame_is_sent(
    parts: CallParts, tenant: Tenant
):
    await parts.greetings.prepare()
    call = call_of(parts, tenant)

    async def hear(event: HandlingChanged) -> None:
        call.session.on_handling(event)

    parts.record.bus.subscribe(HandlingChanged, hear)
    call.begin()
    await call.until_turn("bot", DISCLOSURE)
    call.carrier.says("dtmf", dtmf={"digit": "0"})
    await call.until_turn("bot", "alerted our team")
    (case,) = await call.rows("cases")
    call.voices.second_a_character = LONG_S
    call.carrier.holds_marks = True
    call.carrier.sent.clear()
    await call.voices.hears("What time is check-in?")
    await call.until(lambda: "media" in call.carrier.sent)
    await parts.cases.take_over("acme", case["id"], operator="Anna", route="slack")
    sent = len(call.carrier.sent)
    await asyncio.sleep(0.3)
    assert "clear" in call.carrier.sent[sent - 1 :]
    assert "media" not in call.carrier.sent[call.carrier.sent.index("clear") :]
    await call.voices.hears("Hello? Are you there?")
    await call.until_turn("guest", "Hello? Are you there?")
    assert "media" not in call.carrier.sent[call.carrier.sent.index("clear") :]
    await call.hangs_up()


async def test_a_silent_caller_is_asked_twice_then_told_goodbye(parts: CallParts, tenant: Tenant):
    await parts.greetings.prepare()
    call = call_of(parts, tenant, silence_s=0.15)
    call.begin()
    async with asyncio.timeout(15):
        await call.session.ended.wait()
    await asyncio.wait(call.tasks, timeout=0)
    said = [text for text in call.voices.spoken if text in ("Are you still there?",)]
    assert len(said) == 2
    (row,) = await call.rows("calls")
    assert row["because"] == "the caller said nothing"
    await call.line.hang_up()


async def test_a_call_that_ends_while_the_mind_thinks_leaves_a_whole_record(
    call: Call, model: FakeLanguageModel, background: Background
):
    thinks = asyncio.Event()

    async def for_ever() -> None:
        thinks.set()
        await asyncio.Event().wait()

    model.on_words = for_ever
    await call.until_turn("bot", DISCLOSURE)
    await call.voices.hears(QUESTION)
    await thinks.wait()
    await call.until_turn("guest", QUESTION)
    await call.hangs_up()
    (row,) = await call.rows("calls")
    assert row["ended_at"] is not None
    await asyncio.sleep(0.05)
    assert [task.get_name() for task in background._tasks if not task.done()] == []


async def test_what_was_not_heard_of_an_answer_is_in_no_record_and_no_prompt(
    call: Call, model: FakeLanguageModel
):
    model.will_say("It is behind the blue door on the left, next to the old stairs.", "Yes.")
    await call.until_turn("bot", DISCLOSURE)
    call.voices.second_a_character, call.carrier.holds_marks = LONG_S, True
    call.carrier.marks.clear()
    await call.voices.hears(QUESTION)
    await call.until(lambda: len(call.carrier.marks) >= 12)
    for name in call.carrier.marks[:12]:
        call.carrier.returns(name)
    await asyncio.sleep(0.05)
    call.carrier.holds_marks = False
    await call.voices.hears("Is that the green one?")
    await call.until_said("Yes.")
    await call.until_turn("bot", "It is")
    answer = next(t for t in await call.rows("turns") if t["text"].startswith("It is"))
    assert "stairs" not in answer["text"]
    assert answer["is_cut"]
    assert 1100 <= answer["heard_ms"] <= 1300
    (prompt,) = {str(m) for m in model.asked[-1:]}
    assert "It is" in prompt
    assert "stairs" not in prompt


async def test_a_question_that_the_hang_up_left_open_is_followed_up_where_the_tenant_wants(
    parts: CallParts, tenant: Tenant, model: FakeLanguageModel
):
    async def for_ever() -> None:
        await asyncio.Event().wait()

    model.on_words = for_ever
    await parts.greetings.prepare()
    call = call_of(parts, tenant, follow_up=True)
    call.begin()
    await call.until_turn("bot", DISCLOSURE)
    call.session._turns.stay = make_stay()
    await call.voices.hears(QUESTION)
    await call.until_turn("guest", QUESTION)
    await call.hangs_up()
    async with parts.record.database.shared().transaction() as conn:
        armed = await conn.fetchval(
            "select count(*) from nightdesk.wake where kind = $1", Job.AFTER_CALL
        )
    assert armed == 1


async def test_what_the_caller_should_know_is_said_after_the_greeting(
    parts: CallParts, tenant: Tenant
):
    await parts.greetings.prepare()
    call = call_of(parts, tenant)
    call.begin()
    await call.session._first_words.know_case("Your case is with our team already.")
    await call.until_turn("bot", "Your case is with our team already.")
    assert call.session._turns.openings.due() == []
    await call.hangs_up()


class NoVoices(TypedVoices):
    """A provider that is not there."""

    def of_call(self, *_: Any, **more: Any) -> Any:
        raise BadInput("there is no such provider")


async def test_a_call_that_we_cannot_serve_ends_its_record_and_is_a_persons_matter(
    parts: CallParts, tenant: Tenant
):
    call = call_of(replace(parts, voices=cast("Voices", NoVoices())), tenant)
    with pytest.raises(BadInput):
        await call.session.run()
    (row,) = await call.rows("calls")
    assert row["because"] == "something of ours failed"
    (case,) = await call.rows("cases")
    assert case["trigger_text"] == "[the call broke off]"
