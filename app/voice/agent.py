"""The one subclass of LiveKit's `Agent`: the mind answers, and each clause is spoken at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import Agent, llm, tts

from app.background import Background
from app.voice.audio import LINE_RATE, Resampler, Samples
from app.voice.foretold import Foretold
from app.voice.turns import Turns

Speakable = Callable[[str], str]
"""A clause with placeholders → what the voice is given."""


class Receptionist(Agent):
    """Answers a call."""

    def __init__(
        self, turns: Turns, mouth: tts.TTS[Any], *, speakable: Speakable, background: Background
    ) -> None:
        super().__init__(instructions="")
        self._turns = turns
        self._background = background
        self._foretold = Foretold(mouth, speakable=speakable, background=background)
        turns.on_foreseen = self._foretold.prepare

    async def close(self) -> None:
        """The call is over: let go of what was never said."""
        await self._foretold.close()

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """The caller has finished a turn."""
        self._turns.confirm(new_message.text_content or "")

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[Any], model_settings: Any
    ) -> AsyncGenerator[str, None]:
        """The mind's answer to the newest turn, perhaps before that is confirmed."""
        said = [item for item in chat_ctx.items if isinstance(item, llm.ChatMessage)]
        newest = next((item for item in reversed(said) if item.role == "user"), None)
        if newest is not None and (asked := newest.text_content):
            async for clause in self._turns.answer(asked):
                yield clause

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: Any
    ) -> AsyncGenerator[rtc.AudioFrame, None]:
        """Each clause synthesised at once, and played in order while the next is being made."""
        streams: asyncio.Queue[tts.ChunkedStream | None] = asyncio.Queue()

        async def synthesise() -> None:
            async for clause in text:
                if (stream := self._foretold.spoken(clause)) is not None:
                    streams.put_nowait(stream)
            streams.put_nowait(None)

        making = self._background.spawn("speech", synthesise())
        making.add_done_callback(lambda _: streams.put_nowait(None))
        try:
            while (stream := await streams.get()) is not None:
                async with stream:
                    async for frame in _at_line_rate(stream):
                        yield frame
        finally:
            making.cancel()
            while not streams.empty():
                if (left := streams.get_nowait()) is not None:
                    await left.aclose()


class MindModel(llm.LLM[Any]):
    """Stands where LiveKit wants a model; `llm_node` asks the mind instead."""

    def chat(self, **_: Any) -> Any:
        """Never asked."""
        raise NotImplementedError("the mind answers, in llm_node")


async def _at_line_rate(stream: tts.ChunkedStream) -> AsyncGenerator[rtc.AudioFrame, None]:
    resampler: Resampler | None = None
    async for event in stream:
        if resampler is None:
            resampler = Resampler(event.frame.sample_rate, LINE_RATE)
        samples = resampler.push(np.frombuffer(event.frame.data, dtype=np.int16))
        if len(samples):
            yield frame_of(samples)
    if resampler is not None and len(rest := resampler.flush()):
        yield frame_of(rest)


def frame_of(samples: Samples) -> rtc.AudioFrame:
    """Samples of the line's rate as LiveKit carries them."""
    return rtc.AudioFrame(
        data=samples.tobytes(),
        sample_rate=LINE_RATE,
        num_channels=1,
        samples_per_channel=len(samples),
    )
