"""`nightdesk calls`."""

from datetime import timedelta

import pytest

from app.cli.connection import Desk
from app.conversations import Spoken
from tests.cli.conftest import Terminal


@pytest.fixture
def called(acme: Terminal) -> Terminal:
    """One call of a minute, with a question, its interrupted answer and the decision behind it."""

    async def call(desk: Desk) -> None:
        now = desk.clock.now().replace(microsecond=0) - timedelta(minutes=10)
        closed = (await desk.tenants.get("acme")).keyring.close_mapping({"calls": []})
        async with (await desk.database.tenant("acme")).transaction() as conn:
            await conn.execute(
                """insert into {schema}.conversations
                       (medium, account, external_id, language, opened_at)
                   values ('phone', '+48221234567', 'CA1', 'en', $1)""",
                now,
            )
            await conn.execute(
                """insert into {schema}.calls (conversation_id, call_sid, hotline_e164, caller_e164,
                       assurance, started_at, ended_at, because, is_doubtful)
                   values (1, 'CA1', '+48221234567', '+48500100200', 1, $1, $2,
                       'the caller hung up', true)""",
                now, now + timedelta(minutes=1),
            )  # fmt: skip
            await conn.execute(
                """insert into {schema}.decisions
                   (conversation_id, generation, library_version, bot, action_code, outcome, origin,
                    because, language, question, answer, sealed, decided_at)
                   values (1, 1, 3, 'Basia', 'CHECK_IN_TIME', 'reply', 'facts', 'x', 'en', 'When?',
                       'From 15:00.', $1, $2)""",
                closed, now,
            )  # fmt: skip
            for at_s, speaker, text, spoken in (
                (6.2, "guest", "When can we check in?", Spoken(stages={"transcript_ms": 310})),
                (
                    9.0, "bot", "You can check",
                    Spoken(
                        ended_at=now + timedelta(seconds=10.4), heard_ms=1200, is_cut=True,
                        stages={"sound_ms": 900, "transcript_ms": 310, "token_ms": 640},
                    ),
                ),
            ):  # fmt: skip
                await desk.conversations.record_turn(
                    conn, "acme", 1, speaker=speaker, text=text,  # type: ignore[arg-type]
                    said_at=now + timedelta(seconds=at_s), external_id=text, decision_id=1,
                    spoken=spoken,
                )  # fmt: skip

    acme.desk(call)
    return acme


def test_calls_are_listed_with_the_middle_of_numbers_hidden(called: Terminal) -> None:
    heads, line = called.says("calls", "list", "acme").splitlines()
    assert heads.split()[:5] == ["ID", "STARTED", "SECONDS", "CALLER", "HOTLINE"]
    assert line.split()[3:6] == ["60", "+48•••••0200", "+48221234567"]
    assert line.endswith("the caller hung up")


def test_without_calls_it_says_so(acme: Terminal) -> None:
    assert acme.says("calls", "list", "acme") == "no calls\n"


@pytest.mark.parametrize("which", ["1", "CA1"])
def test_a_call_is_shown_turn_by_turn_with_its_times(called: Terminal, which: str) -> None:
    said = called.says("calls", "show", "acme", which)
    for part in (
        "+48•••••0200, which the carrier does not vouch for",
        "60 s",
        "  0:06.2         guest     When can we check in?",
        "  0:09.0   1.4s  bot       You can check",
        "cut off after 1200 ms",
        "ms after silence: transcript 310, token 640, sound 900",
        "decision 1: CHECK_IN_TIME, reply by facts, Basia, library 3",
        "nightdesk decisions acme 1",
    ):
        assert part in said
    assert "+48500100200" not in said


def test_programs_get_everything_of_a_call_but_the_callers_number(called: Terminal) -> None:
    call = called.json("calls", "show", "acme", "CA1")
    assert [turn["decision_id"] for turn in call["turns"]] == [1, 1]
    assert call["turns"][1]["spoken"]["heard_ms"] == 1200
    assert call["decisions"][0]["action_code"] == "CHECK_IN_TIME"
    assert "500100200" not in called.says("calls", "show", "acme", "CA1", "--json")
    assert "500100200" not in called.says("calls", "list", "acme", "--json")


def test_a_call_that_is_not_there_is_named(called: Terminal) -> None:
    result = called.type("calls", "show", "acme", "CA9")
    assert (result.exit_code, result.stderr) == (1, "nightdesk: acme has no call CA9\n")


def test_calls_of_a_tenant_that_is_not_there_are_refused(acme: Terminal) -> None:
    assert acme.type("calls", "list", "nobody").exit_code == 1
