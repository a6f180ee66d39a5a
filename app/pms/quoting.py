"""Quotations of gated text: what was said of it while access was open is taken out again; pure.

A thread keeps what a guest was told. Once access has closed, no model shall hear it anew.
"""

from collections.abc import Iterable
from itertools import pairwise

from app.pms.gated import HIDDEN, PLACEHOLDER
from app.pms.reading import words_of

SHINGLE = 6
"""So many words of a gated text in a row are a quotation of it."""
SHORTEST = 8
"""Letters and digits of a gated text that is looked for at all."""

Shingles = frozenset[tuple[str, ...]]
"""Runs of words."""


def shingles_of(texts: Iterable[str], *, address: str = "") -> Shingles:
    """By what quotations of gated texts are known; of an address street and number are enough."""
    found: set[tuple[str, ...]] = set()
    for text in texts:
        words = [word for _, _, word in words_of(PLACEHOLDER.sub(" ", text))]
        if sum(map(len, words)) >= SHORTEST:
            size = min(SHINGLE, len(words))
            found |= {tuple(words[n : n + size]) for n in range(len(words) - size + 1)}
    street = [word for _, _, word in words_of(address)]
    for pair in pairwise(street):
        numbers = [word for word in pair if any(map(str.isdigit, word))]
        if len(numbers) == 1 and max(map(len, pair)) > 3:
            found.add(pair)
    return frozenset(found)


def conceal(text: str, shingles: Shingles) -> str:
    """The text without quotations of gated texts."""
    if not shingles:
        return text
    words = list(words_of(text))
    spans: list[tuple[int, int]] = []
    for size in {len(shingle) for shingle in shingles}:
        runs = [words[n : n + size] for n in range(len(words) - size + 1)]
        spans += [
            (run[0][0], run[-1][1]) for run in runs if tuple(word for _, _, word in run) in shingles
        ]
    for start, end in reversed(_joined(spans)):
        text = text[:start] + HIDDEN + text[end:]
    return text


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that overlap or touch as one, in order."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
