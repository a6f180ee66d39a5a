"""A telephone call, whole: a caller's real speech over a media stream, and what comes back."""

import pytest

from tests.paths.call_record import check_record, follow
from tests.paths.caller import caller_of, digits_in
from tests.paths.house import HOTLINE, House

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_known_guest_hears_the_check_in_time_and_the_door_code(hotline: House):
    told = follow(hotline)
    caller = await caller_of(hotline, doorCode="7391")
    assert "ai assistant" in (await caller.hears()).lower()
    assert "3" in await caller.says("What time can we check in today?")
    said = await caller.says("And what is the door code please?")
    assert "7391" in digits_in(said), said
    await caller.hangs_up()
    turns = await caller.turns()
    assert [speaker for speaker, _ in turns] == ["bot", "guest", "bot", "guest", "bot"]
    assert "7391" not in str(turns) + str(told)
    assert "[[door_code]]" in turns[-1][1]
    await check_record(hotline, caller.phone.call_sid, told)


async def test_another_question_gets_another_answer(hotline: House):
    caller = await caller_of(hotline)
    await caller.hears()
    said = await caller.says("What time do we have to check out?")
    assert "11" in said or "10" in said
    await caller.hangs_up()


async def test_three_weeks_early_the_code_is_not_said(hotline: House):
    caller = await caller_of(hotline, arrivalInDays=21, doorCode="7391")
    await caller.hears()
    said = await caller.says("What is the door code please?")
    assert "7391" not in digits_in(said)
    assert "access details" in said.lower()
    await caller.hangs_up()


async def test_key_zero_calls_a_person(hotline: House):
    caller = await caller_of(hotline)
    await caller.hears()
    caller.phone.press("0")
    assert "team" in await caller.hears()
    await caller.hangs_up()
    await caller.turns()
    rows = await hotline.rows("select trigger_text from {schema}.cases order by id desc limit 1")
    assert rows[0]["trigger_text"] == "[key 0]"


async def test_an_unsigned_webhook_and_a_foreign_ticket_reach_nobody(hotline: House):
    url = hotline.product.settings.server.public_url
    async with hotline.http.post(f"{url}/twilio/voice", data={"To": HOTLINE}) as answer:
        assert answer.status == 403
    socket_url = url.replace("http", "ws", 1) + "/twilio/media"
    async with hotline.http.ws_connect(socket_url) as socket:
        start = {"callSid": "CA1", "streamSid": "MZ1", "customParameters": {"ticket": "x.y"}}
        await socket.send_json({"event": "start", "start": start})
        assert (await socket.receive()).data == 1008
