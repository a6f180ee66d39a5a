"""What stands behind the sign of `name=value`."""

import pytest

from app.cli.values import parse_assignments, parse_value
from app.errors import BadInput


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8),
        ("0.5", 0.5),
        ("true", True),
        ('"4"', "4"),
        ("['a', 'b']", ["a", "b"]),
        ('["167=parking:public"]', ["167=parking:public"]),
        ("gpt-4.1", "gpt-4.1"),
        ("#night desk", "#night desk"),
        ("22:00", "22:00"),
        ("22:00:00", "22:00:00"),
        ("2026-04-13", "2026-04-13"),
        ("1\nother = 2", "1\nother = 2"),
        ("null", None),
        ("", None),
    ],
)
def test_a_value_is_read_as_toml_then_json_then_text(text: str, value: object) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def test_only_the_first_sign_divides_name_and_value() -> None:
    assert parse_assignments(["access.code_sources=['1=listing']", "chat.low_score="]) == {
        "access.code_sources": ["1=listing"],
        "chat.low_score": None,
    }


@pytest.mark.parametrize("wrong", ["chat.low_score", "=3", "chat={low_score = 'draft'}", "chat=3"])
def test_what_names_no_single_setting_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput, match=r"chat\.window_other_s=8"):
        parse_assignments([wrong])
