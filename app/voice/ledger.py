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
TRIES = 5
FIRST_WAIT_S = 0.5
FLUSH_S = 8.0
"""How long the end of a call waits for its last rows."""


class Ledger:
    """Writes of one call, one transaction each, in the order they were given."""

    def __init__(self, database: Database, tenant_id: str, background: Background) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._writes: asyncio.Queue[Write | None] = asyncio.Queue()
        self._writing = background.spawn("ledger", self._write_all())

    def write(self, write: Write) -> None:
        """Have this written, after everything before."""
        self._writes.put_nowait(write)

    async def close(self) -> None:
        """Wait until everything is written, within bounds."""
        self._writes.put_nowait(None)
        await asyncio.wait([self._writing], timeout=FLUSH_S)
        self._writing.cancel()

    async def _write_all(self) -> None:
        while (write := await self._writes.get()) is not None:
            try:
                await self._written(write)
            except ProductError as exc:
                logger.warning("a call's record was lost", extra={"why": str(exc)})

    async def _written(self, write: Write) -> None:
        for attempt in range(TRIES):
            try:
                door = await self._database.tenant(self._tenant_id)
                async with door.transaction() as conn:
                    await write(conn)
                return
            except Unavailable:
                if attempt == TRIES - 1:
                    raise
                await asyncio.sleep(FIRST_WAIT_S * 2**attempt)
