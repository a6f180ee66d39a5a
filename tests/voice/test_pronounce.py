"""A clause on its way to the voice: secrets by their kind, letters as the voice reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pms.gated import PlaceholderMangled
from app.voice.pronounce import TONGUES, amount_of, for_english_voice, heard_form, speakable


def test_a_placeholder_without_a_value_is_refused():
    with pytest.raises(PlaceholderMangled):
        speakable("It is [[door_code]].", "en", {})


def test_an_altered_placeholder_is_refused():
    with pytest.raises(PlaceholderMangled):
        speakable("It is [[door_code.", "en", {"door_code": "1"})


def test_a_language_nobody_speaks_here_is_read_as_english():
    assert speakable("at 15:00", "fr") == "at three p.m."


def test_a_value_that_is_a_sentence_is_read_as_one():
    values = {"special_instruction_1": "under the mat"}
    assert speakable("Key: [[special_instruction_1]].", "en", values) == "Key: under the mat."


def test_a_password_of_one_case_says_so_once():
    said = speakable("[[wifi_password]]", "en", {"wifi_password": "sofa7"})
    assert said == "all in small letters: S, O, F, A, seven"
    said = speakable("[[wifi_password]]", "en", {"wifi_password": "SOFA 7"})
    assert said == "all in capitals: S, O, F, A, space, seven"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Puławska", "Puwavska"),
        ("Świętokrzyska", "Shvientokzhyska"),
        ("Mokotów", "Mokotoov"),
        ("Żelazna", "Zhelazna"),
        ("Kraków", "Krakoov"),
        ("Müller", "Muller"),
        ("Straße", "Strasse"),
        ("Jan Kowalski", "Jan Kowalski"),
    ],
)
def test_an_english_voice_is_given_names_as_it_can_read_them(name: str, said: str):
    assert for_english_voice(name) == said
    assert speakable(f"It is {name}.", "en", letters="english") == f"It is {said}."
    assert speakable(f"It is {name}.", "en") == f"It is {name}."


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("20", (20, 0)), ("20,5", (20, 50)), ("1.200", (1200, 0)), ("1,200.50", (1200, 50)),
        ("1 200,00", (1200, 0)), ("15.99", (15, 99)),
    ],
)  # fmt: skip
def test_amounts_are_read_in_every_countrys_way(written: str, amount: tuple[int, int]):
    assert amount_of(written) == amount


@given(st.text(max_size=80), st.sampled_from(sorted(TONGUES)))
def test_any_text_can_be_spoken(text: str, language: str):
    try:
        speakable(text, language)
    except PlaceholderMangled:
        return


@given(st.text("0123456789", min_size=3, max_size=8), st.sampled_from(sorted(TONGUES)))
def test_a_code_is_never_given_to_the_voice_as_a_number(code: str, language: str):
    said = speakable("[[door_code]]", language, {"door_code": code})
    assert not any(sign.isdigit() for sign in said)
    words = TONGUES[language].digits
    heard = [
        words.index(word)
        for word in said.replace("،", ",").replace(".", ",").replace(",", " ").split()
        if word in words
    ]
    assert "".join(map(str, heard)) == code * 2


@pytest.mark.parametrize(
    ("text", "language", "heard"),
    [
        ("The code is [[door_code]].", "en", "The code is [[door_code]]."),
        ("[[door_code]] [[wifi_password]]", "de", "[[door_code]] [[wifi_password]]"),
        (
            "Od 15:00, ul. Długa 12/4.",
            "pl",
            "Od piętnastej, ulica Długa dwanaście, mieszkania cztery.",
        ),
        ("Hello [[door_co", "en", "Hello [[door_co"),
    ],
)
def test_what_was_said_is_read_as_it_sounded_with_secrets_as_they_stand(
    text: str, language: str, heard: str
):
    assert heard_form(text, language) == heard
