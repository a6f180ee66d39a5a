"""Reads what stands inside `<% %>` into words and expressions, refusing all else; pure.

Refusals name line and column of the whole template, so tokens keep their place in it.
"""

import re
from typing import Final, NamedTuple

from app.bots.expression import (
    And,
    Choice,
    Compare,
    Expression,
    Includes,
    Literal,
    Member,
    Name,
    Not,
    Or,
)
from app.bots.javascript import UNDEFINED, WHITESPACE
from app.bots.js_methods import EVERY_OBJECTS, GLOBALS
from app.bots.position import excerpt, refusal
from app.errors import BadInput

MAX_DEPTH: Final = 32
"""How deep parentheses, `!`, choices, members and comparisons may stand in each other."""
MAX_TOKENS: Final = 3_000
"""Words and signs of one tag."""
MAX_PARTS: Final = 32
"""How many parts a dotted name may have."""

_RESERVED_WORDS: Final = (
    "await async break case catch class const continue debugger default delete do else enum "
    "export extends finally for function if import in instanceof let new return super switch "
    "this throw try typeof var void while with yield NaN Infinity"
)
_RESERVED: Final = frozenset(_RESERVED_WORDS.split())
_LITERALS: Final = {"true": True, "false": False, "null": None, "undefined": UNDEFINED}
_EQUALITY: Final = ("===", "!==", "==", "!=")
_RELATION: Final = ("<=", ">=", "<", ">")
_EXPLAINED: Final = {
    "=": "a template cannot assign; compare with == or ===",
    "?.": "write a.b; a missing part is empty by itself",
    "??": "write a || b",
    "[": "write a.b; brackets are not known here",
    "`": "put texts into ' or \"",
    "/*": "this comment does not end in its tag; end it with */",
    "=>": "functions are not known here",
}
_ARITHMETIC: Final = frozenset(["+", "-", "*", "/", "%", "++", "--", "**", "&", "|", "^", "~"])

_SPACE = re.compile(rf"(?:[{WHITESPACE}]|//[^\n\r\u2028\u2029]*|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)*")
"""Blanks, and comments as JavaScript has them."""
_WORD = re.compile(rf"(?:[A-Za-z_$]|[^\x00-\x7f{WHITESPACE}])(?:[\w$]|[^\x00-\x7f{WHITESPACE}])*")
_NUMBER = re.compile(r"(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w$])")
_TEXT = re.compile(
    r"'(?:[^'\\\r\n]|\\(?:\r\n|[^\r]|\r))*'|\"(?:[^\"\\\r\n]|\\(?:\r\n|[^\r]|\r))*\""
)
_SIGN = re.compile(
    r"===|!==|==|!=|<=|>=|&&|\|\||=>|\?\.(?![0-9])|\?\?|//|/\*|\+\+|--|\*\*|[!<>()?:.,;{}=+\-*/%\[\]`&|^~]"
)
_ESCAPE = re.compile(
    r"\\(u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r\n|0[0-9]|[\s\S])"
)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_LINE_ENDS: Final = frozenset(["\n", "\r", "\r\n", "\u2028", "\u2029"])


class Token(NamedTuple):
    """A word, number, text or sign, and where it stands in the template."""

    kind: str
    text: str
    offset: int


class TagReader:
    """Walks through the words of one tag: `text[start:end]` of the whole template."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._tokens = _tokens_of(text, start, end)
        self._next = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        """The token that comes next; its kind is `end` after the last."""
        return self._tokens[self._next]

    def skip(self, text: str) -> bool:
        """Steps over the sign or word `text` if it comes next, and says whether it did."""
        if self.token.text != text or self.token.kind not in ("sign", "word"):
            return False
        self._next += 1
        return True

    def expect(self, text: str, hint: str) -> None:
        """Steps over `text`, or refuses the template with `hint`."""
        if not self.skip(text):
            raise self.refuse(hint)

    def refuse(self, hint: str) -> BadInput:
        """The error for the token that comes next; `hint` says what was expected of it."""
        found = self.token
        if found.kind == "end":
            return refusal(self._text, found.offset, f"the tag ends here; {hint}")
        why = _why_not(found) or hint
        return refusal(
            self._text, found.offset, f"`{excerpt(found.text)}` is not understood; {why}"
        )

    def expression(self) -> Expression:
        """Reads one whole expression.

        Raises:
            BadInput: it is none of this dialect.
        """
        self._enter()
        condition = self._any_of()
        if self.skip("?"):
            then = self.expression()
            self.expect(":", "a choice is written a ? b : c")
            condition = Choice(condition=condition, then=then, otherwise=self.expression())
        self._depth -= 1
        return condition

    def _any_of(self) -> Expression:
        operands = [self._all_of()]
        while self.skip("||"):
            operands.append(self._all_of())
        return operands[0] if len(operands) == 1 else Or(operands=tuple(operands))

    def _all_of(self) -> Expression:
        operands = [self._comparison(_EQUALITY)]
        while self.skip("&&"):
            operands.append(self._comparison(_EQUALITY))
        return operands[0] if len(operands) == 1 else And(operands=tuple(operands))

    def _comparison(self, signs: tuple[str, ...]) -> Expression:
        left = self._operand(signs)
        depth = self._depth
        while self.token.kind == "sign" and self.token.text in signs:
            sign = self.token.text
            self._enter()
            self._next += 1
            left = Compare(sign=sign, left=left, right=self._operand(signs))
        self._depth = depth
        return left

    def _operand(self, signs: tuple[str, ...]) -> Expression:
        return self._comparison(_RELATION) if signs == _EQUALITY else self._negation()

    def _negation(self) -> Expression:
        if not self.skip("!"):
            return self._with_members()
        self._enter()
        operand = self._negation()
        self._depth -= 1
        return Not(of=operand)

    def _with_members(self) -> Expression:
        expression = self._value()
        depth = self._depth
        while self.skip("."):
            name = self.token
            if name.kind != "word":
                raise self.refuse("a name comes after the dot")
            self._next += 1
            if self.token.text == "(" and self.token.kind == "sign":
                self._enter()
                expression = self._call(expression, name)
                continue
            self._check_member(name)
            if isinstance(expression, Name):
                if len(expression.path) == MAX_PARTS:
                    hint = f"a name may have {MAX_PARTS} parts; shorten it"
                    raise refusal(self._text, name.offset, hint)
                expression = Name(path=_without_locals((*expression.path, name.text)))
            else:
                self._enter()
                expression = Member(of=expression, name=name.text)
        self._depth = depth
        return expression

    def _check_member(self, name: Token) -> None:
        if name.text == "includes":
            raise refusal(self._text, name.offset, "includes is asked with a value: a.includes(b)")
        if name.text in EVERY_OBJECTS:
            hint = f"{name.text} is a word of JavaScript's own; no variable can be called so"
            raise refusal(self._text, name.offset, hint)

    def _call(self, of: Expression, name: Token) -> Expression:
        if name.text != "includes":
            hint = f".{excerpt(name.text)}(...) cannot be called; .includes(x) is the only call"
            raise refusal(self._text, name.offset, hint)
        self._next += 1
        item = self.expression()
        self.expect(")", "includes takes one value: a.includes(b)")
        return Includes(of=of, item=item)

    def _value(self) -> Expression:
        token = self.token
        if self.skip("("):
            inner = self.expression()
            self.expect(")", "a closing ) is missing")
            return inner
        if self.skip("-") and self.token.kind == "number":
            self._next += 1
            return Literal(value=-float(self._tokens[self._next - 1].text))
        if token.kind == "sign" and token.text == "-":
            self._next -= 1
        if token.kind not in ("word", "number", "text"):
            raise self.refuse("a name or a value is expected here")
        self._next += 1
        if token.kind == "number":
            return Literal(value=float(token.text))
        if token.kind == "text":
            return Literal(value=_unescaped(self._text, token))
        return self._word(token)

    def _word(self, token: Token) -> Expression:
        if token.text in _LITERALS:
            return Literal(value=_LITERALS[token.text])
        if token.text in _RESERVED:
            self._next -= 1
            raise self.refuse("only names and values may stand here")
        if self.token.kind == "sign" and self.token.text == "(":
            hint = f"{excerpt(token.text)}(...) cannot be called; .includes(x) is the only call"
            raise refusal(self._text, token.offset, hint)
        is_locals = token.text == "locals" and self.token.text == "."
        if token.text in GLOBALS and not is_locals:
            hint = f"{token.text} is a word of JavaScript's own; no variable can be called so"
            raise refusal(self._text, token.offset, hint)
        return Name(path=(token.text,))

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            hint = f"this is nested deeper than {MAX_DEPTH}; split the condition"
            raise refusal(self._text, self.token.offset, hint)


def _without_locals(path: tuple[str, ...]) -> tuple[str, ...]:
    """EJS's own way to name a variable that may be missing, `locals.x`, means `x`."""
    return path[1:] if path[0] == "locals" else path


def _why_not(token: Token) -> str | None:
    if token.kind == "word" and token.text in _RESERVED:
        return "only if, else if and else are statements here; loops and functions are not known"
    if token.kind != "sign":
        return None
    if token.text in _ARITHMETIC:
        return "a template cannot calculate or join; compute it before"
    return _EXPLAINED.get(token.text)


def _tokens_of(text: str, start: int, end: int) -> list[Token]:
    tokens: list[Token] = []
    offset = _past_space(text, start, end)
    while offset < end:
        token = _token_at(text, offset, end)
        if len(tokens) == MAX_TOKENS:
            hint = f"this tag has more than {MAX_TOKENS} words and signs; split it"
            raise refusal(text, offset, hint)
        tokens.append(token)
        offset = _past_space(text, offset + len(token.text), end)
    tokens.append(Token("end", "", end))
    return tokens


def _past_space(text: str, offset: int, end: int) -> int:
    found = _SPACE.match(text, offset, end)
    return found.end() if found else offset


def _token_at(text: str, offset: int, end: int) -> Token:
    for kind, pattern in (("word", _WORD), ("number", _NUMBER), ("text", _TEXT), ("sign", _SIGN)):
        found = pattern.match(text, offset, end)
        if found and (kind != "word" or found.group().replace("$", "_").isidentifier()):
            return Token(kind, found.group(), offset)
    character = text[offset]
    if character in "'\"":
        raise refusal(text, offset, "this text is not closed before the end of its line or tag")
    if character.isdigit():
        raise refusal(text, offset, "write numbers plainly: 12, 0.5 or -3")
    raise refusal(text, offset, f"`{character}` is not understood; take it out")


def _unescaped(whole: str, token: Token) -> str:
    inside = token.text[1:-1]
    if "\\" not in inside:
        return inside

    def _one(found: re.Match[str]) -> str:
        return _escape(whole, token.offset + 1 + found.start(), found.group(1))

    units = _ESCAPE.sub(_one, inside).encode("utf-16-le", "surrogatepass")
    try:
        return units.decode("utf-16-le")
    except UnicodeDecodeError:
        raise refusal(whole, token.offset, "half a \\u pair; write the character itself") from None


def _escape(whole: str, offset: int, code: str) -> str:
    if code in _LINE_ENDS:
        return ""
    if code in "ux" or (code != "0" and code.isascii() and code.isdigit()):
        raise refusal(whole, offset, f"`\\{code}` is no escape; write \\n, \\t, \\\\ or \\u0105")
    if len(code) == 1:
        return _ESCAPED.get(code, code)
    number = int(code.strip("ux{}"), 16)
    if number > 0x10FFFF:
        raise refusal(whole, offset, "there is no such character; write the character itself")
    return chr(number)
