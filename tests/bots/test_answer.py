from datetime import timedelta
from typing import Any

import pytest

from app.bots.answer import Answering
from app.bots.library import check_library, default_content
from app.bots.llm import ModelError
from app.pms.access import SEVERAL_STAYS
from app.pms.records import Gated
from tests.fakes import FakeLanguageModel
from tests.make import (
    DOOR_CODE,
    NOON,
    WIFI_PASSWORD,
    make_listing,
    make_question,
    make_reservation,
    make_stay,
    make_tenant,
)

LIBRARY = check_library(default_content(), 3)
VAGUE = "What about the thing next to the stairs?"
EARLY = NOON - timedelta(days=21)


@pytest.fixture
def model() -> FakeLanguageModel:
    return FakeLanguageModel()


def answering(
    model: FakeLanguageModel, *asked: str, library: Any = LIBRARY, **more: Any
) -> Answering:
    return Answering(make_question(*asked, **more), library, model)


async def test_urgent_words_come_before_everything(model: FakeLanguageModel) -> None:
    answer = answering(
        model, "No robot please!", "There is a fire in the kitchen", refuses_robot=True
    )
    route = await answer.route()
    assert (route.origin, route.outcome, route.severity) == ("urgent", "person", "critical")
    text = await answer.whole()
    assert text is not None
    assert "112" in text.split(".")[0]
    assert "colleague" in text
    assert model.asked == []


async def test_the_emergency_number_is_the_listings(model: FakeLanguageModel) -> None:
    stay = make_stay(listing=make_listing(country_code="AE"))
    text = await answering(model, "There is a fire in the kitchen", stay=stay).whole()
    assert text is not None
    assert "997" in text


async def test_an_emergency_number_that_is_also_the_door_code_is_said(
    model: FakeLanguageModel,
) -> None:
    booked = make_reservation(gated=Gated(secrets={"door_code": "112"}))
    for now in (NOON, EARLY):
        stay = make_stay(reservation=booked, now=now)
        answer = answering(model, "There is a fire in the kitchen", stay=stay)
        assert "112" in (await answer.whole() or "")
        assert (await answer.route()).severity == "critical"


async def test_an_urgent_matter_without_danger_has_no_number(model: FakeLanguageModel) -> None:
    answer = answering(model, "Water is pouring through the ceiling")
    assert (await answer.route()).severity == "high"
    assert "112" not in (await answer.whole() or "")


async def test_a_guest_who_wants_no_robot_gets_a_person(model: FakeLanguageModel) -> None:
    route = await answering(model, "What time is check-in?", refuses_robot=True).route()
    assert (route.outcome, route.because) == ("person", "the guest asked for no robot")


async def test_a_guest_who_asks_for_a_person_gets_one(model: FakeLanguageModel) -> None:
    route = await answering(model, "Please let me talk to a human").route()
    assert (route.outcome, route.action_code) == ("person", "ESCALATE")
    assert model.asked == []


async def test_a_photo_alone_goes_to_a_person_and_that_is_said(model: FakeLanguageModel) -> None:
    answer = answering(model, has_attachment=True)
    assert (await answer.route()).severity == "low"
    assert "cannot look at photos" in (await answer.whole() or "")


async def test_nothing_said_is_silence(model: FakeLanguageModel) -> None:
    answer = answering(model)
    assert (await answer.route()).outcome == "silence"
    assert await answer.whole() is None


async def test_a_question_taken_back_is_silence(model: FakeLanguageModel) -> None:
    answer = answering(model, "What is the wifi password?", "never mind, found it")
    assert (await answer.route()).because == "the guest took it back"
    assert await answer.whole() is None


async def test_a_question_after_one_taken_back_is_answered(model: FakeLanguageModel) -> None:
    answer = answering(model, "never mind", "What is the wifi password?")
    assert (await answer.route()).outcome == "reply"


async def test_thanks_are_silence(model: FakeLanguageModel) -> None:
    route = await answering(model, "Thank you so much!").route()
    assert (route.outcome, route.action_code) == ("silence", "NO_MESSAGE")
    assert model.asked == []


async def test_a_certain_question_needs_no_model(model: FakeLanguageModel) -> None:
    answer = answering(model, "What time is check-in?")
    route = await answer.route()
    assert (route.origin, route.action_code, route.score) == ("facts", "CHECK_IN_TIME", 1.0)
    assert await answer.whole() == "Check-in is from 15:00 on 2026-04-13."
    assert model.asked == []


async def test_a_door_code_is_given_as_a_placeholder(model: FakeLanguageModel) -> None:
    assert await answering(model, "What is the door code?").whole() == (
        "Your door code is [[door_code]]."
    )


async def test_before_its_time_the_moment_is_told_instead(model: FakeLanguageModel) -> None:
    stay = make_stay(now=EARLY)
    text = await answering(model, "What is the door code?", stay=stay).whole()
    assert text == ("I can share the access details from Sunday 12 April, 15:00 (Warsaw time).")


@pytest.mark.parametrize(
    ("hours", "severity"), [(-3, "normal"), (-2.1, "normal"), (-2, "high"), (5, "high")]
)
async def test_a_code_that_is_not_ready_is_a_persons_matter(
    model: FakeLanguageModel, hours: float, severity: str
) -> None:
    check_in = NOON + timedelta(hours=1)
    stay = make_stay(
        reservation=make_reservation(gated=Gated()), now=check_in + timedelta(hours=hours)
    )
    answer = answering(model, "What is the door code?", stay=stay)
    route = await answer.route()
    assert (route.outcome, route.severity) == ("person", severity)
    assert route.because == "the door code is not ready"
    assert "not ready yet" in (await answer.whole() or "")


async def test_where_several_stays_are_meant_the_guest_is_asked_and_a_person_told(
    model: FakeLanguageModel,
) -> None:
    stay = make_stay().with_access(SEVERAL_STAYS)
    answer = answering(model, "What is the door code?", stay=stay)
    route = await answer.route()
    assert (route.outcome, route.because) == ("person", "access is refused: several_stays")
    assert await answer.whole() == (
        "You have more than one booking with us. Please tell us which one you mean."
    )


async def test_a_code_that_is_not_ready_does_not_matter_before_its_time(
    model: FakeLanguageModel,
) -> None:
    stay = make_stay(reservation=make_reservation(gated=Gated()), now=EARLY)
    assert (await answering(model, "What is the door code?", stay=stay).route()).outcome == "reply"


async def test_the_model_choosing_access_meets_the_same_check(model: FakeLanguageModel) -> None:
    model.will_route({"actionCode": "ACCESS_INSTRUCTIONS", "score": 0.9, "reasoning": "wants in"})
    stay = make_stay(reservation=make_reservation(gated=Gated()))
    route = await answering(model, VAGUE, stay=stay).route()
    assert (route.outcome, route.because) == ("person", "the door code is not ready")
    assert (route.score, route.reasoning) == (0.9, "wants in")


@pytest.mark.parametrize("asked", ["What is the door code?", "What is the wifi password?"])
async def test_a_promised_colleague_is_really_asked(model: FakeLanguageModel, asked: str) -> None:
    stay = make_stay(listing=make_listing(is_archived=True))
    answer = answering(model, asked, stay=stay)
    assert (await answer.route()).outcome == "person"
    assert "A colleague will reply" in (await answer.whole() or "")


@pytest.mark.parametrize("score", [0.0, 0.59])
async def test_an_unsure_route_is_a_persons_matter(model: FakeLanguageModel, score: float) -> None:
    model.will_route({"actionCode": "OTHER_QUESTION", "score": score})
    answer = answering(model, VAGUE)
    route = await answer.route()
    assert (route.outcome, route.is_draft) == ("person", False)
    assert route.because.startswith("unsure")
    assert "colleague" in (await answer.whole() or "")


async def test_an_unsure_route_may_become_a_draft(model: FakeLanguageModel) -> None:
    model.will_route({"actionCode": "OTHER_QUESTION", "score": 0.2})
    tenant = make_tenant(chat={"low_score": "draft"})
    answer = answering(model, VAGUE, tenant=tenant)
    route = await answer.route()
    assert (route.outcome, route.is_draft) == ("reply", True)
    assert await answer.whole() == "The shop is on the corner."


async def test_a_sure_enough_route_is_followed(model: FakeLanguageModel) -> None:
    model.will_route({"actionCode": "OTHER_QUESTION", "score": 0.6})
    assert (await answering(model, VAGUE).route()).outcome == "reply"


async def test_a_code_may_lead_to_silence(model: FakeLanguageModel) -> None:
    model.will_route({"actionCode": "NO_MESSAGE", "score": 0.9})
    answer = answering(model, VAGUE)
    assert (await answer.route()).outcome == "silence"
    assert await answer.whole() is None
    assert len(model.asked) == 1


async def test_a_code_may_lead_to_a_person_with_its_severity(model: FakeLanguageModel) -> None:
    model.will_route({"actionCode": "LATE_CHECK_OUT", "score": 0.9})
    answer = answering(model, VAGUE)
    route = await answer.route()
    assert (route.outcome, route.severity) == ("person", "low")
    assert "colleague" in (await answer.whole() or "")
    assert len(model.asked) == 1


async def test_a_template_answers_where_its_code_covers_all(model: FakeLanguageModel) -> None:
    model.will_route({"actionCode": "CHECK_IN_TIME", "score": 0.9, "coversAll": True})
    answer = answering(model, VAGUE)
    assert (await answer.route()).origin == "template"
    assert await answer.whole() == "Check-in is from 15:00 on 2026-04-13."


async def test_a_bot_answers_where_the_code_does_not_cover_all(model: FakeLanguageModel) -> None:
    model.will_route({"actionCode": "CHECK_IN_TIME", "score": 0.9, "coversAll": False})
    answer = answering(model, VAGUE)
    assert await answer.whole() == "The shop is on the corner."
    route = await answer.route()
    assert (route.origin, route.bot, route.covers_all) == ("bot", "Guest assistant", False)


async def test_a_template_with_nothing_to_say_leaves_it_to_the_bot(
    model: FakeLanguageModel,
) -> None:
    model.will_route({"actionCode": "WIFI_QUESTION", "score": 0.9})
    stay = make_stay(listing=make_listing(gated=Gated()))
    answer = answering(model, VAGUE, stay=stay)
    assert await answer.whole() == "The shop is on the corner."


@pytest.mark.parametrize(
    "said",
    [
        "The code is [door_code].",
        "The code is [[ door_code ]].",
        "The code is [[door_codes]].",
        "The code is door_code.",
        "The portal is [[guest_portal_url]].",
        "The code is {{door_code}}.",
    ],
)
async def test_a_broken_placeholder_is_a_persons_matter(
    model: FakeLanguageModel, said: str
) -> None:
    model.will_say(said)
    answer = answering(model, VAGUE)
    text = await answer.whole()
    route = await answer.route()
    assert route.outcome == "person"
    assert text is not None
    assert "colleague" in text
    assert "door_code" not in text


async def test_a_code_that_a_model_found_by_itself_is_kept_as_a_placeholder(
    model: FakeLanguageModel,
) -> None:
    model.will_say(f"Try {DOOR_CODE}.")
    assert await answering(model, VAGUE).whole() == "Try [[door_code]]."
    locked = answering(model, VAGUE, stay=make_stay(now=EARLY))
    assert "colleague" in (await locked.whole() or "")


@pytest.mark.parametrize(
    "words", ["Your code is door_code.", "It is %5B%5Bdoor_code%5D%5D", "See wi\u200bfi_password"]
)
async def test_a_name_of_a_placeholder_is_never_shown(model: FakeLanguageModel, words: str) -> None:
    model.will_say(words)
    for now in (NOON, EARLY):
        assert "colleague" in (await answering(model, VAGUE, stay=make_stay(now=now)).whole() or "")


async def test_what_is_locked_is_not_said_though_an_operator_wrote_it_into_a_template(
    model: FakeLanguageModel,
) -> None:
    keys = "The key is in the blue box left of the door, behind the third flower pot."
    listing = make_listing(gated=Gated(texts={"keyPickup": keys}))
    model.will_say(f"Sure! {keys}")
    assert await answering(model, VAGUE, stay=make_stay(listing=listing)).whole() == f"Sure! {keys}"
    locked = answering(model, VAGUE, stay=make_stay(listing=listing, now=EARLY))
    assert "colleague" in (await locked.whole() or "")
    assert (await locked.route()).because == "the answer held what is locked"


async def test_a_placeholder_is_refused_while_access_is_locked(model: FakeLanguageModel) -> None:
    model.will_say("The code is [[door_code]].")
    answer = answering(model, VAGUE, stay=make_stay(now=EARLY))
    assert "colleague" in (await answer.whole() or "")
    assert (await answer.route()).because == "a placeholder came that was not asked for"


async def test_a_name_that_is_a_placeholder_gives_nothing_away(model: FakeLanguageModel) -> None:
    reservation = make_reservation(guest_name="[[door_code]]")
    stay = make_stay(reservation=reservation, now=EARLY)
    model.will_say("Dear [[door_code]], welcome.")
    assert "colleague" in (await answering(model, VAGUE, stay=stay).whole() or "")


@pytest.mark.parametrize("failure", ["refused", "timeout"])
async def test_a_model_that_fails_to_route_leaves_it_to_a_person(
    model: FakeLanguageModel, failure: str
) -> None:
    model.will_route(ModelError(failure))
    answer = answering(model, VAGUE)
    assert "colleague" in (await answer.whole() or "")
    route = await answer.route()
    assert (route.outcome, route.because) == ("person", failure)


async def test_a_model_that_fails_to_answer_leaves_it_to_a_person(model: FakeLanguageModel) -> None:
    model.will_say(ModelError("the stream was cut", raw_output="The sh"))
    answer = answering(model, VAGUE)
    assert "colleague" in (await answer.whole() or "")
    route = await answer.route()
    assert (route.outcome, route.action_code) == ("person", "OTHER_QUESTION")


async def test_a_code_that_does_not_exist_leaves_it_to_a_person(model: FakeLanguageModel) -> None:
    model.will_route({"actionCode": "SELL_THE_HOUSE", "score": 1})
    assert "colleague" in (await answering(model, VAGUE).whole() or "")


async def test_a_bot_that_does_not_know_asks_the_team(model: FakeLanguageModel) -> None:
    model.will_say("I do not know, I will ask the team. [[ask_team]]")
    answer = answering(model, VAGUE)
    assert await answer.whole() == "I do not know, I will ask the team."
    route = await answer.route()
    assert (route.outcome, route.severity) == ("person", "low")


async def test_without_any_bot_a_person_answers(model: FakeLanguageModel) -> None:
    content = {**default_content()}
    content["bots"] = [bot for bot in content["bots"] if bot["kind"] == "routing"]
    answer = answering(model, VAGUE, library=check_library(content))
    assert "colleague" in (await answer.whole() or "")


async def test_no_prompt_ever_holds_a_secret(model: FakeLanguageModel) -> None:
    listing = make_listing(
        gated=Gated(
            secrets={"wifi_password": WIFI_PASSWORD, "door_code": "2222"},
            texts={"specialInstruction": f"Door {DOOR_CODE}, gate PIN 7788", "keyPickup": "Safe"},
        )
    )
    for now in (NOON, EARLY):
        stay = make_stay(listing=listing, now=now)
        await answering(model, f"Is it {DOOR_CODE}?".replace(DOOR_CODE, "right"), stay=stay).whole()
    prompts = str(model.asked)
    assert "[[door_code]]" in prompts
    for secret in (DOOR_CODE, WIFI_PASSWORD, "2222", "7788"):
        assert secret not in prompts


async def test_a_locked_prompt_holds_no_gated_text(model: FakeLanguageModel) -> None:
    listing = make_listing(gated=Gated(texts={"specialInstruction": "Take the blue stairs"}))
    await answering(model, VAGUE, stay=make_stay(listing=listing, now=EARLY)).whole()
    prompt = str(model.asked)
    assert "blue stairs" not in prompt
    assert "Sunday 12 April, 15:00 (Warsaw time)" in prompt


async def test_the_model_is_asked_for_a_route_once(model: FakeLanguageModel) -> None:
    answer = answering(model, VAGUE)
    await answer.route()
    await answer.route()
    assert len(model.asked) == 1


async def test_the_answer_is_in_the_guests_language(model: FakeLanguageModel) -> None:
    text = await answering(model, "Od której godziny możemy się zameldować?").whole()
    assert text == "Zameldowanie jest od godziny 15:00 w dniu 2026-04-13."


async def test_a_stranger_is_answered_without_a_stay(model: FakeLanguageModel) -> None:
    question = make_question(VAGUE)
    stranger = type(question)(
        **{name: getattr(question, name) for name in question.__slots__ if name != "stay"},
        stay=None,
    )
    assert await Answering(stranger, LIBRARY, model).whole() == "The shop is on the corner."
