"""Starts the stand-ins: `python -m app.sim --host 127.0.0.1 --port 0`.

Prints one JSON line `{"base": "http://127.0.0.1:PORT"}` when ready; SIGTERM ends it, and so does
the end of the process named by `--parent-pid`.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from app.sim import openai
from app.sim.hostaway_store import SCALES
from app.sim.server import build_app
from app.sim.speech import Engines, SpeechEndpoints
from app.sim.voices import Voices

_WATCH_S = 1.0
"""How often the parent is looked for."""
KEEP_ALIVE_S = 120
"""Longer than any caller keeps an idle connection: one closed under a request would fail it."""


class _Server(uvicorn.Server):
    """Uvicorn that says when it is ready, and lets the feed's followers go before it stops."""

    def __init__(self, app: Starlette, ready_file: Path | None) -> None:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        super().__init__(config)
        self._app = app
        self._ready_file = ready_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell where."""
        await super().startup(sockets)
        if self.should_exit or not sockets:
            return
        host, port = sockets[0].getsockname()[:2]
        line = json.dumps({"base": f"http://{host}:{port}"})
        if self._ready_file is not None:
            part = self._ready_file.with_suffix(".part")
            part.write_text(line + "\n", encoding="utf-8")
            part.replace(self._ready_file)
        print(line, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the feed, then stop."""
        self._app.state.world.feed.close()
        await super().shutdown(sockets)


def main(arguments: list[str]) -> int:
    """Run until told to stop; gives the exit status."""
    wanted = _parser().parse_args(arguments)
    engines = Engines(wanted.speech_cache)
    model = [*SpeechEndpoints(engines).routes(), *openai.routes()]
    app = build_app(
        wanted.seed,
        wanted.scale,
        voices=Voices(engines),
        recordings=wanted.recordings,
        product=wanted.product,
        live_token=wanted.live_token,
        more=[Mount("/openai/v1", routes=model)],
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn raises what it caught once more when it has stopped; the exit status stays 0.
        signal.signal(number, lambda *_: None)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((wanted.host, wanted.port))
        server = _Server(app, wanted.ready_file)
        asyncio.run(_serve(server, listener, wanted.parent_pid, engines))
    return 0


async def _serve(
    server: _Server, listener: socket.socket, parent_pid: int | None, engines: Engines
) -> None:
    watch = asyncio.create_task(_watch(server, parent_pid))
    try:
        await server.serve(sockets=[listener])
    finally:
        watch.cancel()
        await engines.close()


async def _watch(server: _Server, parent_pid: int | None) -> None:
    while parent_pid is not None:
        try:
            os.kill(parent_pid, 0)
        except ProcessLookupError:
            server.should_exit = True
            return
        await asyncio.sleep(_WATCH_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app.sim", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", choices=sorted(SCALES), default="small")
    parser.add_argument("--ready-file", type=Path)
    parser.add_argument("--parent-pid", type=int, help="stop when this process is gone")
    parser.add_argument("--recordings", type=Path, help="where calls are kept as stereo files")
    parser.add_argument(
        "--speech-cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "nightdesk-speech",
        help="where the speech engines join their weights, once",
    )
    parser.add_argument("--product", default="", help="base URL of the product's desk")
    parser.add_argument("--live-token", default="", help="token of the product's live feed")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
