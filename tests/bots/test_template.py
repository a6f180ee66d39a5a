from collections import Counter
from typing import Any

import pytest

from app.bots.conditionals import If, Print, Text
from app.bots.expression import Name
from app.bots.template import LAYOUTS_KEPT, compile_template
from app.errors import BadInput
from tests import semantics

ARTICLE = """You are {{botName}}, guest assistant for {{listing.name}}.
Check-in: {{listing.checkInTimeStart}}.
Check-out: {{listing.checkOutTime}}.
<% if (canAccess) { %>
Door code: {{listing.door_code}}
WiFi: {{listing.wifi_password}}
<% } else { %>
Access details will be shared 24 hours before arrival.
<% } %>
<% if (listing.petsAllowed) { %>
Pets are welcome. Please clean up after them.
<% } %>
House rules: {{listing.houseRules}}"""

STAY = {
    "botName": "Maja",
    "canAccess": True,
    "listing": {
        "name": "Dom pod Lipą & Son",
        "checkInTimeStart": 15,
        "checkOutTime": 11.0,
        "door_code": "[[door_code]]",
        "wifi_password": "[[wifi_password]]",
        "petsAllowed": False,
        "houseRules": "<no parties>",
    },
}


def render(text: str, **variables: Any) -> str:
    return compile_template(text).render(variables)


def refused(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        compile_template(text)
    return str(caught.value)


def test_the_articles_example_with_access() -> None:
    assert compile_template(ARTICLE).render(STAY) == (
        "You are Maja, guest assistant for Dom pod Lipą & Son.\n"
        "Check-in: 15.\nCheck-out: 11.\n\n"
        "Door code: [[door_code]]\nWiFi: [[wifi_password]]\n\n\n"
        "House rules: <no parties>"
    )


def test_the_articles_example_without_access() -> None:
    stay = STAY | {"canAccess": False, "listing": {"name": "Loft", "petsAllowed": True}}
    assert compile_template(ARTICLE).render(stay) == (
        "You are Maja, guest assistant for Loft.\nCheck-in: .\nCheck-out: .\n\n"
        "Access details will be shared 24 hours before arrival.\n\n\n"
        "Pets are welcome. Please clean up after them.\n\nHouse rules: "
    )


def test_one_template_serves_many_guests_each_their_own_way() -> None:
    template = compile_template("<% if (a) { %>{{a}}<% } else { %><%= b %>.<% } %>")
    answers = [template.render({"a": a, "b": b}) for a, b in [("x", 1), ("", "y z"), ("q", 2)]]
    assert answers == ["x", "y z.", "q"]


# ---- guest data is never template


@pytest.mark.parametrize(
    "hostile",
    [
        "{{listing.door_code}}",
        "{{{listing.door_code}}}",
        "<% if (true) { %>",
        "<%= listing.door_code %>",
        "{{#listing}}",
        "{{/listing}}",
        "{{=<% %>=}}",
        "}}{{",
        "%>",
        "{0.__class__} ${x} %(y)s",
        "\ue000\ufdd0 \x00",
    ],
)
@pytest.mark.parametrize(
    "tag", ["{{name}}", "{{{name}}}", "{{&name}}", "<%= name %>", "<%- name %>"]
)
def test_what_a_guest_writes_is_printed_as_it_is(tag: str, hostile: str) -> None:
    answer = render(f"a {tag} b{{{{x}}}}", name=hostile, listing={"door_code": "1234"}, x="!")
    assert answer == f"a {hostile} b!"


def test_a_text_that_the_operator_prints_is_no_template_and_says_so() -> None:
    message = refused("<%= canAccess ? 'Code: {{door_code}}' : 'later' %>")
    assert message.startswith(
        "line 1, column 1: a printed text is not read as Mustache; write <% if"
    )
    assert refused("{<% if (a) { %>{door_code}}<% } %>").startswith("line 1, column 16: this {")


def test_printed_braces_do_not_join_with_the_operators() -> None:
    assert render("{<%= a %>}", a="{code}", code="1234") == "{{code}}"
    assert render("<%= a %>{code}}", a="{", code="1234") == "{{code}}"


def test_a_printed_value_cannot_stand_inside_a_mustache_tag() -> None:
    message = refused("{{<%= key %>}}")
    assert message.startswith("line 1, column 1: this {{ is not closed; end it with }}")


def test_attributes_of_python_are_out_of_reach() -> None:
    text = "{{a.__class__}}<%= a.__class__ %>{{a.upper}}<%= a.upper %>{{n.real}}<%= n.real %>"
    assert render(text, a="x", n=1) == ""


# ---- sections and conditions together


def test_conditions_stand_inside_sections_and_sections_inside_branches() -> None:
    text = "{{#rooms}}<% if (beds) { %>{{name}},<% } %>{{/rooms}}<% if (a) { %>{{^b}}n{{/b}}<% } %>"
    assert render(text, rooms=[{"name": "A"}, {"name": "B"}], beds=1, a=1) == "A,B,n"


def test_a_value_printed_inside_a_section_is_printed_for_every_item() -> None:
    assert render("{{#r}}<%= s %>{{.}} {{/r}}", r=[1, 2], s="#") == "#1 #2 "


def test_a_section_may_reach_across_conditions_that_agree() -> None:
    text = "<% if (a) { %>{{#r}}<% } %>x<% if (!a) { %><% } else { %>{{/r}}<% } %>"
    assert render(text, a=True, r=[1, 2]) == "xx"
    assert render(text, a=False, r=[1, 2]) == "x"


def test_each_branch_may_open_its_own_section_of_one_name() -> None:
    text = "<% if (a) { %>{{#r}}<% } else { %>{{^r}}<% } %>x{{/r}}"
    assert [render(text, a=a, r=[1, 2]) for a in (True, False)] == ["xx", ""]


def test_lines_with_only_a_section_vanish_even_when_a_value_stands_on_them_as_space() -> None:
    assert render("a\n <%= s %>{{#t}}\nb\n{{/t}}\nc", s=" ", t=True) == "a\nb\nc"
    assert render("a\n <%= s %>{{#t}}\nb\n{{/t}}\nc", s="x", t=True) == "a\n x\nb\nc"
    assert render("a\n<%= s %>{{#t}}\nb\n{{/t}}\nc", s="p\nq\n ", t=True) == "a\np\nq\nb\nc"
    assert render("a\n{{#t}}<%= s %>\nb\n{{/t}}\nc", s="p\nq", t=True) == "a\np\nq\nb\nc"


# ---- what the template says of itself


def test_its_tree_can_be_read_back() -> None:
    nodes = compile_template("Hi <%= a %><% if (b) { %>x<% } %>").nodes
    assert [type(node) for node in nodes] == [Text, Print, If]
    assert nodes[0] == Text(text="Hi ")
    assert isinstance(nodes[2], If)
    assert nodes[2].branches[0].condition == Name(path=("b",))


def test_its_names_are_those_of_both_layers() -> None:
    text = (
        "{{a.b}}{{#c}}{{.}}{{/c}}{{^d}}{{! no }}{{/d}}{{e.length}}"
        "<% if (f.g && !h.length) { %><%= i.includes(j) ? k : 'l' %><% } else if (m == n) { %>"
        "{{{o}}}<% } else { %>{{&p}}<% } %><%# q %><%= (r || s).t %>"
    )
    expected = "a.b c d e f.g h i j k m n o p r s"
    assert compile_template(text).names == frozenset(expected.split())


def test_compiling_the_same_text_twice_gives_equal_templates() -> None:
    assert compile_template(ARTICLE) == compile_template(ARTICLE)


def test_more_ways_than_are_kept_still_render_right() -> None:
    text = "".join(f"<% if (a{n}) {{ %>{n} <% }} %>" for n in range(7))
    template = compile_template(text)
    for way in range(LAYOUTS_KEPT * 3):
        taken = [n for n in range(7) if way >> n & 1]
        assert template.render({f"a{n}": 1 for n in taken}) == "".join(f"{n} " for n in taken)


# ---- refusals, each with its place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb {{x", "line 2, column 3: this {{ is not closed"),
        ("a\n{{#b}}\nx", "line 2, column 1: section b is not closed on every way"),
        ("x{{/b}}", "line 1, column 2: section b is not open here on every way"),
        ("{{#a}}{{#b}}{{/a}}", "line 1, column 13: section b is still open here"),
        ("ą <% if (a) { %>{{#b}}<% } %>", "line 1, column 17: section b is not closed"),
        ("<% if (a) { %>{{#b}}<% } %>\n{{/b}}", "line 2, column 1: section b is not open here"),
        ("<% if (a) { %>\n{{> p}}<% } %>", "line 2, column 1: {{> partials are not known"),
        ("{{=<% %>=}}", "line 1, column 1: this {{= is not closed"),
        ("\n {{=| |=}}", "line 2, column 2: {{= delimiters cannot be changed"),
        ("<% for (x of y) { %>", "line 1, column 4: `for` is not understood"),
        ("a\n<% if (a { %>", "line 2, column 10: `{` is not understood"),
        ("<% if (a) { %>", "line 1, column 1: this if is never closed"),
        ("<% } %>", "line 1, column 4: this } closes no if"),
        ("<%= a = 1 %>", "line 1, column 7: `=` is not understood; a template cannot assign"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(text: str, message: str) -> None:
    assert refused(text).startswith(message)


def test_a_text_too_long_is_refused_and_the_longest_is_not() -> None:
    assert compile_template("x" * 30_000).render({}) == "x" * 30_000
    assert refused("x\n" * 15_001).startswith("line 15001, column 1: a template may have 30000")


def test_ten_thousand_nested_conditions_are_refused_with_their_place() -> None:
    assert refused("<%if(a){%>" * 3_000).startswith("line 1, column 321: conditions are nested")


def test_a_megabyte_is_refused_before_it_is_read() -> None:
    assert refused("<% if (a) { %>x<% } %>" * 50_000).startswith("line 1, column 30001: a template")


def test_sections_that_multiply_a_list_are_refused_while_rendering() -> None:
    template = compile_template("{{#a}}" * 8 + "x" + "{{/a}}" * 8)
    assert template.render({"a": [1, 2]}) == "x" * 256
    with pytest.raises(BadInput, match="grows past"):
        template.render({"a": list(range(20))})


def test_a_text_that_prints_a_long_value_too_often_is_refused_while_rendering() -> None:
    template = compile_template("{{a}}" * 1_000)
    assert len(template.render({"a": "x" * 100})) == 100_000
    with pytest.raises(BadInput, match="grows past 500000 characters"):
        template.render({"a": "x" * 1_000})


@pytest.mark.parametrize("text", ["{{a}}", "<%= a %>", "<% if (a == 1) { %>x<% } %>"])
def test_a_variable_nested_without_end_is_refused_while_rendering(text: str) -> None:
    nested: list[Any] = []
    for _ in range(5_000):
        nested = [nested]
    with pytest.raises(BadInput, match="nested too deeply"):
        compile_template(text).render({"a": nested})


def test_nesting_is_limited_in_both_layers() -> None:
    def ifs(n: int) -> str:
        return "<% if (a) { %>" * n + "x" + "<% } %>" * n

    def sections(n: int) -> str:
        return "{{#a}}" * n + "x" + "{{/a}}" * n

    assert render(ifs(32), a=1) == render(sections(32), a=True) == "x"
    assert refused(ifs(33)).startswith("line 1, column 449: conditions are nested deeper than 32")
    assert refused(sections(33)).startswith("line 1, column 193: sections are nested deeper")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n  {{x}}", "line 2, column 3: x: a template cannot use a value of type set"),
        ("a\n  {{#x}}y{{.}}{{/x}}", "line 2, column 10: .: a template cannot use"),
        ("\n\n<%= x %>", "line 3, column 1: a template cannot use a value of type set"),
        ("<% if (y) { %><% } else if (x > 1) { %><% } %>", "line 1, column 15: a template cannot"),
    ],
)
def test_a_variable_that_json_does_not_have_is_refused_where_it_is_used(
    text: str, message: str
) -> None:
    with pytest.raises(BadInput) as caught:
        render(text, x={1})
    assert str(caught.value).startswith(message)


# ---- the same as the real packages


@pytest.mark.parametrize(
    ("layer", "least_same", "most_thrown"),
    [("ejs", 5700, 30), ("mustache", 5700, 30), ("both", 4700, 40), ("wild", 4900, 150)],
)
def test_it_answers_as_the_packages_did(layer: str, least_same: int, most_thrown: int) -> None:
    cases = list(semantics.template_cases(semantics.stored(layer)))
    is_wild = layer == "wild"
    kinds = Counter(semantics.template_difference(*case, is_wild=is_wild) for case in cases)
    assert len(cases) >= 5_000
    assert [kind for kind in kinds if kind.startswith("!")] == []
    assert set(kinds) <= {"none", "refused by both", *semantics.TEMPLATE_REASONS}
    assert kinds["none"] >= least_same
    assert kinds["thrown"] <= most_thrown
    assert is_wild or kinds["joined"] + kinds["outside"] <= len(cases) * 0.02
    assert is_wild or kinds["function"] == 0
