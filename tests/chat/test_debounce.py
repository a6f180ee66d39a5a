import asyncio
from contextlib import AsyncExitStack

import pytest

from app.jobs import Job
from tests.rooms import Rooms


async def due_in(rooms: Rooms) -> float | None:
    return (await rooms.due()).get(Job.REPLY)


async def test_a_confirmed_guest_is_given_two_minutes(rooms: Rooms) -> None:
    await rooms.writes("Hello there")
    assert await due_in(rooms) == 120


@pytest.mark.parametrize("status", ["inquiry", "pending", "cancelled"])
async def test_everybody_else_is_given_five_seconds(rooms: Rooms, status: str) -> None:
    await rooms.changes(status=status)
    await rooms.writes("Hello there")
    assert await due_in(rooms) == 5


async def test_an_access_question_on_arrival_day_is_given_ten_seconds(rooms: Rooms) -> None:
    await rooms.writes("What is the door code?")
    assert await due_in(rooms) == 10


async def test_an_access_question_on_another_day_waits_like_others(rooms: Rooms) -> None:
    await rooms.changes(arrivalDate="2026-04-20", departureDate="2026-04-22")
    await rooms.writes("What is the door code?")
    assert await due_in(rooms) == 120


async def test_an_access_question_shortens_a_window_that_runs(rooms: Rooms) -> None:
    await rooms.writes("Hello there")
    rooms.clock.advance(20)
    await rooms.writes("What is the door code?")
    assert await due_in(rooms) == 10


async def test_a_shorter_later_window_does_not_hurry_what_runs(rooms: Rooms) -> None:
    await rooms.writes("Hello there")
    rooms.clock.advance(20)
    await rooms.set(chat__window_confirmed_s=1)
    await rooms.writes("and my wife")
    assert await due_in(rooms) == 100


async def test_each_message_starts_the_window_anew(rooms: Rooms) -> None:
    await rooms.writes("Hello there")
    rooms.clock.advance(100)
    await rooms.writes("and")
    assert await due_in(rooms) == 120
    assert (await rooms.state()).generation == 2


async def test_a_talkative_guest_is_answered_after_the_longest_wait(rooms: Rooms) -> None:
    await rooms.writes("one")
    for word in ("two", "three"):
        rooms.clock.advance(100)
        await rooms.writes(word)
    assert await due_in(rooms) == 100
    rooms.clock.advance(90)
    await rooms.writes("four")
    assert await due_in(rooms) == 10


async def test_the_longest_wait_begins_anew_after_an_answer(rooms: Rooms) -> None:
    await rooms.writes("Where is the nearest shop, please?")
    await rooms.passes_time(120)
    rooms.clock.advance(250)
    await rooms.writes("Where is the nearest pharmacy, please?")
    assert await due_in(rooms) == 120


async def test_a_delivery_that_comes_twice_arms_once(rooms: Rooms) -> None:
    row = rooms.hostaway.add_message("Hello there")
    await rooms.delivers(row)
    await rooms.delivers(row)
    assert (await rooms.state()).generation == 1


async def test_a_tenant_that_is_off_keeps_the_words_and_arms_nothing(rooms: Rooms) -> None:
    rooms.tenant = await rooms.tenants.set_mode("acme", "off")
    await rooms.writes("Hello there")
    assert await due_in(rooms) is None
    assert [turn.text for turn in await rooms.turns()] == ["Hello there"]


async def test_what_came_before_going_live_arms_nothing(rooms: Rooms) -> None:
    await rooms.writes("Hello there", date="2026-04-13 11:59:59")
    assert await due_in(rooms) is None


async def test_what_came_in_the_second_of_going_live_counts(rooms: Rooms) -> None:
    await rooms.writes("Hello there", date="2026-04-13 12:00:00")
    assert await due_in(rooms) == 120


async def test_an_old_message_arms_nothing(rooms: Rooms) -> None:
    rooms.clock.advance(7200)
    await rooms.writes("Hello there", date="2026-04-13 12:30:00")
    assert await due_in(rooms) is None


async def test_an_urgent_message_waits_for_no_window(rooms: Rooms) -> None:
    await rooms.writes("Hello", "There is a fire in the kitchen!")
    case = await rooms.case()
    assert case is not None
    assert case.severity == "critical"
    assert (await rooms.due())[Job.SEND] == 0


async def test_an_urgent_message_takes_the_window_that_ran(rooms: Rooms) -> None:
    await rooms.writes("Where is the shop?", "There is a fire in the kitchen!")
    await rooms.passes_time(300)
    assert len(await rooms.decisions()) == 1
    assert len(rooms.hostaway.sent) == 1


async def test_a_follow_up_in_a_case_is_written_into_it_and_arms_nothing(rooms: Rooms) -> None:
    await rooms.writes("Water is pouring through the ceiling!")
    await rooms.works()
    await rooms.writes("hello? what is the wifi password?")
    case = await rooms.case()
    assert case is not None
    assert case.severity == "high"
    assert [change["text"] for change in case.history if "text" in change] == [
        "hello? what is the wifi password?"
    ]
    assert await due_in(rooms) is None


async def test_a_worse_follow_up_raises_the_case(rooms: Rooms) -> None:
    await rooms.writes("Water is pouring through the ceiling!", "now there is a fire, smoke!")
    case = await rooms.case()
    assert case is not None
    assert case.severity == "critical"
    assert len(await rooms.decisions()) == 1


async def test_an_outgoing_message_has_the_thread_looked_at(rooms: Rooms) -> None:
    await rooms.delivers(rooms.hostaway.add_message("Hi, Ola here", is_incoming=False))
    assert (await rooms.due())[Job.READ_THREAD] == 0
    assert await due_in(rooms) is None


async def test_an_outgoing_flag_sent_as_text_is_read_rightly(rooms: Rooms) -> None:
    row = rooms.hostaway.add_message("Hi, Ola here", is_incoming=False)
    await rooms.delivers({**row, "isIncoming": "0"})
    assert await due_in(rooms) is None
    assert Job.READ_THREAD in await rooms.due()


async def test_our_own_message_is_not_looked_at_again(rooms: Rooms) -> None:
    await rooms.writes("Where is the nearest shop, please?")
    await rooms.passes_time(120)
    await rooms.delivers(rooms.hostaway.threads["70"][-1])
    assert Job.READ_THREAD not in await rooms.due()


async def test_an_event_without_id_only_has_the_thread_looked_at(rooms: Rooms) -> None:
    row = rooms.hostaway.add_message("Hello there")
    await rooms.delivers({**row, "id": None})
    assert await rooms.turns() == []
    assert Job.READ_THREAD in await rooms.due()


async def test_markup_of_a_mail_is_not_kept(rooms: Rooms) -> None:
    await rooms.writes("<p>Hello &amp; good day</p><p>Jan</p>")
    assert [turn.text for turn in await rooms.turns()] == ["Hello & good day\nJan"]


async def test_a_message_drops_the_draft_it_overtakes(rooms: Rooms) -> None:
    rooms.tenant = await rooms.tenants.set_mode("acme", "draft")
    await rooms.writes("Where is the nearest shop, please?")
    await rooms.passes_time(120)
    await rooms.writes("And the nearest pharmacy?")
    (row,) = await rooms.outgoing()
    assert (row["status"], row["because"]) == ("dropped", "the guest wrote again")


async def test_a_reservation_event_fetches_it_once_for_a_burst(rooms: Rooms) -> None:
    door = await rooms.database.tenant("acme")
    for number in range(3):
        await rooms.inbox.store(
            rooms.tenant, rooms.database, account_id=rooms.account.id, event="reservation",
            dedupe_key=f"r{number}", envelope={"id": 5000}, sealed={},
        )  # fmt: skip
    await rooms.inbox.drain("acme")
    rooms.hostaway.asked.clear()
    await rooms.passes_time(2)
    assert rooms.hostaway.asked == ["reservation"]
    async with door.transaction() as conn:
        left = await conn.fetchval("select count(*) from {schema}.inbox where handled_at is null")
    assert left == 0


async def test_a_reaction_that_quotes_danger_raises_no_case(rooms: Rooms) -> None:
    await rooms.writes("Water is pouring through the ceiling!")
    await rooms.works()
    await rooms.writes("Liked “There is a fire in the kitchen”")
    case = await rooms.case()
    assert case is not None
    assert case.severity == "high"


async def test_an_urgent_message_is_concluded_on_the_one_connection_it_came_by(
    rooms: Rooms,
) -> None:
    """Who waits for a second connection while holding one waits for others who do the same."""
    async with AsyncExitStack() as others:
        for _ in range(11):
            await others.enter_async_context(rooms.database.shared().transaction())
        async with asyncio.timeout(5):
            await rooms.writes("There is a fire in the kitchen!")
    case = await rooms.case()
    assert case is not None
    assert case.severity == "critical"
