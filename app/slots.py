"""Who may start next: a bounded number at a time, the tenants in turn, room left for the others.

A tenant may hold at most twice as many slots as are free: one alone gets two thirds of them, and
whoever comes next always finds a free one, however much somebody else has waiting.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SHARE = 2
"""So many slots a tenant may hold for each that is free."""


class Slots:
    """A bounded number of slots, shared out among tenants."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """Tenants in the order of their turns, each with who waits, the first first."""

    @asynccontextmanager
    async def of(self, tenant_id: str) -> AsyncIterator[None]:
        """A slot for one of a tenant's, in its turn; free again at the end."""
        await self._take(tenant_id)
        try:
            yield
        finally:
            self._give_back(tenant_id)

    def waiting(self, tenant_id: str) -> int:
        """How many of a tenant's wait for a slot."""
        return len(self._waiting.get(tenant_id, ()))

    async def _take(self, tenant_id: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append(turn)
        self._give()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(tenant_id, turn)
            else:
                self._give_back(tenant_id)
            raise

    def _leave(self, tenant_id: str, turn: "asyncio.Future[None]") -> None:
        line = self._waiting.get(tenant_id)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._waiting[tenant_id]

    def _give_back(self, tenant_id: str) -> None:
        self._held[tenant_id] -= 1
        if not self._held[tenant_id]:
            del self._held[tenant_id]
        self._give()

    def _give(self) -> None:
        """Hand out what may be handed out; who got one goes to the end of the tenants' line."""
        while (tenant_id := self._next()) is not None:
            line = self._waiting.pop(tenant_id)
            turn = line.popleft()
            if line:
                self._waiting[tenant_id] = line
            if not turn.done():
                self._held[tenant_id] += 1
                turn.set_result(None)

    def _next(self) -> str | None:
        """The first tenant in line that may hold one more."""
        free = self._limit - self._held.total()
        if free <= 0:
            return None
        return next((t for t in self._waiting if self._held[t] < SHARE * free), None)
