import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pms.gated import fill, names_in
from app.pms.masking import mask

CODE = {"door_code": "4821"}
DIGITS = st.text(alphabet="0123456789", min_size=3, max_size=8)
WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyząęłńóśźżäöüß", min_size=1, max_size=9)
PASSWORDS = st.text(alphabet="abcXYZ019-!?", min_size=3, max_size=14).filter(
    lambda value: value.strip() == value
)


@pytest.mark.parametrize(
    "text",
    [
        "the code 4821 works",
        "4821",
        "code4821",
        "kod:4821#",
        "_4821_",
        "*4821*",
        "4 8 2 1",
        "4-8-2-1",
        "4. 8. 2. 1",
        "4 – 8 – 2 – 1",
        "48 21",
        "#4821",
        "رمز الباب ٤٨٢١",
        "الرمز4821",
        "۴۸۲۱",
        "４８２１",
        "<b>4821</b>",
        "<td>4</td>4821",
        "4\u200b8\u200d2\u20601",
        "4️⃣8️⃣2️⃣1️⃣",
        "④⑧②①",
        "𝟒𝟖𝟐𝟏",
        "48\n21",
        "four eight two one",
        "Four, eight, two, one!",
        "kod to cztery osiem dwa jeden",
        "vier-acht-zwei-eins",
        "أربعة ثمانية اثنان واحد",
        "https://door.example/open?code=4821&x=1",
        "4%208%202%201",
        "4&nbsp;8&#8203;2 1",
        "PIN 4821.",
        "(4821)",
        "48/21",
    ],
)
def test_a_door_code_is_masked_however_it_is_written(text: str) -> None:
    masked = mask(text, CODE)
    assert "[[door_code]]" in masked
    assert "4821" not in masked
    assert mask(masked, CODE) == masked


@pytest.mark.parametrize("text", ["+48 482 148 210", "48210", "14821", "room 48, floor 21 of 30"])
def test_other_numbers_are_left_alone(text: str) -> None:
    assert mask(text, CODE) == text


def test_a_code_with_its_marks_is_known_without_them() -> None:
    assert mask("it was 4821, right?", {"door_code": "4821#"}) == "it was [[door_code]], right?"


def test_a_password_is_masked_in_any_case() -> None:
    assert mask("SUN flower!", {"wifi_password": "Sun Flower"}) == "[[wifi_password]]!"


def test_a_password_is_found_inside_markup_and_words() -> None:
    secrets = {"wifi_password": "otter77x"}
    assert "otter77x" not in mask("_otter77x_ hasłootter77x", secrets)


def test_a_short_word_is_not_cut_out_of_longer_ones() -> None:
    assert mask("the homeowner", {"wifi_password": "home"}) == "the homeowner"


@pytest.mark.parametrize(
    "text",
    [
        "the code is 24",
        "kod do drzwi: 24#",
        "PIN 24",
        "use 24 as the code",
        "24",
        " 24# ",
        "hasło to 24",
        "Haustürcode 24",
    ],
)
def test_a_short_code_is_masked_beside_a_word_for_codes(text: str) -> None:
    assert "24" not in mask(text, {"door_code": "24"})


@pytest.mark.parametrize(
    "text", ["flat 24, 24 EUR", "open 24/7", "24 April", "the code word. We are 24 people"]
)
def test_a_short_code_does_not_cut_prose(text: str) -> None:
    assert mask(text, {"door_code": "24"}) == text


def test_a_password_of_two_letters_is_masked_beside_a_word_for_codes() -> None:
    assert mask("password: ab, about", {"wifi_password": "ab"}) == (
        "password: [[wifi_password]], about"
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("2026", "from 2026-04-13 until 16.04.2026, 13 April 2026, kwietnia 2026"),
        ("1304", "arriving 13.04.2026 or 13/04/26"),
        ("1500", "check-in is at 15:00 or 15.00"),
        ("247", "reception is open 24/7, 2,47 km away"),
    ],
)
def test_dates_and_times_are_no_codes(code: str, text: str) -> None:
    assert mask(text, {"door_code": code}) == text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("2026", "the code is 2026"),
        ("1304", "1304#"),
        ("13042026", "13.04.2026"),
        ("121025", "12-10-25"),
        ("1500", "1500 PLN"),
        ("247", "2-4-7"),
        ("247", "it is 247"),
    ],
)
def test_a_code_that_looks_like_a_date_or_price_is_a_code_all_the_same(
    code: str, text: str
) -> None:
    assert "[[door_code]]" in mask(text, {"door_code": code})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("river-otter-77", "river otter 77"),
        ("river-otter-77", "RIVER–OTTER–77"),
        ("river-otter-77", "riverotter77"),
        ("river-otter-77", "river-\notter-77"),
        ("river-otter-77", "r i v e r - o t t e r - 7 7"),
        ("river otter 77", "river%20otter%2077"),
        ("A19-B", "A19B"),
        ("A19B", "a 19 b"),
        ("77#12", "77 12"),
        ("Sun Flower", "Sun\u00a0Flower"),
        ("Sun Flower", "sun-flower"),
        ("grüne Tür", "grune tur"),
        ("p4ss(w)rd+1.*", "p4ss(w)rd+1.*"),
        ("p4ss(w)rd+1.*", "it is p4ss(w)rd+1.*!"),
        ("a.b", "a.b"),
        ("$$$", "$$$"),
        ("otter77x", "оttеr77х"),
    ],
)
def test_a_password_is_masked_however_it_is_separated(value: str, text: str) -> None:
    masked = mask(text, {"wifi_password": value})
    assert names_in(masked) == {"wifi_password"}
    assert mask(masked, {"wifi_password": value}) == masked


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a.b", "axb"),
        ("home!", "welcome home"),
        ("a19b", "xa19bc"),
        ("sunflower", "the sunflowers"),
        ("at-home", "athome"),
    ],
)
def test_what_only_resembles_a_password_is_left_alone(value: str, text: str) -> None:
    assert mask(text, {"wifi_password": value}) == text


def test_a_placeholder_broken_by_a_line_is_no_secret() -> None:
    assert mask("[[door_\ncode]] 4821", CODE) == "[[door_\ncode]] [[door_code]]"


def test_a_secret_beside_itself_is_masked_twice() -> None:
    assert mask("4821 4821", CODE) == "[[door_code]] [[door_code]]"


def test_the_longer_of_two_contained_secrets_wins() -> None:
    secrets = {"door_code": "4821", "wifi_password": "river-4821"}
    assert mask("river-4821 and 4821", secrets) == "[[wifi_password]] and [[door_code]]"


def test_two_names_of_one_value_give_one_placeholder_that_fills_again() -> None:
    secrets = {"door_code": "4821", "wifi_password": "4821"}
    masked = mask("it is 4821", secrets)
    assert names_in(masked) == {"door_code"}
    assert fill(masked, secrets) == "it is 4821"


def test_a_secret_that_is_the_name_of_another_does_not_break_its_placeholder() -> None:
    secrets = {"pin": "998877", "wifi_password": "pin", "door_code": "wifi_password"}
    masked = mask("998877 and pin and wifi_password", secrets)
    assert masked == "[[pin]] and [[wifi_password]] and [[door_code]]"
    assert fill(masked, secrets) == "998877 and pin and wifi_password"


def test_a_portal_link_is_masked() -> None:
    link = "https://portal.example/g/abc?h=1f9"
    assert mask(f"see {link}.", {"guest_portal_url": link}) == "see [[guest_portal_url]]."


@given(code=DIGITS, before=st.lists(WORDS), after=st.lists(WORDS))
def test_masking_and_filling_give_the_text_back(
    code: str, before: list[str], after: list[str]
) -> None:
    text = " ".join([*before, code, *after])
    masked = mask(text, {"door_code": code})
    assert fill(masked, {"door_code": code}) == text


@given(secrets=st.lists(PASSWORDS, min_size=1, max_size=4), words=st.lists(WORDS, max_size=4))
def test_no_secret_survives_as_a_word(secrets: list[str], words: list[str]) -> None:
    named = {f"secret_{at}": value for at, value in enumerate(secrets)}
    masked = mask(" , ".join([*words, *secrets, *words]), named)
    rest = re.sub(r"\[\[\w+\]\]", "", masked)
    for value in secrets:
        assert not re.search(rf"(?<!\S){re.escape(value)}(?!\S)", rest, re.IGNORECASE)


@given(st.text(max_size=60))
def test_any_text_can_be_masked_and_masking_again_changes_nothing(text: str) -> None:
    secrets = {"door_code": "4821#", "wifi_password": "otter-77"}
    once = mask(text, secrets)
    assert mask(once, secrets) == once


MARKS = st.sampled_from(["", "", "", " ", "-", ".", "%2f", "&amp;", "\n", "\u200b", "/"])
LONG_CODES = st.text(alphabet="0123456789", min_size=4, max_size=9)
LETTERED = st.from_regex(r"[a-z]{2,4}[0-9]{2,4}[a-z]?", fullmatch=True)


@given(data=st.data(), code=st.one_of(LONG_CODES, LETTERED), before=WORDS, after=WORDS)
def test_a_code_is_found_whatever_stands_between_its_signs(
    data: st.DataObject, code: str, before: str, after: str
) -> None:
    written = code[0] + "".join(data.draw(MARKS) + sign for sign in code[1:])
    masked = mask(f"{before} {written} {after}", {"code": code})
    is_date = re.search(r"\d[-.]\d", written) is not None
    assert masked == f"{before} [[code]] {after}" or is_date


@pytest.mark.parametrize(
    "written",
    [
        "https://portal.example/g/7f3a9c21e84b5d60a1b2c3d4",
        "HTTPS://PORTAL.EXAMPLE/G/7F3A9C21E84B5D60A1B2C3D4",
        "https%3A%2F%2Fportal.example%2Fg%2F7f3a9c21e84b5d60a1b2c3d4",
        "https:&#x2f;&#x2f;portal.example/g/7f3a9c21e84b5d60a1b2c3d4",
        "https://portal.example/g/7f3a9c21\ne84b5d60 a1b2-c3d4",
        "https://portal.example/g/7f3a9c21\u200be84b5d60a1b2c3d4",
    ],
)
def test_a_long_link_is_masked_however_it_is_written(written: str) -> None:
    link = "https://portal.example/g/7f3a9c21e84b5d60a1b2c3d4"
    assert mask(f"see {written} now", {"portal": link}) == "see [[portal]] now"


def test_a_very_long_code_is_masked_as_it_stands() -> None:
    code = "12345678" * 200
    assert mask(f"It is {code}, ok", {"door_code": code}) == "It is [[door_code]], ok"
