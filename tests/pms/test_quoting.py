import pytest

from app.pms.gated import HIDDEN
from app.pms.quoting import conceal, shingles_of

KEYS = "The key is in the blue box left of the door, behind the third flower pot."


@pytest.mark.parametrize(
    "text",
    [
        KEYS,
        KEYS.upper(),
        "Hello! The key is in the blue box left of the door. Have a nice stay.",
        "the  key is\nin the blue — box",
    ],
)
def test_a_quotation_is_taken_out(text: str) -> None:
    said = conceal(text, shingles_of([KEYS]))
    assert HIDDEN in said
    assert "blue" not in said.lower()


def test_what_surrounds_a_quotation_stays() -> None:
    said = conceal(f"Hello Jan. {KEYS} Bye.", shingles_of([KEYS]))
    assert said == f"Hello Jan. {HIDDEN}. Bye."


@pytest.mark.parametrize("text", ["Where is the key?", "The blue box is nice", "left of the door"])
def test_words_in_common_are_no_quotation(text: str) -> None:
    assert conceal(text, shingles_of([KEYS])) == text


def test_a_short_gated_text_is_known_whole() -> None:
    shingles = shingles_of(["Basement, shelf 2"])
    assert conceal("In the basement: shelf 2!", shingles) == f"In the {HIDDEN}!"
    assert conceal("in the basement", shingles) == "in the basement"


def test_a_trifle_is_not_looked_for() -> None:
    assert shingles_of(["yes", "2", "Warsaw"]) == frozenset()


def test_of_an_address_street_and_number_are_enough() -> None:
    shingles = shingles_of([], address="ul. Rzeczna 7, 00-123 Warszawa")
    assert conceal("Is it Rzeczna 7?", shingles) == f"Is it {HIDDEN}?"
    assert conceal("Is it in Warszawa, in ul. Rzeczna?", shingles) == (
        "Is it in Warszawa, in ul. Rzeczna?"
    )
