"""Words of several languages that stand for concepts, and where in a message they are.

Pure. A word file holds, for each concept ("water", "comes through", "cannot"), the words of its
language, entries parted by commas:

    word          the word, whatever its case, accents, doubled letters or apostrophes
    word* *word   the word with any ending, any beginning (both: anywhere in a word)
    ~word         Arabic: a verb's stem, in any person, tense and dialect
    a|b           one or the other; no_one is two words as one choice
    word?         the word may be left out
    ..            up to three words of any kind, in the same sentence
    {concept}     any single word of that concept
    ^  $  ?       here a sentence begins, ends, ends with a question mark (alone; or `word|?`)
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from app.bots.arabic import is_arabic, nouns_in, verbs_in
from app.bots.phrase_patterns import normalise, phrase_lines
from app.errors import BadInput

GAP_WORDS = 3
"""Words that `..` may stand for at most."""

SENTENCE_STEP = 3
"""How many words further apart a sentence's end makes two words."""

_SIGNS = frozenset("^$?")


class Place(NamedTuple):
    """One place of a message where words stand for a concept."""

    start: int
    """Number of the first word."""
    end: int
    """Number of the word after the last."""
    concept: str
    language: str
    entry: str
    """As the word file has it."""


@lru_cache(maxsize=1024)
def plain_words(text: str) -> tuple[str, ...]:
    """The words of a text without sentences, in the spelling that is compared."""
    return tuple(normalise(text, keeps_doubles=True)[3:].split())


class Message:
    """A message as words, with its sentences."""

    __slots__ = ("after_comma", "asks", "at", "sentence", "starts", "words")

    def __init__(
        self, text: str, parts: Callable[[str], Iterable[str]] = lambda word: (word,)
    ) -> None:
        """Read a text.

        Args:
            text: As it came.
            parts: Takes a normalised word apart, or mends it.
        """
        self.words: list[str] = []
        self.sentence: list[int] = []
        """Number of the sentence of each word."""
        self.at: list[int] = []
        """Where each word stands, sentence ends counted as several words."""
        self.starts: list[int] = [0]
        """Number of the first word of each sentence."""
        self.asks: list[bool] = [False]
        self.after_comma: set[int] = set()
        for piece in normalise(text, keeps_doubles=True).split():
            if piece == ",":
                self.after_comma.add(len(self.words))
            elif piece in (".", "?"):
                if self.starts[-1] < len(self.words):
                    self.asks[-1] = piece == "?"
                    self.starts.append(len(self.words))
                    self.asks.append(False)
            else:
                number = len(self.starts) - 1
                for word in parts(piece):
                    self.sentence.append(number)
                    self.at.append(len(self.words) + SENTENCE_STEP * number)
                    self.words.append(word)

    def sentence_end(self, word: int) -> int:
        """Number of the word after the sentence in which a word stands."""
        following = self.sentence[word] + 1
        return self.starts[following] if following < len(self.starts) else len(self.words)

    def sentence_start(self, word: int) -> int:
        """Number of the first word of the sentence in which a word stands."""
        return self.starts[self.sentence[word]]


@dataclass(frozen=True, slots=True)
class _Element:
    numbers: frozenset[int] = frozenset()
    """Patterns of one word, of which one must fit."""
    longer: tuple[tuple[int, ...], ...] = ()
    """Or patterns of several words in a row."""
    is_optional: bool = False
    may_ask: bool = False
    """Or nothing, where the sentence ends with a question mark: `word|?`."""
    sign: str = ""
    """`..`, `^`, `$` or `?`, which are no words."""


@dataclass(frozen=True, slots=True)
class _Entry:
    concept: str
    language: str
    text: str
    elements: tuple[_Element, ...]
    needed: tuple[frozenset[int], ...]
    """Of each of these a message must have a pattern, wherever it is."""


class Lexicon:
    """Entries of every language, ready to be looked for."""

    def __init__(self, files: Mapping[str, Mapping[str, str]]) -> None:
        self._words = _WordPatterns()
        self._single: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        self._longer: dict[int, list[_Entry]] = defaultdict(list)
        for language, concepts in files.items():
            split = {name: list(entries(block)) for name, block in concepts.items()}
            for name, texts in split.items():
                for text in texts:
                    self._add(name, language, text, split)
        self.of_word = lru_cache(maxsize=8192)(self._words.of)

    def vocabulary(self) -> frozenset[str]:
        """Every whole word of the entries, normalised."""
        return frozenset(self._words.exact)

    def find(self, message: Message) -> Iterator[Place]:
        """Every place of every entry."""
        numbers = [self.of_word(word) for word in message.words]
        present = {number for here in numbers for number in here}
        longer = {
            number: [e for e in entries if not any(map(present.isdisjoint, e.needed))]
            for number in present
            if (entries := self._longer.get(number))
        }
        for at, here in enumerate(numbers):
            for number in here:
                for concept, language, text in self._single.get(number, ()):
                    yield Place(at, at + 1, concept, language, text)
                for entry in longer.get(number, ()):
                    end = _match(entry.elements, at, message, numbers)
                    if end is not None:
                        yield Place(at, end, entry.concept, entry.language, entry.text)

    def _add(
        self, concept: str, language: str, text: str, concepts: Mapping[str, list[str]]
    ) -> None:
        elements = tuple(self._element(part, text, concepts) for part in text.split())
        if len(elements) == 1 and not elements[0].longer and elements[0].numbers:
            for number in elements[0].numbers:
                self._single[number].append((concept, language, text))
            return
        begins = elements
        needed = tuple(
            element.numbers.union(choice[0] for choice in element.longer)
            for element in elements[1:]
            if not (element.sign or element.is_optional or element.may_ask)
        )
        while begins and begins[0].is_optional:
            self._index(_Entry(concept, language, text, begins, needed))
            begins = begins[1:]
        self._index(_Entry(concept, language, text, begins, needed))

    def _index(self, entry: _Entry) -> None:
        first = next((element for element in entry.elements if element.sign != "^"), None)
        if first is None or first.sign:
            raise BadInput(f"the entry {entry.text!r} of {entry.concept!r} must begin with a word")
        for number in {*first.numbers, *(choice[0] for choice in first.longer)}:
            self._longer[number].append(entry)

    def _element(self, part: str, text: str, concepts: Mapping[str, list[str]]) -> _Element:
        if part in _SIGNS or part == "..":
            return _Element(sign=part)
        choices: set[tuple[int, ...]] = set()
        may_ask = part.endswith("|?")
        for choice in part.removesuffix("|?").removesuffix("?").split("|"):
            if not choice.startswith("{"):
                choices.add(self._words.numbers(choice))
            elif choice[1:-1] in concepts:
                words = (each for each in concepts[choice[1:-1]] if not {" ", "{"} & {*each})
                choices |= {self._words.numbers(w) for each in words for w in each.split("|")}
            else:
                raise BadInput(f"the entry {text!r} names an unknown concept {choice}")
        return _Element(
            numbers=frozenset(choice[0] for choice in choices if len(choice) == 1),
            longer=tuple(choice for choice in sorted(choices) if len(choice) > 1),
            is_optional=part.endswith("?") and not may_ask,
            may_ask=may_ask,
        )


def entries(block: str) -> Iterator[str]:
    """The entries of a block of a word file: parted by commas or lines, without notes."""
    for line in phrase_lines(block):
        yield from filter(None, (" ".join(entry.split()) for entry in line.split(",")))


class _WordPatterns:
    """Numbered patterns of single words, and which of them a word fits."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.exact: dict[str, list[int]] = defaultdict(list)
        self._verbs: dict[str, list[int]] = defaultdict(list)
        self._starts: dict[str, list[int]] = defaultdict(list)
        self._ends: dict[str, list[int]] = defaultdict(list)
        self._within: list[tuple[str, int]] = []

    def numbers(self, choice: str) -> tuple[int, ...]:
        """The numbers of a choice: of one pattern, or of several words in a row.

        Raises:
            BadInput: it holds no word, or a stray sign.
        """
        words = plain_words(choice.strip("*~").replace("_", " "))
        if not words or not all(word.isalnum() for word in words):
            raise BadInput(f"{choice!r} is no word")
        if len(words) == 1:
            return (self._number(choice, words[0]),)
        tail = "*" if choice.endswith("*") else ""
        return (
            *(self._number(word, word) for word in words[:-1]),
            self._number(words[-1] + tail, words[-1]),
        )

    def _number(self, pattern: str, stem: str) -> int:
        kind = ("*" if pattern.startswith("*") else "") + ("*" if pattern.endswith("*") else "|")
        key = f"{kind}{'~' if pattern.startswith('~') else ''}{stem}"
        if key in self._numbers:
            return self._numbers[key]
        number = self._numbers[key] = len(self._numbers)
        if pattern.startswith("~"):
            self._verbs[stem].append(number)
        elif pattern.startswith("*") and pattern.endswith("*"):
            self._within.append((stem, number))
        elif pattern.startswith("*"):
            self._ends[stem].append(number)
        elif pattern.endswith("*"):
            self._starts[stem].append(number)
        else:
            self.exact[stem].append(number)
        return number

    def of(self, word: str) -> tuple[int, ...]:
        """The numbers of all patterns that a normalised word fits."""
        found = set(self.exact.get(word, ()))
        forms: Iterable[str] = (word,)
        if is_arabic(word):
            forms = nouns_in(word)
            for form in forms:
                found.update(self.exact.get(form, ()))
            for form in verbs_in(word):
                found.update(self._verbs.get(form, ()))
        for form in {word, *forms}:
            for length in range(2, len(form) + 1):
                found.update(self._starts.get(form[:length], ()))
        for cut in range(len(word) - 1):
            found.update(self._ends.get(word[cut:], ()))
        found.update(number for stem, number in self._within if stem in word)
        return tuple(sorted(found))


def _match(
    elements: tuple[_Element, ...], at: int, message: Message, numbers: list[tuple[int, ...]]
) -> int | None:
    """Where an entry that begins at a word ends; none where it does not fit."""
    end = message.sentence_end(at)

    def is_gap(element: int) -> bool:
        return elements[element].sign == ".."

    def fits(element: int, word: int) -> int | None:
        if element == len(elements):
            return word
        this = elements[element]
        if not this.sign and word > at and word in message.after_comma and not is_gap(element - 1):
            return fits(element + 1, word) if this.is_optional else None
        ends = _ends_of(this, word, end, message, numbers)
        return next((f for e in ends if (f := fits(element + 1, e)) is not None), None)

    return fits(0, at)


def _ends_of(
    element: _Element, word: int, end: int, message: Message, numbers: list[tuple[int, ...]]
) -> Iterator[int]:
    """After which words an element may end that begins at a word."""
    match element.sign:
        case "^":
            is_there = word == message.starts[message.sentence[word]]
        case "$":
            is_there = word == end
        case "?":
            is_there = message.asks[message.sentence[word - 1]]
        case "..":
            yield from range(word, min(word + GAP_WORDS, end) + 1)
            return
        case _:
            if word < end and not element.numbers.isdisjoint(numbers[word]):
                yield word + 1
            for row in element.longer:
                after = word + len(row)
                if after <= end and all(n in numbers[word + i] for i, n in enumerate(row)):
                    yield after
            is_there = element.is_optional or (
                element.may_ask and message.asks[message.sentence[word - 1]]
            )
    if is_there:
        yield word
