# The programs started here are this interpreter with `-m app.main`.
"""The two doors, and the real process: ready, drained, refused, killed and started again."""

import asyncio
import contextlib
import io
import json
import logging
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.embedded import PUBLISHED, ServerUrls
from app.errors import (
    BadInput,
    Conflict,
    Forbidden,
    NotFound,
    OutsideError,
    ProductError,
    Unavailable,
)
from app.keys import new_key
from app.main import create_app, main, serving
from app.product import Product
from app.settings import load_settings
from app.wiring import build

ROOT = Path(__file__).parent.parent
ERRORS: dict[str, Exception] = {
    "400": BadInput("no good"), "403": Forbidden("not yours"), "404": NotFound("gone"),
    "409": Conflict("late"), "503": Unavailable("away"),
    "502": OutsideError("they failed", outside="hostaway", retryable=True),
}  # fmt: skip


@pytest.fixture
def product(embedded_urls: ServerUrls, tmp_path: Path) -> Product:
    """A product that nobody has opened, on the database that the servers come with."""
    return build(
        load_settings(
            None,
            {
                "NIGHTDESK_DATABASE_URL": embedded_urls.database_url or "",
                "NIGHTDESK_REDIS_URL": embedded_urls.redis_url or "",
                "NIGHTDESK_ENCRYPTION_KEYS": new_key(),
                "NIGHTDESK_DATA__DIR": str(tmp_path),
                "NIGHTDESK_SERVER__PUBLIC_PORT": "0",
                "NIGHTDESK_SERVER__DESK_PORT": "0",
            },
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: Any
    headers: dict[str, str]


async def ask(app: Any, path: str, method: str = "GET") -> Answer:
    """What an ASGI app answers, and what it raised is let be."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": [],
        "query_string": b"", "http_version": "1.1", "scheme": "http", "server": ("x", 80),
        "client": ("127.0.0.1", 1), "root_path": "", "asgi": {"version": "3.0"},
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with contextlib.suppress(ZeroDivisionError):
        await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return Answer(
        status=sent[0]["status"],
        body=json.loads(body) if body else None,
        headers={name.decode(): value.decode() for name, value in sent[0]["headers"]},
    )


async def fail(request: Request) -> Response:
    raise ERRORS[request.path_params["status"]]


async def break_down(_: Request) -> Response:
    return JSONResponse(1 // 0)


@pytest.fixture
def app(product: Product) -> Any:
    """A door with routes that fail."""
    routes = [Route("/fail/{status}", fail), Route("/broken", break_down)]
    return create_app(product, [*routes], product.database)


@pytest.mark.parametrize("status", list(ERRORS))
async def test_a_foreseen_error_is_answered_with_its_status_and_words(
    app: Any, status: str
) -> None:
    answer = await ask(app, f"/fail/{status}")
    error = ERRORS[status]
    assert isinstance(error, ProductError)
    assert (answer.status, answer.body) == (int(status), {"error": str(error)})
    assert ("retry-after" in answer.headers) == (status == "503")


async def test_what_broke_is_answered_without_details(
    app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await ask(app, "/broken")
    assert answer.status == 500
    assert "division" not in str(answer.body)
    assert [record.message for record in caplog.records] == ["request failed"]


async def test_an_unknown_route_and_a_wrong_method_are_answered_as_json(app: Any) -> None:
    unknown, wrong = await ask(app, "/nothing/here"), await ask(app, "/healthz", "DELETE")
    assert (unknown.status, unknown.body) == (404, {"error": "Not Found"})
    assert (wrong.status, list(wrong.body)) == (405, ["error"])
    assert "GET" in wrong.headers["allow"]


async def test_a_product_that_is_not_open_is_alive_but_not_ready(app: Any) -> None:
    assert (await ask(app, "/healthz")).status == 200
    answer = await ask(app, "/readyz")
    assert (answer.status, "retry-after" in answer.headers) == (503, True)


@pytest.fixture
async def doors(product: Product) -> AsyncIterator[tuple[int, int]]:
    """Both doors of an opened product."""
    async with product.opened(), serving(product) as ports:
        yield ports


async def test_both_doors_are_ready_until_their_database_is_gone(
    doors: tuple[int, int], product: Product, embedded_urls: ServerUrls
) -> None:
    async with aiohttp.ClientSession() as http:
        for port in doors:
            for path in ("healthz", "readyz"):
                async with http.get(f"http://127.0.0.1:{port}/{path}") as answer:
                    assert answer.status == 200
            async with http.get(f"http://127.0.0.1:{port}/") as answer:
                assert (answer.status, list(await answer.json())) == (404, ["error"])
                assert "server" not in answer.headers
        await product.public_database.close()
        async with http.get(f"http://127.0.0.1:{doors[0]}/readyz") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        await product.public_database.open(embedded_urls.database_url or "")


async def test_an_open_feed_does_not_hold_up_the_end(product: Product) -> None:
    token = {"Authorization": "Bearer desk-token"}
    secrets = product.settings.secrets.model_copy(update={"desk_token": SecretStr("desk-token")})
    product = build(product.settings.model_copy(update={"secrets": secrets}))
    async with asyncio.timeout(15), aiohttp.ClientSession(headers=token) as http:
        async with product.opened(), serving(product) as ports:
            feed = await http.get(f"http://127.0.0.1:{ports[1]}/live")
            assert feed.status == 200
        assert (await feed.content.read()).startswith(b": nightdesk")


# -- the real process --------------------------------------------------------------------------


class Running:
    """`python -m app.main` in a directory of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("NIGHTDESK_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.main"],
            cwd=folder,
            env=kept | {"PYTHONPATH": str(ROOT), **BOTH_DOORS, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> dict[str, Any]:
        """The line that says it is ready."""
        return self._line("ready", time.monotonic() + 30)

    def _line(self, message: str, until: float) -> dict[str, Any]:
        stdout = self.process.stdout
        assert stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while selector.select(until - time.monotonic()):
                if not (text := stdout.readline()):
                    break
                line: dict[str, Any] = json.loads(text)
                if line["message"] == message:
                    return line
        self.process.kill()
        raise AssertionError(f"never {message}: {self.process.communicate()}")

    def ended(self) -> tuple[int, str, str]:
        """(exit code, rest of stdout, stderr) once it has ended."""
        try:
            out, err = self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, out, err


BOTH_DOORS = {"NIGHTDESK_SERVER__PUBLIC_PORT": "0", "NIGHTDESK_SERVER__DESK_PORT": "0"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that the servers' account may enter; its servers are ended with it."""
    made = Path(tempfile.mkdtemp(prefix="nightdesk-main-"))
    yield made
    published = made / ".data" / PUBLISHED
    if published.exists():
        for server in json.loads(published.read_text())["servers"]:
            os.kill(server["pid"], signal.SIGKILL)
    shutil.rmtree(made, ignore_errors=True)


def main_says(monkeypatch: pytest.MonkeyPatch, folder: Path, **environment: str) -> tuple[Any, str]:
    """(exit code, stderr) of `main`, in this process: imports take seconds."""
    root = logging.getLogger()
    before, said = (root.level, list(root.handlers)), io.StringIO()
    monkeypatch.chdir(folder)
    for name, value in (BOTH_DOORS | environment).items():
        monkeypatch.setenv(name, value)
    try:
        with contextlib.redirect_stderr(said), pytest.raises(SystemExit) as ended:
            main()
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    return ended.value.code, said.getvalue()


def test_the_process_serves_refuses_a_second_survives_kill_and_ends_when_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Running(folder)
    line = first.ready()
    assert min(line["public_port"], line["desk_port"]) > 0
    assert main_says(monkeypatch, folder) == (
        2, f"nightdesk: process {first.process.pid} uses {folder}/.data;"
        " end it first, or choose another data directory\n",
    )  # fmt: skip
    first.process.kill()
    first.ended()
    again = Running(folder)
    again.ready()
    again.process.send_signal(signal.SIGTERM)
    code, out, said = again.ended()
    assert (code, said) == (0, "")
    lines = [json.loads(text) for text in out.splitlines()]
    assert "stopping" in [entry["message"] for entry in lines]
    assert [entry for entry in lines if entry["level"] in ("warning", "error")] == []
    assert not (folder / ".data" / PUBLISHED).exists()


def test_a_wrong_setting_ends_with_one_clear_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "config.toml").write_text("[server]\npublic_prt = 1\n")
    assert main_says(monkeypatch, folder) == (
        2, "nightdesk: settings (config.toml): unknown key server.public_prt,"
        " did you mean server.public_port?\n",
    )  # fmt: skip


def test_a_settings_file_that_was_named_must_be_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main_says(monkeypatch, folder, NIGHTDESK_CONFIG="nightdesk.toml") == (
        2, "nightdesk: cannot read settings from nightdesk.toml: No such file or directory\n",
    )  # fmt: skip


async def test_a_taken_port_is_refused_by_its_number(product: Product) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = product.settings.server.model_copy(update={"desk_port": port})
        product.settings = product.settings.model_copy(update={"server": server})
        with pytest.raises(Unavailable, match=rf"127\.0\.0\.1:{port}: .*in use; choose another"):
            async with serving(product):
                pass


async def test_a_wrong_database_is_refused_and_a_silent_one_is_away(
    product: Product, embedded_urls: ServerUrls
) -> None:
    for url, error in (
        ((embedded_urls.database_url or "").replace("/nightdesk?", "/nobody?"), BadInput),
        ("nonsense", BadInput),
        ("postgresql://127.0.0.1:1/x", Unavailable),
    ):
        with pytest.raises(error):
            await product.database.open(url)
