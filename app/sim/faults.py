"""The fault plan: what goes wrong, where, how often and until when."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import count
from typing import Any

from app.sim.knobs import BadRequest
from app.sim.rows import Row

BEFORE = frozenset(
    {"429", "5xx", "html_500", "reset", "hang", "slow", "fail_200", "forbidden", "token_expiry"}
)
"""Kinds that strike before the request is acted on (`slow` and `token_expiry` then go on)."""
AFTER = frozenset({"truncated", "accepted_then_cut", "500_after_acting", "hang_after_acting"})
"""Kinds that strike after the request has done its work."""
WITHIN = frozenset(
    {"message_failed", "message_awaiting", "alter_text", "ignore_write", "listed_late"}
)
"""Kinds that change what the request does; `listed_late` hides a sent message for a while."""
KINDS = BEFORE | AFTER | WITHIN


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong at a target such as `hostaway`, `hostaway.send` or `slack`."""

    id: int
    target: str
    kind: str
    account: int | None = None
    """Only requests of this account; None for all."""
    probability: float = 1.0
    count: int | None = None
    """How many requests it still strikes; None for no end."""
    duration_s: float | None = None
    status: int = 503
    delay_s: float = 5.0
    """Of `slow`; how long `hang`, `message_awaiting` and `listed_late` take."""
    retry_after: str = ""
    text: str = ""
    until: float | None = None
    """Monotonic end, from `duration_s`."""
    struck: int = 0

    def covers(self, target: str, account: int | None) -> bool:
        """Whether a request at this target and account is meant (prefixes by dots count)."""
        is_there = target == self.target or target.startswith(self.target + ".")
        return is_there and self.account in (None, account)


class FaultPlan:
    """All the faults that are set; asked at every request."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(f"faults-{seed}")
        self._faults: list[Fault] = []
        self._ids = count(1)

    def add(self, wanted: Mapping[str, Any]) -> Fault:
        """Plan a fault from the control plane's JSON.

        Raises:
            BadRequest: no target, an unknown kind or an unknown key.
        """
        known = {item.name for item in fields(Fault)} - {"id", "until", "struck"}
        for name in wanted:
            if name not in known:
                raise BadRequest(f"unknown key {name!r}; known: {', '.join(sorted(known))}")
        kind = str(wanted.get("kind", ""))
        if kind not in KINDS:
            raise BadRequest(f"unknown kind {kind!r}; known: {', '.join(sorted(KINDS))}")
        if not wanted.get("target"):
            raise BadRequest("target is missing, such as hostaway, hostaway.send or slack")
        fault = Fault(id=next(self._ids), **dict(wanted) | {"kind": kind})
        if fault.duration_s is not None:
            fault.until = time.monotonic() + fault.duration_s
        self._faults.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> int:
        """Take one fault away, or all; gives how many went."""
        before = len(self._faults)
        self._faults = [f for f in self._faults if fault_id is not None and f.id != fault_id]
        return before - len(self._faults)

    def take(self, target: str, kinds: frozenset[str], account: int | None = None) -> Fault | None:
        """The fault that strikes this request now, if one does; it is counted."""
        now = time.monotonic()
        self._faults = [f for f in self._faults if f.until is None or f.until > now]
        for fault in self._faults:
            if fault.kind not in kinds or fault.count == 0 or not fault.covers(target, account):
                continue
            if self._dice.random() >= fault.probability:
                continue
            fault.struck += 1
            if fault.count is not None:
                fault.count -= 1
            return fault
        return None

    def as_rows(self) -> list[Row]:
        """The plan, for the control plane; used-up faults are still listed with what they did."""
        return [
            {item.name: getattr(fault, item.name) for item in fields(Fault) if item.name != "until"}
            for fault in self._faults
        ]
