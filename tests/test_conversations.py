"""Conversations: each turn once, told after the commit, in order, and not kept for ever."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.bus import Bus
from app.conversations import Conversation, Conversations
from app.db import Connection, Database
from app.embedded import ServerUrls
from app.errors import NotFound
from app.events import TurnRecorded
from app.tenants import Tenant, Tenants
from tests.conftest import NOON


@pytest.fixture(scope="module")
def database_url(embedded_urls: ServerUrls) -> Iterator[str]:
    """One database for all tests of this file; each begins with an empty directory."""
    base = embedded_urls.database_url or ""
    asyncio.run(_run_sql(base, "create database conversations"))
    yield base.replace("/nightdesk?", "/conversations?")
    asyncio.run(_run_sql(base, "drop database conversations with (force)"))


async def _run_sql(url: str, sql: str) -> None:
    admin = await asyncpg.connect(url)
    await admin.execute(sql)
    await admin.close()


@pytest.fixture
async def tenant(tenants: Tenants) -> AsyncIterator[Tenant]:
    """One tenant, removed again."""
    yield await tenants.add("acme", "Acme Stays")
    await tenants.remove("acme")


@pytest.fixture
def conversations(bus: Bus) -> Conversations:
    return Conversations(bus)


@pytest.fixture
async def conn(database: Database, tenant: Tenant) -> AsyncIterator[Connection]:
    """A transaction of the tenant, for a whole test."""
    async with (await database.tenant(tenant.id)).transaction() as opened:
        yield opened


async def thread(
    conversations: Conversations, conn: Connection, external_id: str = "9"
) -> Conversation:
    return await conversations.ensure_thread(
        conn, account="70001", external_id=external_id, now=NOON
    )


async def say(
    conversations: Conversations, conn: Connection, conversation_id: int, text: str, **more: Any
) -> int | None:
    values: dict[str, Any] = {"speaker": "guest", "text": text, "said_at": NOON} | more
    return await conversations.record_turn(conn, "acme", conversation_id, **values)


async def test_a_thread_is_made_once(conversations: Conversations, conn: Connection) -> None:
    first = await thread(conversations, conn)
    assert await thread(conversations, conn) == first
    assert (await thread(conversations, conn, "10")).id != first.id
    assert await conversations.get(conn, first.id) == first
    assert (first.medium, first.external_id, first.language) == ("thread", "9", None)


async def test_an_unknown_conversation_is_not_found(
    conversations: Conversations, conn: Connection
) -> None:
    with pytest.raises(NotFound):
        await conversations.get(conn, 404)


async def test_what_became_known_stays_known(
    conversations: Conversations, conn: Connection
) -> None:
    found = await thread(conversations, conn)
    await conversations.describe(conn, found.id, channel_id=2018, language="pl")
    await conversations.describe(conn, found.id, communication_type="email")
    known = await conversations.get(conn, found.id)
    assert (known.channel_id, known.language, known.communication_type) == (2018, "pl", "email")
    await conversations.describe(conn, found.id, language="de")
    assert (await conversations.get(conn, found.id)).language == "de"


async def test_a_turn_of_one_external_id_is_recorded_once_a_conversation(
    conversations: Conversations, conn: Connection
) -> None:
    one, two = await thread(conversations, conn), await thread(conversations, conn, "10")
    assert await say(conversations, conn, one.id, "hello", external_id="m1") is not None
    assert await say(conversations, conn, one.id, "hello", external_id="m1") is None
    assert await say(conversations, conn, two.id, "hello", external_id="m1") is not None
    for _ in range(2):
        assert await say(conversations, conn, one.id, "no id") is not None
    assert len(await conversations.transcript(conn, one.id)) == 3


async def test_a_turn_is_told_of_after_its_commit_only(
    conversations: Conversations, database: Database, tenant: Tenant, bus: Bus
) -> None:
    heard: list[TurnRecorded] = []

    async def on_turn_recorded(event: TurnRecorded) -> None:
        heard.append(event)

    bus.subscribe(TurnRecorded, on_turn_recorded)
    door = await database.tenant(tenant.id)
    with pytest.raises(RuntimeError):
        await _say_and_fail(conversations, database)
    async with door.transaction() as conn:
        found = await thread(conversations, conn)
        turn_id = await say(conversations, conn, found.id, "hello", external_id="m1")
        await say(conversations, conn, found.id, "hello", external_id="m1")
        assert heard == []
    assert turn_id is not None
    assert heard == [
        TurnRecorded(
            tenant_id="acme", conversation_id=found.id, turn_id=turn_id, speaker="guest",
            text="hello", said_at=NOON,
        )
    ]  # fmt: skip


async def _say_and_fail(conversations: Conversations, database: Database) -> None:
    async with (await database.tenant("acme")).transaction() as conn:
        found = await thread(conversations, conn)
        await say(conversations, conn, found.id, "never said", external_id="m0")
        raise RuntimeError


async def test_a_transcript_is_in_the_order_of_speaking_and_the_newest_are_kept(
    conversations: Conversations, conn: Connection
) -> None:
    found = await thread(conversations, conn)
    for minute, text in ((3, "third"), (1, "first"), (2, "second"), (3, "also third")):
        await say(conversations, conn, found.id, text, said_at=NOON + timedelta(minutes=minute))
    said = [turn.text for turn in await conversations.transcript(conn, found.id)]
    assert said == ["first", "second", "third", "also third"]
    newest = [turn.text for turn in await conversations.transcript(conn, found.id, last=2)]
    assert newest == ["third", "also third"]


async def test_a_speaker_is_corrected(conversations: Conversations, conn: Connection) -> None:
    found = await thread(conversations, conn)
    for name in ("m1", "m2"):
        await say(conversations, conn, found.id, name, speaker="operator", external_id=name)
    await conversations.correct_speaker(conn, found.id, "m1", "automation")
    speakers = [turn.speaker for turn in await conversations.transcript(conn, found.id)]
    assert speakers == ["automation", "operator"]


async def test_words_and_decisions_are_deleted_after_ninety_days(
    conversations: Conversations, conn: Connection
) -> None:
    found = await thread(conversations, conn)
    old, kept = NOON - timedelta(days=90, seconds=1), NOON - timedelta(days=90)
    for moment in (old, kept, NOON):
        decision = await conn.fetchval(
            """insert into {schema}.decisions (conversation_id, generation, library_version,
                   outcome, origin, because, language, question, decided_at)
               values ($1, 1, 1, 'reply', 'bot', 'x', 'en', 'q', $2) returning id""",
            found.id, moment,
        )  # fmt: skip
        await say(conversations, conn, found.id, "x", said_at=moment, decision_id=decision)
    assert await conversations.purge(conn, NOON - timedelta(days=90)) == 1
    assert [t.said_at for t in await conversations.transcript(conn, found.id)] == [kept, NOON]
    assert await conn.fetchval("select count(*) from {schema}.decisions") == 2


async def test_conversations_of_a_reservation_come_newest_first(
    conversations: Conversations, conn: Connection
) -> None:
    reservation: int = await conn.fetchval(
        """insert into {schema}.reservations (account_id, external_id, listing_external_id, status,
               arrival_on, departure_on, are_dates_unspecified, fields, gated, updated_at, as_of)
           values (1, '5', '4', 'new', '2026-04-13', '2026-04-15', false, '{}', '', $1, $1)
           returning id""",
        NOON,
    )
    ids = [(await thread(conversations, conn, name)).id for name in ("9", "10", "11")]
    for conversation_id in ids[:2]:
        await conversations.describe(conn, conversation_id, reservation_id=reservation)
    found = await conversations.of_reservation(conn, reservation)
    assert [each.id for each in found] == [ids[1], ids[0]]
