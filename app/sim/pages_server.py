"""The stand-ins' pages, and the product's live feed passed on so that browsers need no CORS."""

from collections.abc import AsyncIterator
from importlib import resources

import aiohttp
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from app.sim.answers import Json
from app.sim.world import World

_CONNECT_S = 3.0
"""How long the product may take to accept a follower of its feed."""


class Pages:
    """`/sim`, `/sim/guest` and `/sim/product-live`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """All of them, relative to `/sim`."""
        return [
            Route("/", self._index),
            Route("/guest", self._guest),
            Route("/product-live", self._product_live),
        ]

    async def _index(self, request: Request) -> Response:
        return _page("index.html")

    async def _guest(self, request: Request) -> Response:
        return _page("guest.html")

    async def _product_live(self, request: Request) -> Response:
        if not self._world.product:
            return Json({"error": "started without --product"}, 404)
        # A status below 400 first, then the stream: the browser tells them apart.
        session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
        )
        headers = {"Authorization": f"Bearer {self._world.live_token}"}
        url = self._world.product.rstrip("/") + "/live"
        try:
            answer = await session.get(url, headers=headers)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            await session.close()
            return Json({"error": f"the product does not answer: {problem}"}, 503)
        if answer.status != 200:
            await session.close()
            return Json({"error": f"the product answered {answer.status}"}, 502)
        stream = self._passed_through(session, answer)
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _passed_through(
        self, session: aiohttp.ClientSession, answer: aiohttp.ClientResponse
    ) -> AsyncIterator[bytes]:
        self._world.feed.at_close.add(answer.close)
        try:
            async for chunk in answer.content.iter_any():
                yield chunk
        except aiohttp.ClientError:
            return  # the product went away; the browser connects again
        finally:
            self._world.feed.at_close.discard(answer.close)
            answer.close()
            await session.close()


def _page(name: str) -> Response:
    text = resources.files("app.sim").joinpath("pages", name).read_text(encoding="utf-8")
    return HTMLResponse(text)
