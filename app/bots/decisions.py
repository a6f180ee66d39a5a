"""Reading stored decisions: why something was answered, or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.bots import store
from app.db import Connection, Row
from app.keys import Keyring

SEALED = frozenset({"reasoning", "calls"})
"""What stands encrypted in the row: it may quote gated text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Why one question was answered as it was; secrets stand as placeholders."""

    id: int
    conversation_id: int
    generation: int
    library_version: int
    bot: str | None
    action_code: str | None
    score: float | None
    reasoning: str | None
    covers_all: bool | None
    outcome: str
    origin: str
    because: str
    language: str
    question: str
    answer: str | None
    stay: Mapping[str, Any] | None
    """The stay as seen; none for a stranger."""
    calls: tuple[Mapping[str, Any], ...]
    """Requests to models, each enough to make it again."""
    trace_id: str | None
    decided_at: datetime


async def decisions_of(conn: Connection, keyring: Keyring, conversation_id: int) -> list[Decision]:
    """A conversation's decisions, oldest first; what models were told is opened for it."""
    return [_decision(row, keyring) for row in await store.decisions_of(conn, conversation_id)]


async def stay_seen(conn: Connection, decision_id: int) -> Mapping[str, Any] | None:
    """The stay as a decision saw it (`Stay.snapshot`); none for a stranger."""
    return await store.stay_seen(conn, decision_id)


def _decision(row: Row, keyring: Keyring) -> Decision:
    opened: dict[str, Any] = keyring.open_mapping(row["sealed"])
    values = {name: row[name] for name in Decision.__dataclass_fields__ if name not in SEALED}
    return Decision(
        **values, reasoning=opened.get("reasoning"), calls=tuple(opened.get("calls", ()))
    )
