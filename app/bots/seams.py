"""Whether the operator's own braces become a Mustache tag only by what EJS makes of them; pure.

EJS joins what stands on two sides of its tags, and Mustache reads what EJS printed. Guest data must
never become a tag that way, so neither happens here; where the operator's own words would depend
on it, the template is refused instead of meaning something else than it says.
"""

from collections.abc import Iterable, Iterator

from app.bots.conditionals import If, Node, Print, Text
from app.bots.expression import And, Choice, Expression, Literal, Or
from app.bots.position import refusal


def check(nodes: Iterable[Node], whole: str) -> None:
    """Accepts `nodes`, the tree of the template `whole`.

    Raises:
        BadInput: braces on two sides of an EJS tag would join, or a printed text holds a tag.
    """
    _after(nodes, whole, is_open=False)


def _after(nodes: Iterable[Node], whole: str, *, is_open: bool) -> bool:
    """Whether a lone `{` may be the last character after `nodes`, if one may be before them."""
    for node in nodes:
        if isinstance(node, Text):
            if is_open and node.text.startswith("{"):
                hint = "this { would join the one before the tag; put a space between them"
                raise refusal(whole, node.offset, hint)
            is_open = node.text.endswith("{")
        elif isinstance(node, Print):
            is_open = _after_print(node, whole, is_open=is_open)
        elif isinstance(node, If):
            branches = [branch.nodes for branch in node.branches]
            ends = [_after(one, whole, is_open=is_open) for one in (*branches, node.otherwise)]
            is_open = any(ends)
    return is_open


def _after_print(node: Print, whole: str, *, is_open: bool) -> bool:
    may_be_empty = False
    may_end_open = False
    for value in _values(node.expression):
        if not isinstance(value, str):
            may_be_empty = True
            continue
        if "{{" in value or (is_open and value.startswith("{")):
            hint = "a printed text is not read as Mustache; write <% if (...) { %>{{name}}<% } %>"
            raise refusal(whole, node.offset, hint)
        may_be_empty = may_be_empty or not value
        may_end_open = may_end_open or value.endswith("{")
    return may_end_open or (is_open and may_be_empty)


def _values(expression: Expression) -> Iterator[str | None]:
    """The texts that an expression may print as written out, and `None` for anything else."""
    match expression:
        case Literal(value=str() as value):
            yield value
        case Choice(then=then, otherwise=otherwise):
            yield from _values(then)
            yield from _values(otherwise)
        case And(operands=operands) | Or(operands=operands):
            for operand in operands:
                yield from _values(operand)
        case _:
            yield None
