"""The pattern language of the phrase files, and the one spelling that text is brought to."""

import re

import pytest

from app.bots.phrase_patterns import PhraseIndex, normalise, phrase_lines, read_phrase
from app.errors import BadInput


def finds(phrase: str, text: str) -> bool:
    return any(
        PhraseIndex({"x": [phrase]}, {"over_head": ["ceiling", "roof"]}).hits(normalise(text))
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("POŻAR", "pozar"),
        ("Schlüssel", "Schluessel"),
        ("Straße", "STRASSE"),
        ("doesn't", "doesnt"),
        ("helppppp", "help"),
        ("الحَرِيقُ", "حريق"),
        ("شُقّة", "شقه"),
        ("للشقة", "الشقة"),
        ("إنذار", "انذار"),
        ("the door's stuck", "the door is stuck"),
        ("fire🔥🔥", "fire"),
        ("١١", "11"),
    ],
)
def test_spellings_of_one_word_become_one(one: str, other: str):
    assert normalise(one) == normalise(other)


def test_sentence_ends_are_kept_and_numbers_are_not_cut():
    assert normalise("At 11.30? Yes!! ok... now") == " . at 11 30 ? yes . ok , now"


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("leak*", "it is leaking"),
        ("*bruch", "ein Rohrbruch"),
        ("fire|smoke", "I see smoke"),
        ("can_not|cant open", "we can not open it"),
        ("the? door", "door"),
        ("water ... ceiling", "water is coming from the ceiling"),
        ("water ... {over_head}", "water, through the roof"),
        ("^ parking $", "Hello. Parking?"),
        ("parking ?", "and parking?"),
        ("حريق", "وحريق كبير"),
    ],
)
def test_a_phrase_is_found(phrase: str, text: str):
    assert finds(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("leak", "it is leaking"),
        ("fire", "fireplace"),
        ("water ... ceiling", "water. the ceiling is white"),
        ("water ... ceiling", "water one two three four five ceiling"),
        ("^ parking", "where is parking"),
        ("parking $", "parking is where"),
        ("parking ?", "parking."),
    ],
)
def test_a_phrase_is_not_found(phrase: str, text: str):
    assert not finds(phrase, text)


def test_what_a_gap_stood_for_is_told():
    text = normalise("where is the key")
    (hit,) = PhraseIndex({"x": ["where ... key"]}, {}).hits(text)
    assert [text[start:end] for start, end in hit.gaps] == [" is the"]


@pytest.mark.parametrize(
    "phrase", ["", "...", "a||b", "fire(s)?x?*", "{nothing} here", "*", "^", "a? b?"]
)
def test_a_phrase_that_cannot_be_read_is_refused(phrase: str):
    with pytest.raises(BadInput):
        read_phrase(phrase, {})


@pytest.mark.parametrize("phrase", ["a.b", "[x] y", "c++ d", "(e) f", "g\\d h"])
def test_signs_of_regular_expressions_mean_nothing(phrase: str):
    expression, _ = read_phrase(phrase, {})
    assert re.compile(expression)


def test_notes_and_blank_lines_are_no_phrases():
    assert phrase_lines("\n# note\none two  # why\n\nthree\n") == ["one two", "three"]
