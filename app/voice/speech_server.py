"""Speech on this machine: an OpenAI-compatible server of its own, so that no call's loop waits.

`POST /audio/transcriptions` by Whisper base, `POST /audio/speech` by Piper, Kokoro and espeak-ng.
A program beside the product (`python -m app.voice.speech_server --port 0`), which imports nothing
of it; it prints its port as one JSON line. `app.voice.local_speech` starts and
keeps it. Weights come in packages and are checked by hash.
"""

import argparse
import asyncio
import io
import json
import socket
import sys
import threading
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from app.voice.local_ears import WhisperEars
from app.voice.local_mouths import VOICES, Mouths

SPOKEN_RATE = 24000
"""What OpenAI's speech has as `pcm`, and so its clients expect."""
MOST_SECONDS = 60
MOST_CHARACTERS = 4000
KEEPS_CONNECTIONS_S = 600
"""Longer than any caller of ours keeps an idle one, so that none is closed under a request."""
MOST_BYTES = 8_000_000
KEEP_ALIVE_S = 120
"""Longer than any caller keeps an idle connection: one closed under a request would fail it."""


class SpeechServer:
    """The two endpoints, each on a thread of its own."""

    def __init__(self, cache: Path) -> None:
        self._ears = WhisperEars(cache)
        self._mouths = Mouths(cache)
        self._hearing = ThreadPoolExecutor(1, thread_name_prefix="hearing")
        self._speaking = ThreadPoolExecutor(1, thread_name_prefix="speaking")

    def app(self) -> Starlette:
        """The server's routes."""
        return Starlette(
            routes=[
                Route("/healthz", self.health),
                Route("/audio/transcriptions", self.transcribe, methods=["POST"]),
                Route("/audio/speech", self.speak, methods=["POST"]),
            ]
        )

    def warm(self) -> None:
        """Load what the first caller would wait for."""
        self._ears.warm()
        self._mouths.warm()

    async def health(self, _: Request) -> Response:
        """Who is here."""
        return JSONResponse({"status": "ok", "ears": "whisper-base", "voices": sorted(VOICES)})

    async def transcribe(self, request: Request) -> Response:
        """A recording's words."""
        async with request.form(max_part_size=MOST_BYTES) as form:
            upload = form.get("file")
            if upload is None or isinstance(upload, str):
                return _refusal("there is no file")
            sound = await upload.read()
            language = str(form.get("language") or "en").partition("-")[0].lower()
            prompt = str(form.get("prompt") or "")
            supported = [name for name in str(form.get("supported") or "").split(",") if name]
        try:
            samples, rate = read_wav(sound)
        except (wave.Error, EOFError, ValueError) as problem:
            return _refusal(f"the file is no 16-bit WAV: {problem}")
        if len(samples) > MOST_SECONDS * rate:
            return _refusal(f"the recording is longer than {MOST_SECONDS} s")
        loop = asyncio.get_running_loop()
        heard = await loop.run_in_executor(
            self._hearing, self._ears.words, samples, rate, language, prompt, supported
        )
        return JSONResponse({"text": heard.text, "language": heard.language})

    async def speak(self, request: Request) -> Response:
        """A text as sound: 16-bit mono PCM at 24 kHz, as it is made."""
        try:
            asked = json.loads(await request.body())
            text, voice = str(asked["input"]), str(asked["voice"])
        except (ValueError, KeyError, TypeError):
            return _refusal("the body needs input and voice")
        if voice not in VOICES:
            return _refusal(f"there is no voice {voice!r}; there are {', '.join(sorted(VOICES))}")
        if len(text) > MOST_CHARACTERS:
            return _refusal(f"the text is longer than {MOST_CHARACTERS} characters")
        pieces = self._pieces(self._mouths.sound(text, voice, SPOKEN_RATE))
        return StreamingResponse(pieces, media_type="audio/pcm")

    async def _pieces(self, made: Iterator[bytes]) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        while (piece := await loop.run_in_executor(self._speaking, next, made, None)) is not None:
            yield piece


def read_wav(sound: bytes) -> tuple[np.ndarray[Any, np.dtype[np.int16]], int]:
    """(samples, rate) of a mono 16-bit WAV.

    Raises:
        ValueError: it has another shape.
    """
    with wave.open(io.BytesIO(sound)) as recording:
        if recording.getsampwidth() != 2 or recording.getnchannels() != 1:
            raise ValueError("mono and 16 bits are wanted")
        frames = recording.readframes(recording.getnframes())
        return np.frombuffer(frames, dtype=np.int16), recording.getframerate()


def _refusal(why: str) -> Response:
    return JSONResponse({"error": {"message": why}}, status_code=400)


async def serve(bound: socket.socket, cache: Path, *, ends_with_input: bool) -> None:
    """Serve on a bound socket; its port stands on stdout once everything is loaded."""
    speech = SpeechServer(cache)
    await asyncio.to_thread(speech.warm)
    config = uvicorn.Config(
        speech.app(), log_level="warning", timeout_keep_alive=KEEPS_CONNECTIONS_S
    )
    server = uvicorn.Server(config)
    if ends_with_input:
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=_end_with_input, args=(lambda: loop.call_soon_threadsafe(_stop, server),),
            daemon=True,
        ).start()  # fmt: skip
    bound.listen()
    sys.stdout.write(json.dumps({"port": bound.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await server.serve([bound])


def _end_with_input(end: Callable[[], object]) -> None:
    """Whoever started us holds the other end of stdin: when it is gone, nobody needs us."""
    sys.stdin.buffer.read()
    end()


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True


def main() -> None:
    """Run until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--socket", type=int, help="a bound socket that was passed on, by number")
    parser.add_argument("--ends-with-input", action="store_true", help="end when stdin does")
    parser.add_argument("--cache", type=Path, required=True, help="where weights are joined, once")
    given = parser.parse_args()
    with socket.socket(fileno=given.socket) as bound:
        if given.socket is None:
            bound.bind(("127.0.0.1", given.port))
        asyncio.run(serve(bound, given.cache, ends_with_input=given.ends_with_input))


if __name__ == "__main__":
    main()
