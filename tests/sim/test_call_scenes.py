"""What callers of the story say, and how what they hear is read; the story plays the calls."""

import pytest

from app.sim.call_scenes import CALL_SCENES, LANES, digits_in, leaving_on


def test_digits_are_read_as_figures_and_as_words() -> None:
    assert digits_in("Your code is 7 three, 9. One-8!") == "73918"


@pytest.mark.parametrize(
    ("day", "said"),
    [("2026-11-01", "1st of November"), ("2026-11-12", "12th of"), ("2026-12-22", "22nd of")],
)
def test_a_day_is_said_as_people_do(day: str, said: str) -> None:
    assert said in leaving_on(day)[0]


def test_every_call_has_its_lane() -> None:
    letters = [scene.letter for scene in CALL_SCENES]
    assert sorted(letter for lane in LANES for letter in lane) == letters
