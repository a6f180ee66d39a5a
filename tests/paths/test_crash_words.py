"""Whatever breaks with a guest's values in hand, none of them is told; `tests/net.py` looks too."""

from typing import Any

from app.events import JobFailed
from app.jobs import Job, JobRun
from app.pms.inbox import InboxRow
from app.pms.webhook import MESSAGE
from tests.make import DOOR_CODE, WIFI_PASSWORD
from tests.rooms import Rooms

WORDS = f"Jan Testowy, door {DOOR_CODE}, wifi {WIFI_PASSWORD}"


class Unforeseen(Exception):
    """No error of ours: a library's, with the values it was given."""


async def test_a_job_that_breaks_with_a_code_in_hand_tells_its_kind_alone(rooms: Rooms) -> None:
    told: list[JobFailed] = []

    async def hear(event: JobFailed) -> None:
        told.append(event)

    async def break_down(_: JobRun) -> None:
        raise Unforeseen(WORDS) from KeyError(WORDS)

    rooms.bus.subscribe(JobFailed, hear)
    rooms.jobs.register({Job.REPLY: break_down, Job.GIVEN_UP: rooms.replies.leave_given_up})
    await rooms.writes(f"Is it {DOOR_CODE}?")
    for _ in range(9):
        await rooms.passes_time(600)
    async with rooms.database.shared().transaction() as conn:
        runs = [str(dict(row)) for row in await conn.fetch("select * from nightdesk.job_runs")]
    assert any("dead" in run for run in runs)
    assert [event.error for event in told] == ["Unforeseen"]
    case = await rooms.case()
    assert case is not None
    assert case.brief == "could not be answered: Unforeseen"
    assert_nothing_of_it(runs, told, case)


async def test_an_event_that_breaks_with_a_code_in_hand_tells_its_kind_alone(rooms: Rooms) -> None:
    async def break_down(_conn: Any, _tenant: Any, row: InboxRow) -> None:
        raise Unforeseen(f"{WORDS}, {row.sealed}")

    rooms.inbox.register({MESSAGE: break_down})
    await rooms.writes(f"Is it {DOOR_CODE}?")
    rows = await rooms.rows("select error, envelope::text from {schema}.inbox")
    assert rows[0]["error"] == "Unforeseen"
    assert_nothing_of_it(rows)


def assert_nothing_of_it(*told: Any) -> None:
    for value in (DOOR_CODE, WIFI_PASSWORD, "Jan"):
        assert value not in str(told)
