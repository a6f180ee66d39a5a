"""The stand-ins and the product as child processes, and what may be done to them."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from app.cli.connection import connected
from app.embedded import PUBLISHED
from app.settings import Settings, load_settings
from app.sim.children import Child, end_left_behind
from app.sim.playhouse import ROOT, free_ports, plain_environment
from app.sim.witness import Witness
from app.tenant_folder import import_tenant
from bench.crash.script import WINDOW_S

ACCOUNT, TENANT, TEAM = "70001", "warsaw", "T70001"
READY_S = 90.0
LOOK_S = 0.05
WIDE = 2000
"""Requests in 10 s that both sides allow where the limit is not what is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that was done to the product, or that it said."""

    at: float
    """Seconds since the epoch, the stand-ins' clock being the same."""
    what: str


class Ground:
    """Both processes, their addresses, and a diary of what was done to them."""

    def __init__(
        self, folder: Path, http: aiohttp.ClientSession, extra: Mapping[str, str], seed: int
    ) -> None:
        self.folder = folder
        self.diary: list[Moment] = []
        self.product: Child | None = None
        self._sim: Child | None = None
        self._http = http
        self._seed = seed
        self.extra = dict(extra)
        """Settings of the product besides; what is changed here counts from its next start."""
        self._public_port, self._desk_port, self._sim_port = free_ports(3)
        self.witness = Witness(http, f"http://127.0.0.1:{self._sim_port}")

    @property
    def log(self) -> Path:
        """What the product said in all its lives."""
        return self.folder / "product.log"

    @property
    def environment(self) -> dict[str, str]:
        """What tells the product where its outside is."""
        sim = f"http://127.0.0.1:{self._sim_port}"
        return plain_environment() | {
            "NIGHTDESK_DATA__DIR": str(self.folder / "data"),
            "NIGHTDESK_SERVER__PUBLIC_PORT": str(self._public_port),
            "NIGHTDESK_SERVER__DESK_PORT": str(self._desk_port),
            "NIGHTDESK_SERVER__PUBLIC_URL": f"http://127.0.0.1:{self._public_port}",
            "NIGHTDESK_HOSTAWAY__BASE_URL": f"{sim}/hostaway/v1",
            "NIGHTDESK_HOSTAWAY__IP_REQUESTS": str(WIDE),
            "NIGHTDESK_HOSTAWAY__ACCOUNT_REQUESTS": str(WIDE),
            "NIGHTDESK_LLM__BASE_URL": f"{sim}/openai/v1",
            "NIGHTDESK_SLACK__BASE_URL": f"{sim}/slack/api/",
            "OPENAI_API_KEY": "sk-stand-in",
            **self.extra,
        }

    @property
    def settings(self) -> Settings:
        """The product's settings, as its process reads them."""
        return load_settings(ROOT / "config.toml", self.environment)

    # -- lives -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Both processes; the product has no company yet."""
        await asyncio.gather(self._start_sim(), self.start_product())

    async def start_product(self) -> None:
        """Start the product and come back once it is ready."""
        command = [sys.executable, "-m", "app.main"]
        self.product = child = await Child.start(
            "the product", command, self.environment, log=self.log
        )

        async def is_ready() -> bool:
            child.must_live()
            return await self.is_ready()

        await self.witness.until_asked(is_ready, "the product's /readyz", READY_S)
        self.note("ready")

    async def is_ready(self) -> bool:
        """Whether the product says that it works."""
        return await self.witness.answers(f"http://127.0.0.1:{self._desk_port}/readyz")

    async def kill_product(self) -> None:
        """End the product as a power failure would, its servers excepted."""
        if self.product is None or not self.product.is_alive:
            return
        self.signal(signal.SIGKILL)
        self.note("killed")
        await self.product.ended()

    def signal(self, number: signal.Signals) -> None:
        """Send the product's process a signal."""
        if self.product is not None:
            os.kill(self.product.pid, number)

    def servers(self) -> list[tuple[int, str]]:
        """(process, words of its command line) of the embedded servers, PostgreSQL first."""
        published = json.loads((self.folder / "data" / PUBLISHED).read_text(encoding="utf-8"))
        return [(server["pid"], server["mark"]) for server in published["servers"]]

    def note(self, what: str) -> None:
        """Write into the diary."""
        self.diary.append(Moment(at=time.time(), what=what))

    async def end(self) -> None:
        """End everything that was started."""
        await self.witness.close()
        if self.product is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
            await self.product.end()
        await end_left_behind(self.folder / "data")
        if self._sim is not None:
            await self._sim.end(5.0)

    # -- the outside -------------------------------------------------------------------------

    async def sim(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """A request to the stand-ins' control plane."""
        return await self.witness.sim(method, path, body, **query)

    async def model_is_slow(self, seconds: float) -> None:
        """Have the model think for so long before its first word."""
        url = f"http://127.0.0.1:{self._sim_port}/openai/v1/_faults"
        async with self._http.post(url, json={"first_token_s": seconds}) as answer:
            answer.raise_for_status()

    async def _start_sim(self) -> None:
        ready_file = self.folder / "sim.json"
        command = [sys.executable, "-m", "app.sim", "--port", str(self._sim_port)]
        command += ["--seed", str(self._seed), "--ready-file", str(ready_file)]
        command += ["--parent-pid", str(os.getpid())]
        log = self.folder / "sim.log"
        self._sim = child = await Child.start(
            "the stand-ins", command, plain_environment(), log=log
        )

        def is_ready() -> bool:
            child.must_live()
            return ready_file.exists()

        await self.witness.until(is_ready, "the stand-ins' start", READY_S)
        await self.sim("PATCH", "/settings", {"rate_ip": WIDE, "rate_account": WIDE})

    async def make_company(self) -> None:
        """Beside the running product, as the command line does it."""
        folder = ROOT / "app" / "sim" / "tenants" / TENANT
        async with connected(self.settings) as desk:
            await import_tenant(
                folder, database=desk.database, tenants=desk.tenants, libraries=desk.libraries,
                by="bench",
            )  # fmt: skip
            await desk.tenants.set(
                TENANT,
                {
                    "chat.window_confirmed_s": WINDOW_S,
                    "chat.window_other_s": WINDOW_S,
                    "chat.window_arrival_access_s": WINDOW_S,
                    "chat.max_replies_per_hour": 1000,
                    "language.default": "en",
                },
            )
            await desk.tenants.set_workspace(TENANT, team_id=TEAM, bot_token=f"xoxb-sim-{ACCOUNT}")
            await desk.tenants.set_mode(TENANT, "on")
            await desk.tenants.add_account(
                TENANT, external_id=ACCOUNT, client_secret=f"sim-secret-{ACCOUNT}"
            )
        await self.witness.until_asked(self._is_known, "the first look at the PMS", READY_S)

    async def _is_known(self) -> bool:
        state = await self.sim("GET", "/hostaway/state", account=ACCOUNT)
        one = state["accounts"][ACCOUNT]
        return bool(one["webhooks"] and one["requests"].get("reservations", 0) >= 2)


@asynccontextmanager
async def ground(
    *, seed: int, extra: Mapping[str, str] | None = None, keep: bool = False
) -> AsyncIterator[Ground]:
    """Everything up; gone afterwards, whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="nightdesk-crash-"))
    folder.chmod(0o711)
    timeout = aiohttp.ClientTimeout(total=30.0)
    connector = aiohttp.TCPConnector(limit=200)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        made = Ground(folder, http, extra or {}, seed)
        try:
            await made.start()
            yield made
        finally:
            await made.end()
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)
