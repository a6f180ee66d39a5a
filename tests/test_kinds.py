from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app import kinds


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (kinds.Seconds, 31_536_000),
        (kinds.TimeOfDay, "23:59"),
        (kinds.TimeZoneName, "Europe/Warsaw"),
        (kinds.WebAddress, "http://127.0.0.1:8000/v1"),
        (kinds.WebAddress, "https://api.example.com/v1"),
        (kinds.OptionalWebAddress, ""),
        (kinds.ModelName, "org/model-1:free"),
        (kinds.LanguageCode, "pl"),
        (kinds.CustomFieldEntry, " 167=parking:public "),
    ],
)
def test_what_makes_sense_is_taken(kind: Any, value: Any) -> None:
    assert TypeAdapter(kind).validate_python(value) == value


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (kinds.Seconds, 31_536_001, "less than"),
        (kinds.TimeOfDay, "24:00", "pattern"),
        (kinds.TimeZoneName, "Europe", "one looks like Europe/Warsaw"),
        (kinds.TimeZoneName, "a\x00b", "one looks like Europe/Warsaw"),
        (kinds.WebAddress, "", "one looks like"),
        (kinds.WebAddress, "http://x:99999", "no web address"),
        (kinds.WebAddress, "http://x:0", "no web address"),
        (kinds.WebAddress, "http://x/\x00", "no web address"),
        (kinds.WebAddress, "http://" + "x" * 600, "at most 500"),
        (kinds.ModelName, "two words", "pattern"),
        (kinds.LanguageCode, "EN", "pattern"),
        (kinds.CustomFieldEntry, "167=Parking:public", "167=parking:public"),
    ],
)
def test_what_makes_none_is_refused_in_words(kind: Any, value: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TypeAdapter(kind).validate_python(value)
