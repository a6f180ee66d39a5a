"""How a call begins: the greeting, what of it was heard, and the case that is known already."""

import asyncio
from collections.abc import Callable

from livekit.agents import AgentSession
from livekit.agents.voice.speech_handle import SpeechHandle

from app.background import Background
from app.voice.greetings import Greeting, frames
from app.voice.turns import Turns

KNOWN_WITHIN_S = 2.0
"""How long after the greeting the stay's open case may still be told of by itself."""


class FirstWords:
    """The first words of one call."""

    def __init__(
        self,
        *,
        turns: Turns,
        background: Background,
        say: Callable[[str], None],
        disclosed: Callable[[], None],
    ) -> None:
        self._turns = turns
        self._background = background
        self._say = say
        self._disclosed = disclosed
        self._greeting: Greeting | None = None
        """None once it is over."""
        self._is_case_known = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    def greet(self, session: AgentSession[None], greeting: Greeting) -> None:
        """Say the greeting, prepared or live."""
        self._greeting = greeting
        if greeting.sound is None:
            handle = session.say(greeting.text)
        else:
            handle = session.say(greeting.text, audio=frames(greeting.sound))
        self._following = self._background.spawn("after greeting", self._follow(session, handle))

    def played(self, heard_s: float, *, is_cut: bool) -> None:
        """A stretch of our speech is over; the first is the greeting: was the disclosure heard?"""
        greeting, self._greeting = self._greeting, None
        if greeting is None:
            return
        if greeting.is_disclosed(heard_s, is_cut=is_cut):
            self._disclosed()
        else:
            self._turns.openings.owe(greeting.disclosure, self._disclosed)

    async def know_case(self, says: str) -> None:
        """The stay's open case was looked for; what the caller is told of it, if anything."""
        if says:
            self._turns.openings.owe(says)
        self._is_case_known.set()

    def end(self) -> None:
        """The call is over."""
        if self._following is not None:
            self._following.cancel()

    async def _follow(self, session: AgentSession[None], handle: SpeechHandle) -> None:
        """Tell what the caller should know; where they spoke first it precedes the answer."""
        await handle.wait_for_playout()
        self.played(0.0, is_cut=True)
        try:
            async with asyncio.timeout(KNOWN_WITHIN_S):
                await self._is_case_known.wait()
        except TimeoutError:
            return
        if (
            not handle.interrupted
            and session.user_state != "speaking"
            and not self._turns.has_asked
        ):
            for words in self._turns.openings.due():
                self._say(words)
