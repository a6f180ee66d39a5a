"""Numbers as people say them in English, Polish, German and Arabic; pure.

Up to ninety-nine, which is what days, months and codes are told in, as cardinals and ordinals.
"""

import re
import unicodedata
from dataclasses import dataclass

_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ß": "ss",
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ة": "ه",
        "ؤ": "و",
        "ئ": "ي",
    }
)
_WORD = re.compile(r"[^\W_]+")
_EN = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
_EN += "sixteen seventeen eighteen nineteen"
_EN_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
_EN_ORDINALS += "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
_EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_EN_TENS_ORDINALS = "twentieth thirtieth"
_DE = "eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn "
_DE += "sechzehn siebzehn achtzehn neunzehn"
_DE_TENS = "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig"
_PL = "jeden dwa trzy cztery piec szesc siedem osiem dziewiec dziesiec jedenascie dwanascie "
_PL += "trzynascie czternascie pietnascie szesnascie siedemnascie osiemnascie dziewietnascie"
_PL_ORDINALS = "pierwsz drug trzec czwart piat szost siodm osm dziewiat dziesiat jedenast dwunast "
_PL_ORDINALS += "trzynast czternast pietnast szesnast siedemnast osiemnast dziewietnast"
_PL_TENS = "dwadziescia trzydziesci czterdziesci piecdziesiat szescdziesiat siedemdziesiat "
_PL_TENS += "osiemdziesiat dziewiecdziesiat"
_AR = "واحد اثنان ثلاثه اربعه خمسه سته سبعه ثمانيه تسعه عشره"
_AR_SHORT = "واحده اثنين ثلاث اربع خمس ست سبع ثماني تسع عشر"
_AR_ORDINALS = "اول ثاني ثالث رابع خامس سادس سابع ثامن تاسع عاشر"
_AR_TENS = "عشرون ثلاثون اربعون خمسون ستون سبعون ثمانون تسعون"
_AR_TENS_OBLIQUE = "عشرين ثلاثين اربعين خمسين ستين سبعين ثمانين تسعين"


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text."""

    text: str
    """As it came."""
    plain: str
    """In small letters, without accents."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text, over one word or several."""

    value: int
    is_ordinal: bool
    digits: str
    """As it is read out within a code: `07` is no seven."""
    first: int
    """Number of its first word."""
    after: int
    """Number of the word after its last."""


def plain(text: str) -> str:
    """Small letters without accents, one spelling of each Arabic letter, European digits."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    kept = (c for c in folded if not unicodedata.combining(c) and c != "ـ")
    return "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in kept)


def words_of(text: str) -> list[Word]:
    """The words of a text in order."""
    text = unicodedata.normalize("NFC", text)
    return [Word(m[0], plain(m[0]), m.start(), m.end()) for m in _WORD.finditer(text)]


def numbers_in(words: list[Word]) -> list[Number]:
    """The numbers among words, in order; parts that belong together as one."""
    found: list[Number] = []
    at = 0
    while at < len(words):
        number = _number_at(words, at)
        if number is None:
            at += 1
        else:
            found.append(number)
            at = number.after
    return found


def _number_at(words: list[Word], at: int) -> Number | None:
    word = words[at].plain
    if word.isdecimal() and word.isascii():
        return Number(int(word[:12]), False, word, at, at + 1)
    if (written := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th|te|ten|ego|go|y)", word)) is not None:
        return Number(int(written[1]), True, written[1], at, at + 1)
    known = _of_word(word)
    if known is None:
        return None
    value, is_ordinal = known
    after = words[at + 1].plain if at + 1 < len(words) else ""
    more = _of_word(after)
    if more is not None and after:
        both = _joined(value, more[0], after)
        if both is not None:
            return Number(both, is_ordinal or more[1], str(both), at, at + 2)
    return Number(value, is_ordinal, str(value), at, at + 1)


def _joined(first: int, second: int, word: str) -> int | None:
    """Two parts of one number: `twenty eight`, `dwudziestego ósmego`, `ثمانية وعشرين`."""
    is_arabic = "؀" <= word[0] <= "ۿ"
    if is_arabic:
        if word.startswith("و") and second % 10 == 0 and second >= 20 and first < 10:
            return first + second
        return first + 10 if second == 10 and word == "عشر" and 0 < first < 10 else None
    is_tens = first % 10 == 0 and 20 <= first < 100
    return first + second if is_tens and 0 < second < 10 else None


def _of_word(word: str) -> tuple[int, bool] | None:
    """(value, whether it is an ordinal) of one word; none where it is no number."""
    found = NUMBERS.get(word)
    if found is None and word[:1] == "و":
        found = NUMBERS.get(word[1:])
        word = word[1:]
    if found is None and word.startswith("ال"):
        found = NUMBERS.get(word[2:])
    return found


def _tables() -> dict[str, tuple[int, bool]]:
    table: dict[str, tuple[int, bool]] = {"zero": (0, False), "null": (0, False), "صفر": (0, False)}
    for names in (_EN, _DE, _PL, _AR, _AR_SHORT):
        table |= {name: (value, False) for value, name in enumerate(names.split(), 1)}
    for tens in (_EN_TENS, _DE_TENS, _PL_TENS, _AR_TENS, _AR_TENS_OBLIQUE):
        table |= {name: (10 * value, False) for value, name in enumerate(tens.split(), 2)}
    for names in (_EN_ORDINALS, _AR_ORDINALS):
        table |= {name: (value, True) for value, name in enumerate(names.split(), 1)}
    table |= {name: (10 * value, True) for value, name in enumerate(_EN_TENS_ORDINALS.split(), 2)}
    table |= {"حادي": (1, True), "اثنا": (2, False), "اثني": (2, False), "ثمان": (8, False)}
    table |= {"اثنتين": (2, False), "تلاته": (3, False), "تمنيه": (8, False), "zwo": (2, False)}
    table |= {"jedna": (1, False), "dwie": (2, False), "ein": (1, False), "niner": (9, False)}
    return table | _german() | _polish_ordinals()


def _german() -> dict[str, tuple[int, bool]]:
    small = dict(enumerate(_DE.split(), 1))
    tens = dict(enumerate(_DE_TENS.split(), 2))
    names = {value: name for value, name in small.items() if value > 1}
    for ten, name in tens.items():
        names[10 * ten] = name
        for unit in range(1, 10):
            names[10 * ten + unit] = f"{'ein' if unit == 1 else small[unit]}und{name}"
    stems = {value: name + ("t" if value < 20 else "st") for value, name in names.items()}
    stems |= {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}
    ordinals = {
        stem + ending: (value, True)
        for value, stem in stems.items()
        if value < 100
        for ending in ("e", "en", "er", "em")
    }
    return {name: (value, False) for value, name in names.items()} | ordinals


def _polish_ordinals() -> dict[str, tuple[int, bool]]:
    stems = dict(enumerate(_PL_ORDINALS.split(), 1)) | {20: "dwudziest", 30: "trzydziest"}
    endings = ("y", "i", "ego", "iego", "ym", "im", "a", "ia", "ej", "iej")
    return {stem + end: (value, True) for value, stem in stems.items() for end in endings}


NUMBERS = _tables()
"""Word → (value, whether it is an ordinal)."""
