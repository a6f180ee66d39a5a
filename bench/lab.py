"""What measurements stand on: the product as a child process, the stand-ins, one tenant mirrored.

The product runs as in production: `python -m app.main`, its own embedded servers, fsync on, a data
folder of its own. The stand-ins of the outside run in a thread of the bench; the moment at which
each of their requests came in is noted.
"""

import asyncio
import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import uvicorn
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from app.embedded import running_urls
from app.settings import load_settings
from app.sim import openai
from app.sim.children import end_left_behind
from app.sim.server import build_app
from app.tenants import PmsAccount
from app.wiring import build

TENANT = "bench"
ACCOUNT = "70001"
UNBOUND = {
    "NIGHTDESK_HOSTAWAY__IP_REQUESTS": "2000",
    "NIGHTDESK_HOSTAWAY__ACCOUNT_REQUESTS": "2000",
}
"""A rate bucket that holds nothing up, on our side; the stand-in's own is off."""
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Arrivals:
    """Middleware of the stand-ins: which request came when."""

    app: ASGIApp
    seen: list[tuple[float, str, str]] = field(default_factory=list)
    """(monotonic seconds, method, path) in order of arrival."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.seen.append((time.monotonic(), scope["method"], scope["path"]))
        await self.app(scope, receive, send)


class Outside:
    """The stand-ins, on a port of their own in a thread of their own."""

    def __init__(self, scale: str) -> None:
        self.sim = build_app(
            seed=7, scale=scale, more=[Mount("/openai/v1", routes=openai.routes())]
        )
        self.world = self.sim.state.world
        self.world.knobs.change({"rate_ip": 0, "rate_account": 0})
        self.arrivals = Arrivals(self.sim)
        self.port = free_port()
        config = uvicorn.Config(self.arrivals, port=self.port, log_config=None, lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)


class Lab:
    """A data folder with one tenant in it, and the product over it, started and stopped at will."""

    def __init__(self, *, scale: str = "full", settings: Mapping[str, str] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nightdesk-bench-"))
        self.folder.chmod(0o711)
        self.outside = Outside(scale)
        self.port = free_port()
        self.settings = dict(settings or {})
        self.account: PmsAccount | None = None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def environment(self) -> dict[str, str]:
        base = self.outside.base
        return {
            "NIGHTDESK_DATA__DIR": str(self.data),
            "NIGHTDESK_SERVER__PUBLIC_PORT": str(self.port),
            "NIGHTDESK_SERVER__DESK_PORT": "0",
            "NIGHTDESK_SERVER__PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "NIGHTDESK_HOSTAWAY__BASE_URL": f"{base}/hostaway/v1",
            "NIGHTDESK_LLM__BASE_URL": f"{base}/openai/v1",
            "NIGHTDESK_SLACK__BASE_URL": f"{base}/slack/api/",
            "OPENAI_API_KEY": "sk-stand-in",
            **self.settings,
        }

    async def settle(self) -> None:
        """One tenant that is on, its account's listings and reservations mirrored."""
        self.outside.start()
        product = build(load_settings(None, self.environment() | UNBOUND))
        async with product.opened():
            await product.tenants.add(TENANT, "Bench")
            await product.tenants.set_mode(TENANT, "on")
            self.account = await product.tenants.add_account(
                TENANT, external_id=ACCOUNT, client_secret=f"sim-secret-{ACCOUNT}"
            )
            while True:
                runs = await product.jobs.recent_runs(TENANT)
                if any(r["kind"] == "pms.full_sync" and r["status"] == "done" for r in runs):
                    return
                await asyncio.sleep(0.1)

    async def start(self) -> float:
        """The product as a child; seconds until it is ready."""
        began = time.monotonic()
        with (self.folder / "product.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.main"],
                env={**_plain_environment(), **self.environment()},
                stdout=log,
                stderr=log,
            )
        async with aiohttp.ClientSession() as http:
            while True:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the product ended: {self.tail()}")
                try:
                    async with http.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return time.monotonic() - began
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.01)

    async def stop(self) -> float:
        """A clean end; seconds from SIGTERM until the process was gone."""
        process, self.process = self.process, None
        if process is None:
            return 0.0
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, 60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return time.monotonic() - began

    async def end(self) -> None:
        """Nothing is left."""
        await self.stop()
        await end_left_behind(self.data)
        self.outside.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self) -> str:
        return "\n".join((self.folder / "product.log").read_text().splitlines()[-10:])

    def hook(self) -> tuple[str, str]:
        """(path, Authorization header) of the tenant's webhook."""
        assert self.account is not None
        pair = ":".join(self.account.webhook_logins[0])
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        return f"/webhook/hostaway/{self.account.account_key}", basic

    @property
    def database_url(self) -> str:
        """Of the running product's embedded PostgreSQL."""
        urls = running_urls(self.data)
        assert urls is not None
        assert urls.database_url is not None
        return urls.database_url

    async def value(self, sql: str) -> Any:
        """One value of the running product's database."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    def cpu_s(self) -> float:
        """Processor seconds that the product's own process has used."""
        assert self.process is not None
        return cpu_s(self.process.pid)


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


@contextmanager
def freed(*processes: subprocess.Popen[bytes]) -> Iterator[None]:
    """Processes that are gone afterwards."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _plain_environment() -> dict[str, str]:
    """This process's environment without settings of another Nightdesk."""
    return {name: v for name, v in os.environ.items() if not name.startswith("NIGHTDESK_")}
