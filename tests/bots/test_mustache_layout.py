import pytest

from app.bots.mustache_layout import (
    Printed,
    Run,
    Section,
    Tag,
    Variable,
    lay_out,
    shape_of,
    tags_in,
)
from app.errors import BadInput


def test_a_text_is_laid_out_as_a_tree() -> None:
    text = "a {{b.c}}{{#d}} {{! no }}{{/d}}"
    assert lay_out([Run(text, 0)], text) == (
        "a ",
        Variable(name="b.c", offset=2),
        Section(name="d", offset=9, is_inverted=False, parts=(" ",)),
    )


def test_tags_are_found_with_their_places() -> None:
    text = "{{ # a }}{{{ b }}}{{& c}}x{{! }} }}{{/\na}}"
    assert list(tags_in(Run(text, 5), text)) == [
        Tag("#", "a", 5),
        Tag("", "b", 14),
        Tag("", "c", 23),
        "x",
        Tag("!", "", 31),
        " }}",
        Tag("/", "a", 40),
    ]


def test_of_a_printed_value_the_layout_sees_only_the_space_around_it() -> None:
    assert shape_of(" \n") == (Printed(" \n", is_solid=False, has_lines=False, after=""), "")
    assert shape_of(" Jan ") == (Printed(" ", is_solid=True, has_lines=False, after=" "), "Jan")
    assert shape_of("a\nb") == (Printed("", is_solid=True, has_lines=True, after=""), "a\nb")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n{{x", "line 2, column 1: this {{ is not closed; end it with }}"),
        ("{{{x}} }", "line 1, column 1: this {{{ is not closed; end it with }}}"),
        ("{{#x", "line 1, column 1: this {{# is not closed"),
        ("{{", "line 1, column 1: this {{ is not closed"),
        (" {{ }}", "line 1, column 2: nothing stands between the braces"),
        ("{{#}}", "line 1, column 1: nothing stands between the braces"),
        ("{{a {{b}}", "line 1, column 1: `a {{b` is no name; is a brace too many"),
        ("\n {{> x}}", "line 2, column 2: {{> partials are not known here"),
        ("{{=| |=}}", "line 1, column 1: {{= delimiters cannot be changed"),
        ("x {{constructor}}", "line 1, column 3: constructor is a word of JavaScript's own"),
        ("{{#a.__proto__.b}}", "line 1, column 1: __proto__ is a word of JavaScript's own"),
    ],
)
def test_broken_tags_are_refused_with_their_place(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        list(tags_in(Run(text, 0), text))
    assert str(caught.value).startswith(message)
