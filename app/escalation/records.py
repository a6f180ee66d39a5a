"""A case, and who speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Severity = Literal["low", "normal", "high", "critical"]
State = Literal["open", "acknowledged", "resolved"]
RouteOfChange = Literal["bot", "panel", "slack", "cli", "pms", "system"]
"""By which way a change came."""

Voice = Literal["bot", "case", "person"]
"""Who speaks: the bot; nobody of ours in threads, for a person was called; a person."""

SEVERITIES: tuple[Severity, ...] = ("low", "normal", "high", "critical")
"""From harmless to dangerous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An escalation of a stay."""

    id: int
    conversation_id: int
    reservation_id: int | None
    severity: Severity
    state: State
    trigger_text: str
    """The exact message that led to it, secrets as placeholders."""
    brief: str
    assignee: str | None
    history: tuple[Mapping[str, Any], ...]
    """Every change: what, by, at, route."""
    opened_at: datetime
    alerted_at: datetime | None
    resolved_at: datetime | None
    slack_channel: str | None
    slack_ts: str | None
    told: int
    """Entries of the history that Slack has heard of."""

    @property
    def is_open(self) -> bool:
        """Whether it still needs somebody."""
        return self.state != "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """Who speaks in a conversation now."""

    mode: Literal["bot", "human"]
    epoch: int
    """Raised with every change: what was written under an older one is not sent."""
    reason: str | None
    until: datetime | None
    changed_at: datetime
    """Since when; what a guest wrote before, while people spoke, is not the bot's to answer."""


def worse(one: Severity, other: Severity) -> Severity:
    """The graver of two."""
    return max(one, other, key=SEVERITIES.index)
