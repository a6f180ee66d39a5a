"""The pattern language of the phrase files, and the one spelling that sloppy text is brought to.

Pure. A phrase file says at its top how a phrase is written; this is what carries it out.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.errors import BadInput

GAP_WORDS = 4
"""Words that `...` may stand for at most."""

INDEX_LETTERS = 3
"""First letters of a word by which the phrases worth trying are looked up."""

_UNDECOMPOSED = str.maketrans(
    {
        "ł": "l",
        "ß": "ss",
        "ø": "o",
        "æ": "a",
        "œ": "o",
        "đ": "d",
        "ı": "i",
        "ؤ": "و",
        "ئ": "ي",
        "ى": "ي",
        "ی": "ي",
        "ک": "ك",
        "ة": "ه",
        "ٱ": "ا",
        "ـ": "",
        "؟": "?",
        "،": ",",
        "؛": ".",
    }
    | dict.fromkeys("'’‘`´ʼ‍‌", "")
)
"""What Unicode does not take apart by itself, and what is dropped without leaving a space."""

_REPEATED = re.compile(r"([^\W\d_])\1+")
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")
_UMLAUT_E = re.compile(r"(?<=[aou])e")
_SHORT_IS = re.compile(r"\b(?!what|that|there|here|where)([^\W\d_]{4,})['’]s\b")
_HESITATION = re.compile(r"\.{2,}|…")
_TOKEN = re.compile(r"\d+|[^\W\d_]+|[?,]|[.!;\n](?!\d)")
_ARABIC_ARTICLE = re.compile(r"^[وف]?(?:[بك]?ال|لل)(?=[ء-ي]{3})")
_READABLE = re.compile(r"^(?:\?|\*?[^|{}*?$^]*[^\W_][^|{}*?$^]*\*?)$")


def normalise(text: str, *, keeps_doubles: bool = False) -> str:
    """The text as the phrases see it: one space before each word, ` .` or ` ?` after a sentence.

    Lower case; no diacritics, apostrophes or emoji; `ae oe ue` as the bare vowel; Arabic letters in
    one spelling and without the article; no doubled letters, unless they are kept ("off" is not
    "of"), and never a drawn-out one ("fireee").
    """
    repeated = _DRAWN_OUT if keeps_doubles else _REPEATED
    plain = _SHORT_IS.sub(r"\1 is", _HESITATION.sub(",", text.casefold()))
    plain = unicodedata.normalize("NFKD", plain)
    plain = "".join(c for c in plain if not unicodedata.combining(c)).translate(_UNDECOMPOSED)
    pieces = ["."]
    for piece in _TOKEN.findall(plain):
        if piece in ".!;\n?":
            end = "?" if piece == "?" else "."
            if pieces[-1] not in (".", "?"):
                pieces.append(end)
            elif len(pieces) > 1 and end == "?":
                pieces[-1] = end
        elif piece.isdecimal():
            pieces.append("".join(str(unicodedata.decimal(digit)) for digit in piece))
        else:
            pieces.append(_one_spelling(piece, repeated) if piece.isalpha() else piece)
    return " " + " ".join(pieces)


def _one_spelling(word: str, repeated: re.Pattern[str]) -> str:
    if _is_arabic(word):
        return repeated.sub(r"\1", _ARABIC_ARTICLE.sub("", word))
    return _UMLAUT_E.sub("", repeated.sub(r"\1", word))


def _is_arabic(word: str) -> bool:
    return word[:1] >= "ء"


def phrase_lines(block: str) -> list[str]:
    """The phrases of a block of a phrase file, one a line, without notes and blank lines."""
    lines = (line.partition("#")[0].strip() for line in block.splitlines())
    return [line for line in lines if line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One place where a phrase was found."""

    start: int
    end: int
    tag: str
    """What the phrase stands for, as given to the index."""
    phrase: str
    gaps: tuple[tuple[int, int], ...]
    """Where `...` stood for something, which may be nothing."""


class PhraseIndex:
    """Many tagged phrases, found in a text by trying only those of which a word is there."""

    def __init__(
        self, tagged: Mapping[str, Iterable[str]], lists: Mapping[str, Sequence[str]]
    ) -> None:
        self._phrases: list[_Entry] = []
        self._by_start: dict[str, list[int]] = defaultdict(list)
        for tag, phrases in tagged.items():
            for phrase in phrases:
                expression, starts = read_phrase(phrase, lists)
                for start in starts:
                    self._by_start[start].append(len(self._phrases))
                self._phrases.append(_Entry(tag, phrase, expression))

    def hits(self, text: str) -> Iterator[Hit]:
        """Every place of every phrase in a normalised text, in the order of the phrases."""
        starts = {word[:length] for word in text.split() for length in range(INDEX_LETTERS + 1)}
        by_start = self._by_start
        for number in sorted({n for start in starts & by_start.keys() for n in by_start[start]}):
            entry = self._phrases[number]
            for found in entry.pattern.finditer(text):
                yield Hit(
                    start=found.start(),
                    end=found.end(),
                    tag=entry.tag,
                    phrase=entry.phrase,
                    gaps=found.regs[1:],
                )


class _Entry:
    """A phrase whose expression is compiled when a text first has one of its words."""

    def __init__(self, tag: str, phrase: str, expression: str) -> None:
        self.tag = tag
        self.phrase = phrase
        self._expression = expression

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self._expression)


def read_phrase(phrase: str, lists: Mapping[str, Sequence[str]]) -> tuple[str, set[str]]:
    """The regular expression of a phrase, and beginnings of words of which the text has one.

    Raises:
        BadInput: The phrase cannot be read, or has no word that must be there.
    """
    expression: list[str] = []
    anchors: list[set[str]] = []
    elements = phrase.split()
    for at, element in enumerate(elements, start=1):
        if element == "^":
            expression.append(r"(?<=[.?])")
        elif element == "$":
            expression.append(r"(?: ,)?(?= [.?]|$)")
        elif element == "...":
            lazy = "?" if at < len(elements) else ""
            expression.append(rf"((?:(?: ,)? [^ .?,]+){{0,{GAP_WORDS}}}{lazy})")
        else:
            words, is_optional = _words_of(element, lists, phrase)
            choice = f"(?:(?: ,)? (?:{'|'.join(_word_expression(w) for w in words)})(?![^ ]))"
            expression.append(choice + ("?" if is_optional else ""))
            if not is_optional:
                anchors.append(set().union(*map(_starts_of, words)))
    sure = [starts for starts in anchors if "" not in starts]
    if not anchors:
        raise BadInput(f"the phrase {phrase!r} has no word that must be there")
    best = max(sure, key=lambda starts: min(map(len, starts)), default={""})
    return "".join(expression), best


def _words_of(
    element: str, lists: Mapping[str, Sequence[str]], phrase: str
) -> tuple[list[str], bool]:
    is_optional = element.endswith("?") and not f"|{element}".endswith("|?")
    words: list[str] = []
    for choice in element.removesuffix("?" if is_optional else "").split("|"):
        if choice.startswith("{") and choice.endswith("}"):
            if choice[1:-1] not in lists:
                raise BadInput(f"the phrase {phrase!r} names an unknown list {choice}")
            words += lists[choice[1:-1]]
        else:
            words.append(choice.replace("_", " "))
    if not all(_READABLE.match(word) for word in words):
        raise BadInput(f"the phrase {phrase!r} has a stray sign or an empty choice in {element!r}")
    return words, is_optional


def _word_expression(word: str) -> str:
    if word == "?":
        return r"\?"
    parts = []
    for part in word.split():
        stem = normalise(part.strip("*"))[3:]
        before, after = part.startswith("*"), part.endswith("*")
        prefix = "[^ .?,]*" if before else f"[{_joined_letters(stem)}]?" if _is_arabic(stem) else ""
        parts.append(prefix + stem + ("[^ .?,]*" if after else ""))
    return " ".join(parts)


def _starts_of(word: str) -> set[str]:
    if word == "?":
        return {word}
    if word.startswith("*"):
        return {""}
    stem = next(iter(normalise(word)[3:].split()), "")
    if not stem:
        raise BadInput(f"the phrase's word {word[:40]!r} has no letters")
    joined = _joined_letters(stem) if _is_arabic(stem) else ""
    return {(letter + stem)[:INDEX_LETTERS] for letter in ("", *joined)}


def _joined_letters(stem: str) -> str:
    """The Arabic particles that are written as one with the next word: and, so, with, for."""
    return "وفبل" if len(stem) >= INDEX_LETTERS else "وف"
