"""Whose turn it is to ask the PMS: two sliding windows, replies first, then other urgent work.

Source: Hostaway API documentation, "Rate limits": 15 requests per 10 s for each address, 20
for each account. All tenants of a process share one address.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

SYNC_SHARE = 0.6
"""Of a window, what sync may use: the rest stays free for a guest's message."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Waiter:
    """Somebody in the queue; compared by identity."""

    account: str
    is_urgent: bool


@dataclass(slots=True, kw_only=True)
class _Window:
    """Starts of the last `length_s` seconds, never more than `limit`."""

    limit: int
    length_s: float
    starts: deque[float] = field(default_factory=deque)
    sync_starts: deque[float] = field(default_factory=deque)
    paused_until: float = float("-inf")

    def free_at(self, now: float, *, is_urgent: bool) -> float:
        """The earliest moment that has room, `now` or later; others may still take it first."""
        moment = max(now, self.paused_until)
        for starts, limit in self._kept(is_urgent):
            while starts and starts[0] + self.length_s <= now:
                starts.popleft()
            if len(starts) >= limit:
                moment = max(moment, starts[-limit] + self.length_s)
        return moment

    def take(self, now: float, *, is_urgent: bool) -> None:
        """Count a start."""
        for starts, _ in self._kept(is_urgent):
            starts.append(now)

    def _kept(self, is_urgent: bool) -> list[tuple[deque[float], int]]:
        every = (self.starts, self.limit)
        sync = (self.sync_starts, max(1, int(self.limit * SYNC_SHARE)))
        return [every] if is_urgent else [every, sync]


class RateLimiter:
    """Gives turns so that neither the address nor an account starts too much in any window.

    Among those who could start now replies go first, for they grow stale, then the other urgent
    ones, each kind in order of arrival. An account that has no room holds nobody else up.
    """

    def __init__(
        self,
        *,
        ip_requests: int,
        account_requests: int,
        window_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._window_s = window_s
        self._account_requests = account_requests
        self._address = _Window(limit=ip_requests, length_s=window_s)
        self._accounts: dict[str, _Window] = {}
        self._sends: list[_Waiter] = []
        self._urgent: list[_Waiter] = []
        self._sync: list[_Waiter] = []

    async def wait_turn(self, account: str, *, is_urgent: bool, is_send: bool = False) -> None:
        """Come back when a request may start; it is counted as started at that moment."""
        waiter = _Waiter(account=account, is_urgent=is_urgent)
        queue = self._sends if is_send else self._urgent if is_urgent else self._sync
        queue.append(waiter)
        try:
            while True:
                now = self._monotonic()
                wait_s = self._ready_at(waiter, now) - now
                if wait_s <= 0 and self._is_first(waiter, now):
                    self._address.take(now, is_urgent=is_urgent)
                    self._account(account).take(now, is_urgent=is_urgent)
                    return
                await self._sleep(max(0.0, wait_s))
        finally:
            queue.remove(waiter)

    def pause(self, account: str | None, seconds: float) -> None:
        """Start nothing of an account (none: nothing at all) for so long, as a 429 asks."""
        window = self._address if account is None else self._account(account)
        window.paused_until = max(window.paused_until, self._monotonic() + seconds)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._sends) + len(self._urgent) + len(self._sync)

    def _is_first(self, waiter: _Waiter, now: float) -> bool:
        """Whether nobody before this one could start now; their sleep is over too if so."""
        for other in (*self._sends, *self._urgent, *self._sync):
            if other is waiter:
                return True
            if self._ready_at(other, now) <= now:
                return False
        return True

    def _ready_at(self, waiter: _Waiter, now: float) -> float:
        windows = (self._address, self._account(waiter.account))
        return max(window.free_at(now, is_urgent=waiter.is_urgent) for window in windows)

    def _account(self, account: str) -> _Window:
        if account not in self._accounts:
            self._accounts[account] = _Window(limit=self._account_requests, length_s=self._window_s)
        return self._accounts[account]


def asked_pause_s(retry_after: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for, as seconds or as an HTTP date; none unread."""
    text = (retry_after or "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until - now).total_seconds()) if until.tzinfo else None
