"""How commands show what they found."""

from datetime import UTC, datetime

import pytest

from app.cli.printing import shortened, show_facts, show_table


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("ID", "NAME"), [(1, "Żelazna 4"), (12345, None)], nothing="none")
    assert capsys.readouterr().out == "ID     NAME\n1      Żelazna 4\n12345  -\n"


def test_an_empty_table_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("ID",), [], nothing="no cases")
    assert capsys.readouterr().out == "no cases\n"


def test_facts_show_truth_and_time_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 4, 13, 12, 0, tzinfo=UTC)
    show_facts([("at", at), ("settled", True)])
    assert capsys.readouterr().out == "at       2026-04-13 12:00:00Z\nsettled  yes\n"


def test_a_long_text_is_cut_to_one_line() -> None:
    assert shortened("a\n b") == "a b"
    assert shortened("x" * 70, 10) == "x" * 9 + "…"
