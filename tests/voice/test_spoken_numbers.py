"""Numbers as they are said in four languages."""

import pytest

from app.voice.spoken_numbers import numbers_in, plain, words_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("twenty-eight", [28]),
        ("the thirty first of", [31]),
        ("achtundzwanzig", [28]),
        ("am einunddreißigsten", [31]),
        ("dwudziestego ósmego", [28]),
        ("dwadzieścia osiem", [28]),
        ("siódmy", [7]),
        ("ثمانية وعشرين", [28]),
        ("الخامس عشر", [15]),
        ("٢٨", [28]),
        ("one two", [1, 2]),
        ("16th", [16]),
        ("a number", []),
    ],
)
def test_numbers_are_found_whole(text: str, values: list[int]):
    assert [number.value for number in numbers_in(words_of(text))] == values


def test_digits_are_kept_as_they_were_read_out():
    assert [number.digits for number in numbers_in(words_of("0 07 zero"))] == ["0", "07", "0"]


def test_plain_text_has_one_spelling():
    assert plain("ŁÓDŹ Straße أحمد ١٢") == "lodz strasse احمد 12"
