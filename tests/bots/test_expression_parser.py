from typing import Any

import pytest

from app.bots.expression import And, Choice, Compare, Includes, Literal, Member, Name, Not, Or
from app.bots.expression_parser import TagReader
from app.errors import BadInput


def read(text: str) -> Any:
    reader = TagReader(text, 0, len(text))
    expression = reader.expression()
    if reader.token.kind != "end":
        raise reader.refuse("one expression is enough")
    return expression


A, B, C = (Name(path=(name,)) for name in "abc")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a || b && c", Or(operands=(A, And(operands=(B, C))))),
        ("(a || b) && c", And(operands=(Or(operands=(A, B)), C))),
        ("a || b || c", Or(operands=(A, B, C))),
        ("!a == b", Compare(sign="==", left=Not(of=A), right=B)),
        (
            "a < b == c",
            Compare(sign="==", left=Compare(sign="<", left=A, right=B), right=C),
        ),
        ("a ? b : c", Choice(condition=A, then=B, otherwise=C)),
        ("a\n.\tb . c", Name(path=("a", "b", "c"))),
        ("(a).b.c", Name(path=("a", "b", "c"))),
        ("'x'.b", Member(of=Literal(value="x"), name="b")),
        ("a.b.includes( c )", Includes(of=Name(path=("a", "b")), item=C)),
        ("a.includes(b).c", Member(of=Includes(of=A, item=B), name="c")),
        ("imię_ą", Name(path=("imię_ą",))),
        ("$x1", Name(path=("$x1",))),
        ("- 5", Literal(value=-5.0)),
        (".5", Literal(value=0.5)),
        ("5.", Literal(value=5.0)),
        ("1.5e-3", Literal(value=0.0015)),
        ("null", Literal(value=None)),
        (r"'it\'s'", Literal(value="it's")),
        (r'"\n\t\x41\u0105\u{1F600}\ud83d\ude00\q\\"', Literal(value="\n\tAą😀😀q\\")),
        ("'a\\\nb'", Literal(value="ab")),
        (r"'a\0b'", Literal(value="a\0b")),
        ("a /* || b */ . // c\n b", Name(path=("a", "b"))),
        ("/* * / ** */ a // b", A),
        ("'// /*'", Literal(value="// /*")),
        ("locals.a.b", Name(path=("a", "b"))),
        ("locals.length", Name(path=("length",))),
    ],
)
def test_what_is_read(text: str, expected: Any) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: the tag ends here; a name or a value is expected here"),
        ("a ||", "line 1, column 5: the tag ends here; a name or a value"),
        ("a\n  b", "line 2, column 3: `b` is not understood; one expression"),
        ("a = b", "line 1, column 3: `=` is not understood; a template cannot assign"),
        ("a => b", "line 1, column 3: `=>` is not understood; functions"),
        ("f(a)", "line 1, column 1: f(...) cannot be called; .includes(x) is the only call"),
        ("a.trim()", "line 1, column 3: .trim(...) cannot be called"),
        ("a.includes(b, c)", "line 1, column 13: `,` is not understood; includes takes one value"),
        ("a.includes()", "line 1, column 12: `)` is not understood; a name or a value"),
        ("a[0]", "line 1, column 2: `[` is not understood; write a.b"),
        ("a?.b", "line 1, column 2: `?.` is not understood; write a.b"),
        ("a ?? b", "line 1, column 3: `??` is not understood; write a || b"),
        ("a + b", "line 1, column 3: `+` is not understood; a template cannot calculate"),
        ("a - 1", "line 1, column 3: `-` is not understood; a template cannot calculate"),
        ("-a", "line 1, column 1: `-` is not understood; a template cannot calculate"),
        ("a /* b", "line 1, column 3: `/*` is not understood; this comment does not end in"),
        (r"'\01'", "line 1, column 2: `\\01` is no escape"),
        (r"'\1'", "line 1, column 2: `\\1` is no escape"),
        ("a.includes", "line 1, column 3: includes is asked with a value: a.includes(b)"),
        ("a.constructor", "line 1, column 3: constructor is a word of JavaScript's own"),
        ("a.__proto__.b", "line 1, column 3: __proto__ is a word of JavaScript's own"),
        ("(a || b).toString", "line 1, column 10: toString is a word of JavaScript's own"),
        ("!Math", "line 1, column 2: Math is a word of JavaScript's own; no variable"),
        ("constructor.name.includes(a)", "line 1, column 1: constructor is a word of"),
        ("a && include", "line 1, column 6: include is a word of JavaScript's own"),
        ("locals", "line 1, column 1: locals is a word of JavaScript's own"),
        ("`a`", "line 1, column 1: ``` is not understood; put texts into"),
        ("(a", "line 1, column 3: the tag ends here; a closing ) is missing"),
        ("a ? b", "line 1, column 6: the tag ends here; a choice is written a ? b : c"),
        ("a.5", "line 1, column 2: `.5` is not understood; one expression"),
        ("a.", "line 1, column 3: the tag ends here; a name comes after the dot"),
        ("typeof a", "line 1, column 1: `typeof` is not understood; only if, else"),
        ("NaN", "line 1, column 1: `NaN` is not understood"),
        ("'abc", "line 1, column 1: this text is not closed before the end of its line or tag"),
        ("'a\nb'", "line 1, column 1: this text is not closed"),
        ("a == '\\7'", "line 1, column 7: `\\7` is no escape"),
        ("'\\ux'", "line 1, column 2: `\\u` is no escape"),
        ("'\\u{110000}'", "line 1, column 2: there is no such character"),
        ("'\\ud83d'", "line 1, column 1: half a \\u pair"),
        ("010", "line 1, column 1: write numbers plainly"),
        ("0x10", "line 1, column 1: write numbers plainly"),
        ("5a", "line 1, column 1: write numbers plainly"),
        ("a @ b", "line 1, column 3: `@` is not understood; take it out"),
        ("a\u2192b", "line 1, column 1: `a` is not understood; take it out"),
        ("(" * 40, "line 1, column 33: this is nested deeper than 32"),
        ("!" * 40 + "a", "line 1, column 33: this is nested deeper than 32"),
        ("a" + " == b" * 40, "line 1, column 158: this is nested deeper than 32"),
        ("(1)" + ".a" * 40, "line 1, column 68: this is nested deeper than 32"),
    ],
)
def test_what_is_no_dialect_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text)
    assert str(caught.value).startswith(message)


def test_long_flat_conditions_are_no_nesting() -> None:
    assert len(read(" || ".join(["a"] * 1000)).operands) == 1000
    assert len(read(" && ".join(["(a == b)"] * 400)).operands) == 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a" + ".a" * 1_000, "line 1, column 65: a name may have 32 parts"),
        (" || ".join(["a"] * 10_000), "line 1, column 7501: this tag has more than 3000 words"),
        ("!" * 40_000, "line 1, column 3001: this tag has more than 3000 words"),
    ],
)
def test_what_is_too_long_for_one_tag_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text)
    assert str(caught.value).startswith(message)
