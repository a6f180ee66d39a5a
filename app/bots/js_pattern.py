r"""The tree of a JavaScript regular expression; pure.

Reads what JavaScript reads, the lenient rules of patterns without the `u` flag included: there `\8`
is an 8, `\7` the character of that octal number and a lone `\c` a backslash, where no group of that
number or name exists. Refused, because nothing here could answer for them: references to groups
(`\1`, `\k<name>`) and `\p{…}` of anything but a general category.
"""

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from app.bots import js_characters
from app.bots.js_characters import Ranges
from app.bots.js_values import utf16_units
from app.errors import BadInput

MOST_REPEATS: Final = 500
"""Largest count in `{n,m}`; larger ones would make too large a search."""
_DEEPEST_GROUP: Final = 30
_QUANTIFIER: Final = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_GROUP_NAME: Final = re.compile(r"\(\?<([^>]*)>")
_HEX: Final = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")
_PAIR: Final = re.compile(r"u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_ZERO: Final = re.compile(r"0[0-7]{0,2}")
_OCTAL: Final = re.compile(r"[1-3][0-7]{0,2}|[4-7][0-7]?")
_REFERENCE: Final = re.compile(r"[1-9][0-9]*")
_DIGIT_PAIR: Final = re.compile(r"[0-9]{2}")
_CONTROL: Final = re.compile(r"c([a-zA-Z])")
_CLASS_CONTROL: Final = re.compile(r"c([0-9_])")
_OPENING: Final = re.compile(r"\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]?|\((?:\?<(?![=!])|(?!\?))")
"""What is skipped, and the openings of groups that count."""
_BRACED: Final = re.compile(r"u\{([0-9a-fA-F]{1,12})\}")
_PROPERTY: Final = re.compile(r"[pP]\{([^}]*)\}")
_CATEGORY: Final = re.compile(r"L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?")
_CONTROLS: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_SYNTAX: Final = "^$\\.*+?()[]{}|/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Characters:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """All parts, one after another; none means the empty text."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Any one of the options."""

    options: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The body at least and at most so often; `most` is `None` for no end."""

    body: "Node"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A place between characters: `start end line_start line_end word_edge no_word_edge`."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A place where the body matches (or not) onwards, or backwards."""

    body: "Node"
    is_ahead: bool
    is_negated: bool


Node = Characters | Sequence | Choice | Repeat | Edge | Look


def parse_pattern(pattern: str, flags: str, *, place: str) -> Node:
    """The tree of a pattern.

    Raises:
        BadInput: The pattern is no JavaScript, or nothing we can search for.
    """
    return _Parser(pattern, flags, place).whole()


class _Parser:
    def __init__(self, pattern: str, flags: str, place: str) -> None:
        self._is_unicode = "u" in flags
        self._flags = flags
        self._text = pattern if self._is_unicode else utf16_units(pattern)
        self._place = place
        self._at = 0
        self._depth = 0
        self._names: set[str] = set()
        openings = [found for found in _OPENING.findall(self._text) if found[0] == "("]
        self._groups = len(openings)
        self._has_names = "(?<" in openings
        folds = self._is_unicode and "i" in flags
        self._word = js_characters.FOLDED_WORD if folds else js_characters.WORD

    def whole(self) -> Node:
        tree = self._choice()
        if self._at < len(self._text):
            self._refuse("has a ) without its (")
        return tree

    def _refuse(self, fault: str) -> NoReturn:
        raise BadInput(f"{self._place}: the expression {fault} (position {self._at})")

    def _take(self, wanted: str) -> bool:
        if self._text.startswith(wanted, self._at):
            self._at += len(wanted)
            return True
        return False

    def _take_match(self, wanted: re.Pattern[str]) -> re.Match[str] | None:
        found = wanted.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _next(self) -> str:
        if self._at >= len(self._text):
            self._refuse("ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _characters(self, ranges: Ranges) -> Characters:
        if "i" in self._flags:
            ranges = js_characters.with_cases(ranges, is_unicode=self._is_unicode)
        return Characters(ranges=ranges)

    def _choice(self) -> Node:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(options=tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            part = self._term()
            counts = self._counts()
            if counts:
                self._check_repeatable(part)
                part = Repeat(body=part, least=counts[0], most=counts[1])
            parts.append(part)
        return Sequence(parts=tuple(parts))

    def _check_repeatable(self, part: Node) -> None:
        lenient = isinstance(part, Look) and part.is_ahead and not self._is_unicode
        if isinstance(part, Edge | Look) and not lenient:
            self._refuse("repeats something that is only a place")

    def _counts(self) -> tuple[int, int | None] | None:
        counts: tuple[int, int | None]
        if found := self._take_match(_QUANTIFIER):
            least = int(found[1])
            most = least if not found[2] else (int(found[3]) if found[3] else None)
            if most is not None and most < least:
                self._refuse("counts downwards in {n,m}")
            if max(least, most or 0) > MOST_REPEATS:
                self._refuse(f"repeats more than {MOST_REPEATS} times; use * or +")
            counts = (least, most)
        elif self._take("*"):
            counts = (0, None)
        elif self._take("+"):
            counts = (1, None)
        elif self._take("?"):
            counts = (0, 1)
        else:
            return None
        self._take("?")
        return counts

    def _term(self) -> Node:
        character = self._next()
        match character:
            case "^":
                return Edge(kind="line_start" if "m" in self._flags else "start")
            case "$":
                return Edge(kind="line_end" if "m" in self._flags else "end")
            case "(":
                return self._group()
            case ".":
                ends = js_characters.LINE_ENDS
                dot = js_characters.complement(ends)
                return Characters(ranges=js_characters.ANY if "s" in self._flags else dot)
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                self._refuse("has nothing to repeat")
        if character in "{}]":
            self._check_brace(character)
        return self._characters(js_characters.from_text(character))

    def _check_brace(self, character: str) -> None:
        if self._is_unicode:
            self._refuse(f"has a lone {character}; write \\{character}")
        if character == "{" and _QUANTIFIER.match(self._text, self._at - 1):
            self._refuse("has nothing to repeat")

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST_GROUP:
            self._refuse(f"nests groups deeper than {_DEEPEST_GROUP}")
        look = None
        self._at -= 1
        for opening in ("(?=", "(?!", "(?<=", "(?<!"):
            if self._take(opening):
                look = opening
                break
        else:
            if not self._take("(?:"):
                self._name()
        body = self._choice()
        if not self._take(")"):
            self._refuse("has a ( without its )")
        self._depth -= 1
        if look is None:
            return Sequence(parts=(body,))
        return Look(body=body, is_ahead="<" not in look, is_negated="!" in look)

    def _name(self) -> None:
        found = self._take_match(_GROUP_NAME)
        if not found:
            self._at += 1
            if self._take("?"):
                self._refuse("has a group JavaScript does not know")
            return
        name = found[1]
        if not name.replace("$", "_").isidentifier() or name in self._names:
            self._refuse("has a group with a bad name or with a name given twice")
        self._names.add(name)

    def _escape(self) -> Node:
        if self._take("b"):
            return Edge(kind="word_edge")
        if self._take("B"):
            return Edge(kind="no_word_edge")
        return self._characters(self._escaped(in_class=False))

    def _class(self) -> Node:
        is_negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            first = self._class_member()
            if not self._text.startswith("-", self._at) or self._text.startswith("-]", self._at):
                ranges += first
                continue
            self._at += 1
            last = self._class_member()
            if _is_single(first) and _is_single(last):
                if last[0][0] < first[0][0]:
                    self._refuse("has a range that runs downwards")
                ranges.append((first[0][0], last[0][0]))
            elif self._is_unicode:
                self._refuse("has a range that does not end in characters")
            else:
                ranges += [*first, *last, (ord("-"), ord("-"))]
        found = self._characters(js_characters.united(ranges))
        if is_negated:
            return Characters(ranges=js_characters.complement(found.ranges))
        return found

    def _class_member(self) -> Ranges:
        character = self._next()
        if character == "\\":
            return self._escaped(in_class=True)
        return ((ord(character), ord(character)),)

    def _escaped(self, *, in_class: bool) -> Ranges:
        if self._is_unicode and (found := self._take_match(_PROPERTY)):
            return self._property(found[0][0] == "P", found[1])
        if (code := self._coded()) is not None:
            return ((code, code),)
        character = self._next()
        sets = {"d": js_characters.DIGITS, "w": self._word, "s": js_characters.SPACE}
        if character in sets:
            return sets[character]
        if character.lower() in sets and character.isupper():
            return js_characters.complement(sets[character.lower()])
        if character == "b" and in_class:
            return ((8, 8),)
        if character in _CONTROLS:
            return ((_CONTROLS[character], _CONTROLS[character]),)
        if character in "123456789ck":
            return self._lenient(character, in_class=in_class)
        if self._is_unicode and character not in (_SYNTAX + "-" if in_class else _SYNTAX):
            self._refuse(f"has \\{character}, which the u flag does not allow")
        return ((ord(character), ord(character)),)

    def _lenient(self, character: str, *, in_class: bool) -> Ranges:
        """What a number, `c` or `k` behind a backslash means where it refers to no group."""
        self._at -= 1
        number = _REFERENCE.match(self._text, self._at)
        is_reference = number is not None and not in_class and int(number[0][:4]) <= self._groups
        if self._is_unicode or is_reference or (character == "k" and self._has_names):
            self._refuse(f"uses \\{character}, which is not available; write out what is meant")
        if character == "c":
            control = self._take_match(_CLASS_CONTROL) if in_class else None
            code = ord(control[1]) % 32 if control else ord("\\")
            return ((code, code),)
        if found := self._take_match(_OCTAL):
            return ((int(found[0], 8), int(found[0], 8)),)
        self._at += 1
        return ((ord(character), ord(character)),)

    def _coded(self) -> int | None:
        if self._is_unicode and (pair := self._take_match(_PAIR)):
            high, low = int(pair[1], 16), int(pair[2], 16)
            return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        if found := self._take_match(_HEX):
            return int(found[1] or found[2], 16)
        if self._is_unicode and (braced := self._take_match(_BRACED)):
            if int(braced[1], 16) > 0x10FFFF:
                self._refuse("names a character beyond \\u{10FFFF}")
            return int(braced[1], 16)
        if zero := self._take_match(_ZERO):
            if self._is_unicode and _DIGIT_PAIR.match(self._text, zero.start()):
                self._refuse("has an octal escape; write \\x00")
            return int(zero[0], 8)
        if found := self._take_match(_CONTROL):
            return ord(found[1]) % 32
        return None

    def _property(self, is_negated: bool, name: str) -> Ranges:
        if not _CATEGORY.fullmatch(name):
            self._refuse("uses \\p{…} with something else than a category such as L, Lu or Nd")
        found = js_characters.category(name)
        return js_characters.complement(found) if is_negated else found


def _is_single(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]
