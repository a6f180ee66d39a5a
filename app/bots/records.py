"""Bots, action codes and what is asked and answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.conversations import Medium, Turn
from app.pms.stay import Stay
from app.tenants import Tenant

BotKind = Literal["routing", "informational"]
LeadsTo = Literal["template", "bot", "person", "silence"]
Severity = Literal["low", "normal", "high", "critical"]
Outcome = Literal["reply", "person", "silence"]
Origin = Literal["urgent", "rule", "facts", "template", "bot"]

SEVERITIES: tuple[Severity, ...] = ("low", "normal", "high", "critical")
"""From harmless to dangerous."""
CODE_NAME = re.compile(r"^[A-Z][A-Z0-9_]{1,59}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCode:
    """What a guest may want, and what it leads to."""

    code: str
    description: str
    examples: tuple[str, ...] = ()
    leads_to: LeadsTo = "bot"
    severity: Severity = "normal"
    """Of the case, where it leads to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """One bot of a tenant; it has a name for people, and is never looked up by an id."""

    name: str
    kind: BotKind
    medium: Medium
    template: str
    conditions: Mapping[str, Any] = field(default_factory=dict)
    action_codes: tuple[str, ...] = ()
    """Codes that this bot answers, or may choose from; none means all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """All bots, codes and reply templates of a tenant, published as a whole."""

    version: int
    bots: tuple[Bot, ...]
    """In the operator's order: the first match wins."""
    codes: tuple[ActionCode, ...]
    templates: Mapping[str, Mapping[str, str]]
    """Action code → language → template; `fallback` names the language used for others."""
    phrases: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Action code → language → phrases for answers that need no model."""

    def code(self, name: str) -> ActionCode | None:
        """The action code of that name."""
        return next((code for code in self.codes if code.code == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a guest asked, with all that an answer may need."""

    tenant: Tenant
    medium: Medium
    conversation_id: int
    generation: int
    stay: Stay | None
    history: tuple[Turn, ...]
    """What was said before the question, oldest first."""
    asked: tuple[str, ...]
    """The unanswered messages, oldest first, secrets masked."""
    has_attachment: bool
    language_hint: str | None
    refuses_robot: bool
    now: datetime
    requests: tuple[str, ...] = ()
    """Those of the unanswered messages that the channel itself marks as requests."""

    @property
    def text(self) -> str:
        """The unanswered messages as one text."""
        return "\n".join(self.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a question leads."""

    outcome: Outcome
    origin: Origin
    because: str
    """In plain words, for the operator."""
    language: str
    action_code: str | None = None
    score: float | None = None
    reasoning: str = ""
    covers_all: bool = True
    severity: Severity = "normal"
    bot: str | None = None
    is_draft: bool = False
    """A person decides whether the reply goes out."""
    is_answered: bool = False
    """Something of it is answered, though a person is needed: the words go out all the same."""
    for_people: str = ""
    """The guest's words that a person must see to; empty: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One request to a model, enough to make it again."""

    purpose: Literal["route", "answer"]
    model: str
    messages: tuple[Mapping[str, str], ...]
    parameters: Mapping[str, Any]
    raw_output: str
    first_token_ms: int | None
    total_ms: int
