"""What a language needs to be spoken: its words for digits, signs, times, dates and prices; pure.

The languages themselves stand in `lexicon_en.py`, `lexicon_pl.py`, `lexicon_de.py` and
`lexicon_ar.py`; numbers come from num2words, names of currencies from babel (the Unicode CLDR).
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from babel.numbers import get_currency_name
from num2words import num2words

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
"""What is written, and how it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A date as it stands in a text."""

    day: int
    month: int
    year: int | None = None
    before: str = ""
    """The text that stands before it: in some languages a preposition changes the ending."""
    is_month_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """One language as it is spoken."""

    language: str
    count: Callable[[int], str]
    """A number in words."""
    digits: tuple[str, ...]
    """The words for 0 to 9, one by one."""
    signs: Mapping[str, str]
    """What stands in passwords and addresses, by name."""
    capital: str
    """A capital letter, `{}`, among small ones."""
    all_small: str
    all_capital: str
    again: str
    """What is said between a code and the same code once more."""
    percent: str
    months: Mapping[str, int]
    """Every written form of a month's name."""
    clock: Callable[[int, int, str], str]
    """(hour, minute, the text before) → words."""
    date: Callable[[Day], str]
    flat: str
    """`{house}` and `{flat}` of an address."""
    words: Mapping[str, str]
    """Abbreviations and words that a voice would say wrong, whole and in any case."""
    to: str
    """Between the two ends of a span of time."""
    measures: Mapping[str, tuple[str, str, str]]
    """Units behind a number: for one, for a few, for many."""
    measured: Callable[[int, tuple[str, str, str]], str]
    """A number with its unit's forms → words."""
    comma: str = ","
    currencies: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """Currency → what its name is said without: a guest in Warsaw pays no "Polish" zloty."""
    one_of: Callable[[str], str] | None = None
    """How "one" is said of a currency, where it is not plainly counted."""
    of_emergency: Callable[[str], str] | None = None
    """How an emergency number is said, where not digit by digit."""
    rules: tuple[Rule, ...] = ()
    """What only this language writes; looked for before everything else."""

    def money(self, whole: int, cents: int, currency: str) -> str:
        """An amount in words."""
        name = currency_name(self.language, currency, whole)
        if currency in self.currencies:
            name = self.currencies[currency].sub("", name)
        amount = self.one_of(currency) if whole == 1 and self.one_of else self.count(whole)
        return f"{amount} {name} {self.count(cents)}" if cents else f"{amount} {name}"

    def one_by_one(self, digits: str) -> str:
        """Digits, each of them a word."""
        return " ".join(self.digits[int(digit)] for digit in digits if digit.isdecimal())


@functools.lru_cache(4096)
def in_words(number: int, language: str, *, to: str = "cardinal") -> str:
    """A number in words, as num2words has it."""
    return str(num2words(number, lang=language, to=to))


@functools.lru_cache(1024)
def currency_name(language: str, currency: str, count: int) -> str:
    """A currency's name, in the number that a count asks for."""
    return str(get_currency_name(currency, count=count, locale=language))


def is_few(number: int) -> bool:
    """Whether a Slavic language counts so many as "a few": 2 to 4, but not 12 to 14."""
    return number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14)


def months_of(names: tuple[str, ...], *more: tuple[str, ...]) -> dict[str, int]:
    """Written forms of month names → number."""
    return {
        name.casefold(): number
        for forms in (names, *more)
        for number, name in enumerate(forms, start=1)
    }
