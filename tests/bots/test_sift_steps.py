"""The closures of a condition: one value and a row of values must be judged alike."""

from typing import Any

import pytest

from app.bots import sift_steps
from app.bots.effort import Effort
from app.bots.js_values import equality
from app.bots.sift_steps import Step

ONE = sift_steps.when(equality(1))
NOT_ONE = sift_steps.unless(equality(1))
PLENTY = Effort(1_000_000, "it takes too long")


def stepped(step: Step, *values: object) -> tuple[bool, bool]:
    state = step.start()
    for value in values:
        step.step(state, value, "a", {"a": value}, True)
    return state.is_done, state.keep


@pytest.mark.parametrize("value", [1, 2, None, "1", {}])
@pytest.mark.parametrize(
    "step",
    [
        ONE,
        NOT_ONE,
        sift_steps.among(equality(1)),
        sift_steps.exists(True),
        sift_steps.exists(False),
        sift_steps.negated(ONE),
        sift_steps.every([ONE, NOT_ONE]),
        sift_steps.every([]),
        sift_steps.some([ONE, NOT_ONE], is_negated=False),
        sift_steps.some([ONE], is_negated=True),
        sift_steps.on_path("", [ONE], PLENTY, is_itself=True),
        sift_steps.on_path("b", [NOT_ONE], PLENTY),
    ],
)
def test_one_value_is_judged_alike_with_and_without_a_state(step: Any, value: Any) -> None:
    assert stepped(step, value)[1] == step.once(value, "a", {"a": value}, True)


def test_an_operator_is_settled_by_its_first_match_in_a_row() -> None:
    assert stepped(ONE, 2, 1, 2) == (True, True)
    assert stepped(ONE, 2, 3) == (False, False)
    assert stepped(NOT_ONE, 2, 1, 2) == (True, False)


def test_all_steps_may_be_satisfied_by_different_values_of_a_row() -> None:
    both = sift_steps.every([ONE, sift_steps.when(equality(2))])
    assert stepped(both, 2, 1) == (True, True)


def test_an_array_without_the_field_does_not_count_as_null() -> None:
    path = sift_steps.on_path("a.b", [sift_steps.when(equality(None))], PLENTY)
    assert not path.once({"a": []}, None, None, True)
    assert path.once({"a": [{}]}, None, None, True)


def test_length_and_positions_are_read_from_the_array_itself() -> None:
    length = sift_steps.on_path("a.length", [sift_steps.when(equality(2))], PLENTY)
    second = sift_steps.on_path("a.1", [ONE], PLENTY)
    assert length.once({"a": [5, 6]}, None, None, True)
    assert second.once({"a": [0, 1]}, None, None, True)
    assert not second.once({"a": [1]}, None, None, True)


def test_a_path_that_breaks_off_at_null_leads_to_nothing() -> None:
    path = sift_steps.on_path("a.b", [sift_steps.exists(True)], PLENTY)
    assert not path.once({"a": None}, None, None, True)
    assert path.once({"a": {"b": None}}, None, None, True)


def test_one_element_alone_must_satisfy_the_query() -> None:
    query = sift_steps.every(
        [sift_steps.on_path("x", [ONE], PLENTY), sift_steps.on_path("y", [ONE], PLENTY)]
    )
    step = sift_steps.element(query, PLENTY)
    assert step.once([{"x": 1, "y": 1}], "a", {}, True)
    assert not step.once([{"x": 1}, {"y": 1}], "a", {}, True)
    assert not step.once({"x": 1, "y": 1}, "a", {}, True)


def test_only_arrays_have_a_size() -> None:
    assert sift_steps.sized(2).once([1, 2], "a", {}, True)
    assert not sift_steps.sized(2).once("ab", "a", {}, True)
