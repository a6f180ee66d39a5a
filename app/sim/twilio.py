"""Twilio's REST API as far as the product may use it: calls and incoming phone numbers.

Mounted at `/twilio/2010-04-01`. Basic auth by AccountSid and auth token, arguments as a form, JSON
out. Source: Twilio, "Call Resource", "IncomingPhoneNumber Resource", "Error and Warning
Dictionary".
"""

import asyncio
import base64
import binascii
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.sim.answers import Cut, Hang, Json
from app.sim.exchange import Account, Exchange, PhoneNumber, Wanted
from app.sim.faults import BEFORE, FaultPlan
from app.sim.telephone import Telephone
from app.sim.twilio_rows import call_row, number_row, page_of

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_TWIML_LIMIT = 4000
"""Characters of the Twiml parameter."""
_EVENTS = "StatusCallbackEvent"
_NUMBER_FIELDS = {
    "FriendlyName": "friendly_name",
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
}

Form = Mapping[str, str]
Work = Callable[[Account, Request], Awaitable[Response]]


class Refused(Exception):
    """The API answers with an error of Twilio's dictionary."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class TwilioApi:
    """The two resources, for every account of the exchange."""

    def __init__(self, exchange: Exchange, faults: FaultPlan) -> None:
        self._exchange = exchange
        self._faults = faults

    def routes(self) -> list[BaseRoute]:
        """All of them, relative to the base path."""
        account, one = "/Accounts/{account}", "/{sid}.json"
        numbers = f"{account}/IncomingPhoneNumbers"
        return [
            self._route(f"{account}/Calls.json", self._list_calls, "GET"),
            self._route(f"{account}/Calls.json", self._create_call, "POST"),
            self._route(f"{account}/Calls{one}", self._show_call, "GET"),
            self._route(f"{account}/Calls{one}", self._change_call, "POST"),
            self._route(f"{numbers}.json", self._list_numbers, "GET"),
            self._route(f"{numbers}.json", self._add_number, "POST"),
            self._route(f"{numbers}{one}", self._show_number, "GET"),
            self._route(f"{numbers}{one}", self._set_number, "POST"),
            self._route(f"{numbers}{one}", self._drop_number, "DELETE"),
        ]

    # -- calls -------------------------------------------------------------------------------

    async def _create_call(self, account: Account, request: Request) -> Response:
        pairs = _pairs(await request.form())
        form = dict(pairs)
        many = [value for name, value in pairs if name == _EVENTS]
        wanted = Wanted(
            to=form.get("To", ""),
            caller=form.get("From", ""),
            url=form.get("Url", ""),
            twiml=form.get("Twiml", ""),
            status_callback=form.get("StatusCallback", ""),
            events=tuple(many) or ("completed",),
            timeout_s=float(form.get("Timeout") or 60),
        )
        if not wanted.to:
            raise Refused(400, 21201, "No 'To' number is specified")
        if not _E164.fullmatch(wanted.to):
            raise Refused(400, 21211, f"Invalid 'To' Phone Number: {wanted.to}")
        if not wanted.caller:
            raise Refused(400, 21213, "No 'From' number is specified")
        owned = {number.phone_number for number in self._numbers_of(account)}
        if wanted.caller not in owned:
            message = f"The source phone number provided, {wanted.caller}, is not yet verified"
            raise Refused(400, 21210, message)
        if not wanted.url and not wanted.twiml:
            raise Refused(400, 21205, "Url parameter is required.")
        if len(wanted.twiml) > _TWIML_LIMIT:
            raise Refused(400, 21626, "Twiml is too long")
        return Json(call_row(account, self._exchange.place(account, wanted)), 201)

    async def _list_calls(self, account: Account, request: Request) -> Response:
        wanted = request.query_params
        rows = [call_row(account, call) for call in reversed(self._exchange.calls.values())
                if call.account_sid == account.sid]  # fmt: skip
        for name, key in (("To", "to"), ("From", "from"), ("Status", "status")):
            if wanted.get(name):
                rows = [row for row in rows if row[key] == wanted[name]]
        return Json(page_of("calls", rows, request.url.path, dict(wanted)))

    async def _show_call(self, account: Account, request: Request) -> Response:
        return Json(call_row(account, self._call(account, request)))

    async def _change_call(self, account: Account, request: Request) -> Response:
        call, form = self._call(account, request), await _form_of(request)
        if call.is_over:
            raise Refused(400, 21220, "Call is not in-progress. Cannot redirect.")
        status = form.get("Status", "")
        if status in ("completed", "canceled"):
            call.hang_up()
            await asyncio.wait([asyncio.ensure_future(call.ended.wait())], timeout=1)
        elif status:
            raise Refused(400, 20001, f"Invalid Status: {status}")
        elif form.get("Url") or form.get("Twiml"):
            if call.answered_at is None:
                raise Refused(400, 21220, "Call is not in-progress. Cannot redirect.")
            call.move(url=form.get("Url", ""), twiml=form.get("Twiml", ""))
        return Json(call_row(account, call))

    def _call(self, account: Account, request: Request) -> Telephone:
        call = self._exchange.calls.get(request.path_params["sid"])
        if call is None or call.account_sid != account.sid:
            raise _not_found(request)
        return call

    # -- numbers -----------------------------------------------------------------------------

    async def _list_numbers(self, account: Account, request: Request) -> Response:
        wanted = request.query_params
        rows = [number_row(number) for number in self._numbers_of(account)]
        if wanted.get("PhoneNumber"):
            rows = [row for row in rows if wanted["PhoneNumber"] in row["phone_number"]]
        if wanted.get("FriendlyName"):
            rows = [row for row in rows if row["friendly_name"] == wanted["FriendlyName"]]
        return Json(page_of("incoming_phone_numbers", rows, request.url.path, dict(wanted)))

    async def _add_number(self, account: Account, request: Request) -> Response:
        form = await _form_of(request)
        number = form.get("PhoneNumber", "")
        if not _E164.fullmatch(number):
            raise Refused(400, 21421, f"PhoneNumber is invalid: {number}")
        if any(one.phone_number == number for one in self._exchange.numbers.values()):
            raise Refused(400, 21422, f"{number} is not available")
        made = self._exchange.add_number(account, number)
        return Json(number_row(_changed(made, form)), 201)

    async def _show_number(self, account: Account, request: Request) -> Response:
        return Json(number_row(self._number(account, request)))

    async def _set_number(self, account: Account, request: Request) -> Response:
        number = self._number(account, request)
        return Json(number_row(_changed(number, await _form_of(request))))

    async def _drop_number(self, account: Account, request: Request) -> Response:
        del self._exchange.numbers[self._number(account, request).sid]
        return Response(status_code=204)

    def _number(self, account: Account, request: Request) -> PhoneNumber:
        number = self._exchange.numbers.get(request.path_params["sid"])
        if number is None or number.account_sid != account.sid:
            raise _not_found(request)
        return number

    def _numbers_of(self, account: Account) -> list[PhoneNumber]:
        return [n for n in self._exchange.numbers.values() if n.account_sid == account.sid]

    # -- the door ----------------------------------------------------------------------------

    def _route(self, path: str, work: Work, method: str) -> Route:
        async def serve(request: Request) -> Response:
            if (broken := await self._fault(request)) is not None:
                return broken
            try:
                return await work(self._account(request), request)
            except Refused as refused:
                return _error(refused.status, refused.code, str(refused))

        return Route(path, serve, methods=[method])

    def _account(self, request: Request) -> Account:
        sid, token = _basic(request.headers.get("authorization", ""))
        account = self._exchange.accounts.get(sid)
        if account is None or not secrets.compare_digest(
            token.encode(), account.auth_token.encode()
        ):
            raise Refused(401, 20003, "Authenticate")
        if request.path_params["account"] != sid:
            raise _not_found(request)
        return account

    async def _fault(self, request: Request) -> Response | None:
        kind = "calls" if "/Calls" in request.url.path else "numbers"
        fault = self._faults.take(f"twilio.{kind}", BEFORE)
        if fault is None:
            return None
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
            return None
        if fault.kind == "reset":
            return Cut()
        if fault.kind == "hang":
            return Hang(fault.delay_s)
        if fault.kind == "429":
            return _error(429, 20429, "Too Many Requests")
        if fault.kind in ("token_expiry", "forbidden"):
            return _error(401, 20003, "Authenticate")
        return Response("upstream error", status_code=fault.status, media_type="text/html")


def _changed(number: PhoneNumber, form: Form) -> PhoneNumber:
    for name, value in form.items():
        if name in _NUMBER_FIELDS:
            setattr(number, _NUMBER_FIELDS[name], value)
    number.changed_at = datetime.now(UTC)
    return number


async def _form_of(request: Request) -> dict[str, str]:
    return dict(_pairs(await request.form()))


def _pairs(form: FormData) -> list[tuple[str, str]]:
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


def _basic(header: str) -> tuple[str, str]:
    kind, _, coded = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _not_found(request: Request) -> Refused:
    path = request.url.path.partition("/twilio")[2]
    return Refused(404, 20404, f"The requested resource {path} was not found")


def _error(status: int, code: int, message: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Json({"code": code, "message": message, "more_info": more, "status": status}, status)
