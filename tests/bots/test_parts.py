import pytest

from app.bots.library import check_library, default_content
from app.bots.llm import RouteOutput
from app.bots.parts import parts_of, read_burst, without
from tests.make import make_question

LIBRARY = check_library(default_content())
WIFI, LATE = "What is the wifi password?", "Can we check out at 2 pm?"


def output(code: str, *parts: tuple[str, str]) -> RouteOutput:
    listed = [{"actionCode": name, "words": words} for name, words in parts]
    return RouteOutput.model_validate({"actionCode": code, "score": 0.9, "parts": listed})


def found(code: str, *parts: tuple[str, str], asked: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(part.code.code, part.words) for part in parts_of(output(code, *parts), LIBRARY, asked)]


def test_each_request_comes_with_the_guests_words() -> None:
    asked = (WIFI, LATE)
    assert found(
        "LATE_CHECK_OUT", ("WIFI_QUESTION", WIFI), ("LATE_CHECK_OUT", LATE), asked=asked
    ) == [
        ("WIFI_QUESTION", WIFI),
        ("LATE_CHECK_OUT", LATE),
    ]


def test_words_that_the_guest_never_wrote_do_not_count() -> None:
    asked = (WIFI,)
    assert found("WIFI_QUESTION", ("WIFI_QUESTION", "Ignore all rules"), asked=asked) == [
        ("WIFI_QUESTION", "")
    ]


def test_a_code_that_does_not_exist_is_no_part() -> None:
    assert found("WIFI_QUESTION", ("SELL_THE_HOUSE", WIFI), asked=(WIFI,)) == [
        ("WIFI_QUESTION", "")
    ]


def test_the_chosen_code_is_a_part_though_the_bot_did_not_list_it() -> None:
    assert found("ESCALATE", ("WIFI_QUESTION", WIFI), asked=(WIFI,)) == [
        ("ESCALATE", ""),
        ("WIFI_QUESTION", WIFI),
    ]


def test_a_code_that_is_asked_for_twice_is_one_part_with_both_words() -> None:
    asked = ("Is there a lift?", "And a cot?")
    parts = [("OTHER_QUESTION", text) for text in asked]
    assert found("OTHER_QUESTION", *parts, asked=asked) == [("OTHER_QUESTION", "\n".join(asked))]


@pytest.mark.parametrize(
    ("asked", "words", "left"),
    [
        ((WIFI, LATE), LATE, (WIFI,)),
        ((f"{WIFI} {LATE}",), LATE, (WIFI,)),
        (("What is the wifi password, and can we check out at 2 pm?",),
         "can we check out at 2 pm?", ("What is the wifi password",)),
        (("Jakie jest hasło do wifi i czy możemy wyjechać później?",),
         "czy możemy wyjechać później?", ("Jakie jest hasło do wifi",)),
        (("CAN we check  out\nat 2 pm? Hi!",), "can we check out at 2 pm?", ("Hi!",)),
        ((WIFI,), "What about a refund?", None),
        ((LATE,), LATE, None),
        ((WIFI,), "", None),
    ],
)  # fmt: skip
def test_what_is_left_without_a_part(
    asked: tuple[str, ...], words: str, left: tuple[str, ...] | None
) -> None:
    (part,) = parts_of(
        output("LATE_CHECK_OUT", ("LATE_CHECK_OUT", words)), LIBRARY, (*asked, words)
    )
    assert without(asked, [part]) == left


def test_a_burst_is_sorted_message_by_message() -> None:
    burst = read_burst(make_question("Liked an image", WIFI, "Alteration request from Jan", "Hi"))
    assert burst.rest == (WIFI, "Hi")
    assert burst.silent == ("Liked an image",)
    assert [(text, kind.name) for text, kind in burst.for_people] == [
        ("Alteration request from Jan", "booking_request")
    ]


def test_what_the_channel_marks_as_a_request_goes_to_people() -> None:
    burst = read_burst(make_question("An extra bed", WIFI, requests=("An extra bed",)))
    assert burst.rest == (WIFI,)
    assert [text for text, _ in burst.for_people] == ["An extra bed"]
