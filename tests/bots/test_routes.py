import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from app.bots.answer import Answering
from app.bots.library import check_library, default_content
from app.bots.llm import Messages, ModelError, RouteOutput, Stream
from app.bots.openai_model import route_format
from app.bots.records import ModelCall, Route
from app.bots.sentences import sentence
from app.pms.records import Gated
from app.settings import LlmSettings
from app.sim.responder import respond
from tests.fakes import FakeLanguageModel
from tests.make import NOON, make_listing, make_question, make_reservation, make_stay, make_tenant

LIBRARY = check_library(default_content(), 3)
WIFI, OUT = "What is the wifi password?", "Until when must we check out?"
LATE = "Could we perhaps leave at two, if nobody minds?"
SHOP = "Where is the nearest shop, please?"
REFUND = "And about the broken heater: we want our money back."
REST = "I have passed the rest of your message on to our team; a colleague will reply here."
WIFI_REPLY = "The wifi network is RiverNet and the password is [[wifi_password]]"


@pytest.fixture
def model() -> FakeLanguageModel:
    return FakeLanguageModel()


def route_of(code: str, *parts: tuple[str, str], **more: Any) -> dict[str, Any]:
    listed = [{"actionCode": name, "words": words} for name, words in parts]
    return {"actionCode": code, "score": 0.9, "parts": listed, **more}


async def answered(
    model: FakeLanguageModel, *asked: str, **more: Any
) -> tuple[str | None, Route, Answering]:
    answering = Answering(make_question(*asked, **more), LIBRARY, model)
    text = await answering.whole()
    return text, await answering.route(), answering


async def test_the_part_that_needs_a_person_is_set_aside_and_the_rest_answered(
    model: FakeLanguageModel,
) -> None:
    model.will_route(route_of("LATE_CHECK_OUT", ("WIFI_QUESTION", WIFI), ("LATE_CHECK_OUT", LATE)))
    text, route, answering = await answered(model, WIFI, LATE)
    assert text == f"{WIFI_REPLY}\n{REST}"
    assert (route.outcome, route.is_answered, route.for_people) == ("person", True, LATE)
    assert (route.severity, route.origin) == ("low", "template")
    assert answering.promise == REST


async def test_the_order_of_the_codes_does_not_matter(model: FakeLanguageModel) -> None:
    model.will_route(route_of("WIFI_QUESTION", ("LATE_CHECK_OUT", LATE), ("WIFI_QUESTION", WIFI)))
    text, route, _ = await answered(model, LATE, WIFI)
    assert text == f"{WIFI_REPLY}\n{REST}"
    assert route.for_people == LATE


async def test_the_informational_bot_never_sees_the_persons_part(model: FakeLanguageModel) -> None:
    model.will_route(route_of("ESCALATE", ("OTHER_QUESTION", SHOP), ("ESCALATE", REFUND)))
    text, route, _ = await answered(model, f"{SHOP} {REFUND}")
    assert text == f"The shop is on the corner.\n{REST}"
    assert (route.severity, route.for_people) == ("high", REFUND)
    prompt = model.asked[-1][-1]["content"]
    assert prompt == SHOP


async def test_two_questions_with_templates_are_answered_in_one_reply(
    model: FakeLanguageModel,
) -> None:
    text, route, _ = await answered(model, WIFI, OUT)
    assert text == f"{WIFI_REPLY}\nCheck-out is until 11:00 on 2026-04-16."
    assert (route.outcome, route.origin) == ("reply", "facts")
    assert model.asked == []


async def test_two_questions_with_one_answer_get_it_once(model: FakeLanguageModel) -> None:
    stay = make_stay(now=NOON - timedelta(days=21))
    text, _, _ = await answered(model, "What is the door code?", WIFI, stay=stay)
    assert text == "I can share the access details from Sunday 12 April, 15:00 (Warsaw time)."


async def test_two_questions_in_one_message_are_answered_in_one_reply(
    model: FakeLanguageModel,
) -> None:
    model.will_route(
        route_of(
            "WIFI_QUESTION",
            ("WIFI_QUESTION", "the wifi password"),
            ("CHECK_OUT_TIME", "when to leave"),
            coversAll=False,
        )
    )
    text, route, _ = await answered(model, "Tell me the wifi password and when to leave, mate.")
    assert text == f"{WIFI_REPLY}\nCheck-out is until 11:00 on 2026-04-16."
    assert (route.outcome, route.is_answered) == ("reply", False)


async def test_where_one_has_no_template_the_bot_answers_both(model: FakeLanguageModel) -> None:
    model.will_route(route_of("OTHER_QUESTION", ("WIFI_QUESTION", WIFI), ("OTHER_QUESTION", SHOP)))
    text, route, _ = await answered(model, f"{WIFI} {SHOP}")
    assert text == "The shop is on the corner."
    assert (route.outcome, route.bot) == ("reply", "Guest assistant")
    assert model.asked[-1][-1]["content"] == f"{WIFI} {SHOP}"


async def test_two_parts_for_people_are_one_matter_of_the_graver_kind(
    model: FakeLanguageModel,
) -> None:
    model.will_route(route_of("LATE_CHECK_OUT", ("LATE_CHECK_OUT", LATE), ("ESCALATE", REFUND)))
    text, route, _ = await answered(model, LATE, REFUND)
    assert "A colleague will reply" in (text or "")
    assert (route.severity, route.action_code, route.for_people) == ("high", "ESCALATE", "")
    assert not route.is_answered


async def test_thanks_beside_a_part_for_people_change_nothing(model: FakeLanguageModel) -> None:
    model.will_route(route_of("LATE_CHECK_OUT", ("NO_MESSAGE", "Cheers"), ("LATE_CHECK_OUT", LATE)))
    _, route, _ = await answered(model, f"Cheers mate! {LATE}")
    assert (route.outcome, route.is_answered) == ("person", False)


async def test_words_that_cannot_be_found_make_the_whole_message_the_trigger(
    model: FakeLanguageModel,
) -> None:
    model.will_route(
        route_of("LATE_CHECK_OUT", ("WIFI_QUESTION", WIFI), ("LATE_CHECK_OUT", "made up words"))
    )
    text, route, _ = await answered(model, WIFI, LATE)
    assert text == f"{WIFI_REPLY}\n{REST}"
    assert (route.is_answered, route.for_people) == (True, "")


async def test_where_no_words_can_be_told_apart_a_person_gets_it_all(
    model: FakeLanguageModel,
) -> None:
    model.will_route(route_of("LATE_CHECK_OUT", ("WIFI_QUESTION", ""), ("LATE_CHECK_OUT", "")))
    text, route, _ = await answered(model, WIFI, LATE)
    assert "A colleague will reply" in (text or "")
    assert (route.outcome, route.is_answered) == ("person", False)


async def test_a_model_that_names_no_parts_still_has_its_certain_messages_answered(
    model: FakeLanguageModel,
) -> None:
    model.will_route({"actionCode": "ESCALATE", "score": 0.9, "coversAll": False})
    text, route, _ = await answered(model, WIFI, REFUND)
    assert text == f"{WIFI_REPLY}\n{REST}"
    assert (route.severity, route.for_people, route.origin) == ("high", REFUND, "facts")


async def test_a_model_that_names_no_parts_and_nothing_certain_asks_a_person(
    model: FakeLanguageModel,
) -> None:
    model.will_route({"actionCode": "ESCALATE", "score": 0.9, "coversAll": False})
    _, route, _ = await answered(model, SHOP, REFUND)
    assert (route.outcome, route.is_answered) == ("person", False)


async def test_an_unsure_route_is_a_persons_as_a_whole(model: FakeLanguageModel) -> None:
    model.will_route(
        route_of("WIFI_QUESTION", ("WIFI_QUESTION", WIFI), ("ESCALATE", REFUND), score=0.3)
    )
    _, route, _ = await answered(model, f"{WIFI} {REFUND}")
    assert (route.outcome, route.is_answered) == ("person", False)


async def test_an_answer_that_fails_leaves_everything_to_a_person(
    model: FakeLanguageModel,
) -> None:
    model.will_route(route_of("ESCALATE", ("OTHER_QUESTION", SHOP), ("ESCALATE", REFUND)))
    model.will_say(ModelError("cut"))
    text, route, answering = await answered(model, SHOP, REFUND)
    assert "A colleague will reply" in (text or "")
    assert (route.severity, route.for_people, route.is_answered) == ("high", "", False)
    assert answering.promise == ""


async def test_a_bot_that_does_not_know_the_rest_leaves_it_all(model: FakeLanguageModel) -> None:
    model.will_route(route_of("ESCALATE", ("OTHER_QUESTION", SHOP), ("ESCALATE", REFUND)))
    model.will_say("I do not know, I will ask the team. [[ask_team]]")
    text, route, _ = await answered(model, SHOP, REFUND)
    assert text == f"I do not know, I will ask the team. {REST}"
    assert (route.severity, route.for_people, route.is_answered) == ("high", "", True)


async def test_a_code_that_is_not_ready_beside_a_question_is_a_persons_part(
    model: FakeLanguageModel,
) -> None:
    stay = make_stay(reservation=make_reservation(gated=Gated()))
    text, route, _ = await answered(model, "What is the door code?", OUT, stay=stay)
    assert text == (
        "Check-out is until 11:00 on 2026-04-16.\n"
        "Your door code is not ready yet. A colleague will send it to you in time."
    )
    assert (route.outcome, route.is_answered, route.severity) == ("person", True, "high")
    assert model.asked == []


async def test_refused_access_beside_a_question_is_a_persons_part(
    model: FakeLanguageModel,
) -> None:
    model.will_route(
        route_of("CHECK_OUT_TIME", ("WIFI_QUESTION", "the wifi"), ("CHECK_OUT_TIME", "when to go"))
    )
    stay = make_stay(listing=make_listing(is_archived=True))
    text, route, _ = await answered(model, "Tell me the wifi and when to go, mate.", stay=stay)
    assert text is not None
    assert text.startswith("Check-out is until 11:00")
    assert "A colleague will reply" in text
    assert (route.outcome, route.is_answered) == ("person", True)


async def test_a_picture_beside_a_question_is_a_persons_part(model: FakeLanguageModel) -> None:
    text, route, _ = await answered(model, WIFI, has_attachment=True)
    assert text == (
        f"{WIFI_REPLY}\nThank you. I cannot look at photos or voice notes, "
        "so I have asked a colleague to."
    )
    assert (route.outcome, route.severity, route.for_people) == ("person", "low", "[attachment]")


async def test_a_picture_with_words_that_need_no_reply_calls_nobody(
    model: FakeLanguageModel,
) -> None:
    model.will_route({"actionCode": "NO_MESSAGE", "score": 0.9})
    text, route, _ = await answered(model, "Here is the sunset from yesterday", has_attachment=True)
    assert (text, route.outcome) == (None, "silence")


async def test_a_request_of_the_channel_beside_a_question_is_set_aside(
    model: FakeLanguageModel,
) -> None:
    request = "Jan wants to change their reservation: 13 Apr - 18 Apr"
    text, route, _ = await answered(model, request, WIFI)
    assert text is not None
    assert text.startswith(f"{WIFI_REPLY}\nI cannot change a booking myself")
    assert (route.outcome, route.for_people) == ("person", request)
    assert model.asked == []


async def test_a_reaction_beside_a_question_is_left_out(model: FakeLanguageModel) -> None:
    text, route, _ = await answered(model, "Liked “See you!”", WIFI)
    assert (text, route.outcome) == (WIFI_REPLY, "reply")


async def test_an_unsure_draft_with_a_part_for_people_opens_both(model: FakeLanguageModel) -> None:
    model.will_route({"actionCode": "OTHER_QUESTION", "score": 0.2})
    tenant = make_tenant(chat={"low_score": "draft"})
    text, route, _ = await answered(model, SHOP, has_attachment=True, tenant=tenant)
    assert text is not None
    assert text.startswith("The shop is on the corner.")
    assert (route.is_draft, route.outcome, route.is_answered) == (True, "person", True)


async def test_what_was_discarded_leaves_no_part_behind(model: FakeLanguageModel) -> None:
    model.will_route(route_of("ESCALATE", ("OTHER_QUESTION", SHOP), ("ESCALATE", REFUND)))
    _, _, answering = await answered(model, SHOP, REFUND)
    answering.discard()
    assert answering.promise == ""
    assert await answering.whole() == f"The shop is on the corner.\n{REST}"


class StandIn:
    """The model stand-in, asked as the product asks a model, without a server between."""

    async def classify(
        self,
        messages: Messages,
        codes: Sequence[str],
        settings: LlmSettings,
        key: str | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RouteOutput, ModelCall]:
        raw = respond(messages, route_format(codes))
        call = ModelCall(
            purpose="route", model="stand-in", messages=(), parameters={}, raw_output=raw,
            first_token_ms=None, total_ms=0,
        )  # fmt: skip
        return RouteOutput.model_validate_json(raw), call

    def stream(
        self, messages: Messages, model: str, settings: LlmSettings, key: str | None
    ) -> Stream:
        async def words() -> AsyncIterator[str]:
            yield respond(messages, None)

        return Stream(words=words())

    async def close(self) -> None:
        """Nothing is open."""


BOTH = {
    "en": (["What is the wifi password?", "Can we bring our dog?"],
           ["Can we stay one more night?", "The heating does not work."]),
    "pl": (["Jakie jest hasło do wifi?", "Czy można przyjechać z psem?"],
           ["Czy możemy zostać jedną noc dłużej?", "Ogrzewanie nie działa."]),
    "de": (["Wie lautet das WLAN-Passwort?", "Dürfen wir unseren Hund mitbringen?"],
           ["Können wir eine Nacht länger bleiben?", "Die Heizung funktioniert nicht."]),
    "ar": (["ما هي كلمة مرور الواي فاي؟", "هل يمكن إحضار كلب؟"],
           ["هل يمكن تمديد الإقامة ليلة إضافية؟", "التدفئة لا تعمل."]),
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(BOTH))
async def test_in_every_language_the_part_for_people_is_told_from_the_rest(language: str) -> None:
    for ours, theirs in itertools.product(*BOTH[language]):
        for asked in ((ours, theirs), (theirs, ours), (f"{ours} {theirs}",)):
            answering = Answering(make_question(*asked), LIBRARY, StandIn())
            text = await answering.whole()
            route = await answering.route()
            assert (route.outcome, route.is_answered) == ("person", True), (asked, route)
            assert route.for_people == theirs
            assert text is not None
            assert text.endswith(sentence("rest", language))
