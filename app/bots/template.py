"""The door of operators' templates: EJS conditions around Mustache variables; pure, runs no code.

Rendering gives what `ejs.render` and then `Mustache.render`, both without HTML escaping, would
give, but for three deliberate differences:

- What a tag `<%= … %>` prints is never read as Mustache, so guests cannot write templates, and a
  value never joins its braces with the operator's.
- A name or path that is not there is undefined: falsy, printed as nothing. EJS would throw. So
  would Mustache at an item of a list that is null; here it is passed over.
- Anything outside the dialect is refused when the template is compiled, with its place. That
  includes what the originals drop in silence: a stray `%>`, `{{}}` and a brace inside a name; a
  Mustache tag with an EJS tag inside it; the operator's braces on two sides of an EJS tag, which
  would join to `{{`, and `{{` in a text to be printed; sections that do not close on every way;
  and names that JavaScript knows without us (`constructor`, `Math`, `include`). A path that turns
  out to lead to a function of JavaScript (`tags.join`) is an error when it is rendered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

from app.bots import balance, seams
from app.bots.conditionals import If, Node, Print, Text, read_nodes
from app.bots.expression import dotted_name, evaluate, names_in
from app.bots.javascript import is_truthy, text_of
from app.bots.mustache import fill
from app.bots.mustache_layout import Part, Printed, Run, Tag, lay_out, shape_of, tags_in
from app.bots.position import place
from app.errors import BadInput

MAX_CHARACTERS: Final = 30_000
"""Longest template text, read within 100 ms; the longest real ones have some thousands."""

MAX_RENDERED: Final = 500_000
"""Longest rendered text, in characters: a few values printed many times must not fill memory."""

LAYOUTS_KEPT: Final = 32
"""How many ways through its conditions a template keeps laid out, most recently used first."""

_Runs = tuple[Run | Printed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A compiled template; made by `compile_template`, safe to keep and to share."""

    text: str
    nodes: tuple[Node, ...]
    """Its tree, for an editor to read back."""
    names: frozenset[str]
    """Every variable referred to in either layer, dotted, as written: a name inside a section may
    belong to the section's items."""
    _layout: Callable[[_Runs], tuple[Part, ...]] = field(repr=False, compare=False)

    def render(self, variables: Mapping[str, Any]) -> str:
        """The text for `variables`, which hold what JSON can hold.

        Raises:
            BadInput: a variable that is printed or compared is of another kind, or there is more
                of it than one text can hold.
        """
        page = _Page(self.text, variables)
        try:
            page.walk(self.nodes)
            parts = self._layout(tuple(page.runs))
            return fill(parts, variables, page.printed, self.text, most=MAX_RENDERED)
        except RecursionError:
            raise BadInput("a variable is nested too deeply; give text or a short list") from None


def compile_template(text: str) -> Template:
    """The template that `text` spells.

    Raises:
        BadInput: it is too long, not of the dialect, or its tags do not match; names the place.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadInput(
            f"{place(text, MAX_CHARACTERS)}: a template may have {MAX_CHARACTERS} characters, "
            f"this one has {len(text)}; shorten it"
        )
    nodes = read_nodes(text)
    balance.check(nodes, text)
    seams.check(nodes, text)
    return Template(
        text=text,
        nodes=nodes,
        names=frozenset(_names(nodes, text)),
        _layout=lru_cache(LAYOUTS_KEPT)(partial(lay_out, whole=text)),
    )


class _Page:
    """What the conditions let through: operator's runs, and printed values apart from them."""

    def __init__(self, whole: str, variables: Mapping[str, Any]) -> None:
        self._whole = whole
        self._variables = variables
        self.runs: list[Run | Printed] = []
        self.printed: list[str] = []

    def walk(self, nodes: Iterable[Node]) -> None:
        """Follows `nodes`, taking of every condition the branch that holds."""
        for node in nodes:
            if isinstance(node, Text):
                self.runs.append(Run(node.text, node.offset))
            elif isinstance(node, Print):
                self._print(node)
            elif isinstance(node, If):
                self.walk(self._chosen(node))

    def _print(self, node: Print) -> None:
        try:
            text = text_of(evaluate(node.expression, self._variables))
        except BadInput as exc:
            raise BadInput(f"{place(self._whole, node.offset)}: {exc}") from exc
        shape, solid = shape_of(text)
        self.runs.append(shape)
        self.printed.append(solid)

    def _chosen(self, node: If) -> tuple[Node, ...]:
        for branch in node.branches:
            try:
                value = evaluate(branch.condition, self._variables)
            except BadInput as exc:
                raise BadInput(f"{place(self._whole, branch.offset)}: {exc}") from exc
            if is_truthy(value):
                return branch.nodes
        return node.otherwise


def _names(nodes: Iterable[Node], whole: str) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Print):
            yield from names_in(node.expression)
        elif isinstance(node, Text):
            for token in tags_in(Run(node.text, node.offset), whole):
                if isinstance(token, Tag) and token.kind in ("", "#", "^") and token.name != ".":
                    yield dotted_name(tuple(token.name.split(".")))
        elif isinstance(node, If):
            for branch in node.branches:
                yield from names_in(branch.condition)
                yield from _names(branch.nodes, whole)
            yield from _names(node.otherwise, whole)
