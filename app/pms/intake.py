"""How events become durable: what came in at one moment is one statement and one commit.

A request alone is written at once. While a tenant's events are being written, further ones gather
and are written together, in their order: the path from webhook to disk is one round trip, whatever
the rush, and one tenant's rush takes one connection.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from app.background import Background
from app.db import TenantDoor
from app.errors import BadInput, Unavailable

MOST_AT_ONCE = 200
"""Events of one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What was delivered, as it will stand in the inbox."""

    account_id: int
    kind: str
    dedupe_key: str
    envelope: Mapping[str, Any]
    sealed: bytes = field(repr=False)
    received_at: datetime
    trace_parent: str | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    event: Event
    is_new: "asyncio.Future[bool]"


class Intake:
    """Writes events down, those of a moment together."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._waiting: dict[str, list[_Waiting]] = {}
        """By tenant; a tenant stands here while its events are being written."""

    async def write(self, door: TenantDoor, event: Event) -> bool:
        """Make an event durable; whether it is new.

        Raises:
            BadInput: the database cannot hold it.
            Unavailable: the database is away; it may have been written all the same.
        """
        waiting = _Waiting(event, asyncio.get_running_loop().create_future())
        if door.tenant_id in self._waiting:
            self._waiting[door.tenant_id].append(waiting)
        else:
            self._waiting[door.tenant_id] = [waiting]
            self._background.spawn("intake", self._write_all(door))
        return await waiting.is_new

    async def _write_all(self, door: TenantDoor) -> None:
        """Write until nobody waits; who still waits when this breaks off is told."""
        together: list[_Waiting] = []
        try:
            while waiting := self._waiting[door.tenant_id]:
                together = waiting[:MOST_AT_ONCE]
                del waiting[:MOST_AT_ONCE]
                await self._write_together(door, together)
        finally:
            for left in (*together, *self._waiting.pop(door.tenant_id)):
                if not left.is_new.done():
                    left.is_new.set_exception(Unavailable("the event could not be written"))

    async def _write_together(self, door: TenantDoor, together: list[_Waiting]) -> None:
        """One statement; an event that the database cannot hold does not spoil the others."""
        try:
            new = await _insert(door, [each.event for each in together])
        except BadInput as exc:
            if len(together) > 1:
                for each in together:
                    await self._write_together(door, [each])
                return
            _fail(together, exc)
        except Unavailable as exc:
            _fail(together, exc)
        else:
            for each in together:
                if not each.is_new.done():
                    each.is_new.set_result(each.event.dedupe_key in new)
                new.discard(each.event.dedupe_key)


def _fail(together: list[_Waiting], error: BadInput | Unavailable) -> None:
    for each in together:
        if not each.is_new.done():
            each.is_new.set_exception(type(error)(str(error)))


async def _insert(door: TenantDoor, events: list[Event]) -> set[str]:
    """The keys that were not known before."""
    rows = await door.call(
        "select nightdesk.take_in($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [event.account_id for event in events],
        [event.kind for event in events],
        [event.dedupe_key for event in events],
        [orjson.dumps(event.envelope).decode() for event in events],
        [event.sealed for event in events],
        [event.received_at for event in events],
        [event.trace_parent for event in events],
    )
    return {row[0] for row in rows}
