from app.jobs import Job, JobRun
from tests.rooms import Rooms

CHECK_IN = "From what time can we check in?"
HOUR = 3600


async def look(rooms: Rooms, thread: str = "70") -> None:
    """The thread is read again, as a pass or a webhook without words has it read."""
    conversation = await rooms.conversation(thread)
    run = JobRun(
        tenant_id="acme", kind=Job.READ_THREAD, key=str(conversation.id), generation=1, attempt=1
    )
    await rooms.replies.look(run)


async def triggers(rooms: Rooms) -> list[str]:
    """What the open cases are about."""
    return [case.trigger_text for case in await rooms.cases.list("acme")]


async def test_what_was_armed_before_an_outage_of_three_hours_is_listed_and_not_answered(
    rooms: Rooms,
) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(3 * HOUR)
    assert rooms.hostaway.sent == []
    case = await rooms.case()
    assert case is not None
    assert (case.severity, case.trigger_text) == ("low", CHECK_IN)
    assert await rooms.decisions() == []


async def test_what_no_webhook_brought_in_three_hours_is_listed(rooms: Rooms) -> None:
    rooms.hostaway.add_message(CHECK_IN)
    rooms.clock.advance(3 * HOUR)
    await look(rooms)
    await rooms.passes_time(300)
    assert rooms.hostaway.sent == []
    assert await triggers(rooms) == [CHECK_IN]


async def test_a_webhook_that_comes_hours_late_is_listed(rooms: Rooms) -> None:
    row = rooms.hostaway.add_message(CHECK_IN)
    rooms.clock.advance(3 * HOUR)
    await rooms.delivers(row)
    await rooms.passes_time(300)
    assert rooms.hostaway.sent == []
    assert await triggers(rooms) == [CHECK_IN]


async def test_everything_that_was_missed_stands_in_one_case_a_thread(rooms: Rooms) -> None:
    await rooms.books(5001, 71, guestName="Ann Lee", phone="+48500100299")
    rooms.hostaway.add_message("Hello?")
    rooms.hostaway.add_message(CHECK_IN)
    rooms.hostaway.add_message("Is there a lift?", thread="71")
    rooms.clock.advance(3 * HOUR)
    for thread in ("70", "71"):
        await look(rooms, thread)
        await look(rooms, thread)
    assert sorted(await triggers(rooms)) == [f"Hello?\n{CHECK_IN}", "Is there a lift?"]
    assert all(len(case.history) == 1 for case in await rooms.cases.list("acme"))


async def test_missed_thanks_need_nobody(rooms: Rooms) -> None:
    rooms.hostaway.add_message("Thank you so much!")
    rooms.clock.advance(3 * HOUR)
    await look(rooms)
    assert await triggers(rooms) == []


async def test_what_was_missed_during_somebodys_talk_is_theirs(rooms: Rooms) -> None:
    rooms.hostaway.add_message("Is there a lift?")
    rooms.clock.advance(60)
    rooms.hostaway.add_message("Yes. Ola", is_incoming=False)
    rooms.clock.advance(60)
    rooms.hostaway.add_message("And a cot?")
    rooms.clock.advance(3 * HOUR)
    await look(rooms)
    assert await triggers(rooms) == []
    assert rooms.hostaway.sent == []


async def test_what_a_decision_covered_is_not_listed_later(rooms: Rooms) -> None:
    await rooms.writes("Thank you so much!", "By the way, we love the flat.")
    rooms.model.will_route({"actionCode": "NO_MESSAGE", "score": 0.9})
    await rooms.passes_time(120)
    rooms.clock.advance(3 * HOUR)
    await look(rooms)
    assert await triggers(rooms) == []


async def test_what_was_answered_before_the_outage_is_not_listed(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    rooms.clock.advance(3 * HOUR)
    await look(rooms)
    assert await triggers(rooms) == []


async def test_a_fresh_question_beside_a_missed_one_is_left_to_the_same_people(
    rooms: Rooms,
) -> None:
    rooms.hostaway.add_message(CHECK_IN)
    rooms.clock.advance(3 * HOUR)
    await rooms.writes("Is anybody there?")
    await rooms.passes_time(120)
    assert await triggers(rooms) == [CHECK_IN]
    assert rooms.hostaway.sent == []


async def test_nothing_is_listed_for_a_tenant_that_is_off(rooms: Rooms) -> None:
    rooms.hostaway.add_message(CHECK_IN)
    rooms.clock.advance(3 * HOUR)
    rooms.tenant = await rooms.tenants.set_mode("acme", "off")
    await look(rooms)
    assert await triggers(rooms) == []


async def test_a_look_finds_a_fresh_question_that_nothing_was_armed_for(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.rows(
        "update {schema}.threads set answered_generation = generation returning generation"
    )
    await look(rooms)
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1
