"""A line over Media Streams: paced, cleared at once, and every segment ended exactly once."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.voice.io import PlaybackFinishedEvent

from app.clock import Clock
from app.voice.audio import LINE_RATE, SILENCE
from app.voice.phone_line import PhoneLine, message_of, payload_of
from app.voice.phone_sound import HEARD_FRAME, PIECE


class FakeTwilio:
    """The carrier's end: plays what it gets at once or never, and returns marks when told."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | None] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.is_closed = False

    async def receive(self) -> str | None:
        return await self.incoming.get()

    async def send(self, text: str) -> None:
        if self.is_closed:
            raise ConnectionError("closed")
        self.sent.append(json.loads(text))

    async def close(self, code: int = 1000) -> None:
        self.is_closed = True
        self.incoming.put_nowait(None)

    def says(self, event: str, **fields: object) -> None:
        self.incoming.put_nowait(json.dumps({"event": event, "streamSid": "MZ1", **fields}))

    def media(self, payload: bytes, at_ms: int | None = None) -> None:
        media = {"payload": base64.b64encode(payload).decode()}
        if at_ms is not None:
            media["timestamp"] = str(at_ms)
        self.says("media", media=media)

    def events(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["event"] == event]

    def return_marks(self) -> None:
        for message in self.events("mark"):
            self.says("mark", mark=message["mark"])

    @property
    def bytes_sent(self) -> int:
        return sum(len(base64.b64decode(m["media"]["payload"])) for m in self.events("media"))


class Opened:
    def __init__(self) -> None:
        self.twilio = FakeTwilio()
        self.line = PhoneLine(self.twilio, stream_sid="MZ1", clock=Clock())
        self.finished: list[PlaybackFinishedEvent] = []
        self.line.output.on("playback_finished", self.finished.append)

    async def speak(self, seconds: float, *, is_whole: bool = True) -> None:
        samples = np.ones(int(LINE_RATE * seconds), np.int16) * 1000
        for at in range(0, len(samples), 800):
            part = samples[at : at + 800]
            frame = rtc.AudioFrame(part.tobytes(), LINE_RATE, 1, len(part))
            await self.line.output.capture_frame(frame)
        if is_whole:
            self.line.output.flush()

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    async def until_sent(self, count: int) -> None:
        async with asyncio.timeout(5):
            while self.twilio.bytes_sent < count:
                await asyncio.sleep(0.005)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    made = Opened()
    running = asyncio.ensure_future(made.line.run())
    await made.settle()
    yield made
    await made.line.hang_up()
    await running


async def test_sound_goes_out_only_a_little_ahead_of_being_heard(opened: Opened):
    await opened.speak(3.0)
    await opened.until_sent(PIECE)
    await opened.settle()
    assert opened.twilio.bytes_sent <= 4 * PIECE


async def test_each_piece_is_followed_by_its_mark(opened: Opened):
    await opened.speak(0.2)
    await opened.until_sent(2 * PIECE)
    await opened.settle()
    kinds = [message["event"] for message in opened.twilio.sent]
    assert kinds == ["media", "mark", "media", "mark"]


async def test_a_segment_is_finished_when_its_last_mark_comes_back(opened: Opened):
    await opened.speak(0.2)
    await opened.until_sent(2 * PIECE)
    await opened.settle()
    assert opened.finished == []
    opened.twilio.return_marks()
    await opened.settle()
    assert [(e.playback_position, e.interrupted) for e in opened.finished] == [(0.2, False)]


async def test_a_segment_whose_mark_never_comes_back_is_finished_all_the_same(opened: Opened):
    await opened.speak(0.1)
    async with asyncio.timeout(5):
        while not opened.finished:
            await asyncio.sleep(0.05)
    assert opened.finished[0].interrupted is False


async def test_clearing_stops_at_once_and_tells_how_far_was_heard(opened: Opened):
    await opened.speak(1.0)
    await opened.until_sent(2 * PIECE)
    await opened.settle()
    first = opened.twilio.events("mark")[0]["mark"]
    opened.twilio.says("mark", mark=first)
    await opened.settle()
    opened.line.output.clear_buffer()
    before = opened.twilio.bytes_sent
    await asyncio.sleep(0.25)
    assert opened.twilio.bytes_sent == before
    assert len(opened.twilio.events("clear")) == 1
    assert [(e.playback_position, e.interrupted) for e in opened.finished] == [(0.1, True)]


async def test_marks_that_come_back_after_a_clear_say_nothing(opened: Opened):
    await opened.speak(1.0)
    await opened.until_sent(2 * PIECE)
    opened.line.output.clear_buffer()
    await opened.speak(1.0)
    opened.twilio.return_marks()
    await opened.settle()
    assert len(opened.finished) == 1


async def test_clearing_before_a_byte_was_sent_ends_the_segment_too():
    made = Opened()
    await made.speak(0.5)
    made.line.output.clear_buffer()
    assert [(e.playback_position, e.interrupted) for e in made.finished] == [(0.0, True)]
    assert list(made.line.output._controls) == []


async def test_what_is_captured_between_a_clear_and_its_flush_is_not_heard(opened: Opened):
    await opened.speak(0.5, is_whole=False)
    await opened.until_sent(PIECE)
    opened.line.output.clear_buffer()
    before = opened.twilio.bytes_sent
    await opened.speak(0.5)
    await asyncio.sleep(0.15)
    assert opened.twilio.bytes_sent == before
    assert len(opened.finished) == 1


async def test_after_a_clear_the_next_segment_is_heard(opened: Opened):
    await opened.speak(0.5)
    await opened.until_sent(PIECE)
    opened.line.output.clear_buffer()
    before = opened.twilio.bytes_sent
    await opened.speak(0.2)
    await opened.until_sent(before + 2 * PIECE)
    opened.twilio.return_marks()
    await opened.settle()
    assert [e.interrupted for e in opened.finished] == [True, False]


async def test_several_segments_are_each_finished_in_order(opened: Opened):
    await opened.speak(0.1)
    await opened.speak(0.2)
    for count in (PIECE, 3 * PIECE):
        await opened.until_sent(count)
        await opened.settle()
        opened.twilio.return_marks()
        await opened.settle()
    assert [e.playback_position for e in opened.finished] == [0.1, 0.2]


async def test_a_pause_is_silent_and_goes_on_where_the_caller_last_heard(opened: Opened):
    await opened.speak(0.3)
    await opened.until_sent(3 * PIECE)
    await opened.settle()
    opened.twilio.says("mark", mark=opened.twilio.events("mark")[0]["mark"])
    await opened.settle()
    opened.line.output.pause()
    await opened.settle()
    assert len(opened.twilio.events("clear")) == 1
    opened.line.output.resume()
    await opened.until_sent(5 * PIECE)
    opened.twilio.return_marks()
    await opened.settle()
    assert [(e.playback_position, e.interrupted) for e in opened.finished] == [(0.3, False)]


async def test_a_cleared_pause_ends_its_segment_once(opened: Opened):
    await opened.speak(0.5)
    await opened.until_sent(PIECE)
    opened.line.output.pause()
    opened.line.output.clear_buffer()
    opened.line.output.resume()
    await opened.settle()
    assert [e.interrupted for e in opened.finished] == [True]


@pytest.mark.parametrize("how", ["stop", "close"])
async def test_when_the_caller_hangs_up_what_was_being_said_ends(how: str):
    made = Opened()
    running = asyncio.ensure_future(made.line.run())
    await made.speak(2.0)
    await made.until_sent(PIECE)
    if how == "stop":
        made.twilio.says("stop")
    else:
        made.twilio.incoming.put_nowait(None)
    await asyncio.wait_for(running, 2)
    assert made.line.closed.is_set()
    assert [e.interrupted for e in made.finished] == [True]
    await made.speak(0.1)
    assert len(made.finished) == 2


async def test_sound_of_the_caller_comes_in_frames_of_60_ms(opened: Opened):
    for number in range(6):
        opened.twilio.media(bytes([SILENCE]) * 160, number * 20)
    frames = [await anext(opened.line.input) for _ in range(2)]
    assert [frame.samples_per_channel for frame in frames] == [HEARD_FRAME, HEARD_FRAME]
    assert frames[0].sample_rate == LINE_RATE


async def test_lost_sound_is_silence_so_that_time_goes_on(opened: Opened):
    opened.twilio.media(b"\x10" * 160, 0)
    opened.twilio.media(b"\x10" * 160, 100)
    frames = [await anext(opened.line.input) for _ in range(2)]
    samples = np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])
    assert (samples[:160] != 0).all()
    assert (samples[160:800] == 0).all()
    assert (samples[800:960] != 0).all()


async def test_a_wild_timestamp_costs_a_second_at_most(opened: Opened):
    opened.twilio.media(b"\x10" * 160, 0)
    opened.twilio.media(b"\x10" * 160, 10**9)
    opened.twilio.media(b"\x10" * 480, None)
    await opened.settle()
    assert opened.line.input._frames.qsize() <= 1 + (LINE_RATE + 800) // HEARD_FRAME


async def test_the_end_of_the_line_ends_the_callers_sound():
    made = Opened()
    running = asyncio.ensure_future(made.line.run())
    made.twilio.says("stop")
    await running
    with pytest.raises(StopAsyncIteration):
        await anext(made.line.input)
    with pytest.raises(StopAsyncIteration):
        await anext(made.line.input)


async def test_keys_are_heard_and_nonsense_is_not(opened: Opened):
    heard: list[str] = []
    opened.line.on_key(heard.append)
    for digit in ("0", "#", "10", "a", ""):
        opened.twilio.says("dtmf", dtmf={"digit": digit})
    await opened.settle()
    assert heard == ["0", "#"]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense", "[]", "null", "{}", '{"event":"media"}', '{"event":"media","media":[]}',
        '{"event":"media","media":{"payload":"!!"}}', '{"event":"mark","mark":7}',
        '{"event":"mark","mark":{"name":"9:9:9"}}', '{"event":"mark","mark":{"name":"0:99"}}',
        '{"event":["media"]}', '{"event":"dtmf"}',
        '{"event":"media","media":{"payload":"AAAA","timestamp":"-5"}}',
    ],
)  # fmt: skip
async def test_what_is_malformed_is_passed_over(opened: Opened, text: str):
    opened.twilio.incoming.put_nowait(text)
    opened.twilio.media(bytes([SILENCE]) * HEARD_FRAME)
    assert (await anext(opened.line.input)).samples_per_channel == HEARD_FRAME


def test_sound_of_another_track_is_not_the_callers():
    assert payload_of({"track": "outbound", "payload": "AAAA"}) is None
    assert message_of("[1]") == {}


async def test_a_closed_socket_ends_the_line_while_we_speak():
    made = Opened()
    running = asyncio.ensure_future(made.line.run())
    made.twilio.is_closed = True
    await made.speak(0.5)
    await asyncio.wait_for(made.line.closed.wait(), 2)
    made.twilio.incoming.put_nowait(None)
    await running
    assert [e.interrupted for e in made.finished] == [True]
