"""Which language a call is held in: the caller's, changed when they clearly speak another.

A wish ("English please") counts at once; a whole sentence in another language too; a word or two
only when the next turn is in that language again.
"""

import re

from app.bots.language import written_language

WISHES = {
    "en": r"(?:in\s+)?english\b|po\s+angielsku|(?:auf\s+)?englisch\b|(?:ب)?(?:ال)?(?:إ|ا)نجليزية?",
    "pl": r"po\s+polsku|(?:in\s+)?polish\b|(?:auf\s+)?polnisch\b|(?:ب)?(?:ال)?بولندية?",
    "de": r"(?:auf\s+)?deutsch\b|(?:in\s+)?german\b|po\s+niemiecku|(?:ب)?(?:ال)?(?:أ|ا)لمانية?",
    "ar": r"(?:ب)?(?:ال)?عربية?|(?:in\s+)?arabic\b|po\s+arabsku|(?:auf\s+)?arabisch\b",
}
"""How a language is asked for, in each of the four."""
ASKING = (
    r"please|can (?:we|you|i)|could (?:we|you)|do you speak|speak|proszę|prosze|mów\w*|czy\b|"
    r"możemy|można|bitte|sprechen|können|kann|من فضلك|لو سمحت|هل|تتكلم|تتحدث|تكلم|أريد|"
    r"i (?:only )?speak|mówię|ich spreche"
)
"""Beside these the name of a language is a wish; alone it must be nearly all that was said."""
NEGATED = re.compile(r"(?:\bnot|n't|\bno|\bnie|\bkein|\bnicht|\bلا)\s+(?:\w+\s+){0,2}$")
"""Right before a language's name: that is the one they do not speak."""
LONGEST_BARE_WISH = 4
"""Words of a turn that is a wish without asking: "English!", "po polsku, tak"."""
FEWEST_WORDS = 4
"""Words of a turn that changes the language by itself; of Arabic, which binds small words, two."""
SHORT_SCRIPTS = {"ar": 2}


class SpokenLanguage:
    """The language of one call."""

    def __init__(self, language: str, supported: tuple[str, ...]) -> None:
        self.now = language
        self._supported = supported
        self._leaning: str | None = None
        """Another language that the last turn was in, too short to be sure."""

    def hear(self, text: str, heard_as: str | None = None) -> bool:
        """A turn of the caller; whether the language has changed by it.

        Args:
            text: as recognised.
            heard_as: the language the ears took it for, where they can tell.
        """
        wished = self._wish(text)
        if wished is not None:
            return self._turn_to(wished)
        spoken = written_language(text, self._supported) or self._known(heard_as)
        if spoken is None:
            return False
        if spoken == self.now:
            self._leaning = None
            return False
        is_whole = len(text.split()) >= SHORT_SCRIPTS.get(spoken, FEWEST_WORDS)
        if is_whole or spoken == self._leaning:
            return self._turn_to(spoken)
        self._leaning = spoken
        return False

    def expect(self, locale: str | None) -> bool:
        """The language a reservation names; whether the language has changed by it."""
        language = self._known((locale or "")[:2].lower())
        return language is not None and self._turn_to(language)

    def _known(self, language: str | None) -> str | None:
        return language if language in self._supported else None

    def _turn_to(self, language: str) -> bool:
        self._leaning = None
        is_another, self.now = language != self.now, language
        return is_another

    def _wish(self, text: str) -> str | None:
        said = " ".join(text.casefold().split())
        is_asking = re.search(rf"(?<!\w)(?:{ASKING})", said) is not None
        if not is_asking and len(said.split()) > LONGEST_BARE_WISH:
            return None
        named = [
            (hit.start(), language)
            for language, pattern in WISHES.items()
            if language in self._supported
            for hit in re.finditer(rf"(?<!\w)(?:{pattern})", said)
            if not NEGATED.search(said[: hit.start()])
        ]
        return max(named)[1] if named else None
