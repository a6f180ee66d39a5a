"""HTTP answers of the stand-ins: JSON, and the ways an answer can be no answer at all."""

import asyncio
import json
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.sim.rows import Row

TRANSPORT = "sim.transport"
"""Key of the ASGI scope under which the app keeps the connection's transport."""


class Json(Response):
    """JSON with the outside's letters left as they are."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body as bytes."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


class Cut(Response):
    """The connection is torn down with no answer (a reset, as seen by the client)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the transport and leave the server time to notice."""
        transport = scope.get(TRANSPORT)
        if transport is not None:
            transport.abort()
            await asyncio.sleep(0.02)


class Hang(Cut):
    """Silence until the client gives up or the time is over; then the connection is cut."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the client to leave."""
        try:
            async with asyncio.timeout(self._seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            await super().__call__(scope, receive, send)
            return
        # The server has seen the client leave; there is nobody to answer.


def success(result: Any, **paging: int | None) -> Response:
    """Hostaway's envelope around a result; paging keys only where given."""
    return Json({"status": "success", "result": result, **paging})


def fail(status: int, text: str, *, key: str = "result") -> Response:
    """Hostaway's envelope of a failure; the 429 uses the key `message`."""
    body: Row = {"status": "fail", key: text}
    return Json(body, status_code=status)


def truncated(answer: Response) -> Response:
    """The same answer with its body cut in the middle, as well-formed HTTP."""
    half = bytes(answer.body)[: max(1, len(answer.body) // 2)]
    return Response(half, status_code=answer.status_code, media_type="application/json")
