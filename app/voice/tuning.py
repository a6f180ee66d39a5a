"""How one call hears and speaks, retuned as its language and its caller become known."""

from collections.abc import Mapping

from app.tenants import Tenant
from app.voice.languages import SpokenLanguage
from app.voice.pronounce import speakable
from app.voice.snapshot import Number
from app.voice.speech import Speech, Voices
from app.voice.turns import Turns
from app.voice.vocabulary import vocabulary_of


class Tuning:
    """The speech of one call, from its first language to its last."""

    def __init__(
        self,
        voices: Voices,
        turns: Turns,
        *,
        tenant: Tenant,
        number: Number,
        language: str | None = None,
    ) -> None:
        """Ears and mouth in the language expected, else the hotline's.

        Raises:
            BadInput: the tenant's provider is not installed.
        """
        self._voices = voices
        self._turns = turns
        self._tenant = tenant
        self._house = (number.name, tenant.name)
        supported = tenant.settings.language.supported
        self._spoken = SpokenLanguage(number.language, supported)
        self._spoken.expect(language)
        self._has_spoken = False
        turns.language = self._spoken.now
        self.speech: Speech = voices.of_call(tenant, self._spoken.now, self._vocabulary())
        turns.on_stay = self.learn_caller

    def speakable(self, clause: str) -> str:
        """A clause as the voice is given it, secrets filled in where the caller may hear them."""
        stay = self._turns.stay
        secrets: Mapping[str, str] = stay.deliverable if stay else {}
        language = self._spoken.now
        letters = self._voices.letters(self._tenant, language)
        return speakable(clause, language, secrets, letters=letters)

    def hear(self, text: str, heard_as: str | None) -> None:
        """A turn of the caller, before it is answered: they may have changed the language."""
        self._has_spoken = True
        if self._spoken.hear(text, heard_as):
            self._retune()

    def learn_caller(self) -> None:
        """The caller has become known: their names, and their language where none was heard."""
        stay = self._turns.stay
        if stay is not None and not self._has_spoken:
            self._spoken.expect(stay.reservation.guest_locale)
        self._retune()

    def _retune(self) -> None:
        self._turns.language = self._spoken.now
        self._voices.retune(self.speech, self._tenant, self._spoken.now, self._vocabulary())

    def _vocabulary(self) -> tuple[str, ...]:
        return vocabulary_of(self._house, self._turns.stay)
