"""Words that no webhook brought are found by the list of threads, each thread exactly."""

from typing import Any

from app.jobs import Job, JobRun
from tests.make import raw_reservation
from tests.rooms import Rooms


async def found(rooms: Rooms) -> int:
    """How many threads a pass finds to be looked at."""
    key = str(rooms.account.id)
    run = JobRun(tenant_id="acme", kind=Job.UNREAD_SYNC, key=key, generation=1, attempt=1)
    await rooms.passes.unread_sync(run)
    return run.counts["threads"]


def add(rooms: Rooms, *ids: int, **fields: Any) -> None:
    for number in ids:
        rooms.hostaway.reservation_rows[str(number)] = raw_reservation(id=number, **fields)


async def test_words_of_a_thread_that_nobody_knew_are_found(rooms: Rooms) -> None:
    add(rooms, 6000)
    rooms.hostaway.add_thread("71", "6000")
    rooms.hostaway.add_message("From what time can we check in?", thread="71")
    assert await found(rooms) == 1
    await rooms.works()
    assert [turn.speaker for turn in await rooms.turns("71")] == ["guest"]


async def test_a_thread_that_was_read_since_its_guest_wrote_is_left_in_peace(rooms: Rooms) -> None:
    await rooms.writes("From what time can we check in?")
    await rooms.passes_time(120)
    assert await found(rooms) == 0


async def test_other_words_of_the_very_second_that_is_known_are_found(rooms: Rooms) -> None:
    await rooms.writes("Thanks!")
    rooms.hostaway.add_message("From what time can we check in?")
    assert await found(rooms) == 1
    await rooms.works()
    assert [turn.text for turn in await rooms.turns()] == [
        "Thanks!", "From what time can we check in?",
    ]  # fmt: skip
    rooms.clock.advance(6)
    await rooms.passes_time(120)
    assert await found(rooms) == 0


async def test_a_thread_whose_last_words_cannot_be_read_is_not_looked_at_for_ever(
    rooms: Rooms,
) -> None:
    rooms.hostaway.add_message("Hi", date="2026-04-13 12:00:00").update(conversationId="?")
    for looks in (1, 0):
        assert await found(rooms) == looks
        rooms.clock.advance(180)
        await rooms.works()


async def test_pages_of_old_threads_are_left_out_while_the_order_holds(rooms: Rooms) -> None:
    for number in range(6):
        add(rooms, 6000 + number)
        rooms.hostaway.add_thread(str(100 + number), str(6000 + number))
        rooms.hostaway.add_message("Hi", thread=str(100 + number), date="2026-04-01 12:00:00")
    rooms.hostaway.add_message("From what time can we check in?")
    assert await found(rooms) == 1
    assert rooms.hostaway.pages_given == 1


async def test_a_list_in_another_order_is_read_to_its_end(rooms: Rooms) -> None:
    for number in range(6):
        add(rooms, 6000 + number)
        rooms.hostaway.add_thread(str(100 + number), str(6000 + number))
        date = f"2026-04-{number + 1:02d} 12:00:00"
        rooms.hostaway.add_message("Hi", thread=str(100 + number), date=date)
    rooms.hostaway.add_message("From what time can we check in?")
    rooms.hostaway.is_newest_first = False
    assert await found(rooms) == 1
