"""Headless Chromium, driven over its DevTools protocol: a page, a click, what stands there.

Source: Chrome DevTools Protocol, domains Target, Page, Runtime and Input.
"""

import asyncio
import base64
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STARTS_WITHIN_S = 30.0
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--metrics-recording-only", "--no-default-browser-check", "--mute-audio",
    "--autoplay-policy=no-user-gesture-required", "--disable-features=Translate,MediaRouter",
    "--remote-debugging-port=0", "--window-size=1280,860", "about:blank",
)  # fmt: skip


def program() -> str | None:
    """Where Chromium is; none where it is not installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last = 0
        self.problems: list[str] = []
        """Errors that the page's scripts threw or wrote."""

    async def open(self, url: str) -> None:
        for domain in ("Page", "Runtime"):
            await self.ask(f"{domain}.enable")
        await self.ask("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def run(self, script: str) -> Any:
        """What an expression of the page gives."""
        answer = await self.ask(
            "Runtime.evaluate",
            expression=script, awaitPromise=True, returnByValue=True, userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def click(self, selector: str) -> None:
        await self.until(f"document.querySelector({json.dumps(selector)})?.disabled === false")
        await self.run(f"document.querySelector({json.dumps(selector)}).click()")

    async def until(self, script: str, within_s: float = 20.0) -> Any:
        """What an expression gives once it gives something."""
        async with asyncio.timeout(within_s):
            while not (found := await self.run(script)):
                await asyncio.sleep(0.1)
        return found

    async def picture(self, path: Path) -> None:
        made = await self.ask("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(made["data"]))

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol."""
        self._last += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._last] = answer
        await self._socket.send_json({"id": self._last, "method": method, "params": params})
        return await asyncio.wait_for(answer, 20)

    async def listen(self) -> None:
        """Take answers and complaints until the socket is closed."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                answer = self._answers.pop(told["id"])
                if "error" in told:
                    answer.set_exception(RuntimeError(str(told["error"])))
                else:
                    answer.set_result(told["result"])
            elif told["method"] == "Runtime.exceptionThrown":
                self.problems.append(str(told["params"]["exceptionDetails"]))


@contextlib.asynccontextmanager
async def opened(microphone: Path | None = None, more: Sequence[str] = ()) -> AsyncIterator[Page]:
    """A page of a Chromium of its own; a WAV file stands for its microphone."""
    chromium = program()
    assert chromium is not None, "Chromium is not installed"
    folder = tempfile.mkdtemp(prefix="nightdesk-chromium-")
    flags = [*FLAGS[:-1], f"--user-data-dir={folder}", *more]
    if microphone is not None:
        flags += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        flags += [f"--use-file-for-fake-audio-capture={microphone}%noloop"]
    process = await asyncio.create_subprocess_exec(
        chromium, *flags, FLAGS[-1],
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        port = await _port_of(process)
        async with aiohttp.ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                targets = await answer.json(content_type=None)
            url = next(one["webSocketDebuggerUrl"] for one in targets if one["type"] == "page")
            async with http.ws_connect(url, max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.ensure_future(page.listen())
                try:
                    yield page
                finally:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
    finally:
        process.terminate()
        await process.communicate()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _port_of(process: asyncio.subprocess.Process) -> int:
    """The port that Chromium tells on its standard error."""
    assert process.stderr is not None
    async with asyncio.timeout(STARTS_WITHIN_S):
        async for line in process.stderr:
            if b"DevTools listening on ws://" in line:
                return int(line.decode().partition("127.0.0.1:")[2].partition("/")[0])
    raise AssertionError("Chromium did not start")
