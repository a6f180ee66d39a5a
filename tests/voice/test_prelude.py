"""While it rings: the caller's language, and warm connections."""

import asyncio
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from app.background import Background
from app.clock import ManualClock
from app.db import Database
from app.errors import Unavailable
from app.tenants import Tenant, Tenants
from app.voice.caller import Caller
from app.voice.prelude import Prelude
from app.voice.tickets import Ticket
from tests.make import make_reservation, make_stay


class Callers:
    """Knows one guest, as fast as it is told."""

    def __init__(self) -> None:
        self.knows: Caller | Exception = Caller(
            stays=(make_stay(reservation=make_reservation(guest_locale="pl")),)
        )
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def by_number(self, conn: Any, tenant: Any, ticket: Any, now: datetime) -> Caller:
        await self.may_answer.wait()
        if isinstance(self.knows, Exception):
            raise self.knows
        return self.knows


class Voices:
    """Counts who was warmed."""

    def __init__(self) -> None:
        self.warmed: list[str] = []

    async def warm(self, tenant: Tenant) -> None:
        self.warmed.append(tenant.id)


def ticket(call_sid: str = "CA1") -> Ticket:
    return Ticket(
        call_sid=call_sid, tenant_id="acme", hotline_e164="+48221234567",
        caller_e164="+48500100200", is_doubtful=False,
    )  # fmt: skip


def prelude_of(
    database: Database, tenants: Tenants, clock: ManualClock, background: Background
) -> tuple[Prelude, Callers, Voices]:
    callers, voices = Callers(), Voices()
    record: Any = SimpleNamespace(database=database, clock=clock, background=background)
    prelude = Prelude(
        record=record, tenants=tenants, callers=callers, voices=voices, most=2  # type: ignore[arg-type]
    )  # fmt: skip
    return prelude, callers, voices


async def test_a_guests_language_is_known_when_the_stream_begins(
    database: Database, tenants: Tenants, tenant: Tenant, clock: ManualClock,
    background: Background,
):  # fmt: skip
    prelude, _, voices = prelude_of(database, tenants, clock, background)
    prelude.begin(ticket())
    prelude.begin(ticket())
    assert await prelude.language_of("CA1") == "pl"
    assert voices.warmed == ["acme"]
    assert await prelude.language_of("CA1") is None


async def test_a_greeting_waits_but_a_moment(
    database: Database, tenants: Tenants, tenant: Tenant, clock: ManualClock,
    background: Background,
):  # fmt: skip
    prelude, callers, _ = prelude_of(database, tenants, clock, background)
    callers.may_answer.clear()
    prelude.begin(ticket())
    assert await prelude.language_of("CA1") is None
    callers.may_answer.set()


async def test_a_caller_who_cannot_be_looked_up_has_no_language(
    database: Database, tenants: Tenants, tenant: Tenant, clock: ManualClock,
    background: Background,
):  # fmt: skip
    prelude, callers, _ = prelude_of(database, tenants, clock, background)
    callers.knows = Unavailable("away")
    prelude.begin(ticket())
    assert await prelude.language_of("CA1") is None
    callers.knows = Caller()
    prelude.begin(ticket("CA2"))
    assert await prelude.language_of("CA2") is None


async def test_calls_that_never_connect_are_forgotten(
    database: Database, tenants: Tenants, tenant: Tenant, clock: ManualClock,
    background: Background,
):  # fmt: skip
    prelude, _, _ = prelude_of(database, tenants, clock, background)
    for number in range(3):
        prelude.begin(ticket(f"CA{number}"))
    assert await prelude.language_of("CA0") is None
    assert await prelude.language_of("CA2") == "pl"
