"""Whether what a reply rests on still stands, right before it is sent.

Asked by `clearance.py`. Between the decision and the send a booking may be cancelled, moved to
other dates or to another listing, or its code may change. A reply that carries a secret is sent
only on what the PMS says at that moment; one whose booking is not any more what it was decided on
is decided again.
"""

import logging
from datetime import timedelta

from app.bots.decisions import footing_of
from app.chat import store
from app.chat.store import Outgoing
from app.clock import Clock
from app.conversations import Conversation
from app.db import Connection, Database
from app.errors import NotFound
from app.jobs import Job, Jobs
from app.pms.gated import names_in
from app.pms.stay import Stay, Stays
from app.pms.sync import Mirror
from app.tenants import Tenant

logger = logging.getLogger(__name__)

MOVED = "the booking has changed meanwhile"
MOST_DECISIONS = 3
"""Replies of a thread and hour that a changing booking may cost, before a person is asked."""


class Footing:
    """What replies rest on."""

    def __init__(
        self, *, database: Database, clock: Clock, jobs: Jobs, mirror: Mirror, stays: Stays
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._mirror = mirror
        self._stays = stays

    async def renew(self, tenant: Tenant, conversation: Conversation, outgoing: Outgoing) -> bool:
        """Fetch again what a reply rests on, where it has to be; whether it was.

        Raises:
            HostawayError: the PMS did not answer; then nothing is known, and nothing may be sent.
        """
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            stay = await self.stay_of(conn, tenant, conversation)
            is_needed = await self.must_renew(conn, tenant, outgoing, stay)
        if stay is None or not is_needed:
            return False
        account = await self._mirror.account(tenant, stay.account_id)
        for booking in sorted(_bookings_of(stay)):
            await self._mirror.refresh_stay(tenant, account, booking)
        return True

    async def must_renew(
        self, conn: Connection, tenant: Tenant, outgoing: Outgoing, stay: Stay | None
    ) -> bool:
        """Whether it holds a secret, or its booking was reported as changed and is not read yet."""
        if stay is None or not is_decided(outgoing):
            return False
        if names_in(outgoing.text):
            return True
        keys = [f"{stay.account_id}:{booking}" for booking in _bookings_of(stay)]
        return await self._jobs.are_armed(
            conn, tenant_id=tenant.id, kind=Job.RESERVATION, keys=keys
        )

    async def stay_of(
        self, conn: Connection, tenant: Tenant, conversation: Conversation
    ) -> Stay | None:
        """The stay a thread means now, as the mirror has it."""
        if conversation.reservation_id is None:
            return None
        try:
            return await self._stays.live_of_guest(
                conn, tenant, conversation.reservation_id, self._clock.now()
            )
        except NotFound:
            return None

    async def has_moved(self, conn: Connection, outgoing: Outgoing, stay: Stay | None) -> bool:
        """Whether a bot's reply was decided on something else than what the mirror has now."""
        if outgoing.origin != "bot" or outgoing.decision_id is None:
            return False
        before = await footing_of(conn, outgoing.decision_id)
        return before is not None and (stay is None or stay.footing() != before)

    async def has_closed(self, conn: Connection, outgoing: Outgoing, stay: Stay | None) -> bool:
        """Whether the last words before a person comes, which may answer a part, outlived access.

        They are not decided again: somebody has been called already.
        """
        if outgoing.origin != "holding" or outgoing.decision_id is None:
            return False
        before = await footing_of(conn, outgoing.decision_id)
        was_open = before is not None and before["access"] == "open"
        return was_open and (stay is None or not stay.access.allowed)

    async def decide_again(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, outgoing: Outgoing
    ) -> bool:
        """Drop a reply and have its thread answered anew; false where that happened too often."""
        now = self._clock.now()
        since = now - timedelta(hours=1)
        if await store.dropped_since(conn, conversation.id, MOVED, since) >= MOST_DECISIONS:
            return False
        logger.info("reply is decided again", extra={"outbox": outgoing.id})
        await store.set_status(conn, outgoing.id, "dropped", because=MOVED)
        await store.give_back(conn, conversation.id, outgoing.answered_before)
        generation = await store.raise_generation(
            conn, conversation.id, first_pending_at=now, due_at=now
        )
        await self._jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.REPLY,
            key=conversation.id,
            due_at=now,
            generation=generation,
        )
        return True


def is_decided(outgoing: Outgoing) -> bool:
    """Whether a reply is the bot's own, let go by a person or not, so that access decides."""
    return outgoing.origin == "bot" or outgoing.decision_id is not None


def _bookings_of(stay: Stay) -> set[str]:
    return {stay.reservation.external_id, stay.part_external_id}
