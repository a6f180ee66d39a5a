import pytest

from app.pms.words import letters_of, without_codes, words_for_everybody
from tests.make import make_listing, make_reservation, make_stay


def test_only_letters_and_digits_make_words_the_same() -> None:
    assert letters_of("Check-in: 15:00! 🙂") == letters_of("check in 1500")


def test_words_of_an_unknown_stay_lose_what_looks_like_a_code() -> None:
    assert "4815" not in without_codes("Is the code 4815 or 9911?")


@pytest.mark.parametrize(
    ("name", "place", "text"),
    [
        ("Ann Lee", "Sea view", "Dear Ann, check-in at Sea view is on Monday, 13 April at 15:00!"),
        ("Zoé", "Loft (2)", "Dear Zoé, check-in at Loft (2) is on Monday, 2 May at 16:00!"),
        ("José Paz", "The Ann", "DEAR josé, check-in at the ann is on Monday, 30 June at 9:30!"),
    ],
)
def test_what_is_a_guests_own_is_left_out(name: str, place: str, text: str) -> None:
    stay = make_stay(
        reservation=make_reservation(guest_name=name), listing=make_listing(name=place)
    )
    assert words_for_everybody(text, stay) == "dearcheckinatison"


def test_other_words_stay_other_words() -> None:
    stay = make_stay()
    one, other = "The pool is open, Jan", "The pool is closed, Jan"
    assert words_for_everybody(one, stay) != words_for_everybody(other, stay)


def test_without_a_stay_only_numbers_are_left_out() -> None:
    assert words_for_everybody("Hello Jan, [[door_code]] or 4815?", None) == "hellojan[[door_code]]"
