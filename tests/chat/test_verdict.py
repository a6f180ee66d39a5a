from typing import Any

import pytest

from app.jobs import Job, JobRun
from tests.make import WIFI_PASSWORD
from tests.rooms import Rooms

CHECK_IN = "From what time can we check in?"


async def answer_after(rooms: Rooms, *texts: str, seconds: float = 120, **more: Any) -> str | None:
    """The newest reply after the quiet window, none where nothing went out."""
    await rooms.writes(*texts, **more)
    await rooms.passes_time(seconds)
    return rooms.hostaway.sent[-1][1] if rooms.hostaway.sent else None


async def test_the_first_reply_says_that_an_ai_writes_and_the_second_does_not(rooms: Rooms) -> None:
    first = await answer_after(rooms, CHECK_IN)
    second = await answer_after(rooms, "Until when must we check out?")
    assert first is not None
    assert second is not None
    assert first.startswith("I am Guest assistant, the AI assistant of Acme Stays. Check-in")
    assert "AI assistant" not in second


async def test_the_disclosure_is_in_the_guests_language(rooms: Rooms) -> None:
    reply = await answer_after(rooms, "Od której godziny możemy się zameldować w mieszkaniu?")
    assert reply is not None
    assert "asystentem AI" in reply


async def test_a_tenant_may_disclose_in_another_way(rooms: Rooms) -> None:
    await rooms.set(chat__disclosure=False)
    assert (await answer_after(rooms, CHECK_IN) or "").startswith("Check-in")


async def test_in_draft_mode_the_reply_waits_for_a_person(rooms: Rooms) -> None:
    rooms.tenant = await rooms.tenants.set_mode("acme", "draft")
    assert await answer_after(rooms, CHECK_IN) is None
    (row,) = await rooms.outgoing()
    assert row["status"] == "draft"
    assert "15:00" in row["text"]
    assert len(await rooms.decisions()) == 1
    assert Job.SEND not in await rooms.due()


async def test_in_draft_mode_a_case_opens_but_nothing_is_said(rooms: Rooms) -> None:
    rooms.tenant = await rooms.tenants.set_mode("acme", "draft")
    await rooms.writes("Please let me talk to a human")
    await rooms.passes_time(120)
    assert await rooms.case() is not None
    assert await rooms.outgoing() == []


async def test_a_person_gets_one_holding_sentence_and_then_silence(rooms: Rooms) -> None:
    reply = await answer_after(rooms, "Please let me talk to a human")
    assert reply is not None
    assert "A colleague will reply" in reply
    await answer_after(rooms, CHECK_IN, "hello?")
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.mode() == "human"


async def test_a_tenant_may_leave_the_holding_sentence_out(rooms: Rooms) -> None:
    await rooms.set(chat__holding_sentence=False)
    assert await answer_after(rooms, "Please let me talk to a human") is None
    assert await rooms.case() is not None


async def test_a_fire_is_answered_at_once_with_the_emergency_number_first(rooms: Rooms) -> None:
    await rooms.set(chat__holding_sentence=False)
    reply = await answer_after(rooms, "There is a fire in the kitchen!", seconds=0)
    assert reply is not None
    assert "112" in reply.split(".")[0]
    assert "AI assistant" in reply
    case = await rooms.case()
    assert case is not None
    assert case.severity == "critical"
    assert case.trigger_text == "There is a fire in the kitchen!"


async def test_an_sms_stays_within_its_length_with_the_disclosure(rooms: Rooms) -> None:
    rooms.model.will_say("The shop is near. " * 12)
    await rooms.writes("Where is the nearest shop, please?", communicationType="sms")
    await rooms.passes_time(120)
    ((_, text, how),) = rooms.hostaway.sent
    assert how == "sms"
    assert len(text) <= 140
    assert "AI assistant" in text
    assert text.endswith("The shop is near.")


async def test_the_first_message_of_a_thread_nobody_knew_already_limits_the_reply(
    rooms: Rooms,
) -> None:
    row = rooms.hostaway.reservation_rows["5000"]
    rooms.hostaway.reservation_rows["6000"] = {**row, "id": 6000, "status": "inquiry"}
    rooms.hostaway.add_thread("71", "6000")
    rooms.model.will_say("The shop is near. " * 12)
    question = "Where is the nearest shop, please?"
    await rooms.writes(question, thread="71", communicationType="sms")
    await rooms.passes_time(5)
    ((_, text, how),) = rooms.hostaway.sent
    assert how == "sms"
    assert len(text) <= 140


async def test_an_sms_counts_what_its_placeholders_stand_for(rooms: Rooms) -> None:
    await rooms.changes(doorCode="press " + "1 2 3 4 5 6 7 8 9 " * 4)
    rooms.model.will_say("The code is [[door_code]]. " + "Good. " * 10)
    await rooms.writes("How do we come in, is it complicated?", communicationType="sms")
    await rooms.passes_time(120)
    assert all(len(text) <= 140 for _, text, _ in rooms.hostaway.sent)


async def test_an_answer_whose_first_sentence_is_too_long_is_a_persons_matter(rooms: Rooms) -> None:
    rooms.model.will_say("word " * 60)
    await rooms.writes("Where is the nearest shop, please?", communicationType="sms")
    await rooms.passes_time(120)
    assert all(len(text) <= 140 for _, text, _ in rooms.hostaway.sent)
    assert await rooms.case() is not None
    assert [d["because"] for d in await rooms.decisions()] == ["the reply is too long"]


@pytest.mark.parametrize(
    "said", ["Call +48 500 100 200.", "Write to a@b.pl please.", "See https://x.pl now."]
)
async def test_what_channels_forbid_is_not_sent_before_a_booking(rooms: Rooms, said: str) -> None:
    await rooms.changes(status="inquiry")
    rooms.model.will_say(said)
    reply = await answer_after(rooms, "How can I reach the owner, please?", seconds=5)
    assert reply is not None
    assert "colleague" in reply
    assert await rooms.case() is not None


async def test_a_booked_guest_may_get_a_phone_number(rooms: Rooms) -> None:
    rooms.model.will_say("Call +48 500 100 200.")
    reply = await answer_after(rooms, "How can I reach the owner, please?")
    assert reply is not None
    assert "+48 500 100 200" in reply


async def test_an_unsure_answer_may_be_drafted_for_a_person(rooms: Rooms) -> None:
    await rooms.set(chat__low_score="draft")
    rooms.model.will_route({"actionCode": "OTHER_QUESTION", "score": 0.3})
    assert await answer_after(rooms, "What about the thing with the stairs?") is None
    (row,) = await rooms.outgoing()
    assert row["status"] == "draft"
    assert await rooms.case() is None


async def test_silence_is_decided_and_kept_but_nothing_is_sent(rooms: Rooms) -> None:
    assert await answer_after(rooms, "Thanks a lot!") is None
    (decision,) = await rooms.decisions()
    assert (decision["outcome"], decision["action_code"]) == ("silence", "NO_MESSAGE")
    assert await rooms.outgoing() == []


async def run_reply(rooms: Rooms) -> dict[str, int]:
    conversation = await rooms.conversation()
    run = JobRun(
        tenant_id="acme",
        kind=Job.REPLY,
        key=str(conversation.id),
        generation=(await rooms.state()).generation,
        attempt=1,
    )
    await rooms.replies.answer(run)
    return run.counts


async def test_a_message_that_comes_while_the_model_thinks_ends_the_answer(rooms: Rooms) -> None:
    async def guest_writes() -> None:
        rooms.model.on_words = None
        await rooms.writes("Oh, and is there a lift?")

    rooms.model.on_words = guest_writes
    await rooms.writes("Where is the nearest shop, please?")
    rooms.clock.advance(120)
    assert await run_reply(rooms) == {"concluded": 0}
    assert await rooms.decisions() == []
    assert await rooms.outgoing() == []


async def test_a_takeover_while_the_model_thinks_ends_the_answer(rooms: Rooms) -> None:
    async def person_replies() -> None:
        conversation = await rooms.conversation()
        door = await rooms.database.tenant("acme")
        async with door.transaction() as conn:
            await rooms.cases.person_spoke(
                conn, rooms.tenant, conversation.id, conversation.reservation_id,
                who="Ola", route="pms", is_inferred=True,
            )  # fmt: skip

    rooms.model.on_words = person_replies
    await rooms.writes("Where is the nearest shop, please?")
    rooms.clock.advance(120)
    assert await run_reply(rooms) == {"concluded": 0}
    assert await rooms.decisions() == []
    assert await rooms.outgoing() == []


async def test_an_urgent_message_to_a_person_who_answers_opens_a_case_silently(
    rooms: Rooms,
) -> None:
    await rooms.writes(CHECK_IN)
    rooms.clock.advance(10)
    await rooms.delivers(rooms.hostaway.add_message("Ola here, from 3 pm.", is_incoming=False))
    await rooms.works()
    assert await rooms.mode() == "human"
    assert await rooms.case() is None
    rooms.clock.advance(10)
    await rooms.writes("Help, water is pouring through the ceiling!")
    await rooms.works()
    case = await rooms.case()
    assert case is not None
    assert case.severity == "high"
    assert rooms.hostaway.sent == []


WIFI, LATE = "What is the wifi password?", "Could we perhaps leave at two, if nobody minds?"
PARTS: dict[str, Any] = {
    "actionCode": "LATE_CHECK_OUT",
    "score": 0.9,
    "parts": [
        {"actionCode": "WIFI_QUESTION", "words": WIFI},
        {"actionCode": "LATE_CHECK_OUT", "words": LATE},
    ],
}


async def test_a_burst_of_which_one_part_needs_a_person_is_answered_once_with_a_case_for_it(
    rooms: Rooms,
) -> None:
    rooms.model.will_route(PARTS)
    reply = await answer_after(rooms, WIFI, LATE)
    assert reply is not None
    assert WIFI_PASSWORD in reply
    assert reply.endswith("a colleague will reply here.")
    case = await rooms.case()
    assert case is not None
    assert (case.trigger_text, case.severity) == (LATE, "low")
    await answer_after(rooms, "hello? what is the door code?")
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.mode() == "human"
    (row,) = await rooms.outgoing()
    assert (row["origin"], row["status"]) == ("holding", "sent")


async def test_without_holding_sentences_the_part_is_answered_and_nothing_promised(
    rooms: Rooms,
) -> None:
    await rooms.set(chat__holding_sentence=False)
    rooms.model.will_route(PARTS)
    reply = await answer_after(rooms, WIFI, LATE)
    assert reply is not None
    assert reply.endswith(WIFI_PASSWORD)
    assert await rooms.case() is not None


async def test_in_draft_mode_the_answered_part_is_a_draft_beside_the_case(rooms: Rooms) -> None:
    rooms.tenant = await rooms.tenants.set_mode("acme", "draft")
    rooms.model.will_route(PARTS)
    assert await answer_after(rooms, WIFI, LATE) is None
    (row,) = await rooms.outgoing()
    assert row["status"] == "draft"
    assert "[[wifi_password]]" in row["text"]
    case = await rooms.case()
    assert case is not None
    assert case.trigger_text == LATE


async def test_an_sms_never_loses_the_promise_of_a_person(rooms: Rooms) -> None:
    await rooms.set(chat__disclosure=False)
    rooms.model.will_route(
        {
            **PARTS,
            "parts": [{**PARTS["parts"][0], "actionCode": "OTHER_QUESTION"}, PARTS["parts"][1]],
        }
    )
    rooms.model.will_say("It is on the box. The box is in the hall. The hall is behind the door.")
    reply = await answer_after(rooms, WIFI, LATE, communicationType="sms")
    assert reply is not None
    assert len(reply) <= 140
    assert reply.startswith("It is on the box.")
    assert reply.endswith("a colleague will reply here.")


async def test_a_person_who_took_over_meanwhile_is_not_answered_beside(rooms: Rooms) -> None:
    rooms.model.will_route(PARTS)
    await rooms.writes(WIFI, LATE)
    rooms.clock.advance(60)
    rooms.hostaway.add_message("Hi, Ola here", is_incoming=False)
    await rooms.passes_time(60)
    assert rooms.hostaway.sent == []
    assert await rooms.case() is None


async def test_an_answered_part_is_not_sent_once_access_has_closed(rooms: Rooms) -> None:
    rooms.model.will_say("Take the stairs behind the blue door.")
    rooms.model.will_route({**PARTS, "parts": [
        {"actionCode": "OTHER_QUESTION", "words": WIFI}, PARTS["parts"][1],
    ]})  # fmt: skip
    await rooms.writes(WIFI, LATE)
    rooms.clock.advance(120)
    await run_reply(rooms)
    await rooms.changes(status="cancelled")
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert [row["status"] for row in await rooms.outgoing()] == ["dropped"]
    assert await rooms.case() is not None
