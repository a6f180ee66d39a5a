import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from app.background import Background
from app.bots.answer import Answering
from app.bots.library import check_library, default_content
from app.bots.llm import Messages, ModelError, RouteOutput, Stream
from app.bots.records import ModelCall
from app.settings import LlmSettings
from tests.fakes import FakeLanguageModel
from tests.make import make_question

LIBRARY = check_library(default_content(), 3)
VAGUE = "What about the thing next to the stairs?"


class OneAfterTheOther(FakeLanguageModel):
    """Tells its route only when the answer's first words are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked_for_words = asyncio.Event()
        self.is_let_go = asyncio.Event()

    async def classify(
        self,
        messages: Messages,
        codes: Sequence[str],
        settings: LlmSettings,
        key: str | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RouteOutput, ModelCall]:
        async with asyncio.timeout(5):
            await self.is_asked_for_words.wait()
        return await super().classify(messages, codes, settings, key, is_brief=is_brief)

    def stream(
        self, messages: Messages, model: str, settings: LlmSettings, key: str | None
    ) -> Stream:
        stream = super().stream(messages, model, settings, key)
        stream.words = self._watched(stream.words)
        return stream

    async def _watched(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
        self.is_asked_for_words.set()
        try:
            async for word in words:
                yield word
                await asyncio.sleep(0)
        finally:
            self.is_let_go.set()


@pytest.fixture
def model() -> OneAfterTheOther:
    return OneAfterTheOther()


def on_the_phone(
    model: FakeLanguageModel, background: Background, *asked: str, **more: Any
) -> Answering:
    return Answering(make_question(*asked, medium="phone", **more), LIBRARY, model, background)


async def is_over(event: asyncio.Event) -> bool:
    async with asyncio.timeout(5):
        return await event.wait()


async def test_on_the_phone_the_answer_is_asked_for_while_the_route_is(
    model: OneAfterTheOther, background: Background
) -> None:
    assert await on_the_phone(model, background, VAGUE).whole() == "The shop is on the corner."
    assert len(model.asked) == 2


async def test_an_answer_that_was_thought_ahead_is_kept_with_its_call(
    model: OneAfterTheOther, background: Background
) -> None:
    answering = on_the_phone(model, background, VAGUE)
    await answering.whole()
    assert [call.purpose for call in answering.calls] == ["route", "answer"]


async def test_words_of_another_route_are_never_heard(
    model: OneAfterTheOther, background: Background
) -> None:
    model.will_route({"actionCode": "ESCALATE", "score": 0.9})
    text = await on_the_phone(model, background, VAGUE).whole()
    assert text is not None
    assert "corner" not in text
    assert await is_over(model.is_let_go)


async def test_a_route_that_fails_lets_go_of_the_answer(
    model: OneAfterTheOther, background: Background
) -> None:
    model.will_route(ModelError("the model answered 500"))
    answering = on_the_phone(model, background, VAGUE)
    with pytest.raises(ModelError):
        await answering.route()
    assert await is_over(model.is_let_go)


async def test_an_answer_nobody_waits_for_any_more_is_let_go(
    model: OneAfterTheOther, background: Background
) -> None:
    words = on_the_phone(model, background, VAGUE).words()
    await anext(words)
    await words.aclose()  # type: ignore[attr-defined]
    assert await is_over(model.is_let_go)


async def test_an_answer_that_fails_is_told_once_its_route_is_known(
    model: OneAfterTheOther, background: Background
) -> None:
    model.will_say(ModelError("the model answered 500"))
    answering = on_the_phone(model, background, VAGUE)
    with pytest.raises(ModelError):
        async for _ in answering.words():
            pass


async def test_what_is_certain_asks_nobody_ahead(
    model: OneAfterTheOther, background: Background
) -> None:
    await on_the_phone(model, background, "What time is check-out?").whole()
    assert model.asked == []


async def test_in_a_thread_the_route_comes_first(background: Background) -> None:
    model = FakeLanguageModel()
    model.will_route({"actionCode": "ESCALATE", "score": 0.9})
    await Answering(make_question(VAGUE), LIBRARY, model, background).whole()
    assert len(model.asked) == 1
