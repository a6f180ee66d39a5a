"""One call's speech, retuned as its language and its caller become known."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.pms.gated import PlaceholderMangled
from app.voice.snapshot import Number
from app.voice.tuning import Tuning
from tests.make import DOOR_CODE, make_reservation, make_stay, make_tenant
from tests.voice.conftest import OnTheLine

NUMBER = Number(
    number_e164="+48221234567", tenant_id="acme", name="City Stays", language="en",
    account_sid="AC1", auth_tokens=("token",),
)  # fmt: skip


class HeardVoices:
    """Voices that write down what they were tuned to."""

    def __init__(self) -> None:
        self.tuned: list[tuple[str, tuple[str, ...]]] = []

    def of_call(self, tenant: Any, language: str, vocabulary: tuple[str, ...] = ()) -> Any:
        self.tuned.append((language, vocabulary))
        return SimpleNamespace()

    def retune(self, speech: Any, tenant: Any, language: str, vocabulary: tuple[str, ...]) -> None:
        self.tuned.append((language, vocabulary))

    def letters(self, tenant: Any, language: str) -> str:
        return "kept"


def tuned(call: OnTheLine, language: str | None = None) -> tuple[Tuning, HeardVoices]:
    voices = HeardVoices()
    tuning = Tuning(
        voices, call.turns, tenant=make_tenant(), number=NUMBER, language=language  # type: ignore[arg-type]
    )  # fmt: skip
    return tuning, voices


async def test_a_call_begins_in_the_hotlines_language(call: OnTheLine):
    _, voices = tuned(call)
    assert voices.tuned == [("en", ("City Stays", "Acme Stays"))]
    assert call.turns.language == "en"


async def test_a_caller_known_while_it_rang_is_greeted_in_their_language(call: OnTheLine):
    _, voices = tuned(call, "pl-PL")
    assert (voices.tuned[0][0], call.turns.language) == ("pl", "pl")


async def test_ears_learn_the_callers_names_once_they_are_known(call: OnTheLine):
    _, voices = tuned(call)
    call.turns.stay = make_stay()
    language, names = voices.tuned[-1]
    assert (language, names[0]) == ("en", "Jan Testowy")


async def test_the_reservations_language_is_taken_while_the_caller_has_said_nothing(
    call: OnTheLine,
):
    tuning, voices = tuned(call)
    call.turns.stay = make_stay(reservation=make_reservation(guest_locale="de"))
    assert (voices.tuned[-1][0], call.turns.language) == ("de", "de")
    tuning.hear("What time can we check in today please?", None)
    call.turns.stay = make_stay(reservation=make_reservation(guest_locale="pl"))
    assert call.turns.language == "en"


async def test_the_answer_to_a_wish_is_in_the_language_wished_for(call: OnTheLine):
    tuning, voices = tuned(call)
    call.model.will_say("Tak, na rogu.")
    tuning.hear("Po polsku proszę", "en")
    await call.answer("Po polsku proszę")
    assert voices.tuned[-1][0] == "pl"
    assert tuning.speakable("o 15:00") == "o piętnastej"
    assert "Polish" in str(call.model.asked[-1]) or "pl" in str(call.model.asked[-1])


async def test_secrets_are_filled_in_only_where_the_caller_may_hear_them(call: OnTheLine):
    tuning, _ = tuned(call)
    with pytest.raises(PlaceholderMangled):
        tuning.speakable("It is [[door_code]].")
    call.turns.stay = make_stay()
    said = tuning.speakable("It is [[door_code]].")
    assert DOOR_CODE not in said
    assert "I repeat" in said
