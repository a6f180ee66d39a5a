"""Where in an operator's text something stands, and the refusal that says so; pure."""

from app.errors import BadInput

EXCERPT_CHARACTERS = 40
"""How much of the operator's own text a message quotes at most."""


def place(text: str, offset: int) -> str:
    """`line 3, column 14` of the character at `offset`; both count from 1."""
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    return f"line {line}, column {column}"


def refusal(text: str, offset: int, message: str) -> BadInput:
    """The error to raise for what stands at `offset` of `text`; `message` says what to do."""
    return BadInput(f"{place(text, offset)}: {message}")


def excerpt(text: str) -> str:
    """One short line of `text`, fit to be quoted in a message."""
    line = " ".join(text.split())
    if len(line) > EXCERPT_CHARACTERS:
        return line[: EXCERPT_CHARACTERS - 1] + "…"
    return line
