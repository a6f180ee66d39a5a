"""The house, opened once for all path tests."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator

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
from app.sim.server import build_app
from app.wiring import build
from tests.opened import database, rooms, swept_url, tenant, tenants
from tests.paths.house import House

__all__ = ["database", "rooms", "swept_url", "tenant", "tenants"]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sim_base() -> AsyncIterator[tuple[str, object]]:
    """The stand-ins on a port of their own."""
    app = build_app(seed=7, scale="small", more=[Mount("/openai/v1", routes=openai.routes())])
    config = uvicorn.Config(app, port=free_port(), log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{config.port}", app.state.world
    server.should_exit = True
    await task


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(sim_base: tuple[str, object], embedded_urls: ServerUrls) -> AsyncIterator[House]:
    """The product, working against the stand-ins, with one tenant that is on."""
    base, world = sim_base
    folder = tempfile.mkdtemp(prefix="nightdesk-house-")
    admin = await asyncpg.connect(embedded_urls.database_url or "")
    await admin.execute("drop database if exists house with (force)")
    await admin.execute("create database house")
    await admin.close()
    port = free_port()
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
            "NIGHTDESK_SERVER__DESK_PORT": "0",
            "NIGHTDESK_JOBS__SWEEP_S": "1",
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
