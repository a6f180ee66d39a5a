"""May a reply go out now? Asked when its turn has come; whoever objects is heard."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.chat.footing import MOVED
from app.jobs import Job, JobRun
from app.pms.access import Access
from app.pms.stay import Stay
from tests.fakes import lost_answer
from tests.make import DOOR_CODE, NOON, make_reservation, make_stay
from tests.rooms import Rooms

ASKS = "What is the door code?"


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
    async with rooms.database.shared().transaction() as conn:
        await conn.execute("delete from nightdesk.wake where kind = 'chat.reply'")
    return (await rooms.outgoing())[-1]


async def status(rooms: Rooms) -> list[tuple[str, str | None]]:
    return [(row["status"], row["because"]) for row in await rooms.outgoing()]


async def person_spoke(rooms: Rooms) -> None:
    conversation = await rooms.conversation()
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        await rooms.cases.person_spoke(
            conn, rooms.tenant, conversation.id, conversation.reservation_id,
            who="Ola", route="pms", is_inferred=True,
        )  # fmt: skip


async def test_a_person_who_speaks_while_a_reply_waits_for_its_turn_silences_it(
    rooms: Rooms,
) -> None:
    await queue_reply(rooms)
    rooms.hostaway.on_turn = lambda: person_spoke(rooms)
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert await status(rooms) == [("dropped", "a person took over")]


async def test_a_guest_who_writes_while_a_reply_waits_for_its_turn_drops_it(rooms: Rooms) -> None:
    await queue_reply(rooms)

    async def guest_writes() -> None:
        rooms.hostaway.on_turn = None
        await rooms.writes("And the wifi?")

    rooms.hostaway.on_turn = guest_writes
    await rooms.works()
    assert rooms.hostaway.sent == []
    await rooms.passes_time(120)
    assert "\nAnd the wifi?" in (await rooms.decisions())[-1]["question"]
    assert len(rooms.hostaway.sent) == 1


async def test_a_booking_that_is_cancelled_while_a_reply_waits_is_answered_anew(
    rooms: Rooms,
) -> None:
    await queue_reply(rooms)
    await rooms.changes(status="cancelled")
    await rooms.works()
    first, second = await rooms.outgoing()
    assert (first["status"], first["because"]) == ("dropped", MOVED)
    assert second["status"] == "sent"
    ((_, text, _),) = rooms.hostaway.sent
    assert DOOR_CODE not in text
    assert "confirmed" in text


async def test_a_date_that_moved_while_a_reply_waits_is_told_as_it_is_now(rooms: Rooms) -> None:
    await queue_reply(rooms, "Until when do we have to check out?")
    await rooms.changes(departureDate="2026-04-18")
    await rooms.works()
    ((_, text, _),) = rooms.hostaway.sent
    assert "2026-04-18" in text


async def test_a_code_that_was_taken_away_is_a_persons_matter(rooms: Rooms) -> None:
    await queue_reply(rooms)
    await rooms.changes(doorCode=None)
    await rooms.works()
    ((_, text, _),) = rooms.hostaway.sent
    assert "[[" not in text
    assert DOOR_CODE not in text
    assert "not ready yet" in text
    assert (await status(rooms))[0] == ("dropped", MOVED)
    assert await rooms.case() is not None


async def test_a_process_that_stood_still_looks_again_before_it_sends(rooms: Rooms) -> None:
    await queue_reply(rooms)
    rooms.clock.advance(60)
    rooms.hostaway.asked.clear()
    await rooms.works()
    assert rooms.hostaway.asked[:2] == ["messages", "reservation"]
    assert len(rooms.hostaway.sent) == 1


async def test_what_a_frozen_process_missed_drops_its_reply(rooms: Rooms) -> None:
    await queue_reply(rooms)
    rooms.clock.advance(60)
    rooms.hostaway.add_message("never mind, found it")
    await rooms.works()
    assert rooms.hostaway.sent == []
    await rooms.passes_time(120)
    assert rooms.hostaway.sent == []
    assert [d["outcome"] for d in await rooms.decisions()] == ["reply", "silence"]


async def test_a_person_whom_a_frozen_process_did_not_see_silences_it(rooms: Rooms) -> None:
    await queue_reply(rooms)
    rooms.clock.advance(60)
    rooms.hostaway.add_message("Hi, Ola here, the code comes by SMS.", is_incoming=False)
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert await rooms.mode() == "human"


async def test_a_booking_whose_end_a_frozen_process_did_not_see_keeps_its_code(
    rooms: Rooms,
) -> None:
    await queue_reply(rooms)
    rooms.clock.advance(60)
    rooms.hostaway.reservation_rows["5000"] |= {
        "status": "cancelled", "updatedOn": f"{rooms.clock.now():%Y-%m-%d %H:%M:%S}",
    }  # fmt: skip
    await rooms.works()
    assert DOOR_CODE not in str(rooms.hostaway.sent)
    assert (await status(rooms))[0] == ("dropped", MOVED)


async def test_a_process_that_stands_still_while_a_reply_waits_for_its_turn_looks_again(
    rooms: Rooms,
) -> None:
    await queue_reply(rooms)

    async def stands_still_once() -> None:
        rooms.hostaway.on_turn = None
        rooms.clock.stand_still(60)
        rooms.hostaway.add_message("never mind, found it")

    rooms.hostaway.on_turn = stands_still_once
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert await status(rooms) == [("dropped", "the guest wrote again")]


async def test_a_short_standstill_makes_a_reply_look_again_too(rooms: Rooms) -> None:
    await queue_reply(rooms)
    rooms.clock.stand_still(6)
    rooms.hostaway.add_message("never mind, found it")
    await rooms.works()
    assert rooms.hostaway.sent == []


async def test_a_long_wait_for_its_turn_does_not_send_a_reply_round_in_circles(
    rooms: Rooms,
) -> None:
    await queue_reply(rooms)

    async def waits_long() -> None:
        rooms.clock.advance(60)

    rooms.hostaway.on_turn = waits_long
    await rooms.jobs.run_due()
    assert len(rooms.hostaway.sent) == 1


async def test_a_person_of_the_team_who_wrote_is_sent_whatever_the_age(rooms: Rooms) -> None:
    await rooms.writes("Water is pouring through the ceiling!")
    await rooms.works()
    await rooms.passes_time(60)
    case = await rooms.case()
    assert case is not None
    await rooms.operators.reply("acme", case.id, "I am on my way.", operator="Ola", route="cli")
    rooms.clock.advance(60)
    rooms.hostaway.asked.clear()
    await rooms.works()
    assert rooms.hostaway.asked[0] == "send_message"


async def test_a_tenant_that_another_process_switched_off_meanwhile_sends_nothing(
    rooms: Rooms,
) -> None:
    await queue_reply(rooms)
    await rooms.rows("select 1 as known")
    async with rooms.database.shared().transaction() as conn:
        await conn.execute("update nightdesk.tenants set mode = 'off'")
    rooms.clock.advance(60)
    await rooms.works()
    assert rooms.hostaway.sent == []


async def test_a_run_that_lost_its_claim_sends_nothing(rooms: Rooms) -> None:
    await queue_reply(rooms)

    async def another_run_claims() -> None:
        async with rooms.database.shared().transaction() as conn:
            await conn.execute(
                "update nightdesk.wake set attempts = attempts + 1 where kind = 'chat.send'"
            )

    rooms.hostaway.on_turn = another_run_claims
    await rooms.jobs.run_due()
    assert rooms.hostaway.sent == []
    assert [row["status"] for row in await rooms.outgoing()] == ["queued"]


async def test_a_reply_that_another_run_is_sending_is_not_sent_again(rooms: Rooms) -> None:
    row = await queue_reply(rooms)

    async def another_run_sends() -> None:
        await rooms.rows(
            """update {schema}.outbox set status = 'sending', attempts = 1
               where id = $1 returning id""",
            row["id"],
        )

    rooms.hostaway.on_turn = another_run_sends
    await rooms.jobs.run_due()
    assert rooms.hostaway.sent == []


async def test_what_another_run_found_out_is_not_written_over(rooms: Rooms) -> None:
    row = await queue_reply(rooms)
    rooms.hostaway.send_faults = [(lost_answer(), True)]

    async def another_run_recognises() -> None:
        await rooms.rows(
            "update {schema}.outbox set status = 'sent' where id = $1 returning id", row["id"]
        )

    rooms.hostaway.after_send = another_run_recognises
    await rooms.works()
    assert [row["status"] for row in await rooms.outgoing()] == ["sent"]


LATER = NOON + timedelta(seconds=5)


def seen_with(access: Access | None = None, **made: Any) -> Stay:
    stay = make_stay(**made)
    return replace(stay, access=access) if access else stay


@pytest.mark.parametrize(
    ("now", "is_moved"),
    [
        (seen_with(Access(allowed=False, reason="not_confirmed")), True),
        (seen_with(replace(make_stay().access, closes_at=NOON + timedelta(days=9))), True),
        (seen_with(reservation=make_reservation(external_id="5001")), True),
        (seen_with(now=LATER), False),
        (seen_with(reservation=make_reservation(as_of=LATER)), False),
    ],
    ids=["access", "closes_at", "reservation", "now", "reservation_as_of"],
)
def test_only_what_replies_rest_on_counts_as_moved(now: Stay, is_moved: bool) -> None:
    assert (now.footing() != make_stay().footing()) is is_moved


def test_a_status_counts_as_moved_and_an_arrival_does_not() -> None:
    seen = make_stay(now=NOON)
    arrived = make_stay(now=NOON + timedelta(hours=30))
    cancelled = make_stay(reservation=make_reservation(status="cancelled"))
    assert (seen.variables()["hasArrived"], arrived.variables()["hasArrived"]) == (False, True)
    assert seen.footing() == arrived.footing()
    assert seen.footing() != cancelled.footing()


async def test_a_secret_is_read_again_where_its_turn_came_late_though_a_person_let_it_go(
    rooms: Rooms,
) -> None:
    rooms.tenant = await rooms.tenants.set_mode("acme", "draft")
    await rooms.writes(ASKS)
    await rooms.passes_time(120)
    (draft,) = await rooms.operators.drafts("acme")
    await rooms.operators.send_draft("acme", draft.id)
    turns: list[None] = []

    async def is_frozen_once() -> None:
        turns.append(None)
        if len(turns) == 1:
            rooms.clock.advance(60)
            rooms.hostaway.reservation_rows["5000"] |= {
                "doorCode": "90210", "updatedOn": f"{rooms.clock.now():%Y-%m-%d %H:%M:%S}",
            }  # fmt: skip

    rooms.hostaway.on_turn = is_frozen_once
    await rooms.works()
    ((_, text, _),) = rooms.hostaway.sent
    assert "90210" in text


async def test_a_change_that_is_reported_while_a_reply_waits_for_its_turn_is_read_first(
    rooms: Rooms,
) -> None:
    await queue_reply(rooms, "From what time can we check in?")
    turns: list[None] = []

    async def is_reported_once() -> None:
        turns.append(None)
        if len(turns) > 1:
            return
        rooms.hostaway.reservation_rows["5000"] |= {
            "checkInTime": 18, "updatedOn": f"{rooms.clock.now():%Y-%m-%d %H:%M:%S}",
        }  # fmt: skip
        door = await rooms.database.tenant("acme")
        async with door.transaction() as conn:
            await rooms.jobs.arm(
                conn, tenant_id="acme", kind=Job.RESERVATION, key=f"{rooms.account.id}:5000",
                due_at=rooms.clock.now() + timedelta(seconds=2),
            )  # fmt: skip

    rooms.hostaway.on_turn = is_reported_once
    await rooms.works()
    ((_, text, _),) = rooms.hostaway.sent
    assert "18:00" in text


async def test_a_reply_that_goes_another_way_is_looked_at_again_first(rooms: Rooms) -> None:
    await rooms.changes(phone=None)
    rooms.hostaway.conversation_rows["70"]["guestEmail"] = "jan@relay.example"
    await rooms.writes("From what time can we check in?")
    await rooms.passes_time(120)
    rooms.hostaway.threads["70"][-1]["status"] = "failed"
    rooms.hostaway.add_message("Hi, Ola here, come at three.", is_incoming=False)
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.mode() == "human"


async def test_facts_are_no_younger_than_when_the_pms_was_asked(rooms: Rooms) -> None:
    await rooms.writes(ASKS)
    conversation = await rooms.conversation()
    asked_at = rooms.clock.now()
    thread = await rooms.mirror.fetch_thread(rooms.tenant, conversation.id)
    rooms.clock.advance(5)
    assert thread.as_of == asked_at
    assert rooms.clock.now() - thread.as_of == timedelta(seconds=5)
