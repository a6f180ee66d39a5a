"""The doors to PostgreSQL: `shared()` for the directory, `tenant(id)` for one operator's schema.

A tenant's transaction runs as that tenant's own role, which can read nothing of another tenant;
`{schema}` in a statement is filled in here alone, from the validated name in the directory. What
must wait for the commit (events, hurrying a job) is handed to `after_commit`.
"""

import asyncio
import contextlib
import functools
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import asyncpg
import orjson

from app.errors import BadInput, NotFound, Unavailable

logger = logging.getLogger(__name__)

SCHEMA_FILE = Path(__file__).parent.parent / "schema.sql"
CHANGES_DIR = Path(__file__).parent / "changes"
SCHEMA_NAME = re.compile(r"^t_[a-z0-9_]{1,40}$")
CONNECTION_ERRORS = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    TimeoutError,
)
"""What asyncpg raises while the server is away, full, or asks to try again: `Unavailable`."""

REFUSALS = (
    asyncpg.ClientConfigurationError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
"""What asyncpg raises where a URL is wrong."""

GIVE_UP = "set local idle_in_transaction_session_timeout = '30s'"
"""A process that froze, or a host that is gone, holds its locks no longer than this."""
UniqueViolation = asyncpg.UniqueViolationError
CheckViolation = asyncpg.CheckViolationError
AfterCommit = Callable[[], Awaitable[None]]
Row = asyncpg.Record


@functools.lru_cache(maxsize=8192)
def _in_schema(sql: str, schema: str) -> str:
    return sql.replace("{schema}", schema)


class Connection:
    """A connection inside one transaction, bound to a tenant's schema or to the shared part."""

    def __init__(self, raw: Any, schema: str) -> None:
        self._raw = raw
        self._schema = schema
        self.after_commit: list[AfterCommit] = []

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """All rows."""
        return cast("list[Row]", await self._raw.fetch(_in_schema(sql, self._schema), *args))

    async def fetchrow(self, sql: str, *args: Any) -> Row | None:
        """The first row, or none."""
        return cast("Row | None", await self._raw.fetchrow(_in_schema(sql, self._schema), *args))

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row."""
        return await self._raw.fetchval(_in_schema(sql, self._schema), *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run it; the command tag."""
        return cast("str", await self._raw.execute(_in_schema(sql, self._schema), *args))

    async def executemany(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """Run it once a row."""
        await self._raw.executemany(_in_schema(sql, self._schema), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaPlace:
    """Where a tenant's rows live."""

    tenant_id: str
    schema: str
    dsn: str | None


class TenantDoor:
    """One tenant's rows; nothing else can be reached through it."""

    def __init__(self, database: "Database", place: SchemaPlace) -> None:
        self._database = database
        self.tenant_id = place.tenant_id
        self._place = place

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction as the tenant's role; `after_commit` runs once it has closed."""
        place = self._place
        begin = (
            f"begin; {GIVE_UP}; set local role {place.schema}; "
            f"set local nightdesk.tenant = '{place.tenant_id}'"
        )
        async with self._database.transaction_on(place.dsn, begin, place.schema) as conn:
            yield conn


class Database:
    """Pools, and the doors through them."""

    def __init__(self, *, command_timeout_s: float, statement_cache: int, connections: int) -> None:
        self._command_timeout_s = command_timeout_s
        self._statement_cache = statement_cache
        self._connections = connections
        self._home: str | None = None
        self._pools: dict[str, asyncpg.Pool[Row]] = {}
        self._places: dict[str, SchemaPlace] = {}
        self._opening = asyncio.Lock()

    async def open(self, dsn: str) -> None:
        """Connect; the schema is applied apart, by `SharedDoor.apply`.

        Raises:
            BadInput: the URL, the account or the name of the database is wrong.
            Unavailable: the server cannot be reached.
        """
        self._home = dsn
        try:
            await self._pool(None)
        except (ValueError, *REFUSALS) as exc:
            raise BadInput(
                "PostgreSQL refuses the database URL: account, password or database is wrong"
            ) from exc
        except CONNECTION_ERRORS as exc:
            raise Unavailable("the database cannot be reached") from exc

    async def close(self) -> None:
        """Close every pool; a connection that does not end in time is cut."""
        self._home = None
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            try:
                await asyncio.wait_for(pool.close(), timeout=5)
            except TimeoutError:
                pool.terminate()

    def shared(self) -> "SharedDoor":
        """The door to the shared part."""
        return SharedDoor(self)

    async def tenant(self, tenant_id: str) -> TenantDoor:
        """The door to one tenant's schema.

        Raises:
            NotFound: there is no such tenant.
        """
        place = self._places.get(tenant_id)
        if place is None:
            async with self.shared().transaction() as conn:
                row = await conn.fetchrow(
                    "select id, schema_name, dsn from nightdesk.tenants where id = $1", tenant_id
                )
            if row is None:
                raise NotFound(f"there is no tenant {tenant_id!r}")
            place = self.remember(row["id"], row["schema_name"], row["dsn"])
        return TenantDoor(self, place)

    def remember(self, tenant_id: str, schema: str, dsn: str | None) -> SchemaPlace:
        """Keep where a tenant's rows live, after checking the name."""
        if not SCHEMA_NAME.match(schema) or not re.fullmatch(r"[a-z0-9-]{1,40}", tenant_id):
            raise NotFound(f"tenant {tenant_id!r} has no valid schema name")
        place = SchemaPlace(tenant_id=tenant_id, schema=schema, dsn=dsn)
        self._places[tenant_id] = place
        return place

    def forget(self, tenant_id: str) -> None:
        """Drop what was kept of a tenant's place."""
        self._places.pop(tenant_id, None)

    @asynccontextmanager
    async def transaction_on(
        self, dsn: str | None, begin: str, schema: str
    ) -> AsyncIterator[Connection]:
        """A transaction on a pool, opened by the given statement.

        Raises:
            Unavailable: the server cannot be reached.
        """
        try:
            pool = await self._pool(dsn)
            raw = await pool.acquire(timeout=self._command_timeout_s)
        except CONNECTION_ERRORS as exc:
            raise Unavailable("the database is away") from exc
        is_done = False
        try:
            await raw.execute(begin)
            conn = Connection(raw, schema)
            yield conn
            await raw.execute("commit")
            is_done = True
        except CONNECTION_ERRORS as exc:
            if isinstance(exc, TimeoutError) and _is_open(raw):
                raise
            raise Unavailable("the database is away") from exc
        except asyncpg.DataError as exc:
            raise BadInput("the database cannot hold one of the values") from exc
        finally:
            await asyncio.shield(self._give_back(pool, raw, is_done=is_done))
        for call in conn.after_commit:
            await call()

    async def _give_back(self, pool: Any, raw: Any, *, is_done: bool) -> None:
        """Roll back what was not committed; a connection that cannot be cleaned is thrown away."""
        try:
            if not is_done and _is_open(raw):
                await raw.execute("rollback", timeout=5)
        except (*CONNECTION_ERRORS, asyncpg.PostgresError):
            with contextlib.suppress(asyncpg.InterfaceError):
                raw.terminate()
        finally:
            await pool.release(raw)

    async def listen(self, channel: str, heard: Callable[[str], None]) -> "Listener":
        """A connection of its own that hears NOTIFY on a channel."""
        if self._home is None:
            raise Unavailable("the database is not open")
        listener = Listener(self._home, channel, heard)
        await listener.connect()
        return listener

    async def _pool(self, dsn: str | None) -> "asyncpg.Pool[Row]":
        if self._home is None:
            raise Unavailable("the database is not open")
        key = dsn or self._home
        if (pool := self._pools.get(key)) is not None:
            return pool
        async with self._opening:
            if key not in self._pools:
                self._pools[key] = await asyncpg.create_pool(
                    key,
                    min_size=1,
                    max_size=self._connections,
                    command_timeout=self._command_timeout_s,
                    statement_cache_size=self._statement_cache,
                    init=_prepare_connection,
                    reset=_keep_session,
                )
        return self._pools[key]


class SharedDoor:
    """The tenant directory, accounts, the wake table, job runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction on the shared part."""
        async with self._database.transaction_on(None, f"begin; {GIVE_UP}", "{no_schema}") as conn:
            yield conn

    async def apply(self) -> None:
        """Bring the shared part and every tenant's schema up to date; many may at once."""
        async with self.transaction() as conn:
            await _lock(conn, "nightdesk")
            await conn.execute(
                "create table if not exists public.nightdesk_schema (version int not null)"
            )
            version = await conn.fetchval("select version from public.nightdesk_schema")
            for number, sql in pending_steps("shared", version):
                await conn.execute(sql)
                version = number
            await conn.execute("delete from public.nightdesk_schema")
            await conn.execute("insert into public.nightdesk_schema values ($1)", version)
            behind = await conn.fetch(
                "select id, schema_name, dsn from nightdesk.tenants where schema_version < $1",
                latest_version("tenant"),
            )
        for row in behind:
            await self.apply_tenant(row["id"], row["schema_name"])

    async def apply_tenant(self, tenant_id: str, schema: str) -> None:
        """Bring one tenant's schema up to date, in one transaction."""
        place = self._database.remember(tenant_id, schema, None)
        async with self._database.transaction_on(None, "begin", place.schema) as conn:
            await _lock(conn, schema)
            version = await conn.fetchval(
                "select schema_version from nightdesk.tenants where id = $1 for update", tenant_id
            )
            if not version:
                await conn.execute(CREATE_TENANT_SCHEMA)
            for number, sql in pending_steps("tenant", version or None):
                await conn.execute(sql)
                version = number
            await conn.execute(GRANT_TENANT_SCHEMA)
            await conn.execute(
                "update nightdesk.tenants set schema_version = $2 where id = $1", tenant_id, version
            )

    async def drop_tenant_schema(self, schema: str) -> None:
        """Remove a tenant's rows; its directory row is the caller's to delete.

        The role stays, with nothing to read: other databases of the server may have it in use.
        """
        if not SCHEMA_NAME.match(schema):
            raise NotFound("not the schema of a tenant")
        async with self._database.transaction_on(None, "begin", schema) as conn:
            await conn.execute("drop schema if exists {schema} cascade")


CREATE_TENANT_SCHEMA = """
    create schema {schema};
    do $$ begin
        create role {schema} nologin in role nightdesk_tenant;
    exception when duplicate_object or unique_violation then
        grant nightdesk_tenant to {schema};
    end $$;
    do $$ begin
        execute format('grant {schema} to %I', current_user);
    end $$;
"""
GRANT_TENANT_SCHEMA = """
    grant usage on schema {schema} to {schema};
    grant select, insert, update, delete on all tables in schema {schema} to {schema};
    grant usage on all sequences in schema {schema} to {schema};
"""


def pending_steps(part: str, version: int | None) -> list[tuple[int, str]]:
    """The statements that bring a part from a version (none: nothing there) to the newest.

    `schema.sql` is the newest state as a whole; files in `changes/` named `0002_shared_what.sql`
    lead older databases to it.
    """
    if version is None:
        return [(latest_version(part), _part_of_schema(part))]
    return [(number, path.read_text()) for number, path in _changes(part) if number > version]


def latest_version(part: str) -> int:
    """The newest version of a part: 1 and the numbered changes."""
    return max([1, *(number for number, _ in _changes(part))])


def _changes(part: str) -> list[tuple[int, Path]]:
    return sorted((int(p.name[:4]), p) for p in CHANGES_DIR.glob(f"[0-9]*_{part}_*.sql"))


@functools.cache
def _part_of_schema(part: str) -> str:
    text = SCHEMA_FILE.read_text(encoding="utf-8")
    found = re.search(rf"^-- part: {part}\b[^\n]*\n(.*?)(?=^-- part: |\Z)", text, re.M | re.S)
    if found is None:
        raise NotFound(f"schema.sql has no part {part!r}")
    return found.group(1)


async def _lock(conn: Connection, name: str) -> None:
    await conn.execute("select pg_advisory_xact_lock(hashtextextended($1, 42))", name)


async def _prepare_connection(raw: Any) -> None:
    """JSON columns carry Python values."""
    for kind in ("json", "jsonb"):
        await raw.set_type_codec(
            kind,
            schema="pg_catalog",
            encoder=lambda value: orjson.dumps(value).decode(),
            decoder=orjson.loads,
        )


def _is_open(raw: Any) -> bool:
    """Whether it may be used; a pool takes a connection back by itself when the server cuts it."""
    try:
        return not raw.is_closed()
    except asyncpg.InterfaceError:
        return False


async def _keep_session(_raw: Any) -> None:
    """No reset at release: nothing here sets session state, only `set local`."""


class Listener:
    """One connection kept out of the pool, for NOTIFY."""

    def __init__(self, dsn: str, channel: str, heard: Callable[[str], None]) -> None:
        self._dsn = dsn
        self._channel = channel
        self._heard = heard
        self._raw: Any = None

    async def connect(self) -> None:
        """Connect and listen.

        Raises:
            Unavailable: the server cannot be reached.
        """
        try:
            self._raw = await asyncpg.connect(self._dsn)
            await self._raw.add_listener(self._channel, self._on_notify)
        except CONNECTION_ERRORS as exc:
            raise Unavailable("the database is away") from exc

    @property
    def is_open(self) -> bool:
        """Whether notifications can still arrive."""
        return self._raw is not None and not self._raw.is_closed()

    async def close(self) -> None:
        """End the connection."""
        if self._raw is not None:
            try:
                await self._raw.close(timeout=2)
            except CONNECTION_ERRORS:
                self._raw.terminate()

    def _on_notify(self, _conn: Any, _pid: int, _channel: str, payload: str) -> None:
        self._heard(payload)
