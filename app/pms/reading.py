"""A text as people read it, for finding words and codes in whatever way they were written; pure.

One case, no accents, one script and style of digits, nothing invisible; digits that were written
as words ("four seven …") as digits.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

SEVERAL = 3
"""So many digits written as words are a number that somebody spells."""
DIGIT_WORDS = (
    ("zero", "null", "صفر"),
    ("one", "jeden", "eins", "واحد"),
    ("two", "dwa", "zwei", "zwo", "اثنان", "اثنين"),
    ("three", "trzy", "drei", "ثلاثة", "ثلاثه"),
    ("four", "cztery", "vier", "أربعة", "اربعه"),
    ("five", "pięć", "fünf", "fuenf", "خمسة", "خمسه"),
    ("six", "sześć", "sechs", "ستة", "سته"),
    ("seven", "siedem", "sieben", "سبعة", "سبعه"),
    ("eight", "osiem", "acht", "ثمانية", "ثمانيه"),
    ("nine", "dziewięć", "neun", "تسعة", "تسعه"),
)
LOOKALIKES = str.maketrans("авекмнорстухіјѕԁԛԝһαβεικνορτυχ", "abekmhopctyxijsdqwhabeikvoptux")
"""Cyrillic and Greek letters that look like Latin ones."""
WORD = re.compile(r"[^\W_]+")
LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read, and where it stands in the text."""

    words: str
    at: Sequence[int]
    """Where each character of `words` stands; at the end: where the text ends."""


def read(text: str) -> Reading:
    """The reading of a text."""
    if text.isascii():
        return _with_digits_for_words(Reading(text.lower(), range(len(text) + 1)))
    signs = [(sign, at) for at, character in enumerate(text) for sign in _plain(character)]
    at = [*(at for _, at in signs), len(text)]
    return _with_digits_for_words(Reading("".join(sign for sign, _ in signs), at))


def fold(text: str) -> str:
    """A text without what does not change its reading; words for digits stay words."""
    return text.lower() if text.isascii() else "".join(map(_plain, text))


def words_of(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, reading) of every word."""
    for hit in WORD.finditer(text):
        yield hit.start(), hit.end(), fold(hit[0])


def spelled_numbers(text: str) -> list[tuple[int, int]]:
    """(start, end) of every number that is spelled digit by digit, in words."""
    known, found, run = _digit_words(), list[tuple[int, int]](), list[tuple[int, int]]()
    for start, end, word in words_of(text):
        if run and (word not in known or re.search(r"[.!?\n]", text[run[-1][1] : start])):
            found, run = _ended(found, run), []
        if word in known:
            run.append((start, end))
    return _ended(found, run)


def _ended(found: list[tuple[int, int]], run: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [*found, (run[0][0], run[-1][1])] if len(run) >= SEVERAL else found


@functools.lru_cache(maxsize=8192)
def _plain(character: str) -> str:
    """A character without case, accent or style; nothing of one that cannot be seen."""
    if character in "\ufe0e\ufe0f\u20e3" or unicodedata.category(character) in ("Cf", "Mn"):
        return ""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    parts = unicodedata.normalize("NFKD", character.casefold()).replace("ł", "l")
    kept = "".join(part for part in parts if not unicodedata.combining(part)).casefold()
    return kept.translate(LOOKALIKES)


def _with_digits_for_words(reading: Reading) -> Reading:
    """Digits that were written as words become digits, where there are several."""
    known = _digit_words()
    hits = [hit for hit in LETTERS.finditer(reading.words) if hit[0] in known]
    if len(hits) < SEVERAL:
        return reading
    words: list[str] = []
    at: list[int] = []
    done = 0
    for hit in hits:
        words += [reading.words[done : hit.start()], known[hit[0]]]
        at += [*reading.at[done : hit.start()], reading.at[hit.start()]]
        done = hit.end()
    return Reading("".join([*words, reading.words[done:]]), [*at, *reading.at[done:]])


@functools.cache
def _digit_words() -> Mapping[str, str]:
    return {fold(word): str(digit) for digit, words in enumerate(DIGIT_WORDS) for word in words}
