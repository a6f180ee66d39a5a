import pytest

from app.bots.conditionals import Branch, Comment, If, Node, Print, Text, read_nodes
from app.bots.expression import Name
from app.errors import BadInput

A, B, C = (Name(path=(name,)) for name in "abc")


def text(words: str) -> Text:
    return Text(text=words)


def when(condition: Name, *nodes: Node) -> Branch:
    return Branch(condition=condition, nodes=nodes)


@pytest.mark.parametrize(
    ("template", "nodes"),
    [
        ("", ()),
        ("plain } text", (text("plain } text"),)),
        ("<%= a %>", (Print(expression=A),)),
        ("<%- a; -%>\n\nx", (Print(expression=A), text("\nx"))),
        ("x<%# if ( %>y", (text("x"), Comment(text=" if ( "), text("y"))),
        ("<%if(a){%>x<%}%>", (If(branches=(when(A, text("x")),)),)),
        (
            "<% if (a) { %>x<% } else if (b) { %>y<% } else { %>z<% } %>",
            (If(branches=(when(A, text("x")), when(B, text("y"))), otherwise=(text("z"),)),),
        ),
        (
            "<% if (a) { if (b) { %>x<% } } %>",
            (If(branches=(when(A, If(branches=(when(B, text("x")),))),)),),
        ),
        ("<% if (a) { } else { %>x<% }; %>", (If(branches=(when(A),), otherwise=(text("x"),)),)),
        ("<% %>x<% ; %>", (text("x"),)),
        (
            "x \t<%_ if (a) { _%> \t\n y\n  <%_ } -%>\r\nz",
            (text("x"), If(branches=(when(A, text(" y\n")),)), text("z")),
        ),
        ("x \n <% if (a) { %> y<% } %>", (text("x \n "), If(branches=(when(A, text(" y")),)))),
        ("<%% a %> b", (text("<%"), text(" a "), text("%>"), text(" b"))),
        ("a %%> b", (text("a "), text("%>"), text(" b"))),
        ("<%% a -%>\nb", (text("<%"), text(" a "), text("-%>"), text("b"))),
    ],
)
def test_what_is_read(template: str, nodes: tuple[Node, ...]) -> None:
    assert read_nodes(template) == nodes


def test_nodes_know_where_they_stand() -> None:
    first, second, third = read_nodes("ab <%_ if (a) { -%>\nc<% } %>d")
    assert isinstance(first, Text)
    assert isinstance(second, If)
    assert isinstance(third, Text)
    inner = second.branches[0].nodes[0]
    assert isinstance(inner, Text)
    assert (first.text, first.offset) == ("ab", 0)
    assert (second.offset, inner.offset, third.offset) == (3, 20, 28)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("a <% if (a) {", "line 1, column 3: this <% is not closed; end the tag with %>"),
        ("a\n<%= a <% } %>", "line 2, column 1: this <%= is not closed"),
        ("<%=", "line 1, column 1: this <%= is not closed"),
        ("<%=%>", "line 1, column 1: nothing stands in this <%= tag"),
        ("<%= %>", "line 1, column 5: the tag ends here; a name or a value"),
        ("50%> off", "line 1, column 3: `%>` closes no tag; write %%> to print it"),
        ("\n<% } %>", "line 2, column 4: this } closes no if; take it out"),
        ("<% } else { %>", "line 1, column 4: this } else follows no if"),
        ("<% } else if (a) { %>", "line 1, column 4: this } else follows no if"),
        ("<% if (a) { %><% } else { %><% } else { %>", "line 1, column 32: there was an else"),
        ("<% if (a) { %>\n<% if (b) { %><% } %>", "line 1, column 1: this if is never closed"),
        ("<% if a { %>", "line 1, column 7: `a` is not understood; a condition stands in"),
        ("<% if (a) %>x", "line 1, column 11: the tag ends here; an opening { follows the"),
        ("<% if (a) { %><% } else %>", "line 1, column 25: the tag ends here; an opening {"),
        ("<% if (a) { %><% } %><% else { %>", "line 1, column 25: `else` is not understood"),
        ("<% if (a = b) { %>", "line 1, column 10: `=` is not understood; a template cannot"),
        ("<% while (a) { %>", "line 1, column 4: `while` is not understood; only if, else if"),
        ("<% a.forEach(x) %>", "line 1, column 4: `a` is not understood; write if (...) {,"),
        ("<% var a = 1 %>", "line 1, column 4: `var` is not understood; only if"),
        ("<%= a b %>", "line 1, column 7: `b` is not understood; one expression is printed"),
        ("<%= a;; %>", "line 1, column 7: `;` is not understood; one expression is printed"),
        ("<%= a; /* b */ %>", "line 1, column 6: no comment may follow the ; of what is printed"),
        ("<% if (a) { /* %>", "line 1, column 13: `/*` is not understood; this comment does not"),
    ],
)
def test_what_is_no_dialect_is_refused_with_its_place(template: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_nodes(template)
    assert str(caught.value).startswith(message)


def test_a_long_chain_of_branches_is_no_nesting() -> None:
    chain = "<% if (a) { %>" + "<% } else if (b) { %>" * 1500 + "<% } %>"
    (node,) = read_nodes(chain)
    assert isinstance(node, If)
    assert len(node.branches) == 1501
