"""What a whole message asks, where tested phrases can tell it with certainty and no model.

Pure. The phrases stand in `phrase_sets/facts_*.toml`; a tenant adds its own. A message is certain
only when every word of it belongs to phrases of one action code, to words that may stand around
them, or to pleasantries: anything left over, a second question or a complaint leaves it to a model
or a person.
"""

import re
import tomllib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from app.bots.phrase_patterns import Hit, PhraseIndex, normalise, phrase_lines
from app.errors import BadInput

LANGUAGES = ("en", "pl", "de", "ar")
"""Languages that have a phrase file."""

NO_MESSAGE = "NO_MESSAGE"
"""The action code that leads to silence: thanks, an emoji, a question taken back."""

PHRASE_SETS = Path(__file__).parent / "phrase_sets"

LONGEST_QUESTION = 2000
"""Characters beyond which a message is surely more than one plain question."""

FRIENDLY = ("greetings", "closings", "pleasantries")
"""Blocks of a phrase file whose words ask nothing, in any language."""

UNHAPPY = frozenset(
    "😡🤬😠😤😢😭🤮🤢🆘🚨🔥💧💦❓❔❗‼⁉🤔🤷👎😱😨😰🥵🥶🪳🐜🐀🐁🕷🪲🤕🤒🤧🚒🚑🚓💔🙄😒"
)
"""Signs that are no thanks: alone they are left to a model."""

_NAME = (
    r"(?:(?:Mr|Mrs|Ms|Frau|Herr|Pani|Panie|Pan)\.?\s+)?[A-ZÀ-ÖØ-ÞĄĆĘŁŃÓŚŹŻ][a-zß-öø-ÿąćęłńóśźż]+"
)
_WORD = re.compile(r"[^ .?,]+")
_SENTENCE = re.compile(r"[^.?]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentMatch:
    """What a message asks, as far as phrases can tell."""

    action_code: str
    language: str
    is_certain: bool
    """Whether the answer may be given without asking a model."""
    covers_all: bool
    """Whether the code covers the whole message."""
    phrase: str


class PhraseSets:
    """Phrases of every language and code, ready to be looked for; never changed once made."""

    def __init__(self, blocks: Mapping[str, Iterable[str]], lists: Mapping[str, list[str]]) -> None:
        self._blocks = {tag: tuple(phrases) for tag, phrases in blocks.items()}
        self._lists = dict(lists)
        self._index = PhraseIndex(self._blocks, self._lists)
        self._names = [
            re.compile(
                rf"\b(?i:({self._plain('greetings')}))\s+{_NAME}(?:\s+{_NAME})?(?=\s*[,!.\n]|$)"
            ),
            re.compile(
                rf"\b(?i:({self._plain('closings')}))[\s,!.]+{_NAME}(?:\s+{_NAME})?(?=\s*[,!.]*\s*$)"
            ),
        ]

    def with_tenant(self, additions: Mapping[str, Mapping[str, list[str]]]) -> "PhraseSets":
        """These sets with a tenant's own phrases.

        Args:
            additions: dict of action code -> language -> phrases, in the pattern language of the
                files; lists in braces are those of the language's file.

        Raises:
            BadInput: A language is not known, or a phrase cannot be read.
        """
        blocks = dict(self._blocks)
        for code, by_language in additions.items():
            for language, phrases in by_language.items():
                if language not in LANGUAGES:
                    raise BadInput(
                        f"no phrases can be added in {language!r}: use {', '.join(LANGUAGES)}"
                    )
                tag = f"{language}/code:{code}"
                blocks[tag] = (*blocks.get(tag, ()), *_with_own_lists(phrases, language))
        return PhraseSets(blocks, self._lists)

    def read(self, text: str) -> "_Reading":
        """A message with every phrase found in it."""
        for name in self._names:
            text = name.sub(r"\1", text)
        plain = normalise(text)
        return _Reading(plain, list(self._index.hits(plain)))

    def _plain(self, role: str) -> str:
        phrases = (p for language in LANGUAGES for p in self._blocks[f"{language}/{role}"])
        return "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))


@cache
def load_phrase_sets() -> PhraseSets:
    """The built-in phrases, read once."""
    blocks: dict[str, list[str]] = {}
    lists: dict[str, list[str]] = {}
    for language in LANGUAGES:
        path = PHRASE_SETS / f"facts_{language}.toml"
        file: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        lists |= {
            f"{language}:{name}": phrase_lines(block) for name, block in file["lists"].items()
        }
        for section, prefix in (("message", ""), ("codes", "code:"), ("around_codes", "around:")):
            for name, block in file[section].items():
                blocks[f"{language}/{prefix}{name}"] = _with_own_lists(
                    phrase_lines(block), language
                )
    return PhraseSets(blocks, lists)


def match_intent(text: str, sets: PhraseSets) -> IntentMatch | None:
    """What a message asks, or none where no phrase is in it.

    Args:
        text: The whole message as it came; of a burst, all of it, one message a line.
        sets: Built-in phrases, with the tenant's own where it has some.
    """
    if len(text) > LONGEST_QUESTION:
        return None
    reading = sets.read(text)
    if not reading.words:
        return _match(NO_MESSAGE, "", text.strip(), is_certain=True) if _is_friendly(text) else None
    quiet = reading.silence()
    if quiet:
        return _match(NO_MESSAGE, quiet[0].tag[:2], quiet[0].phrase, is_certain=True)
    asked = [hit for hit in reading.hits if hit.tag[3:].startswith("code:")]
    asked = [hit for hit in asked if not hit.tag.endswith(f":{NO_MESSAGE}")]
    if not asked:
        return None
    whole = {tag for tag in {hit.tag for hit in asked} if reading.is_all_of(tag)}
    certain = [hit for hit in asked if hit.tag in whole]
    if reading.has("complaints") or len({hit.tag[3:] for hit in certain}) != 1:
        longest = max(asked, key=lambda hit: hit.end - hit.start)
        return _match(longest.tag[8:], longest.tag[:2], longest.phrase, is_certain=False)
    best = max(certain, key=lambda hit: (reading.hits_of(hit.tag[:2]), hit.end - hit.start))
    return _match(best.tag[8:], best.tag[:2], best.phrase, is_certain=True)


def is_only_thanks(text: str) -> bool:
    """Whether a message is nothing but thanks, an okay or friendly signs."""
    match = match_intent(text, load_phrase_sets())
    return match is not None and match.action_code == NO_MESSAGE and not retracts(text)


def is_only_greeting(text: str) -> bool:
    """Whether a message is nothing but a greeting: its writer waits to be asked."""
    return load_phrase_sets().read(text).is_greeting()


def retracts(text: str) -> bool:
    """Whether a message takes back what its writer asked just before."""
    reading = load_phrase_sets().read(text)
    return reading.has("retracts") and bool(reading.silence())


def wants_human(text: str) -> bool:
    """Whether a guest asks for a person instead of a machine."""
    reading = load_phrase_sets().read(text)
    return reading.has("wants_human") or reading.has("refuses_robot")


def refuses_robot(text: str) -> bool:
    """Whether a guest does not want a machine at all: a wish that lasts."""
    return load_phrase_sets().read(text).has("refuses_robot")


class _Reading:
    """A normalised message and what was found in it."""

    def __init__(self, plain: str, hits: list[Hit]) -> None:
        self.plain = plain
        self.hits = hits
        self.words = [found.span() for found in _WORD.finditer(plain)]

    @cached_property
    def _friendly(self) -> set[tuple[int, int]]:
        friendly = (*FRIENDLY, f"code:{NO_MESSAGE}")
        return self._words_in(hit for hit in self.hits if hit.tag[3:] in friendly)

    def is_greeting(self) -> bool:
        """Whether it greets, in friendly words alone, and closes nothing ("Hi, thanks!")."""
        greetings = [hit for hit in self.hits if hit.tag[3:] == "greetings"]
        friendly = self._words_in(hit for hit in self.hits if hit.tag[3:] in FRIENDLY)
        closing = [
            quiet
            for quiet in self.silence()
            if not any(hit.start <= quiet.start and quiet.end <= hit.end for hit in greetings)
        ]
        return bool(greetings) and len(friendly) == len(self.words) and not closing

    def has(self, role: str) -> bool:
        return any(hit.tag[3:] == role for hit in self.hits)

    def hits_of(self, language: str) -> int:
        return self._by_language[language]

    @cached_property
    def _by_language(self) -> Counter[str]:
        return Counter(hit.tag[:2] for hit in self.hits)

    def silence(self) -> list[Hit]:
        """The phrases that make the message one to leave unanswered; empty where it is none."""
        if "?" in self.plain:
            return []
        quiet = [hit for hit in self.hits if hit.tag[3:] in (f"code:{NO_MESSAGE}", "retracts")]
        around = [hit for hit in self.hits if hit.tag[3:] == f"around:{NO_MESSAGE}"]
        covered = self._friendly | self._words_in(quiet) | self._words_in(around)
        return quiet if len(covered) == len(self.words) else []

    def is_all_of(self, tag: str) -> bool:
        """Whether each sentence asks for this code, or is mere politeness."""
        language, code = tag[:2], tag[8:]
        around = (f"{language}/around", f"{language}/around:{code}")
        asked = self._words_in(hit for hit in self.hits if hit.tag == tag)
        covered = asked | self._friendly
        covered |= self._words_in(hit for hit in self.hits if hit.tag in around)
        if len(covered) < len(self.words):
            return False
        return all(words & asked or words <= self._friendly for words in self._sentences())

    def _sentences(self) -> Iterator[set[tuple[int, int]]]:
        for sentence in _SENTENCE.finditer(self.plain):
            start, end = sentence.span()
            yield set(self._within(start, end))

    def _words_in(self, hits: Iterable[Hit]) -> set[tuple[int, int]]:
        return {
            word
            for hit in hits
            for word in self._within(hit.start, hit.end)
            if not _is_in_gap(word, hit)
        }

    def _within(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The words of a stretch; only they are looked at, however long the message is."""
        for at in range(bisect_left(self.words, (start, start)), len(self.words)):
            if self.words[at][1] > end:
                return
            yield self.words[at]


def _is_in_gap(word: tuple[int, int], hit: Hit) -> bool:
    return any(start <= word[0] and word[1] <= end for start, end in hit.gaps)


def _is_friendly(text: str) -> bool:
    signs = [c for c in text if not c.isspace() and c not in ".,!️‍"]
    return bool(signs) and all(ord(c) > 0x2000 and c not in UNHAPPY for c in signs)


def _match(code: str, language: str, phrase: str, *, is_certain: bool) -> IntentMatch:
    return IntentMatch(
        action_code=code,
        language=language or LANGUAGES[0],
        is_certain=is_certain,
        covers_all=is_certain,
        phrase=phrase,
    )


def _with_own_lists(phrases: Iterable[str], language: str) -> list[str]:
    return [phrase.replace("{", "{" + language + ":") for phrase in phrases]
