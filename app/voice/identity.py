"""Who is on the line, on one call: each turn is read for it, and counts once it is confirmed.

`consider` is asked of every turn, half-heard ones too, and changes nothing; `confirm` makes the
turn count. A turn that was confirmed but never answered, because the caller went on, is made up for
before the next. What became known is kept with the call, without the values of facts.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from app.bots.answer import Answering
from app.bots.phrases import is_only_greeting, is_only_thanks, wants_human
from app.bots.records import Route
from app.bots.sentences import UNPROVEN, access_sentence, sentence
from app.bots.urgent import find_urgent
from app.errors import ProductError, Unavailable
from app.pms.stay import Stay
from app.tenants import Tenant
from app.voice.bare import bare
from app.voice.caller import MOST_WRONG_A_DAY, Caller, Callers
from app.voice.heard import read
from app.voice.identifying import decide
from app.voice.known import NOBODY, Known, Step
from app.voice.record import CallRecord, RecordParts
from app.voice.strangers import Stranger, find_stranger
from app.voice.tickets import Ticket

logger = logging.getLogger(__name__)

WHO_IS_CALLING = "WHO_IS_CALLING"
"""The action code of what is asked and said to know the caller."""
SEND_S = 4.0
"""How long a caller waits to hear whether something went into the booking's thread."""


class ThreadPost(Protocol):
    """Puts access information into a booking's own thread."""

    async def put_access(self, tenant: Tenant, reservation_id: int) -> bool:
        """Whether it is in the outbox now, committed."""


class Identity:
    """What is known of one caller."""

    def __init__(
        self,
        *,
        tenant: Tenant,
        callers: Callers,
        parts: RecordParts,
        record: CallRecord,
        post: ThreadPost,
        is_known: Callable[[Stay | None], None],
    ) -> None:
        self._tenant = tenant
        self._callers = callers
        self._parts = parts
        self._record = record
        self._post = post
        self._is_known = is_known
        """Told of the stay as the caller may hear of it, whenever that changed."""
        self._known = Known()
        self._considered: dict[str, Step | None] = {}
        """Turn → what it would change, of what is known now."""
        self._unlearnt: list[str] = []
        """Confirmed turns that nobody has considered."""
        self._last: tuple[str, Step | None] = ("", None)
        """The newest turn that counts."""
        self._adopted = asyncio.Event()
        self._language: str | None = None
        self._was_sent: asyncio.Task[bool] | None = None

    @property
    def caller(self) -> Caller:
        """Who is on the line, as far as we know."""
        return self._known.caller

    @property
    def stay(self) -> Stay | None:
        """The stay as the caller may hear of it now."""
        return self.caller.stay_at(self._tenant.settings.voice.access_assurance)

    async def begin(self, ticket: Ticket, own_numbers: Collection[str]) -> None:
        """Look for the caller's number; a database that is away leaves nobody known."""
        door = await self._parts.database.tenant(self._tenant.id)
        now = self._parts.clock.now()
        try:
            async with door.transaction() as conn:
                caller = await self._callers.by_number(
                    conn, self._tenant, ticket, now, own_numbers=own_numbers
                )
                wrong = await self._callers.wrong_of(conn, caller.stays, now)
        except Unavailable:
            logger.warning("a caller could not be looked up")
            return
        is_barred = any(count >= MOST_WRONG_A_DAY for count in wrong.values())
        caller = replace(caller, is_barred=is_barred)
        self._set(replace(self._known, caller=caller, wrong_of=dict(wrong)))
        if ticket.caller_e164 in self._tenant.settings.voice.staff_numbers:
            self._set(replace(self._known, stranger=Stranger(kind="staff")))
        if caller.stays:
            ids = [stay.reservation.id for stay in caller.stays]
            self._keep([{"fact": "number", "is_right": True, "reservations": ids}])
        self._tell()

    async def consider(self, asked: str) -> Step | None:
        """What a turn would change, and what is said on it; none where the mind may answer."""
        for text in [text for text in self._unlearnt if bare(text) != bare(asked)]:
            self._unlearnt.remove(text)
            self._adopt(text, await self._think(text))
        if bare(asked) == bare(self._last[0]):
            return self._last[1]
        step = await self._think(asked)
        waiting = [text for text in self._unlearnt if bare(text) == bare(asked)]
        if waiting:
            self._unlearnt = [text for text in self._unlearnt if text not in waiting]
            self._adopt(asked, step)
        else:
            self._considered[bare(asked)] = step
        return step

    def confirm(self, asked: str) -> None:
        """The turn is over: what it told counts from now on."""
        key = bare(asked)
        if key in self._considered:
            self._adopt(asked, self._considered[key])
        elif key != bare(self._last[0]):
            self._unlearnt.append(asked)

    async def meet(self, asked: str) -> Step | None:
        """`consider` a turn; where it would change who we think calls, wait until it counts.

        For ever, where the turn is never confirmed: nothing is said on a guess.
        """
        step = await self.consider(asked)
        while step is not None and step.must_be_confirmed and self._last[1] is not step:
            self._adopted.clear()
            await self._adopted.wait()
        return step

    async def speak(self, answering: Answering, step: Step | None) -> None:
        """Give a turn our own sentence as its answer, where one is due; it promises what is so."""
        if step is None or not step.is_ours:
            return
        which, because = step.says or "", step.needs_person
        if step.sends_access:
            was_sent = await self.send_access()
            which = "voice_sent_to_chat" if was_sent else "voice_not_sent_to_chat"
            because = "" if was_sent else "access information could not go into the thread"
        stranger = step.after.stranger
        is_call_over = stranger is not None and stranger.needs_person
        route = Route(
            outcome="person" if because else "reply",
            origin="rule",
            because=because or f"who is calling: {which.removeprefix('voice_')}",
            language=self._language_of(answering, step),
            action_code=None if is_call_over else WHO_IS_CALLING,
            score=1.0,
            severity=step.severity,
        )
        answering.say_instead(sentence(which, self._language_of(answering, step)), route)

    async def send_access(self) -> bool:
        """Put the access information into the booking's thread, once a call; whether it is there.

        It goes on though the caller interrupts.
        """
        stay = self.caller.stay
        if stay is None or self.caller.assurance < 1:
            return False
        if self._was_sent is None:
            self._was_sent = self._parts.background.spawn(
                "into the thread", self._put(stay.reservation.id)
            )
        await asyncio.wait([self._was_sent], timeout=SEND_S)
        return self._was_sent.done() and not self._was_sent.cancelled() and self._was_sent.result()

    def was_told(self, said: str, answering: Answering) -> None:
        """An answer was given; where it asked for a fact, what comes next may be it."""
        stay = self.stay
        if stay is None or stay.access.reason not in UNPROVEN:
            return
        if bare(access_sentence(stay.access, answering.language)) in bare(said):
            self._set(
                replace(self._known, awaiting="fact", pending=answering.question.text, asked=0)
            )

    def _language_of(self, answering: Answering, step: Step) -> str:
        """A name or a code says nothing of the language that somebody speaks."""
        if self._language is None or not (step.before.awaiting or step.before.is_offered):
            self._language = answering.language
        return self._language

    # -- parts -------------------------------------------------------------------------------

    async def _think(self, asked: str) -> Step | None:
        known = self._known
        if self._is_for_mind(asked, known):
            return _still_no_guest(asked, known)
        heard = read(asked, known.awaiting, self._today())
        found, wrong_of = None, dict(known.wrong_of)
        if heard.names and known.caller.stay is None and not known.caller.stays:
            door = await self._parts.database.tenant(self._tenant.id)
            now = self._parts.clock.now()
            try:
                async with door.transaction() as conn:
                    found = await self._callers.by_name(conn, self._tenant, heard.names, now)
                    wrong_of |= await self._callers.wrong_of(conn, found, now)
            except Unavailable:
                logger.warning("a name could not be looked up")
                return None
        step = decide(replace(known, wrong_of=wrong_of), heard, found, self._today())
        return None if step is None else replace(step, before=known)

    def _is_for_mind(self, asked: str, known: Known) -> bool:
        """Danger and the wish for a person go before; so do mere thanks and greetings."""
        if find_urgent(asked, country_code=None) is not None:
            return True
        if known.stranger is not None:
            return False
        if wants_human(asked):
            return True
        is_idle = known.awaiting == "" and not known.is_offered
        return is_idle and (is_only_greeting(asked) or is_only_thanks(asked))

    def _adopt(self, asked: str, step: Step | None) -> None:
        self._considered = {}
        self._last = (asked, step)
        if step is not None:
            before = self._known.caller
            self._set(step.after)
            self._keep_step(step)
            if step.after.caller != before:
                self._tell()
        self._adopted.set()

    def _set(self, known: Known) -> None:
        self._known = known
        self._considered = {}

    def _tell(self) -> None:
        """Those who must know: the call's record, and who answers."""
        caller = self.caller
        is_sure = caller.stay is not None and caller.assurance > 0
        reservation_id = caller.stay.reservation.id if caller.stay and is_sure else None
        self._record.identify(caller.assurance, reservation_id)
        self._is_known(self.stay)

    def _keep_step(self, step: Step) -> None:
        facts: list[dict[str, Any]] = [
            {"fact": t.fact, "is_right": t.is_right, "reservations": list(t.reservation_ids)}
            for t in step.tried
        ]
        caller = step.after.caller
        if caller.stays and caller.meant is not None and step.before.caller.meant is None:
            chosen = [caller.meant.reservation.id]
            facts.append({"fact": "choice", "is_right": True, "reservations": chosen})
        if step.after.stranger is not None and step.before.stranger is None:
            kind = step.after.stranger.kind
            facts.append({"fact": f"no guest: {kind}", "is_right": True, "reservations": []})
        self._keep(facts)

    def _keep(self, facts: Sequence[dict[str, Any]]) -> None:
        if not facts:
            return
        at = self._parts.clock.now().isoformat()
        self._record.keep_facts([{**fact, "at": at} for fact in facts])

    async def _put(self, reservation_id: int) -> bool:
        try:
            return await self._post.put_access(self._tenant, reservation_id)
        except ProductError as exc:
            logger.warning("nothing was put into the thread", extra={"why": str(exc)})
            return False

    def _today(self) -> date:
        stay = self.caller.stay or next(iter(self.caller.stays), None)
        zone = stay.zone if stay else ZoneInfo(self._tenant.settings.access.default_time_zone)
        return self._parts.clock.now().astimezone(zone).date()


def _still_no_guest(asked: str, known: Known) -> Step | None:
    """Whoever says so hears nothing of a stay, though the mind answers this turn."""
    stranger = find_stranger(asked)
    if stranger is None or known.stranger is not None:
        return None
    after = replace(known, caller=NOBODY, stranger=stranger, awaiting="message", pending="")
    return Step(before=known, after=after)
