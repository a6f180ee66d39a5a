"""What the tests of Slack share: a small Slack on loopback, and rooms to tell of."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.events import (
    CaseOpened,
    CaseRaised,
    CaseResolved,
    CaseTakenOver,
    DraftWritten,
    HandlingChanged,
    JobFailed,
    TurnRecorded,
)
from app.settings import Settings
from app.slack.alerts import Alerts
from app.slack.channel import Channels
from app.slack.client import SlackClient
from app.slack.notices import Notices
from app.tenants import Tenant, Tenants
from tests.case_world import CaseWorld


class LoopbackSlack:
    """Answers like Slack's Web API; `troubles` are (status, body, headers) to answer first."""

    def __init__(self) -> None:
        self.base_url = ""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.tokens: list[str] = []
        self.troubles: list[tuple[int, Any, dict[str, str]]] = []
        self.gate = asyncio.Event()
        self.arrived = asyncio.Event()
        self._news = asyncio.Event()
        self.gate.set()

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.json()
        method = request.match_info["method"]
        self.arrived.set()
        await self.gate.wait()
        if self.troubles:
            status, answer, headers = self.troubles.pop(0)
            if isinstance(answer, str):
                headers = {"Content-Type": "text/html", **headers}
                return web.Response(status=status, body=answer.encode(), headers=headers)
            return web.json_response(answer, status=status, headers=headers)
        self.tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        self.calls.append((method, body))
        self._news.set()
        ts = body.get("ts") or f"1776000000.{len(self.calls):06d}"
        return web.json_response({"ok": True, "channel": "C42", "ts": ts})

    def fail(self, *, times: int, status: int = 503) -> None:
        self.troubles += [(status, "upstream error", {})] * times

    def posts(self) -> list[dict[str, Any]]:
        return [body for method, body in self.calls if method == "chat.postMessage"]

    def updates(self) -> list[dict[str, Any]]:
        return [body for method, body in self.calls if method == "chat.update"]

    async def until(self, count: int) -> None:
        """Wait until so many calls were answered."""
        async with asyncio.timeout(10):
            while len(self.calls) < count:
                self._news.clear()
                await self._news.wait()


@pytest.fixture
async def slack() -> AsyncIterator[LoopbackSlack]:
    served = LoopbackSlack()
    app = web.Application()
    app.router.add_post("/api/{method}", served.serve)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    yield served
    served.gate.set()
    await runner.cleanup()


@pytest.fixture
async def world(
    database: Database, tenants: Tenants, bus: Bus, clock: ManualClock, background: Background
) -> AsyncIterator[CaseWorld]:
    made = CaseWorld(
        database=database, tenants=tenants, bus=bus, clock=clock, background=background
    )
    yield made
    await background.drain(10)
    made.telemetry.close()


@pytest.fixture
async def channels(world: CaseWorld) -> Channels:
    return Channels(client=SlackClient(), tenants=world.tenants, telemetry=world.telemetry)


@pytest.fixture
async def wired(world: CaseWorld, tenant: Tenant, slack: LoopbackSlack) -> Tenant:
    """The tenant with a workspace."""
    await world.tenants.set_workspace(tenant.id, team_id="T1", bot_token="xoxb-1")
    return await world.tenants.set(tenant.id, {"slack.base_url": slack.base_url})


@pytest.fixture
async def alerts(world: CaseWorld, channels: Channels) -> Alerts:
    """Alerts that hear the bus."""
    made = Alerts(
        database=world.database, tenants=world.tenants, cases=world.cases,
        conversations=world.conversations, stays=world.stays, clock=world.clock,
        background=world.background, channels=channels, settings=Settings(),
        link_to_case=lambda tenant, case, operator: f"http://desk/{tenant}/{case}{operator}",
    )  # fmt: skip
    world.bus.subscribe(CaseOpened, made.on_case_opened)
    world.bus.subscribe(CaseRaised, made.on_case_raised)
    world.bus.subscribe(CaseTakenOver, made.on_case_taken_over)
    world.bus.subscribe(CaseResolved, made.on_case_resolved)
    world.bus.subscribe(TurnRecorded, made.on_turn_recorded)
    return made


@pytest.fixture
async def notices(world: CaseWorld, channels: Channels) -> Notices:
    """Notices that hear the bus."""
    made = Notices(
        database=world.database, tenants=world.tenants, cases=world.cases,
        conversations=world.conversations, stays=world.stays, operators=world.operators,
        clock=world.clock, background=world.background, channels=channels,
        link_to_drafts=lambda tenant, operator: f"http://desk/{tenant}/drafts{operator}",
    )  # fmt: skip
    world.bus.subscribe(HandlingChanged, made.on_handling_changed)
    world.bus.subscribe(DraftWritten, made.on_draft_written)
    world.bus.subscribe(JobFailed, made.on_job_failed)
    return made
