"""Who speaks on a call: kept in memory, changed by the bus at once, asked before every clause.

A new call is always answered: a case that somebody had before it began silences nobody here.
"""

from collections.abc import Callable
from typing import Literal

from app.db import Connection
from app.escalation.cases import Cases
from app.escalation.records import Case, Voice

ONLY_FACTS = "a person was called: only certain facts are given"

OnEscalate = Literal["stay", "wait"]


class CallHandling:
    """Whether the bot may say something on this call."""

    def __init__(self, on_escalate: OnEscalate) -> None:
        self.voice: Voice = "bot"
        """`case`: this call called for a person, who has not come yet."""
        self._on_escalate = on_escalate
        self._known: tuple[int, str | None] | None = None
        self._told: list[Callable[[], None]] = []

    @property
    def is_silent(self) -> bool:
        """Whether the bot says nothing by itself; `case` in silence has one exception, danger."""
        return self.is_taken or (self.voice == "case" and self._on_escalate == "wait")

    @property
    def is_taken(self) -> bool:
        """Whether a person has the call: the bot says nothing at all."""
        return self.voice == "person"

    def on_change(self, told: Callable[[], None]) -> None:
        """Have somebody told at the moment it changes."""
        self._told.append(told)

    def know(self, case: Case) -> None:
        """There was this case before the call, whoever has it."""
        self._known = (case.id, case.assignee)

    def set(self, voice: Voice) -> None:
        """Say who speaks from now on."""
        if voice != self.voice:
            self.voice = voice
            for told in self._told:
                told()

    def escalated(self) -> None:
        """This call called for a person."""
        if self.voice == "bot":
            self.set("case")

    def heard(self, speaker: str) -> None:
        """The bus says who speaks; a case that others opened silences no call."""
        if speaker == "person":
            self.set("person")
        elif speaker == "bot":
            self.set("bot")

    async def look(
        self,
        conn: Connection,
        cases: Cases,
        *,
        tenant_id: str,
        conversation_id: int,
        reservation_id: int | None,
    ) -> None:
        """Ask the database: another process changed it, and told no more than that."""
        case = await cases.unresolved(conn, conversation_id, reservation_id)
        handling = await cases.may_speak(conn, tenant_id, conversation_id)
        if handling.mode == "bot":
            self.heard("bot")
        elif case is None or self._is_new(case):
            self.heard("person")

    def _is_new(self, case: Case) -> bool:
        """Whether somebody took a case after this call began."""
        return case.state == "acknowledged" and (case.id, case.assignee) != self._known
