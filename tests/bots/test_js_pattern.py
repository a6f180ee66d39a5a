"""The tree of a pattern, and which patterns there is none for."""

from typing import Any

import pytest

from app.bots.js_pattern import Characters, Choice, Edge, Look, Repeat, Sequence, parse_pattern
from app.errors import BadInput

A = Characters(ranges=((97, 97),))
B = Characters(ranges=((98, 98),))


@pytest.mark.parametrize(
    ("pattern", "flags", "tree"),
    [
        ("", "", Sequence(parts=())),
        ("ab", "", Sequence(parts=(A, B))),
        ("a|b", "", Choice(options=(Sequence(parts=(A,)), Sequence(parts=(B,))))),
        ("a{2,}?", "", Sequence(parts=(Repeat(body=A, least=2, most=None),))),
        ("^$", "", Sequence(parts=(Edge(kind="start"), Edge(kind="end")))),
        ("^$", "m", Sequence(parts=(Edge(kind="line_start"), Edge(kind="line_end")))),
        (
            "(?<!a)",
            "",
            Sequence(parts=(Look(body=Sequence(parts=(A,)), is_ahead=False, is_negated=True),)),
        ),
        ("[^\\0-`b-\\u{10ffff}]", "u", Sequence(parts=(A,))),
        ("\\ud83d\\ude00", "u", Sequence(parts=(Characters(ranges=((0x1F600, 0x1F600),)),))),
        ("\\012", "", Sequence(parts=(Characters(ranges=((10, 10),)),))),
    ],
)
def test_a_pattern_becomes_its_tree(pattern: Any, flags: Any, tree: Any) -> None:
    assert parse_pattern(pattern, flags, place="p") == tree


@pytest.mark.parametrize(
    ("pattern", "flags"),
    [
        ("(", ""),
        (")", ""),
        ("[a", ""),
        ("\\", ""),
        ("*a", ""),
        ("a**", ""),
        ("a++", ""),
        ("{2}", ""),
        ("^*", ""),
        ("^{1}", ""),
        ("\\b+", ""),
        ("(?<=a)*", ""),
        ("(?=a)*", "u"),
        ("a{2,1}", ""),
        ("[b-a]", ""),
        ("[\\d-z]", "u"),
        ("(?i)a", ""),
        ("(?P<n>a)", ""),
        ("(?>a)", ""),
        ("(?<1>a)", ""),
        ("(?<n>a)(?<n>b)", ""),
        ("{", "u"),
        ("]", "u"),
        ("\\a", "u"),
        ("\\-", "u"),
        ("\\00", "u"),
        ("\\u{110000}", "u"),
        ("\\p{Nope}", "u"),
        ("(a)\\1", ""),
        ("(?<n>a)\\k<n>", ""),
        ("\\8", "u"),
        ("\\c1", "u"),
        ("[\\1]", "u"),
        ("\\1(a)", ""),
        ("[)](a)\\)(?<n>b)\\2", ""),
        ("(?<n>a)[\\k]", ""),
        ("a{501}", ""),
        ("(" * 31 + ")" * 31, ""),
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused_at_its_place(pattern: Any, flags: Any) -> None:
    with pytest.raises(BadInput, match=r"^\$and\[0\]\.a\.\$regex: the expression "):
        parse_pattern(pattern, flags, place="$and[0].a.$regex")
