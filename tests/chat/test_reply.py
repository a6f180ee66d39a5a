from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.jobs import Job, JobRun
from app.tenants import Tenants
from tests.fakes import lost_answer, refused
from tests.rooms import Rooms

CHECK_IN = "From what time can we check in?"


async def test_a_burst_is_answered_once_after_the_last_message(rooms: Rooms) -> None:
    await rooms.writes("Hi!", "We arrive tonight", CHECK_IN)
    await rooms.passes_time(119)
    assert rooms.hostaway.sent == []
    await rooms.passes_time(1)
    assert len(rooms.hostaway.sent) == 1
    assert len(await rooms.decisions()) == 1


async def test_a_person_who_replied_meanwhile_ends_the_answer(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    rooms.clock.advance(60)
    rooms.hostaway.add_message("Hi, Ola here: from 15:00!", is_incoming=False)
    await rooms.passes_time(60)
    assert rooms.hostaway.sent == []
    assert await rooms.decisions() == []
    assert await rooms.mode() == "human"


async def test_a_code_made_after_the_message_that_holds_it_is_taken_out_of_the_turn(
    rooms: Rooms,
) -> None:
    row = rooms.hostaway.reservation_rows["5000"]
    row |= {"doorCode": "662211", "updatedOn": "2026-04-13 12:00:00"}
    await rooms.writes("Thanks! So it is 662211, and where is the shop?")
    assert (await rooms.turns())[0].text == "Thanks! So it is 662211, and where is the shop?"
    await rooms.passes_time(120)
    assert (await rooms.turns())[0].text == "Thanks! So it is [[door_code]], and where is the shop?"
    (decision,) = await rooms.decisions()
    assert "662211" not in str(decision) + str(rooms.model.asked)


async def test_an_automation_ends_nothing(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    rooms.clock.advance(60)
    rooms.hostaway.add_message("Welcome!", is_incoming=False, communicationId=77)
    await rooms.passes_time(60)
    assert len(rooms.hostaway.sent) == 1


async def test_an_older_reply_of_a_person_does_not_answer_a_newer_question(rooms: Rooms) -> None:
    rooms.hostaway.add_message("Welcome, Ola here", is_incoming=False)
    rooms.clock.advance(60)
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1


async def test_what_came_while_answering_is_answered_with_it(rooms: Rooms) -> None:
    async def guest_writes() -> None:
        rooms.model.on_words = None
        await rooms.writes("Oh, and is there a lift in the house?")

    rooms.model.on_words = guest_writes
    await rooms.writes("Where is the nearest shop, please?")
    await rooms.passes_time(120)
    assert rooms.hostaway.sent == []
    await rooms.passes_time(120)
    (decision,) = await rooms.decisions()
    assert decision["question"] == (
        "Where is the nearest shop, please?\nOh, and is there a lift in the house?"
    )
    assert len(rooms.hostaway.sent) == 1


async def test_a_message_that_no_webhook_brought_is_read_with_the_thread(rooms: Rooms) -> None:
    await rooms.writes("Hi!")
    rooms.clock.advance(30)
    rooms.hostaway.add_message(CHECK_IN)
    await rooms.passes_time(90)
    (decision,) = await rooms.decisions()
    assert decision["question"] == f"Hi!\n{CHECK_IN}"


async def test_the_reservation_is_fetched_again_before_the_answer(rooms: Rooms) -> None:
    await rooms.writes("What is the door code?")
    rooms.hostaway.reservation_rows["5000"] |= {
        "status": "cancelled", "updatedOn": "2026-04-13 12:01:00",
    }  # fmt: skip
    await rooms.passes_time(120)
    assert "confirmed" in rooms.hostaway.sent[0][1]


async def test_more_than_six_replies_an_hour_are_a_persons_matter(rooms: Rooms) -> None:
    for number in range(6):
        rooms.model.will_say(f"Answer {number}.")
        await rooms.writes(f"Where is shop number {'abcdef'[number]}, please?")
        await rooms.passes_time(120)
        rooms.clock.advance(60)
    assert len(rooms.hostaway.sent) == 6
    await rooms.writes("Where is yet another shop, please?")
    await rooms.passes_time(200)
    assert len(rooms.hostaway.sent) == 6
    case = await rooms.case()
    assert case is not None
    assert case.severity == "low"


async def test_after_an_hour_the_bot_may_answer_again(rooms: Rooms) -> None:
    await rooms.set(chat__max_replies_per_hour=1)
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    rooms.clock.advance(3601)
    await rooms.writes("Until when must we check out?")
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 2


async def test_another_machine_is_not_talked_to(rooms: Rooms) -> None:
    for _ in range(3):
        await rooms.writes("Your message was received by our system.")
        await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 2
    assert await rooms.case() is not None


async def test_going_live_answers_nothing_old(
    database: Database, tenants: Tenants, bus: Bus, clock: ManualClock, background: Background
) -> None:
    rooms = Rooms(database=database, tenants=tenants, bus=bus, clock=clock, background=background)
    await rooms.move_in(await tenants.get("acme"))
    await rooms.writes(CHECK_IN)
    rooms.clock.advance(30)
    rooms.tenant = await tenants.set_mode("acme", "on")
    rooms.clock.advance(30)
    await rooms.writes("Thanks for the nice pictures of the flat, by the way")
    await rooms.passes_time(120)
    (decision,) = await rooms.decisions()
    assert CHECK_IN not in decision["question"]


async def test_a_switched_off_tenant_answers_nothing_that_was_armed(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.tenants.set_mode("acme", "off")
    await rooms.passes_time(120)
    assert await rooms.decisions() == []


async def test_what_is_found_too_late_becomes_a_low_case(rooms: Rooms) -> None:
    rooms.clock.advance(10)
    rooms.hostaway.add_message(CHECK_IN)
    rooms.clock.advance(3700)
    await rooms.writes("Hello?")
    await rooms.passes_time(120)
    case = await rooms.case()
    assert case is not None
    assert case.severity == "low"
    assert case.trigger_text == CHECK_IN


async def test_what_a_person_answered_in_time_is_not_overdue(rooms: Rooms) -> None:
    await rooms.set(chat__human_silence_s=600)
    rooms.hostaway.add_message(CHECK_IN)
    rooms.clock.advance(60)
    rooms.hostaway.add_message("From 15:00, Ola", is_incoming=False)
    rooms.clock.advance(3700)
    await rooms.writes("Until when must we check out?")
    await rooms.passes_time(120)
    assert await rooms.case() is None
    assert len(rooms.hostaway.sent) == 1


async def test_a_guest_who_wants_no_robot_is_left_to_people_for_good(rooms: Rooms) -> None:
    await rooms.writes("No robot please, I do not want to talk to a bot")
    await rooms.passes_time(120)
    assert (await rooms.state()).refuses_robot
    case = await rooms.case()
    assert case is not None
    await rooms.cases.resolve("acme", case.id, operator="Ola", route="cli")
    rooms.clock.advance(60)
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    assert "15:00" not in rooms.hostaway.sent[-1][1]
    assert [d["because"] for d in await rooms.decisions()][-1] == "the guest asked for no robot"


async def test_the_language_of_a_thread_is_kept(rooms: Rooms) -> None:
    await rooms.writes("Dzień dobry, gdzie jest najbliższy sklep spożywczy?")
    await rooms.passes_time(120)
    assert (await rooms.conversation()).language == "pl"


async def test_an_event_that_names_no_thread_finds_it(rooms: Rooms) -> None:
    row = rooms.hostaway.add_message(CHECK_IN)
    await rooms.delivers({**row, "id": None, "conversationId": None})
    await rooms.works()
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1


async def test_a_thread_of_an_unknown_reservation_is_answered_too(rooms: Rooms) -> None:
    row = rooms.hostaway.reservation_rows["5000"]
    rooms.hostaway.reservation_rows["6000"] = {**row, "id": 6000, "status": "inquiry"}
    rooms.hostaway.add_thread("71", "6000")
    await rooms.writes(CHECK_IN, thread="71")
    await rooms.passes_time(5)
    assert [thread for thread, _, _ in rooms.hostaway.sent] == ["71"]


async def test_a_thread_that_cannot_be_answered_is_a_persons_matter(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    conversation = await rooms.conversation()
    await rooms.replies.leave_given_up(
        JobRun(
            tenant_id="acme",
            kind=Job.GIVEN_UP,
            key=f"chat.reply:{conversation.id}",
            generation=1,
            attempt=1,
        )
    )
    case = await rooms.case()
    assert case is not None
    assert case.trigger_text == CHECK_IN


async def test_a_secret_that_the_guest_repeats_is_kept_as_a_placeholder(rooms: Rooms) -> None:
    await rooms.writes("Is it still 4 8 1 5 1?")
    await rooms.passes_time(120)
    first, *_ = await rooms.turns()
    assert first.text == "Is it still [[door_code]]?"


async def test_a_reply_dropped_for_newer_words_leaves_its_question_open(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    rooms.clock.advance(120)
    await rooms.jobs.run_due()
    await rooms.writes("Thanks in advance!")
    await rooms.works()
    assert rooms.hostaway.sent == []
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1
    assert CHECK_IN in (await rooms.decisions())[-1]["question"]


async def test_a_draft_dropped_for_newer_words_leaves_its_question_open(rooms: Rooms) -> None:
    await rooms.tenants.set_mode("acme", "draft")
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    await rooms.writes("And until when may we stay on the last day?")
    await rooms.passes_time(120)
    assert [row["status"] for row in await rooms.outgoing()] == ["dropped", "draft"]
    assert CHECK_IN in (await rooms.decisions())[-1]["question"]


async def test_a_greeting_alone_is_greeted_once(rooms: Rooms) -> None:
    await rooms.writes("Hello!")
    await rooms.passes_time(120)
    assert rooms.hostaway.sent[-1][1].endswith("How can I help you?")
    await rooms.writes("Hello?")
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1
    assert await rooms.case() is None


async def test_a_picture_alone_goes_to_a_person_and_that_is_said(rooms: Rooms) -> None:
    await rooms.writes("", attachments=[{"id": 1}])
    await rooms.passes_time(120)
    assert "cannot look at photos" in rooms.hostaway.sent[-1][1]
    case = await rooms.case()
    assert case is not None
    assert (case.severity, case.trigger_text) == ("low", "[attachment]")


async def test_a_picture_that_only_the_list_of_images_shows_counts(rooms: Rooms) -> None:
    await rooms.writes("", imagesUrls=["https://pics.example/1.jpg"])
    await rooms.passes_time(120)
    assert await rooms.case() is not None


async def test_what_booking_com_lets_hosts_choose_an_answer_to_goes_to_a_person(
    rooms: Rooms,
) -> None:
    options = [{"type": "Buttons", "options": [{"payload": "accept"}, {"payload": "decline"}]}]
    await rooms.writes("A cot and a quiet room", bookingcomReplyOptions=options)
    await rooms.passes_time(120)
    assert "I cannot change a booking myself" in rooms.hostaway.sent[-1][1]
    case = await rooms.case()
    assert case is not None
    assert case.trigger_text == "A cot and a quiet room"


async def test_a_message_that_booking_com_lets_hosts_answer_in_words_is_a_question(
    rooms: Rooms,
) -> None:
    options = [{"type": "PlainText", "options": []}]
    await rooms.writes(CHECK_IN, bookingcomReplyOptions=options)
    await rooms.passes_time(120)
    assert await rooms.case() is None
    assert "15:00" in rooms.hostaway.sent[-1][1]


async def test_a_reaction_with_words_of_danger_alerts_nobody(rooms: Rooms) -> None:
    await rooms.writes("Liked “There is a fire extinguisher. In case of fire call 112!”")
    await rooms.passes_time(120)
    assert rooms.hostaway.sent == []
    assert await rooms.case() is None


async def test_never_mind_after_a_reply_needs_nothing(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    await rooms.writes("never mind, found it")
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 1


async def test_two_robots_stop_after_a_few_rounds(rooms: Rooms) -> None:
    for sign in "abcdefghij":
        rooms.model.will_say(f"Dear assistant, here is fact {sign}.")
        words = "As the virtual assistant of the guest I acknowledge your answer. " * 3
        await rooms.writes(words + sign * 9)
        await rooms.passes_time(120)
        rooms.clock.advance(4)
    assert len(rooms.hostaway.sent) == 3
    case = await rooms.case()
    assert case is not None
    assert case.severity == "low"


async def test_words_of_one_second_are_read_in_the_order_of_the_pms(rooms: Rooms) -> None:
    first = rooms.hostaway.add_message("What is the wifi password?")
    second = rooms.hostaway.add_message("never mind, found it")
    await rooms.delivers(second)
    await rooms.delivers(first)
    await rooms.passes_time(120)
    assert [d["outcome"] for d in await rooms.decisions()] == ["silence"]
    assert rooms.hostaway.sent == []


def run_of(rooms: Rooms, conversation_id: int, generation: int) -> JobRun:
    return JobRun(
        tenant_id="acme", kind=Job.REPLY, key=str(conversation_id), generation=generation, attempt=2
    )


async def test_a_run_that_is_done_again_after_a_crash_answers_nothing_twice(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    conversation = await rooms.conversation()
    await rooms.replies.answer(run_of(rooms, conversation.id, 1))
    await rooms.works()
    assert len(rooms.hostaway.sent) == 1
    assert len(await rooms.decisions()) == 1


async def test_words_that_a_run_finds_when_it_is_done_again_are_answered(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    rooms.hostaway.add_message("Until when do we have to check out?")
    conversation = await rooms.conversation()
    await rooms.replies.answer(run_of(rooms, conversation.id, 1))
    await rooms.passes_time(120)
    assert len(rooms.hostaway.sent) == 2


async def test_a_queued_reply_survives_the_run_that_made_it_being_done_again(
    rooms: Rooms,
) -> None:
    await rooms.writes(CHECK_IN)
    rooms.clock.advance(120)
    conversation = await rooms.conversation()
    for _ in range(2):
        await rooms.replies.answer(run_of(rooms, conversation.id, 1))
    await rooms.works()
    assert len(rooms.hostaway.sent) == 1


async def test_words_found_while_people_speak_are_written_into_the_case(rooms: Rooms) -> None:
    await rooms.writes(CHECK_IN)
    await rooms.writes("Is there parking as well?")
    conversation = await rooms.conversation()
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        await rooms.cases.open(
            conn, rooms.tenant, conversation_id=conversation.id,
            reservation_id=conversation.reservation_id, severity="low", trigger_text="It is cold",
        )  # fmt: skip
    rooms.hostaway.add_message("Hello? Anybody?")
    await rooms.passes_time(120)
    case = await rooms.case()
    assert case is not None
    assert [c["text"] for c in case.history if "text" in c] == ["Hello? Anybody?"]


async def test_a_reply_that_surely_was_not_sent_is_taken_back_for_newer_words(
    rooms: Rooms,
) -> None:
    rooms.hostaway.send_faults = [(refused(retryable=True), False)]
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    assert [row["status"] for row in await rooms.outgoing()] == ["queued"]
    await rooms.writes("Until when do we have to check out?")
    assert [row["status"] for row in await rooms.outgoing()] == ["dropped"]
    await rooms.passes_time(120)
    assert (await rooms.decisions())[-1]["question"].startswith(CHECK_IN)
    assert len(rooms.hostaway.words()) == 1


async def test_an_answer_waits_until_it_is_known_whether_the_reply_before_it_arrived(
    rooms: Rooms,
) -> None:
    await rooms.set(chat__window_confirmed_s=1)
    rooms.hostaway.send_faults = [(lost_answer(), False)]
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(1)
    assert [row["status"] for row in await rooms.outgoing()] == ["ambiguous"]
    await rooms.writes("Until when do we have to check out?")
    for _ in range(30):
        await rooms.passes_time(4)
    first, second = await rooms.outgoing()
    assert (first["status"], first["because"]) == ("dropped", "the guest wrote again")
    assert second["status"] == "sent"
    assert (await rooms.decisions())[-1]["question"].startswith(CHECK_IN)


async def test_an_answer_does_not_wait_once_the_reply_before_it_is_recognised(
    rooms: Rooms,
) -> None:
    await rooms.set(chat__window_confirmed_s=1)
    rooms.hostaway.send_faults = [(lost_answer(), True)]
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(1)
    await rooms.writes("Until when do we have to check out?")
    for _ in range(3):
        await rooms.passes_time(4)
    assert [row["status"] for row in await rooms.outgoing()] == ["sent", "sent"]
    assert (await rooms.decisions())[-1]["question"] == "Until when do we have to check out?"


async def test_a_reply_that_was_given_up_holds_no_later_answer_up(rooms: Rooms) -> None:
    rooms.hostaway.send_faults = [(lost_answer(), False)]
    await rooms.writes(CHECK_IN)
    await rooms.passes_time(120)
    (row,) = await rooms.outgoing()
    await rooms.replies.leave_given_up(
        JobRun(
            tenant_id="acme",
            kind=Job.GIVEN_UP,
            key=f"chat.send:{row['id']}",
            generation=1,
            attempt=1,
        )
    )
    assert [row["status"] for row in await rooms.outgoing()] == ["failed"]
    assert await rooms.case() is not None


async def test_a_reply_that_came_after_newer_words_stands_before_them_in_what_a_model_reads(
    rooms: Rooms,
) -> None:
    await rooms.writes("Where is the nearest shop, please?")
    rooms.clock.advance(120)
    conversation = await rooms.conversation()
    await rooms.replies.answer(run_of(rooms, conversation.id, 1))
    row = rooms.hostaway.add_message("And the nearest pharmacy, please?")
    rooms.clock.advance(2)
    # By itself: another look at the thread, due as well, may come first; then one reply is both.
    (send,) = await rooms.rows("select * from nightdesk.wake where kind = 'chat.send'")
    await rooms.jobs.run("acme", Job.SEND, send["key"], send["generation"])
    await rooms.works()
    await rooms.delivers(row)
    await rooms.passes_time(120)
    said = [message["content"] for message in rooms.model.asked[-1][1:]]
    places = [next(i for i, text in enumerate(said) if words in text)
              for words in ("shop, please", "on the corner", "pharmacy")]  # fmt: skip
    assert places == sorted(places)
