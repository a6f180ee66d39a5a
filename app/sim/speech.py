"""Speech endpoints of the model stand-in: real engines of a program beside it, over its API.

The stand-in knows no engine: it starts `app.voice.speech_server` as anybody may, and chooses a
voice by the language of the text, as the real service does.
"""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from app.sim.language import letters_speak_for

HOTLINE_VOICES = {"en": "joe", "pl": "robot-pl", "de": "robot-de", "ar": "robot-ar"}
CALLER_VOICES = {**HOTLINE_VOICES, "en": "kumo", "pl": "gongitsune-pl"}
"""Who speaks for callers: in English and Polish another voice than the hotline's."""
CALLER = "caller"
"""The name under which tests and the story ask for a caller's voice."""
STARTS_WITHIN_S = 60.0


class Engines:
    """The speech program, started when first needed, ended with the stand-ins."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._process: asyncio.subprocess.Process | None = None
        self._url = ""
        self._starting = asyncio.Lock()

    async def url(self) -> str:
        """Where it serves.

        Raises:
            ConnectionError: it did not start.
        """
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                command = ("-m", "app.voice.speech_server", "--cache", str(self._cache))
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, *command, stdout=asyncio.subprocess.PIPE
                )
                self._url = f"http://127.0.0.1:{await self._port(self._process)}"
        return self._url

    async def close(self) -> None:
        """End the program."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _port(self, process: asyncio.subprocess.Process) -> int:
        if process.stdout is None:
            raise ConnectionError("the speech program has no output")
        line = await asyncio.wait_for(process.stdout.readline(), STARTS_WITHIN_S)
        if not line:
            raise ConnectionError("the speech program ended; is the extra [local] installed?")
        return int(json.loads(line)["port"])


class SpeechEndpoints:
    """`/audio/transcriptions` and `/audio/speech` of the stand-in."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def routes(self) -> list[BaseRoute]:
        """Beside the chat routes, under `/openai/v1`."""
        return [
            Route("/audio/transcriptions", self.transcribe, methods=["POST"]),
            Route("/audio/speech", self.speak, methods=["POST"]),
        ]

    async def transcribe(self, request: Request) -> Response:
        """Pass a recording on."""
        headers = {"content-type": request.headers.get("content-type", "")}
        body = await request.body()
        async with (
            aiohttp.ClientSession() as http,
            http.post(
                f"{await self._engines.url()}/audio/transcriptions", data=body, headers=headers
            ) as answer,
        ):
            return JSONResponse(await answer.json(), status_code=answer.status)

    async def speak(self, request: Request) -> Response:
        """Have a text spoken in its language."""
        asked = await request.json()
        voices = CALLER_VOICES if asked.get("voice") == CALLER else HOTLINE_VOICES
        voice = voices[letters_speak_for(str(asked.get("input", ""))) or "en"]
        url = f"{await self._engines.url()}/audio/speech"
        body = {"input": asked.get("input"), "voice": voice}
        headers = {"x-request-id": secrets.token_hex(8)}
        return StreamingResponse(_pieces_of(url, body), media_type="audio/pcm", headers=headers)


async def _pieces_of(url: str, body: object) -> AsyncIterator[bytes]:
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
        async for piece in answer.content.iter_any():
            yield piece
