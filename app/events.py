"""Every event of the bus: facts that have happened, in the past tense."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact of one tenant."""

    crosses_processes: ClassVar[bool] = False
    """Whether the bus also sends it by NOTIFY as `{tenant, event, id}`."""
    tenant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """A webhook brought a guest's message; the thread is armed."""

    conversation_id: int
    generation: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecorded(Event):
    """Something was said in a conversation (secrets stand as placeholders)."""

    conversation_id: int
    turn_id: int
    speaker: str
    text: str
    said_at: datetime
    decision_id: int | None = None
    ended_at: datetime | None = None
    """On the phone: when the voice ended; `said_at` is when it began."""
    heard_ms: int | None = None
    is_cut: bool = False
    stages: Mapping[str, int] = field(default_factory=dict)
    """Stage → milliseconds after the caller fell silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationChanged(Event):
    """The mirror holds a newer reservation."""

    reservation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingChanged(Event):
    """The mirror holds a newer listing."""

    listing_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade(Event):
    """A decision was committed: what the bot does, and by which code."""

    conversation_id: int
    decision_id: int
    outcome: str
    origin: str
    """How it was decided: urgent, rule, facts, template or bot."""
    action_code: str | None
    bot: str | None
    score: float | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySent(Event):
    """A reply reached the PMS."""

    conversation_id: int
    outbox_id: int
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftWritten(Event):
    """A reply waits for a person's word."""

    conversation_id: int
    outbox_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEvent(Event):
    """Something happened to a case; also known to other processes."""

    crosses_processes: ClassVar[bool] = True
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(CaseEvent):
    """A person is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRaised(CaseEvent):
    """A later trigger was appended; `is_worse` when the severity rose."""

    is_worse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTakenOver(CaseEvent):
    """An operator has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResolved(CaseEvent):
    """It is over; the bot may speak again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlingChanged(Event):
    """Who speaks in a conversation has changed; `id` is the conversation."""

    crosses_processes: ClassVar[bool] = True
    id: int
    speaker: str = ""
    """`bot`, `person`, or `case`: one is called for; empty where only the database can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryPublished(Event):
    """The tenant's bots changed; `id` is the version."""

    crosses_processes: ClassVar[bool] = True
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged(Event):
    """The tenant's directory row, accounts or settings changed."""

    crosses_processes: ClassVar[bool] = True
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HotlineChanged(Event):
    """A telephone number or its carrier account changed."""

    crosses_processes: ClassVar[bool] = True
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(Event):
    """A caller is on the line."""

    conversation_id: int
    call_sid: str
    hotline_e164: str
    caller: str
    """The number with its middle hidden; empty where it is withheld."""
    language: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdentified(Event):
    """How sure we are of who calls has changed, and with it perhaps the stay."""

    conversation_id: int
    call_sid: str
    assurance: int
    reservation_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechHeard(Event):
    """The recogniser understood something of the caller's turn; the turn itself comes later."""

    conversation_id: int
    call_sid: str
    text: str
    is_final: bool
    """These words will not change any more; more of the turn may follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerBegan(Event):
    """The first sound of an answer went to the line."""

    conversation_id: int
    call_sid: str
    stages: Mapping[str, int]
    """Stage → milliseconds after the caller fell silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Event):
    """The line is closed."""

    conversation_id: int
    call_sid: str
    because: str
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsMissed(Event):
    """For a while nobody could tell us anything: what happened outside must be looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRemoved(Event):
    """A tenant is gone: another may come by the same id, and inherit nothing."""

    crosses_processes: ClassVar[bool] = True
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(Event):
    """A job was given up."""

    kind: str
    key: str
    error: str
