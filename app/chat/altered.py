"""Whether a text in a thread is one of ours, however the channel treated it.

Pure. Channels drop marks, emoji, accents and letters they cannot show, fold lines, escape HTML, cut
at their limit, mask links, addresses and phone numbers, put a line of their own before or behind;
and where we keep a placeholder the thread has its value. What no channel does is to change a fact:
another time, amount or word makes it another text.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from app.pms.gated import PLACEHOLDER_SHAPE

SHORTEST_ALTERED = 12
"""Letters and digits; shorter texts must be equal."""
SHORTEST_CUT = 60
"""Letters and digits that are left of a text which a channel cut: no limit is shorter."""
LONGEST_VALUE = 80
"""Letters and digits that may stand in place of a placeholder."""
LONGEST_MASK = 40
"""Letters that may stand in place of a link, an address or a phone number."""
LONGEST_LINE_ADDED = 60
"""Characters of a line that a channel puts before or behind."""
FEWEST_LOST = 5
"""Question marks that stand for letters an SMS cannot show."""

_DATE = r"(?<!\d)(?:\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4})(?!\d)"
_MASKABLE = (
    r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.\w{2,}[\w.]*"
    r"|(?<![\w:.])\+?\d[\d\s().-]{7,}\d(?![\w:])"
)
_GAP = re.compile(
    rf"(?P<date>{_DATE})|(?P<value>{PLACEHOLDER_SHAPE})|(?P<mask>{_MASKABLE})", re.IGNORECASE
)
_CUT_MARK = re.compile(r"\s*(?:\.{3}|…|\[…\]|\[\.\.\.\])\s*(?:\(?(?:read )?more\)?)?\s*$", re.I)
_UNDECOMPOSED = str.maketrans(
    {"ł": "l", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ı": "i", "þ": "th", "ð": "d"}
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe"})


class Likeness(IntEnum):
    """How near two texts are."""

    OTHER = 0
    ALTERED = 1
    """Ours, as a channel may have changed it."""
    EQUAL = 2
    """The same letters and digits."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """Something of ours that may look otherwise in the thread."""

    original: str
    """What stood there, as letters and digits."""
    is_value: bool
    """A placeholder: anything may stand there; else the original or a channel's word for it."""


def likeness(theirs: str, ours: str) -> Likeness:
    """How near a text of the thread is to one that we sent.

    Args:
        theirs: as it stands in the thread, known secrets masked or not.
        ours: as we keep it, with placeholders.
    """
    one, other = letters(theirs), letters(ours)
    if not other:
        return Likeness.EQUAL if theirs.strip() == ours.strip() else Likeness.OTHER
    if one == other:
        return Likeness.EQUAL
    texts, gaps = _pieces(ours)
    if len("".join(map(letters, texts))) < SHORTEST_ALTERED:
        return Likeness.OTHER
    if _is_lost(theirs, ours):
        return Likeness.ALTERED
    for candidate in _without_added_lines(_CUT_MARK.sub("", html.unescape(theirs))):
        for of_theirs, of_ours in _SPELLINGS:
            pieces = [of_ours(text) for text in texts]
            if len("".join(pieces)) >= SHORTEST_ALTERED and _fits(
                of_theirs(candidate), pieces, gaps
            ):
                return Likeness.ALTERED
    return Likeness.OTHER


def letters(text: str) -> str:
    """Only letters and digits, in lower case: what survives in any channel that keeps accents."""
    plain = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    return "".join(c for c in plain if c.isalnum())


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", html.unescape(text).casefold().translate(_UNDECOMPOSED))
    return "".join(c for c in plain if c.isalnum())


def _expanded(text: str) -> str:
    return _folded(unicodedata.normalize("NFC", text.casefold()).translate(_UMLAUTS))


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFC", html.unescape(text)).lower()
    return "".join(c for c in plain if c.isascii() and c.isalnum())


_SPELLINGS: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
    (_folded, _folded),
    (_folded, _expanded),
    (_ascii, _ascii),
)
"""(how theirs, how ours is read): accents gone, umlauts written out, letters dropped."""


def _pieces(ours: str) -> tuple[list[str], list[_Gap]]:
    """(the fixed texts, the gaps between them), one text more than gaps."""
    texts, gaps, at = [""], [], 0
    for hit in _GAP.finditer(ours):
        texts[-1] += ours[at : hit.start()]
        at = hit.end()
        if hit["date"]:
            texts[-1] += hit[0]
            continue
        gaps.append(_Gap(letters(hit[0]), is_value=bool(hit["value"])))
        texts.append("")
    texts[-1] += ours[at:]
    return texts, gaps


def _fits(theirs: str, pieces: Sequence[str], gaps: Sequence[_Gap]) -> bool:
    """Whether theirs is the pieces in order with something in the gaps, perhaps cut at the end."""
    if not theirs.startswith(pieces[0]):
        return len(theirs) >= SHORTEST_CUT and pieces[0].startswith(theirs)
    at = len(pieces[0])
    for number, (gap, piece) in enumerate(zip(gaps, pieces[1:], strict=True)):
        room = LONGEST_VALUE if gap.is_value else max(LONGEST_MASK, len(gap.original))
        is_last = number == len(gaps) - 1
        if is_last and not piece:
            return len(theirs) - at <= room and _may_stand(theirs[at:], gap)
        found = theirs.find(piece, at, at + room + len(piece))
        while is_last and found >= 0 and found + len(piece) < len(theirs):
            found = theirs.find(piece, found + 1, at + room + len(piece))
        if found < 0 or not _may_stand(theirs[at:found], gap):
            return _is_cut(theirs, at, room, piece)
        at = found + len(piece)
    return at == len(theirs)


def _is_cut(theirs: str, at: int, room: int, piece: str) -> bool:
    """Whether theirs ends in a gap or in the piece behind it."""
    if len(theirs) < SHORTEST_CUT:
        return False
    last = min(at + room, len(theirs))
    return any(piece.startswith(theirs[start:]) for start in range(at, last + 1))


def _may_stand(what: str, gap: _Gap) -> bool:
    """Whether that may be what a channel shows in a gap: a mask names no other number."""
    return gap.is_value or what == gap.original or not re.search(r"\d{3}", what)


def _without_added_lines(theirs: str) -> list[str]:
    """Theirs, and theirs without a line that a channel put before or behind."""
    lines = [line for line in theirs.split("\n") if line.strip()]
    found = [theirs]
    if len(lines) > 1 and _is_addition(lines[-1]):
        found.append("\n".join(lines[:-1]))
    if len(lines) > 1 and _is_addition(lines[0]):
        found.append("\n".join(lines[1:]))
        if len(lines) > 2 and _is_addition(lines[-1]):
            found.append("\n".join(lines[1:-1]))
    head, colon, rest = theirs.partition(": ")
    if colon and "\n" not in head and _is_addition(head):
        found.append(rest)
    return found


def _is_addition(line: str) -> bool:
    return len(line) <= LONGEST_LINE_ADDED and not re.search(r"\d|\?", line)


def _is_lost(theirs: str, ours: str) -> bool:
    """Whether theirs is ours in a script that the channel shows as question marks."""
    lost = theirs.count("?") + theirs.count("\N{REPLACEMENT CHARACTER}")
    foreign = sum(c.isalpha() and not c.isascii() for c in ours)
    if lost < FEWEST_LOST or _ascii(theirs) != _ascii(ours):
        return False
    return 0.7 * foreign <= lost <= 1.3 * foreign + FEWEST_LOST
