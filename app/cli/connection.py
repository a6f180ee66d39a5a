"""What a command works with: the product's parts on the running database, or on one of its own.

The lock of the embedded servers is the app's. A command takes it only where no app runs, and gives
it back at its end.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from app.background import Background
from app.bots.library import Libraries
from app.bus import Bus
from app.chat.operator import Operators
from app.clock import Clock
from app.conversations import Conversations
from app.db import CONNECTION_ERRORS, Database
from app.embedded import EmbeddedServers, running_urls
from app.errors import BadInput, Conflict, Unavailable
from app.escalation.cases import Cases
from app.hotlines import Hotlines
from app.jobs import Jobs
from app.keys import Keyring, process_keyring
from app.pms.stay import Stays
from app.settings import Settings, load_settings
from app.telemetry import Telemetry
from app.tenants import Tenants
from app.voice.calls import Calls

CONFIG_FILE = Path("config.toml")
CONNECTIONS = 3
"""A command does one thing at a time; NOTIFY goes out beside it."""
NEWS_S = 5.0
"""How long the end of a command waits for other processes to be told, in seconds."""
STARTING_TRIES = 50
"""An app that has just taken the lock is given 10 s to have its servers answer."""
STARTING_PAUSE_S = 0.2

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts that commands use, open."""

    settings: Settings
    keyring: Keyring
    clock: Clock
    background: Background
    database: Database
    bus: Bus
    tenants: Tenants
    libraries: Libraries
    jobs: Jobs
    conversations: Conversations
    cases: Cases
    operators: Operators
    hotlines: Hotlines
    calls: Calls


def settings_of(config: Path | None) -> Settings:
    """The settings of the given file, else of ./config.toml where there is one.

    Raises:
        BadInput: they cannot be used.
    """
    if config is None and CONFIG_FILE.exists():
        config = CONFIG_FILE
    return load_settings(config)


def at_desk(command: Callable[[Desk], Awaitable[T]]) -> T:
    """Run a command of the current click context against the product's parts."""
    settings = settings_of(click.get_current_context().find_object(Path))

    async def run() -> T:
        async with connected(settings) as desk:
            return await command(desk)

    return asyncio.run(run())


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Desk]:
    """The parts, open; at the end other processes have been told what changed.

    Raises:
        BadInput: there is no key, or the servers cannot be had.
        Conflict: another process holds the data directory and its servers do not answer.
        Unavailable: the database cannot be reached.
    """
    async with AsyncExitStack() as stack:
        url = await _database_url(settings, stack)
        keyring = _keyring(settings)
        background = Background()
        telemetry = Telemetry(settings.telemetry)
        stack.callback(telemetry.close)
        database = Database(
            command_timeout_s=settings.database.command_timeout_s,
            statement_cache=settings.database.statement_cache,
            connections=CONNECTIONS,
        )
        stack.push_async_callback(database.close)
        try:
            await database.open(url)
        except CONNECTION_ERRORS as exc:
            raise Unavailable("the database cannot be reached") from exc
        await database.shared().apply()
        stack.push_async_callback(background.drain, NEWS_S)
        yield _joined(settings, keyring, background, telemetry, database)


def _joined(
    settings: Settings,
    keyring: Keyring,
    background: Background,
    telemetry: Telemetry,
    database: Database,
) -> Desk:
    clock = Clock()
    bus = Bus(database, background)
    jobs = Jobs(
        database=database, bus=bus, clock=clock, background=background, telemetry=telemetry,
        settings=settings.jobs,
    )  # fmt: skip
    tenants = Tenants(database, bus, clock, keyring, settings)
    conversations = Conversations(bus)
    cases = Cases(database=database, bus=bus, clock=clock, jobs=jobs, tenants=tenants)
    operators = Operators(
        database=database, tenants=tenants, clock=clock, jobs=jobs, conversations=conversations,
        cases=cases, stays=Stays(),
    )  # fmt: skip
    return Desk(
        settings=settings, keyring=keyring, clock=clock, background=background, database=database,
        bus=bus, tenants=tenants, libraries=Libraries(database, bus, clock), jobs=jobs,
        conversations=conversations, cases=cases, operators=operators,
        hotlines=Hotlines(database, bus, tenants),
        calls=Calls(database=database, bus=bus, conversations=conversations, clock=clock),
    )  # fmt: skip


async def _database_url(settings: Settings, stack: AsyncExitStack) -> str:
    """The configured database, else the one that runs, else one started for this command."""
    if settings.secrets.database_url is not None:
        return settings.secrets.database_url.get_secret_value()
    tries = 0
    while True:
        if (running := running_urls(settings.data.dir)) is not None:
            return _known(running.database_url)
        servers = _servers(settings)
        try:
            urls = await servers.start()
        except Conflict:
            tries += 1
            if tries == STARTING_TRIES:
                raise
            await asyncio.sleep(STARTING_PAUSE_S)
            continue
        stack.push_async_callback(servers.stop)
        return _known(urls.database_url)


def _servers(settings: Settings) -> EmbeddedServers:
    data = settings.data
    return EmbeddedServers(
        data_dir=data.dir,
        postgres_bin_dir=Path(data.postgres_bin_dir) if data.postgres_bin_dir else None,
        redis_bin=None,
        wants_postgres=True,
        wants_redis=False,
    )


def _known(url: str | None) -> str:
    if url is None:
        raise BadInput(
            "the running app has a database of its own; set NIGHTDESK_DATABASE_URL as it does"
        )
    return url


def _keyring(settings: Settings) -> Keyring:
    configured = settings.secrets.encryption_keys
    return process_keyring(
        configured.get_secret_value() if configured else None,
        data_dir=settings.data.dir,
        is_embedded=settings.secrets.database_url is None,
    )
