"""Dates as they are said in four languages."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bots.sentences import MONTHS
from app.voice.spoken_dates import dates_in, is_about_departure

TODAY = date(2026, 4, 13)
DAY = date(2026, 4, 16)


@pytest.mark.parametrize(
    "text",
    [
        "April 16th", "on the sixteenth of April", "the sixteenth", "16 April 2026", "16.04.2026",
        "2026-04-16", "16.4.", "szesnastego kwietnia", "wyjeżdżamy 16 kwietnia",
        "szesnastego czwartego", "am sechzehnten April", "am 16. April", "den sechzehnten vierten",
        "السادس عشر من أبريل", "١٦ أبريل", "ستة عشر نيسان", "April the sixteenth",
    ],
)  # fmt: skip
def test_a_spoken_date_is_that_day(text: str):
    (spoken,) = dates_in(text, TODAY)
    assert spoken.is_on(DAY, TODAY)
    assert not spoken.is_on(DAY + timedelta(days=1), TODAY)


@given(
    st.dates(TODAY, TODAY + timedelta(days=300)),
    st.sampled_from(["en", "pl", "de", "ar"]),
)
def test_every_day_with_its_month_is_understood_in_every_language(day: date, language: str):
    (spoken,) = dates_in(f"{day.day} {MONTHS[language][day.month - 1]}", TODAY)
    assert (spoken.day, spoken.month) == (day.day, day.month)


@pytest.mark.parametrize(
    "text",
    ["we are 16 people", "at 4 o'clock", "may I come at 3", "the code is 1234", "guten Morgen", ""],
)
def test_other_numbers_are_no_dates(text: str):
    assert dates_in(text, TODAY) == []


def test_a_date_that_was_said_twice_is_one():
    (spoken,) = dates_in("on April 16th April 16th", TODAY)
    assert spoken.is_on(DAY, TODAY)


def test_a_number_alone_is_a_day_where_a_date_was_asked_for():
    assert dates_in("16", TODAY) == []
    (spoken,) = dates_in("sixteen", TODAY, is_awaited=True)
    assert spoken.is_on(DAY, TODAY)
    assert dates_in("16 or 17", TODAY, is_awaited=True) == []


@pytest.mark.parametrize(
    "text",
    [
        "from the 13th to the 16th of April", "13 to 16 April", "vom 13. bis 16. April",
        "od trzynastego do szesnastego kwietnia", "from April 13th until April 16th",
    ],
)  # fmt: skip
def test_both_ends_of_a_stay_are_found(text: str):
    first, last = dates_in(text, TODAY)
    assert first.is_on(TODAY, TODAY)
    assert last.is_on(DAY, TODAY)
    assert is_about_departure(text, first) is not True


def test_days_from_now_are_counted_from_today():
    for text, days in (("tomorrow", 1), ("the day after tomorrow", 2), ("jutro", 1), ("heute", 0)):
        (spoken,) = dates_in(text, TODAY)
        assert spoken.is_on(TODAY + timedelta(days=days), TODAY)


@given(st.text(max_size=80))
def test_whatever_is_said_is_read(text: str):
    assert all(1 <= spoken.day <= 31 for spoken in dates_in(text, TODAY))
