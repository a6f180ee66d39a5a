"""What is older than the retention goes; what is not, and open cases, stay."""

from datetime import timedelta

from app.chat.retention import Retention
from app.jobs import Job, JobRun
from tests.rooms import Rooms

RUN = JobRun(tenant_id="acme", kind=Job.PURGE, key="daily", generation=1, attempt=1)


def retention_of(rooms: Rooms) -> Retention:
    return Retention(
        database=rooms.database,
        tenants=rooms.tenants,
        clock=rooms.clock,
        jobs=rooms.jobs,
        conversations=rooms.conversations,
        cases=rooms.cases,
        inbox=rooms.inbox,
    )


async def count_of(rooms: Rooms, table: str) -> int:
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        return int(await conn.fetchval(f"select count(*) from {{schema}}.{table}"))


async def add_call(rooms: Rooms, call_sid: str, *, with_case: bool = False) -> None:
    """A call of this moment, with a turn and its decision; perhaps a case that is open."""
    now = rooms.clock.now()
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        conversation_id = await conn.fetchval(
            """insert into {schema}.conversations (medium, account, external_id, opened_at)
               values ('phone', '+48221234567', $1, $2) returning id""",
            call_sid, now,
        )  # fmt: skip
        await conn.execute(
            """insert into {schema}.calls
                   (conversation_id, call_sid, hotline_e164, caller_e164, started_at, ended_at)
               values ($1, $2, '+48221234567', '+48500100200', $3, $3)""",
            conversation_id, call_sid, now,
        )  # fmt: skip
        await rooms.conversations.record_turn(
            conn, "acme", conversation_id, speaker="guest", text="hello", said_at=now
        )
        if with_case:
            await conn.execute(
                """insert into {schema}.cases (conversation_id, severity, trigger_text, opened_at)
                   values ($1, 'low', 'help', $2)""",
                conversation_id, now,
            )  # fmt: skip


async def test_a_call_of_ninety_days_is_kept_whole(rooms: Rooms) -> None:
    await add_call(rooms, "CA1")
    rooms.clock.advance(timedelta(days=89).total_seconds())
    await retention_of(rooms).purge(RUN)
    assert await count_of(rooms, "calls") == 1
    assert await count_of(rooms, "turns") == 1


async def test_an_older_call_goes_whole_and_says_of_nobody_that_they_called(rooms: Rooms) -> None:
    await add_call(rooms, "CA1")
    rooms.clock.advance(timedelta(days=91).total_seconds())
    await add_call(rooms, "CA2")
    await retention_of(rooms).purge(RUN)
    assert await count_of(rooms, "calls") == 1
    assert await count_of(rooms, "turns") == 1


async def test_a_call_with_an_open_case_keeps_its_number_but_not_its_words(rooms: Rooms) -> None:
    await add_call(rooms, "CA1", with_case=True)
    rooms.clock.advance(timedelta(days=91).total_seconds())
    await retention_of(rooms).purge(RUN)
    assert await count_of(rooms, "turns") == 0
    assert await count_of(rooms, "calls") == 1
    assert await count_of(rooms, "cases") == 1


async def test_a_tenant_decides_how_long_its_words_are_kept(rooms: Rooms) -> None:
    await rooms.tenants.set("acme", {"retention.turn_days": 7})
    await add_words(rooms)
    await add_call(rooms, "CA1")
    rooms.clock.advance(timedelta(days=8).total_seconds())
    await retention_of(rooms).purge(RUN)
    assert await count_of(rooms, "turns") == 0
    assert await count_of(rooms, "calls") == 0


async def add_words(rooms: Rooms) -> None:
    """A turn, a reply, a resolved and an open case, a handled event, all of this moment."""
    now = rooms.clock.now()
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        conversation = await rooms.conversations.ensure_thread(
            conn, account="1", external_id="777", now=now
        )
        await rooms.conversations.record_turn(
            conn, "acme", conversation.id, speaker="guest", text="hello", said_at=now
        )
        await conn.execute(
            """insert into {schema}.outbox
                   (conversation_id, generation, origin, epoch, text, status, created_at)
               values ($1, 1, 'bot', 0, 'hello', 'sent', $2)""",
            conversation.id, now,
        )  # fmt: skip
        for state in ("resolved", "open"):
            await conn.execute(
                """insert into {schema}.cases
                       (conversation_id, severity, state, trigger_text, opened_at, resolved_at)
                   values ($1, 'low', $2, 'help', $3,
                           case when $2 = 'resolved' then $3::timestamptz end)""",
                conversation.id, state, now,
            )  # fmt: skip
        await conn.execute(
            """insert into {schema}.inbox
                   (account_id, event, dedupe_key, envelope, received_at, handled_at)
               values (1, 'message', 'message:1:1', '{}', $1, $1)""",
            now,
        )


async def test_words_of_ninety_days_are_kept(rooms: Rooms) -> None:
    await add_words(rooms)
    rooms.clock.advance(timedelta(days=89).total_seconds())
    await retention_of(rooms).purge(RUN)
    assert await count_of(rooms, "turns") == 1
    assert await count_of(rooms, "outbox") == 1
    assert await count_of(rooms, "cases") == 2


async def test_older_words_go_and_open_cases_stay(rooms: Rooms) -> None:
    await add_words(rooms)
    rooms.clock.advance(timedelta(days=91).total_seconds())
    again_at = await retention_of(rooms).purge(RUN)
    assert await count_of(rooms, "turns") == 0
    assert await count_of(rooms, "outbox") == 0
    assert await count_of(rooms, "cases") == 1
    assert again_at == rooms.clock.now() + timedelta(days=1)


async def test_handled_events_are_forgotten_after_a_week(rooms: Rooms) -> None:
    await add_words(rooms)
    rooms.clock.advance(timedelta(days=6).total_seconds())
    await retention_of(rooms).purge(RUN)
    assert await count_of(rooms, "inbox") == 1
    rooms.clock.advance(timedelta(days=2).total_seconds())
    await retention_of(rooms).purge(RUN)
    assert await count_of(rooms, "inbox") == 0
