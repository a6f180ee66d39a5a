"""How commands show what they found: aligned tables, JSON for programs, times in UTC."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

import click
import orjson

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for programs."
)
"""The option `--json` of commands that show something."""


def show_json(value: Any) -> None:
    """Print records or plain values as JSON."""
    text = orjson.dumps(_plain(value), default=str, option=orjson.OPT_INDENT_2)
    click.echo(text.decode())


def show_table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, nothing: str) -> None:
    """Print rows in aligned columns, or one sentence where there are none."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        click.echo(nothing)
        return
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for row in [heads, *cells]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def show_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """Print named values one under the other."""
    named = [(name, _cell(value)) for name, value in facts]
    width = max(len(name) for name, _ in named)
    for name, text in named:
        click.echo(f"{name.ljust(width)}  {text}".rstrip())


def shortened(text: str, most: int = 60) -> str:
    """The beginning of a text as one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    return str(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
