"""A known Arabic word is found under its prefixes and endings, "not" before it is told apart."""

import pytest

from app.bots.arabic import is_arabic, nouns_in, verbs_in, without_not


@pytest.mark.parametrize(
    ("word", "noun"),
    [
        ("وشقتنا", "شقه"),
        ("بغرفتي", "غرفه"),
        ("عالباب", "باب"),
        ("مفتاحها", "مفتاح"),
        ("شنطات", "شنطه"),
    ],
)
def test_a_noun_is_found_under_what_is_written_as_one_with_it(word: str, noun: str):
    assert noun in nouns_in(word)


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("يدخلون", "دخل"),
        ("بيدخلوا", "دخل"),
        ("هندخل", "دخل"),
        ("انسرقت", "سرق"),
        ("وسرقوها", "سرق"),
        ("يهددنا", "هدد"),
    ],
)
def test_a_verb_is_found_in_any_person_and_dialect(word: str, stem: str):
    assert stem in verbs_in(word)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("مايفتح", ("ما", "يفتح")),
        ("مبيفتحش", ("ما", "بيفتح")),
        ("لايفتح", ("ما", "يفتح")),
        ("ومش", ("مش",)),
        ("ماسورة", ("ماسورة",)),
        ("يفتح", ("يفتح",)),
    ],
)
def test_not_is_told_apart_from_a_known_verb(word: str, parts: tuple[str, ...]):
    known = {"يفتح", "بيفتح", "مش", "ماسورة"}
    assert without_not(word, lambda each: each in known) == parts


@pytest.mark.parametrize(("word", "answer"), [("باب", True), ("door", False), ("", False)])
def test_the_script_is_told(word: str, answer: bool):
    assert is_arabic(word) is answer
