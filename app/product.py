"""The product: every part, joined, opened in order and closed in reverse."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.routing import BaseRoute

from app import events
from app.background import Background
from app.bots.answer import Mind
from app.bots.library import Libraries
from app.bots.llm import LanguageModel, LateModel
from app.bots.words import words_loaded
from app.bus import Bus
from app.chat.after_call import AfterCalls
from app.chat.debounce import Debounce
from app.chat.operator import Operators
from app.chat.outbox import Outbox
from app.chat.reply import Replies
from app.chat.retention import Retention
from app.chat.send_check import SendChecks
from app.clock import BEAT_S, Clock
from app.conversations import Conversations
from app.db import Database
from app.embedded import EmbeddedServers
from app.errors import ProductError, Unavailable
from app.escalation.cases import Cases
from app.hotlines import Hotlines
from app.jobs import Job, Jobs
from app.panel.live import Live
from app.panel.render import Pages
from app.pms.hostaway import HostawayClient
from app.pms.inbox import Inbox
from app.pms.passes import Passes
from app.pms.sync import Mirror
from app.pms.webhook import HostawayWebhook
from app.settings import Settings
from app.slack.alerts import Alerts
from app.slack.client import SlackClient
from app.slack.notices import Notices
from app.telemetry import Telemetry
from app.tenants import Tenant, Tenants
from app.voice.calls import Calls
from app.voice.late import LateLive
from app.voice.snapshot import Snapshot
from app.voice.twilio import TwilioWebhooks

logger = logging.getLogger(__name__)

WARM_AFTER_S = 3.0
"""What waits from before a restart comes first; whoever needs a package loads it at once."""
SUPERVISE_S = 0.5
"""How often a dead embedded server is looked for."""


class Desk(Protocol):
    """A part of the desk."""

    def routes(self) -> list[BaseRoute]:
        """What it serves."""


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
    send_checks: SendChecks
    after_calls: AfterCalls
    operators: Operators
    webhook: HostawayWebhook
    retention: Retention
    alerts: Alerts
    notices: Notices
    slack: SlackClient
    live: Live
    hotlines: Hotlines
    snapshot: Snapshot
    twilio: TwilioWebhooks
    calls: LateLive
    kept_calls: Calls
    pages: Pages
    desk: tuple[Desk, ...]
    """Every part of the desk that has routes."""
    is_ready: bool = False
    is_warm: bool = False
    """What takes long to load is loaded, or under way."""
    loops: list[asyncio.Task[Any]] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Product"]:
        """Everything open and working; closed in reverse order, running work finished first."""
        drain_s = self.settings.server.drain_s
        async with AsyncExitStack() as stack:
            stack.callback(self.telemetry.close)
            urls = await self._start_servers(stack)
            await self._open_databases(stack, urls[0])
            await self._warm_up()
            if self.settings.secrets.database_url is None:
                await self.jobs.reclaim()
            await self.client.open()
            stack.push_async_callback(self.client.close)
            stack.push_async_callback(self.model.close)
            await self.jobs.connect(urls[1])
            stack.push_async_callback(self.jobs.close)
            stack.push_async_callback(self.bus.close)
            stack.push_async_callback(self.background.drain, 2.0)
            stack.push_async_callback(self._end_loops)
            stack.push_async_callback(self.jobs.drain, drain_s)
            self._spawn_loops()
            await self.jobs.hurry_coming()
            for tenant in await self.tenants.all():
                await self._schedule(tenant, is_start=True)
                if self.settings.secrets.database_url is None:
                    await self.kept_calls.close_left(tenant.id)
            await self.snapshot.refresh()
            stack.push_async_callback(self.calls.close)
            await self._load_hotline()
            self.is_ready = True
            self._tell_what_is_missing()
            try:
                yield self
            finally:
                self.is_ready = False

    async def on_settings_changed(self, event: events.SettingsChanged) -> None:
        """A tenant or an account is new: its scheduled work begins; a voice may be another."""
        await self.snapshot.on_changed(event)
        if not self.is_ready:
            return
        await self._warm_up()
        await self._load_hotline()
        try:
            await self._schedule(await self.tenants.get(event.tenant_id), is_start=False)
        except ProductError as exc:
            logger.info("nothing to schedule", extra={"why": str(exc)})

    async def on_news_missed(self, event: events.NewsMissed) -> None:
        """Look for what the outside said while it could not reach us."""
        if not self.is_ready:
            return
        try:
            await self._schedule(await self.tenants.get(event.tenant_id), is_start=True)
        except ProductError as exc:
            logger.info("nothing to look for", extra={"why": str(exc)})

    async def on_hotline_changed(self, event: events.Event) -> None:
        """A telephone number is new or gone, hangs on another account, or may have changed."""
        await self.snapshot.on_changed(event)
        if self.is_ready:
            await self._load_hotline()

    async def _load_hotline(self) -> None:
        """The live part of the hotline, where anybody has a number."""
        if self.snapshot.numbers:
            await self.calls.load()
            self.background.spawn("greetings", self.calls.prepare())

    def public_routes(self) -> list[BaseRoute]:
        """What the outside may call."""
        return [*self.webhook.routes(), *self.twilio.routes(), *self.calls.routes()]

    def desk_routes(self) -> list[BaseRoute]:
        """What people of a tenant see."""
        return [route for part in self.desk for route in part.routes()]

    async def _start_servers(self, stack: AsyncExitStack) -> tuple[str, str]:
        secrets = self.settings.secrets
        started = await self.servers.start()
        stack.push_async_callback(self.servers.stop)
        self.loops.append(self.background.keep("servers", self._supervise))
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

    async def _watch(self) -> None:
        """Notice that the process stood still: nobody knows what was lost meanwhile."""
        while True:
            if stood_s := self.clock.beat():
                logger.warning("process stood still", extra={"seconds": round(stood_s)})
                for tenant in await self.tenants.all():
                    await self._schedule(tenant, is_start=True)
            await asyncio.sleep(BEAT_S)

    def _spawn_loops(self) -> None:
        loops = {
            "bus": self.bus.listen,
            "inbox sweep": self.inbox.sweep,
            "job worker": self.jobs.work,
            "job sweep": self.jobs.sweep,
            "watch": self._watch,
        }
        for name, loop in loops.items():
            self.loops.append(self.background.keep(name, loop))

    async def _end_loops(self) -> None:
        for loop in self.loops:
            loop.cancel()
        await asyncio.gather(*self.loops, return_exceptions=True)

    async def _schedule(self, tenant: Tenant, *, is_start: bool) -> None:
        await self.tenants.accounts(tenant.id)  # read before: one connection at a time
        door = await self.database.tenant(tenant.id)
        async with door.transaction() as conn:
            await self.passes.schedule(conn, tenant, is_start=is_start)
            await self.jobs.arm_unless_armed(
                conn, tenant_id=tenant.id, kind=Job.PURGE, key="daily", due_at=self.clock.now()
            )

    def _tell_what_is_missing(self) -> None:
        """What works all the same, but not as somebody may expect."""
        if self.settings.secrets.openai_api_key is None:
            logger.info("no model key, people answer what facts do not: set OPENAI_API_KEY")

    async def _warm_up(self) -> None:
        """Begin to load what takes long, where anybody is served: else memory stays small."""
        is_serving = any(tenant.mode != "off" for tenant in await self.tenants.all())
        if is_serving and not self.is_warm:
            self.is_warm = True
            self.background.spawn("warm-up", self._warm())

    async def _warm(self) -> None:
        """Phrase sets first, which every answer needs; the rest once what waits has begun."""
        await words_loaded()
        await asyncio.sleep(WARM_AFTER_S)
        await self.slack.warm()
        await asyncio.to_thread(self.pages.warm)
        if isinstance(self.model, LateModel):
            await self.model.warm()
