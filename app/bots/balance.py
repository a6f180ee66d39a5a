"""Whether the Mustache sections of a template close on every way through its conditions; pure.

A section may open in one condition and close in a later one, if both hang on the same words:
`<% if (a) { %>{{#b}}<% } %> … <% if (a) { %>{{/b}}<% } %>`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from app.bots.conditionals import Branch, If, Node, Text
from app.bots.expression import Expression, Not
from app.bots.mustache_layout import Run, Tag, tags_in
from app.bots.position import excerpt, refusal

MAX_SECTIONS: Final = 32
"""How deep sections may stand in each other."""

MAX_WAYS: Final = 64
"""How many ways through conditions that leave sections open are followed at once."""

MAX_STEPS: Final = 20_000
"""How many pieces of text and conditions are looked at before the template counts as tangled."""

_SECTIONS: Final = ("#", "^", "/")
_SECTION = re.compile(r"\{\{[^}]*?[#^/]")
_TANGLED: Final = "too many sections reach across conditions; close each where it was opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A section that is open; two of one name count as the same."""

    name: str
    offset: int = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One way to get here: the sections open, innermost last, and which conditions held."""

    sections: tuple[_Open, ...] = ()
    held: frozenset[tuple[str, bool]] = frozenset()


def check(nodes: Iterable[Node], whole: str) -> None:
    """Accepts `nodes`, the tree of the template `whole`.

    Raises:
        BadInput: some choice of branches leaves a section open, or closes one that is not.
    """
    for way in _Walk(whole).through(nodes, [_Way()]):
        if way.sections:
            left = way.sections[-1]
            name = excerpt(left.name)
            hint = f"section {name} is not closed on every way; end it with {{{{/{name}}}}}"
            raise refusal(whole, left.offset, hint)


class _Walk:
    """Follows the ways through the template `whole`."""

    def __init__(self, whole: str) -> None:
        self._whole = whole
        self._steps = 0
        self._known: dict[int, bool] = {}

    def through(self, nodes: Iterable[Node], ways: list[_Way]) -> list[_Way]:
        """The ways as they are after `nodes`."""
        for node in nodes:
            self._steps += len(ways)
            if isinstance(node, Text):
                ways = self._after_text(node, ways)
            elif isinstance(node, If):
                ways = _distinct(each for way in ways for each in self._after_if(node, way))
            if len(ways) > MAX_WAYS or self._steps > MAX_STEPS:
                raise refusal(self._whole, node.offset, _TANGLED)
        return ways

    def _after_text(self, node: Text, ways: list[_Way]) -> list[_Way]:
        tokens = tags_in(Run(node.text, node.offset), self._whole)
        tags = [token for token in tokens if isinstance(token, Tag) and token.kind in _SECTIONS]
        return _distinct(self._after_tags(tags, way) for way in ways) if tags else ways

    def _after_tags(self, tags: list[Tag], way: _Way) -> _Way:
        sections = list(way.sections)
        for tag in tags:
            if tag.kind == "/":
                self._close(tag, sections)
                continue
            if len(sections) == MAX_SECTIONS:
                hint = f"sections are nested deeper than {MAX_SECTIONS}; take some apart"
                raise refusal(self._whole, tag.offset, hint)
            sections.append(_Open(name=tag.name, offset=tag.offset))
        return _Way(sections=tuple(sections), held=way.held)

    def _close(self, tag: Tag, sections: list[_Open]) -> None:
        name = excerpt(tag.name)
        if not sections:
            hint = f"section {name} is not open here on every way; open it with {{{{#{name}}}}}"
            raise refusal(self._whole, tag.offset, hint)
        innermost = excerpt(sections[-1].name)
        if sections.pop().name != tag.name:
            hint = f"section {innermost} is still open here; write {{{{/{innermost}}}}} first"
            raise refusal(self._whole, tag.offset, hint)

    def _after_if(self, node: If, way: _Way) -> list[_Way]:
        """Where the branches lead; `way` itself if all leave the sections as they were."""
        if not self._has_sections(node):
            return [way]
        ends: list[_Way] = []
        for nodes, held in _branches(node.branches, node.otherwise, way.held):
            ends += self.through(nodes, [_Way(sections=way.sections, held=held)])
        if all(end.sections == way.sections for end in ends):
            return [way]
        return ends

    def _has_sections(self, node: If) -> bool:
        """Whether a section may open or close anywhere within a condition."""
        if (known := self._known.get(id(node))) is None:
            branches = (*(branch.nodes for branch in node.branches), node.otherwise)
            inner = [each for nodes in branches for each in nodes]
            known = self._known[id(node)] = any(
                _SECTION.search(each.text) if isinstance(each, Text) else self._has_sections(each)
                for each in inner
                if isinstance(each, Text | If)
            )
        return known


def _branches(
    branches: tuple[Branch, ...], otherwise: tuple[Node, ...], held: frozenset[tuple[str, bool]]
) -> Iterator[tuple[tuple[Node, ...], frozenset[tuple[str, bool]]]]:
    """The branches that can be taken when `held`, each with what then holds."""
    for branch in branches:
        words, when_met = _words(branch.condition)
        if (words, not when_met) not in held:
            yield branch.nodes, held | {(words, when_met)}
        if (words, when_met) in held:
            return
        held |= {(words, not when_met)}
    yield otherwise, held


def _words(condition: Expression) -> tuple[str, bool]:
    """A condition's words without its outer `!`, and whether they are true when it is met."""
    is_positive = True
    while isinstance(condition, Not):
        condition, is_positive = condition.of, not is_positive
    return repr(condition), is_positive


def _distinct(ways: Iterable[_Way]) -> list[_Way]:
    return list(dict.fromkeys(ways))
