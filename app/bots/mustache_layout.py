"""The inner layer of a template, Mustache, read and laid out as a tree to fill; pure.

Lines that hold nothing but sections or comments vanish, as in mustache.js. Values that EJS printed
take part in that by the space around them alone: what they say is never looked at, so it can
neither become a tag nor end one, and a layout holds no guest data.

Source: mustache.js 4.2.0, measured by `bench/semantics/template`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from app.bots.javascript import WHITESPACE
from app.bots.js_methods import EVERY_OBJECTS
from app.bots.position import excerpt, refusal

_KINDS: Final = "#^/>{&=!"


class Run(NamedTuple):
    """Operator's text without EJS tags, and where it starts in the template."""

    text: str
    offset: int


class Printed(NamedTuple):
    """The shape of a value that EJS printed: all that the layout may know of guest data."""

    before: str
    """The space it starts with; all of it, if it is nothing but space."""
    is_solid: bool
    """Whether there is anything but space."""
    has_lines: bool
    """Whether a line end stands inside the solid part."""
    after: str
    """The space it ends with."""


class Tag(NamedTuple):
    """A Mustache tag: its kind (`#`, `^`, `/`, `!`, or `` for a variable), name and place."""

    kind: str
    name: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`{{name}}`."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`{{#name}}…{{/name}}`, or with `^` when inverted."""

    name: str
    offset: int
    is_inverted: bool
    parts: tuple["Part", ...]


Part = str | int | Variable | Section
"""Plain text, the number of a printed value, or something to look up."""


def shape_of(printed: str) -> tuple[Printed, str]:
    """The shape of a printed value, and its solid part."""
    solid = printed.strip(WHITESPACE)
    if not solid:
        return Printed(printed, is_solid=False, has_lines=False, after=""), ""
    start = printed.index(solid)
    after = printed[start + len(solid) :]
    return Printed(printed[:start], is_solid=True, has_lines="\n" in solid, after=after), solid


def tags_in(run: Run, whole: str) -> Iterator[str | Tag]:
    """The text and tags of `run`, in order; `whole` is the template, for the places of errors.

    Raises:
        BadInput: a tag is unclosed, empty, or of a kind that is not known here.
    """
    text = run.text
    position = 0
    while (opening := text.find("{{", position)) >= 0:
        if opening > position:
            yield text[position:opening]
        tag, position = _tag_at(text, opening, run.offset, whole)
        yield tag
    if position < len(text):
        yield text[position:]


def lay_out(runs: Sequence[Run | Printed], whole: str) -> tuple[Part, ...]:
    """`runs` as a tree to fill; lines that hold nothing but sections or comments are gone.

    The sections must be balanced: `balance.check` has seen to that when the template was compiled.
    """
    lines = _Lines()
    for run in runs:
        if isinstance(run, Printed):
            lines.add_printed(run)
            continue
        for token in tags_in(run, whole):
            if isinstance(token, str):
                lines.add_text(token)
            else:
                lines.add_tag(token)
    return _nested(lines.finish())


def _tag_at(text: str, opening: int, base: int, whole: str) -> tuple[Tag, int]:
    """The tag at `opening` and where the text goes on after it."""
    start = _past_space(text, opening + 2)
    kind = text[start] if start < len(text) and text[start] in _KINDS else ""
    start = _past_space(text, start + len(kind))
    ending = "}}}" if kind == "{" else "}}"
    end = text.find(ending, start)
    offset = base + opening
    if end < 0:
        hint = f"this {{{{{kind} is not closed; end it with {ending} before the next <% tag"
        raise refusal(whole, offset, hint)
    name = text[start:end].rstrip(WHITESPACE)
    if kind != "!":
        _check(kind, name, offset, whole)
    return Tag("" if kind in ("{", "&") else kind, name, offset), end + len(ending)


def _check(kind: str, name: str, offset: int, whole: str) -> None:
    if kind == ">":
        raise refusal(whole, offset, "{{> partials are not known here; write the text itself")
    if kind == "=":
        raise refusal(whole, offset, "{{= delimiters cannot be changed; keep {{ and }}")
    if not name:
        raise refusal(whole, offset, "nothing stands between the braces; write a variable's name")
    if "{" in name or "}" in name:
        hint = f"`{excerpt(name)}` is no name; is a brace too many, or the tag before not closed?"
        raise refusal(whole, offset, hint)
    for part in name.split("."):
        if part in EVERY_OBJECTS:
            hint = f"{part} is a word of JavaScript's own; no variable can be called so"
            raise refusal(whole, offset, hint)


def _past_space(text: str, start: int) -> int:
    while start < len(text) and text[start] in WHITESPACE:
        start += 1
    return start


class _Lines:
    """Gathers text and tags, and takes the space off lines that have only silent tags."""

    def __init__(self) -> None:
        self._items: list[str | int | Tag] = []
        self._blanks: list[int] = []
        self._has_tag = False
        self._is_solid = False
        self._printed = 0

    def add_text(self, text: str) -> None:
        """Adds text that stands outside all tags."""
        *ended, rest = text.split("\n")
        for line in ended:
            self._add_fragment(line + "\n")
            self._end_line()
        if rest:
            self._add_fragment(rest)

    def add_tag(self, tag: Tag) -> None:
        """Adds a tag; a variable keeps its line, the others are silent."""
        self._has_tag = True
        self._is_solid = self._is_solid or not tag.kind
        self._items.append(tag)

    def add_printed(self, printed: Printed) -> None:
        """Adds the place of the next printed value."""
        self.add_text(printed.before)
        if printed.is_solid:
            self._is_solid = True
            self._items.append(self._printed)
            if printed.has_lines:
                self._end_line()
                self._is_solid = True
        self._printed += 1
        self.add_text(printed.after)

    def finish(self) -> list[str | int | Tag]:
        """All of it, in order."""
        self._end_line()
        return self._items

    def _add_fragment(self, fragment: str) -> None:
        if fragment.strip(WHITESPACE):
            self._is_solid = True
        else:
            self._blanks.append(len(self._items))
        self._items.append(fragment)

    def _end_line(self) -> None:
        if self._has_tag and not self._is_solid:
            for index in self._blanks:
                self._items[index] = ""
        self._blanks.clear()
        self._has_tag = self._is_solid = False


def _nested(items: Sequence[str | int | Tag]) -> tuple[Part, ...]:
    """`items` with every section holding what stands inside it, and neighbouring texts joined."""
    levels: list[list[Part]] = [[]]
    opened: list[Tag] = []
    for is_text, group in groupby(items, key=_is_text):
        if is_text:
            text = "".join(item for item in group if isinstance(item, str))
            levels[-1] += [text] if text else []
            continue
        for item in group:
            if isinstance(item, int):
                levels[-1].append(item)
            elif isinstance(item, Tag):
                _nest(item, levels, opened)
    return tuple(levels[0])


def _is_text(item: str | int | Tag) -> bool:
    return isinstance(item, str)


def _nest(tag: Tag, levels: list[list[Part]], opened: list[Tag]) -> None:
    if tag.kind in ("#", "^"):
        opened.append(tag)
        levels.append([])
    elif tag.kind == "/":
        levels[-2].append(_section(opened.pop(), levels.pop()))
    elif not tag.kind:
        levels[-1].append(Variable(name=tag.name, offset=tag.offset))


def _section(tag: Tag, parts: list[Part]) -> Section:
    is_inverted = tag.kind == "^"
    return Section(name=tag.name, offset=tag.offset, is_inverted=is_inverted, parts=tuple(parts))
