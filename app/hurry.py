"""arq in this loop: it hurries what the `wake` table holds, and is never the truth.

The worker is supervised: an outage of Redis ends it, and a new one is built. What is lost with
Redis is found by the sweep of `app.jobs`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
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
PICKED = 500
"""Jobs that arq hands over at a time; how many of them run is decided by `app.jobs`."""
LONGEST_JOB_S = 3600.0
"""`app.jobs` ends a run much earlier."""
HURRIES = 10
"""Jobs that are hurried at a time."""
CANCEL_AGAIN_S = 0.2
OFF_S = 1.0
"""After one was in vain for want of an answer, nothing is hurried for so long."""

RunJob = Callable[[str, str, str, int], Awaitable[None]]
"""(tenant, kind, key, generation): claims and runs one job."""


class HurryQueue:
    """Wakes jobs at their time, through Redis."""

    def __init__(
        self, *, clock: Clock, background: Background, settings: JobSettings, run: RunJob
    ) -> None:
        self._clock = clock
        self._background = background
        self._settings = settings
        self._run = run
        self._redis: ArqRedis | None = None
        self._worker: Worker | None = None
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

    async def hurry(
        self, tenant_id: str, kind: str, key: str, generation: int, due_at: datetime
    ) -> None:
        """Ask arq to run a job at its time; where that fails the sweep is the answer.

        Comes back at once: nobody waits for Redis.
        """
        if self._redis is None or self._is_stopping:
            return
        work = self._enqueue(self._redis, tenant_id, kind, key, generation, due_at)
        self._background.spawn("hurry", work)

    async def _enqueue(
        self,
        redis: ArqRedis,
        tenant_id: str,
        kind: str,
        key: str,
        generation: int,
        due_at: datetime,
    ) -> None:
        loop = asyncio.get_running_loop()
        async with self._hurries:
            if loop.time() < self._off_until:
                return
            wait = max(timedelta(0), due_at - self._clock.now())
            try:
                async with asyncio.timeout(HURRY_S):
                    await redis.enqueue_job(
                        "wake", tenant_id, kind, key, generation,
                        _job_id=f"{kind}:{tenant_id}:{key}:{generation}:{due_at.timestamp():.3f}",
                        _defer_by=wait, _expires=wait + timedelta(hours=1),
                    )  # fmt: skip
            except REDIS_ERRORS as exc:
                if isinstance(exc, TimeoutError):
                    self._off_until = loop.time() + OFF_S
                logger.warning("job could not be hurried", extra={"job": kind, "key": key})

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

    def _new_worker(self) -> Worker:
        async def wake(
            _ctx: dict[Any, Any], tenant_id: str, kind: str, key: str, generation: int
        ) -> None:
            try:
                await self._run(tenant_id, kind, key, generation)
            except Unavailable:
                logger.warning("job could not be claimed", extra={"job": kind, "key": key})

        return Worker(
            functions=[func(cast("Any", wake), name="wake", keep_result=0)],
            redis_pool=self._redis,
            queue_name=QUEUE,
            handle_signals=False,
            keep_result=0,
            max_jobs=PICKED,
            job_timeout=LONGEST_JOB_S,
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
