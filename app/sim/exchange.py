"""The telephone network's state: carrier accounts, their numbers, every call that runs or ran.

What is said on a call is kept as a stereo recording, the caller left, the hotline right.
"""

import asyncio
import secrets
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import aiohttp

from app.sim.feed import Feed
from app.sim.telephone import Carrier, Speak, Status, Telephone
from app.sim.voices import Voices

KEPT = 40
"""Calls that are remembered after their end, with their sound."""
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=15)
"""Twilio's own: 5 s to connect, 15 s to answer."""
COMPANIES = (
    (
        70001,
        "Mokotów Stays",
        (("+48221234567", "Mokotów Stays"), ("+48221234568", "Mokotów Stays, po polsku")),
    ),
    (70002, "Marina Nights", (("+97142345678", "Marina Nights"),)),
)
"""(account of the PMS, company, its (number, what it is called)) that are there from the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A company's account at the carrier."""

    sid: str
    auth_token: str = field(repr=False)
    name: str
    pms_account: int
    """Whose guests call here, in the demo."""


@dataclass(slots=True, kw_only=True)
class PhoneNumber:
    """A number that an account has, and who is asked about its calls."""

    sid: str
    account_sid: str
    phone_number: str
    friendly_name: str = ""
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    status_callback: str = ""
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    changed_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What happens when the carrier rings somebody's telephone."""

    answers: Literal["person", "busy", "no-answer", "failed"] = "person"
    after_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An outgoing call as it was ordered."""

    to: str
    caller: str
    url: str = ""
    twiml: str = ""
    status_callback: str = ""
    events: tuple[str, ...] = ("completed",)
    timeout_s: float = 60.0


class Exchange:
    """Every account, number and call."""

    def __init__(
        self, feed: Feed, *, voices: Voices | None = None, recordings: Path | None = None
    ) -> None:
        self._feed = feed
        self.voices = voices
        """Who speaks for scripted callers, and for the carrier itself; none: nobody can."""
        self._speak: Speak | None = voices.of_carrier if voices else None
        self.recordings = recordings
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, PhoneNumber] = {}
        self.calls: dict[str, Telephone] = {}
        """By CallSid, oldest first."""
        self.habits: dict[str, Habit] = {}
        """Telephone number → what it does when rung."""
        self._http: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        for pms_account, name, numbers in COMPANIES:
            account = Account(
                sid=account_sid_of(pms_account),
                auth_token=auth_token_of(pms_account),
                name=name,
                pms_account=pms_account,
            )
            self.accounts[account.sid] = account
            for number, called in numbers:
                self.add_number(account, number, friendly_name=called)

    async def stop(self) -> None:
        """Hang up everywhere."""
        for call in self.calls.values():
            call.hang_up()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    # -- numbers -----------------------------------------------------------------------------

    def add_number(self, account: Account, number: str, *, friendly_name: str = "") -> PhoneNumber:
        """Give an account a number."""
        made = PhoneNumber(
            sid="PN" + secrets.token_hex(16),
            account_sid=account.sid,
            phone_number=number,
            friendly_name=friendly_name or number,
        )
        self.numbers[made.sid] = made
        return made

    def number(self, e164: str) -> PhoneNumber:
        """The number that is called.

        Raises:
            LookupError: nobody has it.
        """
        for number in self.numbers.values():
            if number.phone_number == e164:
                return number
        raise LookupError(f"nobody has the number {e164}")

    # -- calls -------------------------------------------------------------------------------

    def dial(
        self,
        caller: str,
        hotline: str,
        *,
        more: Mapping[str, str] | None = None,
        label: str = "",
    ) -> Telephone:
        """Somebody calls a number; the recording is called by the label, else by the CallSid.

        Raises:
            LookupError: nobody has it, or it tells the carrier no webhook.
        """
        number = self.number(hotline)
        if not number.voice_url:
            raise LookupError(f"{hotline} has no voice URL: nobody answers there")
        account = self.accounts[number.account_sid]
        carrier = Carrier(
            account_sid=account.sid,
            auth_token=account.auth_token,
            voice_url=number.voice_url,
            fallback_url=number.voice_fallback_url,
            status_url=number.status_callback,
        )
        call = Telephone(
            carrier, self._session(), caller=caller, hotline=hotline, more=more, speak=self._speak
        )
        self._keep(call)
        self._spawn(self._served(call, call.call(), label))
        return call

    def place(self, account: Account, wanted: Wanted) -> Telephone:
        """The carrier calls somebody, and does with the one who answers what it is told."""
        carrier = Carrier(account_sid=account.sid, auth_token=account.auth_token)
        call = Telephone(
            carrier,
            self._session(),
            caller=wanted.caller,
            hotline=wanted.to,
            direction="outbound-api",
            speak=self._speak,
        )
        self._keep(call)
        self._spawn(self._served(call, self._ring(call, wanted)))
        return call

    async def _ring(self, call: Telephone, wanted: Wanted) -> None:
        habit = self.habits.get(wanted.to, Habit())
        await self._report(call, wanted, "initiated")
        call.status = "ringing"
        await self._report(call, wanted, "ringing")
        waits_s = habit.after_s if habit.answers == "person" else min(wanted.timeout_s, 1.0)
        if not await call.is_left_alone(min(waits_s, wanted.timeout_s)):
            await self._close(call, wanted, "canceled")
        elif habit.answers != "person" or habit.after_s > wanted.timeout_s:
            outcome: Status = "no-answer" if habit.answers == "person" else habit.answers
            await self._close(call, wanted, outcome)
        else:
            call.answer()
            await self._report(call, wanted, "answered")
            await call.call(url=wanted.url, twiml=wanted.twiml)
            await self._report(call, wanted, "completed")

    async def _close(self, call: Telephone, wanted: Wanted, status: Status) -> None:
        await call.close(status)
        await self._report(call, wanted, "completed")

    async def _report(self, call: Telephone, wanted: Wanted, step: str) -> None:
        if wanted.status_callback and step in wanted.events:
            await call.tell(wanted.status_callback)

    async def _served(
        self, call: Telephone, work: Coroutine[Any, Any, None], label: str = ""
    ) -> None:
        told = {"call": call.call_sid, "hotline": call.hotline, "direction": call.direction}
        self._feed.publish("call.began", **told)
        try:
            await work
        finally:
            if self.recordings is not None and call.tape.seconds:
                path = self.recordings / f"{label or call.call_sid}.wav"
                await asyncio.to_thread(call.tape.save, path)
            self._feed.publish("call.ended", **told, status=call.status, seconds=call.tape.seconds)

    def _keep(self, call: Telephone) -> None:
        self.calls[call.call_sid] = call
        over = [sid for sid, one in self.calls.items() if one.is_over]
        for sid in over[: max(0, len(over) - KEPT)]:
            del self.calls[sid]

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=_PATIENCE)
        return self._http

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def account_sid_of(pms_account: int) -> str:
    """The carrier account of a demo company."""
    return f"AC{pms_account:032d}"


def auth_token_of(pms_account: int) -> str:
    """What that account's webhooks are signed with."""
    return f"sim-token-{pms_account}"
