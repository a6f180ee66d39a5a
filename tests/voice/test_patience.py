"""Nobody waits in silence: fillers while the mind is slow, an end when it is too slow."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from app.background import Background
from app.voice.patience import TooSlow, patiently


class Mind:
    """Gives clauses when it is told to, and says whether it was stopped."""

    def __init__(self) -> None:
        self.clauses: asyncio.Queue[str | None] = asyncio.Queue()
        self.is_stopped = False

    async def words(self) -> AsyncGenerator[str, None]:
        try:
            while (clause := await self.clauses.get()) is not None:
                yield clause
        finally:
            self.is_stopped = True


def waiting_for(
    mind: Mind, background: Background, *, filler_after_s: float, within_s: float
) -> AsyncGenerator[str, None]:
    return patiently(
        mind.words(), fillers=["One moment.", "Still looking."], filler_after_s=filler_after_s,
        within_s=within_s, background=background,
    )  # fmt: skip


async def test_a_quick_mind_needs_no_filler(background: Background):
    mind = Mind()
    for clause in ("First.", "Second.", None):
        mind.clauses.put_nowait(clause)
    said = waiting_for(mind, background, filler_after_s=30, within_s=60)
    assert [clause async for clause in said] == ["First.", "Second."]


async def test_a_slow_mind_is_filled_and_its_words_still_come(background: Background):
    mind = Mind()
    said = waiting_for(mind, background, filler_after_s=0.01, within_s=60)
    assert await anext(said) == "One moment."
    mind.clauses.put_nowait("Here it is.")
    mind.clauses.put_nowait(None)
    assert [clause async for clause in said] == ["Here it is."]


async def test_a_mind_that_is_too_slow_is_given_up_and_stopped(background: Background):
    mind = Mind()
    said = waiting_for(mind, background, filler_after_s=30, within_s=0.01)
    with pytest.raises(TooSlow):
        await anext(said)
    assert mind.is_stopped


async def test_a_mind_that_stops_midway_is_given_up_too(background: Background):
    mind = Mind()
    mind.clauses.put_nowait("First.")
    said = waiting_for(mind, background, filler_after_s=30, within_s=0.05)
    assert await anext(said) == "First."
    with pytest.raises(TooSlow):
        await anext(said)


async def test_a_failure_of_the_mind_is_passed_on(background: Background):
    async def failing() -> AsyncGenerator[str, None]:
        yield "First."
        raise LookupError("the mind is away")

    said = patiently(
        failing(), fillers=[], filler_after_s=30, within_s=60, background=background
    )  # fmt: skip
    assert await anext(said) == "First."
    with pytest.raises(LookupError):
        await anext(said)


async def test_who_hears_no_more_leaves_nothing_running(background: Background):
    mind = Mind()
    said = waiting_for(mind, background, filler_after_s=0.01, within_s=60)
    assert await anext(said) == "One moment."
    await said.aclose()
    assert mind.is_stopped
