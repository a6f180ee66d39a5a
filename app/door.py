"""What every request of a door must pass, whatever it asks for: a short path, a plain body in time.

A body is counted while it is read, never gathered first. Whoever is refused before its body has
ended is listened to a little longer, so that it hears why, and then let go: a body without an end
holds no connection.
"""

import asyncio
from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BadInput

Headers = Mapping[bytes, bytes]

LONGEST_PATH = 2000
"""Characters of a path; our own have some hundred at most, the token of a link included."""
LINGER_S = 2.0
LINGER_BYTES = 16_000_000
"""How long, and for how much of its body, somebody who was refused already is listened to."""


class TooLarge(BadInput):
    """More was sent than anybody needs."""

    status_code = 413


class TooSlow(BadInput):
    """The body did not come in time."""

    status_code = 408


class Guard:
    """The middleware of a door."""

    def __init__(
        self, app: ASGIApp, *, max_body_bytes: int, body_s: float, linger_s: float = LINGER_S
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._body_s = body_s
        self._linger_s = linger_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that passes, refuse one that does not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        body = _Body(headers, receive, max_bytes=self._max_body_bytes, within_s=self._body_s)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and not await body.is_over(self._linger_s):
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        if (refusal := _refusal(scope["path"], headers)) is not None:
            await refusal(scope, receive, answer)
        else:
            await self._app(scope, body.receive, answer)


class _Body:
    """The body of one request, as it comes."""

    def __init__(
        self, headers: Headers, receive: Receive, *, max_bytes: int, within_s: float
    ) -> None:
        length = headers.get(b"content-length", b"0")
        self._stated = int(length) if length.isdigit() and len(length) < 20 else 0
        self._receive = receive
        self._max_bytes = max_bytes
        self._until = asyncio.get_running_loop().time() + within_s
        self._size = 0
        self._has_ended = not self._stated and b"transfer-encoding" not in headers

    async def receive(self) -> Message:
        """The next piece.

        Raises:
            TooLarge: it is, or says that it will be, larger than allowed.
            TooSlow: the whole did not come in time.
        """
        if self._has_ended:
            return await self._receive()
        if self._stated > self._max_bytes:
            raise self._too_large()
        left_s = self._until - asyncio.get_running_loop().time()
        try:
            message = await self._next(left_s)
        except TimeoutError as exc:
            raise TooSlow("the body did not come in time; send it in one go") from exc
        if self._size > self._max_bytes:
            raise self._too_large()
        return message

    async def is_over(self, linger_s: float) -> bool:
        """Whether the body has ended; what is left of it is read for a little while."""
        until = asyncio.get_running_loop().time() + linger_s
        most = self._size + LINGER_BYTES
        while not self._has_ended and self._size < most:
            try:
                await self._next(until - asyncio.get_running_loop().time())
            except TimeoutError:
                break
        return self._has_ended

    async def _next(self, within_s: float) -> Message:
        async with asyncio.timeout(within_s):
            message = await self._receive()
        self._size += len(message.get("body", b""))
        self._has_ended = not message.get("more_body", False)
        return message

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is larger than {self._max_bytes} bytes")


def _refusal(path: str, headers: Headers) -> JSONResponse | None:
    """The answer to what no route needs to look at."""
    if len(path) > LONGEST_PATH:
        return _answer(414, f"the path has more than {LONGEST_PATH} characters")
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"identity", b""):
        return _answer(415, "the body is compressed; send it as it is, without Content-Encoding")
    return None


def _answer(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status_code=status)
