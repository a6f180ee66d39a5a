"""The process: two doors on two ports, started and drained together. `python -m app.main`."""

import asyncio
import contextlib
import logging
import math
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.db import Database
from app.door import Guard
from app.errors import OutsideError, ProductError, Unavailable
from app.heap import collect_seldom, keep_loaded
from app.product import Product
from app.settings import Settings, load_settings
from app.telemetry import keep_words_out_of_crashes, start_logging
from app.wiring import build

logger = logging.getLogger(__name__)

CONFIG_FILE = Path("config.toml")
STARTS_WITHIN_S = 10.0
LARGEST_FRAME = 64 * 1024
"""Bytes of one websocket message; a media stream's are about 300."""
BACKLOG = 2048
"""Connections that may wait to be accepted; what uvicorn takes by itself."""


class QuietServer(uvicorn.Server):
    """Uvicorn that leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours to handle."""
        yield


def create_app(product: Product, routes: list[BaseRoute], database: Database) -> Starlette:
    """One door: its routes, health, and errors as JSON."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        if not product.is_ready:
            raise Unavailable("not ready")
        async with database.shared().transaction() as conn:
            await conn.fetchval("select 1")
        return JSONResponse({"status": "ready"})

    health = [Route("/healthz", healthz), Route("/readyz", readyz)]
    server = product.settings.server
    guard = Middleware(Guard, max_body_bytes=server.max_body_bytes, body_s=server.body_s)
    return Starlette(
        routes=[*health, *routes],
        middleware=[guard],
        exception_handlers={
            ProductError: _refused,
            HTTPException: _not_served,
            Exception: _broken,
        },
    )


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, ProductError) else 500
    if isinstance(error, OutsideError):
        logger.warning("outside failed", extra={"why": str(error)})
    headers = {"Retry-After": "5"} if status == 503 else None
    return JSONResponse({"error": str(error)}, status_code=status, headers=headers)


async def _not_served(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    detail = error.detail if isinstance(error, HTTPException) else "not found"
    headers = error.headers if isinstance(error, HTTPException) else None
    return JSONResponse({"error": detail}, status_code=status, headers=headers)


async def _broken(_: Request, error: Exception) -> Response:
    logger.error("request failed", exc_info=error)
    return JSONResponse({"error": "something broke here; it was logged"}, status_code=500)


@contextlib.asynccontextmanager
async def serving(product: Product) -> AsyncIterator[tuple[int, int]]:
    """Both doors open around an opened product; the ports they got."""
    server = product.settings.server
    public = create_app(product, product.public_routes(), product.public_database)
    desk = create_app(product, product.desk_routes(), product.database)
    with contextlib.ExitStack() as sockets:
        public_socket = sockets.enter_context(_bound(server.public_host, server.public_port))
        desk_socket = sockets.enter_context(_bound(server.desk_host, server.desk_port))
        doors = [(_server(public, server.drain_s), public_socket)]
        doors.append((_server(desk, server.drain_s), desk_socket))
        tasks = [product.background.spawn("door", door.serve([bound])) for door, bound in doors]
        try:
            for (door, _), task in zip(doors, tasks, strict=True):
                await _until_started(door, task)
            yield _port(public_socket), _port(desk_socket)
        finally:
            # Feeds never end by themselves; a door would wait for them as long as it may.
            product.live.close()
            for door, _ in doors:
                door.should_exit = True
            await asyncio.gather(*tasks, return_exceptions=True)


async def _until_started(server: QuietServer, task: asyncio.Task[None]) -> None:
    for _ in range(int(STARTS_WITHIN_S / 0.01)):
        if server.started or task.done():
            break
        await asyncio.sleep(0.01)
    if not server.started:
        raise Unavailable("a door did not open in time")


def _bound(host: str, port: int) -> socket.socket:
    """A socket on the door's address; bound here, for uvicorn ends the process where it cannot."""
    try:
        family, kind, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return _listening(family, kind, address)
    except OSError as exc:
        raise Unavailable(
            f"cannot open a door on {host}:{port}: {exc.strerror}; choose another in [server]"
        ) from exc


def _listening(family: int, kind: int, address: Any) -> socket.socket:
    bound = socket.socket(family, kind)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _server(app: Starlette, drain_s: float) -> QuietServer:
    return QuietServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=LARGEST_FRAME,
            timeout_graceful_shutdown=math.ceil(drain_s),
            lifespan="off",
        )
    )


def _port(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once."""
    product = build(settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    async with product.opened(), serving(product) as (public_port, desk_port):
        collect_seldom()
        keep_loaded()
        logger.info("ready", extra={"public_port": public_port, "desk_port": desk_port})
        await stopping.wait()
        logger.info("stopping")


def main() -> None:
    """Read settings and run; a wrong setting ends with one clear line."""
    named = os.environ.get("NIGHTDESK_CONFIG")
    path = Path(named or CONFIG_FILE)
    try:
        settings = load_settings(path if named or path.exists() else None)
        start_logging(settings.telemetry)
        uvloop.run(run(settings))
    except ProductError as exc:
        sys.stderr.write(f"nightdesk: {exc}\n")
        sys.exit(2)


if __name__ == "__main__":
    keep_words_out_of_crashes()
    main()
