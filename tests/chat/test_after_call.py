"""What a call's end left unanswered is answered in the booking's thread, by the thread's rules."""

from datetime import timedelta

import pytest

from app.chat.after_call import unanswered
from app.conversations import Speaker
from app.jobs import Job
from tests.make import DOOR_CODE, make_turn
from tests.rooms import Rooms

CHECK_IN = "From what time can we check in?"


async def calls(rooms: Rooms, *said: tuple[Speaker, str], minutes_ago: int = 0) -> int:
    """A call of the guest that has just ended, and that is to be followed up."""
    stay = (await rooms.conversation()).reservation_id
    at = rooms.clock.now() - timedelta(minutes=minutes_ago)
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        call_id: int = await conn.fetchval(
            """insert into {schema}.conversations
                   (medium, account, external_id, reservation_id, opened_at)
               values ('phone', '+48221234567', 'CA1', $1, $2) returning id""",
            stay, at,
        )  # fmt: skip
        for number, (speaker, text) in enumerate(said):
            await rooms.conversations.record_turn(
                conn, "acme", call_id, speaker=speaker, text=text,
                said_at=at + timedelta(milliseconds=number),
            )  # fmt: skip
        await rooms.jobs.arm(
            conn, tenant_id="acme", kind=Job.AFTER_CALL, key=call_id, due_at=rooms.clock.now()
        )
    return call_id


async def test_the_question_is_answered_in_the_thread_and_once(rooms: Rooms) -> None:
    await calls(rooms, ("bot", "How can I help you?"), ("guest", CHECK_IN))
    await rooms.passes_time(1)
    ((thread, text, _),) = rooms.hostaway.sent
    assert thread == "70"
    assert "You called us a moment ago" in text
    assert "15:00" in text
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1


async def test_a_code_goes_where_the_threads_access_allows(rooms: Rooms) -> None:
    await calls(rooms, ("guest", "What is the door code please?"))
    await rooms.passes_time(1)
    assert DOOR_CODE in rooms.hostaway.sent[0][1]


async def test_three_weeks_early_the_follow_up_has_no_code_either(rooms: Rooms) -> None:
    await rooms.changes(arrivalDate="2026-05-04", departureDate="2026-05-07")
    await calls(rooms, ("guest", "What is the door code please?"))
    await rooms.passes_time(1)
    assert DOOR_CODE not in rooms.hostaway.sent[0][1]


async def test_where_a_person_has_the_thread_nothing_is_sent(rooms: Rooms) -> None:
    conversation = await rooms.conversation()
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        await rooms.cases.person_spoke(
            conn, rooms.tenant, conversation.id, conversation.reservation_id, who="Ola",
            route="pms", is_inferred=False,
        )  # fmt: skip
    await calls(rooms, ("guest", CHECK_IN))
    await rooms.passes_time(1)
    assert rooms.hostaway.sent == []


async def test_what_the_guest_writes_comes_first(rooms: Rooms) -> None:
    await rooms.writes("Where can I park?")
    await calls(rooms, ("guest", CHECK_IN))
    await rooms.passes_time(1)
    assert rooms.hostaway.sent == []
    await rooms.passes_time(120)
    await rooms.passes_time(31)
    assert ["You called us" in text for _, text, _ in rooms.hostaway.sent] == [False, True]


async def test_an_old_call_is_not_followed_up(rooms: Rooms) -> None:
    await calls(rooms, ("guest", CHECK_IN), minutes_ago=20)
    await rooms.passes_time(1)
    assert rooms.hostaway.sent == []


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ([("bot", "Hello."), ("guest", "One."), ("guest", "Two.")], ["One.", "Two."]),
        ([("guest", "One."), ("bot", "It is at")], ["One."]),
        ([("bot", "Hello.")], []),
        ([], []),
    ],
)
def test_an_answer_that_was_cut_off_is_none(
    said: list[tuple[Speaker, str]], asked: list[str]
) -> None:
    turns = [make_turn(speaker, text) for speaker, text in said]
    assert [turn.text for turn in unanswered(turns)] == asked
