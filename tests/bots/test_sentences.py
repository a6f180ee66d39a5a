import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bots.sentences import SENTENCES, access_sentence, moment_in_words, sentence
from app.pms.access import Access, Reason, can_access
from app.pms.stay_parts import policy_of
from tests.oracle import zone_of
from tests.worlds import a_world, listing_of, reservation_of, tenant_of

LANGUAGES = ("en", "pl", "de", "ar")
OPENS = datetime(2026, 4, 14, 15, 0, tzinfo=ZoneInfo("Europe/Warsaw"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", sorted(SENTENCES))
def test_every_sentence_stands_in_every_language(which: str, language: str) -> None:
    said = sentence(which, language, name="Bot {{x}}", tenant="Acme & Sons", when="noon")
    assert said
    assert "{{{" not in said
    assert "&amp;" not in said
    others = {sentence(which, other) for other in LANGUAGES}
    assert len(others) == len(LANGUAGES)


def test_a_language_we_do_not_speak_gets_english() -> None:
    assert sentence("holding", "fr") == sentence("holding", "en")


def test_a_name_is_never_read_as_a_template() -> None:
    assert "{{tenant}}" in sentence("disclosure", "en", name="{{tenant}}", tenant="Acme")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", [r for r in get_args(Reason) if r != "open"])
def test_every_refusal_is_explained(reason: Reason, language: str) -> None:
    access = Access(allowed=False, reason=reason, opens_at=OPENS)
    said = access_sentence(access, language)
    assert said
    assert ("15:00" in said) == (reason in ("too_early", "previous_stay"))


def test_open_access_needs_no_explanation() -> None:
    assert access_sentence(Access(allowed=True, reason="open", opens_at=OPENS), "en") == ""


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "Tuesday 14 April, 15:00 (Warsaw time)"),
        ("pl", "wtorek 14 kwietnia, 15:00 (czasu lokalnego, Warsaw)"),
        ("de", "Dienstag, 14. April, 15:00 Uhr (Ortszeit Warsaw)"),
        ("ar", "الثلاثاء 14 أبريل، 15:00 (بتوقيت Warsaw)"),
        ("fr", "Tuesday 14 April, 15:00 (Warsaw time)"),
    ],
)
def test_a_moment_is_said_as_people_say_it(language: str, expected: str) -> None:
    assert moment_in_words(OPENS, language) == expected


def test_a_city_of_two_words_is_written_so() -> None:
    moment = OPENS.astimezone(ZoneInfo("America/New_York"))
    assert moment_in_words(moment, "en") == "Tuesday 14 April, 09:00 (New York time)"


# -- whatever the clock, the sentence tells a moment at which access is open -------------------

WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "pl": "poniedziałek wtorek środa czwartek piątek sobota niedziela",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "ar": "الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد",
}
MONTH_WORDS = {
    "en": "January February March April May June July August September October November December",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października "
    "listopada grudnia",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "ar": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
}


def told_moment(sentence: str, language: str, year: int) -> tuple[datetime, str]:
    """(the local time that a sentence tells, its weekday), read by somebody who knows no code."""
    day, month_word = re.findall(r"(\d{1,2})\.? (\w+)[,،.]? ", sentence)[0]
    hour, minute = re.findall(r"(\d\d):(\d\d)", sentence)[0]
    month = MONTH_WORDS[language].split().index(month_word) + 1
    weekday = next(word for word in WEEKDAYS[language].split() if word in sentence)
    return datetime.fromisoformat(f"{year}-{month:02}-{int(day):02} {hour}:{minute}"), weekday


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(LANGUAGES))
def test_who_comes_at_the_moment_that_was_told_is_let_in(seed: int, language: str) -> None:
    world = a_world(seed)
    rules = replace(world.rules, wants_payment=False, wants_agreement=False)
    own, listing = reservation_of(world.own), listing_of(rules)
    policy = policy_of(tenant_of(rules).settings.access, is_code_static=False)
    access = can_access(own, listing, policy, world.now)
    sentence = access_sentence(access, language)
    if access.reason != "too_early" or access.opens_at is None:
        assert not re.search(r"\d\d:\d\d", sentence)
        return
    zone = zone_of(rules)
    told, weekday = told_moment(sentence, language, access.opens_at.year)
    comes_at = [told.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    assert any(can_access(own, listing, policy, at).allowed for at in comes_at)
    a_minute_before = min(comes_at) - timedelta(minutes=1)
    assert can_access(own, listing, policy, a_minute_before).reason == "too_early"
    assert weekday == WEEKDAYS[language].split()[told.weekday()]
    assert zone.key.rsplit("/", 1)[-1].replace("_", " ") in sentence
