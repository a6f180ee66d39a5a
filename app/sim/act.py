"""One scene while it is played: its guest writes, others write, and everything is seen.

What counts is the stand-ins' own record: what the PMS and Slack received.
"""

import asyncio
import html
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.sim.bookings import Booking
from app.sim.children import Ended
from app.sim.rows import Row
from app.sim.stage import Check, Line, Played
from app.sim.timeline import (
    Event,
    answered_by,
    latencies_ms,
    lines_of,
    messages_in,
    of_thread,
    told_of,
)
from app.sim.witness import NotSeen, Witness

AFTER_S = 1.2
"""Silence is believed when nothing came for so long after an answer was due."""
BETWEEN_S = 0.4
"""A guest's pause between two messages of a burst."""

Nightdesk = Callable[..., Awaitable[Ended]]
"""Runs the command `nightdesk` with these words, in a process of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A rental company of the story."""

    id: str
    city: str
    account: int
    team: str
    hours_before_arrival: float


@dataclass(slots=True, kw_only=True)
class Act:
    """What a scene does and sees."""

    witness: Witness
    nightdesk: Nightdesk
    tenant: Tenant
    booking: Booking
    window: timedelta
    """Quiet time for confirmed guests, as shortened."""
    checks: list[Check] = field(default_factory=list)
    commands: list[Line] = field(default_factory=list)
    slack_note: str = ""
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    # -- what is done ------------------------------------------------------------------------

    async def guest(self, *texts: str) -> None:
        """The guest writes, one message after the other."""
        for number, text in enumerate(texts):
            if number:
                await asyncio.sleep(BETWEEN_S)
            await self.write("guest-message", text)

    async def write(self, path: str, text: str = "") -> None:
        """Somebody writes into the thread, by the control plane's path; seen when it returns."""
        body = {"conversationId": self.booking.thread, "body": text}
        written = await self.witness.sim("POST", f"/hostaway/{path}", body)

        def is_seen() -> bool:
            seen = messages_in(self.witness.events, self.booking.thread)
            return any(event["message"] == written["id"] for event in seen)

        await self.witness.until(is_seen, "a message in the stand-ins' feed")

    async def command(self, *words: str) -> str:
        """Run `nightdesk …`; gives what it said."""
        at = datetime.now(UTC)
        done = await self.nightdesk(*words)
        shown = " ".join(word for word in words if word != "--json")
        text = f"$ nightdesk {shown}"
        if "--json" not in words:
            text += f"\n{done.output}"
        self.commands.append(Line(at_s=self._seconds(at), label="operator", text=text))
        if done.status != 0:
            raise NotSeen(f"nightdesk {shown} ended with {done.status}: {done.output}")
        return done.output

    # -- what is seen ------------------------------------------------------------------------

    @property
    def replies(self) -> list[Event]:
        """What the product sent through the PMS."""
        return messages_in(self.witness.events, self.booking.thread, "api")

    @property
    def decisions(self) -> list[Event]:
        """What the product decided, by its live feed."""
        return told_of(self.witness.events, self.booking.thread, "decision")

    @property
    def guest_messages(self) -> list[Event]:
        """What the guest wrote."""
        return messages_in(self.witness.events, self.booking.thread, "guest")

    @property
    def due_at(self) -> datetime:
        """When the quiet window ends, as the product last said."""
        told = told_of(self.witness.events, self.booking.thread, "debounce")
        return datetime.fromisoformat(told[-1]["due_at"]) if told else self.began_at

    async def until_replied(self, count: int = 1) -> str:
        """The newest reply, once there are so many."""
        what = f"reply {count} in the PMS's thread"
        await self.witness.until(lambda: len(self.replies) >= count, what)
        return str(self.replies[-1]["body"])

    async def until_decided(self, count: int = 1) -> Event:
        """The newest decision, once there are so many."""
        await self.witness.until(lambda: len(self.decisions) >= count, f"decision {count}")
        return self.decisions[-1]

    async def until_handed_over(self) -> None:
        """Until the product says that somebody else speaks here now."""
        thread = self.booking.thread
        await self.witness.until(
            lambda: told_of(self.witness.events, thread, "handling"), "the bot stepping back"
        )

    async def until_quiet(self, moment: datetime | None = None) -> None:
        """Until a while after a moment: the end of the window, or now."""
        until = (moment or datetime.now(UTC)) + timedelta(seconds=AFTER_S)
        await asyncio.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()))

    async def slack_posts(self) -> list[Row]:
        """What Slack received about this guest: alerts that name the guest, and their threads."""
        found = await self.witness.sim("GET", "/slack/messages", team=self.tenant.team)
        return posts_about(found["messages"], self.booking.guest)

    async def until_posted(self, words: str, after: datetime) -> Row:
        """The post that quotes these words."""

        async def ask() -> Row | None:
            posts = await self.slack_posts()
            fresh = [p for p in posts if datetime.fromisoformat(p["at"]) >= after]
            return next((p for p in fresh if words in _all_words(p)), None)

        found = await self.witness.until_asked(ask, f"a Slack post of {words!r}", 15.0)
        if found is None:
            raise NotSeen(f"a Slack post of {words!r}")
        return found

    def check(self, claim: str, is_met: object, saw: object = "") -> None:
        """Hold a claim against what was seen."""
        self.checks.append(Check(claim=claim, is_met=bool(is_met), saw=str(saw)))

    # -- what is told ------------------------------------------------------------------------

    async def played(self, letter: str, title: str, setting: str) -> Played:
        """The scene as it went."""
        events = of_thread(self.witness.events, self.booking.thread)
        if events:
            self.began_at, before = min(self.began_at, events[0]["at"]), self.began_at
            shift_s = (before - self.began_at).total_seconds()
        else:
            shift_s = 0.0
        commands = [
            Line(at_s=(line.at_s or 0.0) + shift_s, label=line.label, text=line.text)
            for line in self.commands
        ]
        posts = [
            Line(
                at_s=self._seconds(datetime.fromisoformat(post["at"])),
                label="slack",
                text=f"{post['channel']}{' (thread)' if _is_reply(post) else ''}: "
                f"{_words_of(post)}",
            )
            for post in await self.slack_posts()
        ]
        lines = [*lines_of(events, self.began_at), *commands, *posts]
        decisions = self.decisions
        return Played(
            letter=letter,
            title=title,
            setting=setting,
            lines=tuple(sorted(lines, key=lambda line: line.at_s or 0.0)),
            checks=tuple(self.checks),
            action_codes=tuple(dict.fromkeys(str(d.get("action_code") or "–") for d in decisions)),
            answered_by=tuple(dict.fromkeys(answered_by(d) for d in decisions)),
            latencies_ms=tuple(latencies_ms(events).values()),
            slack=self.slack_note or (f"posts: {len(posts)}" if posts else ""),
        )

    def _seconds(self, moment: datetime) -> float:
        return (moment - self.began_at).total_seconds()


def posts_about(messages: Sequence[Row], guest: str) -> list[Row]:
    """Posts that name a guest, and what stands in their threads."""
    roots = {
        post["message"]["ts"]
        for post in messages
        if guest in json.dumps(post["message"], ensure_ascii=False)
    }
    return [
        post
        for post in messages
        if post["message"]["ts"] in roots or post["message"].get("thread_ts") in roots
    ]


def _all_words(post: Row) -> str:
    return json.dumps(post["message"], ensure_ascii=False)


def _words_of(post: Row) -> str:
    first = post["updates"][0] if post["updates"] else post["message"]
    return html.unescape(str(first["text"]))


def _is_reply(post: Row) -> bool:
    return bool(post["message"].get("thread_ts"))
