"""One tenant's flood and another's single message: the order of starts, not the clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from app.background import Background
from app.bus import Bus
from app.clock import Clock
from app.db import Database
from app.embedded import ServerUrls
from app.jobs import BATCH, Job, JobRun, Jobs
from app.settings import JobSettings, TelemetrySettings
from app.telemetry import Telemetry
from app.tenants import Tenants

SELDOM = JobSettings(poll_s=0.02, sweep_s=600.0, max_jobs=10)
"""Nothing is found by the sweep while a test lasts."""
FLOOD = 500


class Starts:
    """A job function that notes who started, and lets only so many end."""

    def __init__(self) -> None:
        self.of: list[str] = []
        self.gate = asyncio.Semaphore(0)

    async def job(self, run: JobRun) -> datetime | None:
        self.of.append(run.tenant_id)
        await self.gate.acquire()
        return None

    def let_end(self, count: int) -> None:
        for _ in range(count):
            self.gate.release()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.fixture
async def two(tenants: Tenants) -> None:
    """A tenant that will be flooded and one that is quiet."""
    for name in ("loud", "quiet"):
        await tenants.add(name, name)


MakeJobs = Callable[..., Awaitable[Jobs]]


@pytest.fixture
async def working(
    database: Database, bus: Bus, background: Background, embedded_urls: ServerUrls, two: None
) -> AsyncIterator[MakeJobs]:
    """Makes a runner with arq's worker at work."""
    made: list[Jobs] = []

    async def make(function: Callable[[JobRun], Awaitable[datetime | None]]) -> Jobs:
        jobs = Jobs(
            database=database, bus=bus, clock=Clock(), background=background,
            telemetry=Telemetry(TelemetrySettings()), settings=SELDOM,
        )  # fmt: skip
        jobs.register({Job.REPLY: function, Job.RECENT_SYNC: function})
        await jobs.connect(embedded_urls.redis_url or "")
        background.spawn("worker", jobs.work())
        made.append(jobs)
        return jobs

    yield make
    for jobs in made:
        await jobs.drain(5.0)
    await background.cancel()
    for jobs in made:
        await jobs.close()


async def arm(
    jobs: Jobs, database: Database, tenant_id: str, count: int = 1, kind: Job = Job.REPLY
) -> None:
    """So many jobs of a tenant are due in a moment."""
    due_at = Clock().now() + timedelta(seconds=0.2)
    async with (await database.tenant(tenant_id)).transaction() as conn:
        for key in range(count):
            await jobs.arm(conn, tenant_id=tenant_id, kind=kind, key=key, due_at=due_at)


async def test_behind_a_flood_of_due_jobs_another_tenants_one_starts_at_once(
    working: MakeJobs, database: Database
) -> None:
    starts = Starts()
    jobs = await working(starts.job)
    await arm(jobs, database, "loud", FLOOD)
    await until(lambda: len(starts.of) == 7)
    await arm(jobs, database, "quiet")
    await until(lambda: "quiet" in starts.of)
    assert starts.of == ["loud"] * 7 + ["quiet"]
    starts.let_end(FLOOD)


async def test_a_flood_is_worked_off_to_its_end_without_a_sweep(
    working: MakeJobs, database: Database
) -> None:
    starts, count = Starts(), BATCH + 50
    starts.let_end(count)
    jobs = await working(starts.job)
    await arm(jobs, database, "loud", count)
    await until(lambda: len(starts.of) == count)


async def test_in_a_backlog_found_by_the_sweep_every_tenant_has_its_place(
    working: MakeJobs, database: Database
) -> None:
    """What a restart, or a lost queue, leaves: due long ago, the flood's first of all."""
    starts = Starts()
    left = await working(starts.job)
    await left.drain(1.0)
    await arm(left, database, "loud", FLOOD)
    await arm(left, database, "quiet", 3)
    await asyncio.sleep(0.3)
    again = await working(starts.job)
    await again.look()
    await until(lambda: len(starts.of) == 9)
    assert starts.of.count("quiet") >= 2
    starts.let_end(FLOOD)


async def test_passes_over_the_pms_leave_guests_work_its_slots(
    working: MakeJobs, database: Database
) -> None:
    starts = Starts()
    jobs = await working(starts.job)
    await arm(jobs, database, "loud", 50, Job.RECENT_SYNC)
    await until(lambda: len(starts.of) == 2)
    await arm(jobs, database, "loud", 20)
    await until(lambda: len(starts.of) == 2 + 7)
    starts.let_end(70)
    await until(lambda: len(starts.of) == 70)
