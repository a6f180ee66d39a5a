from typing import Any

import pytest

from app.bots.javascript import UNDEFINED
from app.bots.mustache import fill, look_up
from app.bots.mustache_layout import Run, lay_out, shape_of
from app.errors import BadInput


def render(text: str, **variables: Any) -> str:
    return fill(lay_out([Run(text, 0)], text), variables, [], text, most=10_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{x}} {{{x}}} {{&x}} {{ x }}", "<&> <&> <&> <&>"),
        ("{{t}} {{f}} {{none}} {{n}} {{one}} {{zero}}", "true false  1.5 1 0"),
        ("{{list}} {{stay}}", "a,b,a [object Object]"),
        ("{{stay.city}} {{stay.none}} {{stay.absent.deeper}}", "Łódź  "),
        ("{{list.length}} {{list.1}} {{x.length}} {{x.1}} {{list.7}}{{list.01}}", "3 b 3 & "),
        ("{{#list}}<{{.}}>{{/list}}", "<a><b><a>"),
        ("{{#stay}}{{city}} {{x}} {{list}}{{/stay}}", "Łódź <&> 1"),
        ("{{#rooms}}{{name}}:{{#beds}}{{.}},{{/beds}} {{/rooms}}", "A:1,2, B: "),
        ("{{#x}}{{.}}{{/x}}{{#one}}{{.}}{{/one}}{{#t}}{{x}}{{/t}}", "<&>1<&>"),
        ("{{#zero}}a{{/zero}}{{#empty}}b{{/empty}}{{#none}}c{{/none}}{{#nil}}d{{/nil}}", ""),
        ("{{^zero}}a{{/zero}}{{^empty}}b{{/empty}}{{^none}}c{{/none}}{{^nil}}d{{/nil}}", "abcd"),
        ("{{^x}}a{{/x}}{{^t}}b{{/t}}{{^stay}}c{{/stay}}{{^list}}d{{/list}}", ""),
        ("{{#gaps}}[{{x}}]{{/gaps}}", "[<&>][<&>]"),
        ("{{emoji.0}}{{emoji.2}}{{emoji.3}}", "\ufffdx"),
        ("{{list." + "9" * 5000 + "}}", ""),
        ("a\n {{#t}}\nb\n\t{{/t}} \nc", "a\nb\nc"),
        ("a\r\n{{#t}}\r\nb\r\n{{/t}}\r\nc", "a\r\nb\r\nc"),
        ("a\n {{! note }} \nb", "a\nb"),
        ("a\n {{none}} \nb", "a\n  \nb"),
        (" {{#t}} x\n{{/t}}", "  x\n"),
        ("  {{#t}}{{/t}}  ", ""),
        ("\u00a0{{#t}}\u00a0\nx{{/t}}", "x"),
        ("{ {x}} }}", "{ {x}} }}"),
    ],
)
def test_rendering(text: str, expected: str) -> None:
    variables = {
        "x": "<&>",
        "t": True,
        "f": False,
        "none": None,
        "n": 1.5,
        "one": 1.0,
        "zero": 0,
        "empty": "",
        "nil": [],
        "list": ["a", "b", "a"],
        "stay": {"city": "Łódź", "none": None, "list": 1},
        "rooms": [{"name": "A", "beds": [1, 2]}, {"name": "B"}],
        "gaps": [None, 5],
        "emoji": "😀x",
    }
    assert render(text, **variables) == expected


def test_names_are_looked_up_from_the_innermost_view_that_has_them() -> None:
    views = [{"a": {"b": 1}, "c": 2}, {"a": {"c": 3}, "c": None}]
    assert look_up(".", views) == views[1]
    assert look_up("a.b", views) == 1
    assert look_up("a.c", views) == 3
    assert look_up("c", views) is None
    assert look_up("d", views) is UNDEFINED
    assert look_up("length", [{}, "text"]) is UNDEFINED
    assert look_up("length", [{}, ["x"]]) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n{{list.join}}", "line 2, column 1: list.join: `join` is a function of JavaScript"),
        ("{{#list.map}}x{{/list.map}}", "line 1, column 1: list.map: `map` is a function"),
        ("{{x.trim.length}}", "line 1, column 1: x.trim.length: `trim` is a function"),
        ("{{#lists}}{{keys}}{{/lists}}", "line 1, column 11: keys: `keys` is a function"),
    ],
)
def test_a_path_to_a_function_of_javascript_is_an_error(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        render(text, list=["a"], lists=[["a"]], x="y")
    assert str(caught.value).startswith(message)


def test_a_text_has_no_functions_in_mustache_and_an_object_may_have_fields_called_so() -> None:
    assert render("{{x.trim}}|{{keys}}|{{o.keys}}", x="y", keys="k", o={"keys": 2}) == "|k|2"


def test_printed_values_keep_their_number_when_one_is_only_space() -> None:
    shapes, solids = zip(*(shape_of(value) for value in (" ", "{{x}}", "y")), strict=True)
    assert fill(lay_out(shapes, ""), {"x": "no"}, solids, "", most=100) == " {{x}}y"
