from typing import Any

import pytest

from app.background import Background
from app.voice.foretold import Foretold


class Stream:
    """Sound under way."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True


class Mouth:
    """A voice that notes what it was given."""

    def __init__(self) -> None:
        self.made: list[Stream] = []

    def synthesize(self, words: str) -> Stream:
        self.made.append(Stream(words))
        return self.made[-1]


@pytest.fixture
def mouth() -> Mouth:
    return Mouth()


@pytest.fixture
def foretold(mouth: Any, background: Background) -> Foretold:
    return Foretold(mouth, speakable=lambda clause: clause.replace("*", ""), background=background)


async def test_what_was_foreseen_is_made_once(foretold: Foretold, mouth: Mouth) -> None:
    foretold.prepare("Yes, there is one.")
    spoken: Any = foretold.spoken("Yes, there is one. ")
    assert mouth.made == [spoken]


async def test_what_was_foreseen_is_taken_once(foretold: Foretold, mouth: Mouth) -> None:
    foretold.prepare("Yes.")
    assert foretold.spoken("Yes.") is not foretold.spoken("Yes.")
    assert len(mouth.made) == 2


async def test_another_clause_is_made_anew(foretold: Foretold, mouth: Mouth) -> None:
    foretold.prepare("Yes, there is one.")
    foretold.spoken("A colleague calls you.")
    assert [stream.words for stream in mouth.made] == [
        "Yes, there is one.", "A colleague calls you.",
    ]  # fmt: skip


async def test_what_is_never_said_is_let_go(foretold: Foretold, mouth: Mouth) -> None:
    foretold.prepare("Yes, there is one.")
    await foretold.close()
    assert mouth.made[0].is_closed


async def test_a_newer_thought_lets_go_of_the_one_before(
    foretold: Foretold, mouth: Mouth, background: Background
) -> None:
    foretold.prepare("Yes.")
    foretold.prepare("No.")
    await background.drain(1.0)
    assert [stream.is_closed for stream in mouth.made] == [True, False]


async def test_a_clause_that_says_nothing_makes_no_sound(foretold: Foretold, mouth: Mouth) -> None:
    foretold.prepare("***")
    assert foretold.spoken("***") is None
    assert mouth.made == []
