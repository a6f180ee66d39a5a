"""What stands in front of every Hostaway endpoint: tokens, rate limits, faults, the request log."""

import asyncio
import base64
import json
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.sim.answers import Cut, Hang, fail, truncated
from app.sim.clock import SimClock
from app.sim.faults import AFTER, BEFORE, Fault, FaultPlan
from app.sim.hostaway_store import Account, HostawayStore
from app.sim.knobs import Knobs
from app.sim.rows import Row


class Refused(Exception):
    """The request ends with this failure envelope."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that passed the gate: whose it is, its query, path ids and JSON body."""

    account: Account
    request: Request
    body: Row
    arrived_at: datetime

    def number(self, name: str, default: int = 0) -> int:
        """A whole number of the query; what is no number counts as absent."""
        text = self.request.query_params.get(name, "")
        return int(text) if text.lstrip("-").isdigit() else default

    def text(self, name: str) -> str:
        """A text of the query, empty when absent."""
        return self.request.query_params.get(name, "")

    def path_id(self, name: str = "id") -> int:
        """An id of the path."""
        return int(self.request.path_params[name])


Handler = Callable[[Call], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True, kw_only=True)
class _Token:
    account: int
    works_at: float
    ends_at: float


class Tokens:
    """The bearer tokens that were issued, by their text; times are the sim clock's."""

    def __init__(self, clock: SimClock, knobs: Knobs) -> None:
        self._clock = clock
        self._knobs = knobs
        self._tokens: dict[str, _Token] = {}
        self.issued: dict[int, int] = {}
        """Account id → how many tokens it was given."""

    def issue(self, account_id: int) -> str:
        """A new token of the account, in the looks of a JWT."""
        now = self._clock.now().timestamp()
        ends_at = now + self._knobs.token_expires_in_s
        claims: Row = {
            "aud": str(account_id),
            "jti": secrets.token_hex(20),
            "iat": now,
            "nbf": now,
            "exp": ends_at,
            "sub": "",
            "scopes": ["general"],
        }
        parts = (json.dumps({"typ": "JWT", "alg": "RS256"}), json.dumps(claims))
        packed = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
        text = ".".join((*packed, secrets.token_urlsafe(64)))
        works_at = now + self._knobs.token_delay_s
        self._tokens[text] = _Token(account=account_id, works_at=works_at, ends_at=ends_at)
        self.issued[account_id] = self.issued.get(account_id, 0) + 1
        return text

    def account_of(self, text: str) -> int | None:
        """Whose token it is, even where it is dead."""
        token = self._tokens.get(text)
        return token.account if token else None

    def is_alive(self, text: str) -> bool:
        """Whether the token is accepted now."""
        token = self._tokens.get(text)
        return token is not None and token.works_at <= self._clock.now().timestamp() < token.ends_at

    def revoke(self, text: str) -> None:
        """Forget one token."""
        self._tokens.pop(text, None)

    def expire_all(self, account_id: int | None) -> None:
        """Let every token of the account (of all accounts) end now."""
        for token in self._tokens.values():
            if account_id in (None, token.account):
                token.ends_at = 0.0


class Windows:
    """Sliding windows: how many requests a key had lately."""

    def __init__(self) -> None:
        self._hits: dict[str, deque[float]] = {}

    def admit(self, limits: list[tuple[str, int, float]]) -> bool:
        """Count a request under all keys when none of them is full; (key, limit, seconds) each."""
        now = time.monotonic()
        for key, limit, seconds in limits:
            hits = self._hits.setdefault(key, deque())
            while hits and hits[0] <= now - seconds:
                hits.popleft()
            if limit and len(hits) >= limit:
                return False
        for key, _, _ in limits:
            self._hits[key].append(now)
        return True


class Gate:
    """Wraps handlers into endpoints."""

    def __init__(
        self,
        store: HostawayStore,
        knobs: Knobs,
        faults: FaultPlan,
        tokens: Tokens,
        clock: SimClock,
    ) -> None:
        self._store = store
        self._knobs = knobs
        self._faults = faults
        self._clock = clock
        self.tokens = tokens
        self._windows = Windows()

    def endpoint(self, name: str, handler: Handler) -> Endpoint:
        """The handler behind token, limits and faults; `name` is its fault target and log name."""

        async def serve(request: Request) -> Response:
            token = _bearer(request)
            account_id = self.tokens.account_of(token)
            arrived_at = self._clock.now()
            # All of it: a server that is slow acts on what it has, though its client be gone.
            body = await request.body()

            async def act() -> Response:
                if account_id is None or not self.tokens.is_alive(token):
                    return self._refuse_token()
                call = Call(
                    account=self._store.accounts[account_id],
                    request=request,
                    body=_json(request.method, body),
                    arrived_at=arrived_at,
                )
                return await handler(call)

            return await self._through(name, account_id, request, act)

        return serve

    def open_endpoint(self, name: str, handler: Endpoint) -> Endpoint:
        """The same for the endpoints that need no token."""

        async def serve(request: Request) -> Response:
            async def act() -> Response:
                return await handler(request)

            return await self._through(name, None, request, act)

        return serve

    async def _through(
        self,
        name: str,
        account_id: int | None,
        request: Request,
        act: Callable[[], Awaitable[Response]],
    ) -> Response:
        """The answer; what is beyond a limit is turned away before anything else can go wrong."""
        arrived = time.monotonic()
        ip = request.client.host if request.client else "?"
        try:
            self._limit(ip, name, account_id)
            answer = await self._faulty(f"hostaway.{name}", account_id, act)
        except Refused as refusal:
            answer = self._refusal(refusal)
        status = 0 if isinstance(answer, Cut) else answer.status_code
        self._store.log_request(arrived, ip, account_id, name, status)
        return answer

    async def _faulty(
        self, target: str, account_id: int | None, act: Callable[[], Awaitable[Response]]
    ) -> Response:
        if self._knobs.latency_s:
            await asyncio.sleep(self._knobs.latency_s)
        fault = self._faults.take(target, BEFORE, account_id)
        answer = None if fault is None else await self._before(fault, account_id)
        if answer is not None:
            return answer
        try:
            answer = await act()
        except Refused as refusal:
            answer = self._refusal(refusal)
        fault = self._faults.take(target, AFTER, account_id)
        return answer if fault is None else _after(fault, answer)

    async def _before(self, fault: Fault, account_id: int | None) -> Response | None:
        """The answer that stands in the way, None when the request goes on."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
            return None
        if fault.kind == "token_expiry":
            self.tokens.expire_all(account_id)
            return None
        if fault.kind == "reset":
            return Cut()
        if fault.kind == "hang":
            return Hang(fault.delay_s)
        if fault.kind == "429":
            return self._too_many(fault.retry_after)
        if fault.kind == "html_500":
            html = "<html><body><h1>500 Internal Server Error</h1></body></html>"
            return Response(html, status_code=500, media_type="text/html")
        if fault.kind == "fail_200":
            return fail(200, fault.text or "Something went wrong")
        if fault.kind == "forbidden":
            return fail(403, fault.text or "You have no permission to access this resource")
        return fail(fault.status, fault.text or "Service temporarily unavailable")

    def _limit(self, ip: str, name: str, account_id: int | None) -> None:
        knobs = self._knobs
        limits = [(f"ip {ip}", knobs.rate_ip, knobs.rate_window_s)]
        if account_id is not None:
            limits.append((f"account {account_id}", knobs.rate_account, knobs.rate_window_s))
            if name == "send":
                limits.append((f"sends {account_id}", knobs.rate_sends_per_min, 60.0))
        if not self._windows.admit(limits):
            raise Refused(429, "Too many requests. Please slow down.")

    def _refusal(self, refusal: Refused) -> Response:
        if refusal.status == 429:
            return self._too_many(self._knobs.retry_after)
        return fail(refusal.status, refusal.text)

    def _too_many(self, retry_after: str) -> Response:
        answer = fail(429, "Too many requests. Please slow down.", key="message")
        if retry_after == "date":
            retry_after = formatdate(time.time() + 3, usegmt=True)
        if retry_after:
            answer.headers["Retry-After"] = retry_after
        return answer

    def _refuse_token(self) -> Response:
        status = self._knobs.refusal_status
        if self._knobs.refusal_body == "empty":
            return Response(status_code=status)
        return fail(status, "The access token is invalid or has expired")


def _after(fault: Fault, answer: Response) -> Response:
    if fault.kind == "truncated":
        return truncated(answer)
    if fault.kind == "accepted_then_cut":
        return Cut()
    if fault.kind == "hang_after_acting":
        return Hang(fault.delay_s)
    return fail(500, fault.text or "Internal server error")


def _bearer(request: Request) -> str:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


def _json(method: str, raw: bytes) -> Row:
    if method not in ("POST", "PUT"):
        return {}
    try:
        body: Any = json.loads(raw or b"{}")
    except ValueError as problem:
        raise Refused(400, "The body is not JSON") from problem
    if not isinstance(body, dict):
        raise Refused(400, "The body must be a JSON object")
    return body
