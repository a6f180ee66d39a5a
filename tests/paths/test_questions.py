"""What is a question, and of whom: whole paths against the stand-ins."""

import asyncio

import pytest

from tests.paths.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

WIFI = "What is the wifi password?"
LATE = "Can we check out later, at 2 pm?"


async def settled(house: House) -> None:
    """The quiet window is over and nothing is under way."""
    await asyncio.sleep(0.8)
    await house.quiet()


async def test_of_two_questions_one_is_answered_and_one_goes_to_a_person_in_one_reply(
    house: House,
) -> None:
    bursts = [(WIFI, LATE), (LATE, WIFI), (f"{WIFI} {LATE}",)]
    guests = [await house.book() for _ in bursts]
    await asyncio.gather(
        *(guest.writes(*burst) for guest, burst in zip(guests, bursts, strict=True))
    )
    for guest in guests:
        reply = await guest.reads()
        assert guest.listing["wifiPassword"] in reply
        assert "a colleague will reply here" in reply
        case = await guest.case()
        assert case is not None
        assert (case["trigger_text"], case["severity"]) == (LATE, "low")
        assert len(await guest.alerts()) == 1
    await guests[0].writes("And what is the door code?")
    await settled(house)
    assert len(await guests[0].replies()) == 1


async def test_the_same_in_german(house: House) -> None:
    guest = await house.book(guestLocale="de")
    await guest.writes("Wie lautet das WLAN-Passwort?", "Können wir später auschecken?")
    reply = await guest.reads()
    assert guest.listing["wifiPassword"] in reply
    assert "an unser Team weitergegeben" in reply
    case = await guest.case()
    assert case is not None
    assert case["trigger_text"] == "Können wir später auschecken?"


async def test_two_questions_that_a_bot_may_answer_get_one_reply(house: House) -> None:
    guest = await house.book()
    await guest.writes(f"{WIFI} And until when do we have to check out?")
    reply = await guest.reads()
    assert guest.listing["wifiPassword"] in reply
    assert f"{guest.reservation['checkOutTime'] or guest.listing['checkOutTime']}:00" in reply
    assert await guest.case() is None


async def test_a_picture_beside_a_question_is_looked_at_by_a_person(house: House) -> None:
    guest = await house.book()
    await guest.writes(WIFI, attachments=[{"id": 1, "name": "a.jpg", "isImage": 1}])
    reply = await guest.reads()
    assert guest.listing["wifiPassword"] in reply
    assert "cannot look at photos" in reply
    case = await guest.case()
    assert case is not None
    assert case["trigger_text"] == "[attachment]"


async def test_a_voice_note_alone_is_a_persons(house: House) -> None:
    guest = await house.book()
    await guest.writes("", attachments=[{"id": 1, "name": "a.ogg", "mimeType": "audio/ogg"}])
    assert "voice notes" in await guest.reads()
    assert await guest.case() is not None


async def test_what_nobody_waits_an_answer_for_gets_none(house: House) -> None:
    texts = ["👍", "Liked an image", "Loved “See you soon”", "Reservation confirmed", "Thanks!"]
    guests = [await house.book() for _ in texts]
    for guest, text in zip(guests, texts, strict=True):
        await guest.writes(text)
    await settled(house)
    for guest in guests:
        assert await guest.replies() == []
        assert await guest.case() is None
        assert [d["outcome"] for d in await guest.decisions()] == ["silence"]


async def test_a_request_about_the_booking_is_a_persons_and_that_is_said(house: House) -> None:
    texts = [
        "Jan wants to change their reservation: 13 - 18 April, 3 guests",
        "Special request: a cot for the baby",
        "We would like to cancel our booking",
    ]
    guests = [await house.book() for _ in texts]
    for guest, text in zip(guests, texts, strict=True):
        await guest.writes(text)
    for guest, text in zip(guests, texts, strict=True):
        assert "I cannot change a booking myself" in await guest.reads()
        case = await guest.case()
        assert case is not None
        assert case["trigger_text"] == text


async def test_a_greeting_alone_is_greeted(house: House) -> None:
    guest = await house.book()
    await guest.writes("Hello!")
    assert "How can I help you?" in await guest.reads()


async def test_another_machine_is_left_alone_after_a_few_rounds(house: House) -> None:
    guest = await house.book()
    words = "As the assistant of your guest I confirm that I have read your message. " * 3
    for number in range(8):
        await guest.writes(f"{words} Where is the nearest shop number {number}?")
        await settled(house)
        if await guest.case() is not None:
            break
    assert 1 <= len(await guest.replies()) <= 4
    assert await guest.case() is not None
