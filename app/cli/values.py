"""`name=value` of a command line, read as TOML, as JSON, or as the text it is; pure."""

import json
import tomllib
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from app.errors import BadInput


def parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """Values by dotted name; None where nothing stands behind the sign.

    Raises:
        BadInput: one is not of the form name=value, or names a whole section.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, sign, text = assignment.partition("=")
        if not sign or not name.strip():
            raise BadInput(f"{assignment!r}: write it as chat.window_other_s=8")
        value = parse_value(text)
        if isinstance(value, dict) or "." not in name:
            raise BadInput(f"{name}: set one setting at a time, such as chat.window_other_s=8")
        values[name.strip()] = value
    return values


def parse_value(text: str) -> Any:
    """One value: TOML's or JSON's number, truth, list or quoted text, else the text itself."""
    if not text.strip():
        return None
    for read in (_toml, json.loads):
        try:
            value = read(text)
        except ValueError:
            continue
        if not isinstance(value, date | datetime | time):
            return value
    return text


def _toml(text: str) -> Any:
    read = tomllib.loads(f"value = {text}")
    if len(read) > 1:
        raise ValueError("more than one value")
    return read["value"]
