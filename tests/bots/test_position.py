from app.bots.position import EXCERPT_CHARACTERS, excerpt, place, refusal


def test_lines_and_columns_count_from_one() -> None:
    text = "ab\n\ncd"
    assert [place(text, offset) for offset in (0, 2, 3, 4, 6)] == [
        "line 1, column 1",
        "line 1, column 3",
        "line 2, column 1",
        "line 3, column 1",
        "line 3, column 3",
    ]


def test_a_refusal_starts_with_its_place() -> None:
    assert str(refusal("a\nb", 2, "take it out")) == "line 2, column 1: take it out"


def test_what_is_quoted_is_one_short_line() -> None:
    assert excerpt(" a\n  b ") == "a b"
    assert excerpt("x" * EXCERPT_CHARACTERS) == "x" * EXCERPT_CHARACTERS
    assert excerpt("x" * 1000) == "x" * (EXCERPT_CHARACTERS - 1) + "…"
