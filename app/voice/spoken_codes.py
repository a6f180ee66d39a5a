"""Confirmation codes as people spell them in English, Polish, German and Arabic; pure.

A code is a run of letters and digits: written together, letter by letter, by the names of letters,
by the words of a spelling alphabet, in figures or in number words.
"""

import re
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from app.voice.spoken_dates import MONTHS
from app.voice.spoken_numbers import Number, Word, numbers_in, words_of

SHORTEST_RUN = 5
"""Signs in a row from which they are taken for a code."""
SHORTEST_CODE = 6
"""A code with fewer signs proves nothing."""
FORGIVING_FROM = 8
"""From so many signs on, one that was misheard, missed or heard twice is forgiven."""
_NAMES = {
    "A": "ah alpha alfa anton adam ايه الف", "B": "be bee bravo berta barbara بي",
    "C": "ce see sea cee charlie casar cezar celina سي", "D": "de dee delta dora dorota دي",
    "E": "eh echo emil ewa اي", "F": "ef eff foxtrot friedrich franciszek اف",
    "G": "ge gee gie golf gustav grazyna جي", "H": "ha aitch hotel heinrich henryk اتش",
    "I": "india ida irena اي_", "J": "jay jot jott juliet juliett julius jadwiga جيه",
    "K": "ka kay kilo kaufmann karol كيه كي", "L": "el ell lima ludwig leon ال",
    "M": "em mike martha maria ام", "N": "en november nordpol natalia ان",
    "O": "oh oscar oskar otto olga او", "P": "pe pee papa paula pawel",
    "Q": "qu ku cue queue quebec quelle كيو", "R": "er ar romeo richard roman ار",
    "S": "es ess sierra samuel siegfried stefan اس", "T": "te tee tango theodor tadeusz تي",
    "U": "uniform ulrich urszula يو", "V": "vau fau vee victor viktor violetta في",
    "W": "we wu whiskey whisky wilhelm wanda دبليو",
    "X": "ix iks ex xray xanthippe اكس", "Y": "ypsilon igrek yankee واي",
    "Z": "zet zett zed zee zulu zacharias zeppelin zygmunt زد زي",
}  # fmt: skip
SPELT = {word: letter for letter, names in _NAMES.items() for word in names.split()}
"""The name of a letter → the letter."""
DOUBLE = frozenset({"double", "doppel", "doppelt", "podwojne", "podwojny"})
AS_IN = (
    ("as", "in"), ("as",), ("like",), ("wie",), ("jak",), ("mit",), ("for",), ("مثل",),
)  # fmt: skip
"""Between a letter and a word that begins with it."""
FILLERS = frozenset(
    {
        "and", "then", "und", "dann", "potem", "dash", "minus", "hyphen", "bindestrich",
        "myslnik", "um", "uh", "eh",
    }
)  # fmt: skip
VOWELS = frozenset("aeiouy")
LONGEST_TOKEN = 16
_CLIPPED = re.compile(r"(?<=\w)['’](?:s|m|t|d|re|ve|ll)\b", re.IGNORECASE)
_SOUNDS = str.maketrans("PVWDTGNFOILCJ", "BBBBBBMS011ZG")
"""Letters that recognition confuses on a telephone line, as one of each group."""


def codes_in(text: str) -> list[str]:
    """What may be a code in a text, in order, each once: capitals and digits."""
    words = words_of(_CLIPPED.sub("", text))
    numbers = {number.first: number for number in numbers_in(words)}
    runs, run = [], ""
    at = 0
    while at < len(words):
        signs, after = _signs_at(words, numbers, at, is_begun=bool(run))
        if signs:
            run += signs
        elif not (run and words[at].plain in FILLERS):
            runs.append(run)
            run = ""
        at = after
    runs.append(run)
    return list(dict.fromkeys(_once(run) for run in runs if len(_once(run)) >= SHORTEST_RUN))


def has_signs(text: str) -> bool:
    """Whether somebody tries to say a code: some letters or digits in a row."""
    words = words_of(_CLIPPED.sub("", text))
    numbers = {number.first: number for number in numbers_in(words)}
    signs = sum(len(_signs_at(words, numbers, at, is_begun=True)[0]) for at in range(len(words)))
    return signs >= 3


def is_code(said: str, code: str | None) -> bool:
    """Whether what was said is that code, as far as a telephone carries it."""
    wanted = _sound("".join(c for c in (code or "").upper() if c.isascii() and c.isalnum()))
    if len(wanted) < SHORTEST_CODE:
        return False
    forgiven = 1 if len(wanted) >= FORGIVING_FROM else 0
    return Levenshtein.distance(_sound(said), wanted, score_cutoff=forgiven) <= forgiven


def _signs_at(
    words: Sequence[Word], numbers: dict[int, Number], at: int, *, is_begun: bool
) -> tuple[str, int]:
    """(letters and digits that a word stands for, the number of the next word)."""
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else None
    if word.plain in DOUBLE and following is not None:
        if following.plain in ("u", "you"):
            return "W", at + 2
        sign, after = _signs_at(words, numbers, at + 1, is_begun=True)
        return (sign * 2, after) if len(sign) == 1 else ("", at + 1)
    if at in numbers and at > 0 and words[at - 1].plain in MONTHS:
        return "", numbers[at].after
    if (number := numbers.get(at)) is not None and not _is_letter_name(word):
        return number.digits, number.after
    if word.plain in MONTHS and (at + 1 in numbers or at - 1 in numbers):
        return "", at + 1  # `November 28` is a day
    letter = _letter(word, is_begun=is_begun)
    if len(letter) == 1:
        return letter, _past_example(words, at + 1)
    return letter, at + 1


def _is_letter_name(word: Word) -> bool:
    return word.plain in SPELT and not word.plain.isdecimal()


def _letter(word: Word, *, is_begun: bool) -> str:
    """The letters of one word; empty where it is an ordinary one."""
    if len(word.plain) == 1 and word.plain.isascii():
        return word.plain.upper()
    if word.plain in SPELT:
        return SPELT[word.plain]
    if not (word.plain.isascii() and word.plain.isalnum() and len(word.plain) <= LONGEST_TOKEN):
        return ""
    is_mixed = any(c.isdecimal() for c in word.plain)
    is_capitals = word.text.isupper()
    is_unspeakable = len(word.plain) <= 4 and not VOWELS & set(word.plain)
    return word.plain.upper() if is_mixed or is_capitals or is_unspeakable else ""


def _past_example(words: Sequence[Word], at: int) -> int:
    """Behind `as in Hotel`, where that follows a letter."""
    following = tuple(word.plain for word in words[at : at + 3])
    for lead in AS_IN:
        if following[: len(lead)] == lead and len(following) > len(lead):
            letter = words[at - 1].plain[:1]
            if following[len(lead)].startswith(letter):
                return at + len(lead) + 1
    return at


def _once(run: str) -> str:
    """A run that was said twice, once."""
    half = len(run) // 2
    return run[:half] if len(run) % 2 == 0 and run[:half] == run[half:] and half > 4 else run


def _sound(code: str) -> str:
    return code.translate(_SOUNDS)
