"""The guard of a door on a real server: bodies too large, too slow and without an end."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from app.background import Background
from app.door import Guard
from app.errors import Forbidden, ProductError

MOST = 50_000
BODY_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


class Wire:
    """A connection on which a test says what it likes, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def says(self, *lines: str, body: bytes = b"") -> None:
        head = "\r\n".join([*lines, "Host: x", "", ""])
        await self.sends(head.encode() + body)

    async def sends(self, raw: bytes) -> None:
        self._writer.write(raw)
        await self._writer.drain()

    async def hears(self) -> Answer:
        async with asyncio.timeout(5):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        status = int(first.split()[1])
        return Answer(status=status, headers=headers, body=json.loads(body))

    async def is_closed(self) -> bool:
        async with asyncio.timeout(5):
            try:
                return await self._reader.read() == b""
            except ConnectionResetError:
                return True


async def _read(request: Request) -> Response:
    return JSONResponse({"read": len(await request.body())})


async def _turn_away(_: Request) -> Response:
    raise Forbidden("not you")


async def _stream(_: Request) -> Response:
    async def words() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(BODY_S / 2)
            yield b"word"

    return StreamingResponse(words())


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, ProductError) else 500
    return JSONResponse({"error": str(error)}, status_code=status)


@pytest.fixture
async def port(background: Background) -> AsyncIterator[int]:
    app = Starlette(
        routes=[
            Route("/read", _read, methods=["POST"]),
            Route("/stream", _stream),
            Route("/{rest:path}", _turn_away, methods=["GET", "POST"]),
        ],
        middleware=[Middleware(Guard, max_body_bytes=MOST, body_s=BODY_S, linger_s=0.3)],
        exception_handlers={ProductError: _refused},
    )
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = background.spawn("door", server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


@pytest.fixture
async def wire(port: int) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield Wire(reader, writer)
    writer.close()


async def test_a_body_of_the_largest_size_is_read_and_the_connection_goes_on(wire: Wire) -> None:
    for _ in range(2):
        await wire.says("POST /read HTTP/1.1", f"Content-Length: {MOST}", body=b"x" * MOST)
        answer = await wire.hears()
        assert (answer.status, answer.body) == (200, {"read": MOST})
        assert "connection" not in answer.headers


async def test_a_body_of_ten_megabytes_is_refused_in_words_that_arrive(wire: Wire) -> None:
    size = 10_000_000
    await wire.says("POST /read HTTP/1.1", f"Content-Length: {size}", body=b"x" * size)
    answer = await wire.hears()
    assert answer.status == 413
    assert answer.body == {"error": f"the body is larger than {MOST} bytes"}


async def test_a_large_body_in_pieces_of_unknown_number_is_refused(wire: Wire) -> None:
    await wire.says("POST /read HTTP/1.1", "Transfer-Encoding: chunked")
    for _ in range(100):
        await wire.sends(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
    await wire.sends(b"0\r\n\r\n")
    assert (await wire.hears()).status == 413


async def test_a_body_that_stops_coming_is_refused_and_let_go(wire: Wire) -> None:
    await wire.says("POST /read HTTP/1.1", "Content-Length: 100", body=b"only this")
    answer = await wire.hears()
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert await wire.is_closed()


async def test_a_body_without_an_end_is_refused_and_let_go(
    wire: Wire, background: Background
) -> None:
    async def drip() -> None:
        while True:
            await wire.sends(b"1\r\nx\r\n")
            await asyncio.sleep(BODY_S / 10)

    await wire.says("POST /read HTTP/1.1", "Transfer-Encoding: chunked")
    dripping = background.spawn("drip", drip())
    assert (await wire.hears()).status == 408
    assert await wire.is_closed()
    dripping.cancel()


async def test_who_is_refused_before_its_body_has_ended_is_let_go(wire: Wire) -> None:
    await wire.says("POST /secret HTTP/1.1", "Content-Length: 1000000000", body=b"x" * 1000)
    answer = await wire.hears()
    assert (answer.status, answer.headers["connection"]) == (403, "close")
    assert await wire.is_closed()


async def test_a_compressed_body_is_refused_with_what_to_do(wire: Wire) -> None:
    await wire.says(
        "POST /read HTTP/1.1", "Content-Encoding: gzip", "Content-Length: 2", body=b"xx"
    )
    answer = await wire.hears()
    assert answer.status == 415
    assert "without Content-Encoding" in answer.body["error"]


async def test_a_path_longer_than_any_is_refused(wire: Wire) -> None:
    await wire.says("GET /" + "1" * 5000 + " HTTP/1.1")
    assert (await wire.hears()).status == 414


async def test_an_answer_may_take_longer_than_a_body(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await Wire(reader, writer).says("GET /stream HTTP/1.1", "Connection: close")
    assert (await reader.read()).count(b"word") == 3
    writer.close()
