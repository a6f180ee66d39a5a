"""The event bus: handlers in this process, NOTIFY for what other processes must know."""

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

import orjson

from app import events
from app.background import Background
from app.db import Connection, Database, Listener
from app.errors import Unavailable
from app.events import Event

logger = logging.getLogger(__name__)

CHANNEL = "nightdesk_events"
DEEPEST_CHAIN = 4
RECONNECT_S = 2.0

CROSSING: Mapping[str, Callable[..., Event]] = {
    name: known
    for name, known in vars(events).items()
    if isinstance(known, type) and issubclass(known, Event) and known.crosses_processes
}
"""Events that other processes send, by name; names that only a newer release knows are let be."""

EventT = TypeVar("EventT", bound=Event)
Handler = Callable[[Any], Awaitable[None]]
_depth: ContextVar[int] = ContextVar("publish_depth", default=0)


class BusLoop(RuntimeError):
    """Events led to events more than four deep."""


class Bus:
    """Who hears what."""

    def __init__(self, database: Database, background: Background) -> None:
        self._database = database
        self._background = background
        self._handlers: dict[type[Event], list[Handler]] = defaultdict(list)
        self._process = uuid.uuid4().hex
        self._listener: Listener | None = None

    def subscribe(
        self, event_type: type[EventT], handler: Callable[[EventT], Awaitable[None]]
    ) -> None:
        """Call the handler for events of exactly this type, in subscription order."""
        self._handlers[event_type].append(handler)

    async def publish(self, event: Event) -> None:
        """Tell everybody here and, where other processes must know, there.

        A failing handler stops neither the others nor the publisher.

        Raises:
            BusLoop: a chain of events deeper than four.
        """
        await self._deliver(event)
        if event.crosses_processes:
            self._background.spawn("notify", self._notify(event))

    def publish_after(self, conn: Connection, event: Event) -> None:
        """Publish once the transaction has closed."""
        conn.after_commit.append(lambda: self.publish(event))

    async def listen(self) -> None:
        """Hear other processes until cancelled; reconnects after an outage of the database."""
        while True:
            try:
                if self._listener is None or not self._listener.is_open:
                    await self.close()
                    listener = await self._database.listen(CHANNEL, self._on_notify)
                    await self._catch_up(listener)
            except Unavailable:
                logger.warning("bus cannot reach the database")
            await asyncio.sleep(RECONNECT_S)

    async def close(self) -> None:
        """Stop listening."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()

    async def _catch_up(self, listener: Listener) -> None:
        """What was said before we listened is unknown: caches forget what they have read.

        Nor could webhooks be stored meanwhile, where the database was away.
        """
        self._listener = listener
        try:
            async with self._database.shared().transaction() as conn:
                rows = await conn.fetch("select id from nightdesk.tenants order by id")
        except Unavailable:
            await self.close()
            raise
        for row in rows:
            await self._deliver(events.SettingsChanged(tenant_id=row["id"]))
            await self._deliver(events.LibraryPublished(tenant_id=row["id"], id=0))
            await self._deliver(events.NewsMissed(tenant_id=row["id"]))

    async def _deliver(self, event: Event) -> None:
        depth = _depth.get() + 1
        if depth > DEEPEST_CHAIN:
            raise BusLoop(f"{type(event).__name__} is published {depth} deep")
        token = _depth.set(depth)
        try:
            for handler in self._handlers[type(event)]:
                try:
                    await handler(event)
                except BusLoop:
                    raise
                except Exception:
                    logger.exception(
                        "event handler failed",
                        extra={"event": type(event).__name__, "handler": handler.__qualname__},
                    )
        finally:
            _depth.reset(token)

    async def _notify(self, event: Event) -> None:
        payload = {
            "process": self._process,
            "event": type(event).__name__,
            "tenant": event.tenant_id,
            "id": getattr(event, "id", 0),
        }
        async with self._database.shared().transaction() as conn:
            await conn.execute("select pg_notify($1, $2)", CHANNEL, orjson.dumps(payload).decode())

    def _on_notify(self, payload: str) -> None:
        try:
            fact = orjson.loads(payload)
            event_type = CROSSING.get(fact["event"])
            if fact["process"] == self._process or event_type is None:
                return
            event = event_type(tenant_id=fact["tenant"], id=fact["id"])
        except (ValueError, TypeError, KeyError):
            logger.warning("a notification was not understood")
            return
        self._background.spawn("event of another process", self._deliver(event))
