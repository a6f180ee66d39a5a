"""Which names JavaScript answers to by itself."""

from datetime import date
from typing import Any

import pytest

from app.bots.js_methods import EVERY_OBJECTS, GLOBALS, methods_of


@pytest.mark.parametrize(
    ("value", "name", "length"),
    [
        ({}, "hasOwnProperty", 1),
        ([], "join", 1),
        ((), "keys", 0),
        ("", "trim", 0),
        (5, "toFixed", 1),
        (True, "valueOf", 0),
        (date(2026, 7, 1), "toString", 0),
    ],
)
def test_every_kind_of_value_has_its_methods(value: Any, name: str, length: int) -> None:
    assert methods_of(value)[name].length == length


def test_methods_of_one_kind_are_not_those_of_another() -> None:
    assert "trim" not in methods_of([])
    assert "join" not in methods_of("")
    assert "keys" not in methods_of({})
    assert "toFixed" not in methods_of(True)


def test_words_of_every_object_are_also_known_without_one() -> None:
    assert {"constructor", "__proto__", "toString"} <= EVERY_OBJECTS <= GLOBALS
    assert {"Math", "locals", "include", "globalThis"} <= GLOBALS


@pytest.mark.parametrize("name", ["name", "link", "keys", "values", "map", "listing", "status"])
def test_words_that_operators_use_are_free(name: str) -> None:
    assert name not in GLOBALS
