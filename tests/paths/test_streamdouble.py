"""An independent client of the carrier's media streams, streamdouble, calls our websocket."""

import secrets
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from streamdouble import api
from streamdouble.protocol import StreamIdentity
from streamdouble.scenario import parse
from streamdouble.session import Session, SessionConfig

from app.sim.telephone import Carrier, Telephone
from app.sim.voices import wav_of
from tests.paths.house import HOTLINE, House

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def stream_of(hotline: House) -> tuple[str, str, str]:
    """(URL, CallSid, ticket) that the webhook of a call gives."""
    carrier = Carrier(
        account_sid="AC-warsaw",
        auth_token="carrier-token",
        product_url=hotline.product.settings.server.public_url,
    )
    phone = Telephone(carrier, hotline.http, caller="+48510099002", hotline=HOTLINE)
    answer = await phone.request("/twilio/voice", CallStatus="ringing")
    stream = ET.fromstring(answer).find("Connect/Stream")
    assert stream is not None
    (ticket,) = [p.get("value", "") for p in stream.findall("Parameter")]
    return stream.get("url", ""), phone.call_sid, ticket


async def played(hotline: House, steps: list[Any], folder: Path) -> api.CallReport:
    url, call_sid, ticket = await stream_of(hotline)
    identity = StreamIdentity(call_sid=call_sid, stream_sid=f"MZ{secrets.token_hex(16)}")
    session = Session(
        url,
        scenario=parse({"name": "a call", "steps": steps}, base_dir=folder),
        config=SessionConfig(custom_parameters={"ticket": ticket}, max_drain_s=15),
        identity=identity,
    )
    return api.CallReport(result=await session.run(), metrics=None)


async def test_the_greeting_and_the_answer_to_a_key_keep_to_the_protocol(
    hotline: House, tmp_path: Path
):
    steps = [
        {"wait_for": "audio"}, {"wait_for": "mark"}, {"wait_for": "quiet"}, {"dtmf": "0"},
        {"wait": 0.5}, {"wait_for": "quiet"}, {"expect": "no_violations"}, {"expect": "mark"},
    ]  # fmt: skip
    report = await played(hotline, steps, tmp_path)
    assert (report.violations, report.result.failed_expectations) == ([], [])
    assert report.spoke
    assert report.exit_code == 0


async def test_a_caller_who_interrupts_makes_us_clear_and_may_drop_the_line(
    hotline: House, tmp_path: Path
):
    voices = hotline.world.exchange.voices
    assert voices is not None
    spoken = await voices.of_caller("Hello, excuse me, one moment please")
    (tmp_path / "said.wav").write_bytes(wav_of(spoken))
    steps = [
        {"wait_for": "audio"}, {"say": "said.wav"}, {"expect": "clear"},
        {"expect": "no_violations"}, "hangup",
    ]  # fmt: skip
    report = await played(hotline, steps, tmp_path)
    assert (report.violations, report.result.failed_expectations) == ([], [])

    async def is_over() -> bool:
        rows = await hotline.rows("select 1 from {schema}.calls where ended_at is null")
        return not rows

    await hotline.until(is_over)
