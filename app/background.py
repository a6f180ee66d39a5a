"""Owned background tasks: named, logged when they fail, cancelled at shutdown."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

AGAIN_S = 1.0
"""How long after its failure a loop that must not end is begun anew."""


class Background:
    """Every task that outlives the function which started it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, name: str, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task; a failure is logged and does not stop anybody else."""
        task = asyncio.create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def keep(self, name: str, loop: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[Any]:
        """Start a loop that must not end: one that fails is logged and begun anew."""
        return self.spawn(name, self._kept(name, loop))

    async def _kept(self, name: str, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await loop()
                return
            except Exception:
                logger.exception("background loop failed", extra={"task": name})
            await asyncio.sleep(AGAIN_S)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("background task failed", exc_info=error, extra={"task": task.get_name()})

    async def drain(self, timeout_s: float) -> None:
        """Wait for what runs, then cancel what is left."""
        if tasks := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=timeout_s)
        await self.cancel()

    async def cancel(self) -> None:
        """Cancel every task and wait until each has ended, those too that they start meanwhile."""
        while tasks := [task for task in self._tasks if task is not asyncio.current_task()]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)
