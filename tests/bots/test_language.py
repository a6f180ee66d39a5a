import pytest

from app.bots.language import choose_language, is_in_another

ALL = ("en", "pl", "de", "ar")


def choose(*texts: str, **changes: object) -> str:
    values: dict[str, object] = {
        "locale": None, "before": None, "supported": ALL, "default": "en", **changes,
    }  # fmt: skip
    return choose_language(texts, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("From what time can we check in?", "en"),
        ("Od której godziny możemy się zameldować?", "pl"),
        ("Ab wann können wir einchecken?", "de"),
        ("متى يمكننا تسجيل الوصول؟", "ar"),
    ],
)
def test_what_the_guest_writes_wins(text: str, language: str) -> None:
    assert choose(text, locale="xx", before="de" if language != "de" else "en") == language


def test_too_few_letters_follow_the_thread() -> None:
    assert choose("ok?", before="pl", locale="de") == "pl"


def test_then_the_reservations_locale() -> None:
    assert choose("ok?", locale="de-AT") == "de"
    assert choose(locale="PL") == "pl"


def test_then_the_tenants_default() -> None:
    assert choose("ok?", locale="fr", before="it", default="de") == "de"


def test_a_language_the_tenant_does_not_speak_is_not_chosen() -> None:
    assert choose("Od której godziny możemy się zameldować?", supported=("en", "de")) == "en"


def test_a_default_that_is_not_spoken_gives_way() -> None:
    assert choose("?", default="fr", supported=("pl", "en")) == "pl"


@pytest.mark.parametrize("text", ["\ud83d hello, where can we park the car?", "\udfff" * 50])
def test_halves_of_characters_disturb_nobody(text: str) -> None:
    chosen = choose_language(
        (text,), locale="pl", before=None, supported=("en", "pl"), default="en"
    )
    assert chosen in ("en", "pl")
    assert is_in_another(text, "ar") in (True, False)
