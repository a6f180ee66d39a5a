"""Concepts near each other fulfil a rule; far apart, or beside what is against it, they do not."""

import pytest

from app.bots.concepts import Lexicon, Message, Place
from app.bots.urgent_rules import matches, read_rules
from app.errors import BadInput

WORDS = {
    "water": "water",
    "comes": "comes",
    "alarm": "smoke alarm",
    "sounds": "rings",
    "chirps": "battery",
    "code": "code",
    "fails": "does .. work",
    "door": "door",
}
RULES = read_rules(
    {
        "happens": {
            "water": "water comes|sounds",
            "fire": "alarm sounds -chirps",
            "locked": "code fails @12",
        },
        "named": {"water": "door"},
    }
)


def fulfilled(kind: str, text: str) -> list[bool]:
    message = Message(text)
    places: dict[str, list[Place]] = {}
    for place in Lexicon({"en": WORDS}).find(message):
        places.setdefault(place.concept, []).append(place)
    return [match.is_named for match in matches(RULES[kind], places, message)]


@pytest.mark.parametrize("text", ["water comes", "it comes as water", "water rings"])
def test_concepts_near_each_other_in_any_order_fulfil_a_rule(text: str):
    assert fulfilled("water", text) == [False]


@pytest.mark.parametrize(
    "text", ["water", "water a b c d e f g comes", "water. A bit later he comes", "comes"]
)
def test_one_alone_or_both_far_apart_do_not(text: str):
    assert fulfilled("water", text) == []


def test_a_rule_may_reach_further():
    assert fulfilled("locked", "code a b c d e f g h i does not work") == [False]


def test_what_stands_against_a_rule_undoes_it():
    assert fulfilled("fire", "the smoke alarm rings") == [False]
    assert fulfilled("fire", "the smoke alarm rings, its battery") == []


def test_a_word_amid_another_entry_counts():
    assert fulfilled("locked", "does the code work") == [False]


def test_a_thing_that_is_only_named_is_told_as_such():
    assert fulfilled("water", "door") == [True]


@pytest.mark.parametrize("line", ["-chirps", "@3"])
def test_a_line_without_a_concept_is_refused(line: str):
    with pytest.raises(BadInput):
        read_rules({"happens": {"water": line}, "named": {}})
