"""Calls as they were kept: read for people, and closed where the process that served them died."""

from datetime import datetime, timedelta

from app.bus import Bus
from app.clock import Clock
from app.conversations import Conversations, SpokenTurn
from app.db import Connection, Database
from app.errors import NotFound
from app.events import CallEnded
from app.jobs import JobRun
from app.voice import store
from app.voice.store import PROCESS_ENDED, Call

__all__ = ["PROCESS_ENDED", "Call", "Calls"]

UNSEEN = timedelta(minutes=3)
"""A call shows every 15 s that it is alive: so long without a sign, and its process is gone."""
LOOK_AGAIN = timedelta(minutes=5)


class Calls:
    """Every call of a tenant."""

    def __init__(
        self, *, database: Database, bus: Bus, conversations: Conversations, clock: Clock
    ) -> None:
        self._database = database
        self._bus = bus
        self._conversations = conversations
        self._clock = clock

    async def recent(self, tenant_id: str, *, last: int) -> list[Call]:
        """A tenant's calls, the newest first."""
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            return await store.calls(conn, last=last)

    async def get(self, tenant_id: str, which: str) -> tuple[Call, list[SpokenTurn]]:
        """A call by its number here or its CallSid, and every turn of it.

        Raises:
            NotFound: the tenant has no such call.
        """
        number = int(which) if which.isdecimal() and len(which) < 18 else 0
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            call = await store.call_by(conn, number=number, call_sid=which)
            if call is None:
                raise NotFound(f"{tenant_id} has no call {which}")
            return call, await self._conversations.spoken(conn, call.conversation_id)

    async def look_after(self, run: JobRun) -> datetime | None:
        """Job: see a call to its end, also one whose process died; its key is the CallSid."""
        now = self._clock.now()
        door = await self._database.tenant(run.tenant_id)
        async with door.transaction() as conn:
            run.counts["lost"] = await self._close_lost(conn, run.tenant_id, now - UNSEEN)
            is_over = await store.is_over(conn, run.key)
        return None if is_over else now + LOOK_AGAIN

    async def close_left(self, tenant_id: str) -> None:
        """Close what a process before this one left open; nobody else serves calls."""
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            await self._close_lost(conn, tenant_id, self._clock.now())

    async def _close_lost(self, conn: Connection, tenant_id: str, unseen_since: datetime) -> int:
        lost = await store.end_lost(conn, unseen_since=unseen_since, because=PROCESS_ENDED)
        for row in lost:
            event = CallEnded(tenant_id=tenant_id, because=PROCESS_ENDED, **dict(row))
            self._bus.publish_after(conn, event)
        return len(lost)
