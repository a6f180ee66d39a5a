"""Tenants' doors: one schema each, one role each, commits before news."""

import asyncio
import contextlib

import asyncpg
import pytest

from app.db import AfterCommit, Database, TenantDoor, latest_version, pending_steps
from app.errors import NotFound, Unavailable
from app.tenants import Tenants


async def test_two_starts_at_once_apply_the_schema_once(database: Database) -> None:
    await asyncio.gather(*(database.shared().apply() for _ in range(3)))
    async with database.shared().transaction() as conn:
        assert await conn.fetchval("select count(*) from public.nightdesk_schema") == 1


async def test_a_tenants_role_cannot_read_another_tenants_schema(
    database: Database, tenants: Tenants
) -> None:
    await tenants.add("one", "One")
    await tenants.add("two", "Two")
    door = await database.tenant("one")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with door.transaction() as conn:
            await conn.fetch("select * from t_two.turns")


async def test_a_tenants_role_cannot_read_the_directory(
    database: Database, tenants: Tenants
) -> None:
    await tenants.add("one", "One")
    door = await database.tenant("one")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with door.transaction() as conn:
            await conn.fetch("select * from nightdesk.tenants")


async def test_a_tenant_sees_only_its_own_wake_rows(database: Database, tenants: Tenants) -> None:
    insert = """insert into nightdesk.wake (tenant_id, kind, key, due_at)
                values ($1, 'x', 'y', now())"""
    for name in ("one", "two"):
        await tenants.add(name, name)
        async with (await database.tenant(name)).transaction() as conn:
            await conn.execute(insert, name)
    async with (await database.tenant("one")).transaction() as conn:
        rows = await conn.fetch("select tenant_id from nightdesk.wake")
    assert [row["tenant_id"] for row in rows] == ["one"]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with (await database.tenant("one")).transaction() as conn:
            await conn.execute(insert.replace("'y'", "'z'"), "two")


async def test_the_role_does_not_survive_its_transaction(
    database: Database, tenants: Tenants
) -> None:
    await tenants.add("one", "One")
    door = await database.tenant("one")
    for _ in range(6):
        with pytest.raises(RuntimeError):
            await _cut(door)
    async with database.shared().transaction() as conn:
        assert await conn.fetchval("select current_user") == "app"
        assert await conn.fetchval("select count(*) from nightdesk.tenants") == 1


async def test_what_waits_for_the_commit_does_not_happen_without_one(
    database: Database, tenants: Tenants
) -> None:
    await tenants.add("one", "One")
    door = await database.tenant("one")
    heard: list[str] = []

    async def hear() -> None:
        heard.append("committed")

    with pytest.raises(RuntimeError):
        await _cut(door, hear)
    assert heard == []
    async with door.transaction() as conn:
        conn.after_commit.append(hear)
        assert heard == []
    assert heard == ["committed"]


async def test_news_that_fail_after_the_commit_fail_neither_the_rest_nor_the_caller(
    database: Database, tenants: Tenants
) -> None:
    await tenants.add("one", "One")
    heard: list[str] = []

    async def fail() -> None:
        raise RuntimeError("not heard")

    async def hear() -> None:
        heard.append("committed")

    async with (await database.tenant("one")).transaction() as conn:
        conn.after_commit += [fail, hear]
    assert heard == ["committed"]


async def test_a_transaction_that_swallowed_a_failed_statement_says_that_nothing_was_kept(
    database: Database, tenants: Tenants
) -> None:
    await tenants.add("one", "One")
    heard: list[str] = []

    async def hear() -> None:
        heard.append("committed")

    async def swallow() -> None:
        async with (await database.tenant("one")).transaction() as conn:
            conn.after_commit.append(hear)
            with contextlib.suppress(asyncpg.DivisionByZeroError):
                await conn.fetchval("select 1 / 0")

    with pytest.raises(RuntimeError, match="rolled back"):
        await swallow()
    assert heard == []


async def test_a_connection_lost_at_the_commit_is_the_database_being_away(
    database: Database, tenants: Tenants
) -> None:
    await tenants.add("one", "One")
    door = await database.tenant("one")
    heard: list[str] = []

    async def hear() -> None:
        heard.append("committed")

    async def lose() -> None:
        async with door.transaction() as conn:
            conn.after_commit.append(hear)
            pid = await conn.fetchval("select pg_backend_pid()")
            async with database.shared().transaction() as other:
                await other.execute("select pg_terminate_backend($1)", pid)

    for _ in range(8):
        with pytest.raises(Unavailable):
            await lose()
    assert heard == []
    async with door.transaction() as conn:
        assert await conn.fetchval("select current_user") == "t_one"


async def test_a_connection_that_was_cut_while_idle_is_the_database_being_away(
    database: Database, tenants: Tenants
) -> None:
    """Its end is known before it is noticed that it is closed."""
    for _ in range(20):
        async with database.shared().transaction() as conn:
            await conn.execute(
                """select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid()"""
            )
        for _ in range(6):
            with contextlib.suppress(Unavailable):
                await asyncio.gather(*(_ask(database) for _ in range(6)))
        assert await _ask(database) == 1


async def _ask(database: Database) -> int:
    async with database.shared().transaction() as conn:
        return int(await conn.fetchval("select 1"))


async def _cut(door: TenantDoor, after: AfterCommit | None = None) -> None:
    async with door.transaction() as conn:
        await conn.fetchval("select 1")
        if after is not None:
            conn.after_commit.append(after)
        raise RuntimeError("cut")


async def test_an_unknown_tenant_has_no_door(database: Database) -> None:
    with pytest.raises(NotFound):
        await database.tenant("nobody")


def test_a_new_part_starts_at_the_newest_version() -> None:
    assert [number for number, _ in pending_steps("tenant", None)] == [latest_version("tenant")]
    assert pending_steps("tenant", latest_version("tenant")) == []


OLDEST_TENANT = """
    drop table {schema}.calls;
    alter table {schema}.decisions drop column sealed, add column reasoning text,
        add column calls jsonb not null default '[]';
    drop index {schema}.reservations_place;
    create index reservations_listing on {schema}.reservations (listing_external_id, departure_on);
    alter table {schema}.outbox drop column typed, drop column tried_at, drop column instead_of;
    create unique index outbox_once on {schema}.outbox (conversation_id, generation)
        where origin <> 'operator';
    alter table {schema}.cases drop column told;
    alter table {schema}.turns drop column ended_at, drop column heard_ms, drop column is_cut,
        drop column stages;
"""
"""Leads a new schema back to version 1."""


async def test_changes_lead_an_old_schema_to_the_newest(
    database: Database, tenants: Tenants
) -> None:
    async def columns() -> list[str]:
        async with database.shared().transaction() as conn:
            rows = await conn.fetch(
                """select table_name || '.' || column_name || ' ' || data_type as name
                   from information_schema.columns where table_schema = 't_acme' order by 1"""
            )
            more = await conn.fetch(
                "select indexname as name from pg_indexes where schemaname = 't_acme' order by 1"
            )
        return [row["name"] for row in (*rows, *more)]

    await tenants.add("acme", "Acme")
    newest = await columns()
    async with database.shared().transaction() as conn:
        await conn.execute(OLDEST_TENANT.replace("{schema}", "t_acme"))
        await conn.execute("update nightdesk.tenants set schema_version = 1")
    assert await columns() != newest
    await database.shared().apply()
    assert await columns() == newest


async def test_changes_lead_an_old_shared_part_to_the_newest(database: Database) -> None:
    async def functions() -> list[str]:
        async with database.shared().transaction() as conn:
            rows = await conn.fetch(
                """select pg_get_functiondef(oid) || coalesce(proacl::text, '') as whole
                   from pg_proc where pronamespace = 'nightdesk'::regnamespace order by proname"""
            )
        return [row["whole"] for row in rows]

    newest = await functions()
    async with database.shared().transaction() as conn:
        await conn.execute("drop function nightdesk.take_in")
        await conn.execute("update public.nightdesk_schema set version = 1")
    await database.shared().apply()
    assert await functions() == newest


async def test_a_deadlock_is_told_as_something_to_try_again(database: Database) -> None:
    async with database.shared().transaction() as conn:
        await conn.execute("create table if not exists public.pairs (n int primary key)")
        await conn.execute("insert into public.pairs values (1), (2) on conflict do nothing")
    have_one = asyncio.Barrier(2)

    async def lock_both(first: int, second: int) -> None:
        async with database.shared().transaction() as conn:
            await conn.execute("select 1 from public.pairs where n = $1 for update", first)
            await have_one.wait()
            await conn.execute("select 1 from public.pairs where n = $1 for update", second)

    ends = await asyncio.gather(lock_both(1, 2), lock_both(2, 1), return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [Unavailable]


async def test_a_transaction_that_stands_still_loses_its_locks(database: Database) -> None:
    async with database.shared().transaction() as conn:
        told = await conn.fetchval("show idle_in_transaction_session_timeout")
    assert told == "30s"
