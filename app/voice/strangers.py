"""Callers who are no guests, by the words with which they say so, in four languages; pure.

Police, a cleaner, the owner, a neighbour, a courier, a channel's support, a machine that reads a
code. They hear nothing of any stay: a person is called, or their message is taken. The words stand
in `strangers.toml`; who merely speaks of a neighbour or a courier is still a guest.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from app.bots.concepts import Lexicon, Message

WORDS = Path(__file__).with_name("strangers.toml")
PEOPLE_FOR = frozenset({"police", "cleaner", "owner", "staff"})
"""A person is called for these at once."""
SEVERITIES: dict[str, Literal["low", "normal", "high"]] = {
    "police": "high", "cleaner": "normal", "owner": "normal", "staff": "normal",
    "neighbour": "normal", "support": "normal", "courier": "low", "robot": "low",
}  # fmt: skip
"""Gravest first: who says two things is the graver of them."""
DENIALS = frozenset({"not", "no", "nie", "kein", "keine", "nicht", "ليس", "لست", "لا"})
IS_A_MESSAGE = 12
"""Words from which a turn holds more than who speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Who somebody is who is no guest."""

    kind: str
    has_message: bool = False
    """What they want has been said already."""

    @property
    def severity(self) -> Literal["low", "normal", "high"]:
        """Of the case."""
        return SEVERITIES[self.kind]

    @property
    def needs_person(self) -> bool:
        """Whether a person is called at once; else a message is taken."""
        return self.kind in PEOPLE_FOR

    @property
    def is_machine(self) -> bool:
        """Whether nobody listens."""
        return self.kind == "robot"


def find_stranger(text: str) -> Stranger | None:
    """Who the speaker says to be, where that is no guest."""
    message = Message(text)
    found = {
        place.concept
        for place in _lexicon().find(message)
        if not DENIALS & set(message.words[max(0, place.start - 2) : place.end])
    }
    kind = next((kind for kind in SEVERITIES if kind in found), None)
    if kind is None:
        return None
    return Stranger(kind=kind, has_message=len(message.words) >= IS_A_MESSAGE)


@cache
def _lexicon() -> Lexicon:
    return Lexicon(tomllib.loads(WORDS.read_text(encoding="utf-8")))
