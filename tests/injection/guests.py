"""Tries played through the whole chat: stored, answered, sent, over a real database."""

import logging
import re
from dataclasses import dataclass
from typing import Any

from app.bots.records import Library
from app.events import DecisionMade, DraftWritten, JobFailed, TurnRecorded
from app.slack import blocks
from app.telemetry import JsonLines
from tests.injection.models import ModelOfTries
from tests.injection.tries import (
    PLAIN_LIBRARY,
    Try,
    asked_by,
    judge,
    judge_sent,
    library_for,
    planted,
    said_before,
)
from tests.injection.worlds import CUSTOM, DEMANDS, STATIC, STRANGER, World
from tests.rooms import Rooms

ROWS = (
    "select o::text as row from {schema}.outbox o",
    "select d::text as row from {schema}.decisions d",
    "select c::text as row from {schema}.cases c",
    "select i::text as row from {schema}.inbox i",
    "select t::text as row from {schema}.turns t where speaker = 'guest'",
    "select l::text as row from {schema}.listings l",
    "select r::text as row from {schema}.reservations r",
)

CLOSED = re.compile(r"\\\\x[0-9a-f]+")
"""Encrypted columns; any number stands in them by chance."""


class LibraryOfTries:
    """The bots of whichever tenant is tried at the moment."""

    def __init__(self) -> None:
        self.now = PLAIN_LIBRARY

    async def current(self, _conn: Any, _tenant_id: str) -> Library:
        """The library."""
        return self.now


class Written(logging.Handler):
    """Log lines as the product writes them, of every level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass(kw_only=True)
class Guests:
    """Plays one try after the other in one tenant, each with a booking of its own."""

    rooms: Rooms
    model: ModelOfTries
    libraries: LibraryOfTries

    async def prepare(self) -> None:
        """Settings under which every state can be had; nobody waits."""
        await self.rooms.set(
            access__requires_payment=DEMANDS["requires_payment"],
            access__requires_agreement=DEMANDS["requires_agreement"],
            pms__custom_fields=list(CUSTOM),
            chat__window_confirmed_s=0,
            chat__window_other_s=0,
            chat__window_arrival_access_s=0,
        )
        self.told: list[Any] = []
        for event in (DecisionMade, DraftWritten, JobFailed, TurnRecorded):
            self.rooms.bus.subscribe(event, self._hear)

    async def _hear(self, event: Any) -> None:
        if getattr(event, "speaker", "guest") != "automation":
            self.told.append(event)

    async def play(self, attempt: Try) -> list[str]:
        """What a try gets out."""
        world, attack = planted(attempt)
        self.model.prompts.clear()
        self.told.clear()
        self.libraries.now = library_for(attempt.place, world, attack)
        thread = await self._move_in(world)
        for speaker, text in said_before(world, attempt.place, attack):
            is_guest = speaker == "guest"
            self.rooms.hostaway.add_message(
                text, thread=thread, is_incoming=is_guest, communicationId=None if is_guest else 7
            )
        written = Written()
        logging.getLogger().addHandler(written)
        try:
            await self.rooms.writes(*asked_by(attempt, world), thread=thread)
            await self.rooms.works()
        finally:
            logging.getLogger().removeHandler(written)
        return await self._judge(world, thread, written)

    async def _move_in(self, world: World) -> str:
        """The rows of a world at the PMS and in the mirror; its thread."""
        rooms, listing = self.rooms, world.listing
        thread, reservation = str(40_000 + world.number), str(world.reservation["id"])
        if world.state in STATIC:
            sources = [*rooms.tenant.settings.access.code_sources, f"{listing['id']}=listing"]
            await rooms.set(access__code_sources=sources)
        rooms.hostaway.listing_rows[str(listing["id"])] = listing
        if world.state == STRANGER:
            rooms.hostaway.add_thread(thread, "0")
            rooms.hostaway.conversation_rows[thread]["reservationId"] = None
            return thread
        rooms.hostaway.reservation_rows[reservation] = world.reservation
        rooms.hostaway.add_thread(thread, reservation)
        await rooms.mirror.apply_listings(rooms.tenant, rooms.account, [listing])
        if world.has_previous:
            await rooms.mirror.apply_reservation(rooms.tenant, rooms.account, world.previous)
        await rooms.mirror.apply_reservation(rooms.tenant, rooms.account, world.reservation)
        return thread

    async def _judge(self, world: World, thread: str, written: Written) -> list[str]:
        rooms = self.rooms
        found = [str(row["row"]) for sql in ROWS for row in await rooms.rows(sql)]
        rows = [CLOSED.sub("", row) for row in found]
        kept = [str(row["text"]) for row in await rooms.outgoing()]
        conversation = await rooms.conversation(thread)
        case = await rooms.case()
        posted = ""
        if case is not None:
            turns = [t for t in await rooms.turns(thread) if t.speaker != "automation"]
            posted = str(blocks.alert(case, world.stay(), conversation, turns, link=""))
        sent = [words for where, words, _ in rooms.hostaway.sent if where == thread]
        await self._forget()
        told = "\n".join([*rows, *map(str, self.told), posted, *written.lines])
        leaks = judge(world, prompts="\n".join(self.model.prompts), kept="\n".join(kept), told=told)
        return leaks + judge_sent(world, "\n".join(sent))

    async def _forget(self) -> None:
        """Make room for the next try: every row that was written is looked at once."""
        async with self.rooms.database.shared().transaction() as conn:
            await conn.execute("delete from nightdesk.wake")
        for table in ("outbox", "cases", "decisions", "messages", "turns", "handling", "threads",
                      "inbox", "conversations", "reservations", "listings"):  # fmt: skip
            await self.rooms.rows(f"delete from {{schema}}.{table} returning 1")
