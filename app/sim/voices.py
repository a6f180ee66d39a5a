"""Who speaks for scripted callers and for the carrier, as sound of a telephone line."""

import asyncio
import io
import wave
from typing import Any, Protocol

import aiohttp
import numpy as np

from app.sim.language import letters_speak_for
from app.sim.speech import CALLER_VOICES, HOTLINE_VOICES
from app.sim.tape import RATE, Samples

SPOKEN_RATE = 24000
_TAPS = 95
_CUTOFF_HZ = 3500
_ENDLESS = aiohttp.ClientTimeout(total=120)


class Speaking(Protocol):
    """Where speech is made."""

    async def url(self) -> str:
        """The base of an OpenAI-compatible speech API.

        Raises:
            ConnectionError: there is none.
        """


class Voices:
    """Makes each sentence once."""

    def __init__(self, engines: Speaking) -> None:
        self._engines = engines
        self._made: dict[tuple[str, str], asyncio.Future[Samples]] = {}

    async def of_caller(self, text: str, language: str = "") -> Samples:
        """A sentence of a caller, in another voice than the hotline's where there is one."""
        spoken = language or letters_speak_for(text) or "en"
        return await self._once(text, CALLER_VOICES[spoken])

    async def of_carrier(self, text: str, language: str) -> Samples:
        """A sentence that the carrier itself says."""
        return await self._once(text, HOTLINE_VOICES.get(language, HOTLINE_VOICES["en"]))

    async def told(self) -> dict[str, Any]:
        """Which engines there are: `ears`, and the voices of both sides by language."""
        async with (
            aiohttp.ClientSession(timeout=_ENDLESS) as http,
            http.get(f"{await self._engines.url()}/healthz") as answer,
        ):
            found: dict[str, Any] = await answer.json()
        return found | {"hotline": HOTLINE_VOICES, "callers": CALLER_VOICES}

    async def recognised(self, samples: Samples, language: str) -> str:
        """The words in a line's sound."""
        form = aiohttp.FormData({"language": language})
        form.add_field("file", wav_of(samples), filename="tape.wav")
        async with (
            aiohttp.ClientSession(timeout=_ENDLESS) as http,
            http.post(f"{await self._engines.url()}/audio/transcriptions", data=form) as answer,
        ):
            answer.raise_for_status()
            return str((await answer.json())["text"])

    async def _once(self, text: str, voice: str) -> Samples:
        key = (text, voice)
        if key not in self._made:
            self._made[key] = asyncio.ensure_future(self._spoken(text, voice))
        return await asyncio.shield(self._made[key])

    async def _spoken(self, text: str, voice: str) -> Samples:
        url = f"{await self._engines.url()}/audio/speech"
        async with (
            aiohttp.ClientSession(timeout=_ENDLESS) as http,
            http.post(url, json={"input": text, "voice": voice}) as answer,
        ):
            answer.raise_for_status()
            return for_line(np.frombuffer(await answer.read(), np.int16))


def for_line(samples: Samples) -> Samples:
    """Sound of 24 kHz as a telephone line carries it: nothing above 3.5 kHz, 8 kHz."""
    step = SPOKEN_RATE // RATE
    around = np.arange(_TAPS) - _TAPS // 2
    taps = np.sinc(2 * _CUTOFF_HZ / SPOKEN_RATE * around) * np.hamming(_TAPS)
    wide = np.convolve(samples.astype(np.float64), taps / taps.sum(), mode="same")[::step]
    return np.clip(np.round(wide), -32768, 32767).astype(np.int16)


def wav_of(samples: Samples) -> bytes:
    """One side of a line as a file."""
    written = io.BytesIO()
    with wave.open(written, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE)
        recording.writeframes(np.ascontiguousarray(samples).tobytes())
    return written.getvalue()
