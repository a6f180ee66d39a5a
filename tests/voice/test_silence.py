"""A silent caller is asked, asked again, then told goodbye; one who waits for us is not silent."""

import asyncio

import pytest

from app.background import Background
from app.clock import ManualClock
from app.voice.silence import Silence


class Scene:
    def __init__(self, clock: ManualClock, background: Background) -> None:
        self.said: list[str] = []
        self._clock = clock
        self.silence = Silence(
            after_s=12,
            ask=lambda: self.said.append("there?"),
            give_up=lambda: self.said.append("goodbye"),
            clock=clock,
            background=background,
        )

    async def quiet(self, seconds: float) -> None:
        """Both are quiet for so long."""
        self.silence.quiet()
        await self.passes(seconds)

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self._clock.advance(seconds)
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
def scene(clock: ManualClock, background: Background) -> Scene:
    return Scene(clock, background)


async def test_asked_then_again_then_a_friendly_end(scene: Scene):
    for _ in range(3):
        await scene.quiet(12)
    assert scene.said == ["there?", "there?", "goodbye"]


async def test_nobody_is_asked_before_the_time(scene: Scene):
    await scene.quiet(11)
    assert scene.said == []


async def test_a_caller_who_waits_for_us_is_not_silent(scene: Scene):
    scene.silence.quiet()
    await scene.passes(6)
    scene.silence.busy()
    await scene.passes(60)
    assert scene.said == []


async def test_a_caller_who_speaks_after_all_is_asked_from_the_beginning(scene: Scene):
    await scene.quiet(12)
    await scene.quiet(12)
    scene.silence.heard()
    await scene.quiet(12)
    assert scene.said == ["there?", "there?", "there?"]
