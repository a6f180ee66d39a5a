"""One call as Twilio carries it: signed webhooks, TwiML followed verb by verb, a tape.

Shapes and habits: Twilio, "TwiML for Programmable Voice". A webhook that fails is asked at the
fallback URL; where that fails too, the caller hears the carrier's own apology.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

import aiohttp
import numpy as np

from app.sim.media_stream import Handset, MediaStream
from app.sim.mulaw import from_mulaw, to_mulaw
from app.sim.tape import RATE, TICK, Samples, Tape

Status = Literal[
    "queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"
]
OVER = ("completed", "busy", "failed", "no-answer", "canceled")
MOST_DOCUMENTS = 12
"""TwiML answers followed in one call; a loop ends there."""
APOLOGY = "We are sorry, an application error has occurred. Goodbye."
REJECTED: Mapping[str, Status] = {"busy": "busy", "": "failed", "rejected": "failed"}
"""What a call becomes that is rejected for a reason."""
NO_TWIML = "11200"
"""Twilio's code for a webhook that was not answered well."""

Speak = Callable[[str, str], Awaitable[Samples]]
"""(words, language) → sound of the line, for what the carrier itself says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A carrier account, and the webhooks of the number that is called."""

    account_sid: str
    auth_token: str = field(repr=False)
    product_url: str = ""
    voice_url: str = ""
    """Empty: the product's own path, as for the others."""
    fallback_url: str = ""
    status_url: str = ""

    @property
    def voice(self) -> str:
        """Who is asked when the number rings."""
        return self.voice_url or f"{self.product_url}/twilio/voice"

    @property
    def fallback(self) -> str:
        """Who is asked when that failed."""
        return self.fallback_url or (self.product_url and f"{self.product_url}/twilio/fallback")

    @property
    def status(self) -> str:
        """Who is told the end."""
        return self.status_url or (self.product_url and f"{self.product_url}/twilio/status")


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
        direction: str = "inbound",
        speak: Speak | None = None,
    ) -> None:
        self._carrier = carrier
        self._http = http
        self.call_sid = "CA" + secrets.token_hex(16)
        self.account_sid = carrier.account_sid
        self.caller, self.hotline, self.direction = caller, hotline, direction
        self._fields = {
            "CallSid": self.call_sid,
            "AccountSid": carrier.account_sid,
            "From": caller,
            "To": hotline,
            "Caller": caller,
            "Called": hotline,
            "Direction": direction,
            "ApiVersion": "2010-04-01",
            "FromCity": "",
            "ToCity": "",
            **(more or {}),
        }
        self._speak = speak
        self.status: Status = "queued"
        self.made_at = datetime.now(UTC)
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.tape = Tape()
        self.handset = Handset()
        self.said: list[str] = []
        """Texts of `<Say>` verbs."""
        self.verbs: list[str] = []
        self._hung_up = False
        self._moved_to: tuple[str, str] | None = None
        """(URL, TwiML) that the call was sent to while a verb ran; one of them is empty."""
        self._interrupted = asyncio.Event()
        self.is_streaming = asyncio.Event()
        self.ended = asyncio.Event()

    # -- what a caller does ------------------------------------------------------------------

    def speak(self, samples: Samples) -> float:
        """Say something after what is being said; gives its length in seconds."""
        padded = np.concatenate((samples, np.zeros(-len(samples) % TICK, np.int16)))
        coded = to_mulaw(padded)
        self.handset.speech.extend(coded[at : at + TICK] for at in range(0, len(coded), TICK))
        return len(padded) / RATE

    def press(self, key: str) -> None:
        """Press a key."""
        self.handset.keys.append(key)

    def hang_up(self) -> None:
        """End the call."""
        self._hung_up = True
        self._interrupted.set()

    @property
    def is_speaking(self) -> bool:
        """Whether there is still something to say."""
        return bool(self.handset.speech)

    # -- what the carrier is told over its API ------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in OVER

    def move(self, *, url: str = "", twiml: str = "") -> None:
        """Leave what is being done, and go on with another document."""
        self._moved_to = (url, twiml)
        self._interrupted.set()

    # -- what the carrier does ---------------------------------------------------------------

    async def call(self, *, url: str = "", twiml: str = "") -> None:
        """The whole call, from its first document to its last callback."""
        try:
            self.status = "ringing" if self.answered_at is None else "in-progress"
            at = url or self._carrier.voice
            document = twiml or await self._asked(at)
            for _ in range(MOST_DOCUMENTS):
                following = await self._follow(document, at)
                if self._hung_up:
                    break
                if self._moved_to is not None:
                    following, document = self._moved_to
                    self._moved_to = None
                    self._interrupted.clear()
                elif not following:
                    break
                if following:
                    at = urljoin(at, following)
                    document = await self._asked(at)
        finally:
            if self.status in REJECTED.values():
                await self.close(self.status)
            else:
                await self.close("completed" if self.answered_at else "no-answer")

    async def close(self, status: Status) -> None:
        """The call is over; tell whoever asked to be told."""
        self.status, self.ended_at = status, datetime.now(UTC)
        self.ended.set()
        if told := self._carrier.status:
            await self.tell(told)

    @property
    def duration_s(self) -> int:
        """Whole seconds since it was answered."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return round((self.ended_at - self.answered_at).total_seconds())

    async def request(self, path: str, **fields: str) -> str:
        """A signed webhook to a URL, or a path of the product; gives the answer's body.

        Raises:
            ConnectionError: it was not answered with 2xx.
        """
        url = urljoin(f"{self._carrier.product_url}/", path)
        form = {**self._fields, "CallStatus": self.status, **fields}
        headers = {"X-Twilio-Signature": signature(self._carrier.auth_token, url, form)}
        async with self._http.post(url, data=form, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise ConnectionError(f"{url} answered {answer.status}: {text[:200]}")
            return text

    async def _asked(self, url: str) -> str:
        """What a webhook answers, else the fallback, else the carrier's own apology."""
        try:
            return await self.request(url)
        except (ConnectionError, aiohttp.ClientError, TimeoutError):
            if not self._carrier.fallback:
                return _apology()
        try:
            return await self.request(self._carrier.fallback, ErrorCode=NO_TWIML, ErrorUrl=url)
        except (ConnectionError, aiohttp.ClientError, TimeoutError):
            return _apology()

    async def _follow(self, twiml: str, at: str) -> str | None:
        """Do what a document says; the URL to ask next, none where the call ends."""
        try:
            verbs = list(ET.fromstring(twiml))
        except ET.ParseError:
            verbs = list(ET.fromstring(_apology()))
        for verb in verbs:
            self.verbs.append(verb.tag)
            if verb.tag in ("Hangup", "Reject"):
                self.status = (
                    REJECTED[verb.get("reason", "")] if verb.tag == "Reject" else self.status
                )
                return None
            if verb.tag == "Redirect":
                return urljoin(at, verb.text or "")
            if following := await self._do(verb, at):
                return following
            if self._interrupted.is_set():
                return None
        return None

    async def _do(self, verb: ET.Element, at: str) -> str | None:
        """Do one verb to its end; the URL of its action, where it has one and somebody listens."""
        if verb.tag in ("Connect", "Say", "Pause"):
            self.answer()
        if verb.tag == "Say":
            await self._say(verb)
        elif verb.tag == "Pause":
            await self._wait(float(verb.get("length") or 1))
        elif verb.tag == "Connect":
            stream, action = verb.find("Stream"), verb.get("action")
            if stream is not None:
                await self._stream(stream)
            if action and self._hung_up:
                await self.tell(urljoin(at, action), CallStatus="completed")
            elif action and not self._interrupted.is_set():
                return urljoin(at, action)
        return None

    def answer(self) -> None:
        """Somebody has picked up."""
        self.answered_at = self.answered_at or datetime.now(UTC)
        self.status = "in-progress"

    async def tell(self, url: str, **fields: str) -> None:
        """A webhook whose answer nobody follows any more."""
        if self.is_over:
            fields = {"CallDuration": str(self.duration_s), **fields}
        try:
            await self.request(url, **fields)
        except (ConnectionError, aiohttp.ClientError, TimeoutError):
            return

    async def _say(self, verb: ET.Element) -> None:
        words = verb.text or ""
        self.said.append(words)
        if self._speak is None:
            return
        sound = await self._speak(words, verb.get("language", "en")[:2])
        for begin in range(0, len(sound), TICK):
            piece = sound[begin : begin + TICK]
            await self._wait(TICK / RATE)
            if self._interrupted.is_set():
                return
            heard = to_mulaw(np.concatenate((piece, np.zeros(TICK - len(piece), np.int16))))
            self.handset.on_heard(heard)
            self.tape.add(from_mulaw(self.handset.next_tick()), from_mulaw(heard))

    async def is_left_alone(self, seconds: float) -> bool:
        """Whether nobody hung up or sent the call elsewhere for so long."""
        await self._wait(seconds)
        return not self._interrupted.is_set()

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._interrupted.wait(), seconds)
        except TimeoutError:
            return

    async def _stream(self, stream: ET.Element) -> None:
        """Carry sound both ways until either side ends it."""
        url = stream.get("url", "")
        given = {p.get("name", ""): p.get("value", "") for p in stream.findall("Parameter")}
        headers = {"X-Twilio-Signature": signature(self._carrier.auth_token, url, {})}
        try:
            async with self._http.ws_connect(url, headers=headers, max_msg_size=0) as socket:
                media = MediaStream(
                    socket,
                    self.handset,
                    self.tape,
                    stream_sid="MZ" + secrets.token_hex(16),
                    account_sid=self._carrier.account_sid,
                    call_sid=self.call_sid,
                )
                self.is_streaming.set()
                await media.run(given, self._interrupted)
        except aiohttp.ClientError:
            return  # as Twilio does: the call goes on with the action


def _apology() -> str:
    return f"<Response><Say>{APOLOGY}</Say><Hangup/></Response>"


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """How Twilio signs a webhook: HMAC-SHA1 over the URL and the sorted fields."""
    text = url + "".join(name + form[name] for name in sorted(form))
    made = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(made).decode()
