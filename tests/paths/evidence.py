"""One long run of the real process with a canary in everything, and all that it wrote or sent."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import asyncpg
import uvicorn
from click.testing import CliRunner
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from app.cli import nightdesk
from app.embedded import ServerUrls
from app.keys import new_key
from app.sim import openai
from app.sim.server import build_app
from app.sim.world import World
from tests.paths.plants import CUSTOM, Garden
from tests.paths.wires import Wire, to_port, to_socket

ROOT = Path(__file__).parents[2]
ACCOUNT = 70001
TENANT = "warsaw"
DESK_TOKEN = "desk-token-of-the-leak-run"
OPEN, LOCKED, STATIC, ARCHIVED = 41002, 41003, 41004, 41028
"""Listings: of open stays, of locked ones, with a static code, and put away."""
SETTINGS = [
    "access.requires_payment=true", "access.requires_agreement=true",
    "chat.window_confirmed_s=0.2", "chat.window_other_s=0.2", "chat.window_arrival_access_s=0.2",
    "chat.max_replies_per_hour=50", "chat.send_check_s=1",
    f"pms.custom_fields={json.dumps(list(CUSTOM))}",
    f'access.code_sources=["{STATIC}=listing"]',
]  # fmt: skip


BUSY = """
    select kind, key, due_at::text, attempts from nightdesk.wake
    where dead_at is null and due_at < now() + interval '2 s'
      and kind in ('chat.reply', 'chat.read', 'chat.send', 'slack.alert', 'pms.find_thread',
                   'pms.reservation')
    union all
    select 'inbox', event, '', attempts from {schema}.inbox where handled_at is null
"""
"""What is due, or under way."""
SENDING = re.compile(
    rb"POST /hostaway/v1/conversations/(\d+)/messages [^\r]*\r\n"
    rb"(?:[^\r]+\r\n)*?Content-Length: (\d+)\r\n(?:[^\r]+\r\n)*\r\n"
)
"""The head of a request that sends a reply."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Evidence:
    """What the process wrote or sent, by where to."""

    garden: Garden = field(default_factory=Garden)
    sent: dict[str, bytes] = field(default_factory=dict)
    """Name of the wire or stream → bytes."""
    rows: dict[str, str] = field(default_factory=dict)
    """`table.column` → its values at the end; encrypted ones are left out."""
    closed: bytes = b""
    """The encrypted columns."""
    replies: list[tuple[str, bytes]] = field(default_factory=list)
    """(owner, body) of every request that sends a reply, whatever became of it."""
    open_owners: set[str] = field(default_factory=set)
    """Whose gated text may be told to models and guests."""


class Outside:
    """The stand-ins in this process, and the wires to every server."""

    def __init__(self, world: World, base: str, wires: dict[str, Wire]) -> None:
        self.world = world
        self.base = base
        self.wires = wires

    def url(self, wire: str, path: str) -> str:
        """An address by way of a wire."""
        return f"http://127.0.0.1:{self.wires[wire].port}{path}"


@asynccontextmanager
async def outside(urls: ServerUrls) -> AsyncIterator[Outside]:
    """The stand-ins, and a wire to each server that the process speaks to."""

    async def take_spans(request: Request) -> Response:
        await request.body()
        return Response()

    more = [
        Mount("/openai/v1", routes=openai.routes()),
        Route("/otlp/v1/traces", take_spans, methods=["POST"]),
    ]
    app = build_app(seed=11, scale="small", more=more)
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="on", timeout_keep_alive=120)
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    postgres = urlsplit(urls.database_url or "")
    socket_folder = parse_qs(postgres.query)["host"][0]
    wires = {name: Wire(to_port(port)) for name in ("hostaway", "model", "slack", "spans")}
    wires["postgres"] = Wire(to_socket(f"{socket_folder}/.s.PGSQL.5432"))
    wires["valkey"] = Wire(to_socket(urlsplit(urls.redis_url or "").path))
    for wire in wires.values():
        await wire.open()
    yield Outside(app.state.world, f"http://127.0.0.1:{port}", wires)
    for wire in wires.values():
        await wire.close()
    server.should_exit = True
    await serving


class Run:
    """The process, what is done to it, and what it said."""

    def __init__(self, out: Outside, urls: ServerUrls, folder: Path, http: Any) -> None:
        self.out = out
        self.folder = folder
        self.http: aiohttp.ClientSession = http
        self.evidence = Evidence()
        self.database = (urls.database_url or "").replace("/nightdesk?", "/leaks?")
        self.redis_url = urls.redis_url or ""
        self.said: dict[str, list[str]] = {name: [] for name in ("desk", "live", "public", "cli")}
        self.ports: dict[str, int] = {}
        self.process: asyncio.subprocess.Process | None = None
        account, port = urlsplit(self.database), free_port()
        wired = f"postgresql://{account.username}:{account.password}@127.0.0.1"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("NIGHTDESK_")},
            "PYTHONPATH": str(ROOT),
            "NIGHTDESK_DATABASE_URL": f"{wired}:{out.wires['postgres'].port}/leaks?sslmode=disable",
            "NIGHTDESK_REDIS_URL": f"redis://127.0.0.1:{out.wires['valkey'].port}/5",
            "NIGHTDESK_ENCRYPTION_KEYS": new_key(),
            "NIGHTDESK_DESK_TOKEN": DESK_TOKEN,
            "NIGHTDESK_DATA__DIR": str(folder / "data"),
            "NIGHTDESK_HOSTAWAY__BASE_URL": out.url("hostaway", "/hostaway/v1"),
            "NIGHTDESK_HOSTAWAY__IP_REQUESTS": "5000",
            "NIGHTDESK_HOSTAWAY__ACCOUNT_REQUESTS": "5000",
            "NIGHTDESK_LLM__BASE_URL": out.url("model", "/openai/v1"),
            "NIGHTDESK_SLACK__BASE_URL": out.url("slack", "/slack/api/"),
            "NIGHTDESK_TELEMETRY__OTLP_ENDPOINT": out.url("spans", "/otlp/v1/traces"),
            "NIGHTDESK_TELEMETRY__LOG_LEVEL": "DEBUG",
            "NIGHTDESK_JOBS__SWEEP_S": "0.5",
            "NIGHTDESK_JOBS__MAX_ATTEMPTS": "2",
            "NIGHTDESK_SERVER__PUBLIC_PORT": str(port),
            "NIGHTDESK_SERVER__PUBLIC_URL": f"http://127.0.0.1:{port}",
            "NIGHTDESK_SERVER__DESK_PORT": "0",
        }

    # -- the process -------------------------------------------------------------------------

    async def start(self) -> None:
        """`python -m app.main`, until it is ready."""
        with contextlib.ExitStack() as stack:
            stdout, stderr = (
                stack.enter_context((self.folder / name).open("wb"))
                for name in ("stdout", "stderr")
            )
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app.main", cwd=self.folder, env=self.environment,
                stdout=stdout, stderr=stderr,
            )  # fmt: skip

        async def is_ready() -> bool:
            for line in (self.folder / "stdout").read_text().splitlines():
                entry = json.loads(line)
                if entry["message"] == "ready":
                    self.ports = {"public": entry["public_port"], "desk": entry["desk_port"]}
            return bool(self.ports)

        await self.until(is_ready, 60)

    async def stop(self) -> None:
        """End it as an administrator does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.wait(), 60)

    async def kill(self) -> None:
        """End it whatever happened."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    # -- what is done to it ------------------------------------------------------------------

    async def cli(self, *arguments: str) -> str:
        """What a command prints, which is evidence."""
        environment = {**self.environment, "NIGHTDESK_DATABASE_URL": self.database}
        environment.pop("NIGHTDESK_TELEMETRY__OTLP_ENDPOINT")
        result = await asyncio.to_thread(
            CliRunner().invoke, nightdesk, arguments, env=environment, prog_name="nightdesk"
        )
        self.said["cli"] += [result.stdout, result.stderr]
        return result.stdout

    async def sim(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the stand-ins' control plane."""
        async with self.http.request(method, f"{self.out.base}/sim{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def fault(self, target: str, kind: str, **more: Any) -> None:
        """Something goes wrong outside, once unless told otherwise."""
        await self.sim("POST", "/faults", {"target": target, "kind": kind, "count": 1, **more})

    async def model_fault(self, **fault: Any) -> None:
        """Something goes wrong with the model."""
        url = f"{self.out.base}/openai/v1/_faults"
        async with self.http.post(url, json=fault) as answer:
            assert answer.status == 201, await answer.text()

    async def desk(self, method: str, path: str, **form: str) -> tuple[int, str]:
        """A page or form of the desk; its answer is evidence."""
        async with self.http.request(
            method, f"http://127.0.0.1:{self.ports['desk']}{path}", data=form or None,
            headers={"Authorization": f"Bearer {DESK_TOKEN}"}, allow_redirects=False,
        ) as answer:  # fmt: skip
            text = await answer.text()
            self.said["desk"].append(f"{answer.headers}\n{text}")
            return answer.status, text

    async def posts(self, body: bytes, *, login: tuple[str, str], path: str = "") -> int:
        """A request at the public door; its answer is evidence."""
        url = f"http://127.0.0.1:{self.ports['public']}/webhook/hostaway{path}"
        headers = {"Authorization": aiohttp.encode_basic_auth(*login)}
        async with self.http.post(url, data=body, headers=headers) as answer:
            self.said["public"].append(f"{answer.headers}\n{await answer.text()}")
            return answer.status

    async def listen(self) -> None:
        """Keep what the live feed tells, until it ends."""
        url = f"http://127.0.0.1:{self.ports['desk']}/live?tenant={TENANT}"
        headers = {"Authorization": f"Bearer {DESK_TOKEN}"}
        with contextlib.suppress(aiohttp.ClientError):
            async with self.http.get(url, headers=headers, timeout=None) as answer:
                async for chunk in answer.content.iter_any():
                    self.said["live"].append(chunk.decode(errors="replace"))

    async def until(self, is_so: Callable[[], Awaitable[Any]], within_s: float = 30.0) -> Any:
        """What a check gives once it gives something."""
        async with asyncio.timeout(within_s):
            while not (found := await is_so()):
                await asyncio.sleep(0.05)
        return found

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Rows of the database, read beside the process."""
        conn = await asyncpg.connect(self.database)
        try:
            return await conn.fetch(sql.replace("{schema}", f"t_{TENANT}"), *args)
        finally:
            await conn.close()

    async def quiet(self) -> None:
        """Until nothing is due and nothing under way, but for what waits outside."""

        await asyncio.sleep(0.2)
        async with asyncio.timeout(60):
            while busy := await self.rows(BUSY):
                await asyncio.sleep(0.05)
        assert not busy

    # -- what is kept ------------------------------------------------------------------------

    async def gather(self) -> Evidence:
        """Everything, once the process has ended."""
        found = self.evidence
        found.sent = {name: wire.said for name, wire in self.out.wires.items()}
        found.sent |= {name: "\n".join(said).encode() for name, said in self.said.items()}
        for name in ("stdout", "stderr"):
            found.sent[name] = (self.folder / name).read_bytes()
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        found.sent["files"] = b"\n".join(
            path.read_bytes() for path in files if path.name not in ("stdout", "stderr")
        )
        await self._read_rows()
        found.sent["valkey at the end"] = await self._read_valkey()
        self._take_replies_apart()
        return found

    def _take_replies_apart(self) -> None:
        """The requests that send replies, out of what else the PMS was told."""
        wire = self.evidence.sent["hostaway"]
        conversations = self.out.world.store.accounts[ACCOUNT].conversations
        rest, at = bytearray(), 0
        for hit in SENDING.finditer(wire):
            if hit.start() < at:
                continue
            rest += wire[at : hit.end()]
            at = hit.end() + int(hit[2])
            reservation = conversations[int(hit[1])]["reservationId"]
            self.evidence.replies.append((f"reservation {reservation}", wire[hit.end() : at]))
        self.evidence.sent["hostaway"] = bytes(rest + wire[at:])

    async def _read_rows(self) -> None:
        columns = await self.rows(
            """select table_schema as s, table_name as t, column_name as c, data_type as kind
               from information_schema.columns
               where table_schema in ('nightdesk', $1)""",
            f"t_{TENANT}",
        )
        for column in columns:
            place = f'"{column["c"]}"::text as value from {column["s"]}."{column["t"]}"'
            values = [str(row["value"]) for row in await self.rows(f"select {place}")]
            if column["kind"] == "bytea":
                self.evidence.closed += "\n".join(values).encode()
            else:
                self.evidence.rows[f"{column['t']}.{column['c']}"] = "\n".join(values)

    async def _read_valkey(self) -> bytes:
        redis = Redis.from_url(self.redis_url.replace("db=0", "db=5"))
        try:
            keys = [key async for key in redis.scan_iter()]
            return b"\n".join([*keys, *[await redis.dump(key) or b"" for key in keys]])
        finally:
            await redis.aclose()


@asynccontextmanager
async def running(urls: ServerUrls) -> AsyncIterator[Run]:
    """The outside with its canaries, the process, and the tenant moved in."""
    admin = await asyncpg.connect(urls.database_url or "")
    await admin.execute("drop database if exists leaks with (force)")
    await admin.execute("create database leaks")
    await admin.close()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nightdesk-leaks-")))
        out = await stack.enter_async_context(outside(urls))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        run = Run(out, urls, folder, http)
        stack.push_async_callback(run.kill)
        run.evidence.garden.account(out.world.store.accounts[ACCOUNT])
        await run.sim(
            "PATCH", "/settings", {"rate_ip": 0, "rate_account": 0, "webhook_outgoing": True}
        )
        await run.start()
        yield run
