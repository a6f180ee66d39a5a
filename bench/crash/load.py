"""Books the guests at the stand-in's PMS and has them write by their scripts."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.sim.bookings import is_ordinary
from bench.crash.checker import Fate, Post, Reply, Said, Thread
from bench.crash.ground import ACCOUNT, Ground
from bench.crash.script import Line, Script, mark_of

FAULTS: Sequence[Mapping[str, Any]] = (
    {"target": "hostaway.send", "kind": "accepted_then_cut", "probability": 0.06},
    {"target": "hostaway.send", "kind": "500_after_acting", "probability": 0.06},
    {"target": "hostaway.send", "kind": "slow", "probability": 0.05, "delay_s": 2.0},
    {"target": "hostaway.send", "kind": "listed_late", "probability": 0.1, "delay_s": 12.0},
    {"target": "hostaway.messages", "kind": "slow", "probability": 0.03, "delay_s": 1.5},
    {"target": "hostaway.messages", "kind": "5xx", "probability": 0.02},
    {"target": "hostaway.reservation", "kind": "5xx", "probability": 0.02},
)
"""How the stand-in of the PMS misbehaves."""
HABITS: Mapping[str, Any] = {
    "webhook_duplicate": 0.2,
    "webhook_duplicate_gap_s": 0.7,
    "webhook_reorder": 0.1,
    "webhook_reorder_s": 1.0,
}
"""How it delivers: a fifth comes twice, a tenth is overtaken."""
ABOUT = (
    "have just called you about it",
    "am looking into this for you",
    "spoke with the caretaker",
    "will be at the flat in an hour",
    "asked the owner a moment ago",
    "found your note this morning",
)
THEN = (
    "Talk to you soon!",
    "I write again before noon.",
    "Just ring if anything else comes up.",
    "We sort it out together.",
    "Sorry for the wait.",
    "Have a good evening.",
)
"""What somebody of the company writes: as many answers as there are pairs."""
NAME = re.compile(r"Guest\d{4} Crashtest")


@dataclass(kw_only=True)
class Guest:
    """A booked guest and what was written so far."""

    script: Script
    reservation: Mapping[str, Any]
    listing: Mapping[str, Any]
    thread: int
    said: list[tuple[int, Line]] = field(default_factory=list)
    """(id of the message at the PMS, the line)."""
    cancelled_at: float | None = None


async def misbehave(ground: Ground, *, faults: Sequence[Mapping[str, Any]] = FAULTS) -> None:
    """Set the stand-in's faults and habits."""
    await ground.sim("PATCH", "/settings", dict(HABITS))
    for fault in faults:
        await ground.sim("POST", "/faults", dict(fault))


async def book(ground: Ground, scripts: Sequence[Script], *, fires: bool = False) -> list[Guest]:
    """One stay that begins today for each script."""
    found = await ground.sim("GET", "/hostaway/listings", account=ACCOUNT)
    homes = [row for row in found["listings"] if is_ordinary(row)]
    guests = []
    for number, script in enumerate(scripts):
        made = await ground.sim(
            "POST",
            "/hostaway/reservations",
            {
                "account": ACCOUNT,
                "listingMapId": homes[number % len(homes)]["id"],
                "arrivalInDays": 0,
                "nights": 4,
                "guestName": script.guest,
                "phone": f"+485{script.number:08d}",
                "guestCountry": "PL",
                "status": "new",
                "channelId": 2018,
                "channelName": "airbnbOfficial",
                "doorCode": f"{script.number * 7919 % 900_000 + 100_000}",
                "checkInTime": None,
                "checkOutTime": None,
                "guestLocale": "en",
                "webhook": fires,
            },
        )
        guests.append(
            Guest(
                script=script,
                reservation=made["reservation"],
                listing=made["listing"],
                thread=made["conversation"]["id"],
            )
        )
    return guests


async def write_all(ground: Ground, guests: Sequence[Guest]) -> None:
    """Every guest writes by its script; comes back when the last message is written."""
    await asyncio.gather(*(_write(ground, guest) for guest in guests))


async def _write(ground: Ground, guest: Guest) -> None:
    began = asyncio.get_running_loop().time()
    for burst in guest.script.bursts:
        for line in burst.lines:
            wait_s = began + burst.at_s + line.after_s - asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, wait_s))
            await say(ground, guest, line)


async def say(ground: Ground, guest: Guest, line: Line) -> None:
    """One message of a guest."""
    body = {"conversationId": guest.thread, "body": line.text}
    written = await ground.sim("POST", "/hostaway/guest-message", body)
    guest.said.append((written["id"], line))


async def person_answers(ground: Ground, guest: Guest) -> None:
    """Somebody of the company answers inside the PMS, each guest in words of their own.

    The same words in many threads would be taken for an automation's.
    """
    which = guest.script.number // 100 * 6 + guest.script.number % 100 // 5
    about, then = ABOUT[which % len(ABOUT)], THEN[which // len(ABOUT) % len(THEN)]
    words = f"Hi {guest.script.guest}, this is Ola, I {about}. {then}"
    await ground.sim(
        "POST", "/hostaway/human-reply", {"conversationId": guest.thread, "body": words}
    )


async def cancel(ground: Ground, guest: Guest) -> None:
    """The booking is cancelled."""
    path = f"/hostaway/reservations/{guest.reservation['id']}"
    await ground.sim("PATCH", path, {"status": "cancelled"})
    guest.cancelled_at = time.time()


async def threads_of(ground: Ground, guests: Sequence[Guest]) -> list[Thread]:
    """What the stand-ins received and stored, by thread."""
    written = {guest.thread: list(guest.said) for guest in guests}
    record = (await ground.sim("GET", "/hostaway/record"))["messages"]
    by_id = {row["id"]: row for row in record}
    replies: dict[int, list[Reply]] = {}
    for row in record:
        if row["origin"] == "api":
            reply = Reply(at=row["at"], asked_at=row["asked_at"], text=row["body"])
            replies.setdefault(row["conversation"], []).append(reply)
    people = {
        row["conversation"]: row["at"] for row in reversed(record) if row["origin"] == "human"
    }
    posts = _posts((await ground.sim("GET", "/slack/messages"))["messages"])
    return [
        Thread(
            guest=guest.script.guest,
            said=tuple(
                Said(
                    at=by_id[message_id]["at"],
                    kind=line.kind,
                    text=line.text,
                    topic=line.topic,
                    mark=mark_of(line.topic, guest.reservation, guest.listing)
                    if line.topic
                    else None,
                )
                for message_id, line in written[guest.thread]
            ),
            replies=tuple(replies.get(guest.thread, ())),
            posts=tuple(posts.get(guest.script.guest, ())),
            fate=Fate(
                person_at=people.get(guest.thread),
                cancelled_at=guest.cancelled_at,
                secrets=tuple(
                    mark_of(topic, guest.reservation, guest.listing) for topic in ("door", "wifi")
                ),
            ),
        )
        for guest in guests
    ]


def _posts(messages: Sequence[Mapping[str, Any]]) -> dict[str, list[Post]]:
    """Alerts that name a guest and what stands in their threads, by guest."""
    roots: dict[str, str] = {}
    found: dict[str, list[Post]] = {}
    for kept in messages:
        message = kept["message"]
        first = kept["updates"][0] if kept["updates"] else message
        words = f"{first['text']} {first.get('blocks', '')}"
        parent = message.get("thread_ts")
        if parent is None and (named := NAME.search(words)):
            roots[message["ts"]] = named[0]
        guest = roots.get(parent or message["ts"])
        if guest is not None:
            at = datetime.fromisoformat(kept["at"]).timestamp()
            post = Post(at=at, text=words, is_alert=parent is None)
            found.setdefault(guest, []).append(post)
    return found
