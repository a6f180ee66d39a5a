"""Braces that would join across EJS tags, and printed texts that would be read as Mustache."""

import pytest

from app.bots import seams
from app.bots.conditionals import read_nodes
from app.errors import BadInput


def check(template: str) -> None:
    seams.check(read_nodes(template), template)


@pytest.mark.parametrize(
    "template",
    [
        "{ <%= a %> {b}",
        "{<%= a %>x{",
        "{<% if (a) { %>x<% } else { %>y<% } %>{",
        "{<%= a ? 'x' : 'y' %>{",
        "<%= a ? 'x' : '{y}' %>",
        "<%= a %>{",
        "{{a}}<%= a %>{{b}}",
        "<% if (a == '{{b}}') { %>x<% } %>",
        "<%= a == '{{b}}' %>",
        "}<%= a %>}",
    ],
)
def test_braces_that_stay_apart_are_accepted(template: str) -> None:
    check(template)


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("{<%# a %>{b}}", "line 1, column 10: this { would join the one before"),
        ("{<%= a %>{b}}", "line 1, column 10: "),
        ("{<%= a ? 'x' : '' %>{b}}", "line 1, column 21: "),
        ("{<% if (a) { %>{b}}<% } %>", "line 1, column 16: "),
        ("{<% if (a) { %>x<% } %>{b}}", "line 1, column 24: "),
        ("{<% if (a) { %>x<% } else { %><% } %>{b}}", "line 1, column 38: "),
        ("<% if (a) { %>{<% } %>{b}}", "line 1, column 23: "),
        ("<%= a ? '{' : '' %>{b}}", "line 1, column 20: "),
        ("{<%= a || '{b}}' %>", "line 1, column 2: a printed text is not read as Mustache"),
        ("\n<%= a && (b ? '{{b}}' : c) %>", "line 2, column 1: a printed text is not read"),
        ("<%= '\\x7b{b}}' %>", "line 1, column 1: a printed text is not read"),
    ],
)
def test_braces_that_would_become_a_tag_are_refused(template: str, place: str) -> None:
    with pytest.raises(BadInput) as caught:
        check(template)
    assert str(caught.value).startswith(place)
