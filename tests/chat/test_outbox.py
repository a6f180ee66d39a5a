from typing import Any

import pytest

from app.errors import OutsideError
from app.jobs import Job, JobRun
from tests.fakes import lost_answer, refused
from tests.make import DOOR_CODE
from tests.rooms import Rooms

ASKS = "What is the door code?"


async def status(rooms: Rooms) -> list[tuple[str, str | None]]:
    return [(row["status"], row["because"]) for row in await rooms.outgoing()]


async def queue_reply(rooms: Rooms, text: str = ASKS) -> dict[str, Any]:
    """A reply decided and queued, not sent."""
    await rooms.writes(text)
    conversation = await rooms.conversation()
    state = await rooms.state()
    rooms.clock.advance(120)
    await rooms.replies.answer(
        JobRun(
            tenant_id="acme",
            kind=Job.REPLY,
            key=str(conversation.id),
            generation=state.generation,
            attempt=1,
        )
    )
    (row,) = await rooms.outgoing()
    assert row["status"] == "queued"
    return row


async def test_a_reply_is_sent_once_with_its_secret_filled_in(rooms: Rooms) -> None:
    await queue_reply(rooms)
    await rooms.works()
    await rooms.passes_time(600)
    ((thread, text, how),) = rooms.hostaway.sent
    assert (thread, how) == ("70", "channel")
    assert f"Your door code is {DOOR_CODE}." in text
    (row,) = await rooms.outgoing()
    assert row["status"] == "sent"
    assert "[[door_code]]" in row["text"]


async def test_what_was_said_is_kept_with_the_placeholder(rooms: Rooms) -> None:
    await queue_reply(rooms)
    await rooms.works()
    (turn,) = [turn for turn in await rooms.turns() if turn.speaker == "bot"]
    assert "[[door_code]]" in turn.text
    assert DOOR_CODE not in turn.text


async def test_a_lost_answer_is_recognised_at_the_first_look(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await queue_reply(rooms)
    await rooms.works()
    assert await status(rooms) == [("ambiguous", "no answer")]
    assert (await rooms.due())[Job.SEND] == 5
    await rooms.passes_time(5)
    assert [row[0] for row in await status(rooms)] == ["sent"]
    await rooms.passes_time(600)
    assert len(rooms.hostaway.sent) == 1


@pytest.mark.parametrize("altered", ["  {} 🙂", "<p>{}</p>", "{}\n"])
async def test_a_reply_that_the_channel_altered_is_recognised(rooms: Rooms, altered: str) -> None:
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await queue_reply(rooms)
    await rooms.works()
    row = rooms.hostaway.threads["70"][-1]
    row["body"] = altered.format(row["body"])
    await rooms.passes_time(5)
    assert [row[0] for row in await status(rooms)] == ["sent"]


async def test_the_pms_may_be_slow_to_show_it(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await queue_reply(rooms)
    await rooms.works()
    hidden = rooms.hostaway.threads["70"].pop()
    await rooms.passes_time(5)
    assert (await rooms.due())[Job.SEND] == 25
    await rooms.passes_time(25)
    assert (await rooms.due())[Job.SEND] == 60
    rooms.hostaway.threads["70"].append(hidden)
    await rooms.passes_time(60)
    assert [row[0] for row in await status(rooms)] == ["sent"]
    assert len(rooms.hostaway.sent) == 1


async def test_a_reply_that_never_arrived_is_sent_once_more(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(lost_answer(), False)]
    await queue_reply(rooms)
    await rooms.works()
    for seconds in (5, 25):
        await rooms.passes_time(seconds)
        assert len(rooms.hostaway.sent) == 1
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 2
    assert [row[0] for row in await status(rooms)] == ["sent"]
    assert len(rooms.hostaway.words()) == 1


async def test_after_two_lost_answers_a_person_is_asked(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(lost_answer(), False), (lost_answer(), False)]
    await queue_reply(rooms)
    await rooms.works()
    for seconds in (5, 25, 60, 5, 25):
        await rooms.passes_time(seconds)
        assert await rooms.case() is None
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 2
    assert await status(rooms) == [("failed", "nobody knows if it arrived")]
    case = await rooms.case()
    assert case is not None
    assert "could not be delivered" in case.trigger_text
    assert DOOR_CODE not in str(case)


async def test_a_crash_after_the_request_is_recognised_at_the_next_run(rooms: Rooms) -> None:
    row = await queue_reply(rooms)
    await rooms.rows(
        "update {schema}.outbox set status = 'sending', attempts = 1 where id = $1 returning id",
        row["id"],
    )
    filled = row["text"].replace("[[door_code]]", DOOR_CODE)
    rooms.hostaway.add_message(filled, is_incoming=False)
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert [r[0] for r in await status(rooms)] == ["sent"]


async def test_the_same_words_sent_before_are_not_taken_for_this_reply(rooms: Rooms) -> None:
    await queue_reply(rooms)
    await rooms.works()
    rooms.hostaway.send_faults = [(lost_answer(), False)]
    await rooms.writes(ASKS)
    await rooms.passes_time(120)
    await rooms.passes_time(5)
    assert [row[0] for row in await status(rooms)] == ["sent", "ambiguous"]


async def test_a_request_that_did_nothing_is_tried_again(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(refused(retryable=True), False)]
    await queue_reply(rooms)
    await rooms.works()
    assert [row[0] for row in await status(rooms)] == ["queued"]
    await rooms.passes_time(5)
    assert [row[0] for row in await status(rooms)] == ["sent"]
    assert len(rooms.hostaway.words()) == 1


async def test_a_pms_that_is_away_too_long_makes_it_a_persons_matter(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(refused(retryable=True), False)] * 2
    await queue_reply(rooms)
    await rooms.works()
    await rooms.passes_time(21 * 60)
    assert [row[0] for row in await status(rooms)] == ["failed"]
    assert await rooms.case() is not None


async def test_a_refused_reply_is_a_persons_matter_at_once(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(refused(), False)]
    await queue_reply(rooms)
    await rooms.works()
    assert [row[0] for row in await status(rooms)] == ["failed"]
    assert await rooms.mode() == "human"


async def test_a_takeover_drops_what_is_queued(rooms: Rooms) -> None:
    await queue_reply(rooms)
    conversation = await rooms.conversation()
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        await rooms.cases.person_spoke(
            conn, rooms.tenant, conversation.id, conversation.reservation_id,
            who="Ola", route="pms", is_inferred=True,
        )  # fmt: skip
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert await status(rooms) == [("dropped", "a person took over")]


async def test_a_takeover_that_was_given_back_still_drops_the_older_reply(rooms: Rooms) -> None:
    await queue_reply(rooms)
    conversation = await rooms.conversation()
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        await rooms.cases.person_spoke(
            conn, rooms.tenant, conversation.id, conversation.reservation_id,
            who="Ola", route="pms", is_inferred=True,
        )  # fmt: skip
        await rooms.cases.release(conn, "acme", conversation.id, reason="this was automatic")
    await rooms.works()
    assert rooms.hostaway.sent == []


async def test_a_newer_message_of_the_guest_drops_what_is_queued(rooms: Rooms) -> None:
    await queue_reply(rooms)
    await rooms.writes("And the wifi?")
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert await status(rooms) == [("dropped", "the guest wrote again")]


async def test_a_tenant_that_was_switched_off_sends_nothing(rooms: Rooms) -> None:
    await queue_reply(rooms)
    await rooms.tenants.set_mode("acme", "draft")
    await rooms.works()
    assert await status(rooms) == [("dropped", "the tenant is not on")]


async def test_a_message_that_the_channel_refused_later_opens_a_case(rooms: Rooms) -> None:
    await queue_reply(rooms)
    await rooms.works()
    rooms.hostaway.threads["70"][-1]["status"] = "failed"
    assert (await rooms.due())[Job.CHECK_SENT] == 60
    await rooms.passes_time(59)
    assert await rooms.case() is None
    await rooms.passes_time(1)
    assert await status(rooms) == [("failed", "the channel refused it")]
    assert await rooms.case() is not None


async def test_a_message_that_arrived_is_left_in_peace(rooms: Rooms) -> None:
    await queue_reply(rooms)
    await rooms.works()
    await rooms.passes_time(60)
    assert await rooms.case() is None
    assert Job.CHECK_SENT not in await rooms.due()


async def test_a_malformed_message_in_the_thread_hides_nothing(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await queue_reply(rooms)
    await rooms.works()
    rooms.hostaway.threads["70"].append(
        {"id": "x", "isIncoming": 0, "body": "?", "status": "sent", "conversationId": 70}
    )
    await rooms.passes_time(5)
    assert [row[0] for row in await status(rooms)] == ["sent"]


async def test_the_first_reply_counts_as_disclosed_only_once_it_went_out(rooms: Rooms) -> None:
    await queue_reply(rooms)
    await rooms.writes("And the wifi?")
    await rooms.works()
    assert not (await rooms.state()).is_disclosed
    await rooms.passes_time(120)
    (sent,) = rooms.hostaway.sent
    assert "AI assistant" in sent[1]
    assert (await rooms.state()).is_disclosed


async def test_a_thread_that_cannot_be_read_is_looked_at_again(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await queue_reply(rooms)
    await rooms.works()
    rooms.hostaway.will_fail("messages", OutsideError("away", outside="hostaway", retryable=True))
    await rooms.passes_time(5)
    assert [row[0] for row in await status(rooms)] == ["ambiguous"]
    await rooms.passes_time(5)
    assert [row[0] for row in await status(rooms)] == ["sent"]
