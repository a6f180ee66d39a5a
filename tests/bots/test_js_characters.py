"""Sets of characters."""

from app.bots import js_characters


def folded(text: str, *, is_unicode: bool) -> str:
    ranges = js_characters.with_cases(js_characters.from_text(text), is_unicode=is_unicode)
    return "".join(chr(code) for first, last in ranges for code in range(first, last + 1))


def test_touching_ranges_are_joined() -> None:
    assert js_characters.united([(5, 6), (1, 2), (3, 3), (8, 9)]) == ((1, 3), (5, 6), (8, 9))


def test_the_complement_of_the_complement_is_the_set() -> None:
    for ranges in (js_characters.WORD, js_characters.ANY, (), ((0, 5),), ((7, 0x10FFFF),)):
        assert js_characters.complement(js_characters.complement(ranges)) == ranges


def test_membership_at_the_ends_of_ranges() -> None:
    held = [code for code in range(10) if js_characters.contains(((2, 3), (6, 6)), code)]
    assert held == [2, 3, 6]


def test_without_the_u_flag_no_letter_folds_into_ascii() -> None:
    assert folded("s", is_unicode=False) == "Ss"
    assert folded("k", is_unicode=False) == "Kk"
    assert folded("ß", is_unicode=False) == "ß"
    assert folded("ł", is_unicode=False) == "Łł"


def test_with_the_u_flag_letters_fold_as_unicode_says() -> None:
    assert folded("s", is_unicode=True) == "Ssſ"
    assert folded("ß", is_unicode=True) == "ßẞ"
    assert folded("i", is_unicode=True) == "Ii"


def test_categories() -> None:
    assert js_characters.contains(js_characters.category("Lu"), ord("Ł"))
    assert not js_characters.contains(js_characters.category("Lu"), ord("ł"))
    assert js_characters.category("") == ()
