"""Ears and mouth of a call: speech-to-text, text-to-speech and voice activity, per tenant.

Chosen by the tenant's settings; every factory gives LiveKit plugins, with language and vocabulary
set for this call.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from livekit.agents import inference, stt, tts, vad
from livekit.plugins import openai
from openai import AsyncClient

from app.errors import BadInput
from app.tenants import Tenant
from app.voice.pronounce import Letters

VAD_THREADS = 2
NO_KEY = "no-key"
LONGEST_HINT = 400
"""Characters of vocabulary that recognition is given; more makes it worse. Measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What one call hears and speaks with."""

    ears: stt.STT[Any]
    mouth: tts.TTS[Any]
    activity: vad.VAD
    letters: Letters
    """What its voice can read."""


class Voices:
    """Makes the speech of each call."""

    def __init__(self, process_key: str | None) -> None:
        self._process_key = process_key
        self._threads = ThreadPoolExecutor(VAD_THREADS, thread_name_prefix="vad")
        self._clients: dict[tuple[str, str], AsyncClient] = {}

    async def close(self) -> None:
        """End threads and connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            await client.close()

    def of_call(self, tenant: Tenant, language: str, vocabulary: tuple[str, ...] = ()) -> Speech:
        """Ears, mouth and voice activity for one call.

        Raises:
            BadInput: the tenant chose a provider that is not installed.
        """
        return Speech(
            ears=self._ears(tenant, language, vocabulary),
            mouth=self.mouth(tenant),
            activity=inference.VAD(min_silence_duration=0.25, executor=self._threads),
            letters=self.letters(tenant, language),
        )

    def letters(self, tenant: Tenant, language: str) -> Letters:
        """What the tenant's voice can read in a language: the local English one, only English."""
        return "english" if tenant.settings.voice.tts == "local" and language == "en" else "kept"

    def mouth(self, tenant: Tenant) -> tts.TTS[Any]:
        """The tenant's voice."""
        voice = tenant.settings.voice
        if voice.tts != "openai":
            raise BadInput(f"there is no speech provider {voice.tts!r}")
        return openai.TTS(
            model=voice.tts_model,
            voice=voice.tts_voice,
            client=self._client(tenant),
            response_format="pcm",
        )

    def _ears(self, tenant: Tenant, language: str, vocabulary: tuple[str, ...]) -> stt.STT[Any]:
        voice = tenant.settings.voice
        if voice.stt != "openai":
            raise BadInput(f"there is no speech provider {voice.stt!r}")
        return openai.STT(
            model=voice.stt_model,
            language=language,
            prompt=", ".join(vocabulary)[:LONGEST_HINT],
            client=self._client(tenant),
        )

    def _client(self, tenant: Tenant) -> AsyncClient:
        """Connections that calls share: they are warm while the next one rings."""
        url = tenant.settings.voice.base_url or tenant.settings.llm.base_url
        key = tenant.openai_api_key or self._process_key or NO_KEY
        if (url, key) not in self._clients:
            self._clients[url, key] = AsyncClient(base_url=url, api_key=key, max_retries=0)
        return self._clients[url, key]
