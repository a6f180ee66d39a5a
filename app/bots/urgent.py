"""What cannot wait: fire, gas, injury, crime, water, electricity, a guest locked out or in a lift.

Pure. Checked before any debounce or model, in all languages at once. `phrase_sets/urgent.toml` says
in which company concepts are an emergency ("water" near "comes through"), the same for every
language; `phrase_sets/urgent_*.toml` say with which words a language names a concept. What only
sounds like an emergency ("gas stove", "what if …", "… is fixed now", a film) is named there too.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from app.bots.arabic import is_arabic, without_not
from app.bots.concepts import Lexicon, Message, Place
from app.bots.spelling import Spelling
from app.bots.urgent_rules import Match, Rule, matches, read_rules

LANGUAGES = ("en", "pl", "de", "ar")
"""Languages that have a word file."""

CRITICAL_KINDS = ("fire", "gas", "injury", "crime")
"""Kinds with danger to life, gravest first: they get the emergency number."""

HIGH_KINDS = ("lift", "electricity", "water", "locked_out")
"""Kinds that need a person at once, but no emergency service."""

LEAVE_KINDS = ("fire", "gas")
"""Kinds in which the first thing to do is to get out."""

PHRASE_SETS = Path(__file__).parent / "phrase_sets"

SHOWN_CHOICES = 3
"""How many of the choices of a word the brief shows."""

DENIED_WITHIN = 1
"""How many words may stand between "no" or "not" and what it denies."""

COMPOUND = ("fire_alarm", "gas_alarm", "gas_thing")
"""Concepts whose mere name is harmless ("smoke alarm", "gas bottle"), but not what they do."""

NAMED_WITHIN = 8
"""How long a sentence may be in which a thing that is only named is an emergency ("Fire!")."""

HEARD_SHARE = 1 / 3
"""Share of a language's words, of those of the likeliest, below which it is not spoken."""

UNDONE_WITHIN = 4
"""How many words before "is back" a "not" or "until" makes it untrue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgent:
    """An emergency found in what a guest said."""

    kind: str
    severity: Literal["critical", "high"]
    language: str
    """Language of the words that were found."""
    emergency_number: str | None
    """Number to call in the country of the listing; only where it is critical."""
    phrase: str
    """The concepts that were found, each with its words as the file has them, for the brief."""


def find_urgent(text: str, *, country_code: str | None) -> Urgent | None:
    """The gravest emergency in a text of any of the languages, or none.

    Args:
        text: What the guest wrote or said, as it came.
        country_code: ISO 3166 alpha-2 code of the listing's country; unknown means 112.
    """
    sets = load_urgent_sets()
    message = sets.read(text)
    places = sets.places(message)
    quiet: dict[str, _Quiet] = {}
    for kind in (*CRITICAL_KINDS, *HIGH_KINDS):
        for match in matches(sets.rules[kind], places, message):
            language = match.places[0].language
            if not _is_heard(language, places):
                continue
            if language not in quiet:
                quiet[language] = _Quiet(message, places, language)
            if not quiet[language].covers(match, kind):
                return _urgent(kind, match, country_code)
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


def _is_heard(language: str, places: Mapping[str, list[Place]]) -> bool:
    """Whether a text is in a language, too; a few of whose words may just look like others."""
    words: dict[str, set[int]] = {name: set() for name in LANGUAGES}
    for found in places.values():
        for place in found:
            words[place.language].add(place.start)
    most = max(map(len, words.values()))
    return len(words[language]) >= HEARD_SHARE * most


def _urgent(kind: str, match: Match, country_code: str | None) -> Urgent:
    is_critical = kind in CRITICAL_KINDS
    return Urgent(
        kind=kind,
        severity="critical" if is_critical else "high",
        language=match.places[0].language,
        emergency_number=emergency_number(kind, country_code) if is_critical else None,
        phrase=", ".join(f"{place.concept}: {_in_short(place.entry)}" for place in match.places),
    )


def _in_short(entry: str) -> str:
    """An entry with few of the choices it has in each place."""
    return " ".join("|".join(part.split("|")[:SHOWN_CHOICES]) for part in entry.split())


class _Quiet:
    """Where in a message words of a language do not count, and why."""

    def __init__(self, message: Message, places: Mapping[str, list[Place]], language: str) -> None:
        self._message = message
        self._places = {
            concept: [place for place in found if place.language == language]
            for concept, found in places.items()
        }
        places = self._places
        self._over_until = max((p.end for p in self._open("over") if self._is_so(p)), default=0)
        self._mended = [self._clause(p) for p in self._open("mended") if self._is_so(p)]
        self._supposed = [self._scope(p) for p in self._open("supposed")]
        self._asked = [self._clause(p) for p in self._open("asked")]
        self._told = {message.sentence[p.start] for p in self._open("told")}
        self._told |= {
            message.sentence[p.start]
            for p in self._open("generally")
            if message.asks[message.sentence[p.start]]
        }
        ahead = {message.sentence[p.start] for p in self._open("ahead")}
        if ahead and not self._places.get("at_door"):
            ahead.update(message.sentence)
        self._ahead = ahead
        self._can_wait = any(self._open("can_wait"))

    def covers(self, match: Match, kind: str) -> bool:
        """Whether a match is no emergency of this kind after all."""
        if any(self._is_harmless(place, kind) for place in match.places):
            return True
        first = min(match.places)
        start, end = first.start, max(place.end for place in match.places)
        if end <= self._over_until or self._message.sentence[start] in self._told:
            return True
        apart = self._supposed + self._mended
        if any(begin <= place.start < stop for begin, stop in apart for place in match.places):
            return True
        if match.is_named and self._is_by_the_way(match, start):
            return True
        if any(self._is_denied(place, match) for place in match.places):
            return True
        if kind in CRITICAL_KINDS:
            return False
        if kind == "locked_out" and self._message.sentence[start] in self._ahead:
            return True
        return self._can_wait

    def _is_by_the_way(self, match: Match, start: int) -> bool:
        """Whether a thing is asked about, or named in passing in a long sentence."""
        if any(begin <= start < stop for begin, stop in self._asked):
            return True
        long = self._message.sentence_end(start) - self._message.sentence_start(start)
        return len(match.places) == 1 and long > NAMED_WITHIN

    def _open(self, concept: str) -> Iterator[Place]:
        """Places of a concept that are not harmless themselves ("not sure if")."""
        return (
            place
            for place in self._places.get(concept, ())
            if not self._is_harmless(place, concept)
        )

    def _is_harmless(self, place: Place, kind: str) -> bool:
        is_compound = place.concept in COMPOUND
        return any(
            mask.start <= place.start
            and place.end <= mask.end
            and not (is_compound and place[:2] == mask[:2])
            for name in ("harmless", f"harmless_{kind}")
            for mask in self._places.get(name, ())
        )

    def _scope(self, place: Place) -> tuple[int, int]:
        """From "if" to the end of its clause, or of the sentence where that asks."""
        if self._message.asks[self._message.sentence[place.start]]:
            return place.start, self._message.sentence_end(place.start)
        return self._clause(place)

    def _clause(self, place: Place) -> tuple[int, int]:
        end = self._message.sentence_end(place.start)
        commas = [word for word in self._message.after_comma if place.end < word < end]
        return place.start, min(commas, default=end)

    def _is_so(self, over: Place) -> bool:
        """Whether nothing like "not" or "until" stands right before or amid its words."""
        return not any(
            over.start - UNDONE_WITHIN <= undone.start < over.end
            and undone.entry not in over.entry
            and self._message.sentence[undone.start] == self._message.sentence[over.start]
            for undone in self._places.get("undone", ())
        )

    def _is_denied(self, place: Place, match: Match) -> bool:
        for denial in self._open("denied"):
            gap = place.start - denial.end
            if not 0 <= gap <= DENIED_WITHIN:
                continue
            if self._message.sentence[denial.start] != self._message.sentence[place.start]:
                continue
            if not any(p.start <= denial.start < p.end for p in match.places):
                return True
        return False


class UrgentSets:
    """The rules and the words of every language."""

    def __init__(self, rules: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> None:
        self.rules: dict[str, list[Rule]] = read_rules(rules)
        self._lexicon = Lexicon({name: file["words"] for name, file in files.items()})
        self._spelling = Spelling(
            known=self._lexicon.vocabulary(),
            exceptions=(file["spelling"]["real_words"] for file in files.values()),
            is_right=self._is_known,
        )

    def read(self, text: str) -> Message:
        """A text as words, sloppy spelling mended."""
        return Message(text, self._parts)

    def _parts(self, word: str) -> tuple[str, ...]:
        parts = without_not(word, self._is_known) if is_arabic(word) else (word,)
        return tuple(map(self._spelling.mend, parts))

    def _is_known(self, word: str) -> bool:
        return bool(self._lexicon.of_word(word))

    def places(self, message: Message) -> dict[str, list[Place]]:
        """Where each concept is."""
        places: dict[str, list[Place]] = defaultdict(list)
        for place in self._lexicon.find(message):
            places[place.concept].append(place)
        return dict(places)


@cache
def load_urgent_sets() -> UrgentSets:
    """The rules and words of every language, read once."""
    return UrgentSets(
        _read("urgent.toml"), {name: _read(f"urgent_{name}.toml") for name in LANGUAGES}
    )


@cache
def _load_emergency() -> dict[str, Any]:
    return _read("emergency.toml")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((PHRASE_SETS / name).read_text(encoding="utf-8"))
