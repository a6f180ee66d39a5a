"""Ears and mouth of a call: speech-to-text, text-to-speech and voice activity, per tenant.

Chosen by the tenant's settings; every factory gives LiveKit plugins, with language and vocabulary
set for this call, and changed while it runs when the caller becomes known or speaks another
language. `openai` is any OpenAI-compatible server, `local` the program of `local_speech`.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from httpx2 import HTTPError, Limits
from livekit.agents import inference, stt, tts, vad
from livekit.plugins import openai
from openai import AsyncClient, DefaultAsyncHttpxClient, OpenAIError

from app.errors import BadInput
from app.tenants import Tenant
from app.voice.local_speech import VOICES as LOCAL_VOICES
from app.voice.local_speech import LocalEars, LocalSpeech
from app.voice.pronounce import Letters

logger = logging.getLogger(__name__)

VAD_THREADS = 2
NO_KEY = "no-key"
KEPT = Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=120)
"""A connection outlives the pauses of a call; by default it would be made anew for each turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What one call hears and speaks with."""

    ears: stt.STT[Any]
    mouth: tts.TTS[Any]
    activity: vad.VAD


class Voices:
    """Makes the speech of each call."""

    def __init__(self, process_key: str | None, local: LocalSpeech) -> None:
        self._process_key = process_key
        self._local = local
        self._threads = ThreadPoolExecutor(VAD_THREADS, thread_name_prefix="vad")
        self._clients: dict[tuple[str, str], AsyncClient] = {}

    async def close(self) -> None:
        """End threads, connections and the local program."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            await client.close()
        await self._local.close()

    async def ready(self, tenant: Tenant) -> None:
        """Once the tenant's calls can be heard and spoken without waiting for a model to load.

        Raises:
            BadInput: the tenant's provider is not installed.
        """
        if "local" in (tenant.settings.voice.stt, tenant.settings.voice.tts):
            await self._local.ready()

    async def warm(self, tenant: Tenant) -> None:
        """Connections that the first clause and the first turn would wait for."""
        voice = tenant.settings.voice
        try:
            if "openai" in (voice.stt, voice.tts):
                await self._server(tenant).get("/models", cast_to=object)
            if "local" in (voice.stt, voice.tts):
                await self._local.http.get("/healthz")
        except (OpenAIError, HTTPError, BadInput) as exc:
            logger.info("speech could not be warmed", extra={"why": type(exc).__name__})

    def of_call(self, tenant: Tenant, language: str, vocabulary: tuple[str, ...] = ()) -> Speech:
        """Ears, mouth and voice activity for one call.

        Raises:
            BadInput: the tenant's provider is not installed.
        """
        return Speech(
            ears=self._ears(tenant, language, vocabulary),
            mouth=self.mouth(tenant, language),
            activity=inference.VAD(min_silence_duration=0.25, executor=self._threads),
        )

    def retune(
        self, speech: Speech, tenant: Tenant, language: str, vocabulary: tuple[str, ...]
    ) -> None:
        """Another language or other names, from the next utterance and the next clause on."""
        if isinstance(speech.ears, LocalEars | openai.STT):
            speech.ears.update_options(language=language, prompt=", ".join(vocabulary))
        if isinstance(speech.mouth, openai.TTS):
            speech.mouth.update_options(voice=voice_of(tenant, language))

    def mouth(self, tenant: Tenant, language: str) -> tts.TTS[Any]:
        """The tenant's voice for a language."""
        voice = tenant.settings.voice
        is_local = voice.tts == "local"
        return openai.TTS(
            model=voice.tts_model,
            voice=voice_of(tenant, language),
            client=self._client(self._local.url, NO_KEY) if is_local else self._server(tenant),
            response_format="pcm",
        )

    def letters(self, tenant: Tenant, language: str) -> Letters:
        """What the tenant's voice can read in a language: the local English one, only English."""
        return "english" if tenant.settings.voice.tts == "local" and language == "en" else "kept"

    def _ears(self, tenant: Tenant, language: str, vocabulary: tuple[str, ...]) -> stt.STT[Any]:
        voice, prompt = tenant.settings.voice, ", ".join(vocabulary)
        if voice.stt == "local":
            supported = tenant.settings.language.supported
            return LocalEars(self._local, language=language, prompt=prompt, supported=supported)
        return openai.STT(
            model=voice.stt_model, language=language, prompt=prompt, client=self._server(tenant)
        )

    def _server(self, tenant: Tenant) -> AsyncClient:
        """Connections to the tenant's server, with the tenant's key or ours."""
        url = tenant.settings.voice.base_url or tenant.settings.llm.base_url
        return self._client(url, tenant.openai_api_key or self._process_key or NO_KEY)

    def _client(self, url: str, key: str) -> AsyncClient:
        """Connections that calls share: they are warm while the next one rings."""
        if (url, key) not in self._clients:
            self._clients[url, key] = AsyncClient(
                base_url=url,
                api_key=key,
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(limits=KEPT),
            )
        return self._clients[url, key]


def voice_of(tenant: Tenant, language: str) -> str:
    """Who speaks a language for a tenant: whom it named for that language, else its one voice."""
    voice = tenant.settings.voice
    named = dict(entry.split("=", 1) for entry in voice.tts_voices)
    if language in named:
        return named[language]
    if voice.tts != "local":
        return voice.tts_voice
    if language not in LOCAL_VOICES:
        raise BadInput(f"no local voice speaks {language!r}")
    return LOCAL_VOICES[language]
