"""Codes as they are spelled in four languages, and as recognition writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.voice.spoken_codes import codes_in, has_signs, is_code

CODE = "HMABCD1234"
SIGNS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=8, max_size=12)


@pytest.mark.parametrize(
    "text",
    [
        "HMABCD1234", "H M A B C D 1 2 3 4", "H, M, A, B, C, D, one two three four",
        "It's HM ABCD twelve thirty-four", "H-M-A-B-C-D-1-2-3-4.",
        "hotel mike alpha bravo charlie delta one two three four",
        "H as in hotel, M as in Mike, A B C D 1234", "ha em a be ce de jeden dwa trzy cztery",
        "Ha Em A Be Ce De eins zwei drei vier", "H N A B C D 1 2 3 4",
        "Heinrich Martha Anton Berta Cäsar Dora zwölf vierunddreißig",
        "اتش ام ايه بي سي دي واحد اثنين ثلاثة أربعة", "HM ABCD 1234, HM ABCD 1234",
    ],
)  # fmt: skip
def test_a_spelled_code_is_that_code(text: str):
    (said,) = codes_in(text)
    assert is_code(said, CODE)


@pytest.mark.parametrize(
    "text",
    [
        "What is the door code please?",
        "I'm in front of the house",
        "We are four people",
        "No.",
        "",
    ],
)
def test_other_words_are_no_code(text: str):
    assert codes_in(text) == []
    assert not has_signs(text)


@given(SIGNS)
def test_a_code_read_out_sign_by_sign_is_understood(code: str):
    said = codes_in(" ".join(code))
    assert said
    assert is_code(said[0], code)


@given(SIGNS, SIGNS)
def test_another_code_is_not_that_code(said: str, code: str):
    differing = sum(1 for one, other in zip(said, code, strict=False) if one != other)
    if is_code(said, code):
        assert abs(len(said) - len(code)) <= 1
        assert differing < len(code)


def test_a_code_that_is_too_short_proves_nothing():
    assert not is_code("AB12", "AB12")
    assert not is_code("", "")
    assert not is_code("ABCDEF", None)


def test_many_codes_in_one_breath_are_not_the_one_among_them():
    said = codes_in("HMAAAA1111 or HMBBBB2222 or HMABCD1234")
    assert len(said) == 3
    run = codes_in("HMAAAA1111 HMBBBB2222 HMABCD1234")
    assert not any(is_code(each, CODE) for each in run)


@given(st.text(max_size=80))
def test_whatever_is_said_is_read(text: str):
    assert all(code.isalnum() for code in codes_in(text))


def test_a_day_in_november_is_no_code():
    assert codes_in("We leave on November 28, 2026") == []
    assert codes_in("28 November 2026") == []
