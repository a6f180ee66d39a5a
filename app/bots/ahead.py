"""An answer that is asked for before its route is known: on the phone both calls run side by side.

The words are held back until the route turns out to lead to this very bot; else nobody hears them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from app.background import Background
from app.bots.llm import ModelError, Stream
from app.bots.records import Bot, ModelCall, Question


class Ahead:
    """The words of one bot for one question, under way."""

    def __init__(
        self,
        bot: Bot,
        asked: Question,
        stream: Stream,
        background: Background,
        on_words: Callable[[str], None],
    ) -> None:
        self.bot = bot
        self.asked = asked
        self._stream = stream
        self._words: asyncio.Queue[str | None] = asyncio.Queue()
        self._error: ModelError | None = None
        self._on_words = on_words
        self._pulling = background.spawn("answer ahead", self._pull())

    @property
    def call(self) -> ModelCall | None:
        """What was asked and said, once it is whole."""
        return self._stream.call

    async def words(self) -> AsyncIterator[str]:
        """The words that came until now at once, then the others as they come.

        Raises (while iterating):
            ModelError: the model failed.
        """
        try:
            while (word := await self._words.get()) is not None:
                yield word
            if self._error is not None:
                raise self._error
        finally:
            self.drop()

    def drop(self) -> None:
        """Ask for no more."""
        self._pulling.cancel()

    async def _pull(self) -> None:
        said = ""
        try:
            async for word in self._stream.words:
                self._words.put_nowait(word)
                said += word
                self._on_words(said)
        except ModelError as exc:
            self._error = exc
        finally:
            self._words.put_nowait(None)
