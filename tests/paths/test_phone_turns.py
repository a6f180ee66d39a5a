"""Turns of a real call: talked over, the hotline stops; an emergency reaches people first."""

import pytest

from tests.paths.caller import caller_of
from tests.paths.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

STOPS_WITHIN_S = 1.5
"""From the caller's first word to the hotline's last: half a second of it proves a word."""


async def test_a_caller_who_talks_over_the_hotline_is_heard_and_it_stops(hotline: House):
    caller = await caller_of(hotline)
    await caller.begins_to_hear()
    began_s = caller.phone.tape.seconds
    said = await caller.says("Wait, what time do we have to check out?")
    talked_over = [
        part.ends_s for part in caller.phone.tape.spoken(by_hotline=True) if part.begins_s < began_s
    ]
    assert max(talked_over) - began_s < STOPS_WITHIN_S
    assert "assistant" in said.lower(), "the disclosure was talked over, and is made up for"
    await caller.hangs_up()
    turns = await caller.turns()
    assert (
        "bot",
        "Hello, this is the AI assistant of City Stays. How can I help you?",
    ) not in turns
    (row,) = await hotline.rows(
        "select disclosed_at from {schema}.calls where call_sid = $1", caller.phone.call_sid
    )
    assert row["disclosed_at"] is not None


async def test_a_burst_pipe_reaches_people_while_the_caller_is_told_so(hotline: House):
    caller = await caller_of(hotline)
    await caller.hears()
    said = await caller.says("Help, a pipe has burst and there is water everywhere!")
    assert "team" in said.lower()
    case = (
        await hotline.rows("select id, severity, trigger_text from {schema}.cases order by id")
    )[-1]
    assert case["severity"] == "high"
    assert "water" in case["trigger_text"].lower()

    async def is_told() -> bool:
        posted = await hotline.sim("GET", "/slack/messages")
        return case["trigger_text"] in str(posted)

    await hotline.until(is_told)
    await caller.hangs_up()
