"""The mirror kept true: threads and reservations fetched again, scheduled passes, reconciliation.

A webhook is a hint; what counts is fetched. Network first, then one short transaction.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.bus import Bus
from app.clock import Clock
from app.conversations import Conversation, Conversations, Speaker
from app.db import Connection, Database
from app.errors import BadInput, NotFound
from app.events import ListingChanged, ReservationChanged
from app.jobs import Job, JobRun, Jobs
from app.pms import store
from app.pms.hostaway import HostawayClient
from app.pms.records import (
    CustomField,
    Message,
    Reservation,
    parse_custom_fields,
    parse_listing,
    parse_message,
    parse_moment,
    parse_reservation,
)
from app.pms.stay import Stay, Stays
from app.settings import SyncSettings
from app.tenants import PmsAccount, Tenant, Tenants

logger = logging.getLogger(__name__)

CHUNK_S = 20.0
"""A long pass gives way after this and goes on as a new run, so that its progress is kept."""
THREADS_A_PASS = 20
STALE_THREAD = timedelta(minutes=30)
"""An unread thread that was not looked at for so long is looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedThread:
    """A thread as the PMS had it a moment ago; the rows it needs are mirrored."""

    conversation: Conversation
    messages: tuple[Message, ...]
    """Oldest first, words raw."""
    has_reservation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """A message that was not known before."""

    id: int
    speaker: Speaker
    text: str
    """With secrets masked; empty for an attachment alone."""
    message: Message


SpeakerOf = Callable[[Message, str], Speaker]
"""(message, its words with secrets masked) → who spoke."""


class Mirror:
    """The PMS's data, in our own rows."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        client: HostawayClient,
        clock: Clock,
        bus: Bus,
        jobs: Jobs,
        conversations: Conversations,
        stays: Stays,
        settings: SyncSettings,
        public_url: str,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._client = client
        self._clock = clock
        self._bus = bus
        self._jobs = jobs
        self._conversations = conversations
        self._stays = stays
        self._settings = settings
        self._public_url = public_url.rstrip("/")

    # -- one thread --------------------------------------------------------------------------

    async def fetch_thread(self, tenant: Tenant, conversation_id: int) -> FetchedThread:
        """Fetch a thread, its reservation and, where it is old, its listing; mirror the rows."""
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            conversation = await self._conversations.get(conn, conversation_id)
            known = await self._reservation_of(conn, tenant, conversation)
        account = await self.account(tenant, int(conversation.account))
        reservation_id = known.external_id if known else None
        if reservation_id is None:
            raw = await self._client.conversation(account, conversation.external_id, is_urgent=True)
            reservation_id = str(raw["reservationId"]) if raw.get("reservationId") else None
        messages, _ = await asyncio.gather(
            self._client.messages(account, conversation.external_id, is_urgent=True),
            self._refresh_stay(tenant, account, reservation_id),
        )
        async with door.transaction() as conn:
            await self._attach(conn, tenant, account, conversation.id, reservation_id)
            conversation = await self._conversations.get(conn, conversation_id)
        return FetchedThread(
            conversation=conversation,
            messages=tuple(_parsed_messages(messages)),
            has_reservation=conversation.reservation_id is not None,
        )

    async def record_messages(
        self,
        conn: Connection,
        tenant: Tenant,
        thread: FetchedThread,
        stay: Stay | None,
        speaker_of: SpeakerOf,
    ) -> list[NewTurn]:
        """Mirror a thread's messages: metadata here, words (secrets masked) as turns; the new ones."""
        conversation_id = thread.conversation.id
        new: list[NewTurn] = []
        for message in thread.messages:
            masked = stay.mask(message.text) if stay else message.text
            speaker: Speaker = "guest" if message.is_incoming else speaker_of(message, masked)
            digest = None if message.is_incoming else tenant.keyring.digest(letters_of(masked))
            await store.upsert_message(conn, conversation_id, message, digest)
            turn_id = await self._conversations.record_turn(
                conn,
                tenant.id,
                conversation_id,
                speaker=speaker,
                text=masked or _of_attachments(message),
                said_at=message.sent_at,
                external_id=message.external_id,
            )
            if turn_id is not None:
                new.append(NewTurn(id=turn_id, speaker=speaker, text=masked, message=message))
            elif speaker != "guest":
                await self._conversations.correct_speaker(
                    conn, conversation_id, message.external_id, speaker
                )
        incoming = [m for m in thread.messages if m.is_incoming]
        if incoming:
            await self._conversations.describe(
                conn,
                conversation_id,
                channel_id=incoming[-1].channel_id,
                communication_type=incoming[-1].communication_type,
            )
        return new

    async def threads_with_words(
        self, conn: Connection, tenant: Tenant, masked: str, *, besides: int
    ) -> int:
        """In how many other threads the same words went out."""
        digest = tenant.keyring.digest(letters_of(masked))
        return await store.threads_with_digest(conn, digest, besides=besides)

    async def attach_known(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, reservation_id: str
    ) -> Conversation:
        """A thread joined with its reservation where the mirror knows it; nothing is fetched."""
        account = await self.account(tenant, int(conversation.account))
        await self._attach(conn, tenant, account, conversation.id, reservation_id)
        return await self._conversations.get(conn, conversation.id)

    async def account(self, tenant: Tenant, account_id: int) -> PmsAccount:
        """One of the tenant's accounts, by our id."""
        for account in await self._tenants.accounts(tenant.id):
            if account.id == account_id:
                return account
        raise NotFound("the tenant has no such PMS account")

    async def _refresh_stay(
        self, tenant: Tenant, account: PmsAccount, reservation_id: str | None
    ) -> None:
        if reservation_id is None:
            return
        raw = await self._client.reservation(account, reservation_id, is_urgent=True)
        reservation = await self.apply_reservation(tenant, account, raw)
        for listing_id in (reservation.listing_external_id, reservation.unit_external_id):
            if listing_id:
                await self._refresh_listing(tenant, account, listing_id)

    async def _refresh_listing(self, tenant: Tenant, account: PmsAccount, external_id: str) -> None:
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            known = await store.listing(conn, account.id, external_id, tenant.keyring)
        youngest = self._clock.now() - timedelta(seconds=self._settings.listing_max_age_s)
        if known is None or known.as_of < youngest:
            raw = await self._client.listing(account, external_id, is_urgent=True)
            await self.apply_listings(tenant, account, [raw])

    async def _reservation_of(
        self, conn: Connection, tenant: Tenant, conversation: Conversation
    ) -> Reservation | None:
        if conversation.reservation_id is None:
            return None
        found = await store.reservation_by_id(conn, conversation.reservation_id, tenant.keyring)
        return found[1] if found else None

    async def _attach(
        self,
        conn: Connection,
        tenant: Tenant,
        account: PmsAccount,
        conversation_id: int,
        reservation_id: str | None,
    ) -> None:
        if reservation_id is None:
            return
        known = await store.reservation(conn, account.id, reservation_id, tenant.keyring)
        if known is not None:
            await self._conversations.describe(
                conn,
                conversation_id,
                reservation_id=known.id,
                channel_id=known.channel_id,
            )

    # -- rows --------------------------------------------------------------------------------

    async def apply_reservation(
        self, tenant: Tenant, account: PmsAccount, raw: Mapping[str, Any]
    ) -> Reservation:
        """Mirror one fetched reservation; the newest known state."""
        reservation = parse_reservation(raw, await self._fields_of(tenant), as_of=self._clock.now())
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            row_id = await store.upsert_reservation(conn, account.id, reservation, tenant.keyring)
            if row_id is not None:
                self._bus.publish_after(
                    conn, ReservationChanged(tenant_id=tenant.id, reservation_id=row_id)
                )
        return reservation

    async def apply_listings(self, tenant: Tenant, account: PmsAccount, rows: list[Any]) -> int:
        """Mirror fetched listings; how many could be read."""
        custom = await self._fields_of(tenant)
        door = await self._database.tenant(tenant.id)
        count = 0
        async with door.transaction() as conn:
            for raw in rows:
                try:
                    listing = parse_listing(raw, custom, as_of=self._clock.now())
                except BadInput as exc:
                    logger.warning("listing left out", extra={"why": str(exc)})
                    continue
                row_id = await store.upsert_listing(conn, account.id, listing, tenant.keyring)
                event = ListingChanged(tenant_id=tenant.id, listing_id=row_id)
                self._bus.publish_after(conn, event)
                count += 1
        return count

    async def _fields_of(self, tenant: Tenant) -> dict[str, CustomField]:
        """The tenant's meaning of custom fields by the PMS's id; settings may name the varName."""
        meant = parse_custom_fields(tenant.settings.pms.custom_fields)
        if all(key.isdigit() for key in meant):
            return meant
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            known = await store.state(conn, "custom_fields")
        ids = {name: external_id for external_id, name in (known[0] if known else {}).items()}
        return {ids.get(key, key): value for key, value in meant.items()}

    # -- jobs --------------------------------------------------------------------------------

    async def schedule(self, conn: Connection, tenant: Tenant) -> None:
        """Have the scheduled passes of a tenant's accounts run, from now on."""
        now = self._clock.now()
        for account in await self._tenants.accounts(tenant.id):
            for kind in (Job.FULL_SYNC, Job.RECENT_SYNC, Job.UNREAD_SYNC):
                await self._jobs.arm_unless_armed(
                    conn, tenant_id=tenant.id, kind=kind, key=account.id, due_at=now
                )

    async def fetch_reservation(self, run: JobRun) -> datetime | None:
        """Job: a webhook told of a reservation; key `account:reservation`."""
        tenant, account, reservation_id = await self._keyed(run)
        raw = await self._client.reservation(account, reservation_id)
        reservation = await self.apply_reservation(tenant, account, raw)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            known = await store.listing(
                conn, account.id, reservation.listing_external_id, tenant.keyring
            )
        if known is None:
            await self._refresh_listing(tenant, account, reservation.listing_external_id)
        run.counts["reservations"] = 1
        return None

    async def find_thread(self, run: JobRun) -> datetime | None:
        """Job: a message came without naming its thread; key `account:reservation`."""
        tenant, account, reservation_id = await self._keyed(run)
        found = await self._client.conversations_of(account, reservation_id, is_urgent=True)
        await self._refresh_stay(tenant, account, reservation_id)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            for raw in found:
                await self._look_at(conn, tenant, account, str(raw["id"]), reservation_id)
        run.counts["threads"] = len(found)
        return None

    async def full_sync(self, run: JobRun) -> datetime | None:
        """Job: every listing, then every reservation near today, in chunks that keep their place."""
        tenant = await self._tenants.get(run.tenant_id)
        account = await self.account(tenant, int(run.key))
        door = await self._database.tenant(tenant.id)
        place_key = f"full_sync:{account.id}"
        async with door.transaction() as conn:
            place = await store.state(conn, place_key)
        after_id = place[0].get("after_id") if place else None
        if after_id is None:
            await self._ensure_webhook(account)
            await self._sync_definitions(tenant, account)
            async for rows in self._client.listings(account):
                run.counts["listings"] = run.counts.get("listings", 0) + await self.apply_listings(
                    tenant, account, rows
                )
        today = self._clock.now().date()
        until = asyncio.get_running_loop().time() + CHUNK_S
        async for rows in self._client.reservations(
            account,
            departure_from=today - timedelta(days=30),
            arrival_until=today + timedelta(days=self._settings.reservation_horizon_days),
            after_id=after_id,
        ):
            run.counts["reservations"] = run.counts.get(
                "reservations", 0
            ) + await self._apply_reservations(tenant, account, rows)
            after_id = str(rows[-1]["id"])
            async with door.transaction() as conn:
                await store.set_state(conn, place_key, {"after_id": after_id}, self._clock.now())
            if asyncio.get_running_loop().time() > until:
                return self._clock.now()
        async with door.transaction() as conn:
            await store.set_state(conn, place_key, {}, self._clock.now())
        return self._clock.now() + timedelta(seconds=self._settings.full_interval_s)

    async def recent_sync(self, run: JobRun) -> datetime | None:
        """Job: reservations with recent activity; finds events that were never delivered."""
        since = (self._clock.now() - timedelta(days=1)).date()
        await self._look_for_activity(run, latest_activity_start=since)
        return self._clock.now() + timedelta(seconds=self._settings.recent_interval_s)

    async def unread_sync(self, run: JobRun) -> datetime | None:
        """Job: threads with unread messages; finds messages that were never delivered."""
        await self._look_for_activity(run, only_unread=True)
        return self._clock.now() + timedelta(seconds=self._settings.unread_interval_s)

    async def _look_for_activity(self, run: JobRun, **query: Any) -> None:
        tenant = await self._tenants.get(run.tenant_id)
        account = await self.account(tenant, int(run.key))
        moved: list[str] = []
        async for rows in self._client.reservations(account, **query):
            moved += await self._moved(tenant, account, rows)
            await self._apply_reservations(tenant, account, rows)
            run.counts["reservations"] = run.counts.get("reservations", 0) + len(rows)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            for reservation_id in moved[:THREADS_A_PASS]:
                await self._jobs.arm(
                    conn,
                    tenant_id=tenant.id,
                    kind=Job.FIND_THREAD,
                    key=f"{account.id}:{reservation_id}",
                    due_at=self._clock.now(),
                )
        run.counts["threads"] = len(moved[:THREADS_A_PASS])

    async def _moved(self, tenant: Tenant, account: PmsAccount, rows: list[Any]) -> list[str]:
        """Which reservations saw activity that the mirror does not know of."""
        youngest = self._clock.now() - STALE_THREAD
        moved = []
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            for raw in rows:
                known = await store.reservation(
                    conn, account.id, str(raw.get("id")), tenant.keyring
                )
                active_at = parse_moment(raw.get("latestActivityOn"))
                before = parse_moment(known.fields.get("latestActivityOn")) if known else None
                is_new = active_at is not None and (before is None or active_at > before)
                is_unread = bool(raw.get("hasUnreadConversationMessages"))
                is_stale = known is None or (is_unread and known.as_of < youngest)
                if (
                    (is_new or is_stale)
                    and active_at
                    and active_at > _oldest_of(tenant, self._clock)
                ):
                    moved.append(str(raw["id"]))
        return moved

    async def _apply_reservations(
        self, tenant: Tenant, account: PmsAccount, rows: list[Any]
    ) -> int:
        custom = await self._fields_of(tenant)
        door = await self._database.tenant(tenant.id)
        count = 0
        async with door.transaction() as conn:
            for raw in rows:
                try:
                    reservation = parse_reservation(raw, custom, as_of=self._clock.now())
                except BadInput as exc:
                    logger.warning("reservation left out", extra={"why": str(exc)})
                    continue
                row_id = await store.upsert_reservation(
                    conn, account.id, reservation, tenant.keyring
                )
                count += row_id is not None
        return count

    async def _ensure_webhook(self, account: PmsAccount) -> None:
        """Have Hostaway call us; only where the outside can reach us."""
        if not self._public_url:
            return
        login, password = account.webhook_logins[0]
        url = f"{self._public_url}/webhook/hostaway/{account.account_key}"
        await self._client.ensure_webhook(account, url=url, login=login, password=password)

    async def _sync_definitions(self, tenant: Tenant, account: PmsAccount) -> None:
        definitions = await self._client.custom_fields(account)
        names = {str(raw["id"]): str(raw.get("varName") or "") for raw in definitions}
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
        await self._attach(conn, tenant, account, conversation.id, reservation_id)
        await self._jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.READ_THREAD,
            key=conversation.id,
            due_at=self._clock.now(),
        )

    async def _keyed(self, run: JobRun) -> tuple[Tenant, PmsAccount, str]:
        account_id, _, external_id = run.key.partition(":")
        tenant = await self._tenants.get(run.tenant_id)
        return tenant, await self.account(tenant, int(account_id)), external_id


def _parsed_messages(rows: list[Any]) -> list[Message]:
    messages = []
    for raw in rows:
        try:
            messages.append(parse_message(raw))
        except BadInput as exc:
            logger.warning("message left out", extra={"why": str(exc)})
    return sorted(messages, key=lambda m: (m.sent_at, int(m.external_id)))


def _of_attachments(message: Message) -> str:
    return "[attachment]" if message.attachments else "[empty message]"


def letters_of(text: str) -> str:
    """Only the letters and digits: what survives a channel's treatment of a text."""
    return "".join(c for c in text.casefold() if c.isalnum())


def _oldest_of(tenant: Tenant, clock: Clock) -> datetime:
    """Older activity belongs to history: nobody is answered for it."""
    return tenant.live_since or clock.now()
