"""The small sums of the story's voice half; the calls themselves are played by the story."""

from app.sim.story_calls import ALIKE, figures, likeness


def test_what_was_understood_is_alike_but_for_marks_and_case() -> None:
    assert likeness("And what is the door code, please?", ["and what is the door code please"]) == 1


def test_another_sentence_is_not_alike() -> None:
    assert likeness("What time can we check in today?", ["My name is Jane Marsh"]) < ALIKE
    assert likeness("What time can we check in today?", []) == 0


def test_times_are_told_by_median_and_most() -> None:
    assert figures([900, 1500, 1200]) == "median 1200 ms, most 1500 ms, n=3"
    assert figures([]) == "none"
