"""What a turn is taken to hold, by what was asked before it."""

from datetime import date

import pytest

from app.voice.heard import read

TODAY = date(2026, 4, 13)


def test_a_number_alone_is_a_day_only_after_a_date_was_asked_for():
    assert read("16", "", TODAY).departure is None
    departure = read("16", "fact", TODAY).departure
    assert departure is not None
    assert departure.day == 16


def test_of_three_dates_none_is_believed():
    heard = read("the 14th, the 15th or the 16th", "fact", TODAY)
    assert (heard.arrival, heard.departure, len(heard.dates)) == (None, None, 3)


@pytest.mark.parametrize(
    "text",
    [
        "My confirmation code is HMABCD1234",
        "Die Buchungsnummer ist HMABCD1234",
        "Numer rezerwacji HMABCD1234",
        "رقم الحجز HMABCD1234",
        "My departure date is the 16th of April",
        "Das Abreisedatum ist der 16. April",
        "Data wyjazdu to szesnasty kwietnia",
    ],
)
def test_a_claim_is_one_whoever_asked(text: str):
    assert read(text, "", TODAY).is_claim


def test_a_date_in_a_question_is_no_claim():
    assert not read("Can we check out late on the 16th of April?", "", TODAY).is_claim


@pytest.mark.parametrize("text", ["Yes please", "Tak, proszę", "Ja, gerne", "نعم"])
def test_a_yes_is_one_in_every_language(text: str):
    assert read(text, "fact", TODAY).says_yes
