"""Arabic: what is written, and what the voice is given for it, as `spoken/ar.txt` has it."""

import pytest

from app.voice.pronounce import speakable
from tests.voice.spoken import cases_of

SECRETS = {"door_code": "7391", "wifi_password": "Gast-42", "gate_code": "518293"}


@pytest.mark.parametrize(("written", "said"), cases_of("ar"))
def test_arabic_is_said_as_people_say_it(written: str, said: str):
    assert speakable(written, "ar", SECRETS) == said


def test_there_are_enough_cases():
    assert len(cases_of("ar")) >= 40
