"""What a tenant's own role can reach in the whole database: nothing of another tenant.

Every relation of every schema is read as one tenant, every table of the other is written to; a new
table or column is tried without a change here, and fails where it is not filled with a mark first.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest

from app.background import Background
from app.bus import Bus
from app.clock import Clock
from app.db import Database
from app.embedded import ServerUrls
from app.keys import Keyring, new_key
from app.settings import Settings
from app.tenants import Tenants

MARK = "BIRCHMARK"
HEX = MARK.encode().hex()
LOGINS = ("app", "postgres")
"""What the embedded server gives us, no superuser, and what an external database may give us."""
CHOICES = {
    "conversations.medium": "thread", "turns.speaker": "guest", "handling.mode": "bot",
    "outbox.origin": "bot", "outbox.status": "draft", "cases.severity": "low",
    "cases.state": "open", "tenants.mode": "off", "job_runs.status": "done",
}  # fmt: skip
"""Columns that cannot hold the mark, for a check names their values."""


@pytest.fixture(scope="module", params=LOGINS)
def url(request: pytest.FixtureRequest, embedded_urls: ServerUrls) -> str:
    """A database of two tenants, owned by one login or the other; birch's rows are all marked."""
    base = embedded_urls.database_url or ""
    return asyncio.run(_made(base, request.param))


async def _made(base: str, login: str) -> str:
    name = f"apart_{login}"
    admin = await asyncpg.connect(base.replace("//app:", "//postgres:"))
    await admin.execute(f"drop database if exists {name} with (force)")
    await admin.execute(f"create database {name} owner {login}")
    await admin.close()
    url = base.replace("/nightdesk?", f"/{name}?").replace("//app:", f"//{login}:")
    database = Database(command_timeout_s=10, statement_cache=200, connections=3)
    background = Background()
    await database.open(url)
    await database.shared().apply()
    tenants = Tenants(
        database, Bus(database, background), Clock(), Keyring((new_key(),)), Settings()
    )
    for tenant in ("alder", "birch"):
        await tenants.add(tenant, tenant.title())
    await background.drain(5.0)
    await database.close()
    await _mark(url)
    return url


async def _mark(url: str) -> None:
    """One row with the mark in every table: birch's own, and the shared ones for birch."""
    owner = await asyncpg.connect(url)
    tables = await owner.fetch(
        """select schemaname as schema, tablename as table from pg_tables
           where schemaname in ('t_birch', 'nightdesk') and tablename <> 'tenants'"""
    )
    await owner.execute("update nightdesk.tenants set name = $1 where id = 'birch'", MARK)
    waiting = [(row["schema"], row["table"]) for row in tables]
    while waiting:
        before = len(waiting)
        for place in list(waiting):
            try:
                await _mark_table(owner, *place)
                waiting.remove(place)
            except asyncpg.ForeignKeyViolationError:
                continue
        assert len(waiting) < before, f"nothing could be put into {waiting}"
    await owner.execute("analyze")
    await owner.close()


async def _mark_table(owner: asyncpg.Connection, schema: str, table: str) -> None:
    columns = await owner.fetch(
        """select column_name as name, data_type as kind from information_schema.columns
           where table_schema = $1 and table_name = $2 and is_identity = 'NO'
             and is_generated = 'NEVER'""",
        schema, table,
    )  # fmt: skip
    values = {row["name"]: _value(f"{table}.{row['name']}", row["kind"]) for row in columns}
    names = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await owner.execute(
        f"insert into {schema}.{table} ({names}) values ({places})", *values.values()
    )


def _value(column: str, kind: str) -> Any:
    if column in CHOICES:
        return CHOICES[column]
    if column.endswith(".tenant_id"):
        return "birch"
    values: dict[str, Any] = {
        "text": MARK, "bytea": MARK.encode(), "jsonb": f'"{MARK}"', "ARRAY": [MARK],
        "bigint": 1, "integer": 1, "boolean": False, "double precision": 1.0,
        "date": date(2026, 4, 13), "timestamp with time zone": datetime(2026, 4, 13, tzinfo=UTC),
    }  # fmt: skip
    return values[kind]


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(command_timeout_s=10, statement_cache=50, connections=2)
    await opened.open(url)
    yield opened
    await opened.close()


async def as_alder(database: Database, sql: str, *args: Any) -> list[asyncpg.Record]:
    """What one statement gives the tenant alder; nothing of it stays."""
    door = await database.tenant("alder")
    rows: list[asyncpg.Record] = []
    try:
        async with door.transaction() as conn:
            rows = await conn.fetch(sql, *args)
            raise Undone
    except Undone:
        return rows


class Undone(Exception):
    """Ends a transaction without a commit."""


async def relations(url: str, kinds: str) -> list[tuple[str, str]]:
    """(schema, name) of every relation of these kinds, catalogs and toast tables included."""
    owner = await asyncpg.connect(url)
    rows = await owner.fetch(
        """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind = any($1::text[]::"char"[]) order by 1, 2""",
        list(kinds),
    )
    await owner.close()
    return [(row[0], row[1]) for row in rows]


async def test_everything_a_role_can_read_in_the_whole_database_holds_nothing_of_the_other(
    database: Database, url: str
) -> None:
    busy = await asyncpg.connect(url)
    await busy.execute(f"begin; select '{MARK}'")
    readable, hits = 0, []
    for schema, name in await relations(url, "rvmpftS"):
        try:
            rows = await as_alder(database, f'select r::text as line from "{schema}"."{name}" r')
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            continue
        readable += 1
        lines = [row["line"] or "" for row in rows]
        hits += [(schema, name, line) for line in lines if MARK in line or HEX in line]
        assert schema != "t_birch"
    await busy.close()
    assert hits == []
    assert readable > 150


async def test_every_table_of_the_other_and_of_the_house_refuses_every_kind_of_statement(
    database: Database, url: str
) -> None:
    reached = []
    for schema, name in await relations(url, "rp"):
        is_others = schema in ("t_birch", "public") or (schema, name[:4]) == ("nightdesk", name[:4])
        if not is_others or (schema, name) == ("nightdesk", "wake"):
            continue
        place = f"{schema}.{name}"
        for sql in (
            f"select 1 from {place}", f"insert into {place} default values",
            f"update {place} set {await _a_column(url, schema, name)} = default",
            f"delete from {place}", f"truncate {place}", f"lock table {place} in share mode",
            f"copy {place} to stdout", f"comment on table {place} is 'x'",
            f"create table t_alder.x (like {place})", f"alter table {place} disable trigger all",
        ):  # fmt: skip
            try:
                await as_alder(database, sql)
                reached.append(sql)
            except asyncpg.InsufficientPrivilegeError:
                continue
    assert reached == []


async def _a_column(url: str, schema: str, name: str) -> str:
    owner = await asyncpg.connect(url)
    found = await owner.fetchval(
        """select column_name from information_schema.columns
           where table_schema = $1 and table_name = $2 order by ordinal_position desc limit 1""",
        schema, name,
    )  # fmt: skip
    await owner.close()
    return str(found)


async def test_a_role_has_no_right_of_any_kind_on_what_is_the_others(database: Database) -> None:
    rows = await as_alder(
        database,
        """select c.oid::regclass::text as name from pg_class c
           join pg_namespace n on n.oid = c.relnamespace
           where n.nspname = 't_birch' and case c.relkind
               when 'S' then has_sequence_privilege('t_alder', c.oid, 'usage, select, update')
               when 'r' then has_table_privilege('t_alder', c.oid,
                   'select, insert, update, delete, truncate, references, trigger')
                   or has_any_column_privilege('t_alder', c.oid, 'select, insert, update')
               else false end""",
    )
    assert [row["name"] for row in rows] == []


async def test_a_role_belongs_to_no_role_but_the_common_one_and_can_make_nothing(
    database: Database,
) -> None:
    rows = await as_alder(
        database,
        """select r.rolname, r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolcanlogin
                  or r.rolbypassrls or r.rolreplication as is_more from pg_roles r
           where pg_has_role('t_alder', r.oid, 'member')""",
    )
    assert sorted((row["rolname"], row["is_more"]) for row in rows) == [
        ("nightdesk_tenant", False),
        ("t_alder", False),
    ]
    for sql in (
        "create schema mine", "create table t_alder.mine (a int)", "create table public.x (a int)",
        "create temporary table mine (a int)", "create view t_alder.mine as select 1",
        "create function t_alder.f() returns int language sql as 'select 1'",
        "create function pg_temp.f() returns int language sql as 'select 1'",
        "grant t_birch to t_alder", "alter role t_birch login", "drop table t_alder.turns",
        "alter table t_alder.turns owner to t_birch", "create extension dblink",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_alder(database, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select query_to_xml('select * from t_birch.turns', true, true, '')",
        "select table_to_xml('t_birch.turns', true, true, '')",
        "select schema_to_xml('t_birch', true, true, '')",
        "select nextval('t_birch.turns_id_seq')",
        "select setval('t_birch.turns_id_seq', 1)",
        "select pg_sequence_last_value('t_birch.turns_id_seq')",
        "do $$ begin perform 1 from t_birch.turns; end $$",
        "select pg_read_file('PG_VERSION')",
        "select lo_import('/etc/hosts')",
        "select pg_ls_dir('.')",
        "copy (select 1) to program 'true'",
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
        "select pg_cancel_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
        "set local session_replication_role = replica",
    ],
)
async def test_functions_and_settings_give_a_role_nothing_more(
    database: Database, url: str, sql: str
) -> None:
    busy = await asyncpg.connect(url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_alder(database, sql)
    await busy.close()


async def test_the_house_adds_no_function_that_a_role_could_call(database: Database) -> None:
    rows = await as_alder(
        database,
        """select oid::regprocedure::text as name from pg_proc
           where oid >= 16384 and has_function_privilege('t_alder', oid, 'execute')""",
    )
    assert rows == []


async def test_what_others_ask_the_server_is_hidden(database: Database, url: str) -> None:
    busy = await asyncpg.connect(url)
    await busy.execute(f"begin; select '{MARK}'")
    rows = await as_alder(database, "select distinct query from pg_stat_activity")
    await busy.close()
    assert {row["query"] for row in rows} <= {"<insufficient privilege>", "", None}


async def test_rows_of_wake_follow_the_role_whatever_is_set(database: Database) -> None:
    insert = (
        "insert into nightdesk.wake (tenant_id, kind, key, due_at) values ($1, 'x', 'y', now())"
    )
    door = await database.tenant("alder")
    async with door.transaction() as conn:
        await conn.execute("set local nightdesk.tenant = 'birch'")
        await conn.execute(insert, "alder")
        seen = await conn.fetch("select tenant_id from nightdesk.wake")
        changed = await conn.execute("update nightdesk.wake set attempts = 9")
        gone = await conn.execute("delete from nightdesk.wake where tenant_id = 'birch'")
        assert ([row["tenant_id"] for row in seen], changed, gone) == (
            ["alder"], "UPDATE 1", "DELETE 0",
        )  # fmt: skip
        await conn.execute("delete from nightdesk.wake")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_alder(database, insert, "birch")
    async with door.transaction() as conn:
        await conn.execute(insert, "alder")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_alder(database, "update nightdesk.wake set tenant_id = 'birch'")
    async with door.transaction() as conn:
        await conn.execute("delete from nightdesk.wake")


async def test_one_prepared_statement_serves_both_tenants_each_its_own_rows(url: str) -> None:
    """The text is the same, the connection too: plans must follow the role."""
    own = Database(command_timeout_s=10, statement_cache=50, connections=1)
    await own.open(url)
    for _ in range(8):
        for tenant_id in ("alder", "birch"):
            async with (await own.tenant(tenant_id)).transaction() as conn:
                rows = await conn.fetch("select tenant_id from nightdesk.wake where $1", True)
            assert [row["tenant_id"] for row in rows] == ([] if tenant_id == "alder" else ["birch"])
    await own.close()
