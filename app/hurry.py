"""arq in this loop: it says when to look at the `wake` table, and is never the truth.

What it keeps are moments, not jobs: a flood of jobs is one look a moment, and no tenant's jobs
stand in line before another's. The worker is supervised: an outage of Redis ends it, and a new one
is built. What is lost with Redis is found by the sweep of `app.jobs`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, cast

import orjson
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from arq.worker import Worker, func
from redis.exceptions import RedisError

from app.background import Background
from app.clock import Clock
from app.errors import BadInput, Unavailable
from app.settings import JobSettings

logger = logging.getLogger(__name__)

QUEUE = "nightdesk"
REDIS_ERRORS = (RedisError, OSError, TimeoutError)
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
"""Between two workers while Redis is away."""
ANSWER_S = 5.0
"""A Redis that is silent for so long is away; without it a frozen one would hold us for ever."""
HURRY_S = 2.0
"""Nobody is hurried for longer than this."""
HURRIES = 10
"""Moments that arq is asked for at a time."""
CANCEL_AGAIN_S = 0.2
OFF_S = 1.0
"""After one was in vain for want of an answer, nothing is hurried for so long."""
STEP_MS = 50
"""What is due within so long is looked for at once."""
LOOKS_AT_A_TIME = 4
KNOWN_MOMENTS = 2000
"""Moments that are remembered as asked for; older ones are past, or asked for again."""

Look = Callable[[], Coroutine[Any, Any, None]]
"""Starts what is due."""


class HurryQueue:
    """Has somebody look for due jobs at their time, through Redis."""

    def __init__(
        self, *, clock: Clock, background: Background, settings: JobSettings, look: Look
    ) -> None:
        self._clock = clock
        self._background = background
        self._settings = settings
        self._look = look
        self._redis: ArqRedis | None = None
        self._worker: Worker | None = None
        self._moments: dict[int, None] = {}
        """What arq was asked for, in the order of asking."""
        self._is_stopping = False
        self._hurries = asyncio.Semaphore(HURRIES)
        self._off_until = float("-inf")

    async def connect(self, redis_url: str) -> None:
        """Where arq keeps its queue; a later outage is survived.

        Raises:
            BadInput: the URL is none of Redis.
            Unavailable: nobody answers there.
        """
        try:
            dsn = RedisSettings.from_dsn(redis_url)
        except (RuntimeError, ValueError) as exc:
            raise BadInput(
                "the URL of Redis is wrong; it looks like redis://host:6379/0 or unix:///path"
            ) from exc
        dsn.conn_timeout = 5
        dsn.conn_retries = 5
        dsn.conn_retry_delay = 1
        try:
            self._redis = await create_pool(
                dsn,
                job_serializer=orjson.dumps,
                job_deserializer=orjson.loads,
                default_queue_name=QUEUE,
            )
            self._redis.connection_pool.connection_kwargs["socket_timeout"] = ANSWER_S
            await self._redis.connection_pool.disconnect()
        except REDIS_ERRORS as exc:
            raise Unavailable("Redis, the job queue, does not answer") from exc

    async def hurry(self, due_at: datetime) -> None:
        """Have due jobs looked for at a time; where that fails the sweep is the answer.

        Comes back at once: nobody waits for Redis.
        """
        if self._redis is None or self._is_stopping:
            return
        now = self._clock.now()
        if due_at <= now and self._worker is not None:
            self._background.spawn("look for due jobs", self._look())
            return
        moment = (int(max(due_at, now).timestamp() * 1000) // STEP_MS + 1) * STEP_MS
        if moment not in self._moments:
            self._remember(moment)
            self._background.spawn("hurry", self._enqueue(self._redis, moment))

    async def _enqueue(self, redis: ArqRedis, moment: int) -> None:
        """Ask arq for a look at a moment; one that was not asked for may be asked for again."""
        loop = asyncio.get_running_loop()
        async with self._hurries:
            if loop.time() < self._off_until:
                self._moments.pop(moment, None)
                return
            wait = max(0.0, moment - self._clock.now().timestamp() * 1000)
            try:
                async with asyncio.timeout(HURRY_S):
                    await redis.enqueue_job(
                        "look", _job_id=f"look:{moment}", _defer_by=timedelta(milliseconds=wait),
                        _expires=timedelta(milliseconds=wait, hours=1),
                    )  # fmt: skip
            except REDIS_ERRORS as exc:
                self._moments.pop(moment, None)
                if isinstance(exc, TimeoutError):
                    self._off_until = loop.time() + OFF_S
                logger.warning("due jobs could not be hurried")

    async def work(self) -> None:
        """Run arq's worker until cancelled; a new one is built after an outage of Redis."""
        pause_s = FIRST_PAUSE_S
        while not self._is_stopping:
            started = asyncio.get_running_loop().time()
            self._worker = self._new_worker()
            try:
                await self._run_worker(self._worker)
            except asyncio.CancelledError:
                if self._is_stopping or _is_cancelled():
                    raise
            except REDIS_ERRORS:
                logger.warning("job queue is away", extra={"again_in_s": pause_s})
            except Exception:
                logger.exception("job worker broke", extra={"again_in_s": pause_s})
            self._let_go_of_worker()
            await asyncio.sleep(pause_s)
            is_back = asyncio.get_running_loop().time() - started > LONGEST_PAUSE_S
            pause_s = FIRST_PAUSE_S if is_back else min(pause_s * 2, LONGEST_PAUSE_S)

    async def _run_worker(self, worker: Worker) -> None:
        """Until it ends, or we are to; in a task of its own, for it may overhear a cancellation."""
        running = self._background.spawn("arq", _outcome(worker))
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:
            await _end([worker.main_task, running])
            raise
        if (failure := running.result()) is not None:
            raise failure

    def stop(self) -> "set[asyncio.Task[Any]]":
        """Pick nothing new; what has been picked and still runs."""
        self._is_stopping = True
        if self._worker is None:
            return set()
        self._worker.allow_pick_jobs = False
        return set(self._worker.tasks.values())

    async def close(self) -> None:
        """End the worker and its connections."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await _end([*worker.tasks.values(), worker.main_task])
        if self._redis is not None:
            try:
                await self._redis.aclose()
            except REDIS_ERRORS:
                logger.info("job queue was gone at close")

    def _remember(self, moment: int) -> None:
        self._moments[moment] = None
        if len(self._moments) > KNOWN_MOMENTS:
            del self._moments[next(iter(self._moments))]

    def _new_worker(self) -> Worker:
        async def look(_ctx: dict[Any, Any]) -> None:
            await self._look()

        return Worker(
            functions=[func(cast("Any", look), name="look", keep_result=0)],
            redis_pool=self._redis,
            queue_name=QUEUE,
            handle_signals=False,
            keep_result=0,
            max_jobs=LOOKS_AT_A_TIME,
            job_timeout=self._settings.job_timeout_s + 10,
            poll_delay=self._settings.poll_s,
            queue_read_limit=1000,
            health_check_interval=30,
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
            log_results=False,
        )

    def _let_go_of_worker(self) -> None:
        """Drop a worker that lost Redis; the jobs it has begun are seen to their end."""
        worker, self._worker = self._worker, None
        if worker is not None and worker.tasks:
            self._background.spawn("jobs of a lost worker", _ended([*worker.tasks.values()]))


async def _outcome(worker: Worker) -> Exception | None:
    """In which failure a worker ended."""
    try:
        await worker.async_run()
    except Exception as exc:
        return exc
    return None


async def _ended(tasks: list["asyncio.Task[Any]"]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


async def _end(tasks: list["asyncio.Task[Any] | None"]) -> None:
    """Cancel them until they have ended: a cancellation may be swallowed deep in redis-py."""
    left = {task for task in tasks if task is not None}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
