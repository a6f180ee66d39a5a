"""The house, opened once for all path tests."""

import asyncio
import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest_asyncio
import uvicorn
from starlette.routing import Mount

from app.embedded import ServerUrls
from app.keys import new_key
from app.main import serving
from app.settings import load_settings
from app.sim import openai
from app.sim.exchange import Account
from app.sim.server import build_app
from app.sim.speech import Engines, SpeechEndpoints
from app.sim.voices import Voices
from app.sim.world import World
from app.wiring import build
from tests.opened import database, rooms, swept_url, tenant, tenants
from tests.paths.browser import program
from tests.paths.house import HOTLINE, House
from tests.paths.twins import (
    DESK_TOKEN,
    LOUD_GUEST,
    OPERATOR,
    QUIET_GUEST,
    UNSURE_GUEST,
    MarkedModel,
    Twin,
    Twins,
    book,
    furnish,
    library_of,
    ring,
)

if program() is None and os.environ.get("CI") != "true":
    collect_ignore = ["test_sim_phone.py"]
    """What Chromium opens is left out where there is none; in CI it has to be there."""

__all__ = ["database", "rooms", "swept_url", "tenant", "tenants"]
KEEP_ALIVE_S = 120
"""Longer than any caller keeps an idle connection: one closed under a request would fail it."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sim_base() -> AsyncIterator[tuple[str, object]]:
    """The stand-ins on a port of their own."""
    engines = Engines(Path(tempfile.gettempdir()) / "nightdesk-test-speech")
    model = [*SpeechEndpoints(engines).routes(), *openai.routes()]
    app = build_app(
        seed=7, scale="small", voices=Voices(engines), more=[Mount("/openai/v1", routes=model)]
    )
    config = uvicorn.Config(
        app, port=free_port(), log_config=None, lifespan="on", timeout_keep_alive=KEEP_ALIVE_S
    )
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{config.port}", app.state.world
    server.should_exit = True
    await task
    await engines.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(sim_base: tuple[str, object], embedded_urls: ServerUrls) -> AsyncIterator[House]:
    """The product, working against the stand-ins, with one tenant that is on."""
    base, world = sim_base
    folder = tempfile.mkdtemp(prefix="nightdesk-house-")
    admin = await asyncpg.connect(embedded_urls.database_url or "")
    await admin.execute("drop database if exists house with (force)")
    await admin.execute("create database house")
    await admin.close()
    port, desk_port = free_port(), free_port()
    settings = load_settings(
        None,
        {
            "NIGHTDESK_DATABASE_URL": (embedded_urls.database_url or "").replace(
                "/nightdesk?", "/house?"
            ),
            "NIGHTDESK_REDIS_URL": embedded_urls.redis_url or "",
            "NIGHTDESK_ENCRYPTION_KEYS": new_key(),
            "NIGHTDESK_DATA__DIR": folder,
            "NIGHTDESK_HOSTAWAY__BASE_URL": f"{base}/hostaway/v1",
            "NIGHTDESK_HOSTAWAY__IP_REQUESTS": "5000",
            "NIGHTDESK_HOSTAWAY__ACCOUNT_REQUESTS": "5000",
            "NIGHTDESK_LLM__BASE_URL": f"{base}/openai/v1",
            "NIGHTDESK_SLACK__BASE_URL": f"{base}/slack/api/",
            "NIGHTDESK_SERVER__PUBLIC_PORT": str(port),
            "NIGHTDESK_SERVER__PUBLIC_URL": f"http://127.0.0.1:{port}",
            "NIGHTDESK_SERVER__DESK_PORT": str(desk_port),
            "NIGHTDESK_DESK_TOKEN": DESK_TOKEN,
            "NIGHTDESK_JOBS__SWEEP_S": "1",
            "NIGHTDESK_VOICE__ACCESS_ASSURANCE": "1",
            "NIGHTDESK_CHAT__WINDOW_CONFIRMED_S": "0.5",
            "NIGHTDESK_CHAT__WINDOW_OTHER_S": "0.4",
            "NIGHTDESK_CHAT__WINDOW_ARRIVAL_ACCESS_S": "0.3",
        },
    )
    product = build(settings)
    async with product.opened(), serving(product), aiohttp.ClientSession() as http:
        opened = House(product, world, base, http)  # type: ignore[arg-type]
        await opened.sim(
            "PATCH", "/settings", {"rate_ip": 0, "rate_account": 0, "webhook_outgoing": True}
        )
        await product.tenants.add("warsaw", "Mokotów Stays")
        await product.tenants.set_workspace("warsaw", team_id="T70001", bot_token="xoxb-sim-70001")
        await product.tenants.set_mode("warsaw", "on")
        await product.tenants.add_account(
            "warsaw", external_id="70001", client_secret="sim-secret-70001"
        )

        async def is_synced() -> bool:
            runs = await product.jobs.recent_runs("warsaw")
            return any(r["kind"] == "pms.full_sync" and r["status"] == "done" for r in runs)

        await opened.until(is_synced, 30)
        yield opened
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hotline(house: House) -> AsyncIterator[House]:
    """The house with a telephone number, at the product and at the carrier's stand-in."""
    product, exchange = house.product, house.world.exchange
    server = product.settings.server
    await product.hotlines.set_carrier(
        "warsaw", account_sid="AC-warsaw", auth_tokens=("carrier-token",)
    )
    await product.hotlines.add("warsaw", HOTLINE, name="City Stays", language="en")
    exchange.accounts["AC-warsaw"] = Account(
        sid="AC-warsaw", auth_token="carrier-token", name="City Stays", pms_account=70001
    )
    number = exchange.number(HOTLINE)
    number.account_sid = "AC-warsaw"
    number.voice_url = f"{server.public_url}/twilio/voice"
    number.voice_fallback_url = f"{server.public_url}/twilio/fallback"
    number.status_callback = f"{server.public_url}/twilio/status"
    house.world.product = f"http://{server.desk_host}:{server.desk_port}"
    house.world.live_token = DESK_TOKEN

    async def has_number() -> bool:
        return product.snapshot.find(HOTLINE) is not None

    await house.until(has_number)
    yield house
    await product.hotlines.remove("warsaw", HOTLINE)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def twins(embedded_urls: ServerUrls) -> AsyncIterator[Twins]:
    """One house with two companies that are the same but for their marks, each with a case."""
    app = build_app(seed=7, scale="small")
    config = uvicorn.Config(
        app, port=free_port(), log_config=None, lifespan="on", timeout_keep_alive=KEEP_ALIVE_S
    )
    server = uvicorn.Server(config)
    outside = asyncio.ensure_future(server.serve())
    admin = await asyncpg.connect(embedded_urls.database_url or "")
    await admin.execute("drop database if exists twins with (force)")
    await admin.execute("create database twins")
    await admin.close()
    while not server.started:
        await asyncio.sleep(0.01)
    async with _twin_house(f"http://127.0.0.1:{config.port}", app.state.world, embedded_urls) as it:
        yield it
    server.should_exit = True
    await outside


@contextlib.asynccontextmanager
async def _twin_house(base: str, world: World, urls: ServerUrls) -> AsyncIterator[Twins]:
    folder, port, desk_port = tempfile.mkdtemp(prefix="nightdesk-twins-"), free_port(), free_port()
    environment = {
        "NIGHTDESK_DATABASE_URL": (urls.database_url or "").replace("/nightdesk?", "/twins?"),
        "NIGHTDESK_REDIS_URL": urls.redis_url or "",
        "NIGHTDESK_ENCRYPTION_KEYS": new_key(),
        "NIGHTDESK_DESK_TOKEN": DESK_TOKEN,
        "NIGHTDESK_DATA__DIR": folder,
        "NIGHTDESK_HOSTAWAY__BASE_URL": f"{base}/hostaway/v1",
        "NIGHTDESK_HOSTAWAY__IP_REQUESTS": "5000",
        "NIGHTDESK_HOSTAWAY__ACCOUNT_REQUESTS": "5000",
        "NIGHTDESK_SLACK__BASE_URL": f"{base}/slack/api/",
        "NIGHTDESK_VOICE__BASE_URL": f"{base}/openai/v1",
        "NIGHTDESK_SERVER__PUBLIC_PORT": str(port),
        "NIGHTDESK_SERVER__PUBLIC_URL": f"http://127.0.0.1:{port}",
        "NIGHTDESK_SERVER__DESK_PORT": str(desk_port),
        "NIGHTDESK_SERVER__DESK_URL": f"http://127.0.0.1:{desk_port}",
        "NIGHTDESK_CHAT__WINDOW_CONFIRMED_S": "0.2",
        "NIGHTDESK_CHAT__WINDOW_ARRIVAL_ACCESS_S": "0.2",
        "NIGHTDESK_CHAT__SEND_CHECK_S": "0.2",
        "NIGHTDESK_CHAT__LOW_SCORE": "draft",
        "NIGHTDESK_ESCALATION__ACKNOWLEDGE_S": "3600",
    }
    model = MarkedModel()
    world.knobs.change({"rate_ip": 0, "rate_account": 0})
    product = build(load_settings(None, environment), model=model)
    async with (
        product.opened(), serving(product),
        _browser() as alders, _browser() as birchs,
    ):  # fmt: skip
        alder = Twin(
            name="alder", mark="ALDERMARK", account_id=70001, door_code="481516", http=alders
        )
        birch = Twin(
            name="birch", mark="BIRCHMARK", account_id=70002, door_code="927364", http=birchs
        )
        made = Twins(
            product=product, world=world, model=model, public=f"http://127.0.0.1:{port}",
            desk=f"http://127.0.0.1:{desk_port}", environment=environment, alder=alder, birch=birch,
        )  # fmt: skip
        for twin in (alder, birch):
            await _move_in(made, twin)
        await made.quiet()
        for twin in (alder, birch):
            await _live(made, twin)
        yield made
    shutil.rmtree(folder, ignore_errors=True)


def _browser() -> aiohttp.ClientSession:
    """Keeps cookies of a bare address too."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def _move_in(twins: Twins, twin: Twin) -> None:
    """A company with its PMS, Slack, model key and library."""
    tenants = twins.product.tenants
    furnish(twins.world, twin)
    book(twins.world, twin)
    await tenants.add(twin.name, f"{twin.mark} Stays")
    token = f"xoxb-{twin.name}"
    twins.world.knobs.slack_tokens[token] = f"T{twin.account_id}"
    await tenants.set_workspace(twin.name, team_id=f"T{twin.account_id}", bot_token=token)
    await tenants.set_credentials(twin.name, {"openai_api_key": f"key-{twin.name}"})
    await twins.product.libraries.publish(twin.name, library_of(twin), by=twin.mark)
    await tenants.set_mode(twin.name, "on")
    twin.account = await tenants.add_account(
        twin.name,
        external_id=str(twin.account_id),
        client_secret=f"sim-secret-{twin.account_id}",
    )
    twin.base = twins.desk
    hotlines = twins.product.hotlines
    await hotlines.set_carrier(
        twin.name, account_sid=f"AC-{twin.name}", auth_tokens=(f"token-{twin.name}",)
    )
    await hotlines.add(twin.name, twin.hotline, name=f"{twin.mark} Stays", language="en")


async def _live(twins: Twins, twin: Twin) -> None:
    """An answered question, a case, a draft, a call; then somebody opens the case by its link."""
    twins.writes(twin, QUIET_GUEST, f"Is there a bakery near you? {twin.mark}")
    await twins.quiet()
    twins.writes(twin, LOUD_GUEST, f"{twin.mark} help, water is pouring through the ceiling!")
    await twins.quiet()
    twins.writes(twin, UNSURE_GUEST, f"UNSURE {twin.mark} and what about bikes and boats?")
    await twins.quiet()
    await ring(twins, twin)
    await twin.enter(twins.link(twin, case_id=1, operator=OPERATOR))
