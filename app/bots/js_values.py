"""How JavaScript reads and compares the values a condition meets; pure.

Values are those of JSON (`None`, `bool`, `int`, `float`, `str`, lists, mappings), dates (a `Date`:
a naive `datetime` is UTC, a plain `date` its midnight in UTC), and two that only paths give:
`UNDEFINED` (nothing is there) and a `Method` (the name is one, such as `"text".link`).
Numbers are doubles, strings count in UTF-16 units.

Not reproduced: what hangs below a constructor, and the methods of a `Date`.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final

from app.bots.javascript import UNDEFINED, WHITESPACE, text_of
from app.bots.js_methods import ARRAY_METHODS, ARRAYS, OBJECT_METHODS, Method, methods_of

_SAFE: Final = 2**53
"""Largest whole number up to which every `int` is also a double."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DECIMAL: Final = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_PREFIXED: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")

_RELATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$lt": lambda left, right: left < right,
    "$lte": lambda left, right: left <= right,
    "$gt": lambda left, right: left > right,
    "$gte": lambda left, right: left >= right,
}


def array_index(name: str) -> int | None:
    """The position that a name stands for in an array or a text, if it stands for one."""
    return int(name) if _INDEX.fullmatch(name) else None


def utf16_units(text: str) -> str:
    """The text with every character beyond U+FFFF as its two surrogates."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    raw = text.encode("utf-16-be", "surrogatepass")
    return "".join(chr(raw[at] << 8 | raw[at + 1]) for at in range(0, len(raw), 2))


def member(value: Any, name: str) -> Any:
    """What `value[name]` gives; the value is neither `None` nor `UNDEFINED`."""
    if isinstance(value, Mapping):
        found = value.get(name, UNDEFINED)
        return OBJECT_METHODS.get(name, UNDEFINED) if found is UNDEFINED else found
    if isinstance(value, (str, *ARRAYS)):
        items = utf16_units(value) if isinstance(value, str) else value
        if name == "length":
            return len(items)
        index = array_index(name)
        if index is not None:
            return items[index] if index < len(items) else UNDEFINED
    if isinstance(value, Method) and name in ("name", "length"):
        return value.name if name == "name" else value.length
    return methods_of(value).get(name, UNDEFINED)


def has_own(value: Any, name: str | int) -> bool:
    """Whether `name` is a field or position of `value` itself."""
    if isinstance(value, Mapping):
        return name in value
    if isinstance(value, (str, *ARRAYS)):
        index = name if isinstance(name, int) else array_index(name)
        if index is not None:
            return index < len(utf16_units(value) if isinstance(value, str) else value)
        return name == "length"
    return isinstance(value, Method) and name in ("name", "length")


def is_array_method(name: str) -> bool:
    """Whether arrays have a method of this name."""
    return name in ARRAY_METHODS


def double(value: float) -> float:
    """The number as JavaScript holds it; whole numbers stay `int` where nothing is lost."""
    if -_SAFE <= value <= _SAFE or isinstance(value, float):
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def milliseconds(moment: date) -> int:
    """The milliseconds since 1970 of a `date` or `datetime`."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    elif moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def as_number(value: Any) -> float | None:
    """The number behind a number or a date; `None` for everything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return double(value)
    return milliseconds(value) if isinstance(value, date) else None


def to_number(value: Any) -> float:
    """What `Number(value)` gives; not-a-number where there is none."""
    number = as_number(value)
    if number is not None:
        return number
    if value is None or isinstance(value, bool):
        return int(value or 0)
    if not isinstance(value, (str, Mapping, *ARRAYS)):
        return math.nan
    text = to_text(value).strip(WHITESPACE)
    if not text:
        return 0
    if _PREFIXED.fullmatch(text):
        return double(int(text, 0))
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


def to_text(value: Any) -> str:
    """What `String(value)` gives."""
    if value is None:
        return "null"
    if isinstance(value, ARRAYS):
        return ",".join("" if item is None else to_text(item) for item in value)
    if isinstance(value, date):
        return _date_text(value)
    return text_of(value)


def _date_text(moment: date) -> str:
    shown = _EPOCH + timedelta(milliseconds=milliseconds(moment))
    return f"{shown:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)"


def equality(expected: Any) -> Callable[[Any], bool]:
    """A test whether a value equals the expected one, as sift means it."""
    if expected is None:
        return lambda value: value is None or value is UNDEFINED
    if isinstance(expected, bool):
        return lambda value: value is expected
    if isinstance(expected, str):
        return lambda value: bool(value == expected)
    number = as_number(expected)
    if number is not None:
        return lambda value: as_number(value) == number
    wanted = _comparable(expected)
    return lambda value: _equals(wanted, _comparable(value))


def membership(candidates: list[Any]) -> Callable[[Any], bool]:
    """A test whether a value equals any of the candidates."""
    texts = frozenset(value for value in candidates if isinstance(value, str))
    flags = frozenset(value for value in candidates if isinstance(value, bool))
    numbers = frozenset(map(as_number, candidates)) - {None}
    numbers = frozenset(number for number in numbers if number == number)
    has_null = None in candidates
    structures = [equality(value) for value in candidates if isinstance(value, (list, dict))]

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return value in texts
        if value is None or value is UNDEFINED:
            return has_null
        if isinstance(value, bool):
            return value in flags
        if isinstance(value, (int, float, date)):
            return as_number(value) in numbers
        return any(equal(value) for equal in structures)

    return test


def _comparable(value: Any) -> Any:
    if isinstance(value, date):
        return milliseconds(value)
    return [_comparable(item) for item in value] if isinstance(value, ARRAYS) else value


def _equals(expected: Any, value: Any) -> bool:
    if isinstance(expected, ARRAYS):
        return (
            isinstance(value, ARRAYS)
            and len(expected) == len(value)
            and all(map(_equals, expected, value))
        )
    if isinstance(expected, Mapping):
        return (
            isinstance(value, Mapping)
            and len(expected) == len(value)
            and all(_equals(item, member(value, name)) for name, item in expected.items())
        )
    if isinstance(expected, date) or isinstance(value, date):
        return expected is value
    return equality(expected)(value)


def comparison(operator: str, bound: Any) -> Callable[[Any], bool]:
    """A test of `$lt`, `$lte`, `$gt` or `$gte`: only values of the bound's own type can pass."""
    relate = _RELATIONS[operator]
    limit = as_number(bound)
    if limit is not None:
        return _numeric_comparison(relate, limit)
    if isinstance(bound, str):
        return lambda value: isinstance(value, str) and _relates(relate, value, bound)
    if isinstance(bound, bool):
        return lambda value: isinstance(value, bool) and relate(value, bound)
    is_strict = operator in ("$lt", "$gt")
    primitive = cache(lambda: None if bound is None else to_text(bound))

    def test(value: Any) -> bool:
        if value is None or value is UNDEFINED:
            return not is_strict and _relates(relate, None, primitive())
        if not isinstance(value, (Mapping, *ARRAYS)):
            return False
        return _relates(relate, to_text(value), primitive())

    return test


def _numeric_comparison(relate: Callable[[Any, Any], bool], limit: float) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        number = as_number(value)
        return number is not None and relate(number, limit)

    return test


def _relates(relate: Callable[[Any, Any], bool], left: str | None, right: str | None) -> bool:
    if left is None or right is None:
        return relate(to_number(left), to_number(right))
    if left.isascii() or right.isascii():
        return relate(left, right)
    return relate(utf16_units(left), utf16_units(right))


def remainder(divisor: Any, expected: Any) -> Callable[[Any], bool]:
    """A test of `$mod`: the remainder has the sign of the value, as in JavaScript."""
    step = to_number(divisor)
    wanted = as_number(expected) if not isinstance(expected, date) else None

    def test(value: Any) -> bool:
        number = to_number(value)
        if wanted is None or step == 0 or not math.isfinite(number) or math.isnan(step):
            return False
        return math.fmod(number, step) == wanted

    return test
