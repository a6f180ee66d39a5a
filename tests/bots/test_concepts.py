"""Entries of a word file are found in a message as its top says they are written."""

import pytest

from app.bots.concepts import Lexicon, Message, entries
from app.errors import BadInput


def found(entry: str, text: str, **more: str) -> bool:
    lexicon = Lexicon({"en": {"thing": entry, **more}})
    return any(place.concept == "thing" for place in lexicon.find(Message(text)))


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("water", "WATER!"),
        ("pożar", "pozar w kuchni"),
        ("kluck*", "klucka"),
        ("*schloss", "das Türschloss klemmt"),
        ("*loss*", "Schlossers"),
        ("gas|smoke alarm", "the smoke alarm"),
        ("no_one opens", "no one opens"),
        ("the? lift", "lift"),
        ("cannot .. open", "we cannot get it open"),
        ("^ help", "Hello. Help"),
        ("help $", "please help"),
        ("is .. there ?", "is anybody there?"),
        ("{verb} water", "spill water"),
        ("~دخل", "يدخلون"),
        ("باب", "بالباب"),
    ],
)
def test_an_entry_is_found(entry: str, text: str):
    assert found(entry, text, verb="spill, pour out")


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("water", "waterfall"),
        ("cannot .. open", "we cannot say when the shop will open"),
        ("cannot .. open", "we cannot. Open"),
        ("door open", "at the door, open"),
        ("^ help", "please help"),
        ("help $", "help us"),
        ("is .. there ?", "is anybody there."),
        ("{verb} water", "pour water"),
        ("off", "of"),
    ],
)
def test_an_entry_is_not_found(entry: str, text: str):
    assert not found(entry, text, verb="spill, pour out")


@pytest.mark.parametrize("entry", ["{nothing} water", "wa|ter|", "..", "^", "? water"])
def test_an_entry_that_cannot_be_read_is_refused(entry: str):
    with pytest.raises(BadInput):
        Lexicon({"en": {"thing": entry}})


def test_notes_and_blank_lines_are_no_entries():
    assert list(entries("a,  b c\n# note\n\nd,")) == ["a", "b c", "d"]


def test_a_sentences_end_counts_as_several_words():
    message = Message("one. two")
    assert message.at[1] - message.at[0] > 2
    assert message.sentence == [0, 1]
