"""`nightdesk cases`."""

import asyncio

import pytest

from app.cli.connection import Desk
from tests.cli.conftest import Terminal


@pytest.fixture
def burst_pipe(acme: Terminal) -> Terminal:
    """One case is open, about a burst pipe."""

    async def open_case(desk: Desk) -> None:
        tenant = await desk.tenants.get("acme")
        door = await desk.database.tenant("acme")
        now = desk.clock.now()
        async with door.transaction() as conn:
            thread = await desk.conversations.ensure_thread(
                conn, account="1", external_id="7", now=now
            )
            await desk.conversations.record_turn(
                conn, "acme", thread.id, speaker="guest", text="A pipe has burst!", said_at=now
            )
            await desk.cases.open(
                conn,
                tenant,
                conversation_id=thread.id,
                reservation_id=None,
                severity="high",
                trigger_text="A pipe has burst!",
            )

    acme.desk(open_case)
    return acme


def test_open_cases_are_listed(burst_pipe: Terminal) -> None:
    heads, line = burst_pipe.says("cases", "list", "acme").splitlines()
    assert heads.split() == ["ID", "SEVERITY", "STATE", "ASSIGNEE", "OPENED", "MESSAGE"]
    assert line.split()[:4] == ["1", "high", "open", "-"]
    assert line.endswith("A pipe has burst!")


def test_a_case_is_shown_with_its_history_and_conversation(burst_pipe: Terminal) -> None:
    said = burst_pipe.says("cases", "show", "acme", "1")
    assert "opened by nightdesk (bot)" in said
    assert "guest: A pipe has burst!" in said


def test_the_second_operator_is_told_who_has_it(burst_pipe: Terminal) -> None:
    burst_pipe.says("cases", "take", "acme", "1", "--as", "Ola")
    result = burst_pipe.type("cases", "take", "acme", "1", "--as", "Jan")
    assert (result.exit_code, result.stderr) == (1, "nightdesk: case 1 was taken by Ola\n")


def test_taking_a_case_silences_the_bot(burst_pipe: Terminal) -> None:
    burst_pipe.says("cases", "take", "acme", "1", "--as", "Ola")

    async def mode(desk: Desk) -> str:
        door = await desk.database.tenant("acme")
        async with door.transaction() as conn:
            return (await desk.cases.may_speak(conn, "acme", 1)).mode

    assert burst_pipe.desk(mode) == "human"
    burst_pipe.says("cases", "resolve", "acme", "1", "--as", "Ola")
    assert burst_pipe.desk(mode) == "bot"


def test_a_reply_takes_the_case_and_waits_for_the_app_to_send_it(burst_pipe: Terminal) -> None:
    burst_pipe.says("cases", "reply", "acme", "1", "A plumber is coming.", "--as", "Ola")
    shown = burst_pipe.json("cases", "show", "acme", "1")["case"]
    assert (shown["state"], shown["assignee"]) == ("acknowledged", "Ola")

    async def armed(desk: Desk) -> int:
        async with desk.database.shared().transaction() as conn:
            return int(
                await conn.fetchval("select count(*) from nightdesk.wake where kind = 'chat.send'")
            )

    assert burst_pipe.desk(armed) == 1


def test_resolved_cases_are_listed_only_when_asked_for(burst_pipe: Terminal) -> None:
    burst_pipe.says("cases", "resolve", "acme", "1", "--as", "Ola")
    assert burst_pipe.says("cases", "list", "acme") == "no cases\n"
    assert [c["state"] for c in burst_pipe.json("cases", "list", "acme", "--all")] == ["resolved"]


def test_a_case_that_is_not_there_is_one_line(acme: Terminal) -> None:
    result = acme.type("cases", "show", "acme", "9")
    assert (result.exit_code, result.stderr) == (1, "nightdesk: there is no case 9\n")


def test_the_running_app_hears_of_a_case_that_was_taken_here(burst_pipe: Terminal) -> None:
    heard: list[str] = []

    async def listen(desk: Desk) -> None:
        listener = await desk.database.listen("nightdesk_events", heard.append)
        await desk.background.spawn("command", _take_elsewhere(burst_pipe))
        while not any('"CaseTakenOver"' in payload for payload in heard):
            async with desk.database.shared().transaction() as conn:
                await conn.fetchval("select 1")
        await listener.close()

    burst_pipe.desk(listen)
    assert any('"HandlingChanged"' in payload for payload in heard)


async def _take_elsewhere(terminal: Terminal) -> None:
    await asyncio.to_thread(terminal.says, "cases", "take", "acme", "1", "--as", "Ola")
