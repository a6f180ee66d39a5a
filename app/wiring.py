"""The one place that builds and joins everything.

`build` constructs every part and does no I/O; `Product.opened` opens them in order and closes them
in reverse. The tables at the end say which job is which function and who hears which event.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace.export import SpanExporter
from starlette.routing import BaseRoute

from app import events
from app.background import Background
from app.bots.answer import Mind
from app.bots.library import Libraries
from app.bots.llm import LanguageModel, OpenAiModel
from app.bus import Bus
from app.chat.debounce import Debounce
from app.chat.operator import Operators
from app.chat.outbox import Outbox
from app.chat.reply import Replies
from app.chat.verdict import Verdicts
from app.clock import Clock
from app.conversations import Conversations
from app.db import Database
from app.embedded import EmbeddedServers
from app.errors import ProductError, Unavailable
from app.escalation.cases import Cases
from app.jobs import Job, JobFunction, JobRun, Jobs
from app.keys import Keyring, process_keyring
from app.pms.hostaway import HostawayClient
from app.pms.inbox import Handler, Inbox
from app.pms.passes import Passes
from app.pms.stay import Stays
from app.pms.sync import Mirror
from app.pms.webhook import MESSAGE, RESERVATION, HostawayWebhook
from app.settings import Settings
from app.telemetry import Telemetry
from app.tenants import Tenant, Tenants

logger = logging.getLogger(__name__)

SUPERVISE_S = 2.0
"""How often a dead embedded server is looked for."""


@dataclass(kw_only=True)
class Product:
    """Every part, joined; nothing is open before `opened`."""

    settings: Settings
    clock: Clock
    background: Background
    telemetry: Telemetry
    servers: EmbeddedServers
    public_database: Database
    database: Database
    bus: Bus
    jobs: Jobs
    tenants: Tenants
    conversations: Conversations
    libraries: Libraries
    cases: Cases
    client: HostawayClient
    inbox: Inbox
    mirror: Mirror
    passes: Passes
    mind: Mind
    model: LanguageModel
    debounce: Debounce
    replies: Replies
    outbox: Outbox
    operators: Operators
    webhook: HostawayWebhook
    is_ready: bool = False

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Product"]:
        """Everything open and working; closed in reverse order, running work finished first."""
        drain_s = self.settings.server.drain_s
        async with AsyncExitStack() as stack:
            stack.callback(self.telemetry.close)
            urls = await self._start_servers(stack)
            await self._open_databases(stack, urls[0])
            await self.client.open()
            stack.push_async_callback(self.client.close)
            stack.push_async_callback(self._close_model)
            await self.jobs.connect(urls[1])
            stack.push_async_callback(self.jobs.close)
            stack.push_async_callback(self.bus.close)
            stack.push_async_callback(self.background.drain, 2.0)
            stack.push_async_callback(self.jobs.drain, drain_s)
            self._spawn_loops()
            for tenant in await self.tenants.all():
                await self._schedule(tenant)
            self.is_ready = True
            try:
                yield self
            finally:
                self.is_ready = False

    async def on_settings_changed(self, event: events.SettingsChanged) -> None:
        """A tenant or an account is new: its scheduled work begins."""
        if not self.is_ready:
            return
        try:
            await self._schedule(await self.tenants.get(event.tenant_id))
        except ProductError as exc:
            logger.info("nothing to schedule", extra={"why": str(exc)})

    def public_routes(self) -> list[BaseRoute]:
        """What the outside may call."""
        return [*self.webhook.routes()]

    def desk_routes(self) -> list[BaseRoute]:
        """What people of a tenant see."""
        return []

    async def _start_servers(self, stack: AsyncExitStack) -> tuple[str, str]:
        secrets = self.settings.secrets
        started = await self.servers.start()
        stack.push_async_callback(self.servers.stop)
        self.background.spawn("servers", self._supervise())
        database_url = (
            secrets.database_url.get_secret_value()
            if secrets.database_url
            else started.database_url
        )
        redis_url = secrets.redis_url.get_secret_value() if secrets.redis_url else started.redis_url
        return database_url or "", redis_url or ""

    async def _open_databases(self, stack: AsyncExitStack, url: str) -> None:
        for database in (self.database, self.public_database):
            await database.open(url)
            stack.push_async_callback(database.close)
        await self.database.shared().apply()

    async def _supervise(self) -> None:
        while True:
            await self.clock.sleep(SUPERVISE_S)
            try:
                for name in await self.servers.ensure():
                    logger.error("embedded server was restarted", extra={"server": name})
            except Unavailable as exc:
                logger.error("embedded server cannot start", extra={"why": str(exc)})

    def _spawn_loops(self) -> None:
        self.background.spawn("bus", self.bus.listen())
        self.background.spawn("inbox sweep", self.inbox.sweep())
        self.background.spawn("job worker", self.jobs.work())
        self.background.spawn("job sweep", self.jobs.sweep())

    async def _schedule(self, tenant: Tenant) -> None:
        door = await self.database.tenant(tenant.id)
        async with door.transaction() as conn:
            await self.passes.schedule(conn, tenant)
            await self.jobs.arm_unless_armed(
                conn, tenant_id=tenant.id, kind=Job.PURGE, key="daily", due_at=self.clock.now()
            )

    async def _close_model(self) -> None:
        if isinstance(self.model, OpenAiModel):
            await self.model.close()


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    model: LanguageModel | None = None,
    exporter: SpanExporter | None = None,
) -> Product:
    """Every part of the product, joined; no I/O but reading or making the key file.

    Raises:
        BadInput: a setting or key is missing or malformed.
    """
    clock = clock or Clock()
    secrets = settings.secrets
    keyring = _keyring(settings)
    background = Background()
    telemetry = Telemetry(settings.telemetry, exporter)
    database = _database(settings, settings.database.desk_connections)
    public_database = _database(settings, settings.database.public_connections)
    bus = Bus(database, background)
    jobs = Jobs(
        database=database, bus=bus, clock=clock, background=background, telemetry=telemetry,
        settings=settings.jobs,
    )  # fmt: skip
    tenants = Tenants(database, bus, clock, keyring, settings)
    conversations = Conversations(bus)
    stays = Stays()
    client = HostawayClient(
        settings=settings.hostaway, tenants=tenants, clock=clock, telemetry=telemetry
    )
    mirror = Mirror(
        database=database, tenants=tenants, client=client, clock=clock, bus=bus,
        conversations=conversations, stays=stays, settings=settings.sync,
    )  # fmt: skip
    passes = Passes(
        database=database, tenants=tenants, client=client, clock=clock, jobs=jobs,
        conversations=conversations, mirror=mirror, settings=settings.sync,
        public_url=settings.server.public_url,
    )  # fmt: skip
    inbox = Inbox(
        database=database, tenants=tenants, clock=clock, background=background,
        telemetry=telemetry, sweep_s=settings.jobs.sweep_s,
    )  # fmt: skip
    libraries = Libraries(database, bus, clock)
    model = model or OpenAiModel(
        secrets.openai_api_key.get_secret_value() if secrets.openai_api_key else None
    )
    mind = Mind(database=database, libraries=libraries, model=model)
    cases = Cases(database=database, bus=bus, clock=clock, jobs=jobs, tenants=tenants)
    verdicts = Verdicts(
        bus=bus, clock=clock, jobs=jobs, conversations=conversations, cases=cases, mind=mind
    )
    debounce = Debounce(
        bus=bus, clock=clock, jobs=jobs, mirror=mirror, stays=stays, conversations=conversations,
        cases=cases, verdicts=verdicts,
    )  # fmt: skip
    replies = Replies(
        database=database, tenants=tenants, clock=clock, mirror=mirror,
        conversations=conversations, cases=cases, mind=mind, debounce=debounce, verdicts=verdicts,
    )  # fmt: skip
    outbox = Outbox(
        database=database, tenants=tenants, clock=clock, bus=bus, jobs=jobs, client=client,
        mirror=mirror, stays=stays, conversations=conversations, cases=cases,
    )  # fmt: skip
    operators = Operators(
        database=database, tenants=tenants, clock=clock, jobs=jobs, conversations=conversations,
        cases=cases, stays=stays,
    )  # fmt: skip
    webhook = HostawayWebhook(
        tenants=tenants, inbox=inbox, database=public_database, telemetry=telemetry,
        max_body_bytes=settings.server.max_body_bytes,
    )  # fmt: skip
    product = Product(
        settings=settings, clock=clock, background=background, telemetry=telemetry,
        servers=_servers(settings), public_database=public_database, database=database, bus=bus,
        jobs=jobs, tenants=tenants, conversations=conversations, libraries=libraries, cases=cases,
        client=client, inbox=inbox, mirror=mirror, passes=passes, mind=mind, model=model,
        debounce=debounce, replies=replies, outbox=outbox, operators=operators, webhook=webhook,
    )  # fmt: skip
    jobs.register(JOBS(product))
    inbox.register(INBOX(product))
    for event_type, handler in SUBSCRIPTIONS(product):
        bus.subscribe(event_type, handler)
    return product


def JOBS(p: Product) -> Mapping[Job, JobFunction]:
    """Which function does which job."""
    return {
        Job.REPLY: p.replies.answer,
        Job.READ_THREAD: p.replies.look,
        Job.SEND: p.outbox.send,
        Job.CHECK_SENT: p.outbox.check_sent,
        Job.RESERVATION: p.passes.fetch_reservation,
        Job.FIND_THREAD: p.passes.find_thread,
        Job.FULL_SYNC: p.passes.full_sync,
        Job.RECENT_SYNC: p.passes.recent_sync,
        Job.UNREAD_SYNC: p.passes.unread_sync,
        Job.UNACKNOWLEDGED: p.cases.remind,
        Job.PURGE: _purge(p),
    }


def INBOX(p: Product) -> Mapping[str, Handler]:
    """Who handles which kind of webhook event."""
    return {MESSAGE: p.debounce.on_message_event, RESERVATION: p.debounce.on_reservation_event}


Subscription = tuple[type[events.Event], Callable[[Any], Awaitable[None]]]


def SUBSCRIPTIONS(p: Product) -> list[Subscription]:
    """Who hears which event, in order."""
    return [
        (events.SettingsChanged, p.tenants.on_settings_changed),
        (events.SettingsChanged, p.on_settings_changed),
        (events.LibraryPublished, p.libraries.on_published),
        (events.JobFailed, p.replies.on_job_failed),
    ]


def _purge(p: Product) -> JobFunction:
    """Job: words older than the retention are deleted, once a day."""

    async def purge(run: JobRun) -> datetime | None:
        door = await p.database.tenant(run.tenant_id)
        async with door.transaction() as conn:
            run.counts["turns"] = await p.conversations.purge(
                conn, p.clock.now(), days=p.settings.retention.turn_days
            )
        return p.clock.now() + timedelta(days=1)

    return purge


def _database(settings: Settings, connections: int) -> Database:
    return Database(
        command_timeout_s=settings.database.command_timeout_s,
        statement_cache=settings.database.statement_cache,
        connections=connections,
    )


def _servers(settings: Settings) -> EmbeddedServers:
    """The embedded servers that no URL replaces."""
    data = settings.data
    return EmbeddedServers(
        data_dir=data.dir,
        postgres_bin_dir=Path(data.postgres_bin_dir) if data.postgres_bin_dir else None,
        redis_bin=Path(data.redis_bin) if data.redis_bin else None,
        wants_postgres=settings.secrets.database_url is None,
        wants_redis=settings.secrets.redis_url is None,
    )


def _keyring(settings: Settings) -> Keyring:
    configured = settings.secrets.encryption_keys
    return process_keyring(
        configured.get_secret_value() if configured else None,
        data_dir=settings.data.dir,
        is_embedded=settings.secrets.database_url is None,
    )
