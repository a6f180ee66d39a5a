"""Deferred work: the `wake` table holds the truth, arq hurries it, a sweep finds what was lost.

A job is a function of its room, registered in `wiring.JOBS`. It is named by `Job`, found again by
its key, and safe to run twice: a lease keeps two runs apart, a generation makes an older one stop.
Emptying Redis loses nothing but a few seconds. Due jobs are found and started tenant by tenant, so
that one tenant's flood waits behind itself.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.background import Background
from app.bus import Bus
from app.clock import Clock
from app.db import Connection, Database, Row
from app.errors import Conflict, NotFound, OutsideError, ProductError, Unavailable
from app.events import JobFailed
from app.hurry import HurryQueue
from app.settings import JobSettings
from app.slots import Slots
from app.telemetry import (
    Telemetry,
    current_trace_id,
    current_trace_parent,
    describe_error,
)

logger = logging.getLogger(__name__)

EARLY = timedelta(milliseconds=5)
"""A claim may come so much before its time: clocks and deferrals round."""
FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 300.0
BATCH = 200
"""Due jobs of one tenant that are taken in hand at a time."""
COMING, MOST_COMING = timedelta(minutes=10), 1000
"""How far ahead, and how many moments at most, a starting queue is told of."""
LOST_RUN = {"error": "the run was lost: its process ended or froze"}
"""What the ledger says of a run that was taken over."""


class Job(StrEnum):
    """Every job there is."""

    REPLY = "chat.reply"
    READ_THREAD = "chat.read"
    SEND = "chat.send"
    CHECK_SENT = "chat.check_sent"
    AFTER_CALL = "chat.after_call"
    RESERVATION = "pms.reservation"
    FIND_THREAD = "pms.find_thread"
    FULL_SYNC = "pms.full_sync"
    RECENT_SYNC = "pms.recent_sync"
    UNREAD_SYNC = "pms.unread_sync"
    ALERT = "slack.alert"
    UNACKNOWLEDGED = "escalation.unacknowledged"
    CALL = "voice.call"
    GIVEN_UP = "jobs.given_up"
    PURGE = "conversations.purge"


STANDING = frozenset({Job.FULL_SYNC, Job.RECENT_SYNC, Job.UNREAD_SYNC, Job.PURGE})
"""Work that comes round for ever: a failure is told of, but never ends it."""
FOLLOWED_UP = frozenset({Job.REPLY, Job.SEND})
"""Work that a person must see to once it was given up: a job of its own, lest a crash lose it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run of a job, as its function sees it."""

    tenant_id: str
    kind: Job
    key: str
    generation: int
    attempt: int
    counts: dict[str, int] = field(default_factory=dict)
    """What the run did, for `nightdesk runs`."""
    run_id: int = 0


JobFunction = Callable[[JobRun], Awaitable[datetime | None]]
"""Gives none when done, or the moment to run again."""
Place = tuple[str, str, str, int]
"""Tenant, kind, key and generation of a row of `wake`."""


class Jobs:
    """Arms jobs, runs them, and keeps account of every run."""

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        clock: Clock,
        background: Background,
        telemetry: Telemetry,
        settings: JobSettings,
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._background = background
        self._telemetry = telemetry
        self._settings = settings
        self._functions: Mapping[Job, JobFunction] = {}
        self._queue = HurryQueue(
            clock=clock, background=background, settings=settings, look=self.look
        )
        self._is_stopping = False
        self._running: set[asyncio.Task[Any]] = set()
        self._in_hand: set[Place] = set()
        """What was found due and has not been seen to its end."""
        self._has_more: set[str] = set()
        """Tenants of which a whole batch was due."""
        self._sends = Slots(settings.max_jobs)
        """A reply that is ready never waits behind threads that are still thought about."""
        self._standing = Slots(max(1, settings.max_jobs // 3))
        """Passes over the PMS take their time; guests' work never waits for them."""
        self._others = Slots(settings.max_jobs)
        self._looking = asyncio.Lock()
        self._is_look_asked = False

    def register(self, functions: Mapping[Job, JobFunction]) -> None:
        """Tell which function does which job; once, at start."""
        self._functions = functions

    async def arm(
        self,
        conn: Connection,
        *,
        tenant_id: str,
        kind: Job,
        key: str | int,
        due_at: datetime,
        generation: int | None = None,
    ) -> None:
        """Have a job run at a time, decided in the caller's transaction, hurried after its commit.

        Without a generation each arming counts as a newer one: what runs meanwhile runs again.
        """
        await conn.execute(
            """insert into nightdesk.wake as w
                   (tenant_id, kind, key, generation, due_at, trace_parent)
               values ($1, $2, $3, coalesce($5, 1), $4, $6)
               on conflict (tenant_id, kind, key) do update
               set generation = coalesce($5, w.generation + 1), due_at = excluded.due_at,
                   attempts = 0, claimed_until = null, dead_at = null,
                   trace_parent = excluded.trace_parent""",
            tenant_id, kind, str(key), due_at, generation, current_trace_parent(),
        )  # fmt: skip
        conn.after_commit.append(lambda: self._queue.hurry(due_at))

    async def arm_unless_armed(
        self, conn: Connection, *, tenant_id: str, kind: Job, key: str | int, due_at: datetime
    ) -> None:
        """Have a job run at a time, unless it is going to anyway; one given up is not."""
        newer: int | None = await conn.fetchval(
            """insert into nightdesk.wake as w (tenant_id, kind, key, generation, due_at)
               values ($1, $2, $3, 1, $4)
               on conflict (tenant_id, kind, key) do update
               set generation = w.generation + 1, due_at = excluded.due_at, attempts = 0,
                   claimed_until = null, dead_at = null
               where w.dead_at is not null
               returning generation""",
            tenant_id, kind, str(key), due_at,
        )  # fmt: skip
        if newer is not None:
            conn.after_commit.append(lambda: self._queue.hurry(due_at))

    async def are_armed(
        self, conn: Connection, *, tenant_id: str, kind: Job, keys: list[str]
    ) -> bool:
        """Whether a job of one of those keys is going to run."""
        found: bool = await conn.fetchval(
            """select exists (
                   select 1 from nightdesk.wake
                   where tenant_id = $1 and kind = $2 and key = any($3) and dead_at is null)""",
            tenant_id, kind, keys,
        )  # fmt: skip
        return found

    async def hold(self, conn: Connection, run: JobRun) -> None:
        """Keep a run's claim, in the transaction of what may happen under it alone.

        Raises:
            Conflict: the run was so slow, or frozen, that another has taken over.
        """
        is_held = await conn.fetchval(
            """update nightdesk.wake set claimed_until = now() + $6
               where tenant_id = $1 and kind = $2 and key = $3 and generation = $4
                 and attempts = $5 and claimed_until is not null returning true""",
            run.tenant_id, run.kind, run.key, run.generation, run.attempt,
            timedelta(seconds=self._settings.lease_s),
        )  # fmt: skip
        if not is_held:
            raise Conflict("another run has taken this over")

    async def disarm(self, conn: Connection, *, tenant_id: str, kind: Job, key: str | int) -> None:
        """Take an arming back."""
        await conn.execute(
            "delete from nightdesk.wake where tenant_id = $1 and kind = $2 and key = $3",
            tenant_id, kind, str(key),
        )  # fmt: skip

    async def recent_runs(
        self, tenant_id: str | None = None, *, limit: int = 50, only_failed: bool = False
    ) -> list[Row]:
        """Rows of the ledger, newest first."""
        async with self._database.shared().transaction() as conn:
            return await conn.fetch(
                """select * from nightdesk.job_runs
                   where ($1::text is null or tenant_id = $1)
                     and (not $3 or status in ('retried', 'dead'))
                   order by started_at desc, id desc limit $2""",
                tenant_id, limit, only_failed,
            )  # fmt: skip

    async def last_error(self, tenant_id: str, kind: str, key: str) -> str:
        """In which error the newest run of a job that failed has ended."""
        async with self._database.shared().transaction() as conn:
            error = await conn.fetchval(
                """select error ->> 'error' from nightdesk.job_runs
                   where tenant_id = $1 and kind = $2 and key = $3 and error is not null
                   order by id desc limit 1""",
                tenant_id, kind, key,
            )  # fmt: skip
        return str(error or "unknown")

    async def record_given_up(
        self, tenant_id: str, *, kind: str, key: str, error: BaseException
    ) -> None:
        """Show in the ledger, and tell people of, work that was given up and is no job."""
        described = describe_error(error)
        async with self._database.shared().transaction() as conn:
            await conn.execute(
                """insert into nightdesk.job_runs
                       (tenant_id, kind, key, status, started_at, error, trace_id)
                   values ($1, $2, $3, 'dead', $4, $5, $6)""",
                tenant_id, kind, key, self._clock.now(), {"error": described}, current_trace_id(),
            )  # fmt: skip
        await self._bus.publish(JobFailed(tenant_id=tenant_id, kind=kind, key=key, error=described))

    async def purge(self, tenant_id: str, before: datetime) -> int:
        """Delete rows of the ledger older than that; how many."""
        async with self._database.shared().transaction() as conn:
            tag = await conn.execute(
                "delete from nightdesk.job_runs where tenant_id = $1 and started_at < $2",
                tenant_id,
                before,
            )
        return int(tag.split()[-1])

    async def revive(self, tenant_id: str) -> int:
        """Run every given-up job of a tenant again; how many."""
        async with self._database.shared().transaction() as conn:
            rows = await conn.fetch(
                """update nightdesk.wake set dead_at = null, attempts = 0, claimed_until = null,
                          due_at = $2, generation = generation + 1
                   where tenant_id = $1 and dead_at is not null returning kind""",
                tenant_id, self._clock.now(),
            )  # fmt: skip
        return len(rows)

    async def reclaim(self) -> None:
        """At the start of a process that alone uses the database: every claim is a dead one's."""
        async with self._database.shared().transaction() as conn:
            await conn.execute(
                """with lost as (
                       update nightdesk.wake set claimed_until = null
                       where claimed_until is not null returning tenant_id, kind, key
                   )
                   update nightdesk.job_runs r set status = 'retried', error = $1
                   from lost l
                   where r.tenant_id = l.tenant_id and r.kind = l.kind and r.key = l.key
                     and r.status = 'running'""",
                LOST_RUN,
            )

    async def hurry_coming(self) -> None:
        """Have what is armed already looked for in time: a queue that starts knows of nothing."""
        now = self._clock.now()
        async with self._database.shared().transaction() as conn:
            rows = await conn.fetch(
                """select distinct due_at from nightdesk.wake
                   where dead_at is null and due_at > $1 and due_at < $2
                   order by due_at limit $3""",
                now, now + COMING, MOST_COMING,
            )  # fmt: skip
        for row in rows:
            await self._queue.hurry(row["due_at"])

    # -- running -----------------------------------------------------------------------------

    async def connect(self, redis_url: str) -> None:
        """Have arq hurry jobs; a later outage of Redis is survived.

        Raises:
            BadInput: the URL is none of Redis.
            Unavailable: nobody answers there.
        """
        await self._queue.connect(redis_url)

    async def work(self) -> None:
        """Run what arq hurries until cancelled."""
        await self._queue.work()

    async def drain(self, timeout_s: float) -> None:
        """Take nothing new, wait for what runs, then let go."""
        self._is_stopping = True
        running = set(self._running) | self._queue.stop()
        if running:
            await asyncio.wait(running, timeout=timeout_s)

    async def close(self) -> None:
        """End the worker and its connections."""
        await self._queue.close()

    async def sweep(self) -> None:
        """Look for due work until cancelled: what a crash, a lost queue or a test clock left."""
        while not self._is_stopping:
            try:
                await self.look()
            except (Unavailable, TimeoutError):
                logger.warning("sweep cannot reach the database")
            except Exception:
                logger.exception("sweep failed")
            await asyncio.sleep(self._settings.sweep_s)

    async def look(self) -> None:
        """Take what is due in hand and start it, the tenants in turn; looks at one moment are one.

        An outage of the database is survived: the next look finds the same.
        """
        if self._is_look_asked:
            return
        self._is_look_asked = True
        async with self._looking:
            self._is_look_asked = False
            if self._is_stopping:
                return
            try:
                due = await self._due()
            except Unavailable:
                logger.warning("due jobs cannot be looked for: the database is away")
                return
        found = Counter(place[0] for place in due)
        self._has_more = {tenant_id for tenant_id, count in found.items() if count >= BATCH}
        for place in due:
            if place not in self._in_hand:
                self._in_hand.add(place)
                self._background.spawn("due job", self._run_in_hand(place))

    async def run_due(self) -> int:
        """Run everything that is due by the clock now, to its end; how many were started."""
        due = await self._due()
        await asyncio.gather(*(self.run(*place) for place in due))
        return len(due)

    async def _due(self) -> list[Place]:
        """The first of every tenant's due jobs that are not claimed.

        Kinds that only another release knows are left to it.
        """
        async with self._database.shared().transaction() as conn:
            rows = await conn.fetch(
                """select due.* from nightdesk.tenants t cross join lateral (
                       select tenant_id, kind, key, generation from nightdesk.wake
                       where tenant_id = t.id and due_at <= $1 and dead_at is null
                         and kind = any($2::text[])
                         and (claimed_until is null or claimed_until < now())
                       order by due_at limit $3) due""",
                self._clock.now(), list(self._functions), BATCH,
            )  # fmt: skip
        return [(row["tenant_id"], row["kind"], row["key"], row["generation"]) for row in rows]

    async def _run_in_hand(self, place: Place) -> None:
        try:
            await self.run(*place)
        except Unavailable:
            logger.warning("due job lost the database", extra={"job": place[1]})
        finally:
            self._in_hand.discard(place)
        tenant_id = place[0]
        waiting = self._sends.waiting(tenant_id) + self._others.waiting(tenant_id)
        if tenant_id in self._has_more and waiting < BATCH // 2:
            self._has_more.discard(tenant_id)
            await self.look()

    def _slots_of(self, kind: str) -> Slots:
        if kind == Job.SEND:
            return self._sends
        return self._standing if kind in STANDING else self._others

    async def run(self, tenant_id: str, kind: str, key: str, generation: int) -> None:
        """Claim and run one job; whoever comes second finds the claim taken.

        Raises:
            Unavailable: the database is away; the claim lapses and the sweep finds the job.
        """
        if kind not in self._functions:
            return
        async with self._slots_of(kind).of(tenant_id):
            if not self._is_stopping:
                await self._claim_and_run(tenant_id, kind, key, generation)

    async def _claim_and_run(self, tenant_id: str, kind: str, key: str, generation: int) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        claimed = await self._claim(tenant_id, kind, key, generation)
        if claimed is None:
            return
        run = JobRun(
            tenant_id=tenant_id,
            kind=Job(kind),
            key=key,
            generation=generation,
            attempt=claimed["attempts"],
            run_id=claimed["run_id"],
        )
        with self._telemetry.span(
            f"job {kind}", parent=claimed["trace_parent"], tenant=tenant_id, key=key
        ):
            await self._run_claimed(run)

    async def _run_claimed(self, run: JobRun) -> None:
        started = asyncio.get_running_loop().time()
        status, error, again_at, is_told = "done", None, None, False
        renewal = self._background.spawn("lease", self._renew(run))
        try:
            again_at = await asyncio.wait_for(
                self._functions[run.kind](run), timeout=self._settings.job_timeout_s
            )
        except (NotFound, Conflict) as exc:
            logger.info("job found nothing to do", extra={"job": run.kind, "why": str(exc)})
        except Exception as exc:
            error = exc
            status, wait, is_told = self._after_failure(run, exc)
            again_at = self._clock.now() + wait if wait is not None else None
            logger.warning(
                "job failed",
                exc_info=exc,
                extra={"job": run.kind, "key": run.key, "attempt": run.attempt, "status": status},
            )
        finally:
            renewal.cancel()
        duration_ms = int((asyncio.get_running_loop().time() - started) * 1000)
        await self._finish(run, status, again_at, error, duration_ms)
        if error is not None and is_told:
            await self._bus.publish(
                JobFailed(
                    tenant_id=run.tenant_id,
                    kind=run.kind,
                    key=run.key,
                    error=describe_error(error),
                )
            )

    def _after_failure(self, run: JobRun, error: Exception) -> tuple[str, timedelta | None, bool]:
        """(status, how long until the next attempt, whether people are told) of a failed run."""
        may_retry = _is_passing(error)
        last = self._settings.max_attempts if may_retry else 1
        if run.attempt < last:
            return "retried", _backoff(run.attempt), False
        if run.kind in STANDING:
            return "retried", timedelta(seconds=LONGEST_RETRY_S), run.attempt == last
        return "dead", None, True

    async def _claim(self, tenant_id: str, kind: str, key: str, generation: int) -> Row | None:
        async with self._database.shared().transaction() as conn:
            return await conn.fetchrow(
                """with claimed as (
                       update nightdesk.wake
                       set claimed_until = now() + $6, attempts = attempts + 1
                       where tenant_id = $1 and kind = $2 and key = $3 and generation = $4
                         and due_at <= $5 and dead_at is null
                         and (claimed_until is null or claimed_until < now())
                       returning tenant_id, attempts, trace_parent
                   ), lost as (
                       update nightdesk.job_runs r set status = 'retried', error = $7
                       from claimed c
                       where c.attempts > 1 and r.tenant_id = c.tenant_id and r.kind = $2
                         and r.key = $3 and r.status = 'running'
                         and r.started_at > $5 - interval '1 day'
                   ), run as (
                       insert into nightdesk.job_runs
                           (tenant_id, kind, key, status, attempt, started_at)
                       select tenant_id, $2, $3, 'running', attempts, $5 from claimed
                       returning id
                   )
                   select attempts, trace_parent, run.id as run_id from claimed, run""",
                tenant_id, kind, key, generation, self._clock.now() + EARLY,
                timedelta(seconds=self._settings.lease_s), LOST_RUN,
            )  # fmt: skip

    async def _renew(self, run: JobRun) -> None:
        """Hold the claim while the job runs; a process that died or froze loses it soon."""
        while True:
            await asyncio.sleep(self._settings.lease_s / 3)
            try:
                async with self._database.shared().transaction() as conn:
                    await self.hold(conn, run)
            except Conflict:
                return
            except Exception as exc:
                logger.warning("lease could not be renewed", exc_info=exc, extra={"job": run.kind})

    async def _finish(
        self,
        run: JobRun,
        status: str,
        again_at: datetime | None,
        error: BaseException | None,
        duration_ms: int,
    ) -> None:
        described = {"error": describe_error(error)} if error is not None else None
        async with self._database.shared().transaction() as conn:
            await conn.execute(
                """update nightdesk.job_runs
                   set status = $2, duration_ms = $3, counts = $4, error = $5, trace_id = $6
                   where id = $1""",
                run.run_id, status, duration_ms, run.counts, described, current_trace_id(),
            )  # fmt: skip
            claim = (run.tenant_id, run.kind, run.key, run.generation, run.attempt)
            if status == "dead":
                await conn.execute(
                    """update nightdesk.wake set dead_at = $6, claimed_until = null
                       where tenant_id = $1 and kind = $2 and key = $3 and generation = $4
                         and attempts = $5""",
                    *claim, self._clock.now(),
                )  # fmt: skip
                if run.kind in FOLLOWED_UP and Job.GIVEN_UP in self._functions:
                    await self.arm(
                        conn,
                        tenant_id=run.tenant_id,
                        kind=Job.GIVEN_UP,
                        key=f"{run.kind}:{run.key}",
                        due_at=self._clock.now(),
                    )
            elif again_at is not None:
                await conn.execute(
                    """update nightdesk.wake set due_at = $6, claimed_until = null,
                              attempts = case when $7 then attempts else 0 end
                       where tenant_id = $1 and kind = $2 and key = $3 and generation = $4
                         and attempts = $5""",
                    *claim, again_at, status == "retried",
                )  # fmt: skip
                conn.after_commit.append(lambda: self._queue.hurry(again_at))
            else:
                await conn.execute(
                    """delete from nightdesk.wake
                       where tenant_id = $1 and kind = $2 and key = $3 and generation = $4
                         and attempts = $5""",
                    *claim,
                )


def _is_passing(error: Exception) -> bool:
    """Whether another run may end better; what was given wrongly stays wrong."""
    if isinstance(error, OutsideError):
        return error.retryable
    return isinstance(error, Unavailable) or not isinstance(error, ProductError)


def _backoff(attempt: int) -> timedelta:
    longest = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(attempt - 1, 10))
    return timedelta(seconds=longest * random.uniform(0.7, 1.0))
