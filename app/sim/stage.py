"""How the story looks in a terminal: scenes, checks and the table at the end, 100 columns wide."""

import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

WIDTH = 100
_TIME = 8
_LABEL = 10
_INDENT = 2 + _TIME + 2 + _LABEL
_NARROWEST = 12
"""A column of the table is never narrower than this when it gives way."""
_COLOURS = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "guest": "36",
    "reply": "32",
    "slack": "35",
    "decision": "33",
    "operator": "34",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that happened."""

    at_s: float | None
    """Since the scene began; none for a line that belongs to the one before."""
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A claim about the outcome, and whether the outside's own record bears it out."""

    claim: str
    is_met: bool
    saw: str = ""
    """What was seen instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A scene that was played."""

    letter: str
    title: str
    setting: str
    """Who, where and in which language."""
    lines: tuple[Line, ...]
    checks: tuple[Check, ...]
    action_codes: tuple[str, ...] = ()
    answered_by: tuple[str, ...] = ()
    latencies_ms: tuple[int, ...] = ()
    """From the end of each quiet window to the reply in the PMS."""
    slack: str = ""

    @property
    def is_good(self) -> bool:
        """Whether every check holds, and there was one."""
        return bool(self.checks) and all(check.is_met for check in self.checks)


class Stage:
    """Prints; colours only where a person watches."""

    def __init__(self, out: TextIO, *, has_colours: bool) -> None:
        self._out = out
        self._has_colours = has_colours

    def say(self, text: str = "") -> None:
        """A plain line."""
        self._put(text)

    def title(self, text: str) -> None:
        """A heading with a rule below it."""
        self._put()
        self._put(self._painted(text, "bold"))
        self._put("─" * WIDTH)

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and values below each other."""
        room = max((visible_width(name) for name, _ in rows), default=0)
        for name, value in rows:
            first, *more = wrapped(value, WIDTH - room - 6)
            self._put(f"  {self._painted(padded(name, room), 'dim')}  {first}")
            for line in more:
                self._put(" " * (room + 4) + line)

    def places(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and addresses, never broken, so that they can be copied."""
        room = max((visible_width(name) for name, _ in rows), default=0)
        for name, value in rows:
            self._put(f"  {self._painted(padded(name, room), 'dim')}  {printable(value)}")

    def command(self, words: str, output: str, took_s: float) -> None:
        """A command and what it said."""
        first, *more = wrapped(f"$ {words}   ({took_s:.1f} s)", WIDTH - 4)
        self._put("  " + self._painted(first, "bold"))
        for part in more:
            self._put("    " + self._painted(part, "bold"))
        for line in output.splitlines():
            for part in wrapped(line, WIDTH - 6):
                self._put(f"    {part}")

    def scene(self, played: Played) -> None:
        """A whole scene: heading, what happened, checks."""
        self._put()
        self._put(self._painted(f"({played.letter}) {played.title}", "bold"))
        for part in wrapped(played.setting, WIDTH - 4):
            self._put(f"    {self._painted(part, 'dim')}")
        for line in played.lines:
            for part in line_parts(line):
                self._put(self._toned(part, line.label))
        for check in played.checks:
            mark = self._painted("✓", "green") if check.is_met else self._painted("✗", "red")
            first, *more = wrapped(check_text(check), WIDTH - 6)
            self._put(f"  {mark} {first}")
            for part in more:
                self._put(f"    {part}")

    def summary(self, scenes: Sequence[Played]) -> None:
        """The table of all scenes."""
        for number, row in enumerate(table(summary_rows(scenes))):
            self._put("  " + (self._painted(row, "bold") if number == 0 else self._marked(row)))

    def _marked(self, row: str) -> str:
        for mark, colour in (("✓", "green"), ("✗", "red")):
            row = row.replace(mark, self._painted(mark, colour))
        return row

    def _toned(self, part: str, label: str) -> str:
        return self._painted(part, label) if label in _COLOURS else part

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._has_colours else text

    def _put(self, text: str = "") -> None:
        self._out.write(text.rstrip() + "\n")
        self._out.flush()


def line_parts(line: Line) -> list[str]:
    """A line of a scene with its time and label, cut to the terminal's width."""
    at = "" if line.at_s is None else f"{line.at_s:+.1f} s"
    first, *more = wrapped(line.text, WIDTH - _INDENT) or [""]
    return [
        f"  {at:>{_TIME}}  {padded(line.label, _LABEL)}{first}",
        *(" " * _INDENT + part for part in more),
    ]


def check_text(check: Check) -> str:
    """A claim, with what was seen where it does not hold."""
    return check.claim if check.is_met or not check.saw else f"{check.claim}; saw: {check.saw}"


def summary_rows(scenes: Sequence[Played]) -> list[tuple[str, ...]]:
    """The table's cells, the heading first."""
    rows: list[tuple[str, ...]] = [
        ("", "Scene", "Action code", "Answered by", "Latency ms", "Slack", ""),
    ]
    rows += [
        (
            played.letter,
            played.title,
            "\n".join(played.action_codes) or "–",
            "\n".join(played.answered_by) or "–",
            "\n".join(map(str, played.latencies_ms)) or "–",
            played.slack or "–",
            "✓" if played.is_good else "✗",
        )
        for played in scenes
    ]
    return rows


def table(
    rows: Sequence[Sequence[str]], width: int = WIDTH - 2, *, gives_way: int = 1
) -> list[str]:
    """Rows with their columns in line; one column gives way, its cells going on below."""
    cells = [[printable(cell) for cell in row] for row in rows]
    rooms = [max(map(_room_of, column)) for column in zip(*cells, strict=True)]
    too_much = sum(rooms) + 2 * (len(rooms) - 1) - width
    if too_much > 0:
        rooms[gives_way] = max(_NARROWEST, rooms[gives_way] - too_much)
    lines: list[str] = []
    for row in cells:
        columns = [wrapped(cell, room) for cell, room in zip(row, rooms, strict=True)]
        for number in range(max(map(len, columns))):
            parts = (column[number] if number < len(column) else "" for column in columns)
            lines.append(
                "  ".join(padded(part, room) for part, room in zip(parts, rooms, strict=True))
            )
    return [line.rstrip() for line in lines]


def _room_of(cell: str) -> int:
    return max(map(visible_width, cell.split("\n")))


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most so many columns; at least one line."""
    lines: list[str] = []
    for paragraph in printable(text).split("\n"):
        lines += textwrap.wrap(paragraph, max(width, 4)) or [""]
    return lines


def printable(text: str) -> str:
    """A text without what could move the cursor: guests write whatever they like."""
    kept = (c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs", "Co"))
    return "".join(kept)


def visible_width(text: str) -> int:
    """How many columns a terminal gives a text."""
    width = 0
    for character in text:
        if unicodedata.category(character) in ("Mn", "Me", "Cf"):
            continue
        width += 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
    return width


def padded(text: str, width: int) -> str:
    """A text with spaces behind it, up to a width in columns."""
    return text + " " * max(0, width - visible_width(text))
