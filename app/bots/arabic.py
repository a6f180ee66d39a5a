"""What an Arabic word may be under its prefixes and endings. Pure.

Arabic writes "and", "with", "for", "will", "not", the person of a verb and possessive or object
pronouns as one with the word, and dialects each in their way. No dictionary is needed for what is
asked here: whether one of a few hundred known words may be inside.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

LEAST_LETTERS = 3
"""Shorter remains are no evidence of a word."""

_AND = ("و", "ف")
_WITH = ("ب", "ل", "ك", "ع", "ه")
_NOT = ("ما", "م", "لا")
_ASPECTS = ("ب", "ح", "ه", "س", "ل", "د", "ت", "ك", "رح")
_PERSONS = ("ي", "ت", "ن", "ا", "ان", "ين", "تن", "نن", "يت", "تت", "نت", "ات", "ست", "يست", "تست")
_OWNERS = ("ها", "ه", "هم", "هن", "كم", "كن", "ك", "نا", "ني", "ي", "و", "هو", "ا", "ان", "ين", "ات", "ت", "تين", "يه")
_SUBJECTS = ("ت", "ت", "نا", "وا", "و", "ي", "ين", "ون", "تو", "تم", "ا", "ان", "تي", "ات")
_NOT_ENDING = "ش"


def is_arabic(word: str) -> bool:
    """Whether a word is written in the Arabic script."""
    return "ء" <= word[:1] <= "ۿ"


@lru_cache(maxsize=4096)
def nouns_in(word: str) -> frozenset[str]:
    """What a normalised word may be without particles before it and owners behind it."""
    heads = set(_without(_without({word}, _AND), (*_WITH, *_NOT)))
    return frozenset(_long(_cut(heads, _OWNERS)))


@lru_cache(maxsize=4096)
def verbs_in(word: str) -> frozenset[str]:
    """What a normalised word may be as a verb: its stem without person, aspect, "not", objects."""
    heads = set(_without(_without({word}, _AND), _NOT))
    heads = set(_without(set(_without(heads, _ASPECTS)), _PERSONS))
    if word.endswith(_NOT_ENDING):
        heads |= {head.removesuffix(_NOT_ENDING) for head in heads}
    bare = _cut(_cut(heads, _OWNERS), _SUBJECTS)
    return frozenset(_long(bare))


def _without(words: Iterable[str], starts: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        yield word
        for start in starts:
            if word.startswith(start):
                yield word[len(start) :]


def _cut(words: Iterable[str], ends: tuple[str, ...]) -> set[str]:
    cut = set(words)
    for word in words:
        cut |= {word[: -len(end)] for end in ends if word.endswith(end)}
    return cut


def _long(words: Iterable[str]) -> Iterator[str]:
    return (word for word in words if len(word) >= LEAST_LETTERS)
