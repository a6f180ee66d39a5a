"""What the tests of the panel share: the desk's pages on a real server, and visitors of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.errors import ProductError
from app.keys import Keyring, new_key
from app.panel.auth import Sessions
from app.panel.cases import CasePages
from app.panel.drafts import DraftPages
from app.panel.links import Links
from app.panel.live import Live
from app.panel.render import Pages
from app.tenants import Tenants
from tests.case_world import CaseWorld

DESK_TOKEN = "desk-token-of-tests"
PATIENCE = aiohttp.ClientTimeout(total=10)
"""A page that should end and does not is a failure, no endless test."""
BEARER = {"Authorization": f"Bearer {DESK_TOKEN}"}


@dataclass(kw_only=True)
class Answer:
    """What came back."""

    status: int
    text: str
    location: str
    headers: Any


@dataclass(kw_only=True)
class Desk:
    """The running pages, with the parts they are made of."""

    url: str
    world: CaseWorld
    links: Links
    live: Live
    sessions: Sessions
    keyring: Keyring

    def visitor(self) -> "Browser":
        """A browser of its own."""
        return Browser(self.url)

    async def signed_in(self, tenant_id: str, operator: str) -> "Browser":
        """A browser with a session, got by a link."""
        browser = self.visitor()
        link = self.links.link_to_case(tenant_id, 1, operator)
        answer = await browser.post(link.removeprefix(self.url))
        assert answer.status == 303
        return browser


class Browser:
    """Keeps cookies, follows no redirect by itself."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._ask("GET", path, headers=headers)

    async def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        return await self._ask("POST", path, data=form or {}, headers=headers)

    async def submit(self, page: str, action: str, **form: str) -> Answer:
        """Fill in a form of a page, as a person does."""
        shown = await self.get(page)
        token = re.search(r'name="form_token" value="([^"]+)"', shown.text)
        assert token is not None, shown.text
        return await self.post(action, {"form_token": token.group(1), **form})

    async def _ask(self, method: str, path: str, **more: Any) -> Answer:
        async with (
            aiohttp.ClientSession(cookies=self.cookies, timeout=PATIENCE) as http,
            http.request(method, self._url + path, allow_redirects=False, **more) as answer,
        ):
            self.cookies |= {name: morsel.value for name, morsel in answer.cookies.items()}
            return Answer(
                status=answer.status,
                text=await answer.text(),
                location=answer.headers.get("Location", ""),
                headers=answer.headers,
            )


@pytest.fixture
async def world(
    database: Database, tenants: Tenants, bus: Bus, clock: ManualClock, background: Background
) -> AsyncIterator[CaseWorld]:
    made = CaseWorld(
        database=database, tenants=tenants, bus=bus, clock=clock, background=background
    )
    yield made
    made.telemetry.close()


@pytest.fixture
async def desk(world: CaseWorld) -> AsyncIterator[Desk]:
    app = Starlette(exception_handlers={ProductError: _refused})
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=0, log_config=None, lifespan="off",
            timeout_graceful_shutdown=2,
        )
    )  # fmt: skip
    serving = world.background.spawn("desk", server._serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    made = _desk(world, url, app)
    yield made
    made.live.close()
    server.should_exit = True
    await serving


def _desk(world: CaseWorld, url: str, app: Starlette) -> Desk:
    keyring, pages = Keyring((new_key(),)), Pages()
    sessions = Sessions(
        keyring=keyring, clock=world.clock, tenants=world.tenants,
        desk_token=SecretStr(DESK_TOKEN), is_https=False,
    )  # fmt: skip
    links = Links(
        keyring=keyring, clock=world.clock, database=world.database, tenants=world.tenants,
        sessions=sessions, pages=pages, desk_url=url,
    )  # fmt: skip
    live = Live(database=world.database, conversations=world.conversations, sessions=sessions)
    cases = CasePages(
        database=world.database, tenants=world.tenants, cases=world.cases,
        conversations=world.conversations, stays=world.stays, operators=world.operators,
        clock=world.clock, sessions=sessions, pages=pages,
    )  # fmt: skip
    drafts = DraftPages(
        database=world.database, tenants=world.tenants, conversations=world.conversations,
        stays=world.stays, operators=world.operators, clock=world.clock, sessions=sessions,
        pages=pages,
    )  # fmt: skip
    for part in (pages, links, live, cases, drafts):
        app.router.routes.extend(part.routes())
    return Desk(url=url, world=world, links=links, live=live, sessions=sessions, keyring=keyring)


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, ProductError) else 500
    return JSONResponse({"error": str(error)}, status_code=status)
