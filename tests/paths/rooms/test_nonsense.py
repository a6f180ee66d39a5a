"""What others answer wrongly ends with a person: nothing lost, nothing stuck, no guest sees it."""

from typing import Any

import pytest

from app.db import Connection
from app.errors import BadInput
from app.events import JobFailed
from app.pms.inbox import MAX_ATTEMPTS, InboxRow
from app.pms.webhook import MESSAGE
from app.tenants import Tenant
from tests.make import DOOR_CODE, raw_listing, raw_message
from tests.rooms import Rooms

VAGUE = "Where is the nearest shop, please?"
CHECK_IN = "From what time can we check in?"


@pytest.fixture
def heard(rooms: Rooms) -> Rooms:
    """The rooms, hearing of given-up jobs as the product does."""
    rooms.bus.subscribe(JobFailed, rooms.replies.on_job_failed)
    return rooms


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
async def test_whatever_nonsense_a_model_says_goes_to_a_person(heard: Rooms, words: str) -> None:
    heard.model.will_say(words)
    await heard.writes(VAGUE)
    await heard.passes_time(120)
    assert await is_left_to_a_person(heard)
    assert await nothing_waits(heard)


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
    heard: Rooms, what: str, row: dict[str, Any]
) -> None:
    await heard.writes(VAGUE)
    heard.hostaway.reservation_rows["5000"] = row
    await heard.passes_time(120)
    assert await is_left_to_a_person(heard), what
    assert await nothing_waits(heard)
    (run,) = await heard.jobs.recent_runs("acme", only_failed=True)
    assert (run["kind"], run["status"]) == ("chat.reply", "dead")


@pytest.mark.parametrize("day", ["0000-00-00", None, "soon", "9999-99-99", 5])
async def test_dates_that_are_none_are_answered_and_open_no_door(heard: Rooms, day: Any) -> None:
    await heard.writes("What is the door code?")
    heard.hostaway.reservation_rows["5000"] |= {
        "arrivalDate": day, "departureDate": day, "updatedOn": "2026-04-13 12:01:00",
    }  # fmt: skip
    await heard.passes_time(120)
    assert heard.hostaway.sent
    assert DOOR_CODE not in str(heard.hostaway.sent)


async def test_a_listing_without_a_name_is_lived_with(heard: Rooms) -> None:
    bare = {name: None for name in raw_listing() if name != "id"}
    heard.hostaway.listing_rows["1042"] = {"id": 1042, **bare}
    heard.clock.advance(3600)
    await heard.writes(CHECK_IN)
    await heard.passes_time(120)
    assert "15:00" in heard.hostaway.sent[0][1]


async def test_rubbish_between_the_messages_of_a_thread_is_left_out(heard: Rooms) -> None:
    await heard.writes(CHECK_IN)
    now = heard.clock.now()
    heard.hostaway.threads["70"] += [
        {"status": "sent"},
        {"id": "x", "conversationId": 70, "status": "sent", "date": "soon"},
        raw_message(5, "Another guest's question", at=now, conversationId=71),
        raw_message(6, "from nowhere", at=now) | {"date": None, "insertedOn": None},
    ]
    await heard.passes_time(120)
    assert "15:00" in heard.hostaway.sent[0][1]
    assert "Another guest" not in str(await heard.turns())


async def test_a_thread_whose_reservation_is_no_id_is_answered_without_one(heard: Rooms) -> None:
    heard.hostaway.conversation_rows["71"] = {"id": 71, "reservationId": {"id": 5000}}
    heard.hostaway.threads["71"] = []
    row = raw_message(77, CHECK_IN, at=heard.clock.now(), conversationId=71, reservationId=None)
    heard.hostaway.threads["71"].append(row)
    await heard.delivers(row)
    await heard.passes_time(120)
    assert heard.hostaway.sent or await heard.case() is not None
    assert await nothing_waits(heard)


async def test_a_poison_event_is_shown_and_its_thread_read_another_way(heard: Rooms) -> None:
    async def fail(conn: Connection, tenant: Tenant, row: InboxRow) -> None:
        if "poison" in row.sealed["body"]:
            raise BadInput("this one cannot be handled")
        await heard.debounce.on_message_event(conn, tenant, row)

    heard.inbox.register({MESSAGE: fail}, heard.debounce.on_given_up)
    await heard.writes("poison! " + CHECK_IN)
    await heard.books(5001, 71)
    await heard.writes(CHECK_IN, thread="71")
    for _ in range(MAX_ATTEMPTS):
        await heard.inbox.drain("acme")
    (run,) = await heard.jobs.recent_runs("acme", only_failed=True)
    assert (run["kind"], run["status"]) == ("inbox.message", "dead")
    assert run["error"] == {"error": "BadInput: this one cannot be handled"}
    await heard.works()
    await heard.passes_time(120)
    assert sorted(thread for thread, _, _ in heard.hostaway.sent) == ["70", "71"]


async def test_a_message_of_half_characters_and_controls_is_answered(heard: Rooms) -> None:
    await heard.writes(f"\u202e{CHECK_IN}\u202c 😀 مرحبا \x07")
    await heard.passes_time(120)
    assert "15:00" in heard.hostaway.sent[0][1]


async def test_a_message_of_a_megabyte_is_answered(heard: Rooms) -> None:
    await heard.writes(f"{CHECK_IN} " + "Thank you. " * 100_000)
    await heard.passes_time(120)
    assert len(heard.hostaway.sent) == 1 or await heard.case() is not None
    assert await nothing_waits(heard)
