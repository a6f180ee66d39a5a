"""What cannot wait: fire, gas, injury, crime, water, electricity, a guest locked out or in a lift.

Pure. Checked before any debounce or model, in all languages at once. The phrases stand in
`phrase_sets/urgent_*.toml`; a phrase counts unless the words it was found in belong to a harmless
phrase ("gas stove"), to a sentence that only asks ("what if …"), or come before the word that it is
over ("… is fixed now").
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from app.bots.phrase_patterns import Hit, PhraseIndex, normalise, phrase_lines

LANGUAGES = ("en", "pl", "de", "ar")
"""Languages that have a phrase file."""

CRITICAL_KINDS = ("fire", "gas", "injury", "crime")
"""Kinds with danger to life, gravest first: they get the emergency number."""

HIGH_KINDS = ("lift", "electricity", "water", "locked_out")
"""Kinds that need a person at once, but no emergency service."""

LEAVE_KINDS = ("fire", "gas")
"""Kinds in which the first thing to do is to get out."""

MISSPELT_LETTERS = 6
"""Shorter words are never taken for misspelt ones: too many others are one letter away."""

PHRASE_SETS = Path(__file__).parent / "phrase_sets"

_SENTENCE_END = re.compile(r" [.?](?![^ ])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgent:
    """An emergency found in what a guest said."""

    kind: str
    severity: Literal["critical", "high"]
    language: str
    """Language of the phrase that was found."""
    emergency_number: str | None
    """Number to call in the country of the listing; only where it is critical."""
    phrase: str
    """The phrase as the file has it, for the brief of the case."""


def find_urgent(text: str, *, country_code: str | None) -> Urgent | None:
    """The gravest emergency in a text of any of the languages, or none.

    Args:
        text: What the guest wrote or said, as it came.
        country_code: ISO 3166 alpha-2 code of the listing's country; unknown means 112.
    """
    sets = load_urgent_sets()
    plain = sets.respelt(normalise(text))
    found: dict[str, list[Hit]] = {}
    quiet: dict[str, list[Hit]] = {}
    for hit in sets.index.hits(plain):
        role, _, kind = hit.tag.partition("/")[2].partition(":")
        (found if role == "phrases" else quiet).setdefault(kind or role, []).append(hit)
    if not found:
        return None
    everywhere = list(_quiet_spans(plain, quiet))
    for kind in (*CRITICAL_KINDS, *HIGH_KINDS):
        spans = everywhere + [(hit.start, hit.end) for hit in quiet.get(kind, [])]
        real = [hit for hit in found.get(kind, []) if not _is_inside(hit, spans)]
        if real:
            return _urgent(kind, max(real, key=lambda hit: hit.end - hit.start), country_code)
    return None


def emergency_sentence(urgent: Urgent, language: str) -> str:
    """The first sentence of the answer, naming the number; empty where the kind has no number.

    Args:
        urgent: What was found.
        language: Language of the guest (`de`, `de-AT`); English where we have no sentence.
    """
    if urgent.emergency_number is None:
        return ""
    sentences = _load_emergency()["leave" if urgent.kind in LEAVE_KINDS else "danger"]
    sentence: str = sentences.get(language.lower()[:2], sentences["en"])
    return sentence.replace("{number}", urgent.emergency_number)


def emergency_number(kind: str, country_code: str | None) -> str:
    """The number for a critical kind in a country; 112 where the country is not in the table."""
    numbers = _load_emergency()["numbers"]
    number = numbers.get((country_code or "").upper(), numbers["default"])
    return str(number if isinstance(number, str) else number[kind])


def _urgent(kind: str, hit: Hit, country_code: str | None) -> Urgent:
    is_critical = kind in CRITICAL_KINDS
    return Urgent(
        kind=kind,
        severity="critical" if is_critical else "high",
        language=hit.tag.partition("/")[0],
        emergency_number=emergency_number(kind, country_code) if is_critical else None,
        phrase=hit.phrase.replace("{" + hit.tag[:3].replace("/", ":"), "{"),
    )


def _quiet_spans(plain: str, quiet: Mapping[str, list[Hit]]) -> Iterable[tuple[int, int]]:
    for hit in quiet.get("harmless", []):
        yield hit.start, hit.end
    for hit in quiet.get("over", []):
        yield 0, hit.end
    if "only_asked" in quiet:
        ends = [found.end() for found in _SENTENCE_END.finditer(plain)] + [len(plain)]
        for hit in quiet["only_asked"]:
            begin = max((end for end in ends if end <= hit.start), default=0)
            yield begin, min(end for end in ends if end >= hit.end)


def _is_inside(hit: Hit, spans: list[tuple[int, int]]) -> bool:
    return any(start <= hit.start and hit.end <= end for start, end in spans)


class UrgentSets:
    """All phrase files, compiled."""

    def __init__(self, files: Mapping[str, Mapping[str, Any]]) -> None:
        self._misspelt: dict[str, str] = {}
        self._real_words: set[str] = set()
        indexes: dict[str, list[str]] = {}
        lists: dict[str, list[str]] = {}
        for language, file in files.items():
            for name, block in file["lists"].items():
                lists[f"{language}:{name}"] = phrase_lines(block)
            for role in ("phrases", "harmless"):
                for kind, block in file[role].items():
                    tag = f"{language}/{role}" + (f":{kind}" if kind != "any" else "")
                    indexes[tag] = _with_own_lists(phrase_lines(block), language)
            for role, block in file["sentences"].items():
                indexes[f"{language}/{role}"] = _with_own_lists(phrase_lines(block), language)
            self._learn_spelling(**file["spelling"])
        self.index = PhraseIndex(indexes, lists)

    def respelt(self, plain: str) -> str:
        """The normalised text with one wrong letter mended in words that matter."""
        return " ".join(self._mend(word) for word in plain.split(" "))

    def _learn_spelling(self, *, mended: str, real_words: str) -> None:
        for word in phrase_lines(mended):
            plain = normalise(word)[3:]
            self._real_words.add(plain)
            if len(plain) >= MISSPELT_LETTERS:
                self._misspelt |= dict.fromkeys(_one_letter_less(plain), plain)
        self._real_words |= {normalise(word)[3:] for word in phrase_lines(real_words)}

    def _mend(self, word: str) -> str:
        if len(word) < MISSPELT_LETTERS - 1 or word in self._real_words:
            return word
        for variant in _one_letter_less(word):
            meant = self._misspelt.get(variant)
            if meant and meant[0] == word[0] and abs(len(meant) - len(word)) <= 1:
                return meant
        return word


def _one_letter_less(word: str) -> list[str]:
    return [word] + [word[:at] + word[at + 1 :] for at in range(1, len(word))]


def _with_own_lists(phrases: list[str], language: str) -> list[str]:
    return [phrase.replace("{", "{" + language + ":") for phrase in phrases]


@cache
def load_urgent_sets() -> UrgentSets:
    """The phrase sets of every language, read once; takes most of a second."""
    return UrgentSets({name: _read(f"urgent_{name}.toml") for name in LANGUAGES})


@cache
def _load_emergency() -> dict[str, Any]:
    return _read("emergency.toml")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((PHRASE_SETS / name).read_text(encoding="utf-8"))
