from typing import Any

import pytest
from pydantic import ValidationError

from app.bots.llm import LateModel, ModelError, RouteOutput
from app.errors import OutsideError


def test_a_route_may_leave_out_what_has_a_default() -> None:
    route = RouteOutput.model_validate({"actionCode": "ESCALATE", "score": 1, "more": "ignored"})
    assert (route.reasoning, route.coversAll) == ("", True)


@pytest.mark.parametrize(
    "values",
    [
        {"score": 1},
        {"actionCode": "ESCALATE"},
        {"actionCode": "ESCALATE", "score": 1.1},
        {"actionCode": "ESCALATE", "score": -0.1},
        {"actionCode": "ESCALATE", "score": "sure"},
        {"actionCode": "", "score": 1},
    ],
)
def test_a_route_without_code_or_score_is_none(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RouteOutput.model_validate(values)


def test_a_model_error_keeps_what_was_said_out_of_its_message() -> None:
    error = ModelError("refused", raw_output="guest words")
    assert isinstance(error, OutsideError)
    assert (error.outside, error.retryable, str(error)) == ("model", False, "refused")


async def test_a_model_that_was_never_used_closes_without_loading_anything() -> None:
    await LateModel(None).close()


@pytest.mark.parametrize(
    "parts",
    [
        None,
        "WIFI_QUESTION",
        [],
        ["WIFI_QUESTION"],
        [{"actionCode": 7}],
        [{"words": "wifi"}],
        [{"actionCode": "WIFI_QUESTION", "words": None}],
        [{"actionCode": "W" * 70, "words": ""}],
    ],
)
def test_parts_of_another_shape_are_left_out_and_the_code_still_counts(parts: Any) -> None:
    output = RouteOutput.model_validate({"actionCode": "ESCALATE", "score": 1, "parts": parts})
    assert (output.actionCode, output.parts) == ("ESCALATE", [])


def test_a_model_that_was_not_asked_for_parts_has_none() -> None:
    assert RouteOutput.model_validate({"actionCode": "ESCALATE", "score": 1}).parts == []


def test_a_part_has_a_code_and_perhaps_words() -> None:
    parts = [{"actionCode": "WIFI_QUESTION"}, {"actionCode": "ESCALATE", "words": "leak", "x": 1}]
    output = RouteOutput.model_validate({"actionCode": "ESCALATE", "score": 1, "parts": parts})
    assert [(part.actionCode, part.words) for part in output.parts] == [
        ("WIFI_QUESTION", ""),
        ("ESCALATE", "leak"),
    ]
