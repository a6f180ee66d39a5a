"""What a caller has to hear before anything else: that an AI speaks, that their case is known.

Each is owed until it was heard, and said again before the next answer where it was talked over.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.voice.bare import bare


@dataclass(frozen=True, slots=True)
class _Owed:
    words: str
    on_heard: Callable[[], None]


class Openings:
    """What is still owed to one caller, in order."""

    def __init__(self) -> None:
        self._owed: list[_Owed] = []

    def owe(self, words: str, on_heard: Callable[[], None] = lambda: None) -> None:
        """The caller has to hear this; then somebody is told."""
        self._owed.append(_Owed(words, on_heard))

    def due(self) -> list[str]:
        """What comes first in whatever is said next."""
        return [owed.words for owed in self._owed]

    def heard(self, text: str) -> None:
        """The caller has heard this of ours."""
        said = bare(text)
        for owed in list(self._owed):
            if bare(owed.words) in said:
                self._owed.remove(owed)
                owed.on_heard()
