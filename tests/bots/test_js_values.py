"""JavaScript's values: reading, equality, order and remainder."""

import math
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.bots import js_values
from app.bots.javascript import UNDEFINED


def test_members_of_text_lists_and_objects() -> None:
    assert js_values.member("a😀", "length") == 3
    assert js_values.member("ab", "1") == "b"
    assert js_values.member("ab", "2") is UNDEFINED
    assert js_values.member([5], "0") == 5
    assert js_values.member([5], "00") is UNDEFINED
    assert js_values.member({"a": None}, "a") is None
    assert js_values.member({}, "a") is UNDEFINED
    assert js_values.member(5, "length") is UNDEFINED


@pytest.mark.parametrize(
    ("value", "name", "length"),
    [
        ({}, "toString", 0),
        ([], "slice", 2),
        ("", "link", 1),
        (1, "toFixed", 1),
        (True, "valueOf", 0),
    ],
)
def test_a_method_has_a_name_and_a_length(value: Any, name: Any, length: Any) -> None:
    method = js_values.member(value, name)
    assert js_values.member(method, "name") == name
    assert js_values.member(method, "length") == length
    assert js_values.has_own(method, "length")
    assert js_values.member(method, "call").name == "call"


def test_a_date_is_made_by_date() -> None:
    assert js_values.member(date(2026, 7, 1), "constructor").name == "Date"


def test_own_fields_and_positions() -> None:
    assert js_values.has_own({"a": None}, "a")
    assert not js_values.has_own({}, "toString")
    assert js_values.has_own([1], 0)
    assert js_values.has_own([1], "0")
    assert not js_values.has_own([1], "1")
    assert js_values.has_own("a", "length")
    assert not js_values.has_own(5, "length")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, 0),
        (True, 1),
        ("", 0),
        (" 7\n", 7),
        ("0x10", 16),
        ("1e3", 1000),
        ([], 0),
        ([[5]], 5),
        ("-Infinity", -math.inf),
        (date(1970, 1, 2), 86_400_000),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        (2**53 + 1, 2.0**53),
    ],
)
def test_numbers_behind_values(value: Any, number: Any) -> None:
    assert js_values.to_number(value) == number


@pytest.mark.parametrize("value", [UNDEFINED, {}, "7 nights", "1_000", [1, 2], "０"])
def test_values_that_are_no_number(value: Any) -> None:
    assert math.isnan(js_values.to_number(value))


def test_a_moment_without_a_zone_is_utc() -> None:
    moment = datetime(2026, 7, 1, 15, tzinfo=UTC)
    assert js_values.milliseconds(moment) == 1_782_918_000_000
    assert js_values.milliseconds(moment.replace(tzinfo=None)) == 1_782_918_000_000


def test_texts_of_values() -> None:
    assert js_values.to_text(None) == "null"
    assert js_values.to_text([1, None, [True, {}], 1e21]) == "1,,true,[object Object],1e+21"
    shown = js_values.to_text(datetime(2026, 7, 1, 15, 0, tzinfo=UTC))
    assert shown == "Wed Jul 01 2026 15:00:00 GMT+0000 (Coordinated Universal Time)"


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (None, UNDEFINED),
        (7, 7.0),
        (2**53 + 1, 2.0**53),
        ([1, [2]], (1, (2,))),
        ({"a": 1, "b": None}, {"c": 5, "a": 1}),
        ([date(1970, 1, 1)], [0]),
        (0, -0.0),
    ],
)
def test_equal_values(expected: Any, value: Any) -> None:
    assert js_values.equality(expected)(value)
    if not isinstance(expected, date):
        assert js_values.membership([expected])(value)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (None, 0),
        (1, True),
        (True, 1),
        ("1", 1),
        (1, "1"),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({}, []),
        ([], ""),
        (math.nan, math.nan),
        ({"a": date(1970, 1, 1)}, {"a": 0}),
        ({"toString": None}, {"a": 1}),
    ],
)
def test_different_values(expected: Any, value: Any) -> None:
    assert not js_values.equality(expected)(value)
    assert not js_values.membership([expected])(value)


@pytest.mark.parametrize(
    ("operator", "bound", "value", "holds"),
    [
        ("$gt", 1, 2, True),
        ("$gt", 1, "2", False),
        ("$gt", 0, True, False),
        ("$gt", 0, date(2026, 1, 1), True),
        ("$gt", "\uff5e", "😀", False),
        ("$lt", "b", "a", True),
        ("$gt", False, True, True),
        ("$gte", None, UNDEFINED, True),
        ("$gt", None, None, False),
        ("$gte", None, [], True),
        ("$gt", None, [5], True),
        ("$lt", [2], [10], True),
        ("$lte", {}, {"a": 1}, True),
        ("$lte", {}, "x", False),
        ("$gte", math.nan, math.nan, False),
    ],
)
def test_order_holds_within_one_type(operator: Any, bound: Any, value: Any, holds: Any) -> None:
    assert js_values.comparison(operator, bound)(value) is holds


def test_the_remainder_has_the_sign_of_the_value() -> None:
    assert js_values.remainder(4, -3)(-7)
    assert js_values.remainder("4", 3)("7")
    assert js_values.remainder(math.inf, 5)(5)
    assert not js_values.remainder(0, 0)(4)
    assert not js_values.remainder(4, "3")(7)
    assert not js_values.remainder(4, 0)("many")
