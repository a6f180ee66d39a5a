"""Every job, event, condition and template, as one company with the other's ids.

Kinds of jobs and events are taken from the product: one without a case here fails.
"""

import asyncio
import dataclasses
import typing
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest

from app import events
from app.bots.records import Library
from app.bots.selection import choose_bot
from app.bots.template import compile_template
from app.bus import CHANNEL, CROSSING
from app.errors import NotFound, ProductError
from app.events import Event
from app.jobs import Job, JobRun
from app.pms.stay import Stay, Stays
from app.wiring import JOBS
from tests.paths.twins import LATE_GUEST, QUIET_GUEST, SAME_WORDS, THREAD, Twin, Twins

pytestmark = pytest.mark.asyncio(loop_scope="session")
BOTH = pytest.mark.parametrize("who", ["alder", "birch"])
ROWS = ("1", "2", "3", "4", "99")
"""Keys that are ids of rows: the first are the same in both companies."""
KEYS: dict[Job, str] = {
    Job.REPLY: "row", Job.READ_THREAD: "row", Job.SEND: "row", Job.CHECK_SENT: "row",
    Job.ALERT: "row", Job.UNACKNOWLEDGED: "row", Job.RESERVATION: "reservation",
    Job.FIND_THREAD: "reservation", Job.FULL_SYNC: "account", Job.RECENT_SYNC: "account",
    Job.UNREAD_SYNC: "account", Job.PURGE: "daily",
    Job.GIVEN_UP: "job", Job.AFTER_CALL: "row", Job.CALL: "call",
}  # fmt: skip
"""Job → what its key is."""


def keys_of(kind: Job, me: Twin, other: Twin) -> list[str]:
    """A company's own keys, and those that only the other could mean."""
    assert me.account is not None
    assert other.account is not None
    accounts = (me.account.id, other.account.id)
    return {
        "row": list(ROWS),
        "job": [f"{given_up}:{row}" for given_up in (Job.REPLY, Job.SEND) for row in ROWS],
        "reservation": [f"{account}:{QUIET_GUEST}" for account in accounts],
        "account": [str(account) for account in accounts],
        "daily": ["daily"],
        "call": ["CA-call", f"CA-{other.name}"],
    }[KEYS[kind]]


@BOTH
@pytest.mark.parametrize("kind", list(Job))
async def test_a_job_run_with_the_others_keys_gives_and_changes_nothing_of_the_other(
    twins: Twins, kind: Job, who: str
) -> None:
    me, other = twins.pair(who)
    before, asked = await twins.rows(other), len(await twins.outside(other))
    job = JOBS(twins.product)[kind]
    for key in keys_of(kind, me, other):
        run = JobRun(tenant_id=me.name, kind=kind, key=key, generation=1, attempt=1)
        try:
            me.heard.append(str(await job(run)))
        except ProductError as exc:
            me.heard.append(str(exc))
    await twins.quiet()
    assert await twins.rows(other) == before
    assert len(await twins.outside(other)) == asked
    assert await twins.hits(me, other) == []


@BOTH
async def test_a_key_of_the_others_account_finds_nothing(twins: Twins, who: str) -> None:
    me, other = twins.pair(who)
    for kind, what in KEYS.items():
        if what not in ("account", "reservation"):
            continue
        run = JobRun(
            tenant_id=me.name, kind=kind, key=keys_of(kind, me, other)[1], generation=1, attempt=1
        )
        with pytest.raises(NotFound):
            await JOBS(twins.product)[kind](run)


@BOTH
async def test_no_transaction_of_a_company_can_arm_or_take_back_a_job_of_the_other(
    twins: Twins, who: str
) -> None:
    me, other = twins.pair(who)
    jobs, now = twins.product.jobs, twins.product.clock.now()
    before = (await twins.rows(other))["wake"]
    door = await twins.product.database.tenant(me.name)
    for kind in Job:
        for arm in (jobs.arm, jobs.arm_unless_armed):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with door.transaction() as conn:
                    await arm(conn, tenant_id=other.name, kind=kind, key="77", due_at=now)
        async with door.transaction() as conn:
            for key in keys_of(kind, other, me):
                await jobs.disarm(conn, tenant_id=other.name, kind=kind, key=key)
    assert (await twins.rows(other))["wake"] == before


# -- events ------------------------------------------------------------------------------------


def every_event() -> Iterator[type[Event]]:
    """Every kind that is published: those that nothing is derived from."""
    waiting: list[type[Event]] = [Event]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if not kind.__subclasses__():
            yield kind


EVENTS = sorted(every_event(), key=lambda kind: kind.__name__)


def event_of(kind: type[Event], twin: Twin, now: datetime) -> Event:
    """An event of a company by ids that the other has as well."""
    values = {int: 1, str: twin.mark, datetime: now, float: 0.5, bool: True}
    known: dict[str, Any] = {"tenant_id": twin.name, "speaker": "guest", "key": "1"}
    for name, hint in typing.get_type_hints(kind).items():
        if name not in known and name != "crosses_processes":
            known[name] = values[(*typing.get_args(hint), hint)[0]]
    return kind(**{each.name: known[each.name] for each in dataclasses.fields(kind)})


async def _undisturbed(twins: Twins, me: Twin, happens: Callable[[], Awaitable[None]]) -> None:
    """While something happens to the other: not a word, not a row, not a post for us."""
    await twins.quiet()
    before, told = await twins.rows(me), len(await twins.outside(me))
    async with me.http.get(f"{twins.desk}/live") as feed:
        assert (await feed.content.readline()).startswith(b":")
        await happens()
        await asyncio.sleep(0.3)
        await twins.quiet()
        assert await _heard(feed) == []
    assert await twins.rows(me) == before
    assert len(await twins.outside(me)) == told


async def _heard(feed: aiohttp.ClientResponse) -> list[bytes]:
    """What a feed has told so far."""
    lines: list[bytes] = []
    try:
        async with asyncio.timeout(0.3):
            while line := await feed.content.readline():
                lines.append(line)
    except TimeoutError:
        return [line for line in lines if line.startswith(b"data:")]
    raise AssertionError("the feed has ended")


@BOTH
async def test_no_event_of_the_other_is_heard_here(twins: Twins, who: str) -> None:
    me, other = twins.pair(who)

    async def publish() -> None:
        for kind in EVENTS:
            await twins.product.bus.publish(event_of(kind, other, twins.product.clock.now()))

    await _undisturbed(twins, me, publish)


@BOTH
async def test_no_news_of_the_other_from_another_process_is_heard_here(
    twins: Twins, who: str
) -> None:
    me, other = twins.pair(who)

    async def notify() -> None:
        for name in CROSSING:
            fact = {"process": "elsewhere", "event": name, "tenant": other.name, "id": 1}
            async with twins.product.database.shared().transaction() as conn:
                await conn.execute("select pg_notify($1, $2)", CHANNEL, orjson.dumps(fact).decode())
        await asyncio.sleep(0.2)

    await _undisturbed(twins, me, notify)


async def test_the_desk_token_hears_of_both_and_tells_them_apart(twins: Twins) -> None:
    headers = {"Authorization": f"Bearer {twins.environment['NIGHTDESK_DESK_TOKEN']}"}
    heard: dict[str, str] = {}
    async with (
        aiohttp.ClientSession(headers=headers) as program,
        program.get(f"{twins.desk}/live") as feed,
    ):
        await feed.content.readline()
        for twin in (twins.alder, twins.birch):
            now = twins.product.clock.now()
            await twins.product.bus.publish(event_of(events.TurnRecorded, twin, now))
        async with asyncio.timeout(5):
            while len(heard) < 2:
                line = (await feed.content.readline()).decode()
                if line.startswith("data:") and '"turn"' in line:
                    told = orjson.loads(line.removeprefix("data:"))
                    heard[told["tenant"]] = told["text"]
    assert heard == {twin.name: twin.mark for twin in (twins.alder, twins.birch)}


# -- conditions and templates ------------------------------------------------------------------


async def _library_and_stay(twins: Twins, twin: Twin) -> tuple[Library, Stay]:
    product = twins.product
    async with (await product.database.tenant(twin.name)).transaction() as conn:
        library = await product.libraries.current(conn, twin.name)
        tenant = await twins.tenant(twin)
        stay = await Stays().of_reservation(conn, tenant, 1, product.clock.now())
    return library, stay


@BOTH
async def test_every_condition_holds_for_ones_own_stays_alone(twins: Twins, who: str) -> None:
    me, other = twins.pair(who)
    library, own = await _library_and_stay(twins, me)
    _, theirs = await _library_and_stay(twins, other)
    assert own.reservation.confirmation_code == theirs.reservation.confirmation_code
    for bot in library.bots:
        wanted: dict[str, Any] = {"kind": bot.kind, "medium": bot.medium}
        assert choose_bot(library, **wanted, reservation=own.mapping()).name == bot.name
        with pytest.raises(NotFound):
            choose_bot(library, **wanted, reservation=theirs.mapping())


@BOTH
async def test_every_template_of_a_library_is_the_companys_own(twins: Twins, who: str) -> None:
    me, other = twins.pair(who)
    library, own = await _library_and_stay(twins, me)
    texts = [bot.template for bot in library.bots]
    texts += [
        text for code, by in library.templates.items() if code != "fallback" for text in by.values()
    ]
    assert len(texts) > 10
    for text in texts:
        rendered = compile_template(text).render(
            {**own.variables(), "botName": me.mark, "tenantName": me.mark}
        )
        assert me.mark in rendered
        me.heard.append(rendered)
    assert [code.code for code in library.codes if code.code == f"ABOUT_{me.mark}"]
    assert await twins.hits(me, other) == []


async def test_the_same_words_lead_each_company_where_its_own_phrases_say(twins: Twins) -> None:
    pair = (twins.alder, twins.birch)
    for twin in pair:
        twins.writes(twin, LATE_GUEST, SAME_WORDS)
    await twins.quiet()
    found = {}
    for twin in pair:
        async with (await twins.product.database.tenant(twin.name)).transaction() as conn:
            found[twin.name] = await conn.fetchval(
                """select d.action_code from {schema}.decisions d
                   join {schema}.conversations c on c.id = d.conversation_id
                   where c.external_id = $1 order by d.id desc limit 1""",
                str(LATE_GUEST + THREAD),
            )
    assert found == {"alder": "CHECK_OUT_TIME", "birch": "CHECK_IN_TIME"}
    for me, other in (pair, pair[::-1]):
        assert await twins.hits(me, other) == []
