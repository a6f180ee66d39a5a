import pytest

from app.bots import balance
from app.bots.conditionals import read_nodes
from app.errors import BadInput

OPEN, CLOSE = "{{#s}}", "{{/s}}"


def when(condition: str, then: str, otherwise: str = "") -> str:
    return f"<% if ({condition}) {{ %>{then}<% }} else {{ %>{otherwise}<% }} %>"


def check(template: str) -> None:
    balance.check(read_nodes(template), template)


@pytest.mark.parametrize(
    "template",
    [
        f"{OPEN}{when('a', 'x')}{CLOSE}",
        when("a", f"{OPEN}x{CLOSE}"),
        f"{when('a', OPEN)}x{when('a', CLOSE)}",
        f"{when('a', OPEN)}x{when('!a', '', CLOSE)}",
        f"{when('!!a', OPEN)}x{when('a', CLOSE)}",
        f"{when('a', OPEN, OPEN)}x{CLOSE}",
        f"{OPEN}{when('a', CLOSE + OPEN)}{CLOSE}",
        f"{when('a', OPEN)}{when('b', OPEN)}x{when('b', CLOSE)}{when('a', CLOSE)}",
        f"{when('a', OPEN)}{when('b', when('a', CLOSE + OPEN))}{when('a', CLOSE)}",
        f"<% if (a) {{ %>{OPEN}<% }} else if (b) {{ %>{OPEN}<% }} %>x"
        f"<% if (a) {{ %>{CLOSE}<% }} else if (b) {{ %>{CLOSE}<% }} %>",
    ],
)
def test_sections_that_close_on_every_way_are_accepted(template: str) -> None:
    check(template)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (f"\n{OPEN}", "line 2, column 1: section s is not closed on every way; end it with {{/s}}"),
        (CLOSE, "line 1, column 1: section s is not open here on every way; open it with {{#s}}"),
        ("{{#a}}\n{{^b}}{{/a}}", "line 2, column 7: section b is still open here; write {{/b}}"),
        (when("a", OPEN), "line 1, column 15: section s is not closed"),
        (f"{when('a', OPEN)}\n{CLOSE}", "line 2, column 1: section s is not open here"),
        (f"{when('a', OPEN)}\n{when('b', CLOSE)}", "line 2, column 15: section s is not open"),
        (f"{when('a == 1', OPEN)}\n{when('a == true', CLOSE)}", "line 2, column 23: section s is"),
        (f"{OPEN}{when('a', CLOSE)}", "line 1, column 1: section s is not closed"),
        ("{{#a}}" * 33 + "{{/a}}" * 33, "line 1, column 193: sections are nested deeper than 32"),
    ],
)
def test_sections_that_do_not_are_refused_with_their_place(template: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        check(template)
    assert str(caught.value).startswith(message)


def tangle(depth: int) -> str:
    ways = "".join(when(f"a{depth} == {n}", f"{{{{#n{n}}}}}") for n in range(6))
    ends = "".join(when(f"a{depth} == {n}", f"{{{{/n{n}}}}}") for n in reversed(range(6)))
    return f"{ways}{when(f'b{depth}', tangle(depth - 1)) if depth else ''}{ends}"


def test_conditions_that_tangle_are_refused_and_not_followed_for_ever() -> None:
    check(tangle(0))
    for template in (tangle(3), "".join(when(f"a{n}", f"{{{{#n{n}}}}}") for n in range(7))):
        with pytest.raises(BadInput, match="too many sections reach across conditions"):
            check(template)


def test_many_conditions_that_leave_sections_alone_are_no_tangle() -> None:
    check("".join(when(f"a{n}", f"{OPEN}x{CLOSE}") for n in range(1000)))
