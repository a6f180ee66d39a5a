"""`nightdesk decisions`."""

import pytest

from app.cli.connection import Desk
from tests.cli.conftest import Terminal


@pytest.fixture
def answered(acme: Terminal) -> Terminal:
    """Conversation 1 was answered once, conversation 2 never."""

    async def decide(desk: Desk) -> None:
        door = await desk.database.tenant("acme")
        now = desk.clock.now()
        calls = [{"model": "gpt-4.1", "total_ms": 410}]
        closed = (await desk.tenants.get("acme")).keyring.close_mapping({"calls": calls})
        async with door.transaction() as conn:
            for thread in ("7", "8"):
                await desk.conversations.ensure_thread(
                    conn, account="1", external_id=thread, now=now
                )
            await conn.execute(
                """insert into {schema}.decisions
                   (conversation_id, generation, library_version, bot, action_code, score,
                    outcome, origin, because, language, question, answer, stay, sealed, decided_at)
                   values (1, 1, 3, 'Routing', 'WIFI_QUESTION', 0.93, 'reply', 'template',
                           'Routing chose WIFI_QUESTION', 'pl', 'Jakie jest hasło?',
                           '[[wifi_password]]', $1, $2, $3)""",
                {"access": "open"}, closed, now,
            )  # fmt: skip

    acme.desk(decide)
    return acme


def test_the_why_of_an_answer_is_shown(answered: Terminal) -> None:
    said = answered.says("decisions", "acme", "1")
    for part in ("WIFI_QUESTION (0.93)", "reply, by template", "gpt-4.1 410 ms", "Jakie jest"):
        assert part in said


def test_programs_get_the_stay_and_the_calls_too(answered: Terminal) -> None:
    (decision,) = answered.json("decisions", "acme", "1")
    assert decision["stay"] == {"access": "open"}
    assert decision["calls"] == [{"model": "gpt-4.1", "total_ms": 410}]


def test_a_conversation_without_answers_is_told_from_one_that_is_not_there(
    answered: Terminal,
) -> None:
    assert answered.says("decisions", "acme", "2") == "no decisions\n"
    assert answered.type("decisions", "acme", "3").exit_code == 1


def test_what_nobody_foresaw_ends_in_one_line_without_values(answered: Terminal) -> None:
    async def spoil(desk: Desk) -> None:
        garbage = (await desk.tenants.get("acme")).keyring.close(b"48151, no JSON")
        async with (await desk.database.tenant("acme")).transaction() as conn:
            await conn.execute("update {schema}.decisions set sealed = $1", garbage)

    answered.desk(spoil)
    result = answered.type("decisions", "acme", "1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("nightdesk: ended by JSONDecodeError at ")
    assert result.stderr.count("\n") == 1
    assert "48151" not in result.stderr
