"""English: what is written, and what the voice is given for it, as `spoken/en.txt` has it."""

import pytest

from app.voice.pronounce import speakable
from tests.voice.spoken import cases_of

SECRETS = {
    "door_code": "7391", "wifi_password": "GuestWifi2026!", "lockbox_code": "A4#",
    "guest_portal_url": "https://guests.example.com/k", "gate_code": "518293",
}  # fmt: skip


@pytest.mark.parametrize(("written", "said"), cases_of("en"))
def test_english_is_said_as_people_say_it(written: str, said: str):
    assert speakable(written, "en", SECRETS) == said


def test_there_are_enough_cases():
    assert len(cases_of("en")) >= 40
