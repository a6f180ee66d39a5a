"""Plain facts about written English, Polish, German and Arabic: folding, words, typing errors."""

import re
import unicodedata
from functools import lru_cache

LANGUAGES = ("en", "pl", "de", "ar")
"""In this order a tie between languages is broken."""

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_APOSTROPHE = re.compile(r"(?<=\w)['’`´](?=\w)")
_ARABIC = re.compile(r"[\u0621-\u064a]")
_POLISH = re.compile(r"[ąćęłńśźż]", re.IGNORECASE)
_GERMAN = re.compile(r"[äöüß]", re.IGNORECASE)
_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ß": "ss",
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ى": "ي",
        "ة": "ه",
        "ؤ": "و",
        "ئ": "ي",
        "ـ": "",
    }
)
_ARTICLES = ("وال", "بال", "كال", "فال", "لل", "ال")
_ATTACHED = ("و", "ف", "ب", "ل", "ك")
_LIKE_ENOUGH = 0.6
"""Share of common letter pairs and triples from which two words count as forms of one word."""


def fold(text: str) -> str:
    """Give the text in lower case, without accents, letters that are mixed up made one."""
    lowered = text.lower().translate(_LETTERS)
    decomposed = unicodedata.normalize("NFKD", lowered)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """Give the folded words of a text in order; Arabic ones without their article."""
    return [_without_article(word) for word in _WORD.findall(fold(_APOSTROPHE.sub("", text)))]


def is_arabic(text: str) -> bool:
    """Say whether the text is written mostly in Arabic letters."""
    arabic = len(_ARABIC.findall(text))
    latin = sum(1 for char in text if char.isascii() and char.isalpha())
    return arabic > 0 and arabic * 2 >= latin


def letters_speak_for(text: str) -> str | None:
    """Give the language that the letters alone prove, or None."""
    if is_arabic(text):
        return "ar"
    if _POLISH.search(text):
        return "pl"
    if _GERMAN.search(text):
        return "de"
    return None


def without_attached(word: str) -> str | None:
    """Give an Arabic word without a conjunction or preposition written onto it, or None."""
    if len(word) > 3 and word[0] in _ATTACHED:
        return _without_article(word[1:])
    return None


def is_one_slip(left: str, right: str) -> bool:
    """Say whether one missing, extra, wrong or swapped letter after the first parts two words."""
    if abs(len(left) - len(right)) > 1 or left[:1] != right[:1]:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    rest_left, rest_right = left[start:], right[start:]
    if (
        rest_left[1:] == rest_right[1:]
        or rest_left[1:] == rest_right
        or rest_left == rest_right[1:]
    ):
        return True
    swapped = len(rest_left) > 1 and rest_left[1] + rest_left[0] + rest_left[2:]
    return swapped == rest_right


@lru_cache(maxsize=20_000)
def likeness(left: str, right: str) -> float:
    """Give 1.0 for equal words, less for forms of one word, 0.0 for unrelated ones."""
    if left == right:
        return 1.0
    if min(len(left), len(right)) < 4:
        return 0.0
    ours, theirs = _grams(left), _grams(right)
    share = 2 * len(ours & theirs) / (len(ours) + len(theirs))
    return share if share >= _LIKE_ENOUGH else 0.0


def _grams(word: str) -> frozenset[str]:
    padded = f"^{word}"
    return frozenset(
        padded[at : at + size] for size in (2, 3) for at in range(len(padded) - size + 1)
    )


def _without_article(word: str) -> str:
    for article in _ARTICLES:
        if word.startswith(article) and len(word) - len(article) >= 2:
            return word[len(article) :]
    return word
