"""The passes over the PMS: full, recent and unread; and the look at one reservation or thread.

They find what no webhook brought. A long pass goes in chunks that keep their place, behind every
send and re-fetch in the rate budget.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from app.clock import Clock
from app.conversations import Conversations
from app.db import Connection, Database
from app.jobs import Job, JobRun, Jobs
from app.pms import store
from app.pms.hostaway import HostawayClient
from app.pms.hostaway_answers import HostawayError, last_id_of
from app.pms.incoming import identifier, identifiers, short_text
from app.pms.records import LONGEST_LINE, parse_moment
from app.pms.sync import Mirror
from app.pms.unheard import Unheard
from app.settings import SyncSettings
from app.tenants import PmsAccount, Tenant, Tenants

logger = logging.getLogger(__name__)

CHUNK_S = 20.0
"""A long pass gives way after this and goes on as a new run, so that its progress is kept."""
SOON_S = {Job.RECENT_SYNC: 15.0}
"""When a pass runs after the start of the process, where it is not at once."""
RESERVATIONS_A_PASS = 20
"""Whose threads must be found first."""
THREADS_A_PASS = 50
NEXT_THREADS = timedelta(seconds=10)
"""When more threads wait to be looked at than one pass does, the next comes so soon."""
MOST_ROWS = 2_000_000
"""Reservations of one full pass; a walk that brings more will not end."""
STALE_THREAD = timedelta(minutes=30)
"""An unread thread that was not looked at for so long is looked at again."""


class Passes:
    """The jobs of the mirror."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        client: HostawayClient,
        clock: Clock,
        jobs: Jobs,
        conversations: Conversations,
        mirror: Mirror,
        settings: SyncSettings,
        public_url: str,
        chunk_s: float = CHUNK_S,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._client = client
        self._clock = clock
        self._jobs = jobs
        self._conversations = conversations
        self._mirror = mirror
        self._settings = settings
        self._public_url = public_url.rstrip("/")
        self._unheard = Unheard(
            database=database, client=client, clock=clock, conversations=conversations
        )
        self._chunk_s = chunk_s

    async def schedule(self, conn: Connection, tenant: Tenant, *, is_start: bool) -> None:
        """Have the passes of a tenant's accounts run from now on.

        At the start of the process those that find lost events run soon: nobody knows how long it
        was away. Guests' words come first, the bookings once those are answered. A new account's
        full pass comes first; the others would read the same rows.
        """
        now = self._clock.now()
        intervals = {
            Job.FULL_SYNC: 0.0,
            Job.RECENT_SYNC: self._settings.recent_interval_s,
            Job.UNREAD_SYNC: self._settings.unread_interval_s,
        }
        for account in await self._tenants.accounts(tenant.id):
            for kind, interval_s in intervals.items():
                is_soon = is_start and kind != Job.FULL_SYNC
                arm = self._jobs.arm if is_soon else self._jobs.arm_unless_armed
                wait_s = SOON_S.get(kind, 0.0) if is_soon else interval_s
                due_at = now + timedelta(seconds=wait_s)
                await arm(conn, tenant_id=tenant.id, kind=kind, key=account.id, due_at=due_at)

    async def fetch_reservation(self, run: JobRun) -> datetime | None:
        """Job: a webhook told of a reservation; key `account:reservation`."""
        tenant, account, reservation_id = await self._keyed(run)
        raw = await self._client.reservation(account, reservation_id)
        reservation = await self._mirror.apply_reservation(tenant, account, raw)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            known = await store.listing(
                conn, account.id, reservation.listing_external_id, tenant.keyring
            )
        if known is None:
            await self._mirror.refresh_listing(tenant, account, reservation.listing_external_id)
        run.counts["reservations"] = 1
        return None

    async def find_thread(self, run: JobRun) -> datetime | None:
        """Job: a message came without naming its thread; key `account:reservation`."""
        tenant, account, reservation_id = await self._keyed(run)
        found = await self._client.conversations_of(account, reservation_id, is_urgent=True)
        threads = [thread_id for raw in found if (thread_id := identifier(raw.get("id")))]
        await self._mirror.refresh_stay(tenant, account, reservation_id)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            for thread_id in threads:
                await self._look_at(conn, tenant, account, thread_id, reservation_id)
        run.counts["threads"] = len(threads)
        return None

    async def full_sync(self, run: JobRun) -> datetime | None:
        """Job: every listing, then every reservation near today, in chunks that keep place."""
        tenant = await self._tenants.get(run.tenant_id)
        account = await self._mirror.account(tenant, int(run.key))
        door = await self._database.tenant(tenant.id)
        place_key = f"full_sync:{account.id}"
        async with door.transaction() as conn:
            place = await store.state(conn, place_key)
        after_id = place[0].get("after_id") if place else None
        walked = place[0].get("walked", 0) if place else 0
        if after_id is None:
            await self._ensure_webhook(run, account)
            await self._sync_definitions(tenant, account)
            async for rows in self._client.listings(account):
                run.counts["listings"] = run.counts.get(
                    "listings", 0
                ) + await self._mirror.apply_listings(tenant, account, rows)
        today = self._clock.now().date()
        until = asyncio.get_running_loop().time() + self._chunk_s
        async for rows in self._client.reservations(
            account,
            departure_from=today - timedelta(days=30),
            arrival_until=today + timedelta(days=self._settings.reservation_horizon_days),
            after_id=after_id,
        ):
            _count(
                run, "reservations", await self._mirror.apply_reservations(tenant, account, rows)
            )
            after_id = last_id_of(rows) or after_id
            walked += len(rows)
            if walked > MOST_ROWS:
                logger.error("full pass has no end and was left", extra={"rows": walked})
                break
            here = {"after_id": after_id, "walked": walked}
            async with door.transaction() as conn:
                await store.set_state(conn, place_key, here, self._clock.now())
            if asyncio.get_running_loop().time() > until:
                return self._clock.now()
        async with door.transaction() as conn:
            await store.set_state(conn, place_key, {}, self._clock.now())
        return self._clock.now() + timedelta(seconds=self._settings.full_interval_s)

    async def recent_sync(self, run: JobRun) -> datetime | None:
        """Job: reservations with recent activity; finds events that were never delivered."""
        await self._refresh_definitions(run)
        since = (self._clock.now() - timedelta(days=1)).date()
        await self._look_for_activity(run, latest_activity_start=since)
        return self._clock.now() + timedelta(seconds=self._settings.recent_interval_s)

    async def unread_sync(self, run: JobRun) -> datetime | None:
        """Job: threads whose guest said more than we know; finds messages never delivered."""
        tenant = await self._tenants.get(run.tenant_id)
        account = await self._mirror.account(tenant, int(run.key))
        interval = timedelta(seconds=self._settings.unread_interval_s)
        if tenant.live_since is None:
            return self._clock.now() + interval
        unknown, has_times = await self._unheard.threads(tenant, account, tenant.live_since)
        if not has_times:
            await self._look_for_activity(run, only_unread=True)
            return self._clock.now() + interval
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            for thread_id, reservation_id in unknown[:THREADS_A_PASS]:
                await self._look_at(conn, tenant, account, thread_id, reservation_id)
        run.counts["threads"] = len(unknown[:THREADS_A_PASS])
        is_whole = len(unknown) <= THREADS_A_PASS
        return self._clock.now() + (interval if is_whole else NEXT_THREADS)

    async def _look_for_activity(self, run: JobRun, **query: Any) -> None:
        tenant = await self._tenants.get(run.tenant_id)
        account = await self._mirror.account(tenant, int(run.key))
        moved: list[str] = []
        until = asyncio.get_running_loop().time() + self._chunk_s
        async for rows in self._client.reservations(account, **query):
            moved += await self._moved(tenant, account, rows)
            await self._mirror.apply_reservations(tenant, account, rows)
            _count(run, "reservations", len(rows))
            if asyncio.get_running_loop().time() > until:
                # The latest change comes first; what is left comes with the full pass.
                _count(run, "cut_short", 1)
                break
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            for reservation_id in moved[:RESERVATIONS_A_PASS]:
                await self._jobs.arm(
                    conn,
                    tenant_id=tenant.id,
                    kind=Job.FIND_THREAD,
                    key=f"{account.id}:{reservation_id}",
                    due_at=self._clock.now(),
                )
        run.counts["threads"] = len(moved[:RESERVATIONS_A_PASS])

    async def _moved(self, tenant: Tenant, account: PmsAccount, rows: list[Any]) -> list[str]:
        """Which reservations saw activity since going live that no look at the thread covers."""
        if tenant.live_since is None:
            return []
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            reads = await store.thread_reads(conn, account.id, identifiers(rows, "id"))
        youngest = self._clock.now() - STALE_THREAD
        moved = []
        for raw in rows:
            active_at = parse_moment(raw.get("latestActivityOn"))
            external_id = identifier(raw.get("id"))
            if external_id is None or active_at is None:
                continue
            if active_at < tenant.live_since.replace(microsecond=0):
                continue
            seen_at, read_at = reads.get(external_id, (None, None))
            is_new = seen_at is None or active_at > seen_at
            is_unread = bool(raw.get("hasUnreadConversationMessages"))
            if is_new or (is_unread and (read_at is None or read_at < youngest)):
                moved.append(external_id)
        return moved

    async def _ensure_webhook(self, run: JobRun, account: PmsAccount) -> None:
        """Have Hostaway call us, where the outside can reach us; without it the passes must do."""
        if not self._public_url:
            return
        login, password = account.webhook_logins[0]
        url = f"{self._public_url}/webhook/hostaway/{account.account_key}"
        try:
            await self._client.ensure_webhook(account, url=url, login=login, password=password)
        except HostawayError as exc:
            if exc.retryable:
                raise
            logger.error("webhook was refused by Hostaway", exc_info=exc)
            _count(run, "webhooks_refused", 1)

    async def _refresh_definitions(self, run: JobRun) -> None:
        """Fetch the definitions of custom fields again once they are old."""
        tenant = await self._tenants.get(run.tenant_id)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            known = await store.state(conn, "custom_fields")
        age = timedelta(seconds=self._settings.custom_fields_interval_s)
        if known is None or known[1] < self._clock.now() - age:
            account = await self._mirror.account(tenant, int(run.key))
            await self._sync_definitions(tenant, account)

    async def _sync_definitions(self, tenant: Tenant, account: PmsAccount) -> None:
        definitions = await self._client.custom_fields(account)
        names = {
            external_id: short_text(raw.get("varName"), LONGEST_LINE) or ""
            for raw in definitions
            if (external_id := identifier(raw.get("id")))
        }
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            await store.set_state(conn, "custom_fields", names, self._clock.now())

    async def _look_at(
        self,
        conn: Connection,
        tenant: Tenant,
        account: PmsAccount,
        conversation_id: str,
        reservation_id: str,
    ) -> None:
        conversation = await self._conversations.ensure_thread(
            conn, account=str(account.id), external_id=conversation_id, now=self._clock.now()
        )
        if reservation_id:
            await self._mirror.attach_known(conn, tenant, conversation, reservation_id)
        await self._jobs.arm_unless_armed(
            conn,
            tenant_id=tenant.id,
            kind=Job.READ_THREAD,
            key=conversation.id,
            due_at=self._clock.now(),
        )

    async def _keyed(self, run: JobRun) -> tuple[Tenant, PmsAccount, str]:
        account_id, _, external_id = run.key.partition(":")
        tenant = await self._tenants.get(run.tenant_id)
        return tenant, await self._mirror.account(tenant, int(account_id)), external_id


def _count(run: JobRun, what: str, more: int) -> None:
    run.counts[what] = run.counts.get(what, 0) + more
