"""One call's caller: asked for what is missing, known once it is told, and never on a guess."""

import pytest

from tests.rooms import Rooms
from tests.voice.talk import GUEST, HOTLINE, calling

CODE_QUESTION = "What is the door code please?"
STRANGE = "+48600700800"


async def test_a_known_number_gets_the_code_after_one_fact(rooms: Rooms):
    async with calling(rooms, GUEST) as talk:
        assert "departure date" in await talk.says(CODE_QUESTION)
        assert (talk.level, talk.has_code()) == (1, False)
        assert "[[door_code]]" in await talk.says("We leave on the sixteenth of April.")
        assert (talk.level, talk.has_code()) == (2, True)
    (call,) = await rooms.rows("select * from {schema}.calls")
    assert call["assurance"] == 2
    assert [(fact["fact"], fact["is_right"]) for fact in call["facts"]] == [
        ("number", True), ("departure", True),
    ]  # fmt: skip
    (conversation,) = await rooms.rows(
        "select reservation_id from {schema}.conversations where medium = 'phone'"
    )
    assert conversation["reservation_id"] is not None
    assert await rooms.case() is None


@pytest.mark.parametrize(
    "fact",
    [
        "It is H M A B C D 1 2 3 4",
        "hotel mike alpha bravo charlie delta one two three four",
        "Am sechzehnten April",
        "szesnastego kwietnia",
        "السادس عشر من أبريل",
        "April 16th",
        "The sixteenth.",
    ],
)
async def test_one_fact_is_understood_in_every_language(rooms: Rooms, fact: str):
    async with calling(rooms, GUEST) as talk:
        await talk.says(CODE_QUESTION)
        assert "[[door_code]]" in await talk.says(fact)


async def test_an_unknown_number_gives_name_and_code_and_gets_its_question_answered(rooms: Rooms):
    async with calling(rooms, STRANGE) as talk:
        assert "name" in await talk.says(CODE_QUESTION)
        assert "confirmation code" in await talk.says("Jan Testowi")
        assert talk.level == 0
        assert "[[door_code]]" in await talk.says("H M A B C D one two three four")
        assert talk.level == 2


async def test_name_and_both_dates_open_the_stay_but_not_its_door(rooms: Rooms):
    async with calling(rooms) as talk:
        await talk.says(CODE_QUESTION)
        await talk.says("Testowy")
        assert "arrival date" in await talk.says("I don't have it")
        said = await talk.says("From the 13th to the 16th of April")
        assert (talk.level, talk.has_code()) == (1, False)
        assert "confirmation code" in said
        assert "departure" not in said
        assert "[[door_code]]" in await talk.says("HMABCD1234")


async def test_an_unknown_name_is_asked_just_like_a_known_one(rooms: Rooms):
    heard = []
    for name in ("Jan Testowy", "Zofia Wymyslona"):
        async with calling(rooms, STRANGE, sid=name) as talk:
            heard.append([await talk.says(CODE_QUESTION), await talk.says(name)])
            heard[-1].append(await talk.says("X Y Z Q W 9 9 9 9 9"))
    assert heard[0] == heard[1]


async def test_what_found_the_booking_confirms_nothing(rooms: Rooms):
    await rooms.books(5002, 72, arrivalDate="2026-04-20", departureDate="2026-04-24",
                      confirmationCode="HMZZZZ9999", listingMapId=1042)  # fmt: skip
    async with calling(rooms, GUEST) as talk:
        assert "more than one booking" in await talk.says(CODE_QUESTION)
        assert (talk.level, talk.turns.stay) == (0, None)
        said = await talk.says("The one until the 16th of April")
        assert talk.level == 1
        assert "confirmation code" in said
        assert "departure" not in said
        await talk.says("We leave on the 16th of April")
        assert talk.level == 1
        assert "[[door_code]]" in await talk.says("HMABCD1234")


async def test_three_wrong_facts_call_a_person_and_a_fourth_right_one_is_too_late(rooms: Rooms):
    async with calling(rooms, GUEST) as talk:
        await talk.says(CODE_QUESTION)
        assert "does not match" in await talk.says("On the 17th of April")
        assert "does not match" in await talk.says("On the 18th of April")
        assert "colleague" in await talk.says("On the 19th of April")
        await talk.says("On the 16th of April")
        assert (talk.level, talk.has_code()) == (1, False)
    case = await rooms.case()
    assert case is not None
    assert "wrong facts" in case.brief


async def test_calling_again_does_not_reset_the_day(rooms: Rooms):
    for number in range(2):
        async with calling(rooms, GUEST, sid=f"CA{number}") as talk:
            await talk.says(CODE_QUESTION)
            await talk.says("On the 17th of April")
            await talk.says("On the 18th of April")
    async with calling(rooms, STRANGE, sid="CA8") as talk:
        await talk.says(CODE_QUESTION)
        await talk.says("Jan Testowy")
        assert "colleague" in await talk.says("H M X X X X 5 5 5 5")
    async with calling(rooms, GUEST, sid="CA9") as talk:
        assert "departure" not in await talk.says(CODE_QUESTION)
        await talk.says("On the 16th of April")
        assert (talk.level, talk.has_code()) == (1, False)
    rooms.clock.advance(25 * 3600)
    async with calling(rooms, GUEST, sid="CA10") as talk:
        await talk.says(CODE_QUESTION)
        await talk.says("On the 16th of April")
        assert talk.level == 2


async def test_a_half_heard_turn_changes_nothing(rooms: Rooms):
    async with calling(rooms, GUEST) as talk:
        await talk.says(CODE_QUESTION)
        for text in ("The 17th of April", "The 16th of April", "HMABCD1234", "I'm the police"):
            await talk.half_says(text)
        assert talk.level == 1
    (call,) = await rooms.rows("select * from {schema}.calls")
    assert [fact["fact"] for fact in call["facts"]] == ["number"]


async def test_a_turn_that_was_cut_off_before_its_answer_counts_all_the_same(rooms: Rooms):
    async with calling(rooms, STRANGE) as talk:
        await talk.says(CODE_QUESTION)
        talk.turns.confirm("Jan Testowy")
        assert "[[door_code]]" in await talk.says("My confirmation code is HMABCD1234")


async def test_what_cannot_be_told_is_sent_into_the_bookings_own_thread(rooms: Rooms):
    async with calling(rooms, GUEST) as talk:
        await talk.says(CODE_QUESTION)
        assert "booking chat" in await talk.says("I don't know")
        assert await talk.says("Yes please") == "I have just sent it into your booking chat."
        (sent,) = await rooms.outgoing()
        assert (sent["status"], "[[door_code]]" in sent["text"]) == ("queued", True)
        await talk.says("Yes please")
        assert len(await rooms.outgoing()) == 1
        assert talk.level == 1
    await rooms.works()
    ((thread, text, _),) = rooms.hostaway.sent
    assert thread == "70"
    assert "48151" in text


async def test_where_it_cannot_be_sent_nobody_says_so(rooms: Rooms):
    await rooms.set(voice__access_assurance=2)
    rooms.tenant = await rooms.tenants.set_mode("acme", "draft")
    async with calling(rooms, GUEST) as talk:
        await talk.says(CODE_QUESTION)
        await talk.says("I don't know")
        assert "colleague" in await talk.says("Yes please")
    assert await rooms.outgoing() == []
    assert await rooms.case() is not None


async def test_below_the_level_nothing_is_read_back_as_a_hint(rooms: Rooms):
    async with calling(rooms, GUEST) as talk:
        for question in ("Until when is my booking?", "What is my confirmation code?"):
            await talk.says(question)
    shown = str(rooms.model.asked)
    for hint in ("2026-04-16", "16 April", "HMABCD1234", "April 16"):
        assert hint not in shown


@pytest.mark.parametrize("number", [HOTLINE, "+48601601601"])
async def test_a_number_that_is_the_tenants_own_is_no_guests(rooms: Rooms, number: str):
    await rooms.set(voice__staff_numbers=["+48601601601"])
    await rooms.changes(phone=number)
    async with calling(rooms, number) as talk:
        assert (talk.level, talk.turns.stay) == (0, None)


async def test_a_doubtful_number_is_asked_for_the_name(rooms: Rooms):
    async with calling(rooms, GUEST, is_doubtful=True) as talk:
        assert "name" in await talk.says(CODE_QUESTION)
        assert talk.level == 0


async def test_staff_are_put_through_to_a_person(rooms: Rooms):
    await rooms.set(voice__staff_numbers=["+48601601601"])
    async with calling(rooms, "+48601601601") as talk:
        await talk.says("The boiler in the loft is broken again")
    case = await rooms.case()
    assert case is not None
    assert "staff" in case.brief


@pytest.mark.parametrize(
    ("says", "severity"),
    [
        ("Hello, this is the police, officer Miller speaking", "high"),
        ("Ich bin die Reinigungskraft", "normal"),
        ("Tu kurier, mam paczkę dla pana Testowego i zostawiam ją przy wejściu do budynku", "low"),
    ],
)
async def test_who_is_no_guest_hears_nothing_of_a_stay(rooms: Rooms, says: str, severity: str):
    async with calling(rooms, GUEST) as talk:
        await talk.says(says)
        assert (talk.level, talk.turns.stay) == (0, None)
        for fact in ("We leave on the 16th of April", "HMABCD1234", CODE_QUESTION):
            assert "[[" not in await talk.says(fact)
    case = await rooms.case()
    assert case is not None
    assert case.severity == severity


async def test_a_neighbour_leaves_a_message(rooms: Rooms):
    async with calling(rooms, STRANGE) as talk:
        assert "pass on" in await talk.says("I live next door")
        assert "passed this on" in await talk.says("Your guests have a party")
    case = await rooms.case()
    assert case is not None
    assert case.trigger_text == "Your guests have a party"


async def test_danger_goes_before_every_question_of_who_calls(rooms: Rooms):
    async with calling(rooms, STRANGE) as talk:
        assert "112" in await talk.says("There is a fire in the kitchen")
    case = await rooms.case()
    assert case is not None
    assert case.severity == "critical"


async def test_who_has_no_booking_is_answered_as_a_stranger(rooms: Rooms):
    async with calling(rooms, STRANGE) as talk:
        await talk.says("Is there a bakery nearby?")
        rooms.model.will_say("Yes, on the corner.")
        assert await talk.says("I have no booking yet") == "Yes, on the corner."
        assert talk.turns.stay is None


async def test_who_was_found_hears_from_that_turn_on_as_a_guest(rooms: Rooms):
    async with calling(rooms) as talk:
        await talk.says("What time is check-in?")
        await talk.says("Jan Testowy")
        assert "15" in await talk.says("HMABCD1234")
