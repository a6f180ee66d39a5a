from typing import Any

import pytest

from app.bots.expression import Compare, Literal, Name, Not, evaluate, names_in
from app.bots.expression_parser import TagReader
from app.bots.javascript import UNDEFINED

GUEST = {
    "name": "Łucja",
    "age": 31,
    "tags": ["vip", 2],
    "home": {"city": "Gdańsk", "length": 4, "if": "kept"},
    "nothing": None,
    "zero": 0,
    "empty": "",
}


def value_of(text: str) -> Any:
    return evaluate(TagReader(text, 0, len(text)).expression(), GUEST)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("name", "Łucja"),
        ("home.city", "Gdańsk"),
        ("home.if", "kept"),
        ("home.length", 4),
        ("locals.name", "Łucja"),
        ("locals.absent", UNDEFINED),
        ("name.length", 5),
        ("(name || empty).length", 5),
        ("'abc'.length", 3),
        ("tags.length", 2),
        ("tags.includes('vip')", True),
        ("tags.includes(2.0) && name.includes('uc')", True),
        ("(empty || tags).includes('x')", False),
        ("absent", UNDEFINED),
        ("absent.deeper.still", UNDEFINED),
        ("nothing.deeper", UNDEFINED),
        ("absent.includes('x')", UNDEFINED),
        ("!absent", True),
        ("!!name", True),
        ("zero || empty || nothing", None),
        ("name && age && zero && absent", 0),
        ("empty || 'none'", "none"),
        ("age >= 18 ? 'adult' : 'child'", "adult"),
        ("zero ? 1 : empty ? 2 : 3", 3.0),
        ("(zero ? 1 : 2) === 2", True),
        ("1 < 2 < 3", True),
        ("3 > 2 > 1", False),
        ("zero == false", True),
        ("zero === false", False),
        ("nothing == undefined", True),
        ("nothing !== undefined", True),
        ("zero != empty", False),
        ("age > '4'", True),
        ("true || false && false", True),
        ("1 == 1 < 2", True),
        ("!zero == true", True),
        ("-1 < zero", True),
        ("age <= 31", True),
    ],
)
def test_expressions_have_javascripts_value(text: str, value: Any) -> None:
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_names_are_found_everywhere_and_a_final_length_is_no_part_of_them() -> None:
    text = "!a && b.length > c.d || (e ? f : g.h).length === i.includes(j) || length"
    found = set(names_in(TagReader(text, 0, len(text)).expression()))
    assert found == {"a", "b", "c.d", "e", "f", "g.h", "i", "j", "length"}


def test_expressions_can_be_built_and_compared() -> None:
    built = Not(of=Compare(sign="<", left=Name(path=("age",)), right=Literal(value=18.0)))
    assert built == TagReader("!(age < 18)", 0, 11).expression()
    assert evaluate(built, GUEST) is True
