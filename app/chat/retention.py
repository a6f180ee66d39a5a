"""How long words are kept: a daily job that deletes what is older than the tenant's retention."""

from datetime import datetime, timedelta

from app.chat import store
from app.clock import Clock
from app.conversations import Conversations
from app.db import Database
from app.escalation.cases import Cases
from app.jobs import JobRun, Jobs
from app.pms.inbox import Inbox
from app.tenants import Tenants

EVERY = timedelta(days=1)
EVENT_DAYS = 7
"""So long handled events are kept, to know a late second delivery; Hostaway tries for an hour."""


class Retention:
    """Deletes what nobody needs any more."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        clock: Clock,
        jobs: Jobs,
        conversations: Conversations,
        cases: Cases,
        inbox: Inbox,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock
        self._jobs = jobs
        self._conversations = conversations
        self._cases = cases
        self._inbox = inbox

    async def purge(self, run: JobRun) -> datetime | None:
        """Job: once a day, for one tenant."""
        now = self._clock.now()
        days = (await self._tenants.get(run.tenant_id)).settings.retention.turn_days
        before = now - timedelta(days=days)
        door = await self._database.tenant(run.tenant_id)
        async with door.transaction() as conn:
            run.counts["replies"] = await store.purge(conn, before)
            run.counts["cases"] = await self._cases.purge(conn, before)
            run.counts["turns"] = await self._conversations.purge(conn, before)
            kept = await self._cases.conversation_ids(conn)
            run.counts["calls"] = await self._conversations.purge_calls(conn, before, kept=kept)
            run.counts["events"] = await self._inbox.purge(conn, now - timedelta(days=EVENT_DAYS))
        run.counts["runs"] = await self._jobs.purge(run.tenant_id, before)
        return now + EVERY
