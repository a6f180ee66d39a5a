"""Texts that no guest typed, and requests about the booking itself: told by how they are written.

Pure. Reactions, auto-replies and a channel's mere notices are left unanswered; a request to change
the booking, and a channel's notice that somebody must act on, go to a person. The patterns stand in
`phrase_sets/channel_texts.toml`.
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

FILE = Path(__file__).parent / "phrase_sets" / "channel_texts.toml"
LONGEST = 1500
"""Characters; what is longer was written by somebody."""
_QUOTES = re.compile("[“”„‟«»‹›″＂]|''")
_APOSTROPHES = re.compile("[’‘ʼ´`]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelText:
    """A kind of text, and what follows from it."""

    name: str
    leads_to: Literal["silent", "people"]
    says: str
    """The sentence the guest gets; empty where it leads to silence."""


def channel_text(text: str) -> ChannelText | None:
    """What kind of channel's text a message is; none where a guest wrote something of their own."""
    if len(text) > LONGEST:
        return None
    line = _as_line(text)
    for kind, patterns, unless in _kinds():
        if any(p.search(line) for p in patterns) and not any(p.search(line) for p in unless):
            return kind
    return None


def is_silent(text: str) -> bool:
    """Whether it is a reaction, an auto-reply or a mere notice: nobody waits for an answer."""
    kind = channel_text(text)
    return kind is not None and kind.leads_to == "silent"


def is_of_a_machine(text: str) -> bool:
    """Whether nobody can have typed it: an auto-reply or a notice, whoever it is signed by."""
    kind = channel_text(text)
    return kind is not None and kind.name in ("auto_reply", "notice")


def quotes_us(text: str) -> bool:
    """Whether it is a reaction: its words are ours, quoted."""
    kind = channel_text(text)
    return kind is not None and kind.name in ("reaction", "objection")


def _as_line(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).replace("\ufe0f", "")
    plain = _APOSTROPHES.sub("'", _QUOTES.sub('"', plain))
    return " ".join(plain.split())


Patterns = tuple[re.Pattern[str], ...]


@cache
def _kinds() -> tuple[tuple[ChannelText, Patterns, Patterns], ...]:
    """(kind, what it is known by, what speaks against it), in the order of the file."""
    file = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(
        (
            ChannelText(name=entry["name"], leads_to=entry["leads_to"], says=entry.get("says", "")),
            _patterns(entry["patterns"]),
            _patterns(entry.get("unless", "")),
        )
        for entry in file["kind"]
    )


def _patterns(block: str) -> Patterns:
    lines = (line.strip().replace("\ufe0f", "") for line in block.splitlines())
    return tuple(re.compile(line, re.IGNORECASE) for line in lines if line and line[0] != "#")
