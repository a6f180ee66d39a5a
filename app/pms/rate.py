"""Whose turn it is to ask the PMS: two sliding windows, replies first, the accounts in turn.

Source: Hostaway API documentation, "Rate limits": 15 requests per 10 s for each address, 20
for each account. All tenants of a process share one address: where there are several, none takes
the whole of it.
"""

import asyncio
import itertools
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

SYNC_SHARE = 0.5
"""Of a window, what may be in use when sync takes of it: the rest is kept for guests' messages."""
SYNC_FLOOR = 0.1
"""Of a window, what sync gets however much the guests' messages need: it finds what was lost."""
AT_ONCE = 1 / 3
"""Of the address's window, what each of several accounts may start at once."""
KEPT_FREE = 0.2
"""Of that window, what it leaves at most to others that had less, where it starts more: evenly."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Waiter:
    """Somebody in the queue; compared by identity."""

    account: str
    is_urgent: bool
    is_send: bool
    number: int
    since: float


@dataclass(slots=True, kw_only=True)
class _Window:
    """Starts of the last `length_s` seconds, never more than `limit`."""

    limit: int
    length_s: float
    starts: deque[float] = field(default_factory=deque)
    urgent_starts: deque[float] = field(default_factory=deque)
    sync_starts: deque[float] = field(default_factory=deque)
    paused_until: float = float("-inf")

    def free_at(self, now: float, *, is_urgent: bool) -> float:
        """The earliest moment that has room, `now` or later; others may still take it first."""
        for starts in (self.starts, self.urgent_starts, self.sync_starts):
            while starts and starts[0] + self.length_s <= now:
                starts.popleft()
        moment = max(now, self.paused_until, self.below_at(self.starts, self.limit))
        if is_urgent:
            return moment
        leaves_room_at = self.below_at(self.starts, max(1, int(self.limit * SYNC_SHARE)))
        return max(moment, min(leaves_room_at, self.owes_sync_at()))

    def owes_sync_at(self) -> float:
        """Since when sync has had less than its floor."""
        return self.below_at(self.sync_starts, max(1, int(self.limit * SYNC_FLOOR)))

    def take(self, now: float, *, is_urgent: bool) -> None:
        """Count a start."""
        self.starts.append(now)
        (self.urgent_starts if is_urgent else self.sync_starts).append(now)

    def below_at(self, starts: deque[float], count: int) -> float:
        """Since when fewer than `count` of those starts are in the window."""
        return starts[-count] + self.length_s if len(starts) >= count else float("-inf")


class RateLimiter:
    """Gives turns so that neither the address nor an account starts too much in any window.

    Among those who could start now replies go first, for they grow stale, then the other urgent
    ones and the sync that is owed a turn, of each kind the account that has waited longest since
    its last turn, and each account's in order of arrival. An account that has no room holds nobody
    else up.
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
        self._waiters: list[_Waiter] = []
        self._served: dict[str, int] = {}
        """Account → how many turns had been given when it got its last one."""
        self._numbers = itertools.count()
        self._turns = itertools.count(1)

    async def wait_turn(self, account: str, *, is_urgent: bool, is_send: bool = False) -> None:
        """Come back when a request may start; it is counted as started at that moment."""
        waiter = _Waiter(
            account=account,
            is_urgent=is_urgent,
            is_send=is_send,
            number=next(self._numbers),
            since=self._monotonic(),
        )
        self._waiters.append(waiter)
        try:
            while True:
                now = self._monotonic()
                wait_s = self._ready_at(waiter, now) - now
                if wait_s <= 0 and self._is_first(waiter, now):
                    self._address.take(now, is_urgent=is_urgent)
                    self._account(account).take(now, is_urgent=is_urgent)
                    self._served[account] = next(self._turns)
                    return
                await self._sleep(max(0.0, wait_s))
        finally:
            self._waiters.remove(waiter)

    def pause(self, account: str | None, seconds: float) -> None:
        """Start nothing of an account (none: nothing at all) for so long, as a 429 asks."""
        window = self._address if account is None else self._account(account)
        window.paused_until = max(window.paused_until, self._monotonic() + seconds)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiters)

    def _is_first(self, waiter: _Waiter, now: float) -> bool:
        """Whether nobody before this one could start now; their sleep is over too if so."""
        place = self._place(waiter, now)
        return not any(
            self._place(other, now) < place and self._ready_at(other, now) <= now
            for other in self._waiters
        )

    def _place(self, waiter: _Waiter, now: float) -> tuple[bool, bool, int, int]:
        served = self._served.get(waiter.account, 0)
        is_owed = now - waiter.since > self._window_s and self._address.owes_sync_at() <= now
        is_pressing = waiter.is_urgent or is_owed
        return not waiter.is_send, not is_pressing, served, waiter.number

    def _ready_at(self, waiter: _Waiter, now: float) -> float:
        own = self._account(waiter.account)
        windows = (self._address, own)
        moment = max(window.free_at(now, is_urgent=waiter.is_urgent) for window in windows)
        return (
            moment
            if len(self._accounts) == 1
            else max(moment, self._shared_at(own, now, is_urgent=waiter.is_urgent))
        )

    def _shared_at(self, own: _Window, now: float, *, is_urgent: bool) -> float:
        """The earliest moment at which an account takes nothing that others may need.

        What its own sync has used is not held against a guest's message: sync leaves room.
        """
        address, starts = self._address, own.urgent_starts if is_urgent else own.starts
        at_once = max(1, int(address.limit * AT_ONCE))
        if len(starts) < at_once:
            return now
        others = (window for window in self._accounts.values() if window is not own)
        wanted = sum(max(0, at_once - len(other.urgent_starts)) for other in others)
        used = max(1, address.limit - min(wanted, max(1, int(address.limit * KEPT_FREE))))
        evenly_at = max(
            starts[-1] + address.length_s / used, address.below_at(address.starts, used)
        )
        return min(own.below_at(starts, at_once), evenly_at)

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
