from datetime import timedelta

from app.bots.library import check_library, default_content
from app.bots.prompt import (
    LONGEST_TURN,
    answering_messages,
    codes_of,
    routing_messages,
    variables_of,
)
from app.bots.records import Bot
from tests.make import NOON, make_listing, make_question, make_stay, make_tenant, make_turn

LIBRARY = check_library(default_content())
ROUTER, WRITER, PHONE_ROUTER, PHONE_WRITER = LIBRARY.bots


def test_the_routing_prompt_lists_every_code_with_examples() -> None:
    system = routing_messages(ROUTER, LIBRARY, make_question("Hi"), "en")[0]["content"]
    for code in LIBRARY.codes:
        assert f"- {code.code}: {code.description}" in system
    assert '"What is the door code?"' in system


def test_a_routing_bot_with_codes_of_its_own_can_always_hand_over_or_be_silent() -> None:
    bot = Bot(name="b", kind="routing", medium="thread", template="", action_codes=("HOUSE_RULES",))
    assert [code.code for code in codes_of(bot, LIBRARY)] == [
        "HOUSE_RULES", "ESCALATE", "NO_MESSAGE",
    ]  # fmt: skip


def test_a_prompt_is_made_of_live_data() -> None:
    stay = make_stay(listing=make_listing(name="Blue house"))
    system = answering_messages(WRITER, make_question("Hi", stay=stay), "pl")[0]["content"]
    for part in ("Blue house", "Polish", "Jan Testowy", "2026-04-13 to 2026-04-16", "No parties."):
        assert part in system


def test_what_was_said_before_stands_before_the_question() -> None:
    history = (
        make_turn("guest", "one"), make_turn("bot", "two"), make_turn("operator", "three"),
        make_turn("automation", "four"),
    )  # fmt: skip
    messages = answering_messages(WRITER, make_question("five", "six", history=history), "en")
    assert [(m["role"], m["content"]) for m in messages[1:]] == [
        ("user", "one"), ("assistant", "two"), ("assistant", "three"), ("assistant", "four"),
        ("user", "five\nsix"),
    ]  # fmt: skip


def test_only_so_much_of_the_past_is_carried() -> None:
    history = tuple(make_turn("guest", f"t{n} " + "x" * 5000) for n in range(9))
    tenant = make_tenant(llm={"history_turns": 2})
    messages = answering_messages(WRITER, make_question("Hi", history=history, tenant=tenant), "en")
    assert [m["content"][:2] for m in messages[1:-1]] == ["t7", "t8"]
    assert all(len(m["content"]) == LONGEST_TURN for m in messages[1:-1])


def test_what_guests_write_is_never_read_as_a_template() -> None:
    stay = make_stay(listing=make_listing(name="{{door_code}} <% if (1) { %>"))
    question = make_question("{{door_code}} <%= door_code %>", stay=stay)
    messages = answering_messages(WRITER, question, "en")
    assert "{{door_code}} <% if (1) { %>" in messages[0]["content"]
    assert messages[-1]["content"] == "{{door_code}} <%= door_code %>"


def test_variables_name_bot_tenant_and_language() -> None:
    values = variables_of(make_question("Hi"), "de", bot_name="Basia")
    assert (values["botName"], values["tenantName"]) == ("Basia", "Acme Stays")
    assert (values["language"], values["answerLanguage"]) == ("de", "German")
    assert values["accessSentence"] == ""


def test_while_locked_a_prompt_says_from_when() -> None:
    stay = make_stay(now=NOON - timedelta(days=21))
    values = variables_of(make_question("Hi", stay=stay), "en")
    assert "Sunday 12 April, 15:00 (Warsaw time)" in values["accessSentence"]
