"""JavaScript's regular expressions, searched in time that grows with the text alone; pure.

The pattern becomes an automaton whose states are met all at once, so no pattern can make a search
explode: `(a+)+$` costs the same per character as `a`. The price: no references to groups (see
`app.bots.js_pattern`), patterns of at most `LONGEST_PATTERN` characters and `_MOST_STATES` states,
and a text for which states x length exceed `_MOST_WORK` is not searched and does not match. Many
searches of one evaluation share an `Effort`, in states x characters.
Look-ahead and look-behind are answered for all positions by a search of their own beforehand.
"""

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Final

from app.bots import js_characters
from app.bots.effort import Effort
from app.bots.js_characters import Ranges
from app.bots.js_pattern import (
    Characters,
    Choice,
    Edge,
    Look,
    Node,
    Repeat,
    Sequence,
    parse_pattern,
)
from app.bots.js_values import utf16_units
from app.errors import BadInput

LONGEST_PATTERN: Final = 500
"""Characters of a pattern."""
_MOST_STATES: Final = 600
"""States of one pattern, its look-arounds included."""
_MOST_WORK: Final = 500_000
"""States x characters of one search: measured, 100 ms at the very worst."""
_MOST_REMEMBERED: Final = 50_000
"""Steps kept in memory per automaton before it starts to learn anew."""
_FLAGS: Final = frozenset("dgimsuy")


def compile_regex(
    pattern: str, flags: str, *, place: str, effort: Effort | None = None
) -> Callable[[str], bool]:
    """A test whether the pattern is found in a text, as `new RegExp(pattern, flags).test`.

    Raises:
        BadInput: JavaScript would refuse the pattern or flags, or they go beyond our limits; the
            test raises it where `effort` is used up.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise BadInput(f"{place}: the expression is longer than {LONGEST_PATTERN} characters")
    if len(set(flags)) != len(flags) or not _FLAGS.issuperset(flags):
        raise BadInput(f"{place}: the flags may be each of d g i m s u y once")
    tree = parse_pattern(pattern, flags, place=place)
    folds = "i" in flags and "u" in flags
    budget = _Budget(place, js_characters.FOLDED_WORD if folds else js_characters.WORD)
    automaton = _Automaton(tree, budget, is_sticky="y" in flags)
    longest = _MOST_WORK // budget.states
    is_unicode = "u" in flags

    def found(text: str) -> bool:
        if len(text) > longest:
            return False
        if effort is not None:
            effort.spend(budget.states * len(text))
        return automaton.finds(text if is_unicode else utf16_units(text))

    return found


class _Budget:
    """What all automata of one pattern share: the count of states, and what a word is made of."""

    def __init__(self, place: str, word: Ranges) -> None:
        self.states = 1
        self.word = word
        self._place = place
        self._effort = 0

    def spend(self, states: int) -> None:
        self.states += states
        self._effort += 1
        if self.states > _MOST_STATES or self._effort > 10 * _MOST_STATES:
            raise BadInput(
                f"{self._place}: the expression is too large; use smaller counts in {{n,m}}"
            )


class _Closed:
    """A set of states with all that is reached without reading: what it accepts and reads next."""

    __slots__ = ("accepts", "moves", "steps")

    def __init__(self, *, accepts: bool, steps: tuple[tuple[Ranges, int], ...]) -> None:
        self.accepts = accepts
        self.steps = steps
        self.moves: dict[tuple[str, int], _Closed] = {}


class _Automaton:
    """The states of a tree; `is_backward` reads the text from its end."""

    def __init__(
        self, tree: Node, budget: _Budget, *, is_sticky: bool = False, is_backward: bool = False
    ) -> None:
        self._budget = budget
        self._is_backward = is_backward
        self._is_sticky = is_sticky
        self._reads: dict[int, tuple[Ranges, int]] = {}
        self._jumps: dict[int, tuple[int, ...]] = {}
        self._gates: dict[int, tuple[int, int]] = {}
        self._conditions: list[Edge | _LookTable] = []
        self._bits: dict[Edge | Look, int] = {}
        self._size = 1
        self._entry = self._build(tree, 0)
        self._closed: dict[tuple[frozenset[int], int], _Closed] = {}
        self._remembered = 0

    def finds(self, text: str) -> bool:
        """Whether the tree matches anywhere in the text (sticky: at its start)."""
        marks = self._marks(text)
        closed = self._close(frozenset((self._entry,)), marks[0] if marks else 0)
        for key in zip(text, marks[1:] if marks else repeat(0), strict=False):
            if closed.accepts:
                return True
            closed = closed.moves.get(key) or self._move(closed, key)
        return closed.accepts

    def ends(self, text: str) -> list[bool]:
        """For every position whether a match, begun anywhere, ends there."""
        marks = self._marks(text) or [0] * (len(text) + 1)
        if self._is_backward:
            text, marks = text[::-1], marks[::-1]
        closed = self._close(frozenset((self._entry,)), marks[0])
        found = [closed.accepts]
        for key in zip(text, marks[1:], strict=True):
            closed = closed.moves.get(key) or self._move(closed, key)
            found.append(closed.accepts)
        return found[::-1] if self._is_backward else found

    def _marks(self, text: str) -> list[int]:
        """The conditions that hold at each position, one bit each; empty if there are none."""
        if not self._conditions:
            return []
        marks = [0] * (len(text) + 1)
        for bit, condition in enumerate(self._conditions):
            if isinstance(condition, _LookTable):
                places: Iterable[int] = condition.places(text)
            else:
                places = _edge_places(condition.kind, text, self._budget.word)
            for position in places:
                marks[position] |= 1 << bit
        return marks

    def _move(self, closed: _Closed, key: tuple[str, int]) -> _Closed:
        code = ord(key[0])
        reached = {after for ranges, after in closed.steps if js_characters.contains(ranges, code)}
        if not self._is_sticky:
            reached.add(self._entry)
        self._remembered += 1
        following = closed.moves[key] = self._close(frozenset(reached), key[1])
        return following

    def _close(self, states: frozenset[int], marks: int) -> _Closed:
        known = self._closed.get((states, marks))
        if known:
            return known
        seen = set(states)
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            gate = self._gates.get(state)
            if gate:
                onwards: tuple[int, ...] = (gate[1],) if marks >> gate[0] & 1 else ()
            else:
                onwards = self._jumps.get(state, ())
            for after in onwards:
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        steps = tuple(self._reads[state] for state in sorted(seen) if state in self._reads)
        self._remembered += len(steps) + len(states) + 1
        if self._remembered > _MOST_REMEMBERED:
            self._closed = {}
            self._remembered = 0
        closed = self._closed[states, marks] = _Closed(accepts=0 in seen, steps=steps)
        return closed

    def _new_state(self) -> int:
        self._budget.spend(1)
        self._size += 1
        return self._size - 1

    def _build(self, node: Node, after: int) -> int:
        """Adds the states of a node in front of `after`; gives the first. State 0 accepts."""
        self._budget.spend(0)
        match node:
            case Characters():
                state = self._new_state()
                self._reads[state] = (node.ranges, after)
                return state
            case Sequence():
                for part in node.parts if self._is_backward else reversed(node.parts):
                    after = self._build(part, after)
                return after
            case Choice():
                state = self._new_state()
                self._jumps[state] = tuple(self._build(one, after) for one in node.options)
                return state
            case Repeat():
                return self._build_repeat(node, after)
            case _:
                state = self._new_state()
                self._gates[state] = (self._bit(node), after)
                return state

    def _build_repeat(self, node: Repeat, after: int) -> int:
        first = after
        if node.most is None:
            first = self._new_state()
            self._jumps[first] = (self._build(node.body, first), after)
        else:
            for _ in range(node.most - node.least):
                inner = self._build(node.body, first)
                first = self._new_state()
                self._jumps[first] = (inner, after)
        for _ in range(node.least):
            first = self._build(node.body, first)
        return first

    def _bit(self, node: Edge | Look) -> int:
        bit = self._bits.get(node)
        if bit is None:
            bit = self._bits[node] = len(self._conditions)
            self._conditions.append(node if isinstance(node, Edge) else self._table(node))
        return bit

    def _table(self, look: Look) -> "_LookTable":
        return _LookTable(
            _Automaton(look.body, self._budget, is_backward=look.is_ahead), look.is_negated
        )


class _LookTable:
    """Where a look-around holds; looking ahead is a search that comes from the text's end."""

    def __init__(self, automaton: _Automaton, is_negated: bool) -> None:
        self._automaton = automaton
        self._is_negated = is_negated

    def places(self, text: str) -> list[int]:
        ends = self._automaton.ends(text)
        return [position for position, holds in enumerate(ends) if holds != self._is_negated]


def _edge_places(kind: str, text: str, word: Ranges) -> Iterable[int]:
    if kind == "start":
        return (0,)
    if kind == "end":
        return (len(text),)
    inner = word if "word" in kind else js_characters.LINE_ENDS
    known = {character: js_characters.contains(inner, ord(character)) for character in set(text)}
    outside = "word" not in kind
    belongs = [outside, *(known[character] for character in text), outside]
    match kind:
        case "line_start":
            return [at for at in range(len(text) + 1) if belongs[at]]
        case "line_end":
            return [at for at in range(len(text) + 1) if belongs[at + 1]]
    is_edge = kind == "word_edge"
    return [at for at in range(len(text) + 1) if (belongs[at] != belongs[at + 1]) == is_edge]
