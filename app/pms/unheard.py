"""Threads whose guest said more than the mirror knows: what no webhook has brought.

The PMS lists threads with the time of their guest's last words. A page of that list costs one
request, and tells of a hundred threads exactly which must be read.
"""

from datetime import datetime, timedelta
from typing import Any

from app.clock import Clock
from app.conversations import Conversations
from app.db import Database
from app.pms import store
from app.pms.hostaway import HostawayClient
from app.pms.incoming import identifier, identifiers
from app.pms.records import parse_moment
from app.tenants import PmsAccount, Tenant

LOOKED_BACK = timedelta(days=2)
"""What a guest said longer ago is not looked for."""
CLOCKS_APART = timedelta(minutes=2)
"""So much may the PMS's clock be apart from ours."""
SAME_SECOND = timedelta(seconds=5)
"""Words of the very second that is known may be others: unless the thread was read since."""

Read = tuple[datetime | None, datetime | None]
"""(activity covered, when read) of the last look at a thread."""


class Unheard:
    """Finds words that nobody told us of."""

    def __init__(
        self,
        *,
        database: Database,
        client: HostawayClient,
        clock: Clock,
        conversations: Conversations,
    ) -> None:
        self._database = database
        self._client = client
        self._clock = clock
        self._conversations = conversations

    async def threads(
        self, tenant: Tenant, account: PmsAccount, live_since: datetime
    ) -> tuple[list[tuple[str, str]], bool]:
        """(thread and reservation where a guest said what we do not know, whether times are told).

        The order of the list is seen, not documented: as long as it holds, old pages are left out.
        """
        since = max(live_since.replace(microsecond=0), self._clock.now() - LOOKED_BACK)
        unknown: list[tuple[str, str]] = []
        has_times, before = False, None
        async for rows in self._client.conversations(account):
            unknown += await self._among(tenant, account, rows, since)
            stamps = [_latest_words(raw) for raw in rows]
            has_times |= any(raw.get("messageReceivedOn") for raw in rows)
            told = [stamp for stamp in (before, *stamps) if stamp is not None]
            before = told[-1] if told else None
            if told == sorted(told, reverse=True) and (not told or told[-1] < since):
                break
        return unknown, has_times

    async def _among(
        self, tenant: Tenant, account: PmsAccount, rows: list[Any], since: datetime
    ) -> list[tuple[str, str]]:
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            known = await self._conversations.newest_of_guests(
                conn, str(account.id), identifiers(rows, "id")
            )
            reads = await store.thread_reads(conn, account.id, identifiers(rows, "reservationId"))
        unknown = []
        for raw in rows:
            thread_id = identifier(raw.get("id"))
            reservation_id = identifier(raw.get("reservationId")) or ""
            said_at = parse_moment(raw.get("messageReceivedOn"))
            if thread_id is None or said_at is None or said_at < since:
                continue
            if self._is_unheard(said_at, known.get(thread_id), reads.get(reservation_id)):
                unknown.append((thread_id, reservation_id))
        return unknown

    @staticmethod
    def _is_unheard(said_at: datetime, known_at: datetime | None, read: Read | None) -> bool:
        """Whether a guest's last words are unknown, as far as times can tell."""
        read_at = read[1] if read else None
        if known_at is None or said_at > known_at:
            return read_at is None or read_at < said_at + CLOCKS_APART
        is_same = said_at == known_at and read is not None
        return is_same and (read_at is None or read_at < said_at + SAME_SECOND)


def _latest_words(raw: Any) -> datetime | None:
    """When anybody last said something in a thread."""
    stamps = (parse_moment(raw.get("messageReceivedOn")), parse_moment(raw.get("messageSentOn")))
    return max((stamp for stamp in stamps if stamp is not None), default=None)
