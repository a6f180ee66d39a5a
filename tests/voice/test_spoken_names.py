"""Names as they are given on the telephone in four languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.voice.spoken_names import asks, does_not_know, names_in


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Anna Kowalska, what is the door code?", ("Anna", "Kowalska")),
        ("This is Anna Kowalska speaking", ("Anna", "Kowalska")),
        ("Nazywam się Anna Kowalska", ("Anna", "Kowalska")),
        ("Dzień dobry, mówi Anna Kowalska", ("Anna", "Kowalska")),
        ("Ich heiße Hans Müller", ("Hans", "Müller")),
        ("Hier ist Jan Testowy, wie komme ich rein?", ("Jan", "Testowy")),
        ("اسمي محمد العلي", ("محمد", "العلي")),
        ("This is urgent", ()),
        ("I'm in front of the door", ()),
        ("What is the wifi password?", ()),
    ],
)
def test_a_name_is_heard_where_somebody_gives_it(text: str, name: tuple[str, ...]):
    assert names_in(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Anna Kowalska", ("Anna", "Kowalska")),
        ("Yes, the booking is under Smith", ("Smith",)),
        ("It's K O W A L S K A", ("Kowalska",)),
        ("her name is Maria Nowak", ("Maria", "Nowak")),
        ("I don't know", ()),
        ("Why do you ask?", ()),
        ("What is the wifi password", ()),
    ],
)
def test_a_name_that_was_asked_for_may_come_alone(text: str, name: tuple[str, ...]):
    assert names_in(text, is_awaited=True) == name


@pytest.mark.parametrize(
    "text",
    ["I don't know", "I don't have it", "Nie wiem", "Das weiß ich nicht", "لا أعرف", "no idea"],
)
def test_who_does_not_know_says_so(text: str):
    assert does_not_know(text)


def test_questions_are_told_from_answers():
    assert asks("Kiedy jest zameldowanie")
    assert asks("The sixteenth?")
    assert not asks("The sixteenth.")


@given(st.text(max_size=80), st.booleans())
def test_whatever_is_said_is_read(text: str, is_awaited: bool):
    assert len(names_in(text, is_awaited=is_awaited)) <= 5
