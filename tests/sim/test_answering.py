"""Wording answers: clauses, quotes and the stand-in's own phrases."""

import pytest

from app.sim.answering import answer_from, say


@pytest.mark.parametrize("language", ["en", "pl", "de", "ar"])
def test_every_language_says_that_it_does_not_know(language):
    assert say("unknown", language)
    assert say("unknown", language) != say("welcome", language)


def test_a_value_with_braces_is_quoted_as_it_stands():
    told = answer_from("WiFi network: {value} {0}", ("wifi?",))

    assert told == "The WiFi network is {value} {0}."


def test_a_sentence_in_another_language_is_introduced():
    told = answer_from("Parking is in the yard, space 3.", ("Gdzie zaparkować?",))

    assert told.endswith("Parking is in the yard, space 3.")
    assert told != "Parking is in the yard, space 3."


def test_a_related_fact_is_given_with_a_doubt():
    told = answer_from("Check-in: from 15:00", ("Can we check in early?",))

    assert "15:00" in told
    assert say("confirm", "en") in told


def test_thanks_are_answered_with_a_courtesy():
    assert answer_from("Check-in: from 15:00", ("Danke!",)) == say("welcome", "de")


def test_an_unclear_language_follows_the_prompt():
    assert answer_from("Answer in Polish.", ("👍",)) == say("offer", "pl")


def test_a_time_is_not_answered_with_a_date():
    told = answer_from("Arrival: 2026-04-14", ("What time is check-in?",))

    assert told == say("unknown", "en")
