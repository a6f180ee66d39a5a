"""The story's processes, stand-ins and product: in a folder of their own, ended in order."""

import asyncio
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

import app.sim
from app.sim.children import Child, Ended, end_left_behind, run
from app.sim.witness import Witness

ROOT = Path(app.sim.__file__).parents[2]
"""Where config.toml and the demo tenants' folders are named from."""
KEPT = ROOT / ".data" / "demo"
"""What stays after the story: recordings of its calls, a folder a story."""
SPEECH_CACHE = ROOT / ".data" / "speech"
"""Where the weights of the speech engines are joined, once for all stories."""
_READY_S = 60.0

T = TypeVar("T")


class Playhouse:
    """Both processes with their addresses, and what may be done with them."""

    def __init__(self, folder: Path, http: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.desk_token = secrets.token_urlsafe(24)
        self.public_port, self.desk_port, self.sim_port = free_ports(3)
        self.sim: Child | None = None
        self.product: Child | None = None
        self.sim_took_s = self.product_took_s = 0.0
        self.recordings = KEPT / f"{datetime.now(UTC).astimezone():%Y-%m-%d-%H%M%S}"
        self.witness = Witness(http, self.sim_url)
        """The eyes on both."""

    @property
    def sim_url(self) -> str:
        """Where the stand-ins answer."""
        return f"http://127.0.0.1:{self.sim_port}"

    @property
    def desk_url(self) -> str:
        """Where operators look."""
        return f"http://127.0.0.1:{self.desk_port}"

    @property
    def public_url(self) -> str:
        """Where the PMS's webhooks arrive."""
        return f"http://127.0.0.1:{self.public_port}"

    @property
    def log(self) -> Path:
        """What the product says, JSON lines."""
        return self.folder / "product.log"

    @property
    def data(self) -> Path:
        """The product's data directory."""
        return self.folder / "data"

    async def start(self) -> None:
        """Start both side by side; the product asks nothing outside before it has a tenant.

        Raises:
            ChildEnded, NotSeen: one of them does not come up.
        """
        await asyncio.gather(self._start_sim(), self._start_product())

    async def _start_sim(self) -> None:
        began, ready_file = time.monotonic(), self.folder / "sim.json"
        command = [sys.executable, "-m", "app.sim", "--scale", "full"]
        command += ["--port", str(self.sim_port), "--ready-file", str(ready_file)]
        command += ["--parent-pid", str(os.getpid())]
        command += ["--recordings", str(self.recordings), "--speech-cache", str(SPEECH_CACHE)]
        log = self.folder / "sim.log"
        self.sim = child = await Child.start("the stand-ins", command, plain_environment(), log=log)

        def is_ready() -> bool:
            child.must_live()
            return ready_file.exists()

        await self.witness.until(is_ready, "the stand-ins' start", _READY_S)
        self.witness.follow_sim()
        self.sim_took_s = time.monotonic() - began

    async def _start_product(self) -> None:
        began = time.monotonic()
        command = [sys.executable, "-m", "app.main"]
        self.product = child = await Child.start(
            "the product", command, self.environment(), log=self.log
        )

        async def is_ready() -> bool:
            child.must_live()
            return await self.witness.answers(f"{self.desk_url}/readyz")

        await self.witness.until_asked(is_ready, "the product's /readyz", _READY_S)
        self.product_took_s = time.monotonic() - began

    async def while_alive(self, work: Coroutine[Any, Any, T]) -> T:
        """What some work gives, as long as both processes run.

        Raises:
            ChildEnded: one of them has ended; the work was stopped.
        """
        children = [child for child in (self.sim, self.product) if child is not None]
        ends = [asyncio.create_task(child.ended()) for child in children]
        task = asyncio.create_task(work)
        try:
            await asyncio.wait([task, *ends], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                for child in children:
                    child.must_live()
            return await task
        finally:
            for one in (task, *ends):
                one.cancel()
            await asyncio.gather(task, *ends, return_exceptions=True)

    async def nightdesk(self, *words: str, **secret: str) -> Ended:
        """The command `nightdesk` in a process of its own, beside the product."""
        command = [str(Path(sys.executable).with_name("nightdesk")), *words]
        return await run(command, self.environment() | secret)

    def environment(self) -> dict[str, str]:
        """What tells the product where its outside is; nothing of the caller's own settings."""
        sim = self.sim_url
        return plain_environment() | {
            "NIGHTDESK_DATA__DIR": str(self.data),
            "NIGHTDESK_DESK_TOKEN": self.desk_token,
            "NIGHTDESK_SERVER__PUBLIC_PORT": str(self.public_port),
            "NIGHTDESK_SERVER__DESK_PORT": str(self.desk_port),
            "NIGHTDESK_SERVER__PUBLIC_URL": self.public_url,
            "NIGHTDESK_SERVER__DESK_URL": self.desk_url,
            "NIGHTDESK_HOSTAWAY__BASE_URL": f"{sim}/hostaway/v1",
            "NIGHTDESK_LLM__BASE_URL": f"{sim}/openai/v1",
            "NIGHTDESK_SLACK__BASE_URL": f"{sim}/slack/api/",
            "OPENAI_API_KEY": "sk-stand-in",
        }

    async def end(self) -> None:
        """End everything, the product first, and what a killed product left running."""
        await self.witness.close()
        if self.product is not None and await self.product.end() != 0:
            await end_left_behind(self.data)
        if self.sim is not None:
            await self.sim.end(5.0)


@asynccontextmanager
async def opened() -> AsyncIterator[Playhouse]:
    """A house whose folder and processes are gone afterwards, whatever happens."""
    folder = _make_folder()
    timeout = aiohttp.ClientTimeout(total=60.0)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        house = Playhouse(folder, http)
        try:
            yield house
        finally:
            await house.end()
            shutil.rmtree(folder, ignore_errors=True)


def _make_folder() -> Path:
    """A new folder for this one story; the database's own account may pass through it."""
    folder = Path(tempfile.mkdtemp(prefix="nightdesk-demo-"))
    folder.chmod(0o711)
    return folder


def plain_environment() -> dict[str, str]:
    """This process's environment without settings and keys of another Nightdesk."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NIGHTDESK_") and name not in ("OPENAI_API_KEY", "SLACK_BOT_TOKEN")
    }


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
