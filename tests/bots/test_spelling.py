"""A known word is recognised with one slip, and another real word is left alone."""

import pytest

from app.bots.spelling import Spelling


def spelling() -> Spelling:
    return Spelling(
        known=["ceiling", "leaking", "charring", "smell", "مصعد", "الكهرباء"],
        exceptions=["leaving"],
        is_right=lambda word: word == "healing",
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("celing", "ceiling"),
        ("ceilling", "ceiling"),
        ("cieling", "ceiling"),
        ("ceilimg", "ceiling"),
        ("smel", "smell"),
        ("الكهربا", "الكهرباء"),
    ],
)
def test_a_slip_is_mended(typed: str, meant: str):
    assert spelling().mend(typed) == meant


@pytest.mark.parametrize(
    "word", ["leaving", "healing", "charming", "sealing", "call", "fire", "ceilings1"]
)
def test_another_word_is_left_alone(word: str):
    assert spelling().mend(word) == word
