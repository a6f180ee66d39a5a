import tomllib
from pathlib import Path

import pytest

from app.bots.channel_texts import FILE, channel_text, is_silent
from app.bots.sentences import SENTENCES

CASES = Path(__file__).parent / "phrase_cases"
KINDS = tomllib.loads((CASES / "channel_texts.toml").read_text(encoding="utf-8"))
LABELLED = [
    (text, kind) for kind, block in KINDS.items() for text in block.splitlines() if text.strip()
]


def lines_of(name: str) -> list[str]:
    blocks = tomllib.loads((CASES / name).read_text(encoding="utf-8"))
    return [line for block in blocks.values() for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize(("text", "kind"), LABELLED)
def test_a_text_is_of_its_kind(text: str, kind: str) -> None:
    found = channel_text(text)
    assert (found.name if found else "own") == kind


@pytest.mark.parametrize("language", ["en", "pl", "de", "ar"])
def test_no_guests_question_of_the_measured_sets_is_left_unanswered(language: str) -> None:
    texts = lines_of(f"facts_{language}.toml") + lines_of(f"urgent_{language}.toml")
    assert [text for text in texts if is_silent(text)] == []


@pytest.mark.parametrize("text", [text for text, kind in LABELLED if kind == "reaction"])
def test_a_reaction_that_goes_on_with_a_question_is_the_guests(text: str) -> None:
    assert not is_silent("Where is the key? " + text)


def test_what_goes_to_people_has_a_sentence() -> None:
    found = [channel_text(text) for text, kind in LABELLED if kind != "own"]
    people = [kind for kind in found if kind and kind.leads_to == "people"]
    assert all(kind.says in SENTENCES for kind in people)
    assert people


def test_what_is_too_long_was_written_by_somebody() -> None:
    assert is_silent("Payment received")
    assert not is_silent("Payment received. " + "More of it. " * 200)


def test_no_pattern_has_an_unbounded_run_of_signs() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert [run for run in (r"\W*", r"\W+", r'[^\w\s"]+', r'[^\w\s"]*') if run in text] == []
