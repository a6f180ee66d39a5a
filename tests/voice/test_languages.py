"""Which language a call is held in, turn by turn."""

import pytest

from app.voice.languages import SpokenLanguage

ALL = ("en", "pl", "de", "ar")


def held(*turns: str, begins: str = "en", supported: tuple[str, ...] = ALL) -> str:
    """The language after some turns."""
    spoken = SpokenLanguage(begins, supported)
    for turn in turns:
        spoken.hear(turn)
    return spoken.now


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("English please", "en"), ("In English, please.", "en"), ("Do you speak English?", "en"),
        ("Can we speak English?", "en"), ("po polsku proszę", "pl"), ("Czy można po polsku?", "pl"),
        ("Po polsku!", "pl"), ("Polish please", "pl"), ("Auf Deutsch bitte.", "de"),
        ("Sprechen Sie Deutsch?", "de"), ("German, please", "de"), ("بالعربية من فضلك", "ar"),
        ("هل تتكلم العربية؟", "ar"), ("Arabic please", "ar"), ("Po angielsku proszę", "en"),
        ("Können wir auf Englisch sprechen?", "en"), ("I don't speak Polish, English please", "en"),
        ("Nie mówię po polsku, po angielsku proszę", "en"),
    ],
)  # fmt: skip
def test_a_wish_counts_at_once(wish: str, language: str):
    others = [begins for begins in ALL if begins != language]
    assert {held(wish, begins=begins) for begins in others} == {language}


@pytest.mark.parametrize(
    ("turn", "language"),
    [
        ("Dzień dobry, jaki jest kod do drzwi?", "pl"),
        ("Guten Tag, wie lautet der Türcode bitte?", "de"),
        ("مرحبًا، ما هو رمز الباب من فضلك؟", "ar"),
    ],
)
def test_a_whole_sentence_in_another_language_changes_it(turn: str, language: str):
    assert held(turn) == language


@pytest.mark.parametrize("turn", ["Okay", "Ja", "Tak", "Danke schön", "Dziękuję bardzo", "No", ""])
def test_a_short_turn_changes_nothing(turn: str):
    assert held(turn) == "en"


def test_a_second_short_turn_does():
    assert held("Dziękuję bardzo", "Przepraszam bardzo") == "pl"


def test_a_turn_between_them_in_the_calls_language_makes_them_single_again():
    assert held("Dziękuję bardzo", "What is the door code please?", "Dziękuję bardzo") == "en"


def test_a_name_of_a_language_in_a_question_is_no_wish():
    assert held("Is there an English breakfast place somewhere near the house") == "en"
    spoken = SpokenLanguage("pl", ALL)
    assert not spoken.hear("Czy ta angielska szkoła jest gdzieś blisko mieszkania")


def test_a_language_the_tenant_does_not_speak_is_not_taken():
    assert held("Auf Deutsch bitte", supported=("en", "pl")) == "en"
    assert held("Wo kann ich hier mein Auto parken?", supported=("en", "pl")) == "en"


def test_what_the_ears_took_it_for_counts_where_the_text_does_not_tell():
    spoken = SpokenLanguage("pl", ALL)
    assert not spoken.hear("okay", "en")
    assert spoken.hear("okay", "en")
    assert spoken.now == "en"


@pytest.mark.parametrize(
    ("locale", "language"), [("pl-PL", "pl"), ("de", "de"), ("fr", "en"), (None, "en"), ("", "en")]
)
def test_a_reservations_locale_is_taken_where_it_is_spoken_here(locale: str | None, language: str):
    spoken = SpokenLanguage("en", ALL)
    assert spoken.expect(locale) is (language != "en")
    assert spoken.now == language
