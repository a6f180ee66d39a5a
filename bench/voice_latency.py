"""How long a caller waits with speech on this machine: from the tape of calls in real time.

The product runs as a child with `voice.stt = voice.tts = "local"` and a guest calls it: another
voice (Kokoro, made before the calls) asks questions over a media stream, the stand-in of the
carrier records both sides, and a turn's wait is the time on that tape from the end of the caller's
speech to the beginning of the hotline's. The model is the stand-in, which answers at once: what is
measured is hearing, the product, and speaking. The stages are the product's own, from its turns.
Environment: LATENCY_CALLS (5) of four questions each.
"""

import asyncio
import json
import os
import tempfile
from pathlib import Path

import aiohttp
import numpy as np

from app.settings import load_settings
from app.sim.speech import Engines
from app.sim.tape import Samples
from app.sim.telephone import Carrier, Telephone
from app.sim.voices import Voices
from app.wiring import build
from bench.lab import TENANT, UNBOUND, Lab

CALLS = int(os.environ.get("LATENCY_CALLS", "5"))
HOTLINE = "+48221234567"
QUIET_S = 1.0
ANSWERS_WITHIN_S = 20.0
QUESTIONS = (
    "What time can we check in today?",
    "What is the door code please?",
    "Where can we park the car?",
    "What time do we have to check out?",
)
SETTINGS = {
    "NIGHTDESK_VOICE__STT": "local",
    "NIGHTDESK_VOICE__TTS": "local",
    "NIGHTDESK_VOICE__ACCESS_ASSURANCE": "1",
    "NIGHTDESK_VOICE__SILENCE_S": "60",
}


async def measure() -> dict[str, tuple[list[float], str]]:
    questions = await _spoken()
    lab = Lab(scale="small", settings=SETTINGS)
    try:
        await lab.settle()
        await _connect(lab)
        await lab.start()
        waits: list[float] = []
        greeted: list[float] = []
        async with aiohttp.ClientSession() as http:
            await _until_greeting_is_made(lab, http)
            for number in range(CALLS):
                first, call = await _call(lab, http, questions)
                greeted.append(first * 1000)
                waits += call
                print(f"call {number + 1}: {', '.join(f'{wait:.0f}' for wait in call)} ms")
        stages = await _stages(lab)
        await lab.stop()
    finally:
        await lab.end()
    p95 = sorted(waits)[max(0, round(len(waits) * 0.95) - 1)]
    return {
        "local speech: end of speech to first sound": (waits, "ms"),
        "local speech: the same, 95th percentile": ([p95], "ms"),
        "local speech: answer to the greeting's first sound": (greeted, "ms"),
        **{f"local speech: {name}": (values, "ms") for name, values in stages.items() if values},
    }


async def _spoken() -> list[Samples]:
    """The questions in a caller's voice, whose program has ended before anybody calls."""
    engines = Engines(Path(tempfile.gettempdir()) / "nightdesk-speech")
    try:
        voices = Voices(engines)
        return [await voices.of_caller(question) for question in QUESTIONS]
    finally:
        await engines.close()


async def _connect(lab: Lab) -> None:
    """A telephone number for the tenant."""
    product = build(load_settings(None, lab.environment() | UNBOUND))
    async with product.opened():
        await product.hotlines.set_carrier(TENANT, account_sid="AC-bench", auth_tokens=("token",))
        await product.hotlines.add(TENANT, HOTLINE, name="City Stays", language="en")


def _guest(lab: Lab) -> str:
    """The number of somebody who arrives today."""
    account = lab.outside.world.store.accounts[70001]
    today = lab.outside.world.clock.today(account.place.zone).isoformat()
    return next(
        str(row["phone"])
        for row in account.reservations.values()
        if row["status"] in ("new", "modified") and row["arrivalDate"] == today and row["phone"]
    )


async def _until_greeting_is_made(lab: Lab, http: aiohttp.ClientSession) -> None:
    """One call that is not counted: models are loaded, greetings made."""
    for _ in range(30):
        phone = _dial(lab, http)
        calling = asyncio.ensure_future(phone.call())
        await asyncio.sleep(4)
        said = phone.tape.spoken(by_hotline=True)
        phone.hang_up()
        await calling
        if said and said[0].begins_s < 0.5:
            return
    raise RuntimeError(f"no greeting: {lab.tail()}")


def _dial(lab: Lab, http: aiohttp.ClientSession) -> Telephone:
    carrier = Carrier(
        account_sid="AC-bench", auth_token="token", product_url=f"http://127.0.0.1:{lab.port}"
    )
    return Telephone(carrier, http, caller=_guest(lab), hotline=HOTLINE)


async def _call(
    lab: Lab, http: aiohttp.ClientSession, questions: list[Samples]
) -> tuple[float, list[float]]:
    """(answer to greeting in seconds, each question's wait in milliseconds)."""
    phone = _dial(lab, http)
    calling = asyncio.ensure_future(phone.call())
    await _until_quiet(phone, since_s=0.0)
    for question in questions:
        phone.speak(np.concatenate((question, np.zeros(400, np.int16))))
        while phone.is_speaking:
            await asyncio.sleep(0.02)
        await _until_quiet(phone, since_s=phone.tape.seconds - 0.2)
    phone.hang_up()
    await calling
    waits = [turn.latency_ms for turn in phone.tape.turns()]
    return (
        phone.tape.spoken(by_hotline=True)[0].begins_s,
        [float(wait) for wait in waits if wait is not None],
    )


async def _until_quiet(phone: Telephone, *, since_s: float) -> None:
    """Until the hotline has said something and fallen silent."""
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        while True:
            said = [one for one in phone.tape.spoken(by_hotline=True) if one.ends_s > since_s]
            if said and phone.tape.seconds - said[-1].ends_s > QUIET_S:
                return
            await asyncio.sleep(0.05)


async def _stages(lab: Lab) -> dict[str, list[float]]:
    """The product's own times of its turns, by stage."""
    rows = await lab.value(
        f"select coalesce(jsonb_agg(stages), '[]')::text from t_{TENANT}.turns"
        " where stages is not null and speaker = 'bot'"
    )
    found: dict[str, list[float]] = {}
    for stages in json.loads(rows):
        for name, value in stages.items():
            if isinstance(value, int | float):
                found.setdefault(name, []).append(float(value))
    return found
