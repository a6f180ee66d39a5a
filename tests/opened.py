"""Fixtures of tests that need many small worlds: one database for all, swept before each."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database, latest_version
from app.embedded import ServerUrls
from app.keys import Keyring, new_key
from app.settings import Settings
from app.tenants import Tenant, Tenants
from tests.make import NOON
from tests.net import rows_with_secrets
from tests.rooms import Rooms

SWEEP = """
do $$ declare place record; begin
    set local session_replication_role = replica;
    for place in
        select schemaname, tablename from pg_tables where schemaname in ('nightdesk', 't_acme')
    loop
        execute format('delete from %I.%I', place.schemaname, place.tablename);
    end loop;
end $$
"""
"""Deleting beats truncating while tables hold a few rows."""


@pytest.fixture(scope="session")
def swept_url(embedded_urls: ServerUrls) -> str:
    """A database with the shared part and one tenant's schema."""
    base = embedded_urls.database_url or ""
    url = base.replace("/nightdesk?", "/swept?")

    async def make() -> None:
        admin = await asyncpg.connect(base)
        await admin.execute("drop database if exists swept with (force)")
        await admin.execute("create database swept")
        await admin.close()
        database = Database(command_timeout_s=10, statement_cache=200, connections=2)
        await database.open(url)
        background = Background()
        await database.shared().apply()
        bus = Bus(database, background)
        clock = ManualClock(NOON)
        await Tenants(database, bus, clock, Keyring((new_key(),)), Settings()).add("acme", "Acme")
        await background.cancel()
        await database.close()

    asyncio.run(make())
    return url


@pytest.fixture
async def database(swept_url: str) -> AsyncIterator[Database]:
    """The swept database."""
    admin = await asyncpg.connect(swept_url)
    await admin.execute(SWEEP)
    await admin.close()
    opened = Database(command_timeout_s=10, statement_cache=200, connections=12)
    await opened.open(swept_url)
    yield opened
    await opened.close()
    assert await rows_with_secrets(swept_url) == [], "secrets stand in the clear"


@pytest.fixture
async def tenants(database: Database, bus: Bus, clock: ManualClock) -> Tenants:
    """A directory with one tenant that is off."""
    keyring = Keyring((new_key(),))
    async with database.shared().transaction() as conn:
        await conn.execute(
            """insert into nightdesk.tenants
                   (id, name, schema_name, data_keys, schema_version, created_at)
               values ('acme', 'Acme Stays', 't_acme', $1, $2, $3)""",
            keyring.close(f'["{new_key()}"]'.encode()), latest_version("tenant"), clock.now(),
        )  # fmt: skip
    return Tenants(database, bus, clock, keyring, Settings())


@pytest.fixture
async def tenant(tenants: Tenants) -> Tenant:
    """The tenant, switched on."""
    return await tenants.set_mode("acme", "on")


@pytest.fixture
async def rooms(
    database: Database,
    tenants: Tenants,
    tenant: Tenant,
    bus: Bus,
    clock: ManualClock,
    background: Background,
) -> Rooms:
    """Every room of the chat, with the usual guest moved in."""
    opened = Rooms(database=database, tenants=tenants, bus=bus, clock=clock, background=background)
    await opened.move_in(tenant)
    return opened
