"""A telephone call, whole: a caller's real speech over a media stream, and what comes back.

The caller is another voice than the hotline's; what the hotline said is heard from the tape by the
recogniser, never read from our rows.
"""

import asyncio
import io
import itertools
import re
import wave

import aiohttp
import numpy as np
import pytest

from app.sim.tape import RATE
from app.sim.telephone import Carrier, Telephone
from tests.paths.call_record import check_record, follow
from tests.paths.house import HOTLINE, Guest, House

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_voices = itertools.count(1)

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
        return await self._recognised(self.phone.tape.hotline_sound(max(said[0].begins_s, since_s)))

    async def says(self, text: str) -> str:
        """Say something, and hear what comes back."""
        self.phone.speak(await self._spoken(text))
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

    async def _spoken(self, text: str) -> np.ndarray:
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
    return "".join(
        str(DIGITS.index(part)) if part in DIGITS else part
        for part in parts
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


async def test_a_known_guest_hears_the_check_in_time_and_the_door_code(hotline: House):
    told = follow(hotline)
    caller = await caller_of(hotline, doorCode="7391")
    assert "ai assistant" in (await caller.hears()).lower()
    assert "3" in await caller.says("What time can we check in today?")
    said = await caller.says("And what is the door code please?")
    assert "7391" in digits_in(said), said
    await caller.hangs_up()
    turns = await caller.turns()
    assert [speaker for speaker, _ in turns] == ["bot", "guest", "bot", "guest", "bot"]
    assert "7391" not in str(turns) + str(told)
    assert "[[door_code]]" in turns[-1][1]
    await check_record(hotline, caller.phone.call_sid, told)


async def test_another_question_gets_another_answer(hotline: House):
    caller = await caller_of(hotline)
    await caller.hears()
    said = await caller.says("What time do we have to check out?")
    assert "11" in said or "10" in said
    await caller.hangs_up()


async def test_three_weeks_early_the_code_is_not_said(hotline: House):
    caller = await caller_of(hotline, arrivalInDays=21, doorCode="7391")
    await caller.hears()
    said = await caller.says("What is the door code please?")
    assert "7391" not in digits_in(said)
    assert "access details" in said.lower()
    await caller.hangs_up()


async def test_key_zero_calls_a_person(hotline: House):
    caller = await caller_of(hotline)
    await caller.hears()
    caller.phone.press("0")
    assert "team" in await caller.hears()
    await caller.hangs_up()
    await caller.turns()
    rows = await hotline.rows("select trigger_text from {schema}.cases order by id desc limit 1")
    assert rows[0]["trigger_text"] == "[key 0]"


async def test_an_unsigned_webhook_and_a_foreign_ticket_reach_nobody(hotline: House):
    url = hotline.product.settings.server.public_url
    async with hotline.http.post(f"{url}/twilio/voice", data={"To": HOTLINE}) as answer:
        assert answer.status == 403
    socket_url = url.replace("http", "ws", 1) + "/twilio/media"
    async with hotline.http.ws_connect(socket_url) as socket:
        start = {"callSid": "CA1", "streamSid": "MZ1", "customParameters": {"ticket": "x.y"}}
        await socket.send_json({"event": "start", "start": start})
        assert (await socket.receive()).data == 1008
