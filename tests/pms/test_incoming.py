import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInput
from app.pms.incoming import identifier, identifiers, read_json, short_text, small_number


def zip_none(*values: Any) -> list[tuple[Any, None]]:
    """Cases whose answer is none."""
    return [(value, None) for value in values]


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (b'{"a": "\\ud83d cut"}', {"a": "\N{REPLACEMENT CHARACTER} cut"}),
        (b'{"a": "\\ud83d\\ude00", "\\udc00": 1}', {"a": "😀", "\N{REPLACEMENT CHARACTER}": 1}),
        ('\ufeff{"a": "ż"}'.encode(), {"a": "ż"}),
        ('{"a": "مرحبا 😀"}'.encode("utf-16"), {"a": "مرحبا 😀"}),
        ('{"a": "ż"}'.encode("utf-32-le"), {"a": "ż"}),
        (b'{"a": "caf\xe9"}', {"a": "caf\N{REPLACEMENT CHARACTER}"}),
        (b'{"a": NaN, "b": Infinity, "c": -Infinity, "d": 1e999}', dict.fromkeys("abcd")),
        (b'{"a": 1%s}' % (b"0" * 5_000), {"a": None}),
        (b'{"a": [NaN, 123456789012345678901]}', {"a": [None, 123456789012345678901.0]}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": NaN, "a": 2}', {"a": 2}),
    ],
)
def test_what_is_not_quite_json_is_read(raw: bytes, read: Any) -> None:
    assert read_json(raw) == read


@pytest.mark.parametrize("raw", [b"", b"{", b"\x00", b"\xff\xfe", b"<html>", b"{'a': 1}", b"nul"])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(BadInput, match="no JSON"):
        read_json(raw)


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 2_000 + b"]" * 2_000])
def test_json_nested_without_end_is_refused(raw: bytes) -> None:
    with pytest.raises(BadInput, match="nested too deeply"):
        read_json(raw)


@given(st.binary(max_size=200))
def test_whatever_is_read_is_plain_and_can_be_kept(raw: bytes) -> None:
    try:
        read = read_json(raw)
    except BadInput:
        return
    orjson.dumps(read)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (5000, "5000"), ("5000", "5000"), (" 5000 ", "5000"), (5000.0, "5000"), ("007", "7"),
        (2**63, str(2**63)),
        *zip_none(
            0, "0", -5, "-5", True, None, "", "abc", "²", "١٢", "5_000", "5 000", 1.5, math.inf,
            math.nan, [], {}, [5000], "5" * 31, 10**40, "\x005",
        ),
    ],
)  # fmt: skip
def test_an_id_is_a_positive_number_or_none(value: Any, read: str | None) -> None:
    assert identifier(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (2018, 2018), ("2018", 2018), (-1, -1), (15.7, 15),
        *zip_none(
            None, True, "x", [], {}, 2**31, -(2**31), math.inf, math.nan, "9" * 5_000, "1e5",
        ),
    ],
)  # fmt: skip
def test_a_small_number_fits_a_column_or_is_none(value: Any, read: int | None) -> None:
    assert small_number(value) == read


def test_a_short_text_is_cut_and_freed_of_what_no_row_can_hold() -> None:
    assert short_text("a\x00bcdef", 4) == "abc"
    odd: list[Any] = [None, 5, [], "", " \x00"]
    assert [short_text(value, 9) for value in odd] == [None] * 5


def test_rows_without_an_id_give_none() -> None:
    assert identifiers([{"id": 7}, {}, {"id": "?"}, {"id": "08"}], "id") == ["7", "8"]
