"""Faults of the model stand-in: what goes wrong, how often, and for which kind of request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

_PLACEHOLDER = re.compile(r"\[\[\s*([^\[\]]+?)\s*\]\]")
_ONLY = ("any", "routing", "answering")


class FaultRefused(ValueError):
    """A fault was asked for that does not exist; the message says what does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with the requests it meets; several may be set at once."""

    status: int = 0
    """HTTP status of the error answered instead, 0 for none."""
    retry_after_s: float = 0.0
    """Told in the `retry-after` header of that error."""
    first_token_s: float = 0.0
    """Silence before the first token."""
    tokens_per_second: float = 0.0
    """Drip: so many tokens a second, 0 for as fast as they go."""
    cut_after_tokens: int = -1
    """The connection ends after so many tokens, -1 for never."""
    refusal: bool = False
    """The model refuses in the way of the API."""
    malformed_json: bool = False
    """Structured output that no parser takes."""
    nonsense: bool = False
    """A well-formed answer that means nothing."""
    mangled_placeholder: bool = False
    """Placeholders come back broken; where there is none, one comes unasked."""
    hostile: bool = False
    """The model does its worst: it tells its prompt in disguises, invents marks and breaks them."""
    only: str = "any"
    """Which requests it meets: any, routing or answering."""
    times: int = 0
    """After so many requests it is over; 0: only when it is cleared."""


class Faults:
    """The faults set at this moment."""

    def __init__(self) -> None:
        self._set: list[tuple[Fault, int]] = []

    def put(self, wanted: Mapping[str, Any]) -> Fault:
        """Set one more fault.

        Args:
            wanted: fields of `Fault` by name.

        Raises:
            FaultRefused: a name or a value that does not fit.
        """
        known = {field.name: field for field in fields(Fault)}
        for name, value in wanted.items():
            if name not in known:
                raise FaultRefused(f"unknown fault {name!r}, known are {', '.join(known)}")
            if not _fits(known[name].default, value):
                raise FaultRefused(f"{name} cannot be {value!r}")
        fault = Fault(**wanted)
        if fault.only not in _ONLY:
            raise FaultRefused(f"only is one of {', '.join(_ONLY)}")
        self._set.append((fault, fault.times))
        return fault

    def clear(self) -> None:
        """End every fault."""
        self._set.clear()

    def current(self) -> list[Fault]:
        """Give the faults set, oldest first, `times` counting what is left."""
        return [replace(fault, times=left) for fault, left in self._set]

    def meet(self, *, is_routing: bool) -> Fault:
        """Give all that goes wrong with this request, joined; counted faults are used up by one."""
        kind = "routing" if is_routing else "answering"
        joined, kept = Fault(), []
        for fault, left in self._set:
            if fault.only not in {"any", kind}:
                kept.append((fault, left))
                continue
            joined = _joined(joined, fault)
            if left != 1:
                kept.append((fault, left - 1 if left else 0))
        self._set = kept
        return joined


def spoil(text: str, fault: Fault, *, is_json: bool) -> str:
    """Give the text as the fault leaves it."""
    if fault.nonsense:
        text = _nonsense(text, is_json=is_json)
    if fault.mangled_placeholder:
        mangled = _PLACEHOLDER.sub(lambda found: f"[[{found[1][:-1]}]", text)
        text = mangled if mangled != text else f"{text} [[door_code]]"
    if fault.malformed_json and is_json:
        text = "Sure! " + text[: max(len(text) * 2 // 3, 1)]
    return text


def _joined(before: Fault, fault: Fault) -> Fault:
    plain = Fault()
    changed = {
        field.name: getattr(fault, field.name)
        for field in fields(Fault)
        if getattr(fault, field.name) != getattr(plain, field.name)
    }
    return replace(before, **changed)


def _nonsense(text: str, *, is_json: bool) -> str:
    if is_json:
        return re.sub(r'("\w+": )("[^"]*"|[\d.]+)', _absurd, text)
    return "Purple gravel hums nine spoons sideways."


def _absurd(found: re.Match[str]) -> str:
    return found[1] + ('"GRAVEL_SPOONS"' if found[2].startswith('"') else "41.5")


def _fits(default: Any, value: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float) and value >= 0
    if isinstance(default, int):
        return isinstance(value, int) and value >= default
    return isinstance(value, str)
