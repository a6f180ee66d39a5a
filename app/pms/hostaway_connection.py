"""The connection to Hostaway: an account's token, its turn, and tries that do no harm.

A token works only a second after it was issued, and a 429 names no time to wait. Source: Hostaway
API documentation (2026-07).
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import aiohttp

from app.clock import Clock
from app.errors import BadInput, Unavailable
from app.pms.hostaway_answers import (
    Ask,
    HostawayError,
    Row,
    number_of,
    read_success,
    unknown_end,
)
from app.pms.rate import RateLimiter, asked_pause_s
from app.settings import HostawaySettings
from app.telemetry import Telemetry
from app.tenants import PmsAccount

TRIES = 3
ARRIVAL_MARGIN_S = 1.0
"""Hostaway counts arrivals, we count starts: a delayed burst must not share the next window."""
LONGEST_PAUSE_S = 60.0
"""A longer `Retry-After` is not sat out at once: a person would wait behind it."""
LATE_S = 1.0
"""An answer that is later than the time limit by so much was read by a process that stood still."""
TOKEN_MARGIN_S = 60.0
"""A token is renewed so long before its end, or at nine tenths of a shorter life."""
LONGEST_LIFE_S = 1e10
"""Three hundred years: more is no length of time."""
TOKEN = re.compile(r"[!-~]{1,16000}")
"""What a header may carry."""
LARGEST_ANSWER = 16_000_000
"""Bytes; a page of a hundred listings with every text has a tenth of it."""
BARREN_S = 60.0
"""No other token is asked for so long after a fresh one was refused: it is not the token."""
PROMPT_S = 3.0
"""A message is written so soon after it was composed, or not at all: we may have been frozen."""
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
LONG_AGO = datetime.min.replace(tzinfo=UTC)

logger = logging.getLogger(__name__)


class TokenKeeper(Protocol):
    """Where an access token outlives the process: the tenant directory."""

    async def keep_token(self, account: PmsAccount, token: str, until: datetime) -> None:
        """Store it, encrypted."""


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


class _Prompt(aiohttp.JsonPayload):
    """A body that was true when it was made, and is written at once or never."""

    def __init__(self, body: Mapping[str, Any], *, within_s: float) -> None:
        super().__init__(dict(body))
        self._until = time.monotonic() + within_s
        self.is_stale = False

    async def write_with_length(
        self, writer: aiohttp.abc.AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Write it, unless too much time went by since it was made."""
        if time.monotonic() > self._until:
            self.is_stale = True
            raise TimeoutError("composed too long ago")
        await super().write_with_length(writer, content_length)


class Connection:
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
        prompt_s: float,
    ) -> None:
        self._settings = settings
        self._tenants = tenants
        self._clock = clock
        self._telemetry = telemetry
        self._token_settle_s = token_settle_s
        self._backoff_s = backoff_s
        self._prompt_s = prompt_s
        self._limiter = RateLimiter(
            ip_requests=settings.ip_requests,
            account_requests=settings.account_requests,
            window_s=settings.window_s + ARRIVAL_MARGIN_S,
        )
        self._bearers: dict[int, _Bearer] = {}
        self._session: aiohttp.ClientSession | None = None
        self._sending: aiohttp.ClientSession | None = None
        self._dice = random.SystemRandom()

    def open(self) -> None:
        """Make the sessions. Each message goes by a connection of its own.

        One that was kept open may be closed by the other side at that very moment, and nobody
        would know whether the message arrived.
        """
        self._session = self._new_session(aiohttp.TCPConnector())
        self._sending = self._new_session(aiohttp.TCPConnector(force_close=True))

    def _new_session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        """No cookies, since the tenants share it; no proxy of the environment."""
        total_s = self._settings.timeout_s
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=total_s, sock_connect=total_s / 2),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the sessions."""
        sessions = (self._session, self._sending)
        self._session = self._sending = None
        for session in sessions:
            if session is not None:
                await session.close()

    async def ask(self, account: PmsAccount, ask: Ask) -> Row:
        """The whole answer, which Hostaway calls a success.

        Raises:
            HostawayError: it did not, or there was no answer, after every try that does no harm.
            Withdrawn: its caller took it back in its turn.
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

    def _span(self, account: PmsAccount, ask: Ask) -> AbstractContextManager[object]:
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
        ask = Ask(endpoint="/accessTokens", method="POST", credentials=credentials, is_urgent=True)
        answer = await self.ask(account, ask)
        value, life_s = answer.get("access_token"), number_of(answer.get("expires_in")) or 0.0
        if not (isinstance(value, str) and TOKEN.fullmatch(value) and 0 < life_s < LONGEST_LIFE_S):
            raise HostawayError("Hostaway gave no usable access token", retryable=False)
        now = self._clock.now()
        margin_s = min(TOKEN_MARGIN_S, life_s / 10)
        await asyncio.sleep(self._token_settle_s)
        bearer.value = value
        bearer.renew_at = now + timedelta(seconds=life_s - margin_s)
        logger.info("hostaway token renewed", extra={"tenant": account.tenant_id})
        await self._tenants.keep_token(account, value, now + timedelta(seconds=life_s))

    async def _exchange(self, account: PmsAccount, ask: Ask, token: str) -> Row:
        """One request and its answer, in turn; what aiohttp raises becomes ours here."""
        is_send = ask.compose is not None
        await self._limiter.wait_turn(account.external_id, is_urgent=ask.is_urgent, is_send=is_send)
        if ask.on_turn is not None:
            ask.on_turn()
        session = self._sending if is_send else self._session
        if session is None:
            raise Unavailable("the client of Hostaway is closed")
        prompt: _Prompt | None = None
        if ask.compose is not None:
            prompt = _Prompt(await ask.compose(), within_s=self._prompt_s)
        began = time.monotonic()
        status: int | None = None
        try:
            async with session.request(
                ask.method,
                self._url(ask),
                params=ask.params,
                json=ask.body,
                data=prompt or ask.credentials,
                headers={"Authorization": f"Bearer {token}"} if token else None,
                allow_redirects=False,
            ) as response:
                status = response.status
                body = await _whole(ask, response)
        except NEVER_SENT as exc:
            raise HostawayError(f"{ask.name}: cannot reach Hostaway", retryable=True) from exc
        except (aiohttp.ClientError, OSError) as exc:
            if prompt is not None and prompt.is_stale:
                raise HostawayError(f"{ask.name}: composed too long ago", retryable=True) from exc
            what = "no answer in time" if isinstance(exc, TimeoutError) else "connection cut"
            raise unknown_end(ask, what, None) from exc
        finally:
            _log(account, ask, status, time.monotonic() - began)
        if time.monotonic() - began > self._settings.timeout_s + LATE_S and ask.is_repeatable:
            raise unknown_end(ask, "an answer from long ago", status)
        if status == 429:
            self._pause(account, response.headers)
        return read_success(ask, status, body)

    def _url(self, ask: Ask) -> str:
        if ask.id and not (ask.id.isascii() and ask.id.isalnum()):
            raise BadInput("an id of Hostaway has letters and digits only")
        return self._settings.base_url.rstrip("/") + ask.endpoint.format(id=ask.id)

    def _pause(self, account: PmsAccount, headers: Mapping[str, str]) -> None:
        """Leave the account alone for as long as a 429 asks, or for a whole window."""
        asked_s = asked_pause_s(headers.get("Retry-After"), self._clock.now())
        if asked_s is None:
            asked_s = self._settings.window_s * self._dice.uniform(1.0, 1.2)
        self._limiter.pause(account.external_id, min(asked_s, LONGEST_PAUSE_S))


async def _whole(ask: Ask, response: aiohttp.ClientResponse) -> bytes:
    """The body of an answer, which has an end."""
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise unknown_end(ask, "an answer larger than any", response.status)
        pieces.append(piece)
    return b"".join(pieces)


def _is_callers(failure: HostawayError, ask: Ask) -> bool:
    """Whether the caller decides on another try: a send that was turned away for now."""
    return failure.status == 429 and not ask.is_repeatable


def _log(account: PmsAccount, ask: Ask, status: int | None, took_s: float) -> None:
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
