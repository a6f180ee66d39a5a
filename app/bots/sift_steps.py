"""The closures a compiled condition is made of, and the walk along a path; pure.

A path through arrays meets several values, and sift shows them to an operator one after another:
the operator is settled by one of them or not at all. So a step is asked in two ways, `once` for a
single value (nearly every path) and `step` with a state for a row of them. Both must agree.

A value comes with its `key` and `owner` (the object or array it was read from, `None` at the top)
and with `is_there`: whether the path led all the way, instead of breaking off at a null.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.bots import js_values
from app.bots.effort import Effort
from app.bots.javascript import UNDEFINED
from app.bots.js_methods import ARRAYS, OBJECT_METHODS

Once = Callable[[Any, Any, Any, bool], bool]
Verdict = Callable[[Any, Any, Any, bool], bool | None]
ITEM_EFFORT = 5
"""Of showing one item of an array to a step, in the units of `sift.MOST_EFFORT`."""


class State:
    """Where a step stands within one row of values."""

    __slots__ = ("inner", "is_done", "keep")

    def __init__(self, *, keep: bool, inner: tuple["State", ...] = ()) -> None:
        self.is_done = False
        """Whether no further value can change the step's mind."""
        self.keep = keep
        """Whether the step is satisfied so far."""
        self.inner = inner


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of a compiled condition."""

    once: Once
    start: Callable[[], State]
    step: Callable[[State, Any, Any, Any, bool], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A part of a path and how it meets an array."""

    name: str
    missing: Any
    """What an object without this field gives."""
    is_searched: bool
    """Whether an array is searched for it, instead of being asked itself."""


def when(test: Callable[[Any], bool]) -> Step:
    """Satisfied as soon as one value passes the test."""

    def verdict(value: Any, key: Any, owner: Any, is_there: bool) -> bool | None:
        if isinstance(owner, ARRAYS) and not js_values.has_own(owner, key):
            return None
        return True if test(value) else None

    return _settled_by(verdict, otherwise=False)


def among(test: Callable[[Any], bool]) -> Step:
    """Satisfied as soon as one value is in the list."""

    def verdict(value: Any, key: Any, owner: Any, is_there: bool) -> bool | None:
        return True if not _lacks(owner, key) and test(value) else None

    return _settled_by(verdict, otherwise=False)


def unless(test: Callable[[Any], bool]) -> Step:
    """Satisfied while no value passes the test."""

    def verdict(value: Any, key: Any, owner: Any, is_there: bool) -> bool | None:
        return False if not _lacks(owner, key) and test(value) else None

    return _settled_by(verdict, otherwise=True)


def _lacks(owner: Any, key: Any) -> bool:
    """Whether an array was asked for a field that arrays do not have."""
    if not isinstance(owner, ARRAYS) or isinstance(key, int):
        return False
    is_known = js_values.has_own(owner, key) or js_values.is_array_method(key)
    return not is_known and math.isnan(js_values.to_number(key))


def exists(is_wanted: bool) -> Step:
    """Satisfied by a field that is there, or by none."""

    def verdict(value: Any, key: Any, owner: Any, is_there: bool) -> bool | None:
        if not is_there:
            return None
        found = value is not UNDEFINED if owner is None else js_values.has_own(owner, key)
        return is_wanted if found else None

    return _settled_by(verdict, otherwise=not is_wanted)


def sized(length: Any) -> Step:
    """Satisfied by an array of exactly this length."""
    is_length = js_values.equality(length)

    def verdict(value: Any, key: Any, owner: Any, is_there: bool) -> bool | None:
        return True if isinstance(value, ARRAYS) and is_length(len(value)) else None

    return _settled_by(verdict, otherwise=False)


def element(query: Step, effort: Effort) -> Step:
    """Satisfied by an array of which one element alone satisfies the query."""

    def verdict(value: Any, key: Any, owner: Any, is_there: bool) -> bool | None:
        if not isinstance(value, ARRAYS):
            return None
        effort.spend(len(value) * ITEM_EFFORT)
        if any(query.once(item, at, value, True) for at, item in enumerate(value)):
            return True
        return None if isinstance(owner, Mapping) else False

    return _settled_by(verdict, otherwise=False)


def _settled_by(verdict: Verdict, *, otherwise: bool) -> Step:
    def once(value: Any, key: Any, owner: Any, is_there: bool) -> bool:
        settled = verdict(value, key, owner, is_there)
        return otherwise if settled is None else settled

    def step(state: State, value: Any, key: Any, owner: Any, is_there: bool) -> None:
        settled = verdict(value, key, owner, is_there)
        if settled is not None:
            state.is_done = True
            state.keep = settled

    return Step(once=once, start=lambda: State(keep=otherwise), step=step)


def negated(query: Step) -> Step:
    """Satisfied while the query is not."""

    def step(state: State, value: Any, key: Any, owner: Any, is_there: bool) -> None:
        inner = state.inner[0]
        query.step(inner, value, key, owner, is_there)
        state.is_done = inner.is_done
        state.keep = not inner.keep

    return Step(
        once=lambda value, key, owner, is_there: not query.once(value, key, owner, is_there),
        start=lambda: State(keep=False, inner=(query.start(),)),
        step=step,
    )


def some(queries: list[Step], *, is_negated: bool) -> Step:
    """Satisfied when one query is; negated, when none is."""

    def once(value: Any, key: Any, owner: Any, is_there: bool) -> bool:
        for query in queries:
            if query.once(value, key, owner, is_there):
                return not is_negated
        return is_negated

    def step(state: State, value: Any, key: Any, owner: Any, is_there: bool) -> None:
        found = False
        for query, inner in zip(queries, state.inner, strict=True):
            query.step(inner, value, key, owner, is_there)
            if inner.keep:
                found = True
                break
        state.is_done = found
        state.keep = found != is_negated

    return Step(once=once, start=_starting(queries), step=step)


def together(queries: list[Step]) -> Step:
    """Satisfied when all queries are; a single one stands for itself."""
    return queries[0] if len(queries) == 1 else every(queries)


def every(queries: list[Step]) -> Step:
    """Satisfied when all queries are, or when there are none."""
    asks = [query.once for query in queries]

    def once(value: Any, key: Any, owner: Any, is_there: bool) -> bool:
        keep = True
        for ask in asks:
            keep = ask(value, key, owner, is_there)
            if not keep:
                break
        return keep

    def step(state: State, value: Any, key: Any, owner: Any, is_there: bool) -> None:
        is_done = keep = True
        for query, inner in zip(queries, state.inner, strict=True):
            if not inner.is_done:
                query.step(inner, value, key, owner, is_there)
            keep = keep and inner.keep
            if not inner.is_done:
                is_done = False
            elif not inner.keep:
                break
        state.is_done = is_done
        state.keep = keep

    return Step(once=once, start=_starting(queries), step=step)


def _starting(queries: list[Step]) -> Callable[[], State]:
    starts = [query.start for query in queries]
    return lambda: State(keep=False, inner=tuple(start() for start in starts))


def on_path(path: str, steps: list[Step], effort: Effort, *, is_itself: bool = False) -> Step:
    """All steps on the values at a dotted path; `is_itself` for the value at hand, without one."""
    inner = every(steps)
    parts = () if is_itself else tuple(_part(name) for name in path.split("."))
    ask = steps[0].once if len(steps) == 1 else inner.once

    def step(state: State, value: Any, key: Any, owner: Any, is_there: bool) -> None:
        _walk(parts, inner, effort, state, value, key, owner, 0, is_there)

    def once(value: Any, key: Any, owner: Any, is_there: bool) -> bool:
        first, first_key, first_owner = value, key, owner
        for part in parts:
            if type(value) is dict:
                owner, key = value, part.name
                value = value.get(key, part.missing)
            elif isinstance(value, ARRAYS):
                break
            elif value is None or value is UNDEFINED:
                return ask(value, key, owner, False)
            else:
                owner, key = value, part.name
                value = js_values.member(value, key)
        if not isinstance(value, ARRAYS):
            return ask(value, key, owner, True if parts else is_there)
        state = inner.start()
        step(state, first, first_key, first_owner, is_there)
        return state.keep

    return Step(once=once, start=inner.start, step=step)


def _part(name: str) -> _Part:
    is_number = not math.isnan(js_values.to_number(name))
    return _Part(
        name=name,
        missing=OBJECT_METHODS.get(name, UNDEFINED),
        is_searched=not is_number and name != "length",
    )


def _walk(
    parts: tuple[_Part, ...],
    inner: Step,
    effort: Effort,
    state: State,
    value: Any,
    key: Any,
    owner: Any,
    depth: int,
    is_there: bool,
) -> bool:
    """Shows the step every value on the path; whether it still wants to see more."""
    is_end = depth == len(parts)
    if isinstance(value, ARRAYS) and (is_end or parts[depth].is_searched):
        effort.spend(len(value) * ITEM_EFFORT)
        for at, item in enumerate(value):
            if not _walk(parts, inner, effort, state, item, at, value, depth, is_there):
                return False
    if is_end or value is None or value is UNDEFINED:
        inner.step(state, value, key, owner, is_end and (depth > 0 or is_there))
        return not state.is_done
    name = parts[depth].name
    found = js_values.member(value, name)
    return _walk(parts, inner, effort, state, found, name, value, depth + 1, True)
