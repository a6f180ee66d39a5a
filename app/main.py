"""The process: two doors on two ports, started and drained together. `python -m app.main`."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.db import Database
from app.errors import OutsideError, ProductError, Unavailable
from app.settings import Settings, load_settings
from app.telemetry import start_logging
from app.wiring import Product, build

logger = logging.getLogger(__name__)

CONFIG_FILE = Path("config.toml")
STARTS_WITHIN_S = 10.0


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
    return Starlette(
        routes=[*health, *routes],
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
    return JSONResponse({"error": detail}, status_code=status)


async def _broken(_: Request, error: Exception) -> Response:
    logger.error("request failed", exc_info=error)
    return JSONResponse({"error": "something broke here; it was logged"}, status_code=500)


@contextlib.asynccontextmanager
async def serving(product: Product) -> AsyncIterator[tuple[int, int]]:
    """Both doors open around an opened product; the ports they got."""
    server = product.settings.server
    public = create_app(product, product.public_routes(), product.public_database)
    desk = create_app(product, product.desk_routes(), product.database)
    servers = [
        _server(public, server.public_host, server.public_port, server.drain_s),
        _server(desk, server.desk_host, server.desk_port, server.drain_s),
    ]
    tasks = [product.background.spawn(f"door {n}", each.serve()) for n, each in enumerate(servers)]
    try:
        for each, task in zip(servers, tasks, strict=True):
            await _until_started(each, task)
        yield _port(servers[0]), _port(servers[1])
    finally:
        for each in servers:
            each.should_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until_started(server: QuietServer, task: asyncio.Task[None]) -> None:
    for _ in range(int(STARTS_WITHIN_S / 0.01)):
        if server.started or task.done():
            break
        await asyncio.sleep(0.01)
    if not server.started:
        raise Unavailable("a door cannot open; is its port taken? choose another in [server]")


def _server(app: Starlette, host: str, port: int, drain_s: float) -> QuietServer:
    return QuietServer(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(drain_s),
            lifespan="off",
        )
    )


def _port(server: QuietServer) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
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
        logger.info("ready", extra={"public_port": public_port, "desk_port": desk_port})
        await stopping.wait()
        logger.info("stopping")


def main() -> None:
    """Read settings and run; a wrong setting ends with one clear line."""
    path = Path(os.environ.get("NIGHTDESK_CONFIG", CONFIG_FILE))
    try:
        settings = load_settings(path if path.exists() else None)
        start_logging(settings.telemetry)
        uvloop.run(run(settings))
    except ProductError as exc:
        sys.stderr.write(f"nightdesk: {exc}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
