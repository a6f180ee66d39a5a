"""What the carrier asks: an incoming call, what comes after its stream, its end.

Ringing is decided from the snapshot in memory and waits for no database, model or PMS. Every
answer ends in a sentence or a hang-up, never in silence. Source: Twilio, "TwiML for Programmable
Voice" and "Validating Signatures from Twilio".
"""

import asyncio
import hmac
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, VoiceResponse

from app.bots.sentences import sentence
from app.bus import Bus
from app.clock import Clock
from app.db import Connection, Database
from app.errors import BadInput, Forbidden, Unavailable
from app.events import CallEnded, CallStarted
from app.hotlines import masked
from app.voice import store
from app.voice.caller import phone_of_caller
from app.voice.snapshot import Number, Snapshot
from app.voice.tickets import Arrivals, Ticket, Tickets

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
MEDIA_PATH = "/twilio/media"
SAY_LANGUAGES = {"en": "en-US", "pl": "pl-PL", "de": "de-DE", "ar": "arb"}
"""Names of languages as `<Say>` wants them."""
LOOK_S = 1.0
"""How long a caller may wait in silence for a look at a record."""
DEFAULT_PORTS = {"https": ":443", "http": ":80"}
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""What a call's status says once nothing more comes."""
FAILED_VERDICTS = ("Failed", "Diverted")
"""Parts of a STIR/SHAKEN verdict that lower trust; nothing in it ever raises it."""

Form = ImmutableMultiDict[str, str]


class CallsOfCarrier(Protocol):
    """What the webhooks need of the live calls."""

    def expect(self, ticket: Ticket) -> None:
        """A call rings."""

    def has_room(self) -> bool:
        """Whether one more call can be served."""

    def may_stream_again(self, call_sid: str) -> bool:
        """Whether the stream of a call broke off and deserves a second try."""


class TwilioWebhooks:
    """The carrier's routes on the public door."""

    def __init__(
        self,
        *,
        snapshot: Snapshot,
        tickets: Tickets,
        calls: CallsOfCarrier,
        database: Database,
        bus: Bus,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._snapshot = snapshot
        self._tickets = tickets
        self._calls = calls
        self._database = database
        self._bus = bus
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._arrivals = Arrivals(clock)

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/twilio/voice", self.voice, methods=["POST"]),
            Route("/twilio/after-stream", self.after_stream, methods=["POST"]),
            Route("/twilio/status", self.status, methods=["POST"]),
            Route("/twilio/fallback", self.fallback, methods=["POST"]),
        ]

    async def voice(self, request: Request) -> Response:
        """A call comes in: connect its sound with us."""
        number, form = await self._checked(request)
        if self._arrivals.is_copy(number.tenant_id, form["CallSid"]):
            raise Forbidden("this call has come in before")
        if not self._calls.has_room():
            return self._apology(number, "busy_line")
        return _twiml(self._stream(number, form))

    async def after_stream(self, request: Request) -> Response:
        """The stream has ended: try once more where it broke off, else end the call."""
        number, form = await self._checked(request)
        if self._calls.may_stream_again(form["CallSid"]) or await self._is_orphan(number, form):
            return _twiml(self._stream(number, form))
        answer = VoiceResponse()
        answer.hangup()
        return _twiml(answer)

    async def status(self, request: Request) -> Response:
        """The call is over; one that never reached us is kept all the same."""
        number, form = await self._checked(request)
        if (stated := form.get("CallStatus", "")) not in OVER:
            return Response(status_code=204)
        now = self._clock.now()
        door = await self._database.tenant(number.tenant_id)
        async with door.transaction() as conn:
            because = f"the carrier says {stated}"
            if not await store.end_carried(conn, form["CallSid"], because=because, at=now):
                await self._keep_missed(conn, number, form, now)
        return Response(status_code=204)

    async def _is_orphan(self, number: Number, form: Form) -> bool:
        """Whether a call goes on whose process died: this one never saw it come in.

        One that another process ended well is none; that much time its record is given.
        """
        if form.get("CallStatus") != "in-progress":
            return False
        if not self._arrivals.is_strange(number.tenant_id, form["CallSid"]):
            return False
        try:
            async with asyncio.timeout(LOOK_S):
                door = await self._database.tenant(number.tenant_id)
                async with door.transaction() as conn:
                    return not await store.was_closed(conn, form["CallSid"])
        except (Unavailable, TimeoutError):
            return True

    async def _keep_missed(
        self, conn: Connection, number: Number, form: Form, now: datetime
    ) -> None:
        """A call whose sound was never connected: the caller was gone, or had to be refused."""
        caller = phone_of_caller(form.get("From", ""))
        began = now - timedelta(seconds=_seconds_of(form.get("CallDuration", "")))
        because = f"its sound was never connected; the carrier says {form['CallStatus']}"
        conversation_id = await store.open_call(
            conn,
            call_sid=form["CallSid"],
            hotline_e164=number.number_e164,
            caller_e164=caller,
            language=number.language,
            now=began,
            is_doubtful=is_doubtful(form),
        )
        await store.end_carried(conn, form["CallSid"], because=because, at=now)
        call: dict[str, Any] = {
            "tenant_id": number.tenant_id,
            "conversation_id": conversation_id,
            "call_sid": form["CallSid"],
        }
        started = CallStarted(
            **call,
            hotline_e164=number.number_e164,
            caller=masked(caller or ""),
            language=number.language,
            started_at=began,
        )
        self._bus.publish_after(conn, started)
        self._bus.publish_after(conn, CallEnded(**call, because=because, ended_at=now))

    async def fallback(self, request: Request) -> Response:
        """Our own answer failed: say so, in the hotline's language."""
        number, form = await self._checked(request)
        logger.error("carrier fell back", extra={"error": form.get("ErrorCode", "")})
        return self._apology(number, "broken_line")

    # -- parts -------------------------------------------------------------------------------

    async def _checked(self, request: Request) -> tuple[Number, Form]:
        """(the hotline called, the form), once the signature stands.

        Raises:
            Forbidden: unsigned, wrongly signed, or for a number that is no hotline.
        """
        form = await _form_of(request)
        number = self._snapshot.find(form.get("To", ""))
        if number is None or form.get("AccountSid") != number.account_sid:
            raise Forbidden("no hotline of that number and account")
        if not form.get("CallSid"):
            raise BadInput("the call has no CallSid")
        given = request.headers.get("x-twilio-signature", "")
        urls = spellings_of(self._url_of(request))
        if not any([is_signed(given, url, form, number.auth_tokens) for url in urls]):
            raise Forbidden("the carrier's signature is missing or wrong")
        return number, form

    def _url_of(self, request: Request) -> str:
        """The URL as the carrier was told it: never from Host or forwarded headers."""
        path = request.scope.get("raw_path") or request.url.path.encode()
        query = request.scope.get("query_string", b"")
        return f"{self._public_url}{path.decode('latin-1')}" + (
            f"?{query.decode('latin-1')}" if query else ""
        )

    def _stream(self, number: Number, form: Form) -> VoiceResponse:
        ticket = Ticket(
            call_sid=form["CallSid"],
            tenant_id=number.tenant_id,
            hotline_e164=number.number_e164,
            caller_e164=phone_of_caller(form.get("From", "")),
            is_doubtful=is_doubtful(form),
        )
        self._calls.expect(ticket)
        scheme, _, rest = self._public_url.partition("://")
        socket_url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}{MEDIA_PATH}"
        connect = Connect(action=f"{self._public_url}/twilio/after-stream", method="POST")
        stream = connect.stream(url=socket_url)
        stream.parameter(name="ticket", value=self._tickets.give(ticket))
        answer = VoiceResponse()
        answer.append(connect)
        return answer

    def _apology(self, number: Number, which: str) -> Response:
        answer = VoiceResponse()
        answer.say(
            sentence(which, number.language, tenant=number.name),
            language=SAY_LANGUAGES.get(number.language, "en-US"),
        )
        answer.hangup()
        return _twiml(answer)


def is_signed(given: str, url: str, form: Form, auth_tokens: tuple[str, ...]) -> bool:
    """Whether a webhook is signed by one of the account's tokens; in constant time."""
    found = False
    for token in auth_tokens:
        made = RequestValidator(token).compute_signature(url, form)
        found |= hmac.compare_digest(made.encode(), given.encode(errors="replace"))
    return found


def spellings_of(url: str) -> list[str]:
    """A URL as it stands, and with or without the port that its scheme has anyway.

    Who signs may spell either. Source: measured with twilio 9.13.0's `RequestValidator`.
    """
    parts = urlsplit(url)
    port = DEFAULT_PORTS.get(parts.scheme, "")
    if parts.netloc.endswith(port):
        other = parts.netloc.removesuffix(port)
    elif parts.netloc.rpartition(":")[2].isdigit():
        return [url]
    else:
        other = f"{parts.netloc}{port}"
    return [url, url.replace(f"//{parts.netloc}", f"//{other}", 1)]


def is_doubtful(form: Mapping[str, str]) -> bool:
    """Whether the caller's number may be somebody else's: a failed verdict, or a diversion."""
    verdict = form.get("StirVerstat", "")
    return bool(form.get("ForwardedFrom")) or any(part in verdict for part in FAILED_VERDICTS)


async def _form_of(request: Request) -> Form:
    """The form's fields, empty ones too: they are part of the signature."""
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise BadInput("the body is larger than a carrier's webhook ever is")
            chunks.append(chunk)
    except ClientDisconnect as exc:
        raise BadInput("the sender went away") from exc
    try:
        pairs = parse_qsl(
            b"".join(chunks).decode(), keep_blank_values=True, max_num_fields=200, errors="strict"
        )
    except ValueError as exc:
        raise BadInput("the body is no form") from exc
    return ImmutableMultiDict(pairs)


def _seconds_of(stated: str) -> int:
    """How long a call lasted, as the carrier states it; nothing where that is no number."""
    return int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 7 else 0


def _twiml(answer: VoiceResponse) -> Response:
    return Response(str(answer), media_type="text/xml")
