"""What a text is about: concepts from the lexicon in four languages, and the words left over."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from app.sim.language import (
    LANGUAGES,
    is_arabic,
    is_one_slip,
    letters_speak_for,
    likeness,
    without_attached,
    words,
)

CONCEPT_FILES = ("stay.toml", "amenities.toml", "talk.toml")
_GAP = "..."
_GAP_WORDS = 4
_SHORTEST_TYPO = 5
_WORD_WEIGHT = 0.3
_MOST_WORD_WEIGHT = 0.35
_CLOCK = re.compile(
    r"(?P<before>\b(?:at|by|until|till|before|around|um|bis|gegen|ab|o|do|od|około|الساعة|حتى)\s+)?"
    r"\b(?P<hour>\d{1,2})(?P<minutes>[:.]\d{2})?\s*(?P<half>am|pm|uhr|h)?\b",
    re.IGNORECASE,
)
_NOON = re.compile(r"\bnoon|midday|południe|\bmittags?\b|الظهر", re.IGNORECASE)
_CHECK_IN_FROM = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One thing a text may be about, whatever the language."""

    name: str
    kind: str
    weight: float
    timed: bool
    alone: str | None
    members: tuple[str, ...]
    near: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Term:
    """Words in a row that stand for a concept; `prefix*` and gaps are kept in the words."""

    parts: tuple[str, ...]
    concept: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Every concept, and its terms by first word and by first prefix."""

    concepts: Mapping[str, Concept]
    exact: Mapping[str, tuple[_Term, ...]]
    prefixed: Mapping[str, tuple[_Term, ...]]
    stopwords: Mapping[str, frozenset[str]]
    spelled: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What was perceived in a text."""

    concepts: frozenset[str]
    words: tuple[str, ...]
    votes: Mapping[str, float]

    def of_kind(self, *kinds: str) -> frozenset[str]:
        """Give the concepts of these kinds."""
        known = lexicon().concepts
        return frozenset(name for name in self.concepts if known[name].kind in kinds)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Read the lexicon from the package, once."""
    concepts: dict[str, Concept] = {}
    exact: dict[str, list[_Term]] = {}
    prefixed: dict[str, list[_Term]] = {}
    spelled: set[str] = set()
    for name, entry in _entries():
        concepts[name] = Concept(
            name=name,
            kind=entry["kind"],
            weight=float(entry.get("weight", 1.0)),
            timed=bool(entry.get("timed", False)),
            alone=entry.get("alone"),
            members=tuple(entry.get("all", ())),
            near=tuple(entry.get("near", ())),
        )
        for term in _terms(name, entry):
            first = term.parts[0]
            if first.endswith("*"):
                prefixed.setdefault(first[:-1], []).append(term)
            else:
                exact.setdefault(first, []).append(term)
            spelled.update(part.rstrip("*") for part in term.parts if part != _GAP)
    stopwords = {
        language: frozenset(words(text)) for language, text in read("stopwords.toml").items()
    }
    return Lexicon(
        concepts=concepts,
        exact={first: tuple(terms) for first, terms in exact.items()},
        prefixed={first: tuple(terms) for first, terms in prefixed.items()},
        stopwords=stopwords,
        spelled=frozenset(spelled),
    )


@lru_cache(maxsize=16)
def read(name: str) -> Mapping[str, Any]:
    """Read one file of the lexicon folder."""
    return tomllib.loads((resources.files("app.sim") / "lexicon" / name).read_text("utf-8"))


@lru_cache(maxsize=4096)
def perceive(text: str, *, forgiving: bool = False) -> Features:
    """Give the concepts and remaining words of a text; `forgiving` also reads typing errors."""
    found = words(text)
    if forgiving:
        found = [_spelled_right(word) for word in found]
    concepts, used, votes = _match(found)
    _read_clock(text, concepts)
    _combine(concepts)
    known = lexicon().concepts
    if not any(known[name].kind == "topic" for name in concepts):
        concepts |= {alone for name in concepts if (alone := known[name].alone) is not None}
    rest = []
    for at, word in enumerate(found):
        speaking = [code for code in LANGUAGES if word in lexicon().stopwords[code]]
        for code in speaking:
            votes[code] = votes.get(code, 0.0) + 1.0 / len(speaking)
        if at not in used and not speaking and len(word) > 1 and not word.isdigit():
            rest.append(word)
    return Features(concepts=frozenset(concepts), words=tuple(dict.fromkeys(rest)), votes=votes)


def detect_language(*texts: str, default: str = "en") -> str:
    """Give the language of the first text that tells it: one of `LANGUAGES`."""
    for text in texts:
        if is_arabic(text):
            return "ar"
        votes = dict(perceive(text).votes)
        proven = letters_speak_for(text)
        if proven is not None:
            votes[proven] = votes.get(proven, 0.0) + 3.0
        best = max(LANGUAGES, key=lambda code: votes.get(code, 0.0))
        if sum(value == votes.get(best, 0.0) for value in votes.values()) == 1:
            return best
    return default


def weight_of(name: str) -> float:
    """Give how much a concept counts in a comparison; a courtesy counts nothing."""
    concept = lexicon().concepts[name]
    return concept.weight if concept.kind in {"topic", "attribute", "alarm"} else 0.0


def coverage(
    asked: Features, offered: Mapping[str, float], offered_words: Collection[str]
) -> float:
    """Give the share (0..1) of what is asked that is offered.

    Args:
        asked: the question.
        offered: concept -> how surely it is offered (0..1).
        offered_words: words of the offer beside its concepts.
    """
    total = got = 0.0
    for name in asked.concepts:
        weight = weight_of(name)
        total += weight
        got += weight * _offered(name, offered)
    if asked.words:
        has_topic = total > 0.0
        each = _WORD_WEIGHT
        if has_topic:
            each = min(each, _MOST_WORD_WEIGHT / len(asked.words))
        for word in asked.words:
            total += each
            got += each * max((likeness(word, other) for other in offered_words), default=0.0)
    return got / total if total else 0.0


def _offered(name: str, offered: Mapping[str, float]) -> float:
    direct = offered.get(name, 0.0)
    known = lexicon().concepts
    for near in known[name].near:
        direct = max(direct, 0.6 * offered.get(near, 0.0))
    for other, sure in offered.items():
        if name in known[other].near:
            direct = max(direct, 0.3 * sure)
    return direct


def _entries() -> Iterator[tuple[str, dict[str, str]]]:
    for file in CONCEPT_FILES:
        for name, entry in read(file).items():
            if isinstance(entry, dict):
                yield name, entry


def _terms(name: str, entry: Mapping[str, str]) -> Iterator[_Term]:
    for language in LANGUAGES:
        for phrase in entry.get(language, "").split(","):
            parts: list[str] = []
            for piece in phrase.split():
                if piece == _GAP:
                    parts.append(_GAP)
                    continue
                star = "*" if piece.endswith("*") else ""
                parts += [word + star for word in words(piece)]
            if parts:
                yield _Term(tuple(parts), name, language)


def _match(found: list[str]) -> tuple[set[str], set[int], dict[str, float]]:
    """Give concepts, the places they used, and votes for languages; longer terms come first."""
    hits: list[tuple[tuple[int, ...], _Term]] = []
    for at in range(len(found)):
        for term in _starting_with(found[at]):
            places = _fits(term.parts, found, at)
            if places is not None:
                hits.append((places, term))
    hits.sort(key=lambda hit: (-len(hit[0]), hit[0][0]))
    concepts: set[str] = set()
    owner: dict[int, tuple[int, ...]] = {}
    votes: dict[str, float] = {}
    for places, term in hits:
        if any(owner.get(place, places) != places for place in places):
            continue
        owner.update(dict.fromkeys(places, places))
        concepts.add(term.concept)
        votes[term.language] = votes.get(term.language, 0.0) + 0.5
    return concepts, set(owner), votes


def _starting_with(word: str) -> Iterator[_Term]:
    known = lexicon()
    yield from known.exact.get(word, ())
    for size in range(2, len(word) + 1):
        yield from known.prefixed.get(word[:size], ())


def _fits(parts: tuple[str, ...], found: list[str], at: int) -> tuple[int, ...] | None:
    places: list[int] = []
    reach = 0
    for part in parts:
        if part == _GAP:
            reach = _GAP_WORDS
            continue
        for place in range(at, min(at + reach, len(found) - 1) + 1):
            word = found[place]
            if word == part or (part[-1] == "*" and word.startswith(part[:-1])):
                places.append(place)
                at, reach = place + 1, 0
                break
        else:
            return None
    return tuple(places)


def _read_clock(text: str, concepts: set[str]) -> None:
    """Note that somebody wants in before, or out after, the usual hours."""
    if "question" not in concepts and not text.rstrip().endswith(("?", "؟")):
        return
    hours = [12] if _NOON.search(text) else []
    for found in _CLOCK.finditer(text):
        if found["before"] or found["minutes"] or found["half"]:
            is_afternoon = (found["half"] or "").lower() == "pm" and int(found["hour"]) < 12
            hours.append(int(found["hour"]) + (12 if is_afternoon else 0))
    if "checkin" in concepts and any(5 <= hour < _CHECK_IN_FROM for hour in hours):
        concepts.add("early")
    if "checkout" in concepts and any(hour <= 5 or 12 <= hour <= 20 for hour in hours):
        concepts.add("late")


def _combine(concepts: set[str]) -> None:
    for concept in lexicon().concepts.values():
        if concept.members and concepts.issuperset(concept.members):
            concepts.add(concept.name)
        if concept.members and concept.name in concepts:
            concepts.difference_update(concept.members)


@lru_cache(maxsize=8192)
def _spelled_right(word: str) -> str:
    """Give the word of the lexicon that was probably meant, or the word itself."""
    known = lexicon()
    if word in known.spelled or any(word in listed for listed in known.stopwords.values()):
        return word
    if any(True for _ in _starting_with(word)):
        return word
    bare = without_attached(word)
    if bare is not None and (bare in known.spelled or any(True for _ in _starting_with(bare))):
        return bare
    if len(word) < _SHORTEST_TYPO - 1 or word.isdigit():
        return word
    for right in sorted(known.exact):
        if is_one_slip(word, right) and (
            len(right) >= _SHORTEST_TYPO or _same_letters(word, right)
        ):
            return right
    for prefix in sorted(known.prefixed):
        if _same_letters(word[: len(prefix)], prefix) and is_one_slip(word[: len(prefix)], prefix):
            return prefix
    for prefix in sorted(known.prefixed, key=lambda item: (-len(item), item)):
        if len(prefix) >= _SHORTEST_TYPO and any(
            is_one_slip(word[: len(prefix) + more], prefix) for more in (-1, 0, 1)
        ):
            return prefix
    return word


def _same_letters(word: str, right: str) -> bool:
    return len(word) >= _SHORTEST_TYPO - 1 and sorted(word) == sorted(right)
