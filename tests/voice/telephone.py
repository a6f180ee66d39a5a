"""A telephone without sound: what the caller says is typed, what the hotline says is a hum.

The session, the line and LiveKit are the real ones; only ears, mouth and the carrier are not.
"""

import asyncio
import json
from typing import Any

import numpy as np
from livekit.agents import stt, tts, vad
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

from app.tenants import Tenant
from app.voice.audio import LINE_RATE
from app.voice.pronounce import Letters
from app.voice.speech import Speech

SPOKEN_S = 0.004
"""Sound for each character of a text."""
LONG_S = 0.08
"""The same for a voice that can be interrupted."""


class Carrier:
    """The carrier's end of a media stream: returns marks as soon as they are played."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | None] = asyncio.Queue()
        self.sent: list[str] = []
        """Names of the events that came, in order."""
        self.marks: list[str] = []
        self.holds_marks = False

    async def receive(self) -> str | None:
        """What the caller's side sends."""
        return await self.incoming.get()

    async def send(self, text: str) -> None:
        """Play it, and say so."""
        message = json.loads(text)
        self.sent.append(message["event"])
        if message["event"] == "mark":
            self.marks.append(message["mark"]["name"])
            if not self.holds_marks:
                self.returns(message["mark"]["name"])

    async def close(self, code: int = 1000) -> None:
        """The line is gone."""
        self.incoming.put_nowait(None)

    def returns(self, name: str) -> None:
        """The caller has heard up to a mark."""
        self.says("mark", mark={"name": name})

    def says(self, event: str, **fields: object) -> None:
        """A message of the carrier."""
        self.incoming.put_nowait(json.dumps({"event": event, "streamSid": "MZ1", **fields}))


class TypedVoices:
    """Ears that are told what they heard, and a voice that hums."""

    def __init__(self, second_a_character: float = SPOKEN_S) -> None:
        self.second_a_character = second_a_character
        self.spoken: list[str] = []
        """Every text that was given to the voice."""
        self._activities: list[TypedActivity] = []
        self._ears: list[TypedEars] = []

    def of_call(self, tenant: Tenant, language: str, vocabulary: tuple[str, ...] = ()) -> Speech:
        """Ears, mouth and voice activity for one call."""
        self._ears.append(TypedEars())
        self._activities.append(TypedActivity())
        return Speech(
            ears=self._ears[-1],
            mouth=self.mouth(tenant, language),
            activity=self._activities[-1],
        )

    def letters(self, tenant: Tenant, language: str) -> Letters:
        """What the voice can read."""
        return "kept"

    async def ready(self, tenant: Tenant) -> None:
        """At once."""

    async def warm(self, tenant: Tenant) -> None:
        """There is nothing to warm."""

    def retune(self, *_: object) -> None:
        """Every language sounds the same here."""

    def mouth(self, tenant: Tenant, language: str) -> tts.TTS[Any]:
        """The voice."""
        return _Hum(self)

    async def close(self) -> None:
        """Nothing is open."""

    async def hears(self, text: str) -> None:
        """The caller says something, loud enough to interrupt."""
        activity, ears = self._activities[-1], self._ears[-1]
        activity.tell(vad.VADEventType.START_OF_SPEECH)
        for _ in range(6):
            activity.tell(vad.VADEventType.INFERENCE_DONE, speech_s=0.6)
            await asyncio.sleep(0.01)
        ears.tell(text)
        await asyncio.sleep(0.01)
        activity.tell(vad.VADEventType.END_OF_SPEECH, speech_s=0.6)


class TypedActivity(vad.VAD):
    """Voice activity as it is told."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.02))
        self.told: asyncio.Queue[vad.VADEvent] = asyncio.Queue()

    def stream(self) -> vad.VADStream:
        """One call's."""
        return _ActivityStream(self)

    def tell(self, kind: vad.VADEventType, *, speech_s: float = 0.0) -> None:
        """Something began or ended."""
        is_speaking = kind is not vad.VADEventType.END_OF_SPEECH
        self.told.put_nowait(
            vad.VADEvent(
                type=kind,
                samples_index=0,
                timestamp=asyncio.get_running_loop().time(),
                speech_duration=speech_s,
                silence_duration=0.0 if is_speaking else 0.25,
                frames=[],
                probability=float(is_speaking),
                speaking=is_speaking,
                raw_accumulated_speech=speech_s if is_speaking else 0.0,
                raw_accumulated_silence=0.0 if is_speaking else 0.25,
            )
        )


class _ActivityStream(vad.VADStream):
    async def _main_task(self) -> None:
        assert isinstance(self._vad, TypedActivity)
        while True:
            self._event_ch.send_nowait(await self._vad.told.get())


class TypedEars(stt.STT[Any]):
    """Recognition as it is told."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=False))
        self.told: asyncio.Queue[str] = asyncio.Queue()

    async def _recognize_impl(self, *args: Any, **more: Any) -> stt.SpeechEvent:
        raise NotImplementedError("these ears stream")

    def stream(self, *, language: Any = None, conn_options: Any = None) -> stt.RecognizeStream:
        """One call's."""
        return _EarsStream(stt=self, conn_options=conn_options, sample_rate=LINE_RATE)

    def tell(self, text: str) -> None:
        """These words were said."""
        self.told.put_nowait(text)


class _EarsStream(stt.RecognizeStream):
    async def _run(self) -> None:
        assert isinstance(self._stt, TypedEars)
        kinds = stt.SpeechEventType
        while True:
            text = await self._stt.told.get()
            said = stt.SpeechData(language="en", text=text)  # type: ignore[arg-type]
            self._event_ch.send_nowait(stt.SpeechEvent(type=kinds.START_OF_SPEECH))
            self._event_ch.send_nowait(
                stt.SpeechEvent(type=kinds.FINAL_TRANSCRIPT, alternatives=[said])
            )
            self._event_ch.send_nowait(stt.SpeechEvent(type=kinds.END_OF_SPEECH))


class _Hum(tts.TTS[Any]):
    def __init__(self, voices: TypedVoices) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=LINE_RATE,
            num_channels=1,
        )
        self.voices = voices

    def synthesize(self, text: str, *, conn_options: Any = None) -> tts.ChunkedStream:
        """One clause."""
        options = conn_options or DEFAULT_API_CONNECT_OPTIONS
        self.voices.spoken.append(text)
        return _Humming(tts=self, input_text=text, conn_options=options)


class _Humming(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, _Hum)
        output_emitter.initialize(
            request_id="hum", sample_rate=LINE_RATE, num_channels=1, mime_type="audio/pcm"
        )
        length = int(len(self.input_text) * self._tts.voices.second_a_character * LINE_RATE)
        output_emitter.push(np.full(max(length, LINE_RATE // 50), 1000, np.int16).tobytes())
