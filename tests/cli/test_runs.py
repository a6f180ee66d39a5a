"""`nightdesk runs`."""

import pytest

from app.cli.connection import Desk
from tests.cli.conftest import Terminal


@pytest.fixture
def failed_sync(acme: Terminal) -> Terminal:
    """One run went well, one job was given up."""

    async def run(desk: Desk) -> None:
        now = desk.clock.now()
        async with desk.database.shared().transaction() as conn:
            for status, counts, error in (
                ("done", {"listings": 30}, None),
                ("dead", {}, {"error": "HostawayError: the token was refused"}),
            ):
                await conn.execute(
                    """insert into nightdesk.job_runs
                       (tenant_id, kind, key, status, started_at, duration_ms, counts, error)
                       values ('acme', 'pms.full_sync', '1', $1, $2, 40, $3, $4)""",
                    status, now, counts, error,
                )  # fmt: skip
            await conn.execute(
                """insert into nightdesk.wake (tenant_id, kind, key, due_at, attempts, dead_at)
                   values ('acme', 'pms.full_sync', '1', $1, 5, $1)""",
                now,
            )

    acme.desk(run)
    return acme


def test_runs_show_what_was_done_and_why_it_failed(failed_sync: Terminal) -> None:
    said = failed_sync.says("runs")
    assert "listings=30" in said
    assert "the token was refused" in said


def test_only_failed_runs_are_shown_when_asked_for(failed_sync: Terminal) -> None:
    assert [r["status"] for r in failed_sync.json("runs", "--failed", "--tenant", "acme")] == [
        "dead"
    ]
    assert len(failed_sync.json("runs", "--limit", "1")) == 1
    assert failed_sync.says("runs", "--tenant", "other") == "no runs\n"


def test_given_up_jobs_run_again(failed_sync: Terminal) -> None:
    said = failed_sync.says("runs", "revive", "acme")
    assert said == "1 given-up jobs of acme will run again\n"
    assert failed_sync.says("runs", "revive", "acme").startswith("0 ")
    assert failed_sync.type("runs", "revive", "other").exit_code == 1
