from typing import Any

import pytest

from app.bots.rules import Ruling, ruling
from tests.make import NOON, make_question, make_turn

GREETING = "Hello! How can I help you?"


def ruled(*asked: str, **more: Any) -> Ruling | None:
    return ruling(make_question(*asked, **more), "en")


def outcome(*asked: str, **more: Any) -> str | None:
    found = ruled(*asked, **more)
    return found.route.outcome if found else None


@pytest.mark.parametrize(
    "text",
    ["Thanks!", "👍", "🙏❤️", "Liked “See you tomorrow!”", "Reacted 👍 to your message",
     "Payment received", "Automatic reply: out of the office until Monday", "Dziękuję bardzo!"],
)  # fmt: skip
def test_what_nobody_waits_an_answer_for_is_silence(text: str) -> None:
    assert outcome(text) == "silence"


@pytest.mark.parametrize("text", ["Thanks!", "👍", "Liked an image"])
def test_a_picture_with_thanks_is_thanks(text: str) -> None:
    assert outcome(text, has_attachment=True) == "silence"


@pytest.mark.parametrize("asked", [(), ("Hi!",), ("Good morning",)])
def test_a_picture_alone_or_with_a_greeting_goes_to_a_person(asked: tuple[str, ...]) -> None:
    found = ruled(*asked, has_attachment=True)
    assert found is not None
    assert (found.route.outcome, found.route.severity) == ("person", "low")
    assert "cannot look at photos" in (found.says or "")


@pytest.mark.parametrize(
    "text", ["Hello", "Hi there!", "Good morning 👋", "Hello?", "Dzień dobry", "Guten Tag", "مرحبا"]
)
def test_a_greeting_alone_is_greeted(text: str) -> None:
    found = ruled(text)
    assert found is not None
    assert (found.route.outcome, found.says) == ("reply", GREETING)


@pytest.mark.parametrize(
    "text", ["Hi, is there a lift?", "Hello, we are at the door", "Good morning, parking?"]
)
def test_a_greeting_with_more_is_no_greeting_alone(text: str) -> None:
    assert ruled(text) is None


def test_a_greeting_is_not_greeted_twice_in_a_row() -> None:
    history = (make_turn("guest", "Hi"), make_turn("bot", f"I am an AI. {GREETING}", NOON))
    assert outcome("Hello", history=history) == "silence"
    later = (*history, make_turn("guest", "Lift?"), make_turn("bot", "Yes.", NOON))
    assert outcome("Hello", history=later) == "reply"


@pytest.mark.parametrize("text", ["Thanks!", "👍", "never mind", "Loved an image"])
def test_thanks_of_a_guest_who_wants_no_robot_call_nobody(text: str) -> None:
    assert outcome(text, refuses_robot=True) == "silence"
    assert outcome("And the key?", refuses_robot=True) == "person"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("I would like to change my booking to June", "I cannot change a booking myself"),
        ("Jan wants to change their reservation", "I cannot change a booking myself"),
        ("Special request: a cot", "I cannot change a booking myself"),
        ("Payment failed", "A colleague will reply"),
        ("Disliked “Check-in is from 15:00.”", "A colleague will reply"),
    ],
)
def test_what_a_person_must_decide_goes_to_one_and_that_is_said(text: str, says: str) -> None:
    found = ruled(text)
    assert found is not None
    assert found.route.outcome == "person"
    assert says in (found.says or "")


def test_a_request_beside_a_question_is_left_to_be_set_aside() -> None:
    assert ruled("Alteration request from Jan", "What is the wifi password?") is None


def test_a_reaction_that_quotes_danger_is_no_emergency() -> None:
    assert outcome("Liked “In case of fire call 112”") == "silence"
    found = ruled("There is a fire in the kitchen", "Liked an image")
    assert found is not None
    assert found.route.origin == "urgent"


def test_a_notice_beside_a_question_is_left_out() -> None:
    assert ruled("Reservation confirmed", "What is the wifi password?") is None


def test_nothing_at_all_is_silence() -> None:
    assert outcome() == "silence"
