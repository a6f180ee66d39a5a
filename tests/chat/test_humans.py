from datetime import timedelta
from typing import Any

import pytest

from app.chat.humans import claims, find_ours, is_automatic
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


@pytest.mark.parametrize("text", ["Reservation confirmed", "This is an automated message."])
async def test_a_notice_of_the_channel_is_no_person(rooms: Rooms, text: str) -> None:
    rooms.hostaway.add_message(text, is_incoming=False, sentUsingHostaway=0)
    assert await speakers(rooms) == ["automation"]
    assert await rooms.mode() == "bot"


async def test_a_person_who_will_answer_later_is_a_person(rooms: Rooms) -> None:
    words = "Thanks for your message, I will get back to you in the afternoon."
    rooms.hostaway.add_message(words, is_incoming=False)
    assert await speakers(rooms) == ["operator"]


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


async def test_a_canned_text_with_each_guests_own_name_and_dates_is_no_person(
    rooms: Rooms,
) -> None:
    words = "Dear {}, thank you for staying with us until {} April. Please leave us a review!"
    guests = ("Ann Lee", "Zoé Paz", "Ola Nowak")
    for number, name in enumerate(guests, start=1):
        await rooms.books(5000 + number, 70 + number, guestName=name, phone=None)
        text = words.format(name.split()[0], 14 + number)
        rooms.hostaway.add_message(text, thread=f"7{number}", is_incoming=False)
        assert await speakers(rooms, f"7{number}") == ["operator"]
    rooms.hostaway.add_message(words.format("Jan", 16), is_incoming=False)
    assert await speakers(rooms) == ["automation"]


@pytest.mark.parametrize("words", ["Yes", "OK!", "You are welcome!", "Sure, no problem, see you"])
async def test_short_words_are_a_persons_however_many_threads_have_them(
    rooms: Rooms, words: str
) -> None:
    for number in (1, 2, 3, 4):
        await rooms.books(5000 + number, 70 + number)
        rooms.hostaway.add_message(words, thread=f"7{number}", is_incoming=False)
        await speakers(rooms, f"7{number}")
    rooms.hostaway.add_message(words, is_incoming=False)
    assert await speakers(rooms) == ["operator"]
    assert await rooms.mode() == "human"


async def tried(rooms: Rooms, text: str) -> None:
    """A question whose reply was handed to the PMS, and the process died there."""
    await rooms.writes(text)
    rooms.hostaway.send_faults = [(lost_answer(), False)]
    await rooms.passes_time(120)
    assert [row["status"] for row in await rooms.outgoing()] == ["ambiguous"]


async def test_a_person_who_copies_our_text_and_changes_the_time_is_a_person(rooms: Rooms) -> None:
    await tried(rooms, CHECK_IN)
    ours = rooms.hostaway.sent[0][1]
    assert "15:00" in ours
    rooms.hostaway.add_message(ours.replace("15:00", "13:00"), is_incoming=False)
    assert await speakers(rooms) == ["operator"]
    assert await rooms.mode() == "human"


async def test_a_changed_copy_is_not_taken_for_the_reply_that_did_not_arrive(rooms: Rooms) -> None:
    await tried(rooms, CHECK_IN)
    ours = rooms.hostaway.sent[0][1]
    rooms.hostaway.add_message(ours.replace("15:00", "13:00"), is_incoming=False)
    for seconds in (5, 25, 60):
        await rooms.passes_time(seconds)
    assert [row["status"] for row in await rooms.outgoing()] == ["dropped"]
    assert len(rooms.hostaway.sent) == 1


async def test_ours_is_told_from_the_changed_copy_beside_it(rooms: Rooms) -> None:
    await tried(rooms, CHECK_IN)
    ours = rooms.hostaway.sent[0][1]
    rooms.hostaway.add_message(ours.replace("15:00", "13:00"), is_incoming=False)
    rooms.hostaway.add_message(ours.replace(".", ""), is_incoming=False)
    assert await speakers(rooms) == ["operator", "bot"]


async def test_a_code_that_was_changed_after_sending_is_still_ours_and_not_kept(
    rooms: Rooms,
) -> None:
    await rooms.writes("What is the door code?")
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await rooms.passes_time(10)
    await rooms.changes(doorCode="90210")
    assert await speakers(rooms) == ["bot"]
    assert await rooms.mode() == "bot"
    assert DOOR_CODE not in str(await rooms.rows("select text from {schema}.turns"))
    await rooms.passes_time(5)
    assert [sent["status"] for sent in await rooms.outgoing()] == ["sent"]
    assert len(rooms.hostaway.sent) == 1


async def test_a_reply_that_the_channel_shows_twice_is_ours_twice(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    rooms.clock.advance(60)
    rooms.hostaway.add_message(rooms.hostaway.sent[0][1] + " 🙂", is_incoming=False)
    assert await speakers(rooms) == ["bot", "bot"]
    assert await rooms.mode() == "bot"


async def test_a_persons_short_words_are_not_a_reply_of_ours_from_before(rooms: Rooms) -> None:
    sent = make_outgoing("Yes", tried_at=NOON, status="ambiguous")
    soon = make_message("yes!", is_incoming=False, sent_at=NOON + timedelta(minutes=2))
    later = make_message("yes!", is_incoming=False, sent_at=NOON + timedelta(minutes=6))
    assert find_ours("yes!", soon, [sent]) is sent
    assert find_ours("yes!", later, [sent]) is None


@pytest.mark.parametrize("status", ["failed", "dropped"])
def test_a_reply_that_was_given_up_does_not_hide_a_person_who_pastes_it(status: str) -> None:
    sent = make_outgoing("Check-in is from 15:00, see you at the flat.", status=status)
    at_once = make_message(sent.text, is_incoming=False, sent_at=NOON + timedelta(seconds=30))
    pasted = make_message(sent.text, is_incoming=False, sent_at=NOON + timedelta(minutes=20))
    assert find_ours(sent.text, at_once, [sent]) is sent
    assert find_ours(sent.text, pasted, [sent]) is None


def test_a_draft_that_a_person_copies_is_a_persons() -> None:
    draft = make_outgoing("Check-in is from 15:00.", status="draft", attempts=0, tried_at=None)
    message = make_message(draft.text, is_incoming=False)
    assert claims([message], {message.external_id: message.text}, [draft]) == {}


def test_an_automation_that_says_what_we_said_takes_nothing_of_ours() -> None:
    sent = make_outgoing("Check-in is from 15:00, see you at the flat.")
    message = make_message(sent.text, is_incoming=False, is_automation=True)
    assert claims([message], {message.external_id: message.text}, [sent]) == {}


async def test_a_silence_that_our_own_reply_caused_is_lifted_and_the_guest_answered(
    rooms: Rooms,
) -> None:
    await rooms.writes(CHECK_IN)
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await rooms.passes_time(120)
    ours = rooms.hostaway.threads["70"][-1]
    words, ours["body"] = ours["body"], "(hidden by the channel)"
    assert await speakers(rooms) == ["operator"]
    assert await rooms.mode() == "human"
    rooms.clock.advance(1)
    await rooms.writes("Until when must we check out?")
    ours["body"] = words
    await rooms.passes_time(4)
    await rooms.works()
    assert await rooms.mode() == "bot"
    await rooms.passes_time(120)
    assert "11:00" in rooms.hostaway.sent[-1][1]


async def test_a_person_in_the_talk_silences_though_the_guest_wrote_again(rooms: Rooms) -> None:
    await rooms.writes("Is there a lift?")
    rooms.clock.advance(30)
    rooms.hostaway.add_message("Yes, on the left. Ola", is_incoming=False)
    rooms.clock.advance(30)
    await rooms.writes("And a cot?")
    await rooms.passes_time(120)
    assert rooms.hostaway.sent == []
    assert await rooms.mode() == "human"


async def test_an_inferred_silence_ends_twelve_hours_after_the_persons_words(rooms: Rooms) -> None:
    rooms.hostaway.add_message("Hi, Ola here", is_incoming=False)
    rooms.clock.advance(3600)
    assert await speakers(rooms) == ["operator"]
    rooms.clock.advance(11 * 3600 - 1)
    assert await rooms.mode() == "human"
    rooms.clock.advance(1)
    assert await rooms.mode() == "bot"


async def test_words_of_a_person_from_half_a_day_ago_silence_nobody(rooms: Rooms) -> None:
    rooms.hostaway.add_message("Hi, Ola here", is_incoming=False)
    rooms.clock.advance(12 * 3600)
    assert await speakers(rooms) == ["operator"]
    assert await rooms.mode() == "bot"


def test_a_pms_whose_clock_is_behind_is_allowed_for() -> None:
    sent = make_outgoing("See you at the flat")
    late = make_message("See you at the flat", sent_at=NOON - timedelta(seconds=90))
    old = make_message("See you at the flat", sent_at=NOON - timedelta(seconds=600))
    assert find_ours(late.text, late, [sent]) is sent
    assert find_ours(old.text, old, [sent]) is None


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("Thank you for your booking, Jan. See you!", "Thank you for your booking"),
        ("Dear Jan, thank you for booking with us!", "Dear {{guest_name}}, thank you for booking"),
        ("Hi Ann! We hope you had a lovely stay. Bye", "Hi [name]! We hope you had * stay"),
        ("Ok", "OK!"),
    ],
)
def test_an_automatic_text_is_known_by_how_it_begins_and_by_its_gaps(text: str, entry: str) -> None:
    assert is_automatic(text, [entry])


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("Hello, Ola here, let me check", "Hello"),
        ("Okay, I will send somebody", "Ok"),
        ("Hello", " - "),
        ("Hello", ""),
        ("Anything at all that a person may write", "*"),
        ("We hope you had a lovely day", "We hope you had * stay"),
    ],
)
def test_a_short_or_empty_entry_makes_nothing_else_automatic(text: str, entry: str) -> None:
    assert not is_automatic(text, [entry])
