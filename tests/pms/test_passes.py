import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.errors import OutsideError
from app.jobs import Job, JobRun
from app.pms import store
from app.pms.passes import MOST_ROWS, Passes
from app.settings import SyncSettings
from app.tenants import Tenant, Tenants
from tests.fakes import refused
from tests.make import raw_listing, raw_reservation
from tests.rooms import Rooms

AWAY = OutsideError("away", outside="hostaway", retryable=True)


def run_of(rooms: Rooms, kind: Job) -> JobRun:
    key = str(rooms.account.id)
    return JobRun(tenant_id="acme", kind=kind, key=key, generation=1, attempt=1)


def add(rooms: Rooms, *ids: int, **fields: Any) -> None:
    for number in ids:
        rooms.hostaway.reservation_rows[str(number)] = raw_reservation(id=number, **fields)


async def mirrored(rooms: Rooms) -> list[str]:
    rows = await rooms.rows("select external_id from {schema}.reservations order by external_id")
    return [row["external_id"] for row in rows]


async def test_a_full_pass_mirrors_listings_and_reservations(rooms: Rooms) -> None:
    rooms.hostaway.listing_rows["7"] = raw_listing(id=7)
    add(rooms, 5001, 5002, 5003)
    run = run_of(rooms, Job.FULL_SYNC)
    again_at = await rooms.passes.full_sync(run)
    assert again_at is not None
    assert (again_at - rooms.clock.now()).total_seconds() == 86400
    assert run.counts == {"listings": 2, "reservations": 4}
    assert await mirrored(rooms) == ["5000", "5001", "5002", "5003"]


async def test_a_pass_that_broke_goes_on_where_it_was(rooms: Rooms) -> None:
    add(rooms, 5001, 5002, 5003, 5004)
    rooms.hostaway.will_fail("page", None, AWAY)
    with pytest.raises(OutsideError):
        await rooms.passes.full_sync(run_of(rooms, Job.FULL_SYNC))
    assert await mirrored(rooms) == ["5000", "5003", "5004"]
    rooms.hostaway.asked.clear()
    await rooms.passes.full_sync(run_of(rooms, Job.FULL_SYNC))
    assert rooms.hostaway.asked == ["reservations after 5003"]
    assert await mirrored(rooms) == ["5000", "5001", "5002", "5003", "5004"]
    rooms.hostaway.asked.clear()
    await rooms.passes.full_sync(run_of(rooms, Job.FULL_SYNC))
    assert "reservations after None" in rooms.hostaway.asked


async def test_rows_that_cannot_be_read_are_left_out(rooms: Rooms) -> None:
    add(rooms, 5001, listingMapId="soon")
    add(rooms, 5002, guestName="a\x00b", channelId=10**15)
    rooms.hostaway.listing_rows["x"] = {"id": None}
    await rooms.passes.full_sync(run_of(rooms, Job.FULL_SYNC))
    assert await mirrored(rooms) == ["5000", "5002"]


@pytest.mark.parametrize("bad", [None, "x", [], -1, 1.5])
async def test_a_last_row_without_an_id_does_not_stop_a_pass(rooms: Rooms, bad: Any) -> None:
    add(rooms, 4000)
    rooms.hostaway.page_size = 10

    async def pages(*_: Any, **__: Any) -> AsyncIterator[list[dict[str, Any]]]:
        yield [*rooms.hostaway.reservation_rows.values(), {**raw_reservation(), "id": bad}]

    rooms.hostaway.reservations = pages  # type: ignore[method-assign]
    run = run_of(rooms, Job.FULL_SYNC)
    assert await rooms.passes.full_sync(run) is not None
    assert await mirrored(rooms) == ["4000", "5000"]
    assert await rooms.passes.recent_sync(run_of(rooms, Job.RECENT_SYNC)) is not None


async def test_a_full_pass_without_an_end_is_left_and_begins_anew(rooms: Rooms) -> None:
    async def pages(*_: Any, **__: Any) -> AsyncIterator[list[dict[str, Any]]]:
        for number in itertools.count(9_000_000, -1):
            yield [raw_reservation(id=number)]

    rooms.hostaway.reservations = pages  # type: ignore[method-assign]
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        place = {"after_id": "9000001", "walked": MOST_ROWS - 5}
        await store.set_state(conn, f"full_sync:{rooms.account.id}", place, rooms.clock.now())
    run = run_of(rooms, Job.FULL_SYNC)
    assert await rooms.passes.full_sync(run) == rooms.clock.now() + timedelta(days=1)
    assert run.counts["reservations"] == 6
    async with door.transaction() as conn:
        assert (await store.state(conn, f"full_sync:{rooms.account.id}") or ("",))[0] == {}


async def test_a_look_for_activity_without_an_end_acts_on_what_it_saw(rooms: Rooms) -> None:
    async def pages(*_: Any, **__: Any) -> AsyncIterator[list[dict[str, Any]]]:
        stamp = f"{rooms.clock.now():%Y-%m-%d %H:%M:%S}"
        for number in itertools.count(9_000_000, -1):
            yield [raw_reservation(id=number, latestActivityOn=stamp)]

    rooms.hostaway.reservations = pages  # type: ignore[method-assign]
    client: Any = rooms.hostaway
    impatient = Passes(
        database=rooms.database, tenants=rooms.tenants, client=client, clock=rooms.clock,
        jobs=rooms.jobs, conversations=rooms.conversations, mirror=rooms.mirror,
        settings=SyncSettings(), public_url="", chunk_s=0.0,
    )  # fmt: skip
    run = run_of(rooms, Job.RECENT_SYNC)
    await impatient.recent_sync(run)
    assert run.counts == {"reservations": 1, "threads": 1, "cut_short": 1}


async def test_the_webhook_is_left_alone_where_nobody_can_reach_us(rooms: Rooms) -> None:
    await rooms.passes.full_sync(run_of(rooms, Job.FULL_SYNC))
    assert rooms.hostaway.webhooks == []


async def test_the_webhook_is_made_sure_of_where_we_have_a_public_url(
    database: Database,
    tenants: Tenants,
    tenant: Tenant,
    bus: Bus,
    clock: ManualClock,
    background: Background,
) -> None:
    rooms = Rooms(
        database=database, tenants=tenants, bus=bus, clock=clock, background=background,
        public_url="https://desk.example/",
    )  # fmt: skip
    await rooms.move_in(tenant)
    await rooms.passes.full_sync(run_of(rooms, Job.FULL_SYNC))
    key = rooms.account.account_key
    assert rooms.hostaway.webhooks == [f"https://desk.example/webhook/hostaway/{key}"]


async def test_custom_fields_may_be_named_by_their_variable(rooms: Rooms) -> None:
    await rooms.set(pms__custom_fields=["reservation_gate=gate:secret"])
    rooms.hostaway.definitions = [{"id": 201, "varName": "reservation_gate"}]
    add(rooms, 5001, customFieldValues=[{"customFieldId": 201, "value": "7788"}])
    await rooms.passes.full_sync(run_of(rooms, Job.FULL_SYNC))
    (row,) = await rooms.rows("select gated from {schema}.reservations where external_id = '5001'")
    assert rooms.tenant.keyring.open_mapping(row["gated"])["secrets"] == {  # type: ignore[comparison-overlap]
        "door_code": "48151",
        "gate": "7788",
    }


async def test_words_that_no_webhook_brought_are_found_and_answered(rooms: Rooms) -> None:
    rooms.clock.advance(10)
    rooms.hostaway.add_message("From what time can we check in?")
    run = run_of(rooms, Job.UNREAD_SYNC)
    await rooms.passes.unread_sync(run)
    assert run.counts["threads"] == 1
    await rooms.works()
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1


async def test_more_threads_than_a_pass_looks_at_are_not_left_waiting(rooms: Rooms) -> None:
    rooms.hostaway.page_size = 100
    for number in range(60):
        add(rooms, 6000 + number)
        rooms.hostaway.add_thread(str(100 + number), str(6000 + number))
        rooms.hostaway.add_message("Hi", thread=str(100 + number))
    run = run_of(rooms, Job.UNREAD_SYNC)
    again_at = await rooms.passes.unread_sync(run)
    assert again_at is not None
    assert (run.counts["threads"], (again_at - rooms.clock.now()).total_seconds()) == (50, 10)


@pytest.mark.parametrize("kind", [Job.RECENT_SYNC, Job.UNREAD_SYNC])
async def test_activity_that_no_webhook_told_of_has_its_thread_found_and_answered(
    rooms: Rooms, kind: Job
) -> None:
    rooms.hostaway.tells_times = False
    rooms.clock.advance(10)
    rooms.hostaway.add_message("From what time can we check in?")
    rooms.hostaway.unread.add("5000")
    rooms.hostaway.reservation_rows["5000"]["latestActivityOn"] = "2026-04-13 12:00:10"
    passing = {Job.RECENT_SYNC: rooms.passes.recent_sync, Job.UNREAD_SYNC: rooms.passes.unread_sync}
    run = run_of(rooms, kind)
    await passing[kind](run)
    assert run.counts["threads"] == 1
    assert (await rooms.due())[Job.FIND_THREAD] == 0
    await rooms.works()
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1


async def test_a_message_is_found_although_its_reservation_is_already_known(rooms: Rooms) -> None:
    rooms.hostaway.tells_times = False
    rooms.clock.advance(10)
    rooms.hostaway.add_message("From what time can we check in?")
    rooms.hostaway.unread.add("5000")
    await rooms.changes(latestActivityOn="2026-04-13 12:00:10")
    run = run_of(rooms, Job.UNREAD_SYNC)
    await rooms.passes.unread_sync(run)
    assert run.counts["threads"] == 1


async def test_a_thread_that_was_looked_at_is_left_in_peace(rooms: Rooms) -> None:
    rooms.hostaway.tells_times = False
    await rooms.writes("From what time can we check in?")
    rooms.hostaway.unread.add("5000")
    rooms.hostaway.reservation_rows["5000"]["latestActivityOn"] = "2026-04-13 12:00:00"
    await rooms.passes_time(120)
    for kind, work in (
        (Job.RECENT_SYNC, rooms.passes.recent_sync),
        (Job.UNREAD_SYNC, rooms.passes.unread_sync),
    ):
        run = run_of(rooms, kind)
        await work(run)
        assert run.counts["threads"] == 0


async def test_activity_from_before_going_live_is_history(rooms: Rooms) -> None:
    rooms.hostaway.tells_times = False
    rooms.hostaway.unread.add("5000")
    run = run_of(rooms, Job.UNREAD_SYNC)
    await rooms.passes.unread_sync(run)
    assert run.counts["threads"] == 0


async def test_of_many_threads_each_is_looked_at_in_the_end(rooms: Rooms) -> None:
    rooms.hostaway.tells_times = False
    add(rooms, *range(6000, 6030), latestActivityOn="2026-04-13 12:00:05")
    rooms.hostaway.page_size = 100
    rooms.hostaway.unread |= {str(number) for number in range(6000, 6030)}
    for number in range(6000, 6030):
        rooms.hostaway.add_thread(str(number), str(number))
    for _ in range(3):
        rooms.clock.advance(180)
        await rooms.passes.unread_sync(run_of(rooms, Job.UNREAD_SYNC))
        await rooms.works()
    rows = await rooms.rows(
        "select count(*) as n from {schema}.reservations where thread_read_at is not null"
    )
    assert rows[0]["n"] == 30


async def test_a_webhooks_reservation_is_fetched_with_its_listing(rooms: Rooms) -> None:
    rooms.hostaway.listing_rows["7"] = raw_listing(id=7)
    add(rooms, 5001, listingMapId=7)
    run = JobRun(
        tenant_id="acme", kind=Job.RESERVATION, key=f"{rooms.account.id}:5001", generation=1,
        attempt=1,
    )  # fmt: skip
    await rooms.passes.fetch_reservation(run)
    assert await mirrored(rooms) == ["5000", "5001"]
    rows = await rooms.rows("select external_id from {schema}.listings order by 1")
    assert [row["external_id"] for row in rows] == ["1042", "7"]


async def test_scheduling_twice_arms_each_pass_once(rooms: Rooms) -> None:
    for is_start in (True, False):
        async with (await rooms.database.tenant("acme")).transaction() as conn:
            await rooms.passes.schedule(conn, rooms.tenant, is_start=is_start)
    assert set(await rooms.due()) == {Job.FULL_SYNC, Job.RECENT_SYNC, Job.UNREAD_SYNC}


async def test_at_the_start_lost_events_are_looked_for_soon(rooms: Rooms) -> None:
    for is_start in (False, True):
        async with (await rooms.database.tenant("acme")).transaction() as conn:
            await rooms.passes.schedule(conn, rooms.tenant, is_start=is_start)
        rooms.clock.advance(60)
    assert await rooms.due() == {Job.FULL_SYNC: -120, Job.UNREAD_SYNC: -60, Job.RECENT_SYNC: -45}


async def test_a_webhook_that_cannot_be_made_does_not_keep_the_mirror_empty(
    database: Database,
    tenants: Tenants,
    tenant: Tenant,
    bus: Bus,
    clock: ManualClock,
    background: Background,
) -> None:
    rooms = Rooms(
        database=database, tenants=tenants, bus=bus, clock=clock, background=background,
        public_url="https://desk.example:8443",
    )  # fmt: skip
    await rooms.move_in(tenant)
    rooms.hostaway.will_fail("ensure_webhook", refused())
    add(rooms, 5001)
    run = run_of(rooms, Job.FULL_SYNC)
    await rooms.passes.full_sync(run)
    assert run.counts["webhooks_refused"] == 1
    assert await mirrored(rooms) == ["5000", "5001"]
