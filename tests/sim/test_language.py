"""Folding, words and typing errors in four languages."""

import pytest

from app.sim.language import fold, is_one_slip, letters_speak_for, likeness, words


def test_accents_and_look_alike_letters_are_folded():
    assert fold("Żółć STRAẞE أهلاً") == "zolc strasse اهلا"


def test_arabic_words_lose_their_article():
    assert words("كلمة المرور") == ["كلمه", "مرور"]


def test_an_apostrophe_parts_no_word():
    assert words("It doesn't") == ["it", "doesnt"]


@pytest.mark.parametrize(
    ("left", "right", "is_slip"),
    [
        ("parking", "paking", True),
        ("parking", "parkingg", True),
        ("parking", "pakring", True),
        ("parking", "pirking", True),
        ("parking", "porkung", False),
        ("parking", "park", False),
        ("koffer", "offer", False),
    ],
)
def test_one_slip_of_the_finger_is_forgiven(left, right, is_slip):
    assert is_one_slip(left, right) is is_slip


def test_forms_of_a_word_are_alike_and_strangers_are_not():
    assert likeness("telescope", "telescopes") > 0.6
    assert likeness("telescope", "umbrella") == 0.0


@pytest.mark.parametrize(
    ("text", "language"), [("Gdzie są?", "pl"), ("Schlüssel", "de"), ("أين", "ar"), ("where", None)]
)
def test_letters_prove_a_language(text, language):
    assert letters_speak_for(text) == language
