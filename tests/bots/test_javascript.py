import math
from types import MappingProxyType
from typing import Any

import pytest

from app.bots.javascript import (
    UNDEFINED,
    are_equal,
    are_identical,
    includes,
    is_ordered,
    is_truthy,
    length_of,
    member_of,
    text_of,
)
from app.errors import BadInput


@pytest.mark.parametrize("value", [None, UNDEFINED, False, 0, 0.0, -0.0, math.nan, ""])
def test_nothing_zero_and_empty_text_are_falsy(value: Any) -> None:
    assert not is_truthy(value)


@pytest.mark.parametrize("value", [True, 1, -0.5, math.inf, "0", " ", "false", [], {}, ()])
def test_all_else_is_truthy_empty_lists_too(value: Any) -> None:
    assert is_truthy(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (UNDEFINED, ""),
        (True, "true"),
        (False, "false"),
        (1.0, "1"),
        (-0.0, "0"),
        (-12, "-12"),
        (0.1, "0.1"),
        (123456.789, "123456.789"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (-1.5e-9, "-1.5e-9"),
        (123456789012345680000, "123456789012345680000"),
        (1e21, "1e+21"),
        (1.25e25, "1.25e+25"),
        (2**53 + 1, "9007199254740992"),
        (10**400, "Infinity"),
        (-(10**400), "-Infinity"),
        (math.nan, "NaN"),
        ([1.0, None, [True, "x"], {}], "1,,true,x,[object Object]"),
        ((1, 2), "1,2"),
        (MappingProxyType({"a": 1}), "[object Object]"),
        ("żółw", "żółw"),
    ],
)
def test_values_print_as_javascript_prints_them(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, UNDEFINED),
        (None, None),
        ("", 0),
        (" \n", False),
        ("1", 1),
        ("1", True),
        ("0x1F", 31),
        ("0b11", 3),
        ("0o17", 15),
        (" 1e3 ", 1000),
        (".5", 0.5),
        ("5.", 5),
        ("-Infinity", -math.inf),
        ([1], 1),
        ([], ""),
        ([1, 2], "1,2"),
        ({}, "[object Object]"),
        (2**53, 2**53 + 1),
    ],
)
def test_loosely_equal_values(left: Any, right: Any) -> None:
    assert are_equal(left, right)
    assert are_equal(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, 0),
        (UNDEFINED, ""),
        (None, False),
        ("a", 0),
        ("1_0", 10),
        ("-0x1", -1),
        ("infinity", math.inf),
        (math.nan, math.nan),
        ([1], [1]),
        ({}, {}),
        ("true", True),
        ("١", 1),
    ],
)
def test_loosely_unequal_values(left: Any, right: Any) -> None:
    assert not are_equal(left, right)
    assert not are_equal(right, left)


def test_strictly_equal_values_are_of_one_kind() -> None:
    shared = [1]
    assert are_identical(1, 1.0)
    assert are_identical("a", "a")
    assert are_identical(True, True)
    assert are_identical(None, None)
    assert are_identical(shared, shared)
    unequal = [(1, True), (1, "1"), (None, UNDEFINED), ([1], [1]), (math.nan, math.nan), ("", 0)]
    assert not any(are_identical(left, right) for left, right in unequal)


@pytest.mark.parametrize(
    ("left", "sign", "right", "holds"),
    [
        ("10", "<", "9", True),
        ("10", "<", 9, False),
        (None, ">=", 0, True),
        (UNDEFINED, ">=", 0, False),
        (UNDEFINED, "<", 0, False),
        (True, ">", "0", True),
        ("a", "<", 1, False),
        ("a", ">=", 1, False),
        ([2], ">", "10", True),
        ("😀", "<", "\uffee", True),
        (2, "<=", 2.0, True),
    ],
)
def test_order(left: Any, sign: str, right: Any, holds: bool) -> None:
    assert is_ordered(sign, left, right) is holds


def test_members_are_those_of_objects_and_the_length_of_texts_and_lists() -> None:
    assert member_of({"a": 1, "length": 7}, "length") == 7
    assert member_of({"a": None}, "a") is None
    assert [member_of(value, "length") for value in ("żó", "😀x", [1, 2], ())] == [2, 3, 2, 0]
    missing = [({}, "a"), ({}, "length"), ("x", "upper"), (5, "length"), (None, "a"), ([1], "0")]
    assert all(member_of(value, name) is UNDEFINED for value, name in missing)
    assert length_of(UNDEFINED) is UNDEFINED


@pytest.mark.parametrize(("value", "name"), [("x", "trim"), ([1], "join"), (5, "toFixed")])
def test_a_member_that_is_a_function_of_javascript_is_an_error(value: Any, name: str) -> None:
    with pytest.raises(BadInput, match=f"`{name}` is a function of JavaScript there and no value"):
        member_of(value, name)


def test_an_object_with_a_field_to_string_has_no_text() -> None:
    assert text_of({"valueOf": 1}) == "[object Object]"
    with pytest.raises(BadInput, match="toString"):
        text_of([{"toString": "x"}])


def test_inclusion_in_texts_and_lists() -> None:
    assert includes("żółw", "ół")
    assert includes("is null", None)
    assert includes("undefined", UNDEFINED)
    assert includes("a1", 1.0)
    assert includes([1, math.nan], math.nan)
    assert not includes(["1", True], 1)
    assert not includes([[1]], [1])
    assert includes({"a": 1}, "a") is UNDEFINED
    assert includes(None, "a") is UNDEFINED


def test_what_json_cannot_hold_is_refused_without_showing_it() -> None:
    message = "a template cannot use a value of type bytes; give text, a number or a list"
    for use in (
        text_of,
        lambda value: is_ordered("<", value, 1),
        lambda value: are_equal(value, 1),
    ):
        with pytest.raises(BadInput) as caught:
            use(b"secret")
        assert str(caught.value) == message
