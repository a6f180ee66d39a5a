"""One call as Twilio carries it: signed webhooks, TwiML, a media stream in real time, a tape.

Shapes and habits: Twilio, "TwiML for Programmable Voice", "Media Streams WebSocket messages". What
is sent to the caller is a queue, played at its own pace; marks come back once they are reached, and
all at once after a `clear`.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import numpy as np

from app.sim.mulaw import SILENCE, from_mulaw, to_mulaw
from app.sim.tape import RATE, TICK, Samples, Tape

TICK_S = TICK / RATE
MOST_VERBS = 12
"""TwiML answers followed in one call; a loop ends there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A carrier account, and the product that it calls."""

    account_sid: str
    auth_token: str = field(repr=False)
    product_url: str


class Telephone:
    """One caller and what happens to the call."""

    def __init__(
        self,
        carrier: Carrier,
        http: aiohttp.ClientSession,
        *,
        caller: str,
        hotline: str,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self._carrier = carrier
        self._http = http
        self.call_sid = "CA" + secrets.token_hex(16)
        self._fields = {
            "CallSid": self.call_sid,
            "AccountSid": carrier.account_sid,
            "From": caller,
            "To": hotline,
            "Caller": caller,
            "Called": hotline,
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
            "FromCity": "",
            "ToCity": "",
            **(more or {}),
        }
        self.tape = Tape()
        self.said: list[str] = []
        """Texts of `<Say>` verbs."""
        self.verbs: list[str] = []
        self._speech: deque[bytes] = deque()
        self._keys: deque[str] = deque()
        self._playing = bytearray()
        self._marks: deque[tuple[int, str]] = deque()
        self._played = 0
        self._hung_up = asyncio.Event()
        self.is_streaming = asyncio.Event()
        self.ended = asyncio.Event()
        self._on_tick: list[Callable[[], None]] = []

    # -- what a caller does ------------------------------------------------------------------

    def speak(self, samples: Samples) -> float:
        """Say something after what is being said; gives its length in seconds."""
        padded = np.concatenate((samples, np.zeros(-len(samples) % TICK, np.int16)))
        coded = to_mulaw(padded)
        self._speech.extend(coded[at : at + TICK] for at in range(0, len(coded), TICK))
        return len(padded) / RATE

    def press(self, key: str) -> None:
        """Press a key."""
        self._keys.append(key)

    def hang_up(self) -> None:
        """End the call."""
        self._hung_up.set()

    @property
    def is_speaking(self) -> bool:
        """Whether there is still something to say."""
        return bool(self._speech)

    # -- what the carrier does ---------------------------------------------------------------

    async def call(self) -> None:
        """The whole call, from its webhook to its last callback."""
        try:
            answer = await self.request("/twilio/voice", CallStatus="ringing")
            for _ in range(MOST_VERBS):
                following = await self._follow(answer)
                if following is None or self._hung_up.is_set():
                    break
                answer = await self.request(following, CallStatus="in-progress", relative=False)
        finally:
            self.ended.set()
            seconds = str(int(self.tape.seconds))
            await self.request("/twilio/status", CallStatus="completed", CallDuration=seconds)

    async def request(self, path: str, *, relative: bool = True, **fields: str) -> str:
        """A signed webhook; gives the answer's body.

        Raises:
            ConnectionError: it was not answered with 2xx.
        """
        url = f"{self._carrier.product_url}{path}" if relative else path
        form = {**self._fields, **fields}
        headers = {"X-Twilio-Signature": signature(self._carrier.auth_token, url, form)}
        async with self._http.post(url, data=form, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise ConnectionError(f"{url} answered {answer.status}: {text[:200]}")
            return text

    async def _follow(self, twiml: str) -> str | None:
        """Do what an answer says; the URL to ask next, none where the call ends."""
        for verb in ET.fromstring(twiml):
            self.verbs.append(verb.tag)
            if verb.tag == "Say":
                self.said.append(verb.text or "")
            elif verb.tag == "Connect":
                stream = verb.find("Stream")
                if stream is not None:
                    await self._stream(stream)
                if action := verb.get("action"):
                    return action
            elif verb.tag == "Redirect":
                return verb.text
            elif verb.tag in ("Hangup", "Reject"):
                return None
        return None

    async def _stream(self, stream: ET.Element) -> None:
        """Carry sound both ways until either side ends it."""
        url = stream.get("url", "")
        given = {p.get("name", ""): p.get("value", "") for p in stream.findall("Parameter")}
        headers = {"X-Twilio-Signature": signature(self._carrier.auth_token, url, {})}
        async with self._http.ws_connect(url, headers=headers, max_msg_size=0) as socket:
            stream_sid = "MZ" + secrets.token_hex(16)
            await socket.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
            await socket.send_json(self._start(stream_sid, given))
            self.is_streaming.set()
            hearing = asyncio.create_task(self._hear(socket))
            try:
                await self._tick(socket, stream_sid, hearing)
                if not socket.closed:
                    await socket.send_json(self._stop(stream_sid))
            except ConnectionError:
                pass
            finally:
                hearing.cancel()

    def _start(self, stream_sid: str, given: Mapping[str, str]) -> dict[str, Any]:
        return {
            "event": "start",
            "sequenceNumber": "1",
            "streamSid": stream_sid,
            "start": {
                "streamSid": stream_sid,
                "accountSid": self._carrier.account_sid,
                "callSid": self.call_sid,
                "tracks": ["inbound"],
                "customParameters": dict(given),
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            },
        }

    def _stop(self, stream_sid: str) -> dict[str, Any]:
        stop = {"accountSid": self._carrier.account_sid, "callSid": self.call_sid}
        return {"event": "stop", "sequenceNumber": "0", "streamSid": stream_sid, "stop": stop}

    async def _tick(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        stream_sid: str,
        hearing: asyncio.Task[None],
    ) -> None:
        loop = asyncio.get_running_loop()
        began, number = loop.time(), 0
        while not self._hung_up.is_set() and not hearing.done():
            number += 1
            await asyncio.sleep(max(0.0, began + number * TICK_S - loop.time()))
            said = self._speech.popleft() if self._speech else bytes([SILENCE]) * TICK
            played = self._play()
            self.tape.add(from_mulaw(said), from_mulaw(played))
            await socket.send_json(
                {
                    "event": "media",
                    "sequenceNumber": str(number + 1),
                    "streamSid": stream_sid,
                    "media": {
                        "track": "inbound",
                        "chunk": str(number),
                        "timestamp": str((number - 1) * 20),
                        "payload": base64.b64encode(said).decode(),
                    },
                }
            )
            await self._send_due(socket, stream_sid)

    def _play(self) -> bytes:
        """The next 20 ms of what the hotline sent."""
        played, self._playing = bytes(self._playing[:TICK]), self._playing[TICK:]
        self._played += len(played)
        return played + bytes([SILENCE]) * (TICK - len(played))

    async def _send_due(self, socket: aiohttp.ClientWebSocketResponse, stream_sid: str) -> None:
        while self._marks and self._marks[0][0] <= self._played:
            _, name = self._marks.popleft()
            await socket.send_json(
                {"event": "mark", "streamSid": stream_sid, "mark": {"name": name}}
            )
        while self._keys:
            key = {"track": "inbound_track", "digit": self._keys.popleft()}
            await socket.send_json({"event": "dtmf", "streamSid": stream_sid, "dtmf": key})

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            said = json.loads(message.data)
            if said["event"] == "media":
                self._playing += base64.b64decode(said["media"]["payload"])
            elif said["event"] == "mark":
                self._marks.append((self._played + len(self._playing), said["mark"]["name"]))
            elif said["event"] == "clear":
                self._playing.clear()
                self._marks = deque((self._played, name) for _, name in self._marks)


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """How Twilio signs a webhook: HMAC-SHA1 over the URL and the sorted fields."""
    text = url + "".join(name + form[name] for name in sorted(form))
    made = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(made).decode()
