"""A person for a caller: the case, what the caller is told of it, and the promise to call back.

What is written goes through the call's ledger, in order; what is said is decided at once, so that
nobody on the line waits for a row.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.background import Background
from app.bots.phrases import wants_human
from app.bots.records import Route
from app.bots.rules import ESCALATE
from app.bots.sentences import sentence
from app.bots.urgent import Urgent, find_urgent
from app.clock import Clock
from app.db import Connection
from app.escalation.cases import Cases
from app.escalation.records import Case, Severity
from app.pms.reading import spelled_numbers
from app.pms.stay import Stay
from app.tenants import Tenant
from app.voice.bare import bare
from app.voice.handling import CallHandling
from app.voice.ledger import Ledger, Write

FEWEST_DIGITS = 7
"""Of a telephone number that a caller says."""
YES = frozenset(
    {
        "yes", "yeah", "yep", "sure", "please", "ok", "okay",
        "tak", "proszę", "poproszę", "jasne", "dobrze",
        "ja", "gerne", "bitte", "klar",
        "نعم", "أجل", "ايوه", "أيوه", "طبعا", "تمام",
    }
)  # fmt: skip
"""Words of which one makes a short answer a yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is said without asking the mind, and what is written once the turn is confirmed."""

    says: str
    write: Write


class Escalation:
    """Everything about people on one call."""

    def __init__(
        self,
        *,
        tenant: Tenant,
        caller_e164: str | None,
        cases: Cases,
        clock: Clock,
        background: Background,
        ledger: Ledger,
        conversation_id: asyncio.Future[int],
        handling: CallHandling,
    ) -> None:
        self.language = tenant.settings.language.default
        self.stay: Stay | None = None
        self.known: Case | None = None
        """The stay's case, from before this call."""
        self._tenant = tenant
        self._number = caller_e164
        self._cases = cases
        self._clock = clock
        self._background = background
        self._ledger = ledger
        self._conversation_id = conversation_id
        self._handling = handling
        self._say: Callable[[str], None] = lambda _: None
        self._reaching: asyncio.Task[None] | None = None
        self._alerted: set[str] = set()
        """Turns whose urgent words were told of at once."""
        self._is_promised = False
        self._offers = ""
        """Who was offered to call back; what comes next may be a yes."""
        self._awaits_number = False

    def on_news(self, say: Callable[[str], None]) -> None:
        """Tell who says what the caller should know though nothing was asked."""
        self._say = say

    # -- a person is called ------------------------------------------------------------------

    def urgency(self, asked: str) -> Urgent | None:
        """The emergency in a turn, if any."""
        country = self.stay.listing.country_code if self.stay else None
        return find_urgent(asked, country_code=country)

    def alert_at_once(self, asked: str) -> None:
        """The caller has finished a turn: urgent words are told of before the mind has answered."""
        urgent = self.urgency(asked)
        if urgent is None or bare(asked) in self._alerted:
            return
        self._alerted.add(bare(asked))
        self.call(
            severity=urgent.severity,
            trigger=asked,
            because=f"urgent: {urgent.kind} ({urgent.phrase})",
        )

    def is_alerted(self, asked: str) -> bool:
        """Whether people know of a turn already."""
        return bare(asked) in self._alerted

    def press_key(self) -> str:
        """The caller pressed the key for a person; what is said."""
        self.call(severity="normal", trigger="[key 0]", because="the caller pressed 0")
        says = self.holding()
        self.escalated()
        return says

    def holding(self) -> str:
        """What a caller hears when a person was called."""
        waits = self._tenant.settings.voice.on_escalate == "wait"
        return sentence("voice_hold_line" if waits else "voice_holding", self.language)

    def escalated(self) -> None:
        """From now on this call waits for a person, within bounds."""
        self._handling.escalated()
        if self._reaching is None:
            self._reaching = self._background.spawn("reach somebody", self._reach())

    def call(self, *, severity: Severity, trigger: str, because: str) -> None:
        """Open the case of this call, or write into the one that is open; in the background."""

        async def write(conn: Connection) -> None:
            await self.open(conn, severity=severity, trigger=trigger, because=because)

        self._ledger.write(write)

    async def open(
        self, conn: Connection, *, severity: Severity, trigger: str, because: str
    ) -> Case:
        """Open the case of this call, or write into the one that is open."""
        return await self._cases.open(
            conn,
            self._tenant,
            conversation_id=await self._conversation_id,
            reservation_id=self._reservation_id,
            severity=severity,
            trigger_text=self._masked(trigger),
            brief=because,
        )

    # -- nobody comes ------------------------------------------------------------------------

    async def _reach(self) -> None:
        await self._clock.sleep(self._tenant.settings.voice.reach_s)
        if self._handling.voice == "case":
            self._promise(self._number)
            self._awaits_number = self._number is None
            which = "voice_which_number" if self._awaits_number else "voice_call_back"
            self._handling.set("bot")
            self._say(sentence(which, self.language))
        self._reaching = None

    def _promise(self, number: str | None) -> None:
        if number is None or self._is_promised:
            return
        self._is_promised = True

        async def write(conn: Connection) -> None:
            await self._keep_promise(conn, number, trigger="[asked for a person]")

        self._ledger.write(write)

    async def _keep_promise(self, conn: Connection, number: str, *, trigger: str) -> None:
        case = await self._cases.unresolved(
            conn, await self._conversation_id, self._reservation_id
        ) or await self.open(
            conn, severity="normal", trigger=trigger, because="a call back was promised"
        )
        minutes = timedelta(minutes=self._tenant.settings.voice.call_back_min)
        await self._cases.promise_call(
            conn, self._tenant, case, number=number, due_at=self._clock.now() + minutes
        )

    def end(self) -> None:
        """The call is over: who waited for a person is called back."""
        if self._reaching is not None:
            self._reaching.cancel()
        if self._handling.voice == "case":
            self._promise(self._number)

    # -- what needs no mind ------------------------------------------------------------------

    def reply_to(self, asked: str) -> Prepared | None:
        """What a turn gets that answers a question of ours about people; none for all others."""
        if self._awaits_number and (number := number_in(asked)) is not None:
            return self._called_back("voice_number_noted", number, asked)
        words = asked.casefold().replace(",", " ").replace(".", " ").split()
        is_yes = len(words) <= 6 and (not YES.isdisjoint(words) or wants_human(asked))
        if self._offers and is_yes:
            return self._called_back("voice_call_asked", self._number, asked)
        return None

    def _called_back(self, which: str, number: str | None, asked: str) -> Prepared:
        says = sentence(which, self.language, name=self._offers)

        async def write(conn: Connection) -> None:
            if number is None:
                because = "the caller asks to be called back; the number is withheld"
                await self.open(conn, severity="normal", trigger=asked, because=because)
            else:
                await self._keep_promise(conn, number, trigger=asked)
            self._offers, self._awaits_number = "", False

        return Prepared(says=says, write=write)

    # -- the case from before ----------------------------------------------------------------

    async def look_for_case(self, conn: Connection) -> str:
        """What the caller is told of the stay's open case; empty where there is none.

        A case that the caller opened while unknown is the stay's from now on.
        """
        conversation_id, reservation_id = await self._conversation_id, self._reservation_id
        if reservation_id is not None:
            await self._cases.attach(
                conn,
                self._tenant,
                conversation_id=conversation_id,
                reservation_id=reservation_id,
            )
        case = await self._cases.unresolved(conn, conversation_id, reservation_id)
        if case is None or self._handling.voice != "bot":
            return ""
        self.known = case
        self._handling.know(case)
        if case.assignee is None:
            return sentence("voice_case_open", self.language)
        self._offers = case.assignee
        return sentence("voice_case_taken", self.language, name=case.assignee)

    @property
    def _reservation_id(self) -> int | None:
        return self.stay.reservation.id if self.stay else None

    def _masked(self, text: str) -> str:
        return self.stay.mask(text) if self.stay else text


def hands_over(route: Route, score_threshold: float) -> bool:
    """Whether a route hands the whole call to people, not just one matter that people see to."""
    if route.outcome != "person" or route.is_answered:
        return False
    is_unsure = route.score is not None and route.score < score_threshold
    is_wish = route.action_code == ESCALATE or (route.origin == "rule" and not route.action_code)
    return route.origin == "urgent" or is_wish or is_unsure


def number_in(text: str) -> str | None:
    """The telephone number that somebody says, as they say it; none where there is none."""
    digits = "".join(c for c in text if c.isdecimal() or c == "+")
    if sum(map(str.isdecimal, digits)) >= FEWEST_DIGITS:
        return digits
    spelled = [text[start:end] for start, end in spelled_numbers(text)]
    return next((words for words in spelled if len(words.split()) >= FEWEST_DIGITS), None)
