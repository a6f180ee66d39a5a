"""JSON as others send it, made fit for us and for the database; pure.

Strict first, since nearly everything is well-formed. What is not quite JSON is still read, for one
odd character must neither lose an event nor make a whole page of rows unreadable: a byte order
mark, UTF-16, bytes that are no text, half of an emoji (a channel cut it), `NaN`, numbers beyond
64 bits. Of a key that stands twice the last counts.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from app.errors import BadInput

LONGEST_ID = 30
"""Digits of an id of the PMS; real ones have ten."""
_LARGEST = 2**63 - 1
_HALVES = re.compile("[\ud800-\udfff]")


def read_json(raw: bytes) -> Any:
    """What the bytes say, of plain JSON values without halves of characters.

    Raises:
        BadInput: it is no JSON, or nested too deeply.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _leniently(raw)


def identifier(value: Any) -> str | None:
    """An id as the PMS has it, number or digits; none where it is no id."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
        return None
    return text.lstrip("0") or None


def identifiers(rows: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    """The ids that stand under a name in rows of the PMS, without those that are none."""
    return [known for row in rows if (known := identifier(row.get(name)))]


def small_number(value: Any) -> int | None:
    """A whole number of 32 bits, also as text; none where it is none."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 2**31 else None


def clean_text(text: str) -> str:
    """The text without what no row can hold: NUL, and halves of characters."""
    return (_whole(text) if _has_half(text) else text).replace("\x00", "")


def short_text(value: Any, longest: int) -> str | None:
    """A text that a row can hold, cut to so many characters; none where it is none."""
    if not isinstance(value, str):
        return None
    return value[:longest].replace("\x00", "").strip() or None


def _leniently(raw: bytes) -> Any:
    try:
        text = raw.decode(json.detect_encoding(raw), "replace")
        read = json.loads(
            text.removeprefix("\ufeff"),
            parse_constant=lambda _: None,
            parse_float=_finite,
            parse_int=_in_64_bits,
        )
        return _whole(read)
    except RecursionError as exc:
        raise BadInput("the JSON is nested too deeply") from exc
    except ValueError as exc:
        raise BadInput("this is no JSON") from exc


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _in_64_bits(digits: str) -> float | None:
    if len(digits) <= LONGEST_ID and abs(int(digits)) <= _LARGEST:
        return int(digits)
    return _finite(digits)


def _whole(value: Any) -> Any:
    """The value with halves of characters replaced."""
    if isinstance(value, str):
        return _HALVES.sub("\N{REPLACEMENT CHARACTER}", value) if _has_half(value) else value
    if isinstance(value, Mapping):
        return {_whole(key): _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return value


def _has_half(text: str) -> bool:
    return not text.isascii() and _HALVES.search(text) is not None
