"""What the tests of the stand-ins share: a real server on loopback and a client of it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from starlette.applications import Starlette

from app.sim.server import build_app
from app.sim.world import World


class Outside:
    """The running stand-ins as their clients see them, and their world for the asserts."""

    def __init__(self, base: str, world: World, http: aiohttp.ClientSession) -> None:
        self.base = base
        self.world = world
        self.http = http
        self._token = ""

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        account: int = 70001,
        token: str = "",
        **query: Any,
    ) -> tuple[int, Any]:
        """A request to Hostaway's API; gives status and JSON."""
        token = token or await self.token(account)
        async with self.http.request(
            method,
            f"{self.base}/hostaway/v1{path}",
            json=body,
            params={name: str(value) for name, value in query.items()},
            headers={"Authorization": f"Bearer {token}"},
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def token(self, account: int = 70001) -> str:
        """A fresh bearer token."""
        form = {
            "grant_type": "client_credentials",
            "client_id": str(account),
            "client_secret": f"sim-secret-{account}",
            "scope": "general",
        }
        async with self.http.post(f"{self.base}/hostaway/v1/accessTokens", data=form) as answer:
            return str((await answer.json())["access_token"])

    async def sim(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the control plane, which must succeed."""
        async with self.http.request(method, f"{self.base}/sim{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def until(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """The feed's events of a kind, once there are so many."""
        async with asyncio.timeout(10):
            while True:
                found = [e for e in self.world.feed.since(0) if e["type"] == kind]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.01)


class Receiver:
    """Takes webhooks, answering with the statuses it was told, 200 when there are none left."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[int] = []
        self.bodies: list[bytes] = []
        self.authorizations: list[str | None] = []

    async def take(self, request: web.Request) -> web.Response:
        """Keep one delivery."""
        self.bodies.append(await request.read())
        self.authorizations.append(request.headers.get("Authorization"))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


class ReadyServer(uvicorn.Server):
    """Uvicorn that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start and tell."""
        await super().startup(sockets)
        self.ready.set()


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    app: Starlette = build_app(seed=7, scale="small")
    world: World = app.state.world
    world.knobs.change({"rate_ip": 0, "rate_account": 0})
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = ReadyServer(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    running = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    await server.ready.wait()
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with aiohttp.ClientSession() as http:
        yield Outside(base, world, http)
    world.feed.close()
    server.should_exit = True
    await running
    listener.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taken = Receiver()
    app = web.Application()
    app.router.add_post("/hook", taken.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    taken.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield taken
    await runner.cleanup()
