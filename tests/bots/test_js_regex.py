"""Searching as JavaScript searches, and never for long."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.bots.effort import Effort
from app.bots.js_regex import compile_regex
from app.errors import BadInput


@pytest.mark.parametrize(
    ("pattern", "flags", "text"),
    [
        ("", "", ""),
        ("^jan", "i", "JAN Kowalski"),
        ("ski$", "", "Kowalski"),
        ("^b$", "m", "a\u2028b"),
        (".", "", "é"),
        ("^.$", "s", "\n"),
        ("^..$", "", "😀"),
        ("^.$", "u", "😀"),
        ("^\\s+$", "", "\u00a0\ufeff"),
        ("łÓDŹ", "i", "Łódź"),
        ("^[^\\W_]+$", "", "a9"),
        ("\\bpool\\b", "", "the pool."),
        ("o\\Bo", "", "pool"),
        ("\\B", "", ""),
        ("^(?=.*wifi)(?=.*pool)", "", "pool and wifi"),
        ("(?<!no )pool", "", "a pool"),
        ("(?<=^a*)b", "", "aaab"),
        ("^(?!.*pet)", "", "quiet"),
        ("^(a|ab)(c|bcd)(d*)$", "", "abcd"),
        ("^a{2,3}$", "", "aaa"),
        ("a{,2}", "", "a{,2}"),
        ("[^]", "", "\n"),
        ("b", "y", "ba"),
        ("\\p{Lu}", "u", "Ł"),
        ("\\/", "", "a/b"),
        ("^(?<year>\\d{4})-", "", "2026-07"),
        ("^\\8\\9$", "", "89"),
        ("^\\1\\17\\18$", "", "\x01\x0f\x018"),
        ("^(?:a)[(]\\(\\1$", "", "a((\x01"),
        ("^(?=a)(?<!b)a\\1$", "", "a\x01"),
        ("^\\377\\400$", "", "\xff 0"),
        ("^\\k$", "", "k"),
        ("^\\c1$", "", "\\c1"),
        ("^[\\c1\\c][\\c]$", "", "\x11c"),
        ("^[\\1\\8]{2}$", "", "\x018"),
    ],
)
def test_an_expression_that_is_found(pattern: Any, flags: Any, text: Any) -> None:
    assert compile_regex(pattern, flags, place="p")(text) is True


@pytest.mark.parametrize(
    ("pattern", "flags", "text"),
    [
        ("ski$", "", "Kowalski\n"),
        (".", "", "\u2028"),
        ("^.$", "", "😀"),
        ("\\d", "", "٣"),
        ("\\w", "", "ł"),
        ("s", "i", "ſ"),
        ("i", "i", "İ"),
        ("b", "y", "ab"),
        ("[]", "", "a"),
        ("\\bpool\\b", "", "pools"),
        ("(?<!no )pool", "", "no pool"),
        ("^(?!.*pet)", "", "pets"),
        ("^a{2,3}$", "", "aaaa"),
    ],
)
def test_an_expression_that_is_not_found(pattern: Any, flags: Any, text: Any) -> None:
    assert compile_regex(pattern, flags, place="p")(text) is False


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "^(a|a)*$", "(a*)*b", "^(a?){50}a{50}$", "(.*.*)*=$"]
)
def test_an_expression_made_to_explode_is_answered(pattern: Any) -> None:
    assert compile_regex(pattern, "", place="p")("a" * 20_000 + "!") is False


def test_what_is_remembered_is_thrown_away_before_it_grows_large() -> None:
    search = compile_regex("(a|b)*a(a|b){60}c", "", place="p")
    text = "".join("ab"[(at * at * 7 + at // 3) % 11 % 2] for at in range(2_000))
    assert search(text) is False
    assert search(text + "a" + "b" * 60 + "c") is True


def test_a_text_too_long_for_the_expression_does_not_match() -> None:
    search = compile_regex("a", "", place="p")
    assert search("a" * 250_000)
    assert not search("a" * 1_250_000)


def test_searches_of_one_evaluation_share_what_they_may_cost() -> None:
    effort = Effort(1_000, "too much")
    search = compile_regex("ab", "", place="p", effort=effort)
    effort.begin()
    for _ in range(3):
        assert not search("x" * 100)
    with pytest.raises(BadInput, match="too much"):
        search("x" * 100)
    effort.begin()
    assert not search("x" * 100)


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "(a{500}){500}", "((a{30}){30}){30}"])
def test_an_expression_whose_counts_multiply_is_refused_before_it_is_built(pattern: str) -> None:
    with pytest.raises(BadInput, match=r"repeats more|too large"):
        compile_regex(pattern, "", place="p")


def test_a_search_looks_at_each_character_once() -> None:
    """Linear for the worst: as many steps as characters, whatever the pattern."""
    looked = 0

    class Counted(str):
        def __iter__(self) -> Iterator[str]:
            nonlocal looked
            for character in str.__iter__(self):
                looked += 1
                yield character

    search = compile_regex("^(a|aa|a?a*)+$", "", place="p")
    assert not search(Counted("a" * 10_000 + "!"))
    assert looked <= 10_001


@pytest.mark.parametrize(
    ("pattern", "flags", "fault"),
    [
        ("a" * 501, "", "longer"),
        ("a", "ii", "flags"),
        ("a", "x", "flags"),
        ("a", "v", "flags"),
        ("((a{100}){100})", "", "too large"),
        ("((){500}){500}", "", "too large"),
    ],
)
def test_what_goes_beyond_the_limits_is_refused(pattern: Any, flags: Any, fault: Any) -> None:
    with pytest.raises(BadInput, match=fault):
        compile_regex(pattern, flags, place="p")
