from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from app.bots.sentences import SENTENCES, access_sentence, moment_in_words, sentence
from app.pms.access import Access, Reason

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
