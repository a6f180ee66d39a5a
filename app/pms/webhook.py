"""`POST /webhook/hostaway`: check the secret, write the inbox row, acknowledge; nothing else.

Hostaway signs nothing; it sends HTTP Basic with a login and password of ours. A 4xx is final for
it and a 5xx is tried again, so a missing database answers 503 and an event we do not know answers
200. Source: Hostaway API documentation, unified webhooks (2026-07-22).
"""

import base64
import binascii
import hmac
import logging
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.db import Database
from app.errors import BadInput, Forbidden
from app.keys import Keyring, new_token
from app.pms.inbox import Inbox
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
RESERVATION_IDS = ("id", "listingMapId", "status", "updatedOn", "channelId")


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
            logger.info("webhook event ignored", extra={"event": str(raw.get("event"))[:60]})
            return JSONResponse({"status": "ignored"})
        stated = raw.get("accountId", body.get("accountId"))
        if stated is not None and str(stated) != account.external_id:
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
            raw = orjson.loads(b"".join(chunks))
        except orjson.JSONDecodeError as exc:
            raise BadInput("the body is not JSON") from exc
        if not isinstance(raw, dict):
            raise BadInput("the body is not a JSON object")
        return raw


class Unauthorized(Forbidden):
    """No valid login was given."""

    status_code = 401


class TooLarge(BadInput):
    """More was sent than anybody needs."""

    status_code = 413


def classify(raw: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """(kind, entity) of every shape that was seen; no kind for pings and strangers.

    The real envelope, the article's shorter one, one nested in `payload`, and a bare message.
    """
    nested = raw.get("payload")
    outer = nested if isinstance(nested, Mapping) and "data" in nested else raw
    body = outer.get("data")
    event = str(raw.get("event") or raw.get("eventType") or outer.get("event") or "").lower()
    kind = str(raw.get("object") or outer.get("object") or "")
    if isinstance(body, str):
        return None, {}
    if not isinstance(body, Mapping):
        is_bare = "conversationId" in raw and "body" in raw
        return (MESSAGE, dict(raw)) if is_bare else (None, {})
    if kind == "conversationMessage" or "message" in event:
        has_place = body.get("conversationId") or body.get("reservationId")
        return (MESSAGE if has_place else None), dict(body)
    if kind == "reservation" or event.startswith("reservation"):
        return (RESERVATION if body.get("id") else None), dict(body)
    return None, dict(body)


def _dedupe_key(kind: str, account: PmsAccount, keyring: Keyring, body: Mapping[str, Any]) -> str:
    """Equal for two deliveries of one fact; an event without an id is always new.

    The digest is keyed: of a booking all but the door code may be known, and four digits are soon
    tried.
    """
    if kind == MESSAGE:
        return f"message:{account.id}:{body['id']}" if body.get("id") else f"hint:{new_token()}"
    content = keyring.digest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()).hex()
    return f"reservation:{account.id}:{body.get('id')}:{body.get('updatedOn')}:{content}"


def _envelope(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    names = MESSAGE_IDS if kind == MESSAGE else RESERVATION_IDS
    return {
        name: body[name]
        for name in names
        if name in body
        and isinstance(body[name], (int, float, str, bool, type(None)))
        and len(str(body[name])) <= 200
    }


def _sealed(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The words; a reservation is fetched, so nothing of it is kept."""
    if kind != MESSAGE:
        return {}
    pictures = body.get("imagesUrls")
    attached = body.get("attachments")
    return {
        "body": str(body.get("body") or "").replace("\x00", ""),
        "attachments": (len(attached) if isinstance(attached, list) else 0)
        + (len(pictures) if isinstance(pictures, list) else 0),
    }


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        login, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return login, password
