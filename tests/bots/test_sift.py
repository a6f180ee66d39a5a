"""Conditions: what they mean, what is refused, and the stored answers of the npm package."""

from collections import Counter
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import pytest

from app.bots.sift import DEEPEST, MOST_CLAUSES, MOST_VALUES, compile_condition
from app.errors import BadInput
from tests import semantics

RESERVATION = {
    "status": "modified",
    "listingMapId": 1234,
    "numberOfNights": 8,
    "cancelledAt": None,
    "listing": {"city": "Łódź", "amenities": ["wifi", "pool"]},
    "customFields": [{"id": 1, "value": "x"}, {"id": 2, "value": None}],
}


def test_every_stored_answer_of_the_npm_package_is_ours_too() -> None:
    cases = list(semantics.sift_cases(semantics.stored("sift")))
    kinds = Counter(semantics.sift_difference(*case) for case in cases)
    assert len(cases) >= 10_000
    assert sum(answer is True for _, _, answer in cases) >= 2_000
    assert [kind for kind in kinds if kind.startswith("!")] == []
    assert set(kinds) <= {"none", *semantics.SIFT_REASONS}
    assert kinds["none"] >= len(cases) - 20


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"listingMapId": {"$in": [1234]}, "status": "modified", "numberOfNights": {"$gte": 7}},
        {"cancelledAt": None, "nowhere": None},
        {"cancelledAt": {"$exists": True}, "nowhere": {"$exists": False}},
        {"listing.amenities": "wifi"},
        {"listing.amenities": ["wifi", "pool"]},
        {"listing.amenities.1": "pool"},
        {"listing.amenities": {"$all": ["pool", "wifi"], "$size": 2}},
        {"listing": {"amenities": ["wifi", "pool"], "city": "Łódź"}},
        {"customFields.value": None},
        {"customFields": {"$elemMatch": {"id": 2, "value": None}}},
        {"customFields.id": {"$mod": [2, 0]}},
        {"customFields.id": {"$not": {"$gt": 2}}},
        {"listing.city": {"$regex": "^łódź$", "$options": "i"}},
        {"listing.city.length": 4},
        {"status": {"$type": "string"}, "customFields": {"$type": "array"}},
        {"$or": [{"status": "new"}, {"numberOfNights": {"$lt": 9}}]},
        {"$nor": [{"status": "new"}, {"numberOfNights": "8"}]},
        {"$and": [{"status": {"$ne": "new"}}, {"listingMapId": {"$nin": [1, 2]}}]},
        {"status": {"$options": "i"}},
    ],
)
def test_a_condition_that_holds(condition: Any) -> None:
    assert compile_condition(condition)(RESERVATION) is True


@pytest.mark.parametrize(
    "condition",
    [
        {"numberOfNights": "8"},
        {"numberOfNights": {"$gt": "7"}},
        {"numberOfNights": {"$gt": None}},
        {"listing": {"city": "Łódź"}},
        {"listing": {"city": {"$exists": True}}},
        {"listing.amenities": {"$ne": "wifi"}},
        {"customFields": {"$elemMatch": {"id": 1, "value": None}}},
        {"customFields.id": {"$all": []}, "status": "new"},
        {"status": {"$in": []}},
        {"listing.amenities": {"$size": 1}},
    ],
)
def test_a_condition_that_does_not_hold(condition: Any) -> None:
    assert compile_condition(condition)(RESERVATION) is False


def test_true_is_not_one() -> None:
    assert not compile_condition({"a": 1})({"a": True})
    assert not compile_condition({"a": {"$in": [0, 1]}})({"a": False})
    assert not compile_condition({"a": {"$gte": 0}})({"a": True})


def test_whole_numbers_equal_their_floats() -> None:
    assert compile_condition({"a": {"$size": 2.0}})({"a": [1, 2]})
    assert compile_condition({"a": {"$in": [7.0]}})({"a": 7})


def test_a_date_compares_with_dates_and_not_with_text() -> None:
    document = {"arrival": date(2026, 7, 1)}
    assert compile_condition({"arrival": datetime(2026, 7, 1, tzinfo=UTC)})(document)
    assert compile_condition({"arrival": {"$lt": datetime(2026, 7, 2, tzinfo=UTC)}})(document)
    assert not compile_condition({"arrival": {"$gte": "2026-01-01"}})(document)


def test_a_read_only_document_is_read_like_a_dict() -> None:
    document = MappingProxyType({"a": MappingProxyType({"b": (1, 2)})})
    assert compile_condition(MappingProxyType({"a.b": 2}))(document)


def test_a_condition_changed_afterwards_keeps_its_meaning() -> None:
    condition = {"a": {"$in": [1]}}
    test = compile_condition(condition)
    condition["a"]["$in"].append(2)
    assert not test({"a": 2})


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ({"$and": [{}, {"listing.city": {"$in": [{"$gt": 1}]}}]}, "$and[1].listing.city.$in[0]: "),
        ({"$where": "return true"}, "$where: "),
        ({"a": {"$foo": 1}}, "a.$foo: "),
        ({"a": {"$Size": 1}}, "a.$Size: "),
        ({"a": {"$gt": 1, "b": 2}}, "a: "),
        ({"a": {"$or": [{}]}}, "a.$or: "),
        ({"$or": []}, "$or: "),
        ({"$and": {"a": 1}}, "$and: "),
        ({"a": {"$all": 5}}, "a.$all: "),
        ({"a": {"$type": "object"}}, "a.$type: "),
        ({"a": {"$mod": None}}, "a.$mod: "),
        ({"a": {"$elemMatch": 5}}, "a.$elemMatch: "),
        ({"a": {"$not": {"$regex": "("}}}, "a.$not.$regex: "),
        ({"a": {"$regex": "a", "$options": "x"}}, "a.$regex: "),
        ({"a": {"$regex": "a" * 501}}, "a.$regex: "),
        ({"a.__proto__": 1}, "a.__proto__: "),
        ({"a": [{"__proto__": {}}]}, "a[0].__proto__: "),
        ({"constructor": None}, "condition: "),
        ({"a": {1, 2}}, "a: "),
        ({1: "a"}, "condition: "),
        (["a"], "condition: "),
        ({"a." * DEEPEST + "a": 1}, "a.a."),
    ],
)
def test_a_refusal_names_the_place(condition: Any, place: Any) -> None:
    with pytest.raises(BadInput) as refusal:
        compile_condition(condition)
    assert str(refusal.value).startswith(place)


def nested(levels: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        condition = {"$and": [condition]}
    return condition


def test_conditions_may_nest_so_deep_and_no_deeper() -> None:
    assert compile_condition(nested(DEEPEST - 1))({"a": 1})
    with pytest.raises(BadInput, match="nested deeper"):
        compile_condition(nested(DEEPEST + 1))


def test_conditions_may_be_so_large_and_no_larger() -> None:
    assert compile_condition({"$or": [{"a": 1}] * (MOST_CLAUSES // 2 - 1)})({"a": 1})
    with pytest.raises(BadInput, match="clauses"):
        compile_condition({"$or": [{"a": 1}] * MOST_CLAUSES})


def test_values_of_in_may_be_many_and_no_more() -> None:
    assert compile_condition({"a": {"$in": list(range(MOST_VALUES))}})({"a": 77})
    with pytest.raises(BadInput, match="values"):
        compile_condition({"a": {"$in": list(range(MOST_VALUES + 1))}})


def test_an_evaluation_that_takes_too_much_work_is_refused_and_the_next_is_not() -> None:
    heavy = {"a": {"$regex": "(a|b)*a(a|b){60}c"}}
    matches = compile_condition({"$or": [heavy] * 20})
    with pytest.raises(BadInput, match="document: takes too much work"):
        matches({"a": "ab" * 1_000})
    assert not matches({"a": "ab"})


def test_many_lists_of_in_met_by_many_values_are_refused() -> None:
    matches = compile_condition({"a": {"$in": [[n] for n in range(200)]}})
    assert not matches({"a": [[-1]] * 100})
    with pytest.raises(BadInput, match="document: takes too much work"):
        matches({"a": [[-1]] * 2_000})


def test_long_arrays_met_by_many_clauses_are_refused() -> None:
    matches = compile_condition({"$nor": [{"a": n} for n in range(400)]})
    assert matches({"a": [-1] * 100})
    with pytest.raises(BadInput, match="document: takes too much work"):
        matches({"a": [-1] * 2_000})


def test_a_refusal_of_a_very_long_name_stays_short() -> None:
    with pytest.raises(BadInput) as refused:
        compile_condition({"x" * 100_000: {"$" + "y" * 100_000: 1}})
    assert len(str(refused.value)) < 400


def test_a_document_nested_without_end_is_refused() -> None:
    document: list[Any] = []
    for _ in range(5_000):
        document = [document]
    with pytest.raises(BadInput, match="document"):
        compile_condition({"a": 1})({"a": document})


def test_a_field_called_to_json_makes_the_condition_one_whole_value() -> None:
    assert compile_condition({"toJSON": 1})({"toJSON": 1})
    assert not compile_condition({"toJSON": 1})({"toJSON": 1, "a": 2})
