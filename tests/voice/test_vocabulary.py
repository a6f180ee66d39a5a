"""Names that recognition expects: of this stay, bounded, and never what is gated or secret."""

from app.voice.vocabulary import LONGEST_HINT, MOST_TERMS, bounded, vocabulary_of
from tests.make import DOOR_CODE, WIFI_PASSWORD, make_listing, make_reservation, make_stay


def test_an_unknown_caller_is_expected_to_name_the_house():
    assert vocabulary_of(("City Stays", "Acme"), None) == ("City Stays", "Acme")


def test_a_known_callers_names_come_first():
    listing = make_listing(
        fields={"publicAddress": "ul. Puławska", "city": "Warszawa"},
        custom_fields={"lock_brand": "Nuki", "floor": "third"},
    )
    terms = vocabulary_of(("Acme",), make_stay(listing=listing))
    assert terms == (
        "Jan Testowy", "Bright flat by the river", "ul. Puławska", "Warszawa", "Nuki", "Acme",
    )  # fmt: skip


def test_no_secret_and_no_code_is_ever_a_hint():
    listing = make_listing(
        name=f"Flat {DOOR_CODE}", custom_fields={"lock": WIFI_PASSWORD, "lock_code": "A 4711"}
    )
    said = " ".join(vocabulary_of(("Acme",), make_stay(listing=listing)))
    assert DOOR_CODE not in said
    assert WIFI_PASSWORD not in said
    assert "4711" not in said


def test_a_hint_is_short():
    stay = make_stay(reservation=make_reservation(guest_name="Aleksander " * 30))
    terms = vocabulary_of([f"House number {word}" * 2 for word in "abcdefghijklmnop"], stay)
    assert len(terms) <= MOST_TERMS
    assert len(", ".join(terms)) <= LONGEST_HINT


def test_a_term_stands_once_and_carries_no_markup():
    assert bounded(["Nuki", "nuki", " ", "a\n<b>\tc"]) == ("Nuki", "a b c")
