"""Cancelled, killed and broken transactions of two tenants on one small pool: what is left after.

Every storm is seeded; a failure prints its seed. Afterwards each connection of the pool is looked
at: no role, no setting, no transaction, no lock of anybody may be left on it.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from app.clock import Clock
from app.db import Connection, Database, TenantDoor
from app.errors import ProductError
from app.tenants import Tenants

CONNECTIONS = 4
TASKS = 120
SEEDS = (1, 2)
NAMES = ("alder", "birch")
BREAKS = (
    ProductError,
    asyncpg.PostgresError,
    TimeoutError,
    Broken := type("Broken", (Exception,), {}),
)


class Storm:
    """Work of two tenants on a pool, while everything happens to it."""

    def __init__(self, database: Database, url: str, seed: int) -> None:
        self.database = database
        self.url = url
        self.dice = random.Random(seed)
        self.seen: list[tuple[str, str]] = []
        """(tenant whose door it was, name under which its row was found)."""
        self.doors: dict[str, TenantDoor] = {}
        self.late: set[asyncio.Task[None] | None] = set()
        """Whose own statement took too long, on purpose."""

    async def work(self, tenant_id: str) -> None:
        """A transaction of a few statements, one of which may go wrong."""
        steps: list[Callable[[Connection], Awaitable[Any]]] = [
            self._look, self._write, self._sleep, self._fail, self._time_out, self._lock,
        ]  # fmt: skip
        async with self.doors[tenant_id].transaction() as conn:
            for step in self.dice.choices(steps, weights=(8, 4, 3, 1, 1, 2), k=4):
                await step(conn)
                if step == self._look:
                    self.seen.append((tenant_id, await self._look(conn)))
            if self.dice.random() < 0.1:
                conn.after_commit.append(self._break)
            if self.dice.random() < 0.1:
                raise Broken
        if self.dice.random() < 0.3:
            await self._take_in(tenant_id)
        if self.dice.random() < 0.3:
            async with self.database.shared().transaction() as conn:
                await conn.fetchval("select count(*) from nightdesk.tenants")

    async def _look(self, conn: Connection) -> str:
        return str(await conn.fetchval("select value #>> '{}' from {schema}.pms_state"))

    async def _take_in(self, tenant_id: str) -> None:
        """The one statement that enters a role by itself."""
        moment, key = Clock().now(), str(self.dice.random())
        await self.doors[tenant_id].call(
            "select nightdesk.take_in($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [1], ["x"], [key], ["{}"], [b""], [moment], [None],
        )  # fmt: skip

    async def _write(self, conn: Connection) -> None:
        await conn.execute("update {schema}.pms_state set as_of = now()")

    async def _sleep(self, conn: Connection) -> None:
        await conn.fetchval("select pg_sleep($1::float)", self.dice.uniform(0, 0.02))

    async def _fail(self, conn: Connection) -> None:
        await conn.fetchval("select 1 / $1::int", 0)

    async def _time_out(self, conn: Connection) -> None:
        self.late.add(asyncio.current_task())
        await conn.execute("set local statement_timeout = 5")
        await conn.fetchval("select pg_sleep(1)")

    async def _lock(self, conn: Connection) -> None:
        await conn.execute("select pg_advisory_xact_lock(7)")

    async def _break(self) -> None:
        raise Broken

    async def rages(self, *, is_killing: bool) -> None:
        """Every task is cancelled at some await, or a backend is killed under it, or neither."""
        for name in NAMES:
            self.doors[name] = await self.database.tenant(name)
        tasks: list[asyncio.Task[None]] = []
        killer = await asyncpg.connect(self.url)
        for _ in range(TASKS):
            tasks.append(asyncio.ensure_future(self.work(self.dice.choice(NAMES))))
            for _ in range(self.dice.randrange(8)):
                await asyncio.sleep(0)
            await asyncio.sleep(self.dice.choice((0, 0, 0.001, 0.004)))
            if self.dice.random() < 0.5:
                self.dice.choice(tasks).cancel()
            if is_killing and self.dice.random() < 0.15:
                await killer.execute(KILL, self.dice.random())
        async with asyncio.timeout(60):
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await killer.close()
        for task, outcome in zip(tasks, outcomes, strict=True):
            assert outcome is None or isinstance(outcome, (*BREAKS, asyncio.CancelledError))
            if isinstance(outcome, asyncpg.QueryCanceledError):
                assert task in self.late, "a cancel meant for another's statement"


KILL = """
select pg_terminate_backend(pid) from (
    select pid from pg_stat_activity
    where datname = current_database() and application_name = 'storm' and pid <> pg_backend_pid()
    order by hashfloat8(pid * $1::float8) limit 1) one
"""
LEFT = """
select current_user::text as role, session_user::text as login,
       (select count(*) from pg_locks where pid = pg_backend_pid()
           and locktype = 'advisory') as advisory,
       (select count(*) from pg_listening_channels()) as channels,
       (select count(*) from pg_cursors where is_holdable) as cursors,
       (select count(*) from pg_class where relpersistence = 't') as temporary,
       (select array_agg(name || '=' || setting order by name) from pg_settings
        where source = 'session' and name <> 'jit') as settings
"""
"""asyncpg itself turns the compiler off and on again while it asks for types."""


@pytest.fixture
async def pool(database: Database, database_url: str, tenants: Tenants) -> AsyncIterator[Database]:
    """A small pool of its own on a database of two tenants, each with a row that names it."""
    for name in NAMES:
        await tenants.add(name, name)
        async with (await database.tenant(name)).transaction() as conn:
            await conn.execute(
                "insert into {schema}.pms_state values ('whose', to_jsonb($1::text), now())", name
            )
    opened = Database(command_timeout_s=5, statement_cache=50, connections=CONNECTIONS)
    await opened.open(f"{database_url}&application_name=storm")
    yield opened
    await opened.close()


async def left_on(pool: Database) -> list[dict[str, Any]]:
    """What stands on every connection of the pool, all of them taken at once."""
    rows: list[dict[str, Any]] = []
    all_taken = asyncio.Barrier(CONNECTIONS)

    async def look() -> None:
        async with pool.shared().transaction() as conn:
            row = await conn.fetchrow(LEFT)
            assert row is not None
            rows.append(dict(row))
            await all_taken.wait()

    async with asyncio.timeout(10):
        await asyncio.gather(*(look() for _ in range(CONNECTIONS)))
    return rows


async def backends(url: str) -> list[tuple[str, bool, int]]:
    """(state, whether a transaction is open, locks held) of every backend of the pool."""
    admin = await asyncpg.connect(url)
    rows = await admin.fetch(
        """select state, xact_start is not null as is_open,
                  (select count(*) from pg_locks l where l.pid = a.pid) as locks
           from pg_stat_activity a
           where datname = current_database() and application_name = 'storm'"""
    )
    await admin.close()
    return [(row["state"], row["is_open"], row["locks"]) for row in rows]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_killing", [False, True], ids=["cancelled", "killed"])
async def test_after_a_storm_nothing_of_anybody_is_left_on_the_pool(
    pool: Database, database_url: str, seed: int, is_killing: bool
) -> None:
    storm = Storm(pool, database_url, seed)
    await storm.rages(is_killing=is_killing)
    assert {found for whose, found in storm.seen if whose != found} == set(), f"seed {seed}"
    assert len(storm.seen) > TASKS / 4
    clean = {
        "role": "app", "login": "app", "advisory": 0, "channels": 0, "cursors": 0, "temporary": 0,
        "settings": ["idle_in_transaction_session_timeout=30000"],  # of the look's own transaction
    }  # fmt: skip
    assert await left_on(pool) == [clean] * CONNECTIONS, f"seed {seed}"
    states = await backends(database_url)
    assert len(states) <= CONNECTIONS, f"seed {seed}"
    assert {state for state in states} <= {("idle", False, 0)}, f"seed {seed}"
    for name in NAMES * CONNECTIONS:
        async with (await pool.tenant(name)).transaction() as conn:
            assert await conn.fetchval("select current_user") == f"t_{name}"
            assert await conn.fetchval("select value #>> '{}' from {schema}.pms_state") == name
