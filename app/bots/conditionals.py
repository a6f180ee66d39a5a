"""The outer layer of a template: EJS tags read into a tree of text, conditions and prints; pure.

Whitespace follows EJS: `<%_` eats the blanks before it, `_%>` the blanks after it, and `-%>` and
`_%>` the line end that follows; `<%%` and `%%>` print `<%` and `%>`.

Source: ejs 7.0.2, measured by `bench/semantics/template`.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from app.bots.expression import Expression
from app.bots.expression_parser import TagReader
from app.bots.javascript import WHITESPACE
from app.bots.position import refusal

MAX_NESTING: Final = 32
"""How deep conditions may stand in each other."""

_DELIMITER = re.compile(r"(<%%|%%>|<%=|<%-|<%_|<%#|<%|%>|-%>|_%>)")
_CLOSING: Final = ("%>", "-%>", "_%>")
_LINE_END = re.compile(r"\r\n|\r|\n")
_BLANKS: Final = " \t"
_STATEMENTS: Final = "write if (...) {, } else if (...) {, } else { or }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What the operator wrote between the tags, Mustache included."""

    text: str
    offset: int = field(default=0, compare=False)
    """Where it starts in the template, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """`<%# text %>`; prints nothing."""

    text: str
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """`<%= expression %>` or `<%- expression %>`, which are the same here."""

    expression: Expression
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """What to show when `condition` holds and no earlier branch did."""

    condition: Expression
    nodes: tuple["Node", ...]
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class If:
    """`if … else if … else`: the first branch whose condition holds, else `otherwise`."""

    branches: tuple[Branch, ...]
    otherwise: tuple["Node", ...] = ()
    offset: int = field(default=0, compare=False)


Node = Text | Comment | Print | If
"""Every kind of node there is."""


def read_nodes(text: str) -> tuple[Node, ...]:
    """The tree of `text`, in order.

    Raises:
        BadInput: a tag is unclosed, a brace unbalanced or a statement not of this dialect.
    """
    pieces = _pieces(text)
    tree = _Tree(text)
    is_literal = False
    trims_line = False
    index = 0
    while index < len(pieces):
        piece, offset = pieces[index]
        index += 1
        if not _DELIMITER.fullmatch(piece):
            trims_line = _add_text(tree, piece, offset, trims_line=trims_line)
        elif piece in ("<%%", "%%>"):
            is_literal = True
            tree.add(Text(text=piece.replace("%%", "%"), offset=offset))
        elif piece in _CLOSING:
            if not is_literal:
                raise refusal(text, offset, f"`{piece}` closes no tag; write %%> to print it")
            _add_text(tree, piece, offset, trims_line=trims_line)
            is_literal, trims_line = False, piece != "%>"
        else:
            _add_tag(tree, text, pieces[index - 1 : index + 2])
            is_literal, trims_line = False, pieces[index + 1][0] != "%>"
            index += 2
    return tree.finish()


def _pieces(text: str) -> list[tuple[str, int]]:
    """Delimiters and what stands between them, each with its offset; blanks eaten as EJS does."""
    pieces: list[tuple[str, int]] = []
    offset = 0
    parts = _DELIMITER.split(text)
    for index, part in enumerate(parts):
        kept, start = part, offset
        if index % 2 == 0:
            if index and parts[index - 1] == "_%>":
                kept = kept.lstrip(_BLANKS)
                start += len(part) - len(kept)
            if index + 1 < len(parts) and parts[index + 1] == "<%_":
                kept = kept.rstrip(_BLANKS)
        if kept:
            pieces.append((kept, start))
        offset += len(part)
    return pieces


def _add_text(tree: "_Tree", piece: str, offset: int, *, trims_line: bool) -> bool:
    """Adds `piece`, less the line end that the tag before it ate; the new `trims_line`."""
    found = _LINE_END.match(piece) if trims_line else None
    eaten = found.end() if found else 0
    if eaten < len(piece):
        tree.add(Text(text=piece[eaten:], offset=offset + eaten))
    return False


def _add_tag(tree: "_Tree", text: str, pieces: list[tuple[str, int]]) -> None:
    opening, offset = pieces[0]
    if len(pieces) > 1 and pieces[1][0] in _CLOSING:
        raise refusal(text, offset, f"nothing stands in this {opening} tag; fill it or take it out")
    if len(pieces) < 3 or pieces[2][0] not in _CLOSING:
        hint = f"this {opening} is not closed; end the tag with %> before the next one starts"
        raise refusal(text, offset, hint)
    content, start = pieces[1]
    if opening == "<%#":
        tree.add(Comment(text=content, offset=offset))
        return
    reader = TagReader(text, start, start + len(content))
    if opening in ("<%", "<%_"):
        _read_statements(tree, reader, offset)
        return
    printed = reader.expression()
    semicolon = reader.token
    is_ended = reader.skip(";")
    if reader.token.kind != "end":
        raise reader.refuse("one expression is printed by one tag")
    if is_ended and text[semicolon.offset + 1 : reader.token.offset].strip(WHITESPACE):
        raise refusal(text, semicolon.offset, "no comment may follow the ; of what is printed")
    tree.add(Print(expression=printed, offset=offset))


def _read_statements(tree: "_Tree", reader: TagReader, offset: int) -> None:
    while reader.token.kind != "end":
        at = reader.token.offset
        if reader.skip(";"):
            continue
        if reader.skip("if"):
            tree.open_if(_condition(reader), offset)
        elif reader.skip("}"):
            if not reader.skip("else"):
                tree.close(at)
            elif reader.skip("if"):
                tree.open_branch(_condition(reader), offset, at)
            else:
                reader.expect("{", "an opening { follows else")
                tree.open_otherwise(at)
        elif reader.token.text == "else":
            raise reader.refuse("write } else in one tag")
        else:
            raise reader.refuse(_STATEMENTS)


def _condition(reader: TagReader) -> Expression:
    reader.expect("(", "a condition stands in parentheses: if (...) {")
    condition = reader.expression()
    reader.expect(")", "the condition ends with ) and the branch starts with {")
    reader.expect("{", "an opening { follows the condition")
    return condition


@dataclass(slots=True, kw_only=True)
class _OpenIf:
    """An `if` whose last brace has not come yet."""

    offset: int
    condition: Expression | None
    branch_offset: int
    nodes: list[Node] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)


class _Tree:
    """Nodes as they come, hung into the conditions that are open."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nodes: list[Node] = []
        self._open: list[_OpenIf] = []

    def add(self, node: Node) -> None:
        """Hangs `node` into the innermost open branch."""
        (self._open[-1].nodes if self._open else self._nodes).append(node)

    def open_if(self, condition: Expression, offset: int) -> None:
        """Starts an `if`."""
        if len(self._open) == MAX_NESTING:
            hint = f"conditions are nested deeper than {MAX_NESTING}; join some with &&"
            raise refusal(self._text, offset, hint)
        self._open.append(_OpenIf(offset=offset, condition=condition, branch_offset=offset))

    def open_branch(self, condition: Expression, offset: int, at: int) -> None:
        """Ends a branch and starts its `else if`."""
        innermost = self._end_branch(at)
        innermost.condition, innermost.branch_offset = condition, offset

    def open_otherwise(self, at: int) -> None:
        """Ends a branch and starts the `else`."""
        self._end_branch(at).condition = None

    def close(self, at: int) -> None:
        """Ends the innermost `if`."""
        if not self._open:
            raise refusal(self._text, at, "this } closes no if; take it out")
        ended = self._open[-1]
        otherwise: tuple[Node, ...] = ()
        if ended.condition is None:
            otherwise = tuple(ended.nodes)
        else:
            self._end_branch(at)
        self._open.pop()
        branches = tuple(ended.branches)
        self.add(If(branches=branches, otherwise=otherwise, offset=ended.offset))

    def finish(self) -> tuple[Node, ...]:
        """The whole tree."""
        if self._open:
            hint = "this if is never closed; end it with <% } %>"
            raise refusal(self._text, self._open[-1].offset, hint)
        return tuple(self._nodes)

    def _end_branch(self, at: int) -> _OpenIf:
        if not self._open:
            raise refusal(self._text, at, "this } else follows no if; take it out")
        innermost = self._open[-1]
        if innermost.condition is None:
            raise refusal(self._text, at, "there was an else already; end the if with <% } %>")
        nodes = tuple(innermost.nodes)
        branch = Branch(condition=innermost.condition, nodes=nodes, offset=innermost.branch_offset)
        innermost.branches.append(branch)
        innermost.nodes = []
        return innermost
