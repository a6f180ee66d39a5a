"""What tests share: real embedded servers, a fresh database each, a built product."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from xdist.scheduler import LoadScopeScheduling

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.embedded import EmbeddedServers, ServerUrls
from app.keys import Keyring, new_key
from app.settings import Settings
from app.tenants import Tenant, Tenants
from tests.net import Net

WHOLE_PATHS = "tests/paths/"


class PathsTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Each file on one worker; the whole paths all on one, for they share a product and a world."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid).split("::")[0]
        return WHOLE_PATHS if file.startswith(WHOLE_PATHS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> PathsTogether:
    """How tests are shared out."""
    return PathsTogether(config, log)


NOON = datetime(2026, 4, 13, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def no_secret_in_logs() -> Iterator[None]:
    """Whatever a test is about, no log line holds a secret."""
    net = Net()
    logging.getLogger().addHandler(net)
    yield
    logging.getLogger().removeHandler(net)
    assert net.caught == []


@pytest.fixture(scope="session")
def embedded_urls() -> Iterator[ServerUrls]:
    """PostgreSQL and Valkey for the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="nightdesk-test-"))
    servers = EmbeddedServers(
        data_dir=folder,
        postgres_bin_dir=None,
        redis_bin=None,
        wants_postgres=True,
        wants_redis=True,
    )
    urls = asyncio.run(servers.start())
    asyncio.run(_hurry(urls.database_url or ""))
    yield urls
    asyncio.run(servers.stop())
    shutil.rmtree(folder, ignore_errors=True)


async def _hurry(url: str) -> None:
    """What is tested is ours, not the disk: a power cut may lose these databases."""
    admin = await asyncpg.connect(url.replace("//app:", "//postgres:"))
    await admin.execute("grant set on parameter session_replication_role to app")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        await admin.execute(f"alter system set {setting} = off")
    await admin.execute("select pg_reload_conf()")
    await admin.close()


SWEEP = """
do $$ declare gone text; begin
    for gone in select nspname from pg_namespace where nspname ~ '^t_' loop
        execute format('drop schema %I cascade', gone);
    end loop;
    if to_regclass('nightdesk.tenants') is not null then
        delete from nightdesk.tenants;
        delete from nightdesk.job_runs;
    end if;
end $$
"""


@pytest.fixture(scope="session")
def swept_database_url(embedded_urls: ServerUrls) -> str:
    """One database for every test that wants a fresh one: sweeping beats creating."""
    base = embedded_urls.database_url or ""
    asyncio.run(_execute(base, "create database fresh"))
    return base.replace("/nightdesk?", "/fresh?")


@pytest.fixture
async def database_url(swept_database_url: str) -> str:
    """A database without tenants."""
    await _execute(swept_database_url, SWEEP)
    return swept_database_url


async def _execute(url: str, sql: str) -> None:
    admin = await asyncpg.connect(url)
    await admin.execute(sql)
    await admin.close()


@pytest.fixture
def clock() -> ManualClock:
    """Noon of 13 April 2026, UTC, until a test moves it."""
    return ManualClock(NOON)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The shared part applied, no tenant yet."""
    opened = Database(command_timeout_s=10, statement_cache=200, connections=6)
    await opened.open(database_url)
    await opened.shared().apply()
    yield opened
    await opened.close()


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    """Tasks of a test, ended with it."""
    owned = Background()
    yield owned
    await owned.cancel()


@pytest.fixture
def bus(database: Database, background: Background) -> Bus:
    """A bus that nobody listens to yet."""
    return Bus(database, background)


@pytest.fixture
def tenants(database: Database, bus: Bus, clock: ManualClock) -> Tenants:
    """An empty directory."""
    return Tenants(database, bus, clock, Keyring((new_key(),)), Settings())


@pytest.fixture
async def tenant(tenants: Tenants) -> Tenant:
    """One tenant that is on."""
    await tenants.add("acme", "Acme Stays")
    return await tenants.set_mode("acme", "on")
