"""What a caller asked to have in writing goes into the booking's own thread, or nobody says so."""

import pytest

from app.chat.by_phone import ByPhone
from tests.rooms import Rooms


def post_of(rooms: Rooms) -> ByPhone:
    return ByPhone(
        database=rooms.database, clock=rooms.clock, jobs=rooms.jobs,
        conversations=rooms.conversations, stays=rooms.stays, cases=rooms.cases, mind=rooms.mind,
        verdicts=rooms.verdicts,
    )  # fmt: skip


async def put(rooms: Rooms) -> bool:
    (row,) = await rooms.rows("select id from {schema}.reservations where external_id = '5000'")
    return await post_of(rooms).put_access(rooms.tenant, row["id"])


async def test_it_is_sent_once_with_the_code_and_says_who_writes(rooms: Rooms):
    assert await put(rooms)
    await rooms.works()
    ((thread, text, _),) = rooms.hostaway.sent
    assert thread == "70"
    assert "48151" in text
    assert "AI assistant" in text
    (decision,) = await rooms.decisions()
    assert "48151" not in str(decision)


async def test_what_the_guest_wrote_meanwhile_is_still_answered_after_it(rooms: Rooms):
    await rooms.writes("Is there a bakery nearby?")
    assert await put(rooms)
    await rooms.passes_time(150)
    texts = [text for _, text, _ in rooms.hostaway.sent]
    assert len(texts) == 2
    assert "48151" in texts[0]
    assert "The shop is on the corner." in texts[1]


async def test_locked_access_is_not_sent(rooms: Rooms):
    await rooms.changes(arrivalDate="2026-05-13", departureDate="2026-05-16")
    assert not await put(rooms)
    assert await rooms.outgoing() == []


async def test_where_people_speak_the_bot_writes_nothing(rooms: Rooms):
    conversation = await rooms.conversation()
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        await rooms.cases.open(
            conn, rooms.tenant, conversation_id=conversation.id,
            reservation_id=conversation.reservation_id, severity="normal", trigger_text="x",
        )  # fmt: skip
    assert not await put(rooms)


@pytest.mark.parametrize("mode", ["off", "draft"])
async def test_a_tenant_that_is_not_on_sends_nothing(rooms: Rooms, mode: str):
    rooms.tenant = await rooms.tenants.set_mode("acme", mode)  # type: ignore[arg-type]
    assert not await put(rooms)


async def test_access_that_closes_before_it_goes_out_holds_it_back(rooms: Rooms):
    assert await put(rooms)
    await rooms.changes(status="cancelled")
    await rooms.works()
    assert rooms.hostaway.sent == []
