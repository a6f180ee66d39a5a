import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pms.gated import (
    PlaceholderMangled,
    check,
    cut_codes,
    fill,
    mask,
    names_in,
    placeholder,
)

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
    ],
)
def test_a_door_code_is_masked_however_it_is_written(text: str) -> None:
    masked = mask(text, CODE)
    assert "[[door_code]]" in masked
    assert "4821" not in masked


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


def test_values_shorter_than_three_are_left_alone() -> None:
    assert mask("flat 12, floor 12", {"door_code": "12"}) == "flat 12, floor 12"


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


def test_gated_text_loses_what_looks_like_a_code() -> None:
    text, found = cut_codes(
        "Kod do bramy: 77#12. Lockbox code is A19-B. Wifi password: sunshine. Press 4455 then #.",
        prefix="specialInstruction",
    )
    assert set(found.values()) == {"77#12", "A19-B", "sunshine", "4455"}
    assert all(value not in text for value in found.values())
    assert fill(text, found) == (
        "Kod do bramy: 77#12. Lockbox code is A19-B. Wifi password: sunshine. Press 4455 then #."
    )


def test_cutting_leaves_placeholders_and_times_alone() -> None:
    text = "Door code: [[door_code]]. From 15:00, flat 12."
    assert cut_codes(text, prefix="keyPickup") == (text, {})


def test_one_value_cut_twice_has_one_name() -> None:
    text, found = cut_codes("PIN 9911, again: PIN 9911", prefix="address")
    assert found == {"address_1": "9911"}
    assert text.count("[[address_1]]") == 2


@pytest.mark.parametrize("prefix", ["doorCodeInstruction", "custom_167", "keyPickup"])
def test_names_of_cut_codes_are_placeholders(prefix: str) -> None:
    text, _ = cut_codes("PIN 9911", prefix=prefix)
    check(text, names_in(text))


def test_filling_puts_values_back() -> None:
    assert fill("Code [[door_code]].", CODE) == "Code 4821."


def test_a_placeholder_without_a_value_is_refused() -> None:
    with pytest.raises(PlaceholderMangled, match="no value"):
        fill("Code [[door_code]].", {})


def test_a_value_with_brackets_in_it_is_filled_as_it_stands() -> None:
    assert fill("Use [[wifi_password]]", {"wifi_password": "a[[b]]{{c}}"}) == "Use a[[b]]{{c}}"


@pytest.mark.parametrize(
    "text",
    [
        "[door_code]",
        "[[ door_code ]]",
        "[[door_codes]]",
        "[[Door_Code]]",
        "[[door-code]]",
        "［［door_code］］",
        "[ [door_code] ]",
        "{{door_code}}",
        "{door_code}",
        "(door_code)",
        "<door_code>",
        "【door_code】",
        r"\[\[door_code\]\]",
        "Your code is door_code.",
        "[[door_code",
        "door_code]]",
        "[[door_code]]]]",
        "<%= door_code %>",
    ],
)
@pytest.mark.parametrize("allowed", [frozenset({"door_code"})])
def test_a_mangled_placeholder_is_refused(text: str, allowed: frozenset[str]) -> None:
    with pytest.raises(PlaceholderMangled):
        check(text, allowed)


@pytest.mark.parametrize("text", ["[[door_code]]", "[door_code]", "{{door_code}}", "(door_code)"])
def test_no_placeholder_passes_while_access_is_locked(text: str) -> None:
    with pytest.raises(PlaceholderMangled):
        check(text, frozenset())


@pytest.mark.parametrize(
    "text", ["Your code is [[door_code]].", "From 15:00 (Warsaw time)", "a [note] and a_b", "x < y"]
)
def test_a_clean_text_passes(text: str) -> None:
    check(text, frozenset({"door_code"}))


def test_an_error_never_quotes_what_was_typed_around() -> None:
    with pytest.raises(PlaceholderMangled) as caught:
        check("4821 [[lockbox]]", frozenset({"door_code"}))
    assert "4821" not in str(caught.value)


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


def test_a_placeholder_is_written_in_double_brackets() -> None:
    assert placeholder("door_code") == "[[door_code]]"
