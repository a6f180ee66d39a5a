"""A call's conversation over a real database, with a scripted model."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.background import Background
from app.bots.answer import Mind
from app.bots.library import Libraries
from app.bus import Bus
from app.clock import ManualClock
from app.conversations import Conversations
from app.db import Database
from app.escalation.cases import Cases
from app.jobs import Jobs
from app.settings import JobSettings, TelemetrySettings
from app.telemetry import Telemetry
from app.tenants import Tenant, Tenants
from app.voice import store
from app.voice.escalation import Escalation
from app.voice.handling import CallHandling
from app.voice.ledger import Ledger
from app.voice.stages import Utterance
from app.voice.turns import Turns
from tests.fakes import FakeLanguageModel
from tests.rooms import Rooms

CALLER = "+48500100200"


@dataclass(kw_only=True)
class OnTheLine:
    """One call, as far as words go."""

    turns: Turns
    model: FakeLanguageModel
    ledger: Ledger
    database: Database
    clock: ManualClock
    bus: Bus
    conversations: Conversations
    conversation_id: int
    cases: Cases
    jobs: Jobs
    handling: CallHandling
    escalation: Escalation

    async def answer(self, asked: str) -> str:
        """The whole answer to a turn."""
        return "".join([clause async for clause in self.turns.answer(asked)]).strip()

    def heard(self, text: str, **sound: Any) -> None:
        """The caller said something, just now."""
        self.turns.heard(Utterance(text=text, begins_at=self.clock.now(), **sound))

    def said(self, text: str, **sound: Any) -> None:
        """The caller has heard something of ours, just now."""
        self.turns.said(Utterance(text=text, begins_at=self.clock.now(), **sound))

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """What was written, once everything is."""
        await self.ledger.close()
        async with (await self.database.tenant("acme")).transaction() as conn:
            found = await conn.fetch(f"select * from {{schema}}.{table} order by 1")
        return [dict(row) for row in found]


@pytest.fixture
async def call(
    database: Database,
    bus: Bus,
    clock: ManualClock,
    background: Background,
    tenants: Tenants,
    tenant: Tenant,
) -> AsyncIterator[OnTheLine]:
    """A call that has just been opened."""
    jobs = Jobs(
        database=database, bus=bus, clock=clock, background=background,
        telemetry=Telemetry(TelemetrySettings()), settings=JobSettings(),
    )  # fmt: skip
    model = FakeLanguageModel()
    ledger = Ledger(database, "acme", background)
    async with (await database.tenant("acme")).transaction() as conn:
        conversation_id = await store.open_call(
            conn, call_sid="CA1", hotline_e164="+48221234567", caller_e164=None, language="en",
            now=clock.now(),
        )  # fmt: skip
    known: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    known.set_result(conversation_id)
    conversations = Conversations(bus)
    cases = Cases(database=database, bus=bus, clock=clock, jobs=jobs, tenants=tenants)
    handling = CallHandling(tenant.settings.voice.on_escalate)
    escalation = Escalation(
        tenant=tenant, caller_e164=CALLER, cases=cases, clock=clock, background=background,
        ledger=ledger, conversation_id=known, handling=handling,
    )  # fmt: skip
    turns = Turns(
        tenant=tenant,
        language="en",
        mind=Mind(
            database=database,
            libraries=Libraries(database, bus, clock),
            model=model,
            background=background,
        ),
        bus=bus,
        conversations=conversations,
        escalation=escalation,
        handling=handling,
        clock=clock,
        background=background,
        ledger=ledger,
        conversation_id=known,
    )
    yield OnTheLine(
        turns=turns, model=model, ledger=ledger, database=database, clock=clock,
        bus=bus, conversations=conversations, conversation_id=conversation_id, cases=cases,
        jobs=jobs, handling=handling, escalation=escalation,
    )  # fmt: skip
    await ledger.close()


@pytest.fixture
async def rooms(
    database: Database,
    tenants: Tenants,
    tenant: Tenant,
    bus: Bus,
    clock: ManualClock,
    background: Background,
) -> Rooms:
    """Every room of the chat, with the usual guest moved in."""
    opened = Rooms(database=database, tenants=tenants, bus=bus, clock=clock, background=background)
    await opened.move_in(tenant)
    return opened
