"""Speech on this machine, as a program of its own: what one voice says, the ears hear."""

import io
import json
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from app.voice.audio import LINE_RATE, from_mulaw, resampled, to_mulaw
from app.voice.speech_server import SPOKEN_RATE


@pytest.fixture(scope="session")
def speech_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the program serves; started once."""
    cache: Path = tmp_path_factory.mktemp("speech")
    command = [sys.executable, "-W", "ignore", "-m", "app.voice.speech_server"]
    with subprocess.Popen([*command, "--cache", str(cache)], stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        yield f"http://127.0.0.1:{port}"
        process.terminate()


async def spoken(url: str, text: str, voice: str) -> np.ndarray:
    """A text as samples of a telephone line."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/audio/speech", json={"input": text, "voice": voice}) as answer,
    ):
        assert answer.status == 200
        samples = np.frombuffer(await answer.read(), np.int16)
    line = resampled(samples, SPOKEN_RATE, LINE_RATE)
    return from_mulaw(to_mulaw(line))


async def heard(url: str, samples: np.ndarray, language: str = "en") -> str:
    """What the ears make of it."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(LINE_RATE)
        file.writeframes(samples.tobytes())
    form = aiohttp.FormData()
    form.add_field("file", written.getvalue(), filename="a.wav")
    form.add_field("language", language)
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/audio/transcriptions", data=form) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["text"])


@pytest.mark.parametrize("voice", ["joe", "kumo"])
async def test_what_is_said_over_a_telephone_is_heard(speech_url: str, voice: str):
    text = await heard(
        speech_url, await spoken(speech_url, "What is the door code, please?", voice)
    )
    assert "door code" in text.lower()


async def test_another_word_is_heard_as_another(speech_url: str):
    text = await heard(speech_url, await spoken(speech_url, "What is the wifi password?", "kumo"))
    assert "password" in text.lower()


async def test_silence_is_not_taken_for_words(speech_url: str):
    assert await heard(speech_url, np.zeros(LINE_RATE // 5, np.int16)) == ""


@pytest.mark.parametrize("voice", ["robot-pl", "robot-de", "robot-ar"])
async def test_every_language_has_a_voice(speech_url: str, voice: str):
    texts = {"pl": "Dzień dobry", "de": "Guten Tag", "ar": "مرحبا"}
    samples = await spoken(speech_url, texts[voice[-2:]], voice)
    assert len(samples) > LINE_RATE / 4
    assert np.abs(samples.astype(np.int32)).max() > 2000


@pytest.mark.parametrize(
    "body", [b"nonsense", b"{}", b'{"input":"x","voice":"nobody"}', b'{"voice":"joe"}']
)
async def test_a_wrong_request_is_told_what_is_wrong(speech_url: str, body: bytes):
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{speech_url}/audio/speech", data=body) as answer,
    ):
        assert answer.status == 400
        assert (await answer.json())["error"]["message"]


async def test_what_is_no_recording_is_refused(speech_url: str):
    form = aiohttp.FormData()
    form.add_field("file", b"RIFFnonsense", filename="a.wav")
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{speech_url}/audio/transcriptions", data=form) as answer,
    ):
        assert answer.status == 400
