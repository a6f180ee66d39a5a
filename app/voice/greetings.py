"""The first words of a call, made before anybody calls: that an AI speaks, then how to help."""

import logging
from collections.abc import AsyncIterator

import numpy as np
from livekit import rtc
from livekit.agents import APIError

from app.bots.sentences import sentence
from app.errors import ProductError
from app.tenants import Tenant, Tenants
from app.voice.agent import frame_of
from app.voice.audio import LINE_RATE, Samples, resampled
from app.voice.pronounce import speakable
from app.voice.snapshot import Number, Snapshot
from app.voice.speech import Voices

logger = logging.getLogger(__name__)

PIECE = LINE_RATE // 10


class Greetings:
    """A greeting for each hotline and language, as sound."""

    def __init__(self, *, snapshot: Snapshot, tenants: Tenants, voices: Voices) -> None:
        self._snapshot = snapshot
        self._tenants = tenants
        self._voices = voices
        self._made: dict[tuple[str, str, str, str], Samples] = {}

    def text(self, number: Number, language: str) -> str:
        """What is said; the first sentence is fixed by law, not by operators."""
        disclosure = sentence("voice_disclosure", language, tenant=number.name)
        return f"{disclosure} {sentence('voice_greeting', language)}"

    def sound(self, tenant: Tenant, number: Number, language: str) -> Samples | None:
        """The greeting as samples of the line; none while it is not made."""
        return self._made.get(self._key(tenant, self.text(number, language)))

    async def prepare(self) -> None:
        """Make every greeting that is missing; one that cannot be made is spoken live."""
        for number in self._snapshot.numbers:
            tenant = await self._tenants.get(number.tenant_id)
            text = self.text(number, number.language)
            key = self._key(tenant, text)
            if key in self._made:
                continue
            try:
                said = speakable(
                    text, number.language, letters=self._voices.letters(tenant, number.language)
                )
                self._made[key] = await self._synthesised(tenant, said)
            except (APIError, ProductError) as exc:
                logger.warning("a greeting could not be prepared", extra={"why": str(exc)})

    async def _synthesised(self, tenant: Tenant, text: str) -> Samples:
        mouth = self._voices.mouth(tenant)
        try:
            frame = await mouth.synthesize(text).collect()
        finally:
            await mouth.aclose()
        return resampled(np.frombuffer(frame.data, dtype=np.int16), frame.sample_rate, LINE_RATE)

    def _key(self, tenant: Tenant, text: str) -> tuple[str, str, str, str]:
        voice = tenant.settings.voice
        return (voice.tts, voice.tts_model, voice.tts_voice, text)


async def frames(samples: Samples) -> AsyncIterator[rtc.AudioFrame]:
    """Sound in pieces, as the session wants it."""
    for at in range(0, len(samples), PIECE):
        yield frame_of(samples[at : at + PIECE])
