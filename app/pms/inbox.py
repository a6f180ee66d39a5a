"""The durable inbox: webhooks are stored first, handled after; what a crash left is swept up.

A row that fails waits for the next round, so that it never holds up the others; after the last
round it is given up: closed with its error, shown, and what it told of is looked at another way.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.background import Background
from app.clock import Clock
from app.db import Connection, Database, Row
from app.errors import Unavailable
from app.pms.intake import Event, Intake
from app.telemetry import Telemetry, current_trace_parent, describe_error
from app.tenants import Tenant, Tenants

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """One delivered event."""

    id: int
    account_id: int
    event: str
    envelope: Mapping[str, Any]
    """Ids and times; nothing gated, no words."""
    sealed: Mapping[str, Any] = field(repr=False)
    """Words and gated values, opened."""
    received_at: datetime
    attempts: int = 0
    """How often it has failed before."""


Handler = Callable[[Connection, Tenant, InboxRow], Awaitable[None]]
"""Handles a row inside the transaction that closes it."""
GivenUp = Callable[[Connection, Tenant, InboxRow, BaseException], Awaitable[None]]
"""Told of a row, without its words, inside the transaction that closes it unhandled."""


class Inbox:
    """Stores events and hands each to its handler once."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        clock: Clock,
        background: Background,
        telemetry: Telemetry,
        sweep_s: float,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock
        self._background = background
        self._telemetry = telemetry
        self._sweep_s = sweep_s
        self._intake = Intake(background)
        self._handlers: Mapping[str, Handler] = {}
        self._given_up: GivenUp | None = None
        self._before: Callable[[], Awaitable[None]] | None = None
        self._draining: set[str] = set()
        self._again: set[str] = set()

    def register(
        self,
        handlers: Mapping[str, Handler],
        given_up: GivenUp | None = None,
        *,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Tell who handles which kind of event, who hears of what is given up, what all wait for.

        Once, at start.
        """
        self._handlers = handlers
        self._given_up = given_up
        self._before = before

    async def store(
        self,
        tenant: Tenant,
        database: Database,
        *,
        account_id: int,
        event: str,
        dedupe_key: str,
        envelope: Mapping[str, Any],
        sealed: Mapping[str, Any],
    ) -> bool:
        """Keep an event durably; whether it is new.

        Raises:
            Unavailable: the database is away, so the sender must try again.
        """
        event_to_keep = Event(
            account_id=account_id,
            kind=event,
            dedupe_key=dedupe_key,
            envelope=envelope,
            sealed=tenant.keyring.close_mapping(sealed),
            received_at=self._clock.now(),
            trace_parent=current_trace_parent(),
        )
        return await self._intake.write(await database.tenant(tenant.id), event_to_keep)

    async def purge(self, conn: Connection, before: datetime) -> int:
        """Forget events handled before a moment; how many. Until then they tell duplicates."""
        tag = await conn.execute("delete from {schema}.inbox where handled_at < $1", before)
        return int(tag.split()[-1])

    def nudge(self, tenant_id: str) -> None:
        """Handle what has come in for a tenant, soon."""
        if tenant_id in self._draining:
            self._again.add(tenant_id)
            return
        self._draining.add(tenant_id)
        self._background.spawn("inbox", self._drain_until_empty(tenant_id))

    async def sweep(self) -> None:
        """Look for rows that nobody handled, until cancelled."""
        while True:
            try:
                for tenant in await self._tenants.all():
                    self.nudge(tenant.id)
            except Unavailable:
                logger.warning("inbox cannot reach the database")
            await asyncio.sleep(self._sweep_s)

    async def drain(self, tenant_id: str) -> int:
        """Handle every open row of a tenant, oldest first, none twice; how many were tried."""
        failed: list[int] = []
        count = 0
        while await self._handle_next(tenant_id, failed):
            count += 1
        return count

    async def _drain_until_empty(self, tenant_id: str) -> None:
        try:
            if self._before is not None:
                await self._before()
            while True:
                self._again.discard(tenant_id)
                await self.drain(tenant_id)
                if tenant_id not in self._again:
                    return
        except Unavailable:
            logger.warning("inbox waits for the database")
        finally:
            self._draining.discard(tenant_id)

    async def _handle_next(self, tenant_id: str, failed: list[int]) -> bool:
        tenant = await self._tenants.get(tenant_id)
        await self._tenants.accounts(tenant_id)  # read before: a handler has one connection
        door = await self._database.tenant(tenant_id)
        row: InboxRow | None = None
        try:
            async with door.transaction() as conn:
                found = await conn.fetchrow(
                    """select * from {schema}.inbox
                       where handled_at is null and id <> all($1::bigint[])
                       order by id limit 1 for update skip locked""",
                    failed,
                )
                if found is None:
                    return False
                row = _row(found)
                row = replace(row, sealed=tenant.keyring.open_mapping(found["sealed"]))
                with self._telemetry.span(
                    f"inbox {row.event}", parent=found["trace_parent"], tenant=tenant_id
                ):
                    await self._handlers[row.event](conn, tenant, row)
                await conn.execute(
                    "update {schema}.inbox set handled_at = $2, sealed = null where id = $1",
                    row.id, self._clock.now(),
                )  # fmt: skip
        except Unavailable:
            raise
        except TimeoutError as exc:
            raise Unavailable("the database did not answer in time") from exc
        except Exception as exc:
            # Also what nobody foresaw: counted, so that it cannot come round for ever.
            if row is None:
                raise
            failed.append(row.id)
            await self._count_failure(tenant, row, exc)
        return True

    async def _count_failure(self, tenant: Tenant, row: InboxRow, error: Exception) -> None:
        """Try a row again in a later round; after too many it is given up."""
        attempts = row.attempts + 1
        is_last = attempts >= MAX_ATTEMPTS
        logger.warning(
            "inbox row failed", exc_info=error, extra={"row": row.id, "attempt": attempts}
        )
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            await conn.execute(
                """update {schema}.inbox
                   set attempts = $2, error = $3,
                       handled_at = case when $4 then $5::timestamptz end
                   where id = $1 and handled_at is null""",
                row.id, attempts, describe_error(error), is_last, self._clock.now(),
            )  # fmt: skip
            if is_last and self._given_up is not None:
                await self._given_up(conn, tenant, replace(row, sealed={}), error)


def _row(found: Row) -> InboxRow:
    return InboxRow(
        id=found["id"],
        account_id=found["account_id"],
        event=found["event"],
        envelope=found["envelope"],
        sealed={},
        received_at=found["received_at"],
        attempts=found["attempts"],
    )
