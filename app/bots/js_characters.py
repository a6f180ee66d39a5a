"""Sets of characters as JavaScript's regular expressions mean them; pure.

A set is a sorted tuple of ranges `(first, last)` of code points, or of UTF-16 units where the
pattern has no `u` flag.
"""

import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from itertools import groupby
from typing import Final

from app.bots.javascript import WHITESPACE
from app.bots.js_values import utf16_units

Ranges = tuple[tuple[int, int], ...]

_LAST: Final = 0x10FFFF
_CASES_END: Final = 0x20000
"""No letter beyond this code point has an upper and a lower case."""
_ASSIGNED: Final = (range(0x40000), range(0xE0000, 0xE1000))
"""Where characters of a category stand that patterns may name; the rest is empty or private."""
_FEW: Final = 64
"""So many characters are looked up one by one; larger sets are compared with every group."""


def united(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """All the ranges, sorted and joined where they touch."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def complement(ranges: Ranges) -> Ranges:
    """Every character that is not in the set."""
    gaps: list[tuple[int, int]] = []
    free = 0
    for first, last in united(ranges):
        if free < first:
            gaps.append((free, first - 1))
        free = last + 1
    return (*gaps, (free, _LAST)) if free <= _LAST else tuple(gaps)


def contains(ranges: Ranges, code: int) -> bool:
    """Whether the character is in the set."""
    at = bisect_right(ranges, (code, _LAST)) - 1
    return at >= 0 and code <= ranges[at][1]


def from_text(text: str) -> Ranges:
    """The set of the characters of a text."""
    return united((ord(character), ord(character)) for character in text)


ANY: Final[Ranges] = ((0, _LAST),)
DIGITS: Final[Ranges] = ((0x30, 0x39),)
WORD: Final[Ranges] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
FOLDED_WORD: Final = united((*WORD, (0x17F, 0x17F), (0x212A, 0x212A)))
"""Word characters with the flags `i` and `u`: the long s and the Kelvin sign belong to them."""
SPACE: Final = from_text(WHITESPACE)
LINE_ENDS: Final = from_text("\n\r\u2028\u2029")


def with_cases(ranges: Ranges, *, is_unicode: bool) -> Ranges:
    """The set with every character that differs from one of its own only in case."""
    groups = _case_groups(is_unicode=is_unicode)
    if sum(last - first + 1 for first, last in ranges) <= _FEW:
        codes = (code for first, last in ranges for code in range(first, last + 1))
        found = {groups[code] for code in codes if code in groups}
    else:
        found = {
            group for group in set(groups.values()) if any(contains(ranges, code) for code in group)
        }
    added = [(code, code) for group in found for code in group]
    return united((*ranges, *added)) if added else ranges


@cache
def _case_groups(*, is_unicode: bool) -> dict[int, tuple[int, ...]]:
    """Code → all that differ from it only in case, itself included."""
    canonical = _folded if is_unicode else _raised
    groups: dict[int, list[int]] = defaultdict(list)
    for code in range(_CASES_END if is_unicode else 0x10000):
        groups[canonical(code)].append(code)
    return {code: tuple(group) for group in groups.values() if len(group) > 1 for code in group}


def _raised(code: int) -> int:
    upper = chr(code).upper()
    if len(utf16_units(upper)) != 1 or (code >= 0x80 and ord(upper) < 0x80):
        return code
    return ord(upper)


def _folded(code: int) -> int:
    character = chr(code)
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return ord(folded)
    return code


@cache
def category(name: str) -> Ranges:
    """The characters of a general category (`L`, `Lu`, `Nd` …); empty for an unknown name."""
    return united(
        piece
        for known, ranges in _categories().items()
        if name and known.startswith(name)
        for piece in ranges
    )


@cache
def _categories() -> dict[str, list[tuple[int, int]]]:
    """Every category's characters, read in one pass."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for codes in _ASSIGNED:
        for name, run in groupby(codes, lambda code: unicodedata.category(chr(code))):
            members = list(run)
            found[name].append((members[0], members[-1]))
    return found
