from app.bots.decisions import decisions_of, footing_of
from tests.make import DOOR_CODE, WIFI_PASSWORD, make_question
from tests.rooms import Rooms

VAGUE = "What about the thing next to the stairs?"


async def test_a_decision_is_whole_and_free_of_secrets(rooms: Rooms) -> None:
    rooms.model.will_say("The code is [[door_code]], the wifi [[wifi_password]].")
    await rooms.writes(f"Hello, is it {DOOR_CODE}?", VAGUE)
    await rooms.passes_time(120)
    conversation = await rooms.conversation()
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        (decision,) = await decisions_of(conn, rooms.tenant.keyring, conversation.id)
    assert (decision.bot, decision.action_code, decision.score) == (
        "Guest assistant", "OTHER_QUESTION", 0.9,
    )  # fmt: skip
    assert (decision.outcome, decision.origin, decision.reasoning) == ("reply", "bot", "it fits")
    assert decision.question == f"Hello, is it [[door_code]]?\n{VAGUE}"
    assert decision.answer == "The code is [[door_code]], the wifi [[wifi_password]]."
    assert decision.stay is not None
    assert decision.stay["access"] == "open"
    assert [call["purpose"] for call in decision.calls] == ["route", "answer"]
    assert decision.calls[0]["messages"][0]["role"] == "system"
    assert decision.decided_at == rooms.clock.now()
    for secret in (DOOR_CODE, WIFI_PASSWORD):
        assert secret not in str(decision)


async def test_what_a_model_was_told_and_said_is_closed_in_the_row(rooms: Rooms) -> None:
    rooms.model.will_route(
        {"actionCode": "OTHER_QUESTION", "score": 0.9, "reasoning": "it quotes ul. Rzeczna 7"}
    )
    await rooms.writes(VAGUE)
    await rooms.passes_time(120)
    assert "Rzeczna 7" in str(rooms.model.asked)
    (row,) = await rooms.rows("select d::text as row from {schema}.decisions d")
    assert "Rzeczna" not in row["row"]
    conversation = await rooms.conversation()
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        (decision,) = await decisions_of(conn, rooms.tenant.keyring, conversation.id)
    assert decision.reasoning == "it quotes ul. Rzeczna 7"
    assert "Rzeczna 7" in str(decision.calls[1]["messages"])


async def test_what_a_decision_rests_on_is_kept_with_it(rooms: Rooms) -> None:
    await rooms.writes(VAGUE)
    await rooms.passes_time(120)
    conversation = await rooms.conversation()
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        (decision,) = await decisions_of(conn, rooms.tenant.keyring, conversation.id)
        footing = await footing_of(conn, decision.id)
        stay = await rooms.footing.stay_of(conn, rooms.tenant, conversation)
        assert await footing_of(conn, decision.id + 1) is None
    assert stay is not None
    assert footing == stay.footing()


async def test_nothing_is_written_before_the_commit_nor_after_a_discard(rooms: Rooms) -> None:
    async def counts() -> list[int]:
        return [
            (await rooms.rows("select count(*) as n from {schema}." + table))[0]["n"]
            for table in ("decisions", "outbox", "cases")
        ]

    conversation = await rooms.conversation()
    question = make_question(VAGUE, tenant=rooms.tenant, conversation_id=conversation.id)
    answering = await rooms.mind.begin(question)
    assert await answering.whole() == "The shop is on the corner."
    assert await counts() == [0, 0, 0]
    answering.discard()
    assert await counts() == [0, 0, 0]
    again = await rooms.mind.begin(question)
    await again.whole()
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        await again.commit(conn)
    assert await counts() == [1, 0, 0]
