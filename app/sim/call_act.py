"""One spoken call of the story while it runs: a caller speaks, the hotline is heard on the tape.

What was said and when comes from the carrier's side, the tape; what was understood and decided is
what the product's live feed tells.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.sim.act import Tenant, posts_about
from app.sim.bookings import Booking
from app.sim.rows import Row
from app.sim.stage import Check, Line, Played
from app.sim.timeline import Event, answered_by, decision_words
from app.sim.witness import NotSeen, Witness

NOBODY = -1
QUIET_S = 0.9
"""So long without a sound, the hotline has finished."""
LOOK_S = 0.1
PATIENCE_S = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Something the caller said, and what the hotline answered."""

    said: str
    said_s: float
    ended_at: datetime
    """When the caller fell silent."""
    answer: str
    answered_s: float
    latency_ms: int | None
    """From the caller's last sound to the hotline's first, by the tape."""
    silenced_ms: int | None
    """How long the hotline still spoke after the caller broke in; none where it was silent."""
    heard_until_s: float


@dataclass(slots=True, kw_only=True)
class CallAct:
    """What a scene does and sees."""

    witness: Witness
    tenant: Tenant
    booking: Booking
    hotline: str
    caller: str
    label: str
    language: str = "en"
    sid: str = ""
    checks: list[Check] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    listenings: list[tuple[str, Exchange, Callable[[str], bool]]] = field(default_factory=list)
    greeting_ms: int | None = None
    slack_note: str = ""
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    # -- what is done ------------------------------------------------------------------------

    async def dial(self) -> str:
        """Call, and hear the greeting out."""
        self.began_at = datetime.now(UTC)
        wanted = {"hotline": self.hotline, "caller": self.caller, "label": self.label}
        self.sid = (await self.witness.sim("POST", "/phone/calls", wanted))["call"]
        state = await self._heard_out(0.0, NOBODY)
        self.greeting_ms = round(state["hotline"][0][0] * 1000)
        return await self._newest_words(1)

    async def says(self, text: str) -> Exchange:
        """Say something and hear the answer out."""
        return await self._exchange(text, await self._state())

    async def interrupts(self, text: str, after_s: float) -> Exchange:
        """Say something while the hotline has been speaking for so long."""
        before = await self._state()
        spoken = len(before["hotline"])

        async def is_under_way() -> Row | None:
            state = await self._state()
            stretches = state["hotline"]
            if len(stretches) <= spoken:
                return None
            began_s, ended_s = stretches[-1]
            is_long = state["seconds"] - began_s >= after_s and state["seconds"] - ended_s < QUIET_S
            return state if is_long else None

        state = await self._until(is_under_way, "the hotline speaking")
        return await self._exchange(text, state)

    async def asks(self, text: str) -> None:
        """Say something without waiting for the answer."""
        await self.witness.sim("POST", f"/phone/calls/{self.sid}/say", {"text": text})
        await self._until_said()

    async def hangs_up(self) -> None:
        """End the call."""
        if not self.sid:
            return
        await self.witness.sim("POST", f"/phone/calls/{self.sid}/hang-up", {})
        await self.witness.until(lambda: self.told("call_ended"), "the product closing the call")

    def check(self, claim: str, is_met: object, saw: object = "") -> None:
        """Claim something of the outcome."""
        self.checks.append(Check(claim=claim, is_met=bool(is_met), saw=str(saw)))

    # -- what is seen ------------------------------------------------------------------------

    def told(self, kind: str, **wanted: Any) -> list[Event]:
        """What the product's feed told of this call."""
        return [
            event
            for event in self.witness.events
            if event["from"] == "product"
            and event["type"] == kind
            and event.get("thread") == self.sid
            and all(event.get(name) == value for name, value in wanted.items())
        ]

    def listen(self, claim: str, exchange: Exchange, is_right: Callable[[str], bool]) -> None:
        """Claim something of an answer's sound; heard once every call is over."""
        self.listenings.append((claim, exchange, is_right))

    async def on_tape(self, exchange: Exchange) -> str:
        """The answer as recognition hears it on the tape."""
        found = await self.witness.sim(
            "GET",
            f"/phone/calls/{self.sid}/recognised",
            since=str(exchange.answered_s),
            until=str(exchange.heard_until_s),
            language=self.language,
        )
        return str(found["text"])

    async def until_posted(self, after: datetime) -> Row:
        """The first post to Slack about this guest after a moment."""

        async def ask() -> Row | None:
            found = await self.witness.sim("GET", "/slack/messages", team=self.tenant.team)
            posts = posts_about(found["messages"], self.booking.guest)
            return next((p for p in posts if datetime.fromisoformat(p["at"]) >= after), None)

        found = await self.witness.until_asked(ask, "a Slack post about the call", 15.0)
        if found is None:
            raise NotSeen("a Slack post about the call")
        return found

    def played(self, letter: str, title: str, setting: str) -> Played:
        """The call as the terminal shows it."""
        decisions = self.told("decision")
        latencies = [e.latency_ms for e in self.exchanges if e.latency_ms is not None]
        return Played(
            letter=letter,
            title=title,
            setting=setting,
            lines=tuple(self._lines(decisions)),
            checks=tuple(self.checks),
            action_codes=tuple(dict.fromkeys(str(d.get("action_code") or "–") for d in decisions)),
            answered_by=tuple(dict.fromkeys(answered_by(d) for d in decisions)),
            latencies_ms=tuple(latencies),
            slack=self.slack_note,
        )

    # -- how -----------------------------------------------------------------------------------

    async def _exchange(self, text: str, before: Row) -> Exchange:
        spoken, known = len(before["caller"]), len(self.told("turn", speaker="bot"))
        await self.asks(text)
        ended_at = datetime.now(UTC)
        await self._heard_out(before["seconds"], spoken)
        # A turn is told once it was heard out, pauses between its sentences included.
        answer = await self._newest_words(known + 1)
        state = await self._state()
        said = state["turns"][spoken]
        turn = next(t for t in reversed(state["turns"]) if t["answered_s"] is not None)
        silenced_s = said["silenced_s"]
        made = Exchange(
            said=text,
            said_s=said["said"][0],
            ended_at=ended_at - timedelta(seconds=LOOK_S / 2),
            answer=answer,
            answered_s=turn["answered_s"],
            latency_ms=turn["latency_ms"],
            silenced_ms=silenced_s and round((silenced_s - said["said"][0]) * 1000),
            heard_until_s=state["seconds"],
        )
        self.exchanges.append(made)
        return made

    async def _until_said(self) -> None:
        async def is_said() -> bool:
            return not (await self._state())["is_speaking"]

        await self._until(is_said, "the caller's sentence")

    async def _heard_out(self, since_s: float, spoken: int) -> Any:
        """The call once the hotline has answered whatever the caller said, and is silent."""

        async def is_over() -> Row | None:
            state = await self._state()
            stretches, turns = state["hotline"], state["turns"]
            if not stretches or stretches[-1][1] <= since_s or len(turns) <= spoken:
                return None
            if turns and turns[-1]["answered_s"] is None:
                return None
            return state if state["seconds"] - stretches[-1][1] > QUIET_S else None

        return await self._until(is_over, "the hotline's answer")

    async def _newest_words(self, count: int) -> str:
        """What the product says that was heard, from the so-manieth turn of ours on."""
        said = f"our turn {count} in the live feed"
        await self.witness.until(
            lambda: len(self.told("turn", speaker="bot")) >= count, said, PATIENCE_S
        )
        return " ".join(event["text"] for event in self.told("turn", speaker="bot")[count - 1 :])

    async def _state(self) -> Row:
        state: Row = await self.witness.sim("GET", f"/phone/calls/{self.sid}")
        return state

    async def _until(self, ask: Any, what: str) -> Any:
        return await self.witness.until_asked(ask, what, PATIENCE_S)

    def _lines(self, decisions: list[Event]) -> list[Line]:
        lines: list[Line] = []
        for made in self.exchanges:
            lines.append(Line(at_s=made.said_s, label="guest", text=made.said))
            took = "" if made.latency_ms is None else f"\n[{made.latency_ms} ms after the caller]"
            lines.append(Line(at_s=made.answered_s, label="reply", text=made.answer + took))
        heard = [event["text"] for event in self.told("turn", speaker="guest")]
        lines += [Line(at_s=None, label="heard", text=f"“{text}”") for text in heard]
        lines += [Line(at_s=None, label="decision", text=decision_words(d)) for d in decisions]
        return lines
