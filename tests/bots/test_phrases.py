"""What a whole message asks is told with certainty, or left alone."""

import tomllib
from pathlib import Path

import pytest

from app.bots.phrase_patterns import phrase_lines
from app.bots.phrases import (
    LANGUAGES,
    NO_MESSAGE,
    is_only_greeting,
    is_only_thanks,
    load_phrase_sets,
    match_intent,
    refuses_robot,
    retracts,
    wants_human,
)
from app.errors import BadInput
from bench.phrases import fact_answers, precision

HELD_OUT = ("held_out", "held_out_b")
"""Two sets by others: the first was mended on after it was measured, the second never."""
CASES = Path(__file__).parent / "phrase_cases"
LEAST_CASES = 60


def cases(language: str) -> list[tuple[str, str]]:
    blocks = tomllib.loads((CASES / f"facts_{language}.toml").read_text(encoding="utf-8"))
    return [(code, line) for code, block in blocks.items() for line in phrase_lines(block)]


def certain_code(text: str) -> str | None:
    match = match_intent(text, load_phrase_sets())
    return match.action_code if match and match.is_certain else None


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_answered_from_facts_is_right(language: str):
    acted = [(code, line, certain_code(line)) for code, line in cases(language)]
    acted = [case for case in acted if case[2]]
    wrong = [case for case in acted if case[0] != case[2]]
    assert len(cases(language)) >= LEAST_CASES
    assert len(wrong) <= 0.02 * len(acted), wrong


@pytest.mark.parametrize("folder", HELD_OUT)
def test_what_is_answered_from_facts_is_right_in_sentences_that_others_wrote(folder: str):
    answers = fact_answers(Path(__file__).parent / folder)
    assert len(answers) >= 300
    assert precision(answers, same=True) >= 0.98


@pytest.mark.parametrize("language", LANGUAGES)
def test_most_plain_questions_are_answered_from_facts(language: str):
    asked = [line for code, line in cases(language) if code != "left_alone"]
    left = [line for line in asked if certain_code(line) is None]
    assert len(left) <= 0.2 * len(asked), left


def test_a_very_long_message_is_no_plain_question():
    assert match_intent("wifi password? " * 200, load_phrase_sets()) is None


def test_a_second_question_is_not_covered():
    match = match_intent("what's the wifi password and can we check out at 2pm", load_phrase_sets())
    assert match is not None
    assert (match.action_code, match.is_certain, match.covers_all) == (
        "WIFI_QUESTION",
        False,
        False,
    )


def test_names_and_pleasantries_do_not_count():
    match = match_intent(
        "Hi Anna, hope you are well! What's the WiFi password please? Thanks, Peter",
        load_phrase_sets(),
    )
    assert match is not None
    assert match.is_certain
    assert match.covers_all
    assert match.language == "en"


def test_the_same_question_twice_is_one_question():
    assert certain_code("wifi?\nwhat is the wifi password please") == "WIFI_QUESTION"


def test_two_questions_in_two_sentences_are_two():
    assert certain_code("What is the wifi password? Where can we park?") is None


@pytest.mark.parametrize("text", ["", "  ", "?", "!!!", "hello", "yes", "12345", "😡", "🤔", "ok?"])
def test_what_is_no_thanks_is_not_left_unanswered(text: str):
    assert certain_code(text) is None


@pytest.mark.parametrize("text", ["👍", "🙏❤️", "thanks!!", "Danke Anna", "ok 👍", "شكرا"])
def test_thanks_need_no_answer(text: str):
    assert certain_code(text) == NO_MESSAGE
    assert is_only_thanks(text)


@pytest.mark.parametrize(
    "text",
    [
        "never mind",
        "Forget it",
        "found it, thanks",
        "already solved",
        "nieważne",
        "już znalazłem",
        "hat sich erledigt",
        "لا عليك",
    ],
)
def test_a_question_can_be_taken_back(text: str):
    assert retracts(text)
    assert certain_code(text) == NO_MESSAGE
    assert not is_only_thanks(text)


@pytest.mark.parametrize(
    "text",
    [
        "thanks",
        "never mind the noise, the heating is broken",
        "never mind, what is the wifi password?",
    ],
)
def test_a_question_is_not_taken_back_by_other_words(text: str):
    assert not retracts(text)


@pytest.mark.parametrize(
    "text",
    [
        "human please",
        "I'd like to talk to a real person",
        "chcę rozmawiać z człowiekiem",
        "Ich möchte mit einem Menschen sprechen",
        "أريد التحدث مع شخص حقيقي",
        "no robot please",
    ],
)
def test_a_wish_for_a_person_is_heard(text: str):
    assert wants_human(text)


@pytest.mark.parametrize(
    "text",
    ["no robot please", "stop the bot", "bez robota proszę", "kein Roboter bitte", "لا أريد روبوت"],
)
def test_a_wish_for_no_robot_is_heard(text: str):
    assert refuses_robot(text)


@pytest.mark.parametrize(
    "text",
    [
        "what is the wifi password",
        "is the robot vacuum included?",
        "wo ist der Staubsauger-Roboter?",
    ],
)
def test_other_words_are_no_wish_about_robots(text: str):
    assert not refuses_robot(text)
    assert not wants_human(text)


def test_a_tenant_adds_its_own_phrases_and_codes():
    sets = load_phrase_sets().with_tenant(
        {"POOL_HOURS": {"en": ["when ... pool open*"]}, "WIFI_QUESTION": {"de": ["{wifi} zettel"]}}
    )
    pool = match_intent("Hi, when does the pool open?", sets)
    assert pool is not None
    assert (pool.action_code, pool.is_certain) == ("POOL_HOURS", True)
    wifi = match_intent("Wo ist der WLAN Zettel?", sets)
    assert wifi is not None
    assert wifi.action_code == "WIFI_QUESTION"
    assert match_intent("when does the pool open?", load_phrase_sets()) is None


@pytest.mark.parametrize("additions", [{"X": {"fr": ["oui"]}}, {"X": {"en": ["{nothing} x"]}}])
def test_a_tenants_phrase_that_cannot_be_read_is_refused(
    additions: dict[str, dict[str, list[str]]],
):
    with pytest.raises(BadInput):
        load_phrase_sets().with_tenant(additions)


def test_equal_phrases_of_two_languages_follow_the_rest_of_the_message():
    sets = load_phrase_sets()
    german = match_intent("Hallo, WLAN Code bitte", sets)
    polish = match_intent("Dzień dobry, parking?", sets)
    assert german is not None
    assert polish is not None
    assert (german.language, polish.language) == ("de", "pl")


@pytest.mark.parametrize(
    "text", ["Hi", "Good morning!", "Hello?", "Hi, quick question", "Dzień dobry", "مرحبا", "Hi 👋"]
)
def test_a_greeting_alone_is_known(text: str) -> None:
    assert is_only_greeting(text)


@pytest.mark.parametrize(
    "text",
    ["Hi, thanks!", "Good night", "👋", "", "Hi, parking?", "Thanks", "Good morning, all good"],
)
def test_what_says_more_than_a_greeting_is_none(text: str) -> None:
    assert not is_only_greeting(text)
