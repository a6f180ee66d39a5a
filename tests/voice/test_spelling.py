"""Sign by sign: what a caller writes down."""

from app.voice.lexicon_en import EN
from app.voice.spelling import spelled_code, spelled_password, spoken_link, spoken_phone


def test_letters_of_a_code_have_no_case():
    assert spelled_code("a4B", EN) == "A, four, B"


def test_a_long_code_is_said_in_groups():
    assert spelled_code("1234567", EN) == "one two three, four five six, seven"


def test_letters_of_a_password_have_one():
    assert spelled_password("aB1", EN) == "A, capital B, one"


def test_a_sign_nobody_named_is_given_as_it_is():
    assert spelled_password("x§", EN) == "all in small letters: X, §"


def test_letters_without_case_are_spelled_too():
    assert spelled_password("سر1", EN) == "س, ر, one"


def test_a_phone_number_without_groups_is_said_in_threes():
    assert spoken_phone("0048501123456", EN).startswith("plus four eight, five zero one, one")


def test_a_link_with_a_long_path_is_only_its_host():
    assert spoken_link("https://example.com/" + "a" * 30, EN) == "example dot com"
