"""Numbers, money and months as words."""

import pytest

from app.voice.lexicon_pl import PL
from app.voice.tongue import currency_name, in_words, is_few, months_of


@pytest.mark.parametrize(
    ("count", "few"), [(1, False), (2, True), (4, True), (5, False), (12, False), (22, True)]
)
def test_a_few_is_two_to_four_but_not_twelve(count: int, few: bool):
    assert is_few(count) is few


def test_money_takes_the_form_its_number_asks_for():
    assert PL.money(5, 0, "EUR") == "pięć euro"
    assert PL.money(3, 20, "PLN") == "trzy złote dwadzieścia"


def test_names_come_from_the_registers():
    assert in_words(21, "de") == "einundzwanzig"
    assert currency_name("en", "EUR", 2) == "euros"
    assert months_of(("Jan", "Feb"), ("January", "February"))["february"] == 2
