"""The local recogniser's own part: weights checked by hash, and no sentence twice."""

from importlib import resources
from pathlib import Path

import pytest

from app.voice import local_ears
from app.voice.local_ears import (
    WEIGHTS,
    joined_weights,
    said_within,
    surest,
    without_repeats,
)


def at(seconds: float) -> int:
    """The token of a moment; words are below 100."""
    return 200 + round(seconds * 50)


@pytest.mark.parametrize(
    ("tokens", "wanted"),
    [
        ([at(0), 1, 2, at(2), at(2), 3, at(4)], [1, 2, 3]),
        ([at(0), 1, 2, at(5), at(5), 1, 2, at(9)], [1, 2]),
        ([at(0), 1, 2, at(3), at(1), 1, at(2)], [1, 2]),
        ([at(0), 1, 2, at(2), at(2), 3], [1, 2]),
        ([at(0), 1, 2, 100], [1, 2]),
        ([1, 2, 3], [1, 2, 3]),
        ([], []),
    ],
)
def test_of_an_utterance_every_stretch_is_heard_but_none_behind_its_end(
    tokens: list[int], wanted: list[int]
):
    assert said_within(tokens, 5.0, stamps_from=200, eot=100) == wanted


@pytest.mark.parametrize(
    ("heard", "wanted"),
    [
        (
            "My departure date is the 14th, my departure date is the",
            "My departure date is the 14th",
        ),
        ("what is the code what is the code", "what is the code"),
        ("What is the code? What is the code? What is the code?", "What is the code?"),
        ("no, no", "no, no"),
        ("very very good", "very very good"),
        ("What time can we check in today?", "What time can we check in today?"),
        ("", ""),
        ("yes", "yes"),
    ],
)
def test_a_tail_that_repeats_its_head_is_cut(heard: str, wanted: str):
    assert without_repeats(heard) == wanted


def test_weights_are_joined_once(tmp_path: Path):
    folder = joined_weights(tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "model.bin", "tokenizer.json", "vocabulary.txt",
    }  # fmt: skip
    made_at = (folder / "model.bin").stat().st_mtime_ns
    assert joined_weights(tmp_path) == folder
    assert (folder / "model.bin").stat().st_mtime_ns == made_at


def test_the_weights_come_from_packages():
    for number, package in enumerate(WEIGHTS, start=1):
        assert (resources.files(package) / "data" / f"model.bin.part{number}").is_file()
    assert len(local_ears.WEIGHTS_SHA256) == 64


@pytest.mark.parametrize(
    ("scores", "language"),
    [
        ([("<|en|>", 0.98), ("<|pl|>", 0.01)], "en"),
        ([("<|pl|>", 0.97), ("<|en|>", 0.01), ("<|la|>", 0.02)], "pl"),
        ([("<|la|>", 0.8), ("<|pl|>", 0.15)], None),
        ([("<|en|>", 0.86), ("<|ar|>", 0.1)], None),
        ([], None),
    ],
)
def test_another_language_counts_only_where_the_sound_is_surely_of_it(
    scores: list[tuple[str, float]], language: str | None
):
    assert surest(scores, ("en", "pl", "ar")) == language


def test_weights_that_were_changed_on_disk_are_joined_anew(tmp_path: Path):
    folder = joined_weights(tmp_path)
    (folder / "model.bin").write_bytes(b"other")
    assert (joined_weights(tmp_path) / "model.bin").stat().st_size > 1_000_000


def test_a_text_that_goes_round_and_round_is_cut_after_its_first_round() -> None:
    looped = "We leave on 27 November 27 November 27 November 27 November"
    assert without_repeats(looped) == "We leave on 27 November"


def test_what_is_said_twice_is_left_as_it_is() -> None:
    assert without_repeats("My code is seven three seven three") == (
        "My code is seven three seven three"
    )
