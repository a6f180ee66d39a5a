from typing import Any

import pytest

from app.jobs import Job, JobRun
from tests.make import DOOR_CODE
from tests.rooms import Rooms

CHECK_IN = "From what time can we check in?"
CODE = "What is the door code?"


async def refused(rooms: Rooms, text: str = CHECK_IN, **more: Any) -> None:
    """A reply went out, and the channel refused it afterwards."""
    await rooms.writes(text, **more)
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1
    rooms.hostaway.threads["70"][-1]["status"] = "failed"


async def rows(rooms: Rooms) -> list[tuple[str, str | None]]:
    return [(row["status"], row["communication_type"]) for row in await rooms.outgoing()]


async def test_after_a_minute_a_refused_reply_goes_by_mail(rooms: Rooms) -> None:
    await rooms.changes(phone=None)
    rooms.hostaway.conversation_rows["70"]["guestEmail"] = "jan@relay.example"
    await refused(rooms)
    assert (await rooms.due())[Job.CHECK_SENT] == 60
    await rooms.passes_time(59)
    assert len(rooms.hostaway.sent) == 1
    await rooms.passes_time(1)
    (_, first, _), (thread, second, how) = rooms.hostaway.sent
    assert (thread, how, second) == ("70", "email", first)
    assert "AI assistant" in second
    assert await rows(rooms) == [("failed", "channel"), ("sent", "email")]
    assert await rooms.case() is None
    await rooms.passes_time(600)
    assert len(rooms.hostaway.sent) == 2


async def test_only_one_other_way_is_tried(rooms: Rooms) -> None:
    await rooms.changes(phone=None)
    rooms.hostaway.conversation_rows["70"]["guestEmail"] = "jan@relay.example"
    await refused(rooms)
    await rooms.passes_time(60)
    rooms.hostaway.threads["70"][-1]["status"] = "failed"
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 2
    case = await rooms.case()
    assert case is not None
    assert "could not be delivered" in case.trigger_text


async def test_without_another_way_it_is_a_persons_matter(rooms: Rooms) -> None:
    await rooms.changes(phone=None)
    await refused(rooms)
    await rooms.passes_time(60)
    assert await rows(rooms) == [("failed", "channel")]
    assert await rooms.case() is not None
    assert await rooms.mode() == "human"


async def test_a_code_never_goes_by_mail(rooms: Rooms) -> None:
    await rooms.changes(phone=None)
    rooms.hostaway.conversation_rows["70"]["guestEmail"] = "jan@relay.example"
    await refused(rooms, CODE)
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 1
    case = await rooms.case()
    assert case is not None
    assert DOOR_CODE not in str(case)


async def test_a_code_may_go_to_the_number_of_the_booking(rooms: Rooms) -> None:
    await refused(rooms, CODE)
    await rooms.passes_time(60)
    (_, _, how) = rooms.hostaway.sent[-1]
    assert how == "sms"
    assert DOOR_CODE in rooms.hostaway.sent[-1][1]
    assert len(rooms.hostaway.sent[-1][1]) <= 140


async def test_a_number_that_was_taken_from_the_booking_meanwhile_gets_no_code(
    rooms: Rooms,
) -> None:
    await refused(rooms, CODE)
    rooms.clock.advance(60)
    await rooms.send_checks.check(await check_run(rooms))
    await rooms.changes(phone=None)
    await rooms.works()
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.case() is not None


async def check_run(rooms: Rooms) -> JobRun:
    (row,) = await rooms.outgoing()
    return JobRun(
        tenant_id="acme", kind=Job.CHECK_SENT, key=str(row["id"]), generation=1, attempt=1
    )


async def test_a_bots_words_on_an_open_stay_do_not_go_by_mail(rooms: Rooms) -> None:
    await rooms.changes(phone=None)
    rooms.hostaway.conversation_rows["70"]["guestEmail"] = "jan@relay.example"
    rooms.model.will_say("Take the stairs behind the blue door.")
    await refused(rooms, "Where exactly is the thing next to the stairs?")
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.case() is not None


async def test_a_bots_words_on_a_locked_stay_may_go_by_mail(rooms: Rooms) -> None:
    await rooms.changes(phone=None, arrivalDate="2026-05-13", departureDate="2026-05-16")
    rooms.hostaway.conversation_rows["70"]["guestEmail"] = "jan@relay.example"
    rooms.model.will_say("The shop is on the corner.")
    await refused(rooms, "Where exactly is the nearest shop?")
    await rooms.passes_time(60)
    assert [how for _, _, how in rooms.hostaway.sent] == ["channel", "email"]


async def test_what_does_not_fit_into_an_sms_is_a_persons_matter(rooms: Rooms) -> None:
    rooms.model.will_say("The shop is on the corner, and it has bread. " * 4)
    await refused(rooms, "Where exactly is the nearest shop?")
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.case() is not None


async def test_a_holding_sentence_takes_another_way_too(rooms: Rooms) -> None:
    await rooms.changes(phone=None)
    rooms.hostaway.conversation_rows["70"]["guestEmail"] = "jan@relay.example"
    await refused(rooms, "Please let me talk to a human")
    await rooms.passes_time(60)
    assert [how for _, _, how in rooms.hostaway.sent] == ["channel", "email"]


async def test_what_people_took_over_meanwhile_goes_no_other_way(rooms: Rooms) -> None:
    await refused(rooms)
    rooms.hostaway.add_message("From 3 pm, Ola", is_incoming=False)
    await rooms.delivers(rooms.hostaway.threads["70"][-1])
    await rooms.works()
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.case() is not None


async def test_a_persons_reply_that_was_refused_is_theirs_to_send_again(rooms: Rooms) -> None:
    await rooms.writes("Please let me talk to a human")
    await rooms.passes_time(120)
    case = await rooms.case()
    assert case is not None
    await rooms.operators.reply("acme", case.id, "Ola here", operator="Ola", route="cli")
    await rooms.works()
    rooms.hostaway.threads["70"][-1]["status"] = "failed"
    await rooms.passes_time(60)
    assert [how for _, _, how in rooms.hostaway.sent] == ["channel", "channel"]
    told = await rooms.case()
    assert told is not None
    assert "could not be delivered" in str(told.history)


async def test_what_the_guest_wrote_since_is_answered_together_with_it(rooms: Rooms) -> None:
    await refused(rooms)
    rooms.clock.advance(30)
    await rooms.writes("And until when may we stay on the last day?")
    await rooms.passes_time(30)
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.case() is None
    await rooms.passes_time(120)
    assert CHECK_IN in (await rooms.decisions())[-1]["question"]
    assert len(rooms.hostaway.sent) == 2
    assert "AI assistant" in rooms.hostaway.sent[-1][1]


async def test_a_reply_that_is_still_awaited_is_looked_at_again(rooms: Rooms) -> None:
    await rooms.changes(phone=None)
    await refused(rooms)
    rooms.hostaway.threads["70"][-1]["status"] = "awaiting"
    await rooms.passes_time(60)
    assert (await rooms.due())[Job.CHECK_SENT] == 60
    rooms.hostaway.threads["70"][-1]["status"] = "failed"
    await rooms.passes_time(60)
    assert await rooms.case() is not None


@pytest.mark.parametrize("status", ["sent", None])
async def test_what_went_out_is_left_in_peace(rooms: Rooms, status: str | None) -> None:
    await refused(rooms)
    rooms.hostaway.threads["70"][-1]["status"] = status
    await rooms.passes_time(60)
    assert await rooms.case() is None
    assert Job.CHECK_SENT not in await rooms.due()


async def test_what_was_refused_has_told_nobody_that_an_ai_writes(rooms: Rooms) -> None:
    await rooms.changes(phone=None)
    await refused(rooms)
    assert (await rooms.state()).is_disclosed
    await rooms.passes_time(60)
    assert not (await rooms.state()).is_disclosed


async def test_before_a_booking_the_forbidden_goes_no_other_way(rooms: Rooms) -> None:
    await rooms.changes(status="inquiry", phone=None)
    rooms.hostaway.conversation_rows["70"]["guestEmail"] = "jan@relay.example"
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(5)
    rooms.hostaway.threads["70"][-1]["status"] = "failed"
    await rooms.rows("update {schema}.outbox set text = 'Call +48 500 100 200' returning id")
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.case() is not None
