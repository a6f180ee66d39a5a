"""Who speaks on a call: the bus says it, a person comes before every clause."""

from app.escalation.records import Case
from app.events import HandlingChanged
from app.voice.handling import CallHandling
from tests.voice.conftest import OnTheLine

QUESTION = "Is there a bakery nearby?"


async def case_of(call: OnTheLine) -> Case:
    async with (await call.database.tenant("acme")).transaction() as conn:
        return await call.escalation.open(
            conn, severity="normal", trigger="Help", because="the guest asked for a person"
        )


def follow(call: OnTheLine) -> None:
    """The bus reaches the call as it does in the product."""

    async def hear(event: HandlingChanged) -> None:
        if event.id == call.conversation_id:
            call.handling.heard(event.speaker)

    call.bus.subscribe(HandlingChanged, hear)


async def test_whoever_takes_the_case_silences_the_bot_before_taking_returns(call: OnTheLine):
    follow(call)
    case = await case_of(call)
    assert not call.handling.is_taken
    await call.cases.take_over("acme", case.id, operator="Anna", route="slack")
    assert call.handling.is_taken


async def test_an_answer_under_way_ends_at_the_clause(call: OnTheLine):
    follow(call)
    case = await case_of(call)
    call.model.will_say("First sentence here. Second sentence here. Third one.")
    answering = call.turns.answer(QUESTION)
    assert await anext(answering) == "First sentence here. "
    await call.cases.take_over("acme", case.id, operator="Anna", route="slack")
    assert [clause async for clause in answering] == []


async def test_resolving_the_case_lets_the_bot_speak_again(call: OnTheLine):
    follow(call)
    case = await case_of(call)
    await call.cases.take_over("acme", case.id, operator="Anna", route="slack")
    assert await call.answer(QUESTION) == ""
    await call.cases.resolve("acme", case.id, operator="Anna", route="slack")
    assert await call.answer(QUESTION) != ""


async def test_a_case_that_somebody_opens_elsewhere_silences_no_call(call: OnTheLine):
    follow(call)
    await case_of(call)
    assert call.handling.voice == "bot"


async def looked(call: OnTheLine) -> str:
    async with (await call.database.tenant("acme")).transaction() as conn:
        await call.handling.look(
            conn, call.cases, tenant_id="acme", conversation_id=call.conversation_id,
            reservation_id=None,
        )  # fmt: skip
    return call.handling.voice


async def test_what_another_process_changed_is_read_from_the_database(call: OnTheLine):
    case = await case_of(call)
    assert await looked(call) == "bot"
    await call.cases.take_over("acme", case.id, operator="Anna", route="slack")
    assert await looked(call) == "person"
    await call.cases.resolve("acme", case.id, operator="Anna", route="slack")
    assert await looked(call) == "bot"


async def test_a_case_that_somebody_had_before_the_call_silences_nobody(call: OnTheLine):
    case = await case_of(call)
    taken = await call.cases.take_over("acme", case.id, operator="Anna", route="slack")
    call.handling.know(taken)
    assert await looked(call) == "bot"


def test_waiting_in_silence_is_a_tenants_choice():
    for on_escalate, is_silent in (("stay", False), ("wait", True)):
        handling = CallHandling(on_escalate)  # type: ignore[arg-type]
        handling.escalated()
        assert (handling.is_silent, handling.is_taken) == (is_silent, False)


def test_a_change_is_told_once():
    handling, told = CallHandling("stay"), list[str]()
    handling.on_change(lambda: told.append(handling.voice))
    for speaker in ("person", "person", "case", "bot", ""):
        handling.heard(speaker)
    assert told == ["person", "bot"]
