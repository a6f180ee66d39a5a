"""Going live, and coming back after an outage: whole paths with a tenant of their own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from app.jobs import Job
from tests.paths.house import Guest, House

pytestmark = pytest.mark.asyncio(loop_scope="session")

ACCOUNT = "70002"
OLD_THREADS = 500
CHECK_IN = "From what time can we check in?"


class Company:
    """The tenant that goes live, and what the stand-in saw of it."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def book(self, count: int) -> list[Guest]:
        """New bookings that the product hears of only by its passes."""
        found = await self.house.sim("GET", f"/hostaway/listings?account={ACCOUNT}")
        listings = [row["id"] for row in found["listings"] if not row.get("specialStatus")]
        return [
            await self.house.book(
                account=ACCOUNT, listingMapId=listings[n % len(listings)], webhook=False
            )
            for n in range(count)
        ]

    async def ask(self, guest: Guest, text: str, ago: timedelta, *, webhook: bool = False) -> None:
        """A message of a guest from a while ago."""
        at = f"{self.house.product.clock.now() - ago:%Y-%m-%d %H:%M:%S}"
        await guest.writes(text, date=at, insertedOn=at, updatedOn=at, webhook=webhook)

    async def passes(self) -> None:
        """What finds lost events runs now, and all that follows from it."""
        (account,) = await self.house.product.tenants.accounts("dubai")
        door = await self.house.product.database.tenant("dubai")
        async with door.transaction() as conn:
            for kind in (Job.UNREAD_SYNC, Job.RECENT_SYNC):
                await self.house.product.jobs.arm(
                    conn, tenant_id="dubai", kind=kind, key=account.id,
                    due_at=self.house.product.clock.now(),
                )  # fmt: skip
        await self.quiet()

    async def quiet(self) -> None:
        """Until nothing of this tenant is due or under way."""

        async def is_quiet() -> bool:
            async with self.house.product.database.shared().transaction() as conn:
                busy = await conn.fetchval(
                    """select count(*) from nightdesk.wake
                       where tenant_id = 'dubai' and dead_at is null and due_at < now()
                             + interval '2 seconds' and kind <> 'slack.alert'"""
                )
            open_rows = await self.rows(
                "select count(*) as n from {schema}.inbox where handled_at is null"
            )
            return bool(busy == 0 and open_rows[0]["n"] == 0)

        await asyncio.sleep(0.3)
        await self.house.until(is_quiet, 60)

    async def sent(self) -> list[dict[str, Any]]:
        """What the stand-in received as replies."""
        found = await self.house.sim("GET", f"/hostaway/sent?account={ACCOUNT}")
        return list(found["messages"])

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        async with (await self.house.product.database.tenant("dubai")).transaction() as conn:
            return [dict(row) for row in await conn.fetch(sql)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def old_threads(house: House) -> list[Guest]:
    """An account full of threads that nobody answered, from before anybody is live."""
    company = Company(house)
    guests = await company.book(OLD_THREADS)
    for guest in guests:
        await company.ask(guest, CHECK_IN, timedelta(hours=6))
    return guests


@pytest_asyncio.fixture(loop_scope="session")
async def company(house: House, old_threads: list[Guest]) -> AsyncIterator[Company]:
    """A new tenant that is off, its account mirrored."""
    opened = Company(house)
    await house.product.tenants.add("dubai", "Palm Stays")
    await house.product.tenants.add_account(
        "dubai", external_id=ACCOUNT, client_secret="sim-secret-70002"
    )

    async def is_synced() -> bool:
        runs = await house.product.jobs.recent_runs("dubai")
        return any(r["kind"] == "pms.full_sync" and r["status"] == "done" for r in runs)

    await house.until(is_synced, 60)
    yield opened
    await house.product.tenants.remove("dubai")


async def test_going_live_answers_none_of_five_hundred_old_threads(
    house: House, company: Company, old_threads: list[Guest]
) -> None:
    before = len(await company.sent())
    heard = await company.book(20)
    for guest in heard:
        await company.ask(guest, CHECK_IN, timedelta(minutes=5), webhook=True)
    await company.quiet()
    await house.product.tenants.set_mode("dubai", "on")
    for guest in [*heard[:5], *old_threads[:40]]:
        await company.ask(guest, "Is there parking?", timedelta(minutes=1), webhook=True)
        await house.sim(
            "PATCH", f"/hostaway/reservations/{guest.reservation['id']}", {"doorCode": "4711"}
        )
    for _ in range(4):
        await company.passes()
    looked_at = await company.rows(
        "select count(distinct conversation_id) as n from {schema}.messages"
    )
    assert looked_at[0]["n"] >= 40
    assert len(await company.sent()) == before
    assert await company.rows("select * from {schema}.cases") == []
    await heard[0].writes("Until when must we check out?")
    assert str(heard[0].listing["checkOutTime"]) in await heard[0].reads()
    assert len(await company.sent()) == before + 1
    decisions = await company.rows("select question from {schema}.decisions")
    assert [row["question"] for row in decisions] == ["Until when must we check out?"]
    for guest in [*heard, *old_threads[:40]]:
        await house.sim(
            "POST",
            "/hostaway/human-reply",
            {"reservationId": guest.reservation["id"], "body": "Ola here, all is said."},
        )
    await company.quiet()


async def test_an_outage_of_three_hours_ends_with_a_list_and_not_with_late_answers(
    house: House, company: Company
) -> None:
    await house.product.tenants.set_mode("dubai", "on")
    async with house.product.database.shared().transaction() as conn:
        await conn.execute(
            "update nightdesk.tenants set live_since = $1 where id = 'dubai'",
            house.product.clock.now() - timedelta(hours=5),
        )
    await house.product.tenants.set("dubai", {})
    before = len(await company.sent())
    missed, thanked, fresh = await company.book(15), await company.book(2), await company.book(3)
    for number, guest in enumerate(missed):
        await company.ask(guest, CHECK_IN, timedelta(minutes=180 - 7 * number))
    for guest in thanked:
        await company.ask(guest, "Thank you so much!", timedelta(minutes=120))
    for guest in fresh:
        await company.ask(guest, CHECK_IN, timedelta(minutes=3))
    for _ in range(3):
        await company.passes()
    for guest in fresh:
        await guest.reads()
    assert len(await company.sent()) == before + len(fresh)
    cases = await company.rows("select * from {schema}.cases order by id")
    assert {case["severity"] for case in cases} == {"low"}
    assert sorted(case["trigger_text"] for case in cases) == [CHECK_IN] * len(missed)
    assert all("found too late" in case["brief"] for case in cases)
    for guest in missed + thanked:
        assert await guest.replies() == []


async def test_what_was_said_while_the_database_was_out_of_reach_is_found_on_return(
    house: House,
) -> None:
    guest = await house.book()
    await guest.writes(CHECK_IN, webhook=False)
    async with house.product.database.shared().transaction() as conn:
        await conn.execute(
            """select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and query ilike 'listen%'"""
        )
    assert str(guest.listing["checkInTimeStart"]) in await guest.reads()
