"""What a call leaves behind, written in order and in the background: nobody on the line waits."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.background import Background
from app.db import Connection, Database
from app.errors import ProductError, Unavailable

logger = logging.getLogger(__name__)

Write = Callable[[Connection], Awaitable[None]]
"""One transaction's work; it may run again when the database was away."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 4.0
FLUSH_S = 8.0
"""How long the end of a call waits for its last rows."""
PATIENCE_S = 600.0
"""How long after a call its rows are still tried, where the database is away."""


class Ledger:
    """Writes of one call, one transaction each, in the order they were given.

    While the database is away they wait, for as long as the call lasts and some time longer.
    """

    def __init__(
        self,
        database: Database,
        tenant_id: str,
        background: Background,
        *,
        first_wait_s: float = FIRST_WAIT_S,
        flush_s: float = FLUSH_S,
    ) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._background = background
        self._first_wait_s = first_wait_s
        self._flush_s = flush_s
        self._given_up_at: float | None = None
        self._writes: asyncio.Queue[Write | None] = asyncio.Queue()
        self._writing = background.spawn("ledger", self._write_all())

    def write(self, write: Write) -> None:
        """Have this written, after everything before."""
        self._writes.put_nowait(write)

    async def close(self) -> None:
        """Wait until everything is written, within bounds; what is left is written after."""
        if self._given_up_at is None:
            self._given_up_at = asyncio.get_running_loop().time() + PATIENCE_S
            self._writes.put_nowait(None)
        await asyncio.wait([self._writing], timeout=self._flush_s)

    async def _write_all(self) -> None:
        while (write := await self._writes.get()) is not None:
            # A task of its own: an error nobody foresaw is logged, and stops no other write.
            writing = self._background.spawn("a call's record", self._written(write))
            try:
                await asyncio.wait([writing])
            finally:
                writing.cancel()

    async def _written(self, write: Write) -> None:
        wait_s = self._first_wait_s
        while True:
            try:
                door = await self._database.tenant(self._tenant_id)
                async with door.transaction() as conn:
                    await write(conn)
                return
            except Unavailable as exc:
                if self._is_too_late():
                    logger.error("a call's record was lost", extra={"why": str(exc)})
                    return
            except ProductError as exc:
                logger.warning("a call's record was lost", extra={"why": str(exc)})
                return
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _is_too_late(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._given_up_at is not None and now > self._given_up_at
