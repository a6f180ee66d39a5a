"""The HTTP client of Hostaway: token, turns, retries; listings, reservations, threads, webhooks.

Source: Hostaway API documentation (2026-07). A dead token answers 403 there, a token works only a
second after it was issued, and a 429 names no time to wait.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import aiohttp
import orjson

from app.clock import Clock
from app.errors import BadInput, OutsideError, Unavailable
from app.pms.rate import RateLimiter, asked_pause_s
from app.settings import HostawaySettings
from app.telemetry import Telemetry
from app.tenants import PmsAccount

TRIES = 3
LONGEST_PAUSE_S = 60.0
"""A longer `Retry-After` is not sat out at once: a person would wait behind it."""
TOKEN_MARGIN_S = 60.0
"""A token is renewed so long before its end, or at nine tenths of a shorter life."""
LONGEST_LIFE_S = 1e10
"""Three hundred years: more is no length of time."""
BARREN_S = 60.0
"""No other token is asked for so long after a fresh one was refused: it is not the token."""
DEAD_TOKEN_WORDS = (
    "invalid_token", "invalid token", "expired", "unauthorized", "authentication failed",
    "no scope",
)  # fmt: skip
"""What a 403 for a dead token says, as public clients found; others mean locked or forbidden."""
PASSING_WORDS = ("try again", "temporar", "timeout", "timed out", "too many", "rate limit")
WEBHOOKS = "/webhooks/unifiedWebhooks"
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
LONG_AGO = datetime.min.replace(tzinfo=UTC)

logger = logging.getLogger(__name__)

Row = dict[str, Any]


class HostawayError(OutsideError):
    """Hostaway failed us or refused; `was_sent`: it may have acted on the request all the same."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool,
        status: int | None = None,
        was_sent: bool = False,
        is_token_refused: bool = False,
    ) -> None:
        super().__init__(message, outside="hostaway", retryable=retryable)
        self.status = status
        """HTTP status; none when there was no answer."""
        self.was_sent = was_sent
        self.is_token_refused = is_token_refused


class TokenKeeper(Protocol):
    """Where an access token outlives the process: the tenant directory."""

    async def keep_token(self, account: PmsAccount, token: str, until: datetime) -> None:
        """Store it, encrypted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """One request; `endpoint` is the template that logs may carry, `id` fills it."""

    endpoint: str
    id: str = ""
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    credentials: Mapping[str, str] | None = field(default=None, repr=False)
    """The form of a token request, the one request that carries no token."""
    is_urgent: bool = False
    is_repeatable: bool = True
    """Whether doing it twice does no harm."""

    @property
    def name(self) -> str:
        """Such as `GET /reservations/{id}`."""
        return f"{self.method} {self.endpoint}"


@dataclass(slots=True, kw_only=True)
class _Bearer:
    """An account's token in memory, and how the last request for one ended."""

    value: str = field(default="", repr=False)
    renew_at: datetime = LONG_AGO
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    failures: int = 0
    error: HostawayError | None = None
    """The last failure."""
    barren_until: float = float("-inf")


class HostawayClient:
    """Everything that is asked of Hostaway, for all accounts of the process."""

    def __init__(
        self,
        *,
        settings: HostawaySettings,
        tenants: TokenKeeper,
        clock: Clock,
        telemetry: Telemetry | None = None,
        token_settle_s: float = 1.0,
        backoff_s: float = 0.5,
    ) -> None:
        self._page_size = settings.page_size
        self._connection = _Connection(
            settings=settings,
            tenants=tenants,
            clock=clock,
            telemetry=telemetry,
            token_settle_s=token_settle_s,
            backoff_s=backoff_s,
        )

    async def open(self) -> None:
        """Make the session; nothing is asked yet."""
        self._connection.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._connection.close()

    async def listings(self, account: PmsAccount) -> AsyncIterator[list[Row]]:
        """Every listing, a page at a time."""
        async for rows in self._by_offset(account, "/listings", {"includeResources": "1"}):
            yield rows

    async def listing(
        self, account: PmsAccount, listing_id: str, *, is_urgent: bool = False
    ) -> Row:
        """One listing with its custom fields."""
        return await self._entity(account, "/listings/{id}", listing_id, is_urgent=is_urgent)

    async def reservations(
        self,
        account: PmsAccount,
        *,
        latest_activity_start: date | None = None,
        arrival_until: date | None = None,
        departure_from: date | None = None,
        only_unread: bool = False,
        after_id: str | None = None,
    ) -> AsyncIterator[list[Row]]:
        """Reservations a page at a time, latest change first, from behind `after_id` on.

        A row that changes meanwhile moves to the front: rows may come twice or be missed.
        """
        params = {"limit": str(self._page_size), "includeResources": "1"}
        for name, day in (
            ("latestActivityStart", latest_activity_start),
            ("arrivalEndDate", arrival_until),
            ("departureStartDate", departure_from),
        ):
            if day is not None:
                params[name] = day.isoformat()
        if only_unread:
            params["hasUnreadConversationMessages"] = "1"
        seen: set[str] = set()
        cursor = after_id or ""
        while cursor not in seen:
            seen.add(cursor)
            place = {"afterId": cursor} if cursor else {}
            ask = _Ask(endpoint="/reservations", params=params | place)
            rows = await self._several(account, ask)
            if not rows:
                return
            yield rows
            cursor = str(rows[-1].get("id") or "")

    async def reservation(
        self, account: PmsAccount, reservation_id: str, *, is_urgent: bool = False
    ) -> Row:
        """One reservation with its custom fields."""
        endpoint = "/reservations/{id}"
        return await self._entity(account, endpoint, reservation_id, is_urgent=is_urgent)

    async def conversations_of(
        self, account: PmsAccount, reservation_id: str, *, is_urgent: bool = False
    ) -> list[Row]:
        """The threads of a reservation, usually one."""
        ask = _Ask(
            endpoint="/reservations/{id}/conversations", id=reservation_id, is_urgent=is_urgent
        )
        return await self._several(account, ask)

    async def conversation(
        self, account: PmsAccount, conversation_id: str, *, is_urgent: bool = False
    ) -> Row:
        """One thread, without its messages."""
        endpoint = "/conversations/{id}"
        return await self._entity(account, endpoint, conversation_id, is_urgent=is_urgent)

    async def messages(
        self,
        account: PmsAccount,
        conversation_id: str,
        *,
        limit: int = 50,
        include_scheduled: bool = False,
        is_urgent: bool = False,
    ) -> list[Row]:
        """The newest messages of a thread, oldest first."""
        params = {"limit": str(limit), "offset": "0"}
        if include_scheduled:
            params["includeScheduledMessages"] = "1"
        endpoint = "/conversations/{id}/messages"
        ask = _Ask(endpoint=endpoint, id=conversation_id, params=params, is_urgent=is_urgent)
        answer = await self._connection.ask(account, ask)
        rows = _rows(ask, answer)
        hidden = int(_number(answer.get("count")) or 0) - len(rows)
        if hidden > 0 and rows and _message_order(rows[0]) < _message_order(rows[-1]):
            # The order is seen in captures, not documented: oldest first would hide the newest.
            ask = replace(ask, params=params | {"offset": str(hidden)})
            rows = await self._several(account, ask)
        return sorted(rows, key=_message_order)

    async def send_message(
        self, account: PmsAccount, conversation_id: str, text: str, *, communication_type: str
    ) -> Row:
        """Write into a thread; the message as Hostaway stored it.

        Never repeated once it may have reached Hostaway.

        Raises:
            HostawayError: with `was_sent` when the guest may have got the message all the same.
        """
        ask = _Ask(
            endpoint="/conversations/{id}/messages",
            id=conversation_id,
            method="POST",
            body={"body": text, "communicationType": communication_type},
            is_urgent=True,
            is_repeatable=False,
        )
        return _one(ask, await self._connection.ask(account, ask))

    async def custom_fields(self, account: PmsAccount) -> list[Row]:
        """What the account's custom fields are called."""
        return [row async for rows in self._by_offset(account, "/customFields", {}) for row in rows]

    async def listing_units(self, account: PmsAccount, listing_id: str) -> list[Row]:
        """The units of a listing that is made of several."""
        ask = _Ask(endpoint="/listingUnits/{id}", id=listing_id)
        return await self._several(account, ask)

    async def ensure_webhook(
        self, account: PmsAccount, *, url: str, login: str, password: str
    ) -> str:
        """The id of the one hook of this URL: made, enabled again or corrected, spare ones removed.

        Safe to run again, also after it failed.
        """
        wanted = {"isEnabled": 1, "url": url, "login": login, "password": password}
        hooks = await self._several(account, _Ask(endpoint=WEBHOOKS))
        ours = [
            hook
            for hook in hooks
            if hook.get("id") and str(hook.get("url") or "").rstrip("/") == url.rstrip("/")
        ]
        ours.sort(key=lambda hook: not hook.get("isEnabled"))
        if not ours:
            return await self._add_webhook(account, wanted)
        kept, *spare = ours
        one = WEBHOOKS + "/{id}"
        for hook in spare:
            await self._connection.ask(
                account, _Ask(endpoint=one, id=str(hook["id"]), method="DELETE")
            )
        if any(kept.get(key) != value for key, value in wanted.items()):
            body = wanted | {"alertingEmailAddress": kept.get("alertingEmailAddress")}
            ask = _Ask(endpoint=one, id=str(kept["id"]), method="PUT", body=body)
            await self._connection.ask(account, ask)
        return str(kept["id"])

    async def webhook_failures(
        self, account: PmsAccount, *, limit: int = 100
    ) -> list[tuple[str, str]]:
        """(object, its id) of deliveries that we did not acknowledge, each once."""
        params = {"limit": str(limit), "offset": "0"}
        ask = _Ask(endpoint="/unifiedWebhookLogs", params=params)
        return list(
            dict.fromkeys(
                (str(row.get("object")), str(row["objectId"]))
                for row in await self._several(account, ask)
                if row.get("objectId") and (_number(row.get("responseStatus")) or 0) // 100 != 2
            )
        )

    async def _several(self, account: PmsAccount, ask: _Ask) -> list[Row]:
        return _rows(ask, await self._connection.ask(account, ask))

    async def _entity(
        self, account: PmsAccount, endpoint: str, entity_id: str, *, is_urgent: bool
    ) -> Row:
        params = {"includeResources": "1"}
        ask = _Ask(endpoint=endpoint, id=entity_id, params=params, is_urgent=is_urgent)
        return _one(ask, await self._connection.ask(account, ask))

    async def _add_webhook(self, account: PmsAccount, wanted: Mapping[str, Any]) -> str:
        ask = _Ask(endpoint=WEBHOOKS, method="POST", body=wanted, is_repeatable=False)
        try:
            return str(_one(ask, await self._connection.ask(account, ask))["id"])
        except HostawayError as exc:
            if not exc.was_sent:
                raise
            # The next run looks for the hook first, so that it does not matter which it was.
            raise HostawayError(str(exc), retryable=True, status=exc.status, was_sent=True) from exc

    async def _by_offset(
        self, account: PmsAccount, endpoint: str, params: Mapping[str, str]
    ) -> AsyncIterator[list[Row]]:
        """Pages until one is empty or brings nothing new, or is short and was the last."""
        seen: set[str] = set()
        offset = 0
        while True:
            place = {"limit": str(self._page_size), "offset": str(offset)}
            ask = _Ask(endpoint=endpoint, params={**params, **place})
            answer = await self._connection.ask(account, ask)
            rows = _rows(ask, answer)
            ids = {str(row.get("id")) for row in rows}
            if ids <= seen:
                return
            yield rows
            seen |= ids
            offset += len(rows)
            # A limit that Hostaway lowered makes every page short: then the total decides.
            if len(rows) < self._page_size and offset >= (_number(answer.get("count")) or 0):
                return


class _Connection:
    """Asks with the account's token, in its turn, again where that does no harm."""

    def __init__(
        self,
        *,
        settings: HostawaySettings,
        tenants: TokenKeeper,
        clock: Clock,
        telemetry: Telemetry | None,
        token_settle_s: float,
        backoff_s: float,
    ) -> None:
        self._settings = settings
        self._tenants = tenants
        self._clock = clock
        self._telemetry = telemetry
        self._token_settle_s = token_settle_s
        self._backoff_s = backoff_s
        self._limiter = RateLimiter(
            ip_requests=settings.ip_requests,
            account_requests=settings.account_requests,
            window_s=settings.window_s,
        )
        self._bearers: dict[int, _Bearer] = {}
        self._session: aiohttp.ClientSession | None = None
        self._dice = random.SystemRandom()

    def open(self) -> None:
        """Make the session. No cookies, since the tenants share it; no proxy of the environment."""
        total_s = self._settings.timeout_s
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=total_s, sock_connect=total_s / 2),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def ask(self, account: PmsAccount, ask: _Ask) -> Row:
        """The whole answer, which Hostaway calls a success.

        Raises:
            HostawayError: it did not, or there was no answer, after every try that does no harm.
        """
        with self._span(account, ask):
            token = "" if ask.credentials else await self._token(account)
            has_renewed = False
            tries = 0
            while True:
                try:
                    return await self._exchange(account, ask, token)
                except HostawayError as exc:
                    failure = exc
                if failure.is_token_refused:
                    if not self._may_renew(account, token, is_fresh=has_renewed):
                        raise failure
                    token = await self._token(account, refused=token)
                    has_renewed = True
                    continue
                tries += 1
                if tries >= TRIES or not failure.retryable or _is_callers(failure, ask):
                    raise failure
                pause_s = self._backoff_s * 2 ** (tries - 1)
                await asyncio.sleep(self._dice.uniform(pause_s / 2, pause_s))

    def _span(self, account: PmsAccount, ask: _Ask) -> AbstractContextManager[object]:
        if self._telemetry is None:
            return nullcontext()
        return self._telemetry.span(
            f"hostaway.{ask.method.lower()}", endpoint=ask.endpoint, tenant=account.tenant_id
        )

    def _bearer(self, account: PmsAccount) -> _Bearer:
        if account.id not in self._bearers:
            bearer = _Bearer()
            if account.token and account.token_until:
                bearer.value = account.token
                bearer.renew_at = account.token_until - timedelta(seconds=TOKEN_MARGIN_S)
            self._bearers[account.id] = bearer
        return self._bearers[account.id]

    def _may_renew(self, account: PmsAccount, token: str, *, is_fresh: bool) -> bool:
        """Whether another token may help; a fresh one that is refused too says it does not."""
        bearer = self._bearer(account)
        if is_fresh:
            bearer.barren_until = time.monotonic() + BARREN_S
            return False
        return token != bearer.value or time.monotonic() >= bearer.barren_until

    async def _token(self, account: PmsAccount, *, refused: str = "") -> str:
        """A token that should be accepted; one caller asks for a new one, the others wait."""
        bearer = self._bearer(account)
        failures = bearer.failures
        async with bearer.lock:
            is_known = bearer.value not in ("", refused)
            if is_known and self._clock.now() < bearer.renew_at:
                return bearer.value
            if bearer.failures != failures and bearer.error is not None:
                # Somebody just tried for all of us.
                raise HostawayError(
                    str(bearer.error),
                    retryable=bearer.error.retryable,
                    status=bearer.error.status,
                ) from bearer.error
            try:
                await self._renew(account, bearer)
            except HostawayError as exc:
                bearer.failures += 1
                bearer.error = exc
                raise
            return bearer.value

    async def _renew(self, account: PmsAccount, bearer: _Bearer) -> None:
        credentials = {
            "grant_type": "client_credentials",
            "client_id": account.external_id,
            "client_secret": account.client_secret,
            "scope": "general",
        }
        ask = _Ask(endpoint="/accessTokens", method="POST", credentials=credentials, is_urgent=True)
        answer = await self.ask(account, ask)
        value, life_s = answer.get("access_token"), _number(answer.get("expires_in")) or 0.0
        if not isinstance(value, str) or not value or not 0 < life_s < LONGEST_LIFE_S:
            raise HostawayError("Hostaway gave no usable access token", retryable=False)
        now = self._clock.now()
        margin_s = min(TOKEN_MARGIN_S, life_s / 10)
        await asyncio.sleep(self._token_settle_s)
        bearer.value = value
        bearer.renew_at = now + timedelta(seconds=life_s - margin_s)
        logger.info("hostaway token renewed", extra={"tenant": account.tenant_id})
        await self._tenants.keep_token(account, value, now + timedelta(seconds=life_s))

    async def _exchange(self, account: PmsAccount, ask: _Ask, token: str) -> Row:
        """One request and its answer, in turn; what aiohttp raises becomes ours here."""
        if self._session is None:
            raise Unavailable("the client of Hostaway is closed")
        await self._limiter.wait_turn(account.external_id, is_urgent=ask.is_urgent)
        began = time.monotonic()
        status: int | None = None
        try:
            async with self._session.request(
                ask.method,
                self._url(ask),
                params=ask.params,
                json=ask.body,
                data=ask.credentials,
                headers={"Authorization": f"Bearer {token}"} if token else None,
                allow_redirects=False,
            ) as response:
                status = response.status
                body = await response.read()
        except NEVER_SENT as exc:
            raise HostawayError(f"{ask.name}: cannot reach Hostaway", retryable=True) from exc
        except (aiohttp.ClientError, OSError) as exc:
            what = "no answer in time" if isinstance(exc, TimeoutError) else "connection cut"
            raise _unknown_end(ask, what, None) from exc
        finally:
            _log(account, ask, status, time.monotonic() - began)
        if status == 429:
            self._pause(account, response.headers)
        return _success(ask, status, body)

    def _url(self, ask: _Ask) -> str:
        if ask.id and not (ask.id.isascii() and ask.id.isalnum()):
            raise BadInput("an id of Hostaway has letters and digits only")
        return self._settings.base_url.rstrip("/") + ask.endpoint.format(id=ask.id)

    def _pause(self, account: PmsAccount, headers: Mapping[str, str]) -> None:
        """Leave the account alone for as long as a 429 asks, or for a whole window."""
        asked_s = asked_pause_s(headers.get("Retry-After"), self._clock.now())
        if asked_s is None:
            asked_s = self._settings.window_s * self._dice.uniform(1.0, 1.2)
        self._limiter.pause(account.external_id, min(asked_s, LONGEST_PAUSE_S))


def _is_callers(failure: HostawayError, ask: _Ask) -> bool:
    """Whether the caller decides on another try: a send that was turned away for now."""
    return failure.status == 429 and not ask.is_repeatable


def _success(ask: _Ask, status: int, body: bytes) -> Row:
    """The answer, if it is one and says so; none of its text goes into an error.

    Raises:
        HostawayError: it is a refusal, a failure or no JSON.
    """
    answer = _parsed(body)
    if 200 <= status < 300 and answer is not None and answer.get("status") != "fail":
        return answer
    if status == 429:
        raise HostawayError(f"{ask.name}: too many requests", retryable=True, status=status)
    if status >= 500 or status == 408:
        raise _unknown_end(ask, f"failed ({status})", status)
    if status < 300 and answer is None:
        raise _unknown_end(ask, "an answer that is no JSON", status)
    words = _words(answer, body)
    if status < 300 and any(word in words for word in PASSING_WORDS):
        raise _unknown_end(ask, "failed for now", status)
    is_dead_token = status == 401 or (
        status == 403 and (not words or any(word in words for word in DEAD_TOKEN_WORDS))
    )
    raise HostawayError(
        f"{ask.name}: refused by Hostaway ({status})",
        retryable=False,
        status=status,
        is_token_refused=is_dead_token and ask.credentials is None,
    )


def _unknown_end(ask: _Ask, what: str, status: int | None) -> HostawayError:
    """The error of a request that may have been acted on; harmless where it may be repeated."""
    return HostawayError(
        f"{ask.name}: {what}",
        retryable=ask.is_repeatable,
        status=status,
        was_sent=not ask.is_repeatable,
    )


def _parsed(body: bytes) -> Row | None:
    if not body.strip():
        return None
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _words(answer: Row | None, body: bytes) -> str:
    """What a failure says, lower case; for judging it, never for showing."""
    if answer is None:
        return body[:2000].decode(errors="replace").strip().lower()
    for key in ("result", "message", "error_description", "error"):
        if isinstance(answer.get(key), str) and answer[key]:
            return str(answer[key]).lower()
    return ""


def _rows(ask: _Ask, answer: Row) -> list[Row]:
    result = answer.get("result")
    if not isinstance(result, list):
        raise HostawayError(f"{ask.name}: answered with no list", retryable=False)
    return [row for row in result if isinstance(row, dict)]


def _one(ask: _Ask, answer: Row) -> Row:
    result = answer.get("result")
    if isinstance(result, dict) and result.get("id"):
        return result
    raise HostawayError(
        f"{ask.name}: answered with nothing", retryable=False, was_sent=not ask.is_repeatable
    )


def _message_order(row: Row) -> tuple[str, int]:
    return str(row.get("date") or row.get("insertedOn") or ""), int(_number(row.get("id")) or 0)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _log(account: PmsAccount, ask: _Ask, status: int | None, took_s: float) -> None:
    is_fine = status is not None and status < 300
    logger.log(
        logging.DEBUG if is_fine else logging.INFO,
        "hostaway asked",
        extra={
            "endpoint": ask.name,
            "status": status,
            "ms": round(took_s * 1000),
            "tenant": account.tenant_id,
        },
    )
