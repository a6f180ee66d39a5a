"""What changed after the webhook and before the send decides."""

from datetime import timedelta
from typing import Any

import pytest

from app.chat.footing import MOVED
from app.errors import OutsideError
from app.jobs import Job
from app.pms.hostaway_answers import HostawayError
from tests.fakes import lost_answer, refused
from tests.make import DOOR_CODE, raw_listing
from tests.rooms import Rooms

CODE = "What is the door code?"
CHECK_IN = "From what time can we check in?"
LATER = {"arrivalDate": "2026-05-04", "departureDate": "2026-05-07"}


async def status(rooms: Rooms) -> list[tuple[str, str | None]]:
    return [(row["status"], row["because"]) for row in await rooms.outgoing()]


async def decided(rooms: Rooms, text: str, *, thread: str = "70") -> None:
    """A reply decided and queued; its job is done, and it is not sent."""
    await rooms.writes(text, thread=thread)
    rooms.clock.advance(120)
    conversation = await rooms.conversation(thread)
    state = await rooms.state(thread)
    await rooms.jobs.run("acme", Job.REPLY, str(conversation.id), state.generation)
    assert (await rooms.outgoing())[-1]["status"] == "queued"
    assert Job.REPLY not in await rooms.due()


def changes_unseen(rooms: Rooms, **fields: Any) -> None:
    """A change that Hostaway knows of and the mirror does not."""
    row = rooms.hostaway.reservation_rows["5000"]
    row |= {"updatedOn": f"{rooms.clock.now():%Y-%m-%d %H:%M:%S}", **fields}


async def is_reported(rooms: Rooms) -> None:
    """Its webhook has arrived; the reservation is to be fetched soon."""
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        await rooms.jobs.arm(
            conn, tenant_id="acme", kind=Job.RESERVATION, key=f"{rooms.account.id}:5000",
            due_at=rooms.clock.now() + timedelta(seconds=2),
        )  # fmt: skip


def only_reply(rooms: Rooms) -> str:
    ((_, text, _),) = rooms.hostaway.sent
    return text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "cancelled"}, "once your booking is confirmed"),
        ({"status": "inquiry"}, "once your booking is confirmed"),
        ({"isDatesUnspecified": 1}, "once your booking is confirmed"),
        (LATER, "from Sunday 3 May, 15:00 (Warsaw time)"),
        ({"arrivalDate": "2026-04-09", "departureDate": "2026-04-12"}, "Your stay has ended"),
        ({"checkInTime": 23, "arrivalDate": "2026-04-14"}, "from Monday 13 April, 23:00"),
    ],
)
async def test_a_change_between_decision_and_send_that_nobody_reported_decides(
    rooms: Rooms, change: dict[str, Any], said: str
) -> None:
    await decided(rooms, CODE)
    changes_unseen(rooms, **change)
    await rooms.works()
    assert DOOR_CODE not in only_reply(rooms)
    assert said in only_reply(rooms)
    assert (await status(rooms))[0] == ("dropped", MOVED)


@pytest.mark.parametrize("change", [{"status": "cancelled"}, LATER])
async def test_a_change_between_webhook_and_reply_decides(
    rooms: Rooms, change: dict[str, Any]
) -> None:
    await rooms.writes(CODE)
    changes_unseen(rooms, **change)
    await rooms.passes_time(120)
    assert DOOR_CODE not in only_reply(rooms)


async def test_a_change_while_the_model_thinks_decides(rooms: Rooms) -> None:
    async def cancel() -> None:
        changes_unseen(rooms, status="cancelled")

    rooms.model.on_words = cancel
    rooms.model.will_say("Your door code is [[door_code]].", "I cannot say.")
    await rooms.writes("Tell me about the neighbourhood and how I get in please")
    await rooms.passes_time(120)
    assert DOOR_CODE not in str(rooms.hostaway.sent)
    assert rooms.hostaway.sent[-1][1].endswith("I cannot say.")


async def test_a_moved_booking_is_told_the_code_of_the_listing_it_moved_to(rooms: Rooms) -> None:
    await rooms.set(access__code_source="listing")
    for listing, code in (("1042", "11111"), ("1043", "22222")):
        row = raw_listing(id=int(listing), doorSecurityCode=code)
        rooms.hostaway.listing_rows[listing] = row
        if listing == "1042":
            await rooms.mirror.apply_listings(rooms.tenant, rooms.account, [row])
    await decided(rooms, CODE)
    changes_unseen(rooms, listingMapId=1043)
    await rooms.works()
    assert "22222" in only_reply(rooms)
    assert "11111" not in only_reply(rooms)


async def test_a_moved_booking_gets_no_directions_to_where_it_was(rooms: Rooms) -> None:
    old = raw_listing(doorSecurityCode=None, specialInstruction="Ring at Nowak.")
    new = raw_listing(id=1043, specialInstruction="Ring at Zielinska.")
    rooms.hostaway.listing_rows |= {"1042": old, "1043": new}
    await rooms.mirror.apply_listings(rooms.tenant, rooms.account, [old])
    await decided(rooms, CODE)
    changes_unseen(rooms, listingMapId=1043)
    await rooms.works()
    assert "Zielinska" in only_reply(rooms)
    assert "Nowak" not in only_reply(rooms)


async def test_a_code_that_changed_meanwhile_is_given_as_it_is_now(rooms: Rooms) -> None:
    await decided(rooms, CODE)
    changes_unseen(rooms, doorCode="90210")
    await rooms.works()
    assert "90210" in only_reply(rooms)
    assert DOOR_CODE not in only_reply(rooms)
    assert [row[0] for row in await status(rooms)] == ["sent"]


async def test_a_code_that_was_taken_away_meanwhile_is_a_persons_matter(rooms: Rooms) -> None:
    await decided(rooms, CODE)
    changes_unseen(rooms, doorCode=None)
    await rooms.works()
    assert "not ready yet" in only_reply(rooms)
    assert await rooms.case() is not None


async def test_a_code_at_an_old_listing_is_fetched_again(rooms: Rooms) -> None:
    await rooms.set(access__code_source="listing")
    row = raw_listing(doorSecurityCode="11111")
    rooms.hostaway.listing_rows["1042"] = row
    await rooms.mirror.apply_listings(rooms.tenant, rooms.account, [row])
    rooms.hostaway.send_faults = [(refused(retryable=True), False)]
    await decided(rooms, CODE)
    await rooms.works()
    rooms.hostaway.listing_rows["1042"] = raw_listing(doorSecurityCode="33333")
    await rooms.passes_time(11 * 60)
    assert "33333" in rooms.hostaway.sent[-1][1]


async def test_before_it_is_sent_again_the_booking_is_read_again(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(lost_answer(), False)]
    await decided(rooms, CODE)
    await rooms.works()
    changes_unseen(rooms, status="cancelled")
    for seconds in (5, 25, 60):
        await rooms.passes_time(seconds)
    first, second = [text for _, text, _ in rooms.hostaway.sent]
    assert DOOR_CODE in first
    assert DOOR_CODE not in second


async def test_a_reply_without_a_secret_is_decided_again_once_a_change_was_reported(
    rooms: Rooms,
) -> None:
    await decided(rooms, CHECK_IN)
    changes_unseen(rooms, checkInTime=18)
    await is_reported(rooms)
    await rooms.works()
    assert "18:00" in only_reply(rooms)


async def test_a_reply_without_a_secret_costs_no_further_request(rooms: Rooms) -> None:
    await decided(rooms, CHECK_IN)
    before = rooms.hostaway.asked.count("reservation")
    await rooms.works()
    assert rooms.hostaway.asked.count("reservation") == before
    assert len(rooms.hostaway.sent) == 1


async def test_time_that_passed_between_decision_and_send_decides_too(rooms: Rooms) -> None:
    await rooms.changes(arrivalDate="2026-04-14", departureDate="2026-04-16")
    rooms.clock.advance(3600 - 130)
    await decided(rooms, CODE)
    await rooms.passes_time(60)
    assert DOOR_CODE in only_reply(rooms)
    assert (await status(rooms))[0] == ("dropped", MOVED)


async def test_of_adjoining_stays_both_are_read_again(rooms: Rooms) -> None:
    await rooms.books(
        5001, 71, arrivalDate="2026-04-10", departureDate="2026-04-13", doorCode="61616"
    )
    await rooms.changes(arrivalDate="2026-04-13")
    await decided(rooms, CODE, thread="71")
    changes_unseen(rooms, doorCode="71717")
    await rooms.works()
    assert "71717" in only_reply(rooms)


async def test_nothing_is_sent_while_the_booking_cannot_be_read(rooms: Rooms) -> None:
    await decided(rooms, CODE)
    away = HostawayError("away", retryable=True)
    rooms.hostaway.will_fail("reservation", away, away)
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert await status(rooms) == [("queued", None)]
    await rooms.passes_time(5)
    assert rooms.hostaway.sent == []
    await rooms.passes_time(5)
    assert DOOR_CODE in only_reply(rooms)


async def test_a_booking_that_is_gone_makes_it_a_persons_matter(rooms: Rooms) -> None:
    await decided(rooms, CODE)
    del rooms.hostaway.reservation_rows["5000"]
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert [row[0] for row in await status(rooms)] == ["failed"]
    assert await rooms.case() is not None


async def test_a_booking_that_cannot_be_read_for_long_makes_it_a_persons_matter(
    rooms: Rooms,
) -> None:
    await decided(rooms, CODE)
    away = HostawayError("away", retryable=True)
    rooms.hostaway.will_fail("reservation", away, away)
    await rooms.works()
    await rooms.passes_time(21 * 60)
    assert [row[0] for row in await status(rooms)] == ["failed"]
    assert await rooms.case() is not None


async def test_a_booking_that_never_stands_still_ends_with_a_person(rooms: Rooms) -> None:
    await decided(rooms, CODE)
    for hour in (16, 17, 18, 19):
        changes_unseen(rooms, checkOutTime=hour)
        await rooms.jobs.run_due()
        await rooms.jobs.run_due()
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert [row[0] for row in await status(rooms)] == ["dropped", "dropped", "dropped", "failed"]
    assert await rooms.case() is not None


async def test_what_a_dropped_reply_had_answered_is_answered_once(rooms: Rooms) -> None:
    await decided(rooms, CODE)
    changes_unseen(rooms, **LATER)
    await rooms.works()
    await rooms.passes_time(600)
    assert len(rooms.hostaway.words()) == 1
    assert (await rooms.state()).answered_through > 0


async def test_a_failure_of_another_kind_is_left_to_the_job(rooms: Rooms) -> None:
    await decided(rooms, CODE)
    rooms.hostaway.will_fail("reservation", OutsideError("odd", outside="hostaway", retryable=True))
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert [row[0] for row in await status(rooms)] == ["queued"]
