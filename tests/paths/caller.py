"""A guest with a telephone: speaks with another voice than the hotline's, and hears from the tape.

What the hotline said is recognised from the tape, never read from our rows.
"""

import asyncio
import io
import itertools
import re
import wave

import aiohttp
import numpy as np

from app.sim.tape import RATE, Samples
from app.sim.telephone import Carrier, Telephone
from tests.paths.house import HOTLINE, Guest, House

LIKE_DIGITS = {"free": "three", "tree": "three"}
"""What the recogniser writes for a digit that it takes for another word."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_voices = itertools.count(1)


class Caller:
    """A guest with a telephone."""

    def __init__(self, house: House, guest: Guest | None, number: str) -> None:
        carrier = Carrier(
            account_sid="AC-warsaw",
            auth_token="carrier-token",
            product_url=house.product.settings.server.public_url,
        )
        self.house = house
        self.guest = guest
        self.phone = Telephone(carrier, house.http, caller=number, hotline=HOTLINE)
        self.calling = asyncio.ensure_future(self.phone.call())

    async def hears(self, quiet_s: float = 1.2, within_s: float = 25.0) -> str:
        """What the hotline says from now on, once it has finished."""
        since_s = await self.hears_out(quiet_s, within_s)
        return await self._recognised(self.phone.tape.hotline_sound(since_s))

    async def hears_out(self, quiet_s: float = 1.2, within_s: float = 25.0) -> float:
        """The hotline speaks from now on and has finished; when it began."""
        since_s = self.phone.tape.seconds
        async with asyncio.timeout(within_s):
            while True:
                said = [
                    part
                    for part in self.phone.tape.spoken(by_hotline=True)
                    if part.ends_s > since_s
                ]
                if said and self.phone.tape.seconds - said[-1].ends_s > quiet_s:
                    break
                assert not self.calling.done(), "the call has ended"
                await asyncio.sleep(0.05)
        return max(said[0].begins_s, since_s)

    async def begins_to_hear(self) -> None:
        """The hotline has begun to speak."""
        async with asyncio.timeout(20):
            while not self.phone.tape.spoken(by_hotline=True):
                await asyncio.sleep(0.02)

    async def says(self, words: str | Samples) -> str:
        """Say something, and hear what comes back."""
        self.phone.speak(await self.spoken(words) if isinstance(words, str) else words)
        while self.phone.is_speaking:
            await asyncio.sleep(0.02)
        return await self.hears()

    async def hangs_up(self) -> None:
        self.phone.hang_up()
        await self.calling

    async def turns(self) -> list[tuple[str, str]]:
        """The transcript, once the call is written down."""

        async def is_closed() -> bool:
            rows = await self.house.rows(
                "select ended_at from {schema}.calls where call_sid = $1", self.phone.call_sid
            )
            return bool(rows and rows[0]["ended_at"])

        await self.house.until(is_closed)
        rows = await self.house.rows(
            """select t.speaker, t.text from {schema}.turns t
               join {schema}.conversations c on c.id = t.conversation_id
               where c.external_id = $1 order by t.id""",
            self.phone.call_sid,
        )
        return [(row["speaker"], row["text"]) for row in rows]

    async def spoken(self, text: str) -> Samples:
        """Words in the caller's voice, ready to be said."""
        body = {"input": text, "voice": "caller"}
        url = f"{self.house.base}/openai/v1/audio/speech"
        async with self.house.http.post(url, json=body) as answer:
            samples = np.frombuffer(await answer.read(), np.int16)
        return samples[::3]

    async def _recognised(self, samples: np.ndarray) -> str:
        written = io.BytesIO()
        with wave.open(written, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples.tobytes())
        form = aiohttp.FormData()
        form.add_field("file", written.getvalue(), filename="tape.wav")
        url = f"{self.house.base}/openai/v1/audio/transcriptions"
        async with self.house.http.post(url, data=form) as answer:
            return str((await answer.json())["text"])


def digits_in(said: str) -> str:
    """The digits of what was heard, whether the recogniser wrote them as digits or as words."""
    parts = re.findall(r"\d|[a-z]+", said.lower())
    meant = [LIKE_DIGITS.get(part, part) for part in parts]
    return "".join(
        str(DIGITS.index(part)) if part in DIGITS else part
        for part in meant
        if part in DIGITS or part.isdigit()
    )


async def caller_of(house: House, **booking: object) -> Caller:
    guest = await house.book(phone=f"+485100{next(_voices):05d}", **booking)

    async def is_mirrored() -> bool:
        stays = "select 1 from {schema}.reservations where external_id = $1"
        return bool(await house.rows(stays, str(guest.reservation["id"])))

    await house.until(is_mirrored)
    await house.quiet()
    return Caller(house, guest, str(guest.reservation["phone"]))
