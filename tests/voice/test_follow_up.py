"""Whether a caller hung up before the answer was heard."""

from tests.voice.conftest import OnTheLine

QUESTION = "Is there a bakery nearby?"
ANSWER = "Yes, it is on the corner, right behind the old church."


async def asks(call: OnTheLine) -> None:
    call.model.will_say(ANSWER)
    await call.answer(QUESTION)
    call.turns.confirm(QUESTION)
    call.heard(QUESTION)


async def test_an_answer_that_nobody_heard_is_missing(call: OnTheLine):
    await asks(call)
    assert call.turns.is_unanswered


async def test_an_answer_that_was_barely_begun_is_missing_too(call: OnTheLine):
    await asks(call)
    call.said("Yes, it is", is_cut=True)
    assert call.turns.is_unanswered


async def test_an_answer_that_was_mostly_heard_is_enough(call: OnTheLine):
    await asks(call)
    call.said("Yes, it is on the corner, right behind", is_cut=True)
    assert not call.turns.is_unanswered


async def test_who_asked_nothing_misses_nothing(call: OnTheLine):
    assert not call.turns.is_unanswered
    await call.answer("Is there a")
    assert not call.turns.is_unanswered


async def test_what_people_see_to_needs_no_follow_up(call: OnTheLine):
    text = "I want to speak to a human please."
    await call.answer(text)
    call.turns.confirm(text)
    assert not call.turns.is_unanswered
