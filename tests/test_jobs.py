"""Deferred work: one run at a time, the newest wins, nothing is lost with Redis or a crash."""

import asyncio
import json
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio

from app.background import Background
from app.bus import Bus
from app.clock import Clock, ManualClock
from app.db import Database
from app.embedded import PUBLISHED, EmbeddedServers, ServerUrls
from app.errors import BadInput, Conflict, NotFound, OutsideError, Unavailable
from app.events import JobFailed
from app.hurry import QUEUE
from app.jobs import STANDING, Job, JobFunction, JobRun, Jobs
from app.keys import Keyring, new_key
from app.settings import JobSettings, Settings, TelemetrySettings
from app.telemetry import Telemetry, current_trace_id
from app.tenants import Tenants

QUICK = JobSettings(poll_s=0.02, sweep_s=0.05, lease_s=0.6, job_timeout_s=5.0)


class Diary:
    """A job function that keeps its runs, and behaves as told."""

    def __init__(self, *outcomes: datetime | Exception | None) -> None:
        self.runs: list[JobRun] = []
        self.ended = 0
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.outcomes = list(outcomes)

    async def job(self, run: JobRun) -> datetime | None:
        """The job."""
        self.runs.append(run)
        self.begun.set()
        await self.may_end.wait()
        self.ended += 1
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


MakeJobs = Callable[..., Jobs]


@pytest.fixture(scope="module")
def database_url(embedded_urls: ServerUrls) -> Iterator[str]:
    """One database for all tests of this file, with one tenant."""
    url = asyncio.run(_with_tenant(embedded_urls.database_url or ""))
    yield url
    asyncio.run(_dropped(embedded_urls.database_url or ""))


async def _with_tenant(base: str) -> str:
    admin = await asyncpg.connect(base)
    await admin.execute("create database jobs")
    await admin.close()
    url = base.replace("/nightdesk?", "/jobs?")
    database = Database(command_timeout_s=10, statement_cache=0, connections=2)
    background = Background()
    await database.open(url)
    await database.shared().apply()
    keyring = Keyring((new_key(),))
    tenants = Tenants(database, Bus(database, background), Clock(), keyring, Settings())
    await tenants.add("acme", "Acme Stays")
    await background.drain(5.0)
    await database.close()
    return url


async def _dropped(base: str) -> None:
    admin = await asyncpg.connect(base)
    await admin.execute("drop database jobs with (force)")
    await admin.close()


@pytest.fixture(autouse=True)
async def _no_rows_of_other_tests(database: Database) -> None:
    await run_sql(database, "truncate nightdesk.wake, nightdesk.job_runs")


@pytest.fixture
def make(database: Database, bus: Bus, clock: ManualClock, background: Background) -> MakeJobs:
    """Makes runners on one database, as so many processes would be."""

    def made(
        functions: JobFunction | Mapping[Job, JobFunction],
        settings: JobSettings = QUICK,
        **instead: Any,
    ) -> Jobs:
        parts: dict[str, Any] = {
            "database": database, "bus": bus, "clock": clock, "background": background,
            "telemetry": Telemetry(TelemetrySettings()), "settings": settings,
        }  # fmt: skip
        jobs = Jobs(**(parts | instead))
        jobs.register(functions if isinstance(functions, Mapping) else {Job.SEND: functions})
        return jobs

    return made


async def arm(
    jobs: Jobs,
    database: Database,
    due_at: datetime,
    *,
    kind: Job = Job.SEND,
    generation: int | None = None,
) -> None:
    async with (await database.tenant("acme")).transaction() as conn:
        await jobs.arm(
            conn, tenant_id="acme", kind=kind, key=7, due_at=due_at, generation=generation
        )


async def rows(database: Database) -> list[dict[str, Any]]:
    async with database.shared().transaction() as conn:
        return [dict(row) for row in await conn.fetch("select * from nightdesk.wake order by kind")]


async def run_sql(database: Database, sql: str) -> None:
    async with database.shared().transaction() as conn:
        await conn.execute(sql)


async def until(is_so: Callable[[], Any], within_s: float = 8.0) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(0.01)


async def until_rows(
    database: Database, is_so: Callable[[list[dict[str, Any]]], bool], within_s: float = 8.0
) -> None:
    async with asyncio.timeout(within_s):
        while not is_so(await rows(database)):
            await asyncio.sleep(0.02)


async def test_two_minutes_pass_in_no_time_by_the_test_clock(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    jobs = make(diary.job)
    await arm(jobs, database, clock.now() + timedelta(seconds=120))
    assert await jobs.run_due() == 0
    clock.advance(119.9)
    assert await jobs.run_due() == 0
    clock.advance(0.1)
    assert await jobs.run_due() == 1
    assert [(run.tenant_id, run.kind, run.key) for run in diary.runs] == [("acme", Job.SEND, "7")]
    assert await rows(database) == []


async def test_of_two_runners_one_runs(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    runners = [make(diary.job), make(diary.job)]
    await arm(runners[0], database, clock.now())
    await asyncio.gather(*(runner.run_due() for runner in runners * 2))
    assert len(diary.runs) == 1


async def test_a_job_is_not_run_before_its_time(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    jobs = make(diary.job)
    await arm(jobs, database, clock.now() + timedelta(seconds=1))
    await jobs.run("acme", Job.SEND, "7", 1)
    assert diary.runs == []


async def test_an_older_generation_does_not_run(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    jobs = make(diary.job)
    await arm(jobs, database, clock.now(), generation=4)
    await arm(jobs, database, clock.now(), generation=5)
    await jobs.run("acme", Job.SEND, "7", 4)
    assert diary.runs == []
    await jobs.run("acme", Job.SEND, "7", 5)
    assert [run.generation for run in diary.runs] == [5]


async def test_a_job_armed_while_it_runs_runs_again(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    diary.may_end.clear()
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    first = asyncio.ensure_future(jobs.run_due())
    await diary.begun.wait()
    await arm(jobs, database, clock.now())
    diary.may_end.set()
    await first
    assert [row["generation"] for row in await rows(database)] == [2]
    await jobs.run_due()
    assert [run.generation for run in diary.runs] == [1, 2]
    assert await rows(database) == []


async def test_what_is_going_to_run_is_known(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    jobs = make(Diary().job)
    async with (await database.tenant("acme")).transaction() as conn:
        await jobs.arm(conn, tenant_id="acme", kind=Job.SEND, key=7, due_at=clock.now())
        for keys, kind, expected in (
            (["6", "7"], Job.SEND, True),
            (["6"], Job.SEND, False),
            (["7"], Job.REPLY, False),
        ):
            are = await jobs.are_armed(conn, tenant_id="acme", kind=kind, keys=keys)
            assert are is expected


async def test_arming_is_undone_with_its_transaction(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    jobs = make(Diary().job)
    with pytest.raises(RuntimeError):
        await _arm_and_fail(jobs, database, clock)
    assert await rows(database) == []


async def _arm_and_fail(jobs: Jobs, database: Database, clock: ManualClock) -> None:
    async with (await database.tenant("acme")).transaction() as conn:
        await jobs.arm(conn, tenant_id="acme", kind=Job.SEND, key=7, due_at=clock.now())
        raise RuntimeError


async def test_what_a_crash_left_claimed_is_taken_over_once_the_lease_has_lapsed(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    lost, found = Diary(), Diary()
    lost.may_end.clear()
    jobs = make(lost.job, QUICK.model_copy(update={"lease_s": 60.0}))
    await arm(jobs, database, clock.now())
    crash = asyncio.ensure_future(jobs.run_due())
    await lost.begun.wait()
    crash.cancel()
    await asyncio.gather(crash, return_exceptions=True)
    other = make(found.job)
    assert await other.run_due() == 0
    await run_sql(database, "update nightdesk.wake set claimed_until = now() - interval '1 s'")
    assert await other.run_due() == 1
    assert [run.attempt for run in found.runs] == [2]
    ledger = await other.recent_runs("acme")
    assert [row["status"] for row in ledger] == ["done", "retried"]
    assert "lost" in ledger[1]["error"]["error"]


async def test_a_running_job_renews_its_lease(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary, thief = Diary(), Diary()
    diary.may_end.clear()
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    working = asyncio.ensure_future(jobs.run_due())
    await diary.begun.wait()
    first = (await rows(database))[0]["claimed_until"]
    await until_rows(database, lambda now: now[0]["claimed_until"] > first + timedelta(seconds=0.6))
    assert await make(thief.job).run_due() == 0
    diary.may_end.set()
    await working
    assert (diary.ended, thief.runs, await rows(database)) == (1, [], [])


async def test_a_lease_is_renewed_again_after_the_database_was_away(
    make: MakeJobs, database: Database, clock: ManualClock, database_url: str
) -> None:
    own = Database(command_timeout_s=10, statement_cache=0, connections=3)
    await own.open(database_url)
    diary = Diary()
    diary.may_end.clear()
    jobs = make(diary.job, QUICK.model_copy(update={"lease_s": 1.2}), database=own)
    await arm(jobs, database, clock.now())
    working = asyncio.ensure_future(jobs.run_due())
    await diary.begun.wait()
    await own.close()
    await asyncio.sleep(0.6)
    first = (await rows(database))[0]["claimed_until"]
    await own.open(database_url)
    await until_rows(database, lambda now: now[0]["claimed_until"] > first)
    diary.may_end.set()
    await working
    await own.close()


async def test_a_connection_that_the_server_cuts_is_told_as_unavailable(
    database: Database,
) -> None:
    for _ in range(12):
        with pytest.raises(Unavailable):
            await run_sql(database, "select pg_terminate_backend(pg_backend_pid())")
    assert await rows(database) == []


async def test_a_run_that_lost_its_lease_does_not_free_the_claim_of_the_next(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    frozen, next_one = Diary(RuntimeError("too late")), Diary()
    frozen.may_end.clear()
    next_one.may_end.clear()
    slow = QUICK.model_copy(update={"lease_s": 60.0})
    jobs, other = make(frozen.job, slow), make(next_one.job, slow)
    await arm(jobs, database, clock.now())
    first = asyncio.ensure_future(jobs.run_due())
    await frozen.begun.wait()
    await run_sql(database, "update nightdesk.wake set claimed_until = now() - interval '1 s'")
    second = asyncio.ensure_future(other.run_due())
    await next_one.begun.wait()
    frozen.may_end.set()
    await first
    assert (await rows(database))[0]["claimed_until"] is not None
    next_one.may_end.set()
    await second
    assert await rows(database) == []


async def test_a_failing_job_is_tried_again_ever_later_and_then_given_up(
    make: MakeJobs, database: Database, clock: ManualClock, bus: Bus
) -> None:
    failures = [RuntimeError("guest's words")] * 8
    diary, told = Diary(*failures), Told(bus)
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    waits = []
    for _ in range(7):
        assert await jobs.run_due() == 1
        assert await jobs.run_due() == 0
        waits.append(((await rows(database))[0]["due_at"] - clock.now()).total_seconds())
        clock.advance(waits[-1])
        assert told.of == []
    for wait, longest in zip(waits, (2, 4, 8, 16, 32, 64, 128), strict=True):
        assert longest * 0.7 <= wait <= longest
    assert await jobs.run_due() == 1
    assert [run.attempt for run in diary.runs] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert told.of == [JobFailed(tenant_id="acme", kind="chat.send", key="7", error="RuntimeError")]
    clock.advance(86400)
    assert await jobs.run_due() == 0
    assert [row["dead_at"] is not None for row in await rows(database)] == [True]
    ledger = await jobs.recent_runs("acme", only_failed=True)
    assert [row["status"] for row in ledger] == ["dead", *["retried"] * 7]
    assert "guest" not in str([dict(row) for row in ledger])


class Told:
    """Hears of jobs that were given up."""

    def __init__(self, bus: Bus) -> None:
        self.of: list[JobFailed] = []
        bus.subscribe(JobFailed, self.on_job_failed)

    async def on_job_failed(self, event: JobFailed) -> None:
        """Keep it."""
        self.of.append(event)


@pytest.mark.parametrize(("retryable", "attempts"), [(False, 1), (True, 2)])
async def test_an_outside_error_is_tried_again_only_where_it_may_be(
    make: MakeJobs, database: Database, clock: ManualClock, bus: Bus,
    retryable: bool, attempts: int,
) -> None:  # fmt: skip
    error = OutsideError("refused", outside="hostaway", retryable=retryable)
    diary, told = Diary(error), Told(bus)
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    for _ in range(3):
        await jobs.run_due()
        clock.advance(60)
    assert len(diary.runs) == attempts
    expected = [] if retryable else ["OutsideError: refused"]
    assert [event.error for event in told.of] == expected


@pytest.mark.parametrize("error", [NotFound("it is gone"), Conflict("moved on")])
async def test_a_job_that_finds_nothing_to_do_is_done(
    make: MakeJobs, database: Database, clock: ManualClock, error: Exception
) -> None:
    jobs = make(Diary(error).job)
    await arm(jobs, database, clock.now())
    await jobs.run_due()
    assert await rows(database) == []
    assert [row["status"] for row in await jobs.recent_runs("acme")] == ["done"]


async def test_a_job_that_takes_too_long_is_cut_and_tried_again(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    diary.may_end.clear()
    jobs = make(diary.job, QUICK.model_copy(update={"job_timeout_s": 0.05}))
    await arm(jobs, database, clock.now())
    await jobs.run_due()
    ledger = await jobs.recent_runs("acme")
    assert [(row["status"], row["error"]["error"]) for row in ledger] == [
        ("retried", "TimeoutError")
    ]
    assert diary.ended == 0


async def test_a_job_that_names_a_moment_runs_again_then_with_all_its_attempts(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    later = clock.now() + timedelta(hours=1)
    diary = Diary(RuntimeError(), later)
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    await jobs.run_due()
    clock.advance(5)
    await jobs.run_due()
    row = (await rows(database))[0]
    assert (row["due_at"], row["attempts"], row["claimed_until"]) == (later, 0, None)
    clock.set(later)
    await jobs.run_due()
    assert [run.attempt for run in diary.runs] == [1, 2, 1]


async def test_counts_and_trace_stand_in_the_ledger(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    telemetry, seen = Telemetry(TelemetrySettings()), []

    async def count(run: JobRun) -> None:
        run.counts["rows"] = 3
        seen.append(current_trace_id())

    jobs = make(count)
    with telemetry.span("webhook"):
        trace = current_trace_id()
        await arm(jobs, database, clock.now())
    await jobs.run_due()
    ledger = (await jobs.recent_runs())[0]
    assert seen == [trace]
    assert (ledger["counts"], ledger["trace_id"]) == ({"rows": 3}, trace)


async def test_standing_work_is_told_of_but_never_given_up(
    make: MakeJobs, database: Database, clock: ManualClock, bus: Bus
) -> None:
    diary, told = Diary(*[RuntimeError()] * 8), Told(bus)
    jobs = make({Job.RECENT_SYNC: diary.job})
    await arm(jobs, database, clock.now(), kind=Job.RECENT_SYNC)
    for _ in range(9):
        await jobs.run_due()
        clock.advance(301)
    assert len(diary.runs) == 9
    assert len(told.of) == 1


async def test_standing_work_waits_longer_where_trying_again_is_no_use(
    make: MakeJobs, database: Database, clock: ManualClock, bus: Bus
) -> None:
    refused = OutsideError("the secret is wrong", outside="hostaway", retryable=False)
    diary, told = Diary(refused, refused), Told(bus)
    jobs = make({Job.UNREAD_SYNC: diary.job})
    await arm(jobs, database, clock.now(), kind=Job.UNREAD_SYNC)
    await jobs.run_due()
    clock.advance(299)
    assert await jobs.run_due() == 0
    clock.advance(1)
    assert await jobs.run_due() == 1
    assert len(told.of) == 1
    assert Job.SEND not in STANDING


async def test_arming_unless_armed_leaves_an_arming_alone(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    jobs = make(Diary().job)
    later = clock.now() + timedelta(hours=2)
    await arm(jobs, database, later)
    await _arm_unless_armed(jobs, database, clock)
    assert [(row["due_at"], row["generation"]) for row in await rows(database)] == [(later, 1)]


async def test_arming_unless_armed_wakes_what_was_given_up(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary(OutsideError("no", outside="x", retryable=False))
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    await jobs.run_due()
    await _arm_unless_armed(jobs, database, clock)
    assert await jobs.run_due() == 1
    assert await rows(database) == []


async def _arm_unless_armed(jobs: Jobs, database: Database, clock: ManualClock) -> None:
    async with (await database.tenant("acme")).transaction() as conn:
        await jobs.arm_unless_armed(
            conn, tenant_id="acme", kind=Job.SEND, key=7, due_at=clock.now()
        )


async def test_a_disarmed_job_does_not_run(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    async with (await database.tenant("acme")).transaction() as conn:
        await jobs.disarm(conn, tenant_id="acme", kind=Job.SEND, key=7)
    assert await jobs.run_due() == 0
    assert diary.runs == []


async def test_a_given_up_job_runs_again_once_revived(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary(OutsideError("no", outside="x", retryable=False))
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    await jobs.run_due()
    assert await jobs.revive("other") == 0
    assert await jobs.revive("acme") == 1
    assert await jobs.revive("acme") == 0
    await jobs.run_due()
    assert [run.attempt for run in diary.runs] == [1, 1]
    assert await rows(database) == []


async def test_kinds_that_only_another_release_knows_are_left_to_it(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    jobs = make(diary.job)
    await run_sql(
        database,
        """insert into nightdesk.wake (tenant_id, kind, key, generation, due_at)
           select 'acme', 'chat.sing', n::text, 1, '2020-01-01' from generate_series(1, 300) n""",
    )
    await arm(jobs, database, clock.now())
    await jobs.run("acme", "chat.sing", "1", 1)
    await jobs.run("acme", Job.PURGE, "daily", 1)
    assert await jobs.run_due() == 1
    assert len(diary.runs) == 1
    left = await rows(database)
    assert {(row["kind"], row["attempts"], row["claimed_until"]) for row in left} == {
        ("chat.sing", 0, None)
    }


async def test_a_job_whose_database_goes_away_is_found_again(
    make: MakeJobs, database: Database, clock: ManualClock, background: Background,
    database_url: str,
) -> None:  # fmt: skip
    runs = []
    own = Database(command_timeout_s=10, statement_cache=0, connections=3)
    await own.open(database_url)

    async def lose_the_database(run: JobRun) -> None:
        runs.append(run.attempt)
        if len(runs) == 1:
            await own.close()

    jobs = make(lose_the_database, database=own)
    await arm(jobs, database, clock.now())
    background.spawn("sweep", jobs.sweep())
    await until(lambda: runs == [1])
    await asyncio.sleep(0.1)
    assert (await rows(database))[0]["claimed_until"] is not None
    await own.open(database_url)
    await until_rows(database, lambda now: now == [])
    assert runs == [1, 2]
    await background.cancel()
    await own.close()


async def test_a_slow_job_does_not_keep_the_sweep_from_finding_others(
    make: MakeJobs, database: Database, clock: ManualClock, background: Background
) -> None:
    slow, quick = Diary(), Diary()
    slow.may_end.clear()
    jobs = make({Job.SEND: slow.job, Job.REPLY: quick.job})
    await arm(jobs, database, clock.now())
    background.spawn("sweep", jobs.sweep())
    await slow.begun.wait()
    await arm(jobs, database, clock.now(), kind=Job.REPLY)
    await until(lambda: quick.ended == 1)
    assert (len(slow.runs), slow.ended) == (1, 0)
    slow.may_end.set()
    await until_rows(database, lambda now: now == [])


async def test_a_reply_is_sent_however_many_threads_are_thought_about(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    thinking, sending = Diary(), Diary()
    thinking.may_end.clear()
    one_slot = QUICK.model_copy(update={"max_jobs": 1})
    jobs = make({Job.REPLY: thinking.job, Job.SEND: sending.job}, one_slot)
    await arm(jobs, database, clock.now(), kind=Job.REPLY)
    working = asyncio.ensure_future(jobs.run_due())
    await thinking.begun.wait()
    await arm(jobs, database, clock.now())
    await jobs.run("acme", Job.SEND, "7", 1)
    assert (sending.ended, thinking.ended) == (1, 0)
    thinking.may_end.set()
    await working


async def test_a_run_that_waits_for_a_slot_has_claimed_nothing(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    diary.may_end.clear()
    jobs = make(
        {Job.REPLY: diary.job, Job.ALERT: diary.job}, QUICK.model_copy(update={"max_jobs": 1})
    )
    await arm(jobs, database, clock.now(), kind=Job.REPLY)
    first = asyncio.ensure_future(jobs.run_due())
    await diary.begun.wait()
    await arm(jobs, database, clock.now(), kind=Job.ALERT)
    second = asyncio.ensure_future(jobs.run("acme", Job.ALERT, "7", 1))
    await asyncio.sleep(0.05)
    assert {row["kind"]: row["attempts"] for row in await rows(database)} == {
        Job.ALERT: 0, Job.REPLY: 1,
    }  # fmt: skip
    diary.may_end.set()
    await asyncio.gather(first, second)


async def test_a_process_that_starts_alone_takes_over_what_the_one_before_left_at_once(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    lost, found = Diary(), Diary()
    lost.may_end.clear()
    jobs = make(lost.job, QUICK.model_copy(update={"lease_s": 60.0}))
    await arm(jobs, database, clock.now())
    crash = asyncio.ensure_future(jobs.run_due())
    await lost.begun.wait()
    crash.cancel()
    await asyncio.gather(crash, return_exceptions=True)
    restarted = make(found.job)
    await restarted.reclaim()
    ledger = await restarted.recent_runs("acme")
    assert [row["status"] for row in ledger] == ["retried"]
    assert await restarted.run_due() == 1
    assert found.ended == 1


async def test_what_happens_under_a_claim_is_refused_once_another_run_has_it(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    outcomes: list[str] = []

    async def slow(run: JobRun) -> None:
        await run_sql(database, "update nightdesk.wake set claimed_until = now() - interval '1 s'")
        async with (await database.tenant("acme")).transaction() as conn:
            await jobs.hold(conn, run)
        outcomes.append("nobody else has it")
        await run_sql(database, "update nightdesk.wake set attempts = attempts + 1")
        async with (await database.tenant("acme")).transaction() as conn:
            await jobs.hold(conn, run)

    jobs = make(slow)
    await arm(jobs, database, clock.now())
    await jobs.run_due()
    assert outcomes == ["nobody else has it"]
    assert [row["status"] for row in await jobs.recent_runs("acme")] == ["done"]


async def test_work_that_was_given_up_is_followed_up_by_a_job_that_no_crash_loses(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    refused = OutsideError("refused", outside="hostaway", retryable=False)
    mourner = Diary()
    jobs = make({Job.REPLY: Diary(refused).job, Job.GIVEN_UP: mourner.job})
    await arm(jobs, database, clock.now(), kind=Job.REPLY)
    await jobs.run_due()
    assert await jobs.last_error("acme", Job.REPLY, "7") == "OutsideError: refused"
    await jobs.run_due()
    assert [run.key for run in mourner.runs] == ["chat.reply:7"]


async def test_the_sweep_survives_what_nobody_foresaw(
    make: MakeJobs, database: Database, clock: ManualClock, background: Background
) -> None:
    diary = Diary()
    jobs = make(diary.job)
    await run_sql(database, "alter table nightdesk.wake rename to asleep")
    background.spawn("sweep", jobs.sweep())
    await asyncio.sleep(0.2)
    await run_sql(database, "alter table nightdesk.asleep rename to wake")
    await arm(jobs, database, clock.now())
    await until(lambda: diary.ended == 1)


async def test_draining_waits_for_what_runs_and_takes_nothing_new(
    make: MakeJobs, database: Database, clock: ManualClock
) -> None:
    diary = Diary()
    diary.may_end.clear()
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    working = asyncio.ensure_future(jobs.run_due())
    await diary.begun.wait()
    draining = asyncio.ensure_future(jobs.drain(5.0))
    await asyncio.sleep(0)
    await arm(jobs, database, clock.now(), kind=Job.REPLY)
    await jobs.run_due()
    assert not draining.done()
    diary.may_end.set()
    await draining
    assert diary.ended == 1
    await working
    assert [row["kind"] for row in await rows(database)] == [Job.REPLY]


async def test_draining_is_bounded(make: MakeJobs, database: Database, clock: ManualClock) -> None:
    diary = Diary()
    diary.may_end.clear()
    jobs = make(diary.job)
    await arm(jobs, database, clock.now())
    working = asyncio.ensure_future(jobs.run_due())
    await diary.begun.wait()
    async with asyncio.timeout(5):
        await jobs.drain(0.05)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert diary.ended == 0


# -- with a real Valkey ------------------------------------------------------------------------


@pytest.fixture
async def valkey() -> AsyncIterator[tuple[EmbeddedServers, Path]]:
    """A Valkey of the test's own, to be ill-treated, and its data directory."""
    folder = Path(tempfile.mkdtemp(prefix="nightdesk-vk-"))
    servers = EmbeddedServers(
        data_dir=folder,
        postgres_bin_dir=None,
        redis_bin=None,
        wants_postgres=False,
        wants_redis=True,
    )
    yield servers, folder
    await servers.stop()
    shutil.rmtree(folder, ignore_errors=True)


SELDOM = QUICK.model_copy(update={"sweep_s": 600.0})
"""Nothing is found by the sweep while a test lasts."""
Connected = Callable[[JobFunction, str], Awaitable[Jobs]]


@pytest.fixture
async def worker(make: MakeJobs, background: Background) -> AsyncIterator[Connected]:
    """Makes runners with arq's worker at work, real time, and no help of a sweep."""
    made: list[Jobs] = []

    async def connected(function: JobFunction, url: str) -> Jobs:
        jobs = make(function, SELDOM, clock=Clock())
        await jobs.connect(url)
        background.spawn("worker", jobs.work())
        made.append(jobs)
        return jobs

    yield connected
    for jobs in made:
        await jobs.drain(5.0)
    await background.cancel()
    for jobs in made:
        await jobs.close()


async def test_an_armed_job_is_run_by_the_queue_without_a_sweep(
    worker: Connected, database: Database, embedded_urls: ServerUrls
) -> None:
    diary = Diary(None, Clock().now() + timedelta(seconds=0.3))
    jobs = await worker(diary.job, embedded_urls.redis_url or "")
    await arm(jobs, database, Clock().now())
    await until(lambda: diary.ended == 1)
    await until_rows(database, lambda now: now == [])
    await arm(jobs, database, Clock().now() + timedelta(seconds=0.2))
    await until(lambda: diary.ended == 3)
    await until_rows(database, lambda now: now == [])


async def test_what_was_armed_before_a_start_is_run_in_time_without_a_sweep(
    make: MakeJobs, worker: Connected, database: Database, embedded_urls: ServerUrls
) -> None:
    await arm(make(Diary().job), database, Clock().now() + timedelta(seconds=0.3))
    diary = Diary()
    jobs = await worker(diary.job, embedded_urls.redis_url or "")
    await jobs.hurry_coming()
    await until(lambda: diary.ended == 1)


async def test_the_worker_survives_a_killed_valkey_and_the_sweep_finds_what_it_lost(
    worker: Connected,
    make: MakeJobs,
    database: Database,
    valkey: tuple[EmbeddedServers, Path],
) -> None:
    servers, data_dir = valkey
    urls = await servers.start()
    diary = Diary()
    jobs = await worker(diary.job, urls.redis_url or "")
    await arm(jobs, database, Clock().now())
    await until(lambda: diary.ended == 1)
    diary.begun.clear()
    diary.may_end.clear()
    await arm(jobs, database, Clock().now())
    await diary.begun.wait()
    _kill(data_dir)
    await arm(jobs, database, Clock().now(), kind=Job.REPLY)
    await asyncio.sleep(0.3)
    diary.may_end.set()
    await until(lambda: diary.ended == 2)
    assert await servers.ensure() == ["Valkey"]
    swept = Diary()
    assert await make({Job.REPLY: swept.job}, clock=Clock()).run_due() == 1
    await until_rows(database, lambda now: now == [])
    await arm(jobs, database, Clock().now())
    await until(lambda: diary.ended == 3, within_s=15.0)
    assert len(diary.runs) == 3


def _kill(data_dir: Path) -> None:
    known = json.loads((data_dir / PUBLISHED).read_text())
    os.kill(known["servers"][0]["pid"], signal.SIGKILL)


async def test_an_emptied_valkey_loses_nothing(
    worker: Connected, make: MakeJobs, database: Database, embedded_urls: ServerUrls
) -> None:
    url = embedded_urls.redis_url or ""
    diary = Diary()
    jobs = await worker(diary.job, url)
    due = Clock().now() + timedelta(seconds=0.5)
    async with redis.asyncio.Redis.from_url(url) as queue:
        await queue.flushall()
        await arm(jobs, database, due)
        async with asyncio.timeout(5):
            while await queue.zcard(QUEUE) == 0:
                await asyncio.sleep(0.01)
        await queue.flushall()
    await asyncio.sleep(0.6)
    assert diary.runs == []
    assert await make(diary.job, clock=Clock()).run_due() == 1
    await arm(jobs, database, Clock().now())
    await until(lambda: diary.ended == 2)


async def test_draining_waits_for_the_queues_jobs_too(
    worker: Connected, database: Database, embedded_urls: ServerUrls
) -> None:
    diary = Diary()
    diary.may_end.clear()
    jobs = await worker(diary.job, embedded_urls.redis_url or "")
    await arm(jobs, database, Clock().now())
    await diary.begun.wait()
    draining = asyncio.ensure_future(jobs.drain(5.0))
    await asyncio.sleep(0.05)
    assert not draining.done()
    diary.may_end.set()
    await draining
    assert (diary.ended, await rows(database)) == (1, [])


async def test_a_queue_that_cannot_be_reached_is_named(
    make: MakeJobs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="arq")
    jobs = make(Diary().job)
    with pytest.raises(BadInput, match="redis://"):
        await jobs.connect("http://nowhere")
    with pytest.raises(BadInput, match="redis://"):
        await jobs.connect("redis://host/seven")
