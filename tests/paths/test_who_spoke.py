"""Who wrote what went out: whole paths against the stand-ins."""

import asyncio

import pytest

from tests.paths.house import Guest, House

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECK_IN = "From what time can we check in?"
CODE = "What is the door code?"
AIRBNB = {
    "channelId": 2018, "channelName": "airbnbOfficial", "phone": None,
    "guestEmail": "jan@relay.example",
}  # fmt: skip


async def mode(house: House, guest: Guest) -> str:
    rows = await house.rows(
        """select h.mode from {schema}.handling h
           join {schema}.conversations c on c.id = h.conversation_id where c.external_id = $1""",
        str(guest.conversation["id"]),
    )
    return str(rows[0]["mode"]) if rows else "bot"


async def speakers(house: House, guest: Guest) -> list[str]:
    rows = await house.rows(
        """select t.speaker from {schema}.turns t
           join {schema}.conversations c on c.id = t.conversation_id
           where c.external_id = $1 and t.speaker <> 'guest' order by t.said_at, t.id""",
        str(guest.conversation["id"]),
    )
    return [str(row["speaker"]) for row in rows]


async def human(house: House, guest: Guest, body: str, **more: object) -> None:
    await house.sim(
        "POST",
        "/hostaway/human-reply",
        {"reservationId": guest.reservation["id"], "body": body, **more},
    )


async def test_a_reply_that_the_channel_altered_and_cut_off_is_ours_and_sent_once(
    house: House,
) -> None:
    guest = await house.book()
    for kind in ("alter_text", "accepted_then_cut"):
        await house.sim("POST", "/faults", {"target": "hostaway.send", "kind": kind, "count": 1})
    await guest.writes(CODE)
    reply = await guest.reads()
    assert guest.reservation["doorCode"] in reply

    async def is_known() -> bool:
        return await speakers(house, guest) == ["bot"]

    async def is_recognised() -> bool:
        rows = await house.rows(
            """select o.status from {schema}.outbox o
               join {schema}.conversations c on c.id = o.conversation_id
               where c.external_id = $1""",
            str(guest.conversation["id"]),
        )
        return [row["status"] for row in rows] == ["sent"]

    await house.until(is_known)
    await house.until(is_recognised)
    assert len(await guest.replies()) == 1
    assert await mode(house, guest) == "bot"


async def test_staff_on_the_channels_own_app_silence_the_bot(house: House) -> None:
    guest = await house.book()
    await human(house, guest, "Welcome, Ola here!", sentUsingHostaway=0, userId=None)
    await asyncio.sleep(0.3)
    await house.quiet()
    assert await mode(house, guest) == "human"
    await guest.writes(CHECK_IN)
    await asyncio.sleep(0.8)
    await house.quiet()
    assert await guest.replies() == []
    posted = await house.sim("GET", "/slack/messages")
    told = [str(post) for post in posted["messages"] if "The bot is silent" in str(post)]
    assert any("Welcome, Ola here!" in post for post in told)


async def test_a_text_that_stands_in_many_threads_silences_none_of_the_later(house: House) -> None:
    guests = [await house.book() for _ in range(5)]
    for guest in guests:
        first = str(guest.reservation["guestName"]).split()[0]
        await human(
            house,
            guest,
            f"Dear {first}, the garden of the house is being watered from 7 to 8 in the morning.",
        )
        await asyncio.sleep(0.2)
        await house.quiet()
    assert [await mode(house, guest) for guest in guests] == ["human"] * 3 + ["bot"] * 2


async def test_a_person_who_repeats_our_words_with_another_time_is_a_person(house: House) -> None:
    guest = await house.book()
    await guest.writes(CHECK_IN)
    reply = await guest.reads()
    await human(house, guest, reply.replace("15:00", "13:00"))
    await asyncio.sleep(0.3)
    await house.quiet()
    assert await speakers(house, guest) == ["bot", "operator"]
    assert await mode(house, guest) == "human"


async def test_a_reply_that_the_channel_refused_goes_by_mail_once(house: House) -> None:
    await house.product.tenants.set("warsaw", {"chat.send_check_s": 0.3})
    try:
        guest = await house.book(arrivalInDays=21, **AIRBNB)
        await house.sim(
            "POST", "/faults", {"target": "hostaway.send", "kind": "message_failed", "count": 1}
        )
        await guest.writes(CHECK_IN)

        async def is_there() -> bool:
            return len(await guest.replies()) == 2

        await house.until(is_there)
        await asyncio.sleep(1.0)
        sent = [m for m in await guest.thread() if m["origin"] == "api"]
        assert [(m["communicationType"], m["status"]) for m in sent] == [
            ("channel", "failed"),
            ("email", "sent"),
        ]
        assert sent[0]["body"] == sent[1]["body"]
        assert await guest.case() is None
    finally:
        await house.product.tenants.set("warsaw", {"chat.send_check_s": None})


async def test_a_code_that_the_channel_refused_is_never_mailed(house: House) -> None:
    await house.product.tenants.set("warsaw", {"chat.send_check_s": 0.3})
    try:
        guest = await house.book(**AIRBNB)
        await house.sim(
            "POST", "/faults", {"target": "hostaway.send", "kind": "message_failed", "count": 1}
        )
        await guest.writes(CODE)
        await house.until(guest.case)
        await asyncio.sleep(0.5)
        assert [m["communicationType"] for m in await guest.thread() if m["origin"] == "api"] == [
            "channel"
        ]
    finally:
        await house.product.tenants.set("warsaw", {"chat.send_check_s": None})
