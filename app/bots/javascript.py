"""How JavaScript tests, compares and prints values, for templates written with it in mind; pure.

Values are what JSON can hold (`None` is null, a mapping is an object, a list or tuple an array)
plus `UNDEFINED`. Every number is a double, as in JavaScript: a whole number past 2**53 loses
its last digits here too. Functions do not exist: a member that is one in JavaScript is an error.

Source: ECMAScript 2024, 7.1 (conversions), 7.2 (comparisons), 6.1.6.1.20 (Number::toString).
"""

import math
import operator
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from app.bots.js_methods import methods_of
from app.errors import BadInput


class Undefined(Enum):
    """The type of `UNDEFINED`, of which there is only one."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED
"""What a name or member has that is not there; null is a value that is there."""

WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What JavaScript trims and its regular expressions call space; Python's own set differs."""

LARGEST_PLAIN_POINT: Final = 21
"""Numbers with more digits before the point than this print with an exponent."""

SMALLEST_PLAIN_POINT: Final = -6
"""Numbers with this many zeros after the point or more print with an exponent."""

EXACT_INTEGER: Final = 2.0**53
"""Below this every whole double is exact, so its digits are those of the integer."""

_DECIMAL = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_OTHER_BASE = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def is_truthy(value: Any) -> bool:
    """Whether `if (value)` takes the branch: empty lists and objects do, 0, NaN and '' do not."""
    if value is None or value is UNDEFINED:
        return False
    if isinstance(value, int | float):
        return bool(value) and not math.isnan(value)
    return value != "" if isinstance(value, str) else True


def text_of(value: Any) -> str:
    """`String(value)`, but null and undefined give '' as they do when a template prints them.

    Raises:
        BadInput: the value is none that JSON has, for instance a datetime, or an object with a
            field `toString`, at which JavaScript throws.
    """
    if isinstance(value, str):
        return value
    if value is None or value is UNDEFINED:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(_double(value))
    if isinstance(value, list | tuple):
        return ",".join(map(text_of, value))
    if isinstance(value, Mapping):
        if "toString" in value:
            raise BadInput("an object with a field `toString` cannot be read as text")
        return "[object Object]"
    raise _no_value(value)


def are_equal(left: Any, right: Any) -> bool:
    """`left == right`, JavaScript's loose equality."""
    if left is None or left is UNDEFINED:
        return right is None or right is UNDEFINED
    if right is None or right is UNDEFINED:
        return False
    if _is_object(left) and _is_object(right):
        return left is right
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return _number_of(left) == _number_of(right)


def are_identical(left: Any, right: Any) -> bool:
    """`left === right`, JavaScript's strict equality."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _double(left) == _double(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return left is right


def is_ordered(sign: str, left: Any, right: Any) -> bool:
    """`left < right` and its kin: two texts by their UTF-16 units, all else as numbers."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return bool(_ORDER[sign](_units(left), _units(right)))
    return bool(_ORDER[sign](_number_of(left), _number_of(right)))


def member_of(value: Any, name: str) -> Any:
    """`value.name`; `UNDEFINED` where there is none, of null and undefined too.

    Raises:
        BadInput: JavaScript has a function of that name there.
    """
    if isinstance(value, dict | Mapping):
        return value.get(name, UNDEFINED)
    if name == "length":
        return length_of(value)
    refuse_function(value, name)
    return UNDEFINED


def refuse_function(value: Any, name: str) -> None:
    """Accept a member that is no function in JavaScript.

    Raises:
        BadInput: it is one.
    """
    if value is not None and value is not UNDEFINED and name in methods_of(value):
        raise BadInput(f"`{name}` is a function of JavaScript there and no value; take it out")


def length_of(value: Any) -> Any:
    """How long a text (in UTF-16 units) or a list is; `UNDEFINED` for what has no length."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(_units(value)) // 2
    if isinstance(value, list | tuple):
        return len(value)
    return UNDEFINED


def includes(value: Any, item: Any) -> Any:
    """`value.includes(item)` of a text or list; `UNDEFINED` for anything else."""
    if isinstance(value, str):
        return _spelled(item) in value
    if isinstance(value, list | tuple):
        return any(are_identical(each, item) or _are_both_nan(each, item) for each in value)
    return UNDEFINED


def _is_object(value: Any) -> bool:
    return isinstance(value, list | tuple | dict | Mapping)


def _primitive(value: Any) -> Any:
    return text_of(value) if _is_object(value) else value


def _number_of(value: Any) -> float:
    """`Number(value)` of something that is no object."""
    if isinstance(value, int | float):
        return _double(value)
    if isinstance(value, str):
        return _parsed(value.strip(WHITESPACE))
    if value is None:
        return 0.0
    if value is UNDEFINED:
        return math.nan
    raise _no_value(value)


def _parsed(text: str) -> float:
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _OTHER_BASE.fullmatch(text):
        return _double(int(text, 0))
    return math.nan


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _number_text(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number.is_integer() and abs(number) < EXACT_INTEGER:
        return str(int(number))
    sign, figures, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits = "".join(map(str, figures))
    point = len(digits) + int(exponent)
    return "-" * sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    """`digits` with the decimal point after the first `point` of them, as JavaScript writes it."""
    if len(digits) <= point <= LARGEST_PLAIN_POINT:
        return digits.ljust(point, "0")
    if 0 < point <= LARGEST_PLAIN_POINT:
        return f"{digits[:point]}.{digits[point:]}"
    if SMALLEST_PLAIN_POINT < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


def _spelled(value: Any) -> str:
    if value is None:
        return "null"
    return "undefined" if value is UNDEFINED else text_of(value)


def _are_both_nan(left: Any, right: Any) -> bool:
    return all(isinstance(each, float) and math.isnan(each) for each in (left, right))


def _units(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _no_value(value: Any) -> BadInput:
    kind = type(value).__name__
    return BadInput(f"a template cannot use a value of type {kind}; give text, a number or a list")
