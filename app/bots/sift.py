"""Conditions in MongoDB's form, exactly as the npm package `sift` 17.1.4 answers them; pure.

`compile_condition` turns a condition into closures once; what it gives keeps no state between
documents except what a regular expression has learned about speed. What to know when reading one:

| condition | holds when |
|---|---|
| `{"a.b.0": x}`, `$eq` | some value on the path equals `x`; arrays on the way are searched, |
|   | one at the end matches by an element or as a whole; objects compare whole, in any order |
| `null` | the value is null or missing; `{a: {}}` wants exactly `{}` |
| `$ne`, `$nin` | no value on the path is equal (so all elements must differ) |
| `$gt $gte $lt $lte` | the value has the bound's JavaScript type (number, string, boolean, or |
|   | "object": null, array, object, turned into text); `5` and `"5"` are never compared |
| `$in`, `$all`, `$size` | any of / every sub-condition of the list / exactly so long (`2.0` is 2) |
| `$mod: [4, 1]` | `Number(value) % 4 === 1`, so text and `null` are numbers here, `[]` is 0 |
| `$exists` | the field is there, `null` included; the operand counts as true or false |
| `$type` | `number string bool array null timestamp` only |
| `$regex`, `$options` | the value is text and the expression is found (`dgimsuy`) |
| `$elemMatch` | one element alone satisfies the whole sub-condition |
| `$not` | the sub-condition fails, with all elements of an array seen by one and the same search |
| `$and $or $nor` | at the top or inside `$not`, `$elemMatch`, `$all`, never directly on a field |

`true` is not 1 and `1` is not `"1"`. A date in the document is a JavaScript `Date`: it compares
with dates and with milliseconds, never with text: offer dates as ISO text to conditions in JSON.
Paths read what JavaScript reads (`"name.length"`, `"tags.0"`), the names of methods included.
`{"a": {"b": {"$gt": 1}}}` compares `a` with that very object: write `{"a.b": {"$gt": 1}}`.

Refused beyond what sift refuses: `$where`, a field or path part `__proto__`, what
`app.bots.js_pattern` and `app.bots.js_regex` refuse, and conditions larger than the limits below.
An unknown `$type`, at which sift throws while matching, is refused while compiling.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from app.bots import js_regex, js_values, sift_steps
from app.bots.effort import Effort
from app.bots.javascript import UNDEFINED, is_truthy
from app.bots.js_methods import ARRAYS, OBJECT_METHODS
from app.bots.sift_steps import Step
from app.errors import BadInput

MOST_CLAUSES: Final = 1_000
"""Fields, operators and list elements of one condition; values of `$in` and `$nin` count apart."""
MOST_VALUES: Final = 10_000
"""Values of one `$in` or `$nin`."""
DEEPEST: Final = 32
"""Levels of sub-conditions, of lists and objects in a value, and parts of a path."""
MOST_EFFORT: Final = 1_000_000
"""Of one evaluation; a state of an expression at one character is 1: measured, 0.2 s at worst."""
LIST_EFFORT: Final = 20
"""Of comparing one value with one list or object of `$in`."""
LONGEST_PLACE: Final = 120
"""Characters of a place in a message; longer ones show their ends."""

TOO_MUCH: Final = (
    "document: takes too much work to match; use fewer or simpler expressions, or shorter lists"
)

_GROUPS: Final = frozenset({"$and", "$or", "$nor"})
_PLAIN: Final[dict[str, Callable[[Any], Step]]] = {
    "$eq": lambda operand: sift_steps.when(js_values.equality(operand)),
    "$ne": lambda operand: sift_steps.unless(js_values.equality(operand)),
    "$gt": lambda operand: sift_steps.when(js_values.comparison("$gt", operand)),
    "$gte": lambda operand: sift_steps.when(js_values.comparison("$gte", operand)),
    "$lt": lambda operand: sift_steps.when(js_values.comparison("$lt", operand)),
    "$lte": lambda operand: sift_steps.when(js_values.comparison("$lte", operand)),
    "$exists": lambda operand: sift_steps.exists(is_truthy(operand)),
    "$size": lambda operand: sift_steps.sized(operand),
}
"""Operators that take any operand."""
_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, ARRAYS),
    "null": lambda value: value is None,
    "timestamp": lambda value: isinstance(value, date),
}


def compile_condition(condition: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    """A test whether a document satisfies the condition; the condition may change afterwards.

    Raises:
        BadInput: The condition cannot be used; the message begins with the place, such as
            `$and[1].listing.city.$in`.
    """
    if not isinstance(condition, Mapping):
        raise BadInput('condition: must be an object such as {"status": "new"}')
    copied = _Reader().read(condition, place="", depth=0)
    effort = Effort(MOST_EFFORT, TOO_MUCH)
    once = _query(copied, "", effort).once

    def matches(document: Mapping[str, Any]) -> bool:
        effort.begin()
        try:
            return once(document, None, None, True)
        except RecursionError:
            raise BadInput("document: is nested too deeply to be matched") from None

    return matches


def _refused(place: str, what: str) -> BadInput:
    if len(place) > LONGEST_PLACE:
        place = f"{place[: LONGEST_PLACE // 2]} … {place[-LONGEST_PLACE // 2 :]}"
    return BadInput(f"{place or 'condition'}: {what}")


class _Reader:
    """Copies a condition into plain lists and dicts and counts what it is made of."""

    def __init__(self) -> None:
        self._clauses = 0

    def read(self, value: Any, *, place: str, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._fields(value, place, depth)
        if isinstance(value, ARRAYS):
            return self._items(value, place, depth)
        if value is None or isinstance(value, (bool, int, float, str, date)):
            return value
        raise _refused(place, f"a {type(value).__name__} cannot be compared; use JSON values")

    def _fields(self, fields: Mapping[Any, Any], place: str, depth: int) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        for name in fields:
            if not isinstance(name, str):
                raise _refused(place, f"the field {name!r:.40} is no text; quote it")
            inner = f"{place}.{name}" if place else name
            if name == "__proto__":
                raise _refused(inner, "__proto__ is no field; use another name")
            self._count(inner, 1)
            # A group's list and its elements are one level of nesting to whoever wrote them.
            is_list = isinstance(fields[name], ARRAYS) and name.startswith("$")
            self._check_depth(inner, depth)
            copied[name] = self.read(
                fields[name], place=inner, depth=depth if is_list else depth + 1
            )
        return copied

    def _items(self, items: Any, place: str, depth: int) -> list[Any]:
        self._check_depth(place, depth)
        if place.endswith((".$in", ".$nin")) or place in ("$in", "$nin"):
            if len(items) > MOST_VALUES:
                raise _refused(place, f"has more than {MOST_VALUES} values; split the list")
        else:
            self._count(place, len(items))
        return [
            self.read(item, place=f"{place}[{position}]", depth=depth + 1)
            for position, item in enumerate(items)
        ]

    def _check_depth(self, place: str, depth: int) -> None:
        if depth > DEEPEST:
            raise _refused(place, f"is nested deeper than {DEEPEST} levels; flatten the condition")

    def _count(self, place: str, clauses: int) -> None:
        self._clauses += clauses
        if self._clauses > MOST_CLAUSES:
            raise _refused(place, f"the condition has more than {MOST_CLAUSES} clauses; split it")


def _query(query: Any, place: str, effort: Effort) -> Step:
    """A whole (sub-)condition: operators on the value itself, fields below it, or a plain value."""
    own, nested = _parts(query, place, effort, parent="")
    steps = [sift_steps.on_path("", own, effort, is_itself=True)] if own else []
    return sift_steps.together([*steps, *nested])


def _parts(query: Any, place: str, effort: Effort, *, parent: str) -> tuple[list[Step], list[Step]]:
    if not _is_read_by_key(query, place):
        return [_equal(query)], []
    own: list[Step] = []
    nested: list[Step] = []
    for name, value in _entries(query):
        inner = f"{place}.{name}" if place else name
        if not name.startswith("$"):
            nested.append(_field(name, value, inner, effort))
            continue
        if name in _GROUPS and parent and parent not in OBJECT_METHODS:
            raise _refused(
                inner, f"{name} cannot stand on a field; put it around the fields instead"
            )
        step = _operator(name, value, query, inner, effort)
        if step:
            own.append(step)
    return own, nested


def _is_read_by_key(query: Any, place: str) -> bool:
    """Whether sift looks into the value (objects and lists) instead of comparing with it."""
    if isinstance(query, list):
        return True
    if not isinstance(query, dict) or is_truthy(query.get("toJSON")):
        return False
    if "constructor" in query and query["constructor"] is None:
        raise _refused(place, "a field `constructor` cannot be compared with null")
    return "constructor" not in query


def _entries(query: Any) -> Iterator[tuple[str, Any]]:
    """Names and values in JavaScript's order: array positions first, then as written."""
    if isinstance(query, list):
        return ((str(position), value) for position, value in enumerate(query))
    positions = {name: js_values.array_index(name) for name in query}
    ordered = sorted(query, key=lambda name: (positions[name] is None, positions[name] or 0))
    return ((name, query[name]) for name in ordered)


def _field(path: str, value: Any, place: str, effort: Effort) -> Step:
    parts = path.split(".")
    if "__proto__" in parts:
        raise _refused(place, "__proto__ is no field; use another name")
    if len(parts) > DEEPEST:
        raise _refused(place, f"the path has more than {DEEPEST} parts; shorten it")
    if not _has_operator(value):
        return sift_steps.on_path(path, [_equal(value)], effort)
    own, nested = _parts(value, place, effort, parent=path)
    if nested:
        raise _refused(
            place, "mixes operators and fields; write each field as a path of its own, like a.b"
        )
    return sift_steps.on_path(path, own, effort)


def _has_operator(value: Any) -> bool:
    return isinstance(value, dict) and any(name.startswith("$") for name in value)


def _equal(value: Any) -> Step:
    return sift_steps.when(js_values.equality(value))


def _operator(
    name: str, operand: Any, query: Mapping[str, Any], place: str, effort: Effort
) -> Step | None:
    """The step of one operator; `None` for a mere flag."""
    if name == "$options":
        return None
    if name == "$regex":
        return _regex(operand, query, place, effort)
    if name in _PLAIN:
        return _PLAIN[name](operand)
    match name:
        case "$and" | "$or" | "$nor" | "$all":
            return _group(name, operand, place, effort)
        case "$in" | "$nin":
            return _membership(name, operand, place, effort)
        case "$not":
            return sift_steps.negated(_query(operand, place, effort))
        case "$elemMatch":
            return _element(operand, place, effort)
        case "$mod":
            return _remainder(operand, place)
        case "$type":
            return _type(operand, place)
        case "$where":
            raise _refused(place, "$where runs code and is refused; use the other operators")
    raise _refused(
        place, f"{name:.40} is not known; use $eq, $in, $gte, $regex, $and and their kind"
    )


def _group(name: str, operand: Any, place: str, effort: Effort) -> Step:
    if not isinstance(operand, list):
        raise _refused(place, f"{name} wants a list of conditions")
    if not operand and name != "$all":
        raise _refused(place, f"{name} wants at least one condition")
    steps = [_query(one, f"{place}[{position}]", effort) for position, one in enumerate(operand)]
    if name in ("$and", "$all"):
        return sift_steps.every(steps)
    return sift_steps.some(steps, is_negated=name == "$nor")


def _membership(name: str, operand: Any, place: str, effort: Effort) -> Step:
    values = operand if isinstance(operand, list) else [operand]
    for position, value in enumerate(values):
        if _has_operator(value):
            raise _refused(
                f"{place}[{position}]", f"{name} takes values, not operators; use $or instead"
            )
    test = js_values.membership(values)
    lists = sum(isinstance(value, (list, dict)) for value in values)
    if lists:
        test = _weighed(test, lists * LIST_EFFORT, effort)
    return sift_steps.unless(test) if name == "$nin" else sift_steps.among(test)


def _weighed(test: Callable[[Any], bool], units: int, effort: Effort) -> Callable[[Any], bool]:
    """The test, spending so much of the evaluation's budget each time."""

    def weighed(value: Any) -> bool:
        effort.spend(units)
        return test(value)

    return weighed


def _element(operand: Any, place: str, effort: Effort) -> Step:
    if not isinstance(operand, (dict, list, date)):
        raise _refused(place, "$elemMatch wants an object with the conditions of one element")
    return sift_steps.element(_query(operand, place, effort), effort)


def _remainder(operand: Any, place: str) -> Step:
    if operand is None:
        raise _refused(place, "$mod wants two numbers: [divisor, remainder]")
    divisor, expected = (
        UNDEFINED if isinstance(operand, date) else js_values.member(operand, position)
        for position in ("0", "1")
    )
    return sift_steps.when(js_values.remainder(divisor, expected))


def _type(operand: Any, place: str) -> Step:
    test = _TYPES.get(operand) if isinstance(operand, str) else None
    if test is None:
        raise _refused(place, f"$type wants one of {', '.join(_TYPES)}")
    return sift_steps.when(test)


def _regex(operand: Any, query: Mapping[str, Any], place: str, effort: Effort) -> Step:
    flags = js_values.to_text(query["$options"]) if "$options" in query else ""
    found = js_regex.compile_regex(js_values.to_text(operand), flags, place=place, effort=effort)
    return sift_steps.when(lambda value: isinstance(value, str) and found(value))
