from typing import Any

import pytest

from app.errors import NotFound
from app.events import ReservationChanged
from app.pms.sync import parsed_messages
from tests.make import NOON, raw_listing, raw_message, raw_reservation
from tests.rooms import Rooms


async def status_of(rooms: Rooms) -> str:
    (row,) = await rooms.rows("select status from {schema}.reservations")
    return str(row["status"])


async def apply(rooms: Rooms, **fields: Any) -> None:
    row = raw_reservation(**fields)
    await rooms.mirror.apply_reservation(rooms.tenant, rooms.account, row)


async def test_an_older_state_does_not_replace_a_newer(rooms: Rooms) -> None:
    await apply(rooms, status="cancelled", updatedOn="2026-04-13 10:00:00")
    await apply(rooms, status="modified", updatedOn="2026-04-13 09:00:00")
    assert await status_of(rooms) == "cancelled"
    await apply(rooms, status="modified", updatedOn="2026-04-13 10:00:00")
    assert await status_of(rooms) == "modified"


async def test_only_news_are_told(rooms: Rooms) -> None:
    told: list[ReservationChanged] = []

    async def hear(event: ReservationChanged) -> None:
        told.append(event)

    rooms.bus.subscribe(ReservationChanged, hear)
    await apply(rooms, updatedOn="2026-04-13 10:00:00")
    await apply(rooms, updatedOn="2026-04-13 09:00:00")
    assert len(told) == 1


async def test_a_listing_is_fetched_again_only_when_it_is_old(rooms: Rooms) -> None:
    conversation = await rooms.conversation()
    await rooms.mirror.fetch_thread(rooms.tenant, conversation.id)
    assert "listing" not in rooms.hostaway.asked
    rooms.clock.advance(601)
    rooms.hostaway.listing_rows["1042"] = raw_listing(name="New name")
    await rooms.mirror.fetch_thread(rooms.tenant, conversation.id)
    assert "listing" in rooms.hostaway.asked
    (row,) = await rooms.rows("select name from {schema}.listings")
    assert row["name"] == "New name"


async def test_a_thread_is_read_in_order_of_time(rooms: Rooms) -> None:
    for text in ("one", "two", "three"):
        rooms.clock.advance(1)
        rooms.hostaway.add_message(text)
    conversation = await rooms.conversation()
    thread = await rooms.mirror.fetch_thread(rooms.tenant, conversation.id)
    assert [message.text for message in thread.messages] == ["one", "two", "three"]
    assert thread.has_reservation


async def test_a_thread_is_joined_with_its_reservation_when_it_is_read(rooms: Rooms) -> None:
    rooms.hostaway.add_thread("71", "5000")
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        made = await rooms.conversations.ensure_thread(
            conn, account=str(rooms.account.id), external_id="71", now=NOON
        )
    thread = await rooms.mirror.fetch_thread(rooms.tenant, made.id)
    assert thread.conversation.reservation_id == (await rooms.conversation()).reservation_id


async def test_messages_that_cannot_be_read_are_left_out() -> None:
    rows = [raw_message(2, "b", at=NOON), {"id": "x"}, raw_message(1, "a", at=NOON)]
    assert [message.text for message in parsed_messages(rows)] == ["a", "b"]


async def test_another_tenants_account_is_not_found(rooms: Rooms) -> None:
    with pytest.raises(NotFound):
        await rooms.mirror.account(rooms.tenant, rooms.account.id + 1)


async def test_secrets_in_messages_are_masked_before_they_are_kept(rooms: Rooms) -> None:
    await rooms.writes("Is it 48151?")
    rows = await rooms.rows("select text from {schema}.turns")
    assert [row["text"] for row in rows] == ["Is it [[door_code]]?"]


async def test_a_message_that_the_guest_edited_has_its_new_words(rooms: Rooms) -> None:
    await rooms.writes("Is there a lift?")
    rooms.hostaway.threads["70"][0]["body"] = "Is there a lift, and a cot for the baby?"
    await rooms.passes_time(120)
    (decision,) = await rooms.decisions()
    assert decision["question"] == "Is there a lift, and a cot for the baby?"
    assert [turn.text for turn in await rooms.turns() if turn.speaker == "guest"] == [
        "Is there a lift, and a cot for the baby?"
    ]


async def test_a_code_that_changed_since_is_not_uncovered_by_reading_again(rooms: Rooms) -> None:
    await rooms.writes("Is it still 48151?")
    await rooms.changes(doorCode="90210")
    await rooms.passes_time(120)
    assert (await rooms.turns())[0].text == "Is it still [[door_code]]?"
