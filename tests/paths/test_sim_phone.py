"""A call from the browser: Chromium with a recording for its microphone, on the phone page.

Where Chromium is not installed these tests are left out, see conftest.py; in CI it must be there.
"""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from app.sim.tape import RATE
from app.sim.voices import wav_of
from tests.paths.browser import opened
from tests.paths.house import HOTLINE, House

pytestmark = pytest.mark.asyncio(loop_scope="session")

GREETING_S = 5.0
"""Silence before the microphone's question."""


async def recorded(house: House, text: str, path: Path) -> None:
    """A sentence of a caller as a microphone would record it, after a while."""
    voices = house.world.exchange.voices
    assert voices is not None
    spoken = await voices.of_caller(text)
    quiet = np.zeros(int(GREETING_S * RATE), np.int16)
    sound = np.concatenate((quiet, spoken, np.tile(quiet, 6)))
    await asyncio.to_thread(path.write_bytes, wav_of(sound))


async def test_what_is_said_into_the_browser_is_answered_on_its_page(
    hotline: House, tmp_path: Path
):
    guest = await hotline.book(phone="+48510099001")
    await hotline.quiet()
    await recorded(hotline, "What time can we check in today?", tmp_path / "said.wav")
    number = str(guest.reservation["phone"]).replace("+", "%2B")
    async with opened(tmp_path / "said.wav") as page:
        dialled = f"hotline={HOTLINE.replace('+', '%2B')}&caller={number}"
        await page.open(f"{hotline.base}/sim/phone/?{dialled}")
        await page.click("#dial")
        await page.until("document.querySelectorAll('.turn.bot').length > 1", 40)
        said = await page.run("[...document.querySelectorAll('.turn')].map((t) => t.innerText)")
        assert "AI assistant" in said[0]
        assert "check in" in said[1].lower()
        assert "15:00" in said[2]
        await page.until("document.querySelector('.stages').innerText.includes('first sound')")
        await page.click("#dial")
        await page.until("document.querySelector('#tape.on #recording')?.src")
        assert page.problems == []
