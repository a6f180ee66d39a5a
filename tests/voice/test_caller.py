"""Who is calling: by number, only where the number says it."""

from datetime import date

import pytest

from app.voice.caller import Caller, phone_of_caller
from tests.make import make_reservation, make_stay


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [
        ("+48500100200", "+48500100200"),
        ("+4915112345678", "+4915112345678"),
        ("anonymous", None),
        ("RESTRICTED", None),
        ("", None),
        ("+266696687", None),
        ("+86282452253", None),
        ("+8656696", None),
        ("client:anna", None),
        ("sip:anna@example.com", None),
        ("500100200", None),
        ("+1", None),
    ],
)
def test_only_a_telephone_number_says_who_calls(stated: str, wanted: str | None):
    assert phone_of_caller(stated) == wanted


def test_one_stay_is_meant_and_several_are_not():
    stay = make_stay()
    assert Caller(stays=(stay,)).stay is stay
    assert Caller(stays=(stay, stay)).stay is None
    assert Caller().stay is None


def test_below_the_assurance_that_is_needed_nothing_of_access_is_known():
    stay = make_stay()
    assert stay.deliverable
    heard = Caller(stays=(stay,)).stay_at(2)
    assert heard is not None
    assert (heard.access.reason, dict(heard.deliverable), dict(heard.texts)) == ("unproven", {}, {})
    assert Caller(stays=(stay,), proven=frozenset({"code"})).stay_at(2) is stay
    assert Caller(stays=(stay,)).stay_at(1) is stay


@pytest.mark.parametrize(
    ("by_number", "finding", "proven", "wanted"),
    [
        (True, (), (), 1),
        (True, (), ("departure",), 2),
        (True, (), ("code",), 2),
        (True, (), ("arrival",), 1),
        (True, ("departure",), ("departure",), 1),
        (True, ("departure",), ("departure", "code"), 2),
        (False, (), (), 0),
        (False, (), ("code",), 2),
        (False, (), ("arrival",), 0),
        (False, (), ("departure",), 0),
        (False, (), ("arrival", "departure"), 1),
        (False, (), ("arrival", "departure", "code"), 2),
    ],
)
def test_levels_are_those_of_the_design(by_number, finding, proven, wanted):
    stay = make_stay()
    caller = Caller(
        stays=(stay,) if by_number else (), meant=None if by_number else stay,
        finding=frozenset(finding), proven=frozenset(proven),
    )  # fmt: skip
    assert caller.assurance == wanted
    assert (caller.stay_at(2) is stay) == (wanted == 2)
    assert (caller.stay_at(1) is None) == (wanted == 0)


def test_what_locks_access_anyway_is_said_before_a_fact_is_asked_for():
    stay = make_stay(reservation=make_reservation(arrival_on=date(2026, 5, 13),
                                                  departure_on=date(2026, 5, 16)))  # fmt: skip
    heard = Caller(stays=(stay,)).stay_at(2)
    assert heard is not None
    assert (heard.access.reason, heard.access.closes_at) == ("too_early", None)


def test_below_the_level_no_proof_is_left_in_what_templates_and_conditions_see():
    heard = Caller(stays=(make_stay(),)).stay_at(2)
    assert heard is not None
    shown = str({**heard.variables(), **heard.mapping()})
    assert "HMABCD1234" not in shown
    assert "2026-04-16" not in shown


def test_a_barred_caller_is_a_persons_matter():
    heard = Caller(stays=(make_stay(),), is_barred=True).stay_at(2)
    assert heard is not None
    assert heard.access.reason == "unknown_stay"
