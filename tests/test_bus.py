"""The bus: handlers in order, failures apart, loops cut, other processes by NOTIFY."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from app.background import Background
from app.bus import CHANNEL, CROSSING, Bus, BusLoop
from app.db import Database
from app.events import (
    CaseOpened,
    CaseRaised,
    Event,
    LibraryPublished,
    ListingChanged,
    NewsMissed,
    ReservationChanged,
    SettingsChanged,
)
from app.tenants import Tenants

CHANGED = ReservationChanged(tenant_id="acme", reservation_id=7)
OPENED = CaseOpened(tenant_id="acme", id=3)


class Ear:
    """Keeps what it hears, under a name."""

    def __init__(self, heard: list[Any], name: str = "") -> None:
        self.heard = heard
        self.name = name

    async def on_event(self, event: Event) -> None:
        """Keep it."""
        self.heard.append((self.name, event) if self.name else event)


async def test_handlers_of_exactly_that_type_hear_in_the_order_of_subscription(bus: Bus) -> None:
    heard: list[Any] = []
    for name in ("first", "second", "third"):
        bus.subscribe(ReservationChanged, Ear(heard, name).on_event)
    bus.subscribe(Event, Ear(heard, "any").on_event)
    bus.subscribe(ListingChanged, Ear(heard, "other").on_event)
    await bus.publish(CHANGED)
    assert heard == [("first", CHANGED), ("second", CHANGED), ("third", CHANGED)]


async def test_a_failing_handler_stops_neither_the_others_nor_the_publisher(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Any] = []

    async def on_changed(_: ReservationChanged) -> None:
        raise RuntimeError("broken")

    bus.subscribe(ReservationChanged, on_changed)
    bus.subscribe(ReservationChanged, Ear(heard).on_event)
    await bus.publish(CHANGED)
    assert heard == [CHANGED]
    record = caplog.records[0]
    assert (record.levelno, record.__dict__["event"]) == (logging.ERROR, "ReservationChanged")
    assert "on_changed" in record.__dict__["handler"]


@pytest.mark.parametrize("deep", [4, 5])
async def test_a_chain_deeper_than_four_is_cut(bus: Bus, deep: int) -> None:
    depths = list[int]()

    async def on_changed(event: ReservationChanged) -> None:
        depths.append(event.reservation_id)
        if event.reservation_id < deep:
            await bus.publish(
                ReservationChanged(tenant_id="acme", reservation_id=event.reservation_id + 1)
            )

    bus.subscribe(ReservationChanged, on_changed)
    start = ReservationChanged(tenant_id="acme", reservation_id=1)
    if deep > 4:
        with pytest.raises(BusLoop, match="5 deep"):
            await bus.publish(start)
    else:
        await bus.publish(start)
    assert depths == [1, 2, 3, 4]
    depths.clear()
    await bus.publish(ReservationChanged(tenant_id="acme", reservation_id=deep))
    assert depths == [deep]


async def test_an_event_waits_for_the_commit_and_dies_with_the_transaction(
    bus: Bus, database: Database
) -> None:
    heard: list[Any] = []
    bus.subscribe(ReservationChanged, Ear(heard).on_event)
    async with database.shared().transaction() as conn:
        bus.publish_after(conn, CHANGED)
        assert heard == []
    assert heard == [CHANGED]
    with pytest.raises(RuntimeError):
        await _publish_and_fail(bus, database)
    assert heard == [CHANGED]


async def _publish_and_fail(bus: Bus, database: Database) -> None:
    async with database.shared().transaction() as conn:
        bus.publish_after(conn, CHANGED)
        raise RuntimeError


Listening = Callable[[Bus], Awaitable[None]]


@pytest.fixture
async def other(
    database_url: str, database: Database, background: Background
) -> AsyncIterator[Bus]:
    """The bus of another process, on the same database."""
    own = Database(command_timeout_s=10, statement_cache=0, connections=2)
    await own.open(database_url)
    yield Bus(own, background)
    await background.cancel()
    await own.close()


async def listen(bus: Bus, database: Database, background: Background, listeners: int = 1) -> None:
    background.spawn("listen", bus.listen())
    async with asyncio.timeout(5):
        while await _listeners(database) < listeners:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)


async def _listeners(database: Database) -> int:
    async with database.shared().transaction() as conn:
        count: int = await conn.fetchval(
            """select count(*) from pg_stat_activity
               where datname = current_database() and query ilike 'listen%'"""
        )
        return count


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_facts_that_cross_are_heard_once_in_each_process(
    bus: Bus, other: Bus, database: Database, background: Background
) -> None:
    here: list[Any] = []
    there: list[Any] = []
    for each, heard in ((bus, here), (other, there)):
        for event_type in (CaseOpened, CaseRaised, ReservationChanged):
            each.subscribe(event_type, Ear(heard).on_event)
    await listen(bus, database, background)
    await listen(other, database, background, 2)
    await bus.publish(CHANGED)
    await bus.publish(OPENED)
    await other.publish(CaseRaised(tenant_id="acme", id=3, is_worse=True))
    await until(lambda: len(there) == 2 and len(here) == 3)
    assert {type(event) for event in there} == {CaseOpened, CaseRaised}
    assert OPENED in there
    assert here[:2] == [CHANGED, OPENED]
    assert here[2] == CaseRaised(tenant_id="acme", id=3)
    await bus.close()
    await other.close()


async def test_what_is_not_understood_is_let_be(
    bus: Bus, database: Database, background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Any] = []
    bus.subscribe(CaseOpened, Ear(heard).on_event)
    await listen(bus, database, background)
    fact = '{"process": "x", "tenant": "acme", "id": 3, "event": "%s"}'
    odd = ["", "[]", "7", "{}", *(fact % name for name in ("Newer", "Event", "ReplySent", "json"))]
    async with database.shared().transaction() as conn:
        for payload in [*odd, fact % "CaseOpened"]:
            await conn.execute("select pg_notify($1, $2)", CHANNEL, payload)
    await until(lambda: heard == [OPENED])
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert "ReplySent" not in CROSSING
    await bus.close()


async def test_a_cut_listener_comes_back_and_caches_are_told_to_forget(
    bus: Bus, other: Bus, tenants: Tenants, database: Database, database_url: str,
    background: Background,
) -> None:  # fmt: skip
    await tenants.add("acme", "Acme")
    heard: list[Any] = []
    for event_type in (SettingsChanged, LibraryPublished, NewsMissed, CaseOpened):
        other.subscribe(event_type, Ear(heard).on_event)
    await listen(other, database, background)
    told = {
        SettingsChanged(tenant_id="acme"), LibraryPublished(tenant_id="acme", id=0),
        NewsMissed(tenant_id="acme"),
    }  # fmt: skip
    assert told <= set(heard)
    heard.clear()
    admin = await asyncpg.connect(database_url)
    await admin.execute(
        """select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and query ilike 'listen%'"""
    )
    await admin.close()
    await until(lambda: told <= set(heard))
    await bus.publish(OPENED)
    await until(lambda: OPENED in heard)
    await other.close()
