"""Turns of a real call: talked over, the hotline stops; an emergency reaches people first."""

from typing import Any

import pytest

from tests.paths.caller import caller_of
from tests.paths.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_caller_who_talks_over_the_hotline_is_heard_and_it_stops(hotline: House):
    caller = await caller_of(hotline)
    words = await caller.spoken("Wait, what time do we have to check out?")
    await caller.begins_to_hear()
    caller.phone.speak(words)

    async def is_disclosed() -> bool:
        (call,) = await kept(hotline, "calls", caller.phone.call_sid)
        return call["disclosed_at"] is not None

    await hotline.until(is_disclosed, within_s=30)
    await caller.hangs_up()
    await caller.turns()
    greeting = (await kept(hotline, "turns", caller.phone.call_sid))[0]
    assert greeting["is_cut"]
    assert "How can I help you?" not in greeting["text"]


async def kept(house: House, table: str, call_sid: str) -> list[dict[str, Any]]:
    """The rows of a call."""
    return await house.rows(
        f"""select t.* from {{schema}}.{table} t
            join {{schema}}.conversations c on c.id = t.conversation_id
            where c.external_id = $1 order by 1""",
        call_sid,
    )


async def test_a_burst_pipe_reaches_people_while_the_caller_is_told_so(hotline: House):
    caller = await caller_of(hotline)
    await caller.hears_out()
    said = await caller.says("A pipe has burst and there is water everywhere!")
    assert "team" in said.lower()
    case = (
        await hotline.rows("select id, severity, trigger_text from {schema}.cases order by id")
    )[-1]
    assert case["severity"] == "high"
    assert "pipe" in case["trigger_text"].lower()

    async def is_told() -> bool:
        posted = await hotline.sim("GET", "/slack/messages")
        return case["trigger_text"] in str(posted)

    await hotline.until(is_told)
    await caller.hangs_up()
