"""The local voices' own part: a beginning apart, so that sound comes early."""

import pytest

from app.voice.local_mouths import pieces_of


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (
            "Check-in is from three p.m., and you will find parking behind the house.",
            ["Check-in is from three p.m.,", "and you will find parking behind the house."],
        ),
        (
            "Your door code is seven, three, nine, one.",
            ["Your door code is seven,", "three, nine, one."],
        ),
        ("Yes, of course you can.", ["Yes, of course you can."]),
        ("It is behind the house", ["It is behind the house"]),
        ("Please wait a moment here, thanks.", ["Please wait a moment here, thanks."]),
    ],
)
def test_a_long_text_begins_at_its_first_pause(text: str, pieces: list[str]):
    assert pieces_of(text) == pieces


def test_no_word_is_lost_between_pieces():
    text = "The code is one, two, three. I repeat: one, two, three, and then the door opens."
    assert " ".join(pieces_of(text)) == text
