from datetime import timedelta
from typing import Any

import pytest

from app.chat.humans import find_ours, is_automatic, is_same_text
from app.jobs import Job, JobRun
from tests.fakes import lost_answer
from tests.make import DOOR_CODE, NOON, make_message, make_outgoing
from tests.rooms import Rooms

CHECK_IN = "From what time can we check in?"


async def speakers(rooms: Rooms, thread: str = "70") -> list[str]:
    """Who spoke, after the thread was looked at."""
    conversation = await rooms.conversation(thread)
    run = JobRun(
        tenant_id="acme", kind=Job.READ_THREAD, key=str(conversation.id), generation=1, attempt=1
    )
    await rooms.replies.look(run)
    return [turn.speaker for turn in await rooms.turns(thread) if turn.speaker != "guest"]


@pytest.mark.parametrize("text", ["Hi, Ola here", "From the Airbnb app"])
async def test_what_nobody_else_wrote_was_a_person(rooms: Rooms, text: str) -> None:
    rooms.hostaway.add_message(text, is_incoming=False, sentUsingHostaway=0, userId=None)
    assert await speakers(rooms) == ["operator"]
    assert await rooms.mode() == "human"


@pytest.mark.parametrize("mark", [{"communicationId": 7}, {"communicationEvent": "checkin"}])
async def test_an_automation_is_no_person(rooms: Rooms, mark: dict[str, Any]) -> None:
    rooms.hostaway.add_message("Welcome to the flat", is_incoming=False, **mark)
    assert await speakers(rooms) == ["automation"]
    assert await rooms.mode() == "bot"


async def test_what_the_tenant_lists_is_no_person(rooms: Rooms) -> None:
    await rooms.set(chat__automatic_texts=["Thank you for your booking!"])
    rooms.hostaway.add_message("Thank you for your BOOKING, Jan. See you.", is_incoming=False)
    assert await speakers(rooms) == ["automation"]


async def test_the_same_words_in_three_other_threads_are_no_person(rooms: Rooms) -> None:
    words = "Please rate your stay with five stars"
    for number in (1, 2, 3):
        await rooms.books(5000 + number, 70 + number)
        rooms.hostaway.add_message(words, thread=f"7{number}", is_incoming=False)
        assert await speakers(rooms, f"7{number}") == ["operator"]
    rooms.hostaway.add_message(words.upper() + "!", is_incoming=False)
    assert await speakers(rooms) == ["automation"]
    assert await rooms.mode() == "bot"


async def test_our_reply_is_known_by_its_id(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    rooms.hostaway.threads["70"][-1]["body"] = "(hidden by the channel)"
    assert await speakers(rooms) == ["bot"]
    assert await rooms.mode() == "bot"


async def test_our_reply_is_known_before_we_know_that_it_arrived(rooms: Rooms) -> None:
    await rooms.writes("What is the door code?")
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await rooms.passes_time(10)
    row = rooms.hostaway.threads["70"][-1]
    assert DOOR_CODE in row["body"]
    row["body"] = row["body"].replace("AI assistant", "AI  assistant").replace(".", "") + " 🙂"
    assert await speakers(rooms) == ["bot"]
    assert await rooms.mode() == "bot"
    await rooms.passes_time(5)
    assert [sent["status"] for sent in await rooms.outgoing()] == ["sent"]


async def test_a_person_beside_our_reply_is_still_a_person(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await rooms.passes_time(120)
    rooms.hostaway.add_message("And this is Ola, call me any time", is_incoming=False)
    assert await speakers(rooms) == ["bot", "operator"]
    assert await rooms.mode() == "human"


async def test_what_a_person_wrote_before_going_live_silences_nobody(rooms: Rooms) -> None:
    rooms.hostaway.add_message("Ola", is_incoming=False, date="2026-04-13 11:00:00")
    assert await speakers(rooms) == ["operator"]
    assert await rooms.mode() == "bot"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Check-in is from 15:00.", "check in is from 15 00"),
        ("Zażółć gęślą jaźń, proszę", "Zazolc gesla jazn prosze"),
        ("See you soon! 🙂", "See you soon!"),
        ("Code [[door_code]], welcome to us", "Code  [[door_code]] welcome to us"),
        ("Ok", "ok!"),
    ],
)
def test_what_channels_do_to_a_text_does_not_make_it_another(one: str, other: str) -> None:
    assert is_same_text(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Yes", "Yess"), ("Check-in is from 15:00.", "Check-out is until 11:00."), ("Ok", "")],
)
def test_other_words_are_another_text(one: str, other: str) -> None:
    assert not is_same_text(one, other)


def test_a_pms_whose_clock_is_behind_is_allowed_for() -> None:
    sent = make_outgoing("See you at the flat")
    late = make_message("See you at the flat", sent_at=NOON - timedelta(seconds=90))
    old = make_message("See you at the flat", sent_at=NOON - timedelta(seconds=600))
    assert find_ours(late.text, late, [sent]) is sent
    assert find_ours(old.text, old, [sent]) is None


def test_an_empty_entry_makes_nothing_automatic() -> None:
    assert not is_automatic("Hello", ["", " - "])
