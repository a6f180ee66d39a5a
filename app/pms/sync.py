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
from app.pms import store
from app.pms.hostaway import HostawayClient
from app.pms.incoming import identifier
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
from app.pms.words import letters_of, without_codes, words_for_everybody
from app.settings import SyncSettings
from app.tenants import PmsAccount, Tenant, Tenants

logger = logging.getLogger(__name__)

RECENT_TURNS = 30
"""Turns that are looked through for a code that came to the mirror after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedThread:
    """A thread as the PMS had it a moment ago; the rows it needs are mirrored."""

    conversation: Conversation
    messages: tuple[Message, ...]
    """Oldest first, words raw."""
    has_reservation: bool
    as_of: datetime
    """Thread and reservation are no older than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """A message that was not known before."""

    id: int
    speaker: Speaker
    text: str
    """With secrets masked; empty for an attachment alone."""
    message: Message


SpeakerOf = Callable[[Message, str], tuple[Speaker, str]]
"""(outgoing message, its words with secrets masked) → (who spoke, the words to keep)."""


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
        conversations: Conversations,
        stays: Stays,
        settings: SyncSettings,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._client = client
        self._clock = clock
        self._bus = bus
        self._conversations = conversations
        self._stays = stays
        self._settings = settings

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
            reservation_id = identifier(raw.get("reservationId"))
        turns: list[datetime] = []

        def on_turn() -> None:
            turns.append(self._clock.now())

        messages, seen_at = await asyncio.gather(
            self._client.messages(
                account, conversation.external_id, is_urgent=True, on_turn=on_turn
            ),
            self.refresh_stay(tenant, account, reservation_id, on_turn=on_turn),
        )
        async with door.transaction() as conn:
            await self._attach(conn, tenant, account, conversation.id, reservation_id)
            if reservation_id is not None:
                await store.mark_thread_read(
                    conn, account.id, reservation_id, seen_at=seen_at, now=self._clock.now()
                )
            conversation = await self._conversations.get(conn, conversation_id)
        return FetchedThread(
            conversation=conversation,
            messages=tuple(
                message
                for message in parsed_messages(messages)
                if message.conversation_external_id == conversation.external_id
            ),
            has_reservation=conversation.reservation_id is not None,
            as_of=min(turns),
        )

    async def record_messages(
        self,
        conn: Connection,
        tenant: Tenant,
        thread: FetchedThread,
        stay: Stay | None,
        speaker_of: SpeakerOf,
    ) -> list[NewTurn]:
        """Mirror messages: metadata here, words (secrets masked) as turns; gives the new ones.

        A message that its writer edited since then has its new words from now on.
        """
        conversation_id = thread.conversation.id
        new: list[NewTurn] = []
        for message in thread.messages:
            masked = stay.mask(message.text) if stay else without_codes(message.text)
            speaker: Speaker = "guest"
            letters = letters_of(message.text)
            if not message.is_incoming:
                speaker, masked = speaker_of(message, masked)
                letters = words_for_everybody(masked, stay)
            is_edited = await store.upsert_message(
                conn, conversation_id, message, tenant.keyring.digest(letters)
            )
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
            elif is_edited:
                await self._conversations.keep_edit(
                    conn, conversation_id, message.external_id, masked or _of_attachments(message)
                )
        await self._describe(conn, thread)
        return new

    async def _describe(self, conn: Connection, thread: FetchedThread) -> None:
        """Keep how the guest's last message came, where that is news."""
        known, incoming = thread.conversation, [m for m in thread.messages if m.is_incoming]
        if not incoming:
            return
        channel_id, way = incoming[-1].channel_id, incoming[-1].communication_type
        if channel_id in (None, known.channel_id) and way in (None, known.communication_type):
            return
        await self._conversations.describe(
            conn, known.id, channel_id=channel_id, communication_type=way
        )

    async def mask_again(self, conn: Connection, conversation_id: int, stay: Stay) -> None:
        """Take out of recent turns what has become a secret since: a code that was just made."""
        turns = await self._conversations.transcript(conn, conversation_id, last=RECENT_TURNS)
        for turn in turns:
            masked = stay.mask(turn.text)
            if masked != turn.text:
                await self._conversations.correct_words(conn, turn.id, masked)

    async def threads_with_words(
        self, conn: Connection, tenant: Tenant, masked: str, stay: Stay | None, *, besides: int
    ) -> int:
        """In how many other threads the same words went out, but for what is a guest's own."""
        digest = tenant.keyring.digest(words_for_everybody(masked, stay))
        return await store.threads_with_digest(conn, digest, besides=besides)

    async def ways_used(self, conn: Connection, conversation_id: int) -> list[str]:
        """By which ways the guest has written in a thread, the newest first."""
        return await store.ways_used(conn, conversation_id)

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

    async def refresh_stay(
        self,
        tenant: Tenant,
        account: PmsAccount,
        reservation_id: str | None,
        *,
        on_turn: Callable[[], None] | None = None,
    ) -> datetime | None:
        """Fetch a reservation, and its listing where that is old; mirror both.

        Gives the PMS's stamp of the last activity that a look begun now covers.
        """
        if reservation_id is None:
            return None
        began_at = self._clock.now()
        raw = await self._client.reservation(
            account, reservation_id, is_urgent=True, on_turn=on_turn
        )
        reservation = await self.apply_reservation(tenant, account, raw)
        for listing_id in (reservation.listing_external_id, reservation.unit_external_id):
            if listing_id:
                await self.refresh_listing(tenant, account, listing_id)
        active_at = parse_moment(raw.get("latestActivityOn"))
        return min(active_at, began_at) if active_at else None

    async def refresh_listing(self, tenant: Tenant, account: PmsAccount, external_id: str) -> None:
        """Fetch a listing whose access data are too old to be used."""
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

    async def apply_reservations(self, tenant: Tenant, account: PmsAccount, rows: list[Any]) -> int:
        """Mirror fetched reservations; how many were news."""
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


def parsed_messages(rows: list[Any]) -> list[Message]:
    """The messages that can be read, oldest first."""
    messages = []
    for raw in rows:
        try:
            messages.append(parse_message(raw))
        except BadInput as exc:
            logger.warning("message left out", extra={"why": str(exc)})
    return sorted(messages, key=lambda m: (m.sent_at, int(m.external_id)))


def _of_attachments(message: Message) -> str:
    return "[attachment]" if message.attachments else "[empty message]"
