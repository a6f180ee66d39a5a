"""Names as recognition writes them, against names as guests have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pms.names import likeness


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Anna Kowalsky", "Anna Kowalska"),
        ("Ana Kovalska", "Anna Kowalska"),
        ("Kowalska", "Anna Kowalska"),
        ("Mueller", "Hans Müller"),
        ("Muller", "Hans Müller"),
        ("Shimanski", "Piotr Szymański"),
        ("Zhelinsky", "Zieliński"),
        ("Levandovsky", "Robert Lewandowski"),
        ("Mayer", "Meier"),
        ("محمد العلي", "Mohammed Al Ali"),
        ("محمد العلي", "Mohamad Alali"),
        ("فاطمة الزهراء", "Fatima Zahra"),
        ("عمر", "Omar"),
        ("Ahmad Hassan", "أحمد حسن"),
        ("Anna", "Anna"),
    ],
)
def test_a_name_is_known_however_it_was_heard(said: str, name: str):
    assert likeness(said.split(), name) > 0.6


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Anna", "Anna Kowalska"),
        ("Smith", "Anna Kowalska"),
        ("Jan Nowak", "Jan Kowalski"),
        ("", "Anna"),
        ("Anna", None),
        ("12", "12"),
    ],
)
def test_another_name_or_a_first_name_alone_is_nobody(said: str, name: str | None):
    assert likeness(said.split(), name) == 0


@given(st.lists(st.text(max_size=12), max_size=4), st.text(max_size=30))
def test_likeness_lies_between_nothing_and_one(said: list[str], name: str):
    assert 0 <= likeness(said, name) <= 1
