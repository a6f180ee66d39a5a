"""The first words of a call, made before anybody calls: that an AI speaks, then how to help.

Made anew whenever a hotline, a voice or a setting changed, here or in another process. Prepared
sound never holds anything gated: it is of no stay.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
from livekit import rtc
from livekit.agents import APIError

from app.bots.sentences import sentence
from app.errors import BadInput, NotFound, ProductError
from app.tenants import Tenant, Tenants
from app.voice.agent import frame_of
from app.voice.audio import LINE_RATE, Samples, resampled
from app.voice.pronounce import speakable
from app.voice.snapshot import Number, Snapshot
from app.voice.speech import Voices

logger = logging.getLogger(__name__)

PIECE = LINE_RATE // 10
BREATH = np.zeros(LINE_RATE // 5, np.int16)
"""Between the two sentences: 200 ms."""

Key = tuple[str, ...]
"""Of a sound: whose voice, what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """The first words of one call."""

    disclosure: str
    """That an AI speaks; fixed by law, not by operators."""
    offer: str
    sound: Samples | None = field(default=None, repr=False)
    """None while it is not made: then it is spoken live."""
    disclosure_s: float | None = None
    """How long the disclosure takes, where that is known."""

    @property
    def text(self) -> str:
        """All that is said."""
        return f"{self.disclosure} {self.offer}"

    def is_disclosed(self, heard_s: float, *, is_cut: bool) -> bool:
        """Whether a caller who heard so much of it has heard that an AI speaks."""
        if self.disclosure_s is None:
            return not is_cut
        return heard_s >= self.disclosure_s


class Greetings:
    """A greeting for each hotline and language of its tenant, as sound."""

    def __init__(self, *, snapshot: Snapshot, tenants: Tenants, voices: Voices) -> None:
        self._snapshot = snapshot
        self._tenants = tenants
        self._voices = voices
        self._made: dict[Key, Samples] = {}
        self._making = asyncio.Lock()

    def of(self, tenant: Tenant, number: Number, language: str) -> Greeting:
        """The greeting of a call, with its sound where that is made."""
        disclosure = sentence("voice_disclosure", language, tenant=number.name)
        offer = sentence("voice_greeting", language)
        first = self._made.get(_key(tenant, language, disclosure))
        second = self._made.get(_key(tenant, language, offer))
        if first is None or second is None:
            return Greeting(disclosure=disclosure, offer=offer)
        return Greeting(
            disclosure=disclosure,
            offer=offer,
            sound=np.concatenate((first, BREATH, second)),
            disclosure_s=len(first) / LINE_RATE,
        )

    async def prepare(self) -> None:
        """Make what is missing, each hotline's own language first, and forget what is not needed.

        What cannot be made is spoken live, and made at the next call or change.
        """
        async with self._making:
            wanted = await self._wanted()
            self._made = {key: sound for key, sound in self._made.items() if key in wanted}
            for key, tenant in wanted.items():
                if key in self._made:
                    continue
                language, words = key[-2:]
                try:
                    self._made[key] = await self._synthesised(tenant, words, language)
                except (APIError, ProductError) as exc:
                    logger.warning("a greeting could not be prepared", extra={"why": str(exc)})

    async def _wanted(self) -> dict[Key, Tenant]:
        own: dict[Key, Tenant] = {}
        others: dict[Key, Tenant] = {}
        for number in self._snapshot.numbers:
            try:
                tenant = await self._tenants.get(number.tenant_id)
                await self._voices.ready(tenant)
            except NotFound:
                continue
            except BadInput as exc:
                logger.error("a hotline cannot speak", extra={"why": str(exc)})
                continue
            languages = (number.language, *tenant.settings.language.supported)
            for at, language in enumerate(dict.fromkeys(languages)):
                greeting = self.of(tenant, number, language)
                for words in (greeting.disclosure, greeting.offer):
                    (others if at else own)[_key(tenant, language, words)] = tenant
        return {**own, **others}

    async def _synthesised(self, tenant: Tenant, text: str, language: str) -> Samples:
        mouth = self._voices.mouth(tenant, language)
        said = speakable(text, language, letters=self._voices.letters(tenant, language))
        try:
            frame = await mouth.synthesize(said).collect()
        finally:
            await mouth.aclose()
        return resampled(np.frombuffer(frame.data, dtype=np.int16), frame.sample_rate, LINE_RATE)


def _key(tenant: Tenant, language: str, text: str) -> Key:
    voice = tenant.settings.voice
    where = voice.base_url or tenant.settings.llm.base_url
    return (voice.tts, voice.tts_model, voice.tts_voice, *voice.tts_voices, where, language, text)


async def frames(samples: Samples) -> AsyncIterator[rtc.AudioFrame]:
    """Sound in pieces, as the session wants it."""
    for at in range(0, len(samples), PIECE):
        yield frame_of(samples[at : at + PIECE])
