"""Turns of a call are kept once each, in order, in both forms, without a secret."""

from datetime import timedelta

from app.conversations import Turn
from app.voice.stages import Stages, Utterance
from tests.make import make_stay
from tests.voice.conftest import OnTheLine


def plain(text: str) -> str:
    return text


async def test_a_turn_has_its_heard_and_its_written_form(call: OnTheLine):
    now = call.clock.now()
    call.heard("  hello   there ", ends_at=now + timedelta(seconds=2))
    (turn,) = await call.rows("turns")
    assert (turn["heard"], turn["text"]) == ("  hello   there ", "hello there")
    assert turn["ended_at"] - turn["said_at"] == timedelta(seconds=2)


async def test_silence_is_no_turn(call: OnTheLine):
    call.heard("  ")
    assert await call.rows("turns") == []
    assert call.turns.transcript.history == ()


async def test_a_turn_that_is_written_again_is_one_row(call: OnTheLine):
    transcript = call.turns.transcript
    utterance = Utterance(text="Hello.", begins_at=call.clock.now())
    said = transcript.keep("guest", utterance, mask=plain, heard="", stages=Stages())
    assert said is not None
    await call.ledger.close()
    async with (await call.database.tenant("acme")).transaction() as conn:
        await transcript.write(conn, said)
    assert len(await call.rows("turns")) == 1


async def test_a_call_that_has_a_turn_is_alive(call: OnTheLine):
    call.clock.advance(20)
    call.heard("Hello.", ends_at=call.clock.now() + timedelta(seconds=1))
    await call.rows("turns")
    (row,) = await call.rows("calls")
    assert row["seen_at"] == call.clock.now() + timedelta(seconds=1)


async def test_turns_of_one_moment_are_read_in_their_order(call: OnTheLine):
    for number in range(12):
        call.heard(f"word {number}")
    await call.ledger.close()
    async with (await call.database.tenant("acme")).transaction() as conn:
        turns = await call.conversations.spoken(conn, call.conversation_id)
    assert [turn.text for turn in turns] == [f"word {number}" for number in range(12)]


async def test_what_we_said_is_kept_as_written_and_as_it_sounded(call: OnTheLine):
    call.said("Check-in is from 15:00, the code is [[door_code]].")
    (turn,) = await call.rows("turns")
    assert turn["text"] == "Check-in is from 15:00, the code is [[door_code]]."
    assert "15:00" not in turn["heard"]
    assert "[[door_code]]" in turn["heard"]


async def test_no_form_of_a_turn_keeps_a_code_once_it_is_known_as_one(call: OnTheLine):
    stay = make_stay()
    code = stay.known["door_code"]
    call.heard(f"Is it {code}?")
    call.said(f"You asked whether it is {code}.")
    call.turns.stay = stay
    theirs, ours = await call.rows("turns")
    assert code not in f"{theirs['text']} {theirs['heard']} {ours['text']}"
    assert ours["heard"] is None


async def test_a_code_that_we_repeat_is_masked_before_it_is_put_into_words(call: OnTheLine):
    call.turns.stay = make_stay()
    call.said(f"You asked whether it is {call.turns.stay.known['door_code']}.")
    (turn,) = await call.rows("turns")
    assert "[[door_code]]" in turn["heard"]


async def test_what_was_said_before_the_sound_broke_off_comes_first_in_the_history(
    call: OnTheLine,
):
    now = call.clock.now()
    earlier = Turn(id=7, external_id="a-1", speaker="guest", text="Before.", said_at=now)
    call.heard("After.")
    call.turns.transcript.resume([earlier])
    assert [turn.text for turn in call.turns.transcript.history] == ["Before.", "After."]
