"""Conditions and printed expressions of a template: read into a tree, evaluated by us; pure.

The dialect is a corner of JavaScript: dotted names, literals, `! && || === !== == != < <= > >=`,
parentheses, `.length`, `.includes(x)` and `a ? b : c`. Nothing is ever handed to an interpreter.
One deliberate difference: a name or path that is not there is undefined (falsy, prints nothing)
where JavaScript would throw.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.bots.javascript import (
    UNDEFINED,
    are_equal,
    are_identical,
    includes,
    is_ordered,
    is_truthy,
    member_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A text, number, boolean, null (`None`) or `UNDEFINED` written out."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A variable by its dotted path: `listing.name` is `("listing", "name")`."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """`of.name`, where `of` is more than a name: `(a || b).length`."""

    of: "Expression"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Includes:
    """`of.includes(item)`, of a text or a list."""

    of: "Expression"
    item: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """`!of`."""

    of: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """`left sign right`, where sign is one of `=== !== == != < <= > >=`."""

    sign: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """`a && b && …`: the first falsy operand, else the last."""

    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """`a || b || …`: the first truthy operand, else the last."""

    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`condition ? then : otherwise`."""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"


Expression = Literal | Name | Member | Includes | Not | Compare | And | Or | Choice
"""Every kind of expression there is."""


def evaluate(expression: Expression, variables: Mapping[str, Any]) -> Any:
    """The value of `expression`, as JavaScript has it.

    Raises:
        BadInput: a variable that is compared or searched holds no JSON value.
    """
    match expression:
        case Name(path=path):
            return _follow(path, variables)
        case Literal(value=value):
            return value
        case Not(of=of):
            return not is_truthy(evaluate(of, variables))
        case Compare():
            return _compare(expression, variables)
        case And(operands=operands):
            return _first(operands, variables, stop_at=False)
        case Or(operands=operands):
            return _first(operands, variables, stop_at=True)
        case Choice(condition=condition, then=then, otherwise=otherwise):
            is_met = is_truthy(evaluate(condition, variables))
            return evaluate(then if is_met else otherwise, variables)
        case Includes(of=of, item=item):
            return includes(evaluate(of, variables), evaluate(item, variables))
        case Member(of=of, name=name):
            return member_of(evaluate(of, variables), name)


def names_in(expression: Expression) -> Iterator[str]:
    """Every dotted variable name in `expression`, a final `.length` left away."""
    match expression:
        case Name(path=path):
            yield dotted_name(path)
        case Literal():
            return
        case Not(of=of) | Member(of=of):
            yield from names_in(of)
        case Includes(of=left, item=right) | Compare(left=left, right=right):
            yield from names_in(left)
            yield from names_in(right)
        case And(operands=operands) | Or(operands=operands):
            for operand in operands:
                yield from names_in(operand)
        case Choice(condition=condition, then=then, otherwise=otherwise):
            for part in (condition, then, otherwise):
                yield from names_in(part)


def dotted_name(path: tuple[str, ...]) -> str:
    """`listing.amenities` of a path, without a final `length`: that belongs to no variable."""
    if len(path) > 1 and path[-1] == "length":
        path = path[:-1]
    return ".".join(path)


def _follow(path: tuple[str, ...], variables: Mapping[str, Any]) -> Any:
    value = variables.get(path[0], UNDEFINED)
    for name in path[1:]:
        value = member_of(value, name)
    return value


def _compare(comparison: Compare, variables: Mapping[str, Any]) -> bool:
    left = evaluate(comparison.left, variables)
    right = evaluate(comparison.right, variables)
    match comparison.sign:
        case "===":
            return are_identical(left, right)
        case "!==":
            return not are_identical(left, right)
        case "==":
            return are_equal(left, right)
        case "!=":
            return not are_equal(left, right)
        case sign:
            return is_ordered(sign, left, right)


def _first(operands: tuple[Expression, ...], variables: Mapping[str, Any], *, stop_at: bool) -> Any:
    value: Any = UNDEFINED
    for operand in operands:
        value = evaluate(operand, variables)
        if is_truthy(value) is stop_at:
            break
    return value
