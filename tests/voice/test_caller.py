"""Who is calling: by number, only where the number says it."""

import pytest

from app.voice.caller import Caller, phone_of_caller
from tests.make import make_stay


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
    heard = Caller(stays=(stay,), assurance=1).stay_at(2)
    assert heard is not None
    assert (heard.access.allowed, dict(heard.deliverable), dict(heard.texts)) == (False, {}, {})
    assert Caller(stays=(stay,), assurance=2).stay_at(2) is stay
    assert Caller(stays=(stay,), assurance=1).stay_at(1) is stay
