"""What an Arabic word may be under its prefixes and endings. Pure.

Arabic writes "and", "with", "for", "will", "not", the person of a verb and possessive or object
pronouns as one with the word, and dialects each in their way. No dictionary is needed for what is
asked here: whether one of a few hundred known words may be inside.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

LEAST_LETTERS = 3
"""Shorter remains are no evidence of a word."""

_AND = ("و", "ف")
_WITH = ("ب", "ل", "ك", "ع", "ه", "عال", "هال", "بهال", "ال", "مال", "حال")
_ASPECTS = ("ب", "ح", "ه", "س", "ل", "د", "ت", "ك", "رح", "عم", "عمب", "لا")
_PERSONS = ("ي", "ت", "ن", "ا", "ان", "ين", "تن", "نن", "يت", "تت", "نت", "ات", "ست", "يست", "تست")
_OWNERS = (
    *("ها", "ه", "هم", "هن", "كم", "كن", "ك", "نا", "ني", "ي", "و", "هو", "ا"),
    *("ان", "ين", "ات", "ت", "تين", "يه", "لي", "له", "لها", "لنا", "لهم"),
)
_SUBJECTS = ("ت", "نا", "وا", "و", "ي", "ين", "ون", "تو", "تم", "ا", "ان", "تي", "ات", "ه")
_NOT = ("ما", "لا", "مو")
_NOT_ENDING = "ش"


def is_arabic(word: str) -> bool:
    """Whether a word is written in the Arabic script."""
    return "ء" <= word[:1] <= "ۿ"


@lru_cache(maxsize=4096)
def nouns_in(word: str) -> frozenset[str]:
    """What a normalised word may be without particles before it and owners behind it."""
    heads = set(_without(_without({word}, _AND), _WITH))
    bare = _cut(heads, _OWNERS)
    bare |= {form[:-1] + "ه" for form in bare if form.endswith("ت")}
    bare |= {head[:-2] + "ه" for head in heads if head.endswith("ات")}
    return frozenset(_long(bare))


@lru_cache(maxsize=4096)
def verbs_in(word: str) -> frozenset[str]:
    """What a normalised word may be as a verb: its stem without person, aspect and objects."""
    heads = set(_without(_without({word}, _AND), _ASPECTS))
    heads = set(_without(heads, _PERSONS))
    bare = _cut(_cut(heads, _OWNERS), _SUBJECTS)
    return frozenset(_long(bare))


def without_not(word: str, is_known: Callable[[str], bool]) -> tuple[str, ...]:
    """A normalised Arabic word; or "not" and the word that it is written as one with.

    A word of two letters loses the "and" before it here, being too short for a stem.

    Args:
        word: The word.
        is_known: Whether a word means something.
    """
    if word[0] in _AND and len(word) == LEAST_LETTERS and not is_known(word):
        return (word[1:],) if is_known(word[1:]) else (word,)
    if len(word) <= LEAST_LETTERS + 1:
        return (word,)
    plain = word[1:] if word[0] in _AND and word[1] == "م" else word
    if plain[0] == "م" and plain[-1] == _NOT_ENDING:
        for rest in (plain[1:-1], plain[1:-2], plain[2:-1], plain[2:-2]):
            if len(rest) >= LEAST_LETTERS and is_known(rest):
                return ("ما", rest)
    if is_known(word):
        return (word,)
    for no in _NOT:
        rest = plain.removeprefix(no)
        if rest != plain and len(rest) >= LEAST_LETTERS and is_known(rest):
            return ("ما", rest)
    return (word,)


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
