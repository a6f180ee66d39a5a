"""`POST /webhook/hostaway`: check the secret, write the inbox row, acknowledge; nothing else.

Hostaway signs nothing; it sends HTTP Basic with a login and password of ours. A 4xx is final for
it and a 5xx is tried again, so a missing database answers 503 and an event we do not know answers
200. Source: Hostaway API documentation, unified webhooks (2026-07-22).
"""

import base64
import hmac
import logging
import re
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.db import Database
from app.door import TooLarge
from app.errors import BadInput, Forbidden
from app.keys import Keyring, new_token
from app.pms.inbox import Inbox
from app.pms.incoming import identifier, read_json, short_text
from app.pms.records import LONGEST_MARKUP, attachments_of, parse_moment
from app.telemetry import Telemetry
from app.tenants import PmsAccount, Tenants

logger = logging.getLogger(__name__)

MESSAGE = "message"
RESERVATION = "reservation"
MESSAGE_IDS = (
    "id", "conversationId", "reservationId", "listingMapId", "channelId", "isIncoming", "date",
    "communicationType", "communicationId", "communicationEvent", "status", "insertedOn",
)  # fmt: skip
"""What of a message's event may be read in a row; the words are sealed."""
IDS = frozenset(
    {"id", "conversationId", "reservationId", "listingMapId", "channelId", "communicationId"}
)
"""What must be a number, or is left out: nobody's words shall stand there."""
MOMENTS = frozenset({"date", "insertedOn", "updatedOn"})
KIND = re.compile(r"[A-Za-z0-9_.-]{1,60}")
"""A status, a way of writing, an automation's trigger."""
RESERVATION_IDS = ("id", "listingMapId", "status", "updatedOn", "channelId")
LONGEST_VALUE = 200
"""Characters of a text in an envelope; longer ones are none of those we look at."""


class HostawayWebhook:
    """The receiver, on the public door."""

    def __init__(
        self,
        *,
        tenants: Tenants,
        inbox: Inbox,
        database: Database,
        telemetry: Telemetry,
        max_body_bytes: int,
    ) -> None:
        self._tenants = tenants
        self._inbox = inbox
        self._database = database
        self._telemetry = telemetry
        self._max_body_bytes = max_body_bytes

    def routes(self) -> list[Route]:
        """With the account's key in the path, or told apart by the Basic login."""
        return [
            Route("/webhook/hostaway", self.receive, methods=["POST"]),
            Route("/webhook/hostaway/{account_key}", self.receive, methods=["POST"]),
        ]

    async def receive(self, request: Request) -> Response:
        """Acknowledge once the event is durable."""
        account = await self._account_of(request)
        raw = await self._body_of(request)
        kind, body = classify(raw)
        if kind is None:
            logger.info("webhook event ignored", extra={"event": _words(raw.get("event"))[:60]})
            return JSONResponse({"status": "ignored"})
        for holder in (raw, body):
            stated = identifier(holder.get("accountId"))
            if stated is not None and stated != account.external_id:
                raise Forbidden("this event belongs to another account")
        tenant = await self._tenants.get(account.tenant_id)
        with self._telemetry.span("webhook hostaway", tenant=tenant.id, kind=kind):
            is_new = await self._inbox.store(
                tenant,
                self._database,
                account_id=account.id,
                event=kind,
                dedupe_key=_dedupe_key(kind, account, tenant.keyring, body),
                envelope=_envelope(kind, body),
                sealed=_sealed(kind, body),
            )
            self._inbox.nudge(tenant.id)
        return JSONResponse({"status": "stored" if is_new else "known"})

    async def _account_of(self, request: Request) -> PmsAccount:
        """The account whose password was given; compared in constant time.

        Raises:
            Forbidden: none, answered as 401.
        """
        login, password = _basic(request.headers.get("authorization", ""))
        key = request.path_params.get("account_key")
        account = (
            await self._tenants.account_by_key(key)
            if key
            else await self._tenants.account_by_login(login)
        )
        pairs = account.webhook_logins if account else ((new_token(4), new_token(4)),)
        is_right = False
        for known_login, known_password in pairs:
            is_right |= hmac.compare_digest(
                f"{known_login}:{known_password}".encode(), f"{login}:{password}".encode()
            )
        if account is None or not is_right:
            raise Unauthorized("the webhook's login or password is wrong")
        return account

    async def _body_of(self, request: Request) -> dict[str, Any]:
        chunks, size = [], 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self._max_body_bytes:
                    raise TooLarge(f"the body is larger than {self._max_body_bytes} bytes")
                chunks.append(chunk)
        except ClientDisconnect as exc:
            raise BadInput("the sender went away") from exc
        try:
            raw = read_json(b"".join(chunks))
        except BadInput as exc:
            raise BadInput(f"the body cannot be read: {exc}; send the event as JSON") from exc
        if not isinstance(raw, dict):
            raise BadInput("the body is not a JSON object; send the event as Hostaway does")
        return raw


class Unauthorized(Forbidden):
    """No valid login was given."""

    status_code = 401


def classify(raw: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """(kind, entity) of every shape that was seen; no kind for pings and strangers.

    The real envelope, the article's shorter one, one nested in `payload`, and a bare message.
    """
    nested = raw.get("payload")
    outer = nested if isinstance(nested, Mapping) and "data" in nested else raw
    body = outer.get("data")
    stated = (raw.get("event"), raw.get("eventType"), outer.get("event"))
    event = next((words for each in stated if (words := _words(each))), "").lower()
    kind = _words(raw.get("object")) or _words(outer.get("object"))
    if isinstance(body, str):
        return None, {}
    if not isinstance(body, Mapping):
        is_bare = _has_id(raw, "conversationId") and "body" in raw
        return (MESSAGE, dict(raw)) if is_bare else (None, {})
    if kind == "conversationMessage" or "message" in event:
        has_place = _has_id(body, "conversationId") or _has_id(body, "reservationId")
        return (MESSAGE if has_place else None), dict(body)
    if kind == "reservation" or event.startswith("reservation"):
        return (RESERVATION if _has_id(body, "id") else None), dict(body)
    return None, dict(body)


def _has_id(body: Mapping[str, Any], name: str) -> bool:
    return identifier(body.get(name)) is not None


def _words(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _dedupe_key(kind: str, account: PmsAccount, keyring: Keyring, body: Mapping[str, Any]) -> str:
    """Equal for two deliveries of one fact; an event without an id is always new.

    The digest is keyed: of a booking all but the door code may be known, and four digits are soon
    tried.

    Raises:
        BadInput: the reservation is nested more deeply than any is.
    """
    external_id = identifier(body.get("id"))
    if kind == MESSAGE:
        return f"message:{account.id}:{external_id}" if external_id else f"hint:{new_token()}"
    try:
        plain = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError as exc:
        raise BadInput("the reservation is nested too deeply") from exc
    return f"reservation:{account.id}:{external_id}:{keyring.digest(plain).hex()}"


def _envelope(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What may be read in a row, each of the kind that it should be or left out."""
    kept: dict[str, Any] = {}
    for name in MESSAGE_IDS if kind == MESSAGE else RESERVATION_IDS:
        value = body.get(name)
        if name in IDS:
            external_id = identifier(value)
            kept[name] = int(external_id) if external_id and len(external_id) < 19 else external_id
        elif _is_kept(name, value):
            kept[name] = value
    return {name: value for name, value in kept.items() if value is not None}


def _is_kept(name: str, value: Any) -> bool:
    """Whether a value is of the kind its name says; words of people stand nowhere by mistake."""
    if isinstance(value, bool | int | float):
        return True
    if name in MOMENTS:
        return short_text(value, LONGEST_VALUE) == value and parse_moment(value) is not None
    return isinstance(value, str) and KIND.fullmatch(value) is not None


def _sealed(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The words; a reservation is fetched, so nothing of it is kept."""
    if kind != MESSAGE:
        return {}
    return {
        "body": _words(body.get("body"))[:LONGEST_MARKUP].replace("\x00", ""),
        "attachments": attachments_of(body),
    }


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        login, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return login, password
