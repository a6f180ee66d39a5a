"""Sloppy spelling: one wrong, missing, extra or swapped letter in a long known word. Pure."""

import itertools
from collections.abc import Callable, Iterable
from functools import lru_cache

from app.bots.concepts import entries, plain_words

LEAST_LETTERS = 6
"""Shorter words are never taken for misspelt ones: too many others are one letter away."""


LEAST_DOUBLED = 4
"""Letters of a word from which a letter doubled or not is forgiven: "smel", "haammer"."""


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qaz", "wsx", "edc", "rfv", "tgb", "yhn", "ujm")
_CLOSE = [
    *(frozenset(pair) for row in _ROWS for pair in itertools.pairwise(row)),
    *map(frozenset, ("aeiouy", "ck", "sz", "dt", "bp", "fv", "gk", "mn")),
    *map(frozenset, ("سصث", "ضظدذ", "تط", "ذزظ", "قكغ", "هحخ", "اعيوه", "نت", "بيتن")),
]
"""Letters that are taken for each other: neighbours on a keyboard, or alike in sound or shape."""


class Spelling:
    """Known words, by every spelling that lacks one of their letters."""

    def __init__(
        self,
        *,
        known: Iterable[str],
        exceptions: Iterable[str],
        is_right: Callable[[str], bool],
    ) -> None:
        """Learn words.

        Args:
            known: Normalised words that others are mended to.
            exceptions: Blocks of words that are right as they are.
            is_right: Whether a normalised word means something as it is.
        """
        self._right = set(known)
        self._is_right = is_right
        self._meant: dict[str, str] = {}
        self._single: dict[str, str] = {}
        for word in sorted(self._right):
            if len(word) > LEAST_DOUBLED:
                self._single.setdefault(_without_doubles(word), word)
            if len(word) >= LEAST_LETTERS:
                self._meant |= dict.fromkeys(_one_letter_less(word), word)
        self._right |= {
            plain for block in exceptions for word in entries(block) for plain in plain_words(word)
        }
        self.mend = lru_cache(maxsize=8192)(self._mend)

    def _mend(self, word: str) -> str:
        """The known word that a normalised word surely means, or the word as it is."""
        if len(word) < LEAST_DOUBLED or word in self._right or self._is_right(word):
            return word
        if (single := _without_doubles(word)) in self._single:
            return self._single[single]
        if len(word) < LEAST_LETTERS - 1:
            return word
        for variant in _one_letter_less(word):
            meant = self._meant.get(variant)
            if meant and meant[0] == word[0] and _is_slip(word, meant):
                return meant
        return word


def _is_slip(word: str, meant: str) -> bool:
    """Whether one word is the other with a letter more or less, two swapped, or a close one."""
    if len(word) != len(meant):
        return abs(len(word) - len(meant)) == 1
    wrong = [at for at, (a, b) in enumerate(zip(word, meant, strict=True)) if a != b]
    if len(wrong) == 1:
        return any({word[wrong[0]], meant[wrong[0]]} <= group for group in _CLOSE)
    return len(wrong) == 2 and sorted(word[wrong[0] : wrong[1] + 1]) == sorted(
        meant[wrong[0] : wrong[1] + 1]
    )


def _one_letter_less(word: str) -> list[str]:
    return [word] + [word[:at] + word[at + 1 :] for at in range(1, len(word))]


def _without_doubles(word: str) -> str:
    return "".join(letter for letter, _ in itertools.groupby(word))
