from dataclasses import replace
from datetime import timedelta

import pytest

from app.bots.facts import certain_intent, template_reply
from app.bots.library import check_library, default_content
from app.pms.records import Gated
from tests.make import NOON, make_listing, make_question, make_stay

LIBRARY = check_library(default_content())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("What is the wifi password?", "WIFI_QUESTION"),
        ("Jaki jest kod do drzwi?", "ACCESS_INSTRUCTIONS"),
        ("Ab wann ist der Check-in?", "CHECK_IN_TIME"),
        ("Thanks!", "NO_MESSAGE"),
    ],
)
def test_a_certain_question_is_known(text: str, code: str) -> None:
    found = certain_intent(make_question(text), LIBRARY)
    assert found is not None
    assert found.action_code == code


@pytest.mark.parametrize(
    "text",
    [
        "What is the wifi password? And the heating does not work.",
        "The wifi password does not work",
        "What is the wifi password and what time is check-in?",
        "Where is the nearest shop?",
    ],
)
def test_what_is_not_certain_is_left_to_a_model(text: str) -> None:
    assert certain_intent(make_question(text), LIBRARY) is None


def test_a_tenant_may_add_phrases() -> None:
    content = {
        **default_content(),
        "phrases": {"PARKING_QUESTION": {"en": ["spot for the camper"]}},
    }
    library = check_library(content)
    question = make_question("spot for the camper?")
    assert certain_intent(question, LIBRARY) is None
    found = certain_intent(question, library)
    assert found is not None
    assert found.action_code == "PARKING_QUESTION"


def test_a_code_the_library_lacks_is_not_certain() -> None:
    codes = tuple(code for code in LIBRARY.codes if code.code != "WIFI_QUESTION")
    question = make_question("What is the wifi password?")
    assert certain_intent(question, replace(LIBRARY, codes=codes)) is None


@pytest.mark.parametrize("language", ["en", "pl", "de", "ar"])
@pytest.mark.parametrize(
    "code", ["ACCESS_INSTRUCTIONS", "WIFI_QUESTION", "CHECK_IN_TIME", "CHECK_OUT_TIME"]
)
def test_every_reply_reads_well_open_and_locked(code: str, language: str) -> None:
    for now in (NOON, NOON - timedelta(days=21)):
        question = make_question("x", stay=make_stay(now=now))
        text = template_reply(question, LIBRARY, code, language, "Bot")
        assert text
        assert "{{" not in text
        assert "<%" not in text
        assert ("[[" in text) == (code in ("ACCESS_INSTRUCTIONS", "WIFI_QUESTION") and now == NOON)


def test_a_reply_that_has_nothing_to_say_is_none() -> None:
    question = make_question("x", stay=make_stay(listing=make_listing(gated=Gated())))
    assert template_reply(question, LIBRARY, "WIFI_QUESTION", "en", "Bot") is None
    assert template_reply(question, LIBRARY, "PARKING_QUESTION", "en", "Bot") is None
    assert template_reply(question, LIBRARY, "ESCALATE", "en", "Bot") is None


def test_a_public_custom_field_can_be_said() -> None:
    listing = make_listing(custom_fields={"parking": "Garage B2"})
    question = make_question("x", stay=make_stay(listing=listing))
    assert (
        template_reply(question, LIBRARY, "PARKING_QUESTION", "en", "Bot") == "Parking: Garage B2"
    )
