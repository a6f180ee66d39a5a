"""A person for a caller: the case and its severity, what is said, and the promise to call back."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.bots.llm import ModelError
from app.bots.records import Route
from app.db import Connection
from app.voice.escalation import hands_over, number_in
from app.voice.languages import SpokenLanguage
from tests.make import make_listing, make_stay
from tests.voice.conftest import CALLER, OnTheLine

QUESTION = "Is there a bakery nearby?"
ESCALATE = {"actionCode": "ESCALATE", "score": 0.99, "reasoning": "a person"}


async def asked(call: OnTheLine, text: str) -> str:
    """A whole turn."""
    said = await call.answer(text)
    call.turns.confirm(text)
    call.heard(text)
    return said


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [
        ("I want to speak to a human please.", "en", "colleague"),
        ("Chcę rozmawiać z człowiekiem.", "pl", "zespół"),
        ("Ich möchte mit einem Menschen sprechen.", "de", "Team"),
        ("أريد التحدث إلى موظف بشري", "ar", "فريقنا"),
    ],
)
async def test_a_human_please_in_any_language_opens_a_case(
    call: OnTheLine, text: str, language: str, word: str
):
    spoken = SpokenLanguage("en", ("en", "pl", "de", "ar"))
    spoken.hear(text)
    call.turns.language = spoken.now
    assert spoken.now == language
    assert word in await asked(call, text)
    (case,) = await call.rows("cases")
    assert (case["severity"], case["trigger_text"]) == ("normal", text)
    assert call.handling.voice == "case"


async def test_fire_is_told_of_before_the_mind_has_answered(call: OnTheLine):
    call.turns.confirm("There is a fire in the kitchen!")
    (case,) = await call.rows("cases")
    assert case["severity"] == "critical"
    assert call.model.asked == []


async def test_the_emergency_number_comes_first_and_the_case_once(call: OnTheLine):
    said = await asked(call, "There is a fire in the kitchen!")
    assert said.startswith("If anybody is in danger, leave the apartment and call 112 now.")
    assert "alerted our team" in said
    (case,) = await call.rows("cases")
    assert len(case["history"]) == 1


async def test_the_number_is_that_of_the_listings_country(call: OnTheLine):
    call.turns.stay = None
    call.escalation.stay = replace(make_stay(listing=make_listing(country_code="US")))
    urgent = call.escalation.urgency("There is a fire in the kitchen!")
    assert urgent is not None
    assert urgent.emergency_number == "911"


async def test_worse_words_raise_the_open_case(call: OnTheLine):
    await asked(call, "I want to speak to a human please.")
    await asked(call, "Now a pipe has burst and water is everywhere!")
    (case,) = await call.rows("cases")
    assert case["severity"] == "high"
    assert [entry["what"] for entry in case["history"]] == ["opened", "follow-up"]


async def test_urgent_words_raise_the_case_while_a_person_has_the_call(call: OnTheLine):
    await asked(call, "I want to speak to a human please.")
    call.handling.heard("person")
    assert await asked(call, "There is a fire in the kitchen!") == ""
    (case,) = await call.rows("cases")
    assert case["severity"] == "critical"


async def test_key_zero_is_a_case_too(call: OnTheLine):
    assert "alerted our team" in call.escalation.press_key()
    (case,) = await call.rows("cases")
    assert case["trigger_text"] == "[key 0]"


async def test_until_somebody_comes_the_mind_gives_only_certain_facts(call: OnTheLine):
    await asked(call, "I want to speak to a human please.")
    said = await asked(call, QUESTION)
    assert said == "I have passed that on too. A colleague will see to it."
    (case,) = await call.rows("cases")
    assert case["history"][-1]["text"] == QUESTION


async def test_a_tenant_may_have_callers_wait_in_silence(call: OnTheLine):
    call.handling._on_escalate = "wait"
    await asked(call, "I want to speak to a human please.")
    assert await asked(call, QUESTION) == ""
    assert "112" in await asked(call, "There is a fire in the kitchen!")


async def test_a_slow_mind_ends_in_a_person(call: OnTheLine):
    async def never() -> None:
        await asyncio.Event().wait()

    call.model.on_words = never
    voice = call.turns.tenant.settings.voice.model_copy(update={"answer_within_s": 0.2})
    settings = call.turns.tenant.settings.model_copy(update={"voice": voice})
    call.turns.tenant = replace(call.turns.tenant, settings=settings)
    assert "alerted our team" in await asked(call, QUESTION)
    assert call.handling.voice == "case"
    (case,) = await call.rows("cases")
    assert "too slow" in case["brief"]


async def test_a_mind_that_cannot_be_asked_ends_in_a_person(call: OnTheLine):
    call.model.will_route(ModelError("the model is away"))
    assert "alerted our team" in await asked(call, QUESTION)
    assert len(await call.rows("cases")) == 1


async def later(call: OnTheLine, seconds: float) -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    call.clock.advance(seconds)
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nobody_comes_so_a_call_back_is_promised_with_number_and_time(call: OnTheLine):
    news: list[str] = []
    call.escalation.on_news(news.append)
    await asked(call, "I want to speak to a human please.")
    await later(call, 30)
    assert news == ["Nobody is free at this moment. A colleague will call you back on this number."]
    (case,) = await call.rows("cases")
    promise = case["history"][-1]
    due_at = call.clock.now() + timedelta(minutes=30)
    assert (promise["number"], promise["due_at"]) == (CALLER, due_at.isoformat())
    assert call.handling.voice == "bot"


async def test_no_call_back_is_promised_where_somebody_took_the_case(call: OnTheLine):
    news: list[str] = []
    call.escalation.on_news(news.append)
    await asked(call, "I want to speak to a human please.")
    call.handling.heard("person")
    await later(call, 30)
    call.escalation.end()
    (case,) = await call.rows("cases")
    assert (news, len(case["history"])) == ([], 1)


async def test_who_hangs_up_waiting_is_called_back_once(call: OnTheLine):
    await asked(call, "I want to speak to a human please.")
    call.escalation.end()
    call.escalation.end()
    (case,) = await call.rows("cases")
    assert [entry["what"] for entry in case["history"]] == ["opened", "promised to call back"]


async def test_a_withheld_number_is_asked_for(call: OnTheLine):
    news: list[str] = []
    call.escalation.on_news(news.append)
    call.escalation._number = None
    await asked(call, "I want to speak to a human please.")
    await later(call, 30)
    assert "On which number" in news[0]
    assert "noted the number" in await asked(call, "It is 0151 234 5678.")
    (case,) = await call.rows("cases")
    assert case["history"][-1]["number"] == "01512345678"


async def taken_before(call: OnTheLine) -> str:
    """Anna has the case of an earlier call."""

    async def open_it(conn: Connection) -> None:
        await call.escalation.open(conn, severity="normal", trigger="Help", because="asked")

    async with (await call.database.tenant("acme")).transaction() as conn:
        case = await call.escalation.open(conn, severity="normal", trigger="Help", because="x")
    await call.cases.take_over("acme", case.id, operator="Anna", route="slack")
    async with (await call.database.tenant("acme")).transaction() as conn:
        return await call.escalation.look_for_case(conn)


async def test_the_next_call_knows_who_has_the_case_and_offers_them(call: OnTheLine):
    says = await taken_before(call)
    assert says == "Anna from our team has your case. Shall I ask Anna to call you back?"
    assert await asked(call, "Yes, please.") == "I have asked Anna to call you back."
    (case,) = await call.rows("cases")
    assert case["history"][-1]["number"] == CALLER


async def test_a_new_call_is_answered_though_somebody_has_the_case(call: OnTheLine):
    await taken_before(call)
    assert await asked(call, QUESTION) == "The shop is on the corner."


async def test_a_half_heard_yes_promises_nothing(call: OnTheLine):
    await taken_before(call)
    await call.answer("Yes")
    (case,) = await call.rows("cases")
    assert case["history"][-1]["what"] == "taken over"


def route(**changes: object) -> Route:
    values = {"outcome": "person", "origin": "bot", "because": "x", "language": "en", "score": 0.9}
    return Route(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "is_handed_over"),
    [
        (route(action_code="ESCALATE"), True),
        (route(action_code="LATE_CHECK_OUT"), False),
        (route(action_code="LATE_CHECK_OUT", score=0.3), True),
        (route(origin="urgent", action_code="ESCALATE"), True),
        (route(origin="rule", score=None), True),
        (route(origin="rule", score=None, action_code="ACCESS_INSTRUCTIONS"), False),
        (route(action_code="ESCALATE", is_answered=True), False),
        (route(outcome="reply", action_code="WIFI_QUESTION"), False),
    ],
)
def test_one_matter_for_people_is_not_the_whole_call(found: Route, is_handed_over: bool):
    assert hands_over(found, 0.6) is is_handed_over


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("It is +48 500 100 200.", "+48500100200"),
        (
            "five zero zero one zero zero two zero zero",
            "five zero zero one zero zero two zero zero",
        ),
        ("Room 12, please.", None),
        ("No.", None),
    ],
)
def test_a_number_is_found_as_it_is_said(text: str, number: str | None):
    assert number_in(text) == number
