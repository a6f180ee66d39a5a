"""What others answer wrongly ends with a person: nothing lost, nothing stuck, no guest sees it."""

from typing import Any

import pytest

from app.db import Connection
from app.errors import BadInput
from app.pms.inbox import MAX_ATTEMPTS, InboxRow
from app.pms.webhook import MESSAGE
from app.tenants import Tenant
from tests.make import DOOR_CODE, raw_listing, raw_message
from tests.rooms import Rooms

VAGUE = "Where is the nearest shop, please?"
CHECK_IN = "From what time can we check in?"


async def is_left_to_a_person(rooms: Rooms) -> bool:
    """Whether a case stands, and the guest has read our own sentence at most."""
    case = await rooms.case()
    said = [words for _, words, _ in rooms.hostaway.sent]
    assert all("colleague" in words and DOOR_CODE not in words for words in said), said
    return case is not None and case.is_open and len(said) <= 1


async def nothing_waits(rooms: Rooms) -> bool:
    """Whether no job of a thread is left that should have ended; given-up ones have."""
    async with rooms.database.shared().transaction() as conn:
        waiting = await conn.fetch(
            """select kind from nightdesk.wake where dead_at is null
               and kind in ('chat.reply', 'chat.send', 'chat.read')"""
        )
    return not waiting


@pytest.mark.parametrize(
    "words",
    [
        "",
        "   ",
        "I'm sorry, but I can't assist with that request.",
        "As an AI language model I have no access to your booking.",
        '{"actionCode": "WIFI_QUESTION", "score": 0.9}',
        "```json\n{}\n```",
        "<html><body>Bad gateway</body></html>",
        "Der nächste Supermarkt ist gleich um die Ecke, er hat bis zweiundzwanzig Uhr geöffnet.",
        "最近的商店就在拐角处，营业到晚上十点，您可以步行到达。",
        "The door code is [[door_cod]].",
        "The door code is [door_code].",
        "The door code is [[door_code]",
        "The door code is {{door_code}}.",
        "The door code is (door_code).",
        "The gate code is [[gate_code]].",
        "<%= door_code %>",
        "word" * 10_000,
    ],
    ids=lambda words: words[:24],
)
async def test_whatever_nonsense_a_model_says_goes_to_a_person(rooms: Rooms, words: str) -> None:
    rooms.model.will_say(words)
    await rooms.writes(VAGUE)
    await rooms.passes_time(120)
    assert await is_left_to_a_person(rooms)
    assert await nothing_waits(rooms)


@pytest.mark.parametrize(
    ("what", "row"),
    [
        ("no listing", {"id": 5000}),
        ("no id", {"listingMapId": 1042}),
        ("a list", {"id": [5000], "listingMapId": 1042}),
        ("no words", {"id": 5000, "listingMapId": None, "guestName": 5}),
    ],
)
async def test_a_reservation_that_makes_no_sense_goes_to_a_person_at_once(
    rooms: Rooms, what: str, row: dict[str, Any]
) -> None:
    await rooms.writes(VAGUE)
    rooms.hostaway.reservation_rows["5000"] = row
    await rooms.passes_time(120)
    assert await is_left_to_a_person(rooms), what
    assert await nothing_waits(rooms)
    (run,) = await rooms.jobs.recent_runs("acme", only_failed=True)
    assert (run["kind"], run["status"]) == ("chat.reply", "dead")


@pytest.mark.parametrize("day", ["0000-00-00", None, "soon", "9999-99-99", 5])
async def test_dates_that_are_none_are_answered_and_open_no_door(rooms: Rooms, day: Any) -> None:
    await rooms.writes("What is the door code?")
    rooms.hostaway.reservation_rows["5000"] |= {
        "arrivalDate": day, "departureDate": day, "updatedOn": "2026-04-13 12:01:00",
    }  # fmt: skip
    await rooms.passes_time(120)
    assert rooms.hostaway.sent
    assert DOOR_CODE not in str(rooms.hostaway.sent)


async def test_a_listing_without_a_name_is_lived_with(rooms: Rooms) -> None:
    bare = {name: None for name in raw_listing() if name != "id"}
    rooms.hostaway.listing_rows["1042"] = {"id": 1042, **bare}
    rooms.clock.advance(3600)
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    assert "15:00" in rooms.hostaway.sent[0][1]


async def test_rubbish_between_the_messages_of_a_thread_is_left_out(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    now = rooms.clock.now()
    rooms.hostaway.threads["70"] += [
        {"status": "sent"},
        {"id": "x", "conversationId": 70, "status": "sent", "date": "soon"},
        raw_message(5, "Another guest's question", at=now, conversationId=71),
        raw_message(6, "from nowhere", at=now) | {"date": None, "insertedOn": None},
    ]
    await rooms.passes_time(120)
    assert "15:00" in rooms.hostaway.sent[0][1]
    assert "Another guest" not in str(await rooms.turns())


async def test_a_thread_whose_reservation_is_no_id_is_answered_without_one(rooms: Rooms) -> None:
    rooms.hostaway.conversation_rows["71"] = {"id": 71, "reservationId": {"id": 5000}}
    rooms.hostaway.threads["71"] = []
    row = raw_message(77, CHECK_IN, at=rooms.clock.now(), conversationId=71, reservationId=None)
    rooms.hostaway.threads["71"].append(row)
    await rooms.delivers(row)
    await rooms.passes_time(120)
    assert rooms.hostaway.sent or await rooms.case() is not None
    assert await nothing_waits(rooms)


async def test_a_poison_event_is_shown_and_its_thread_read_another_way(rooms: Rooms) -> None:
    async def fail(conn: Connection, tenant: Tenant, row: InboxRow) -> None:
        if "poison" in row.sealed["body"]:
            raise BadInput("this one cannot be handled")
        await rooms.debounce.on_message_event(conn, tenant, row)

    rooms.inbox.register({MESSAGE: fail}, rooms.debounce.on_given_up)
    await rooms.writes("poison! " + CHECK_IN)
    await rooms.books(5001, 71)
    await rooms.writes(CHECK_IN, thread="71")
    for _ in range(MAX_ATTEMPTS):
        await rooms.inbox.drain("acme")
    (run,) = await rooms.jobs.recent_runs("acme", only_failed=True)
    assert (run["kind"], run["status"]) == ("inbox.message", "dead")
    assert run["error"] == {"error": "BadInput: this one cannot be handled"}
    await rooms.works()
    await rooms.passes_time(120)
    assert sorted(thread for thread, _, _ in rooms.hostaway.sent) == ["70", "71"]


async def test_a_message_of_half_characters_and_controls_is_answered(rooms: Rooms) -> None:
    await rooms.writes(f"\u202e{CHECK_IN}\u202c 😀 مرحبا \x07")
    await rooms.passes_time(120)
    assert "15:00" in rooms.hostaway.sent[0][1]


async def test_a_message_of_a_megabyte_is_answered(rooms: Rooms) -> None:
    await rooms.writes(f"{CHECK_IN} " + "Thank you. " * 100_000)
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1 or await rooms.case() is not None
    assert await nothing_waits(rooms)
