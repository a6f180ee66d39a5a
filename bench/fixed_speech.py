"""Ears, mouth, voice activity and a model of fixed latency: what is left is the product's own time.

Speech is whatever is louder than a threshold, so that tones and recordings drive it alike.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, stt, tts, vad

from app.bots.llm import Messages, RouteOutput, Stream
from app.bots.records import ModelCall
from app.settings import LlmSettings
from app.tenants import Tenant
from app.voice.audio import LINE_RATE
from app.voice.pronounce import Letters
from app.voice.speech import Speech

LOUD = 500.0
"""Root mean square of a frame's 16-bit samples from which it is speech; a line's noise has 10."""
STARTS_S = 0.1
STEP_S = 0.02
VOICE_HZ = 180.0
SPOKEN_S = 0.06
"""Sound for each character of a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """What each provider takes; seconds, from the environment."""

    final_s: float = float(os.environ.get("VOICE_STT_FINAL_S", "0.3"))
    first_token_s: float = float(os.environ.get("VOICE_FIRST_TOKEN_S", "0.4"))
    tokens_per_s: float = float(os.environ.get("VOICE_TOKENS_PER_S", "50"))
    first_audio_s: float = float(os.environ.get("VOICE_FIRST_AUDIO_S", "0.2"))
    silence_s: float = float(os.environ.get("VOICE_VAD_SILENCE_S", "0.25"))
    heard: str = os.environ.get("VOICE_HEARD", "What about the thing next to the stairs?")
    words: str = os.environ.get(
        "VOICE_WORDS", "It is behind the blue door, on the left. Please leave it there."
    )


class FixedModel:
    """Routes everything to the informational bot, which says the words."""

    def __init__(self, latencies: Latencies) -> None:
        self._latencies = latencies

    async def classify(
        self,
        messages: Messages,
        codes: Sequence[str],
        settings: LlmSettings,
        key: str | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RouteOutput, ModelCall]:
        """A route, as late as a model of that speed would have written it."""
        raw = '{"actionCode":"OTHER_QUESTION","score":0.95,"coversAll":true}'
        await asyncio.sleep(self._latencies.first_token_s)
        await asyncio.sleep(len(raw) / 4 / self._latencies.tokens_per_s)
        return RouteOutput.model_validate_json(raw), _call("route", raw)

    def stream(
        self, messages: Messages, model: str, settings: LlmSettings, key: str | None
    ) -> Stream:
        """The words, token by token."""
        stream = Stream(words=self._words())
        stream.call = _call("answer", self._latencies.words)
        return stream

    async def _words(self) -> AsyncIterator[str]:
        await asyncio.sleep(self._latencies.first_token_s)
        for word in self._latencies.words.split(" "):
            yield word + " "
            await asyncio.sleep(1 / self._latencies.tokens_per_s)

    async def close(self) -> None:
        """Nothing is open."""


class Loudness:
    """Speech and silence, told by loudness alone."""

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self.is_speaking = False
        self.loud_s = self.quiet_s = 0.0

    def hear(self, frame: rtc.AudioFrame) -> bool | None:
        """True where speech begins with this frame, false where it ends, none otherwise."""
        samples = np.frombuffer(frame.data, dtype=np.int16).astype(np.float32)
        is_loud = bool(len(samples)) and float(np.sqrt(np.mean(samples**2))) > LOUD
        self.loud_s = self.loud_s + frame.duration if is_loud else 0.0
        self.quiet_s = 0.0 if is_loud else self.quiet_s + frame.duration
        if not self.is_speaking and self.loud_s >= STARTS_S:
            self.is_speaking = True
            return True
        if self.is_speaking and self.quiet_s >= self._silence_s:
            self.is_speaking = False
            return False
        return None


class FixedActivity(vad.VAD):
    """Voice activity by loudness, with the product's own pause before speech counts as ended."""

    def __init__(self, silence_s: float) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=STEP_S))
        self.silence_s = silence_s

    def stream(self) -> vad.VADStream:
        """One call's."""
        return _ActivityStream(self)


class _ActivityStream(vad.VADStream):
    async def _main_task(self) -> None:
        assert isinstance(self._vad, FixedActivity)
        self._loudness = Loudness(self._vad.silence_s)
        self._heard: list[rtc.AudioFrame] = []
        self._index, self._spoken_s = 0, 0.0
        async for frame in self._input_ch:
            if isinstance(frame, self._FlushSentinel):
                self._loudness = Loudness(self._vad.silence_s)
                continue
            self._index += frame.samples_per_channel
            change = self._loudness.hear(frame)
            self._heard = [*self._heard[-500:], frame]
            self._spoken_s = self._spoken_s + frame.duration if self._loudness.is_speaking else 0.0
            self._tell(vad.VADEventType.INFERENCE_DONE)
            if change is not None:
                kinds = vad.VADEventType
                self._tell(kinds.START_OF_SPEECH if change else kinds.END_OF_SPEECH)
                self._heard = []

    def _tell(self, kind: vad.VADEventType) -> None:
        self._event_ch.send_nowait(
            vad.VADEvent(
                type=kind,
                samples_index=self._index,
                timestamp=asyncio.get_running_loop().time(),
                speech_duration=self._spoken_s,
                silence_duration=self._loudness.quiet_s,
                frames=list(self._heard),
                probability=float(self._loudness.is_speaking),
                speaking=self._loudness.is_speaking,
                raw_accumulated_speech=self._spoken_s,
                raw_accumulated_silence=self._loudness.quiet_s,
            )
        )


class FixedEars(stt.STT[Any]):
    """Hears the same sentence whenever somebody has spoken."""

    def __init__(self, latencies: Latencies) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=False))
        self.latencies = latencies

    async def _recognize_impl(self, *args: Any, **more: Any) -> stt.SpeechEvent:
        raise NotImplementedError("these ears stream")

    def stream(self, *, language: Any = None, conn_options: Any = None) -> stt.RecognizeStream:
        """One call's."""
        return _EarsStream(stt=self, conn_options=conn_options, sample_rate=LINE_RATE)


class _EarsStream(stt.RecognizeStream):
    async def _run(self) -> None:
        assert isinstance(self._stt, FixedEars)
        loudness = Loudness(self._stt.latencies.final_s)
        async for frame in self._input_ch:
            if isinstance(frame, self._FlushSentinel):
                continue
            change = loudness.hear(frame)
            if change is True:
                self._event_ch.send_nowait(
                    stt.SpeechEvent(type=stt.SpeechEventType.START_OF_SPEECH)
                )
            if change is False:
                said = stt.SpeechData(language="en", text=self._stt.latencies.heard)  # type: ignore[arg-type]
                self._event_ch.send_nowait(
                    stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[said])
                )
                self._event_ch.send_nowait(stt.SpeechEvent(type=stt.SpeechEventType.END_OF_SPEECH))


class FixedMouth(tts.TTS[Any]):
    """A hum as long as the text."""

    def __init__(self, latencies: Latencies) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=LINE_RATE,
            num_channels=1,
        )
        self.latencies = latencies

    def synthesize(self, text: str, *, conn_options: Any = None) -> tts.ChunkedStream:
        """One clause."""
        options = conn_options or DEFAULT_API_CONNECT_OPTIONS
        return _Hum(tts=self, input_text=text, conn_options=options)


class _Hum(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, FixedMouth)
        output_emitter.initialize(
            request_id="hum", sample_rate=LINE_RATE, num_channels=1, mime_type="audio/pcm"
        )
        await asyncio.sleep(self._tts.latencies.first_audio_s)
        moments = np.arange(int(len(self.input_text) * SPOKEN_S * LINE_RATE)) / LINE_RATE
        hum = (np.sin(moments * 2 * np.pi * VOICE_HZ) * 8000).astype(np.int16)
        output_emitter.push(hum.tobytes())


class FixedVoices:
    """Stands where the product makes each call's ears and mouth."""

    def __init__(self, latencies: Latencies) -> None:
        self._latencies = latencies

    def of_call(self, tenant: Tenant, language: str, vocabulary: tuple[str, ...] = ()) -> Speech:
        """Ears, mouth and voice activity for one call."""
        return Speech(
            ears=FixedEars(self._latencies),
            mouth=self.mouth(tenant, language),
            activity=FixedActivity(self._latencies.silence_s),
        )

    async def ready(self, tenant: Tenant) -> None:
        """At once."""

    async def warm(self, tenant: Tenant) -> None:
        """There is nothing to warm."""

    def retune(self, *_: object) -> None:
        """Every language and every name sounds the same here."""

    def letters(self, tenant: Tenant, language: str) -> Letters:
        """All of them."""
        return "kept"

    def mouth(self, tenant: Tenant, language: str) -> tts.TTS[Any]:
        """The voice."""
        return FixedMouth(self._latencies)

    async def close(self) -> None:
        """Nothing is open."""


def _call(purpose: Any, raw: str) -> ModelCall:
    return ModelCall(
        purpose=purpose, model="fixed", messages=(), parameters={}, raw_output=raw,
        first_token_ms=None, total_ms=0,
    )  # fmt: skip
