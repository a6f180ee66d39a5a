"""What is said on a call: a confirmed turn counts, a half-heard one leaves nothing."""

import asyncio
from datetime import timedelta

from app.bots.llm import ModelError
from app.events import DecisionMade
from tests.make import make_stay
from tests.voice.conftest import OnTheLine

QUESTION = "Is there a bakery nearby?"


async def test_a_confirmed_turn_leaves_one_decision(call: OnTheLine):
    call.model.will_say("Yes, on the corner.")
    assert await call.answer(QUESTION) == "Yes, on the corner."
    call.turns.confirm(QUESTION)
    (decision,) = await call.rows("decisions")
    assert (decision["outcome"], decision["answer"]) == ("reply", "Yes, on the corner.")


async def test_the_first_clause_is_foreseen_before_the_route_is_known(call: OnTheLine):
    call.model.will_say("Yes, there is one. It is on the corner.")
    foreseen: list[str] = []
    call.turns.on_foreseen = foreseen.append

    async def until_foreseen() -> None:
        async with asyncio.timeout(5):
            while not foreseen:
                await asyncio.sleep(0)

    call.model.on_route = until_foreseen
    first = await anext(call.turns.answer(QUESTION))
    assert foreseen == [first.strip()] == ["Yes, there is one."]


async def test_a_clause_that_must_not_be_said_is_not_foreseen(call: OnTheLine):
    call.model.will_say("The code is [[door_code]]. Enjoy!")
    foreseen: list[str] = []
    call.turns.on_foreseen = foreseen.append
    await call.answer(QUESTION)
    assert foreseen == []


async def test_a_bot_that_does_not_know_says_so_and_a_person_is_asked(call: OnTheLine):
    call.model.will_say("I do not know, I will ask the team. [[ask_team]]")
    assert await call.answer(QUESTION) == "I do not know, I will ask the team."
    call.turns.confirm(QUESTION)
    (case,) = await call.rows("cases")
    assert case["severity"] == "low"
    (decision,) = await call.rows("decisions")
    assert decision["answer"] == "I do not know, I will ask the team."


async def test_a_turn_may_be_confirmed_before_it_is_answered(call: OnTheLine):
    call.turns.confirm(QUESTION)
    await call.answer(QUESTION)
    assert len(await call.rows("decisions")) == 1


async def test_a_half_heard_turn_leaves_nothing(call: OnTheLine):
    call.model.will_route({"actionCode": "ESCALATE", "score": 0.99, "reasoning": "a person"})
    await call.answer("Is there a")
    call.model.will_route({"actionCode": "OTHER_QUESTION", "score": 0.9, "reasoning": "fits"})
    await call.answer(QUESTION)
    call.turns.confirm(QUESTION)
    assert len(await call.rows("decisions")) == 1
    assert await call.rows("cases") == []


async def test_punctuation_makes_no_other_turn(call: OnTheLine):
    await call.answer("is there a bakery nearby")
    call.turns.confirm("Is there a bakery nearby?")
    assert len(await call.rows("decisions")) == 1


async def test_an_answer_that_was_cut_off_counts_once_its_turn_is_confirmed(call: OnTheLine):
    call.model.will_say("First sentence here. Second sentence here. Third one.")
    answering = call.turns.answer(QUESTION)
    await anext(answering)
    call.turns.confirm(QUESTION)
    await answering.aclose()
    (decision,) = await call.rows("decisions")
    assert decision["outcome"] == "reply"


async def test_what_needs_a_person_opens_a_case_once_it_is_confirmed(call: OnTheLine):
    call.model.will_route({"actionCode": "ESCALATE", "score": 0.99, "reasoning": "a person"})
    said = await call.answer(QUESTION)
    call.turns.confirm(QUESTION)
    (case,) = await call.rows("cases")
    assert case["trigger_text"] == QUESTION
    assert "colleague" in said


async def test_a_failing_model_ends_in_a_sentence_and_a_case(call: OnTheLine):
    call.model.will_say(ModelError("the model is away"))
    said = await call.answer(QUESTION)
    call.turns.confirm(QUESTION)
    assert "colleague" in said
    assert len(await call.rows("cases")) == 1


async def test_a_placeholder_nobody_gave_is_never_spoken(call: OnTheLine):
    call.turns.stay = make_stay()
    call.model.will_say("All good. Your code is [[alarm_code]]. Bye.")
    said = await call.answer(QUESTION)
    assert "alarm_code" not in said
    assert said.startswith("All good.")


async def test_a_person_on_the_line_silences_the_bot(call: OnTheLine):
    call.handling.heard("person")
    assert await call.answer(QUESTION) == ""
    call.turns.confirm(QUESTION)
    assert await call.rows("decisions") == []


async def test_turns_are_recorded_in_order_with_the_decision_behind_them(call: OnTheLine):
    call.model.will_say("Yes, on the corner.")
    call.heard(QUESTION)
    await call.answer(QUESTION)
    call.turns.confirm(QUESTION)
    call.said("Yes, on the corner.")
    turns = await call.rows("turns")
    assert [(turn["speaker"], turn["text"]) for turn in turns] == [
        ("guest", QUESTION),
        ("bot", "Yes, on the corner."),
    ]
    assert turns[1]["decision_id"] is not None


async def test_an_interrupted_answer_is_written_after_its_decision(call: OnTheLine):
    call.model.will_say("First sentence here. Second sentence here. Third one.")
    answering = call.turns.answer(QUESTION)
    await anext(answering)
    call.turns.confirm(QUESTION)
    call.heard(QUESTION)
    call.said("First sentence", is_cut=True, heard_ms=700)
    await answering.aclose()
    (decision,) = await call.rows("decisions")
    asked, answered = await call.rows("turns")
    assert (asked["decision_id"], answered["decision_id"]) == (decision["id"], decision["id"])
    assert (answered["text"], answered["is_cut"], answered["heard_ms"]) == (
        "First sentence", True, 700,
    )  # fmt: skip


async def test_what_needs_no_answer_is_no_silence_on_the_phone_and_has_its_decision(
    call: OnTheLine,
):
    call.model.will_route({"actionCode": "NO_MESSAGE", "score": 0.99, "reasoning": "thanks"})
    assert await call.answer(QUESTION) == "Is there anything else I can do for you?"
    call.turns.confirm(QUESTION)
    call.heard(QUESTION)
    (decision,) = await call.rows("decisions")
    (turn,) = await call.rows("turns")
    assert turn["decision_id"] == decision["id"]


async def test_two_answers_keep_their_own_decisions(call: OnTheLine):
    for question, answer in (("Where is the bakery?", "Right."), ("And the pharmacy?", "Left.")):
        call.model.will_say(answer)
        await call.answer(question)
        call.turns.confirm(question)
        call.heard(question)
    call.said("Right.")
    call.said("Left.")
    decisions = {row["id"]: row["answer"] for row in await call.rows("decisions")}
    turns = await call.rows("turns")
    assert [decisions[turn["decision_id"]] for turn in turns[2:]] == ["Right.", "Left."]


async def test_what_is_no_answer_has_no_decision(call: OnTheLine):
    await call.answer(QUESTION)
    call.turns.confirm(QUESTION)
    call.said("Are you still there?")
    (turn,) = await call.rows("turns")
    assert turn["decision_id"] is None


async def test_stages_are_told_from_the_moment_the_caller_fell_silent(call: OnTheLine):
    call.clock.advance(2)
    silent_at = call.clock.now()
    call.clock.advance(0.4)
    call.model.will_say("Yes, on the corner.")
    await call.answer(QUESTION)
    call.turns.confirm(QUESTION)
    call.heard(
        QUESTION, ends_at=silent_at, transcribed_at=silent_at + timedelta(seconds=0.3),
        turn_ended_at=silent_at + timedelta(seconds=0.5),
    )  # fmt: skip
    call.clock.advance(0.6)
    call.said("Yes, on the corner.")
    asked, answered = await call.rows("turns")
    assert asked["stages"] == {"transcript_ms": 300, "turn_ms": 500}
    assert answered["stages"] == {
        "transcript_ms": 300, "turn_ms": 500, "token_ms": 400, "clause_ms": 400, "sound_ms": 1000,
    }  # fmt: skip


async def test_the_first_sound_of_an_answer_is_told_with_its_stages(call: OnTheLine):
    silent_at = call.clock.now()
    assert call.turns.begin_sound(silent_at) == {}
    call.model.will_say("Yes, on the corner.")
    await call.answer(QUESTION)
    call.turns.confirm(QUESTION)
    call.heard(QUESTION, ends_at=silent_at)
    call.clock.advance(0.8)
    assert call.turns.begin_sound(call.clock.now())["sound_ms"] == 800
    assert call.turns.begin_sound(call.clock.now()) == {}


async def test_a_decision_on_the_phone_is_told_as_one_in_a_thread_is(call: OnTheLine):
    told: list[DecisionMade] = []

    async def hear(event: DecisionMade) -> None:
        told.append(event)

    call.bus.subscribe(DecisionMade, hear)
    call.model.will_say("Yes, on the corner.")
    await call.answer(QUESTION)
    call.turns.confirm(QUESTION)
    (decision,) = await call.rows("decisions")
    assert [(event.decision_id, event.action_code) for event in told] == [
        (decision["id"], decision["action_code"])
    ]


async def test_what_was_said_before_the_stay_was_known_is_masked_once_it_is(call: OnTheLine):
    stay = make_stay()
    code = stay.known["door_code"]
    call.heard(f"Is it {code}?")
    call.turns.stay = stay
    (turn,) = await call.rows("turns")
    assert code not in turn["text"] + turn["heard"]
    assert code not in str(call.turns.transcript.history)


async def test_a_secret_that_the_caller_says_is_kept_as_its_mark(call: OnTheLine):
    stay = make_stay()
    call.turns.stay = stay
    code = stay.known["door_code"]
    call.heard(f"Is it {code}?")
    (turn,) = await call.rows("turns")
    assert (code in turn["text"], "[[door_code]]" in turn["text"]) == (False, True)


async def test_what_was_said_before_is_in_the_next_prompt(call: OnTheLine):
    call.heard("Hello, it is about tomorrow.")
    await call.answer(QUESTION)
    assert "Hello, it is about tomorrow." in str(call.model.asked[-1])
