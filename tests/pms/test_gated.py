import pytest

from app.pms.gated import (
    PlaceholderMangled,
    check,
    cut_codes,
    fill,
    hide_called_codes,
    hide_codes,
    names_in,
    placeholder,
)

CODE = {"door_code": "4821"}


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


@pytest.mark.parametrize(
    "text",
    [
        "The code is 4-7-1-1.",
        "The code is 4 7 1 1",
        "Press 4711# twice",
        "Kod: ٤٧١١",
        "Haustürcode ４７１１",
        "The code is four seven one one.",
        "kod to cztery siedem jeden jeden",
        "Der Code ist vier sieben eins eins",
        "الرمز أربعة سبعة واحد واحد",
        "enter *4711* at the gate",
        "PIN 12",
        "kod do skrytki A7",
        "https://door.example/?code=471199",
    ],
)
def test_an_unlisted_code_is_cut_however_staff_write_it(text: str) -> None:
    cut, found = cut_codes(text, prefix="specialInstruction")
    assert len(found) == 1
    assert not any(value in cut for value in found.values())
    assert fill(cut, found) == text


def test_of_an_address_only_what_is_called_a_code_is_cut() -> None:
    text = "ul. Długa 120, 00-123 Warszawa, kod do bramy 4711"
    assert cut_codes(text, prefix="address") == (
        "ul. Długa 120, 00-123 Warszawa, kod do bramy [[address_1]]", {"address_1": "4711"},
    )  # fmt: skip


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
    "text",
    [
        "door_code", "wifi\u200b_password", "[[dооr_code]]", "%5B%5Bdoor_code%5D%5D",
        "&#91;&#91;door_code&#93;&#93;", "&lbrack;x", "\\u005b\\u005bdoor_code", "door\\_code",
        "my lift_code", "[gate]", "[ASK_TEAM]",
    ],
)  # fmt: skip
def test_no_name_of_a_placeholder_passes_in_any_dress(text: str) -> None:
    with pytest.raises(PlaceholderMangled):
        check(text, frozenset(), known={"lift_code", "gate"})


def test_an_error_never_quotes_a_name_that_a_model_made_up() -> None:
    with pytest.raises(PlaceholderMangled) as caught:
        check("[[left_blue_lockbox]]", frozenset({"door_code"}))
    assert "blue" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["Your code is [[door_code]].", "From 15:00 (Warsaw time)", "a [note] and a_b", "x < y"]
)
def test_a_clean_text_passes(text: str) -> None:
    check(text, frozenset({"door_code"}))


def test_what_may_be_a_guess_is_hidden() -> None:
    text = "Is the code 12? Or 48151? We are 3, flat 120, from 2026-04-13."
    assert (
        hide_codes(text)
        == "Is the code (hidden)? Or (hidden)? We are 3, flat 120, from 2026-04-13."
    )
    assert (
        hide_called_codes(text)
        == "Is the code (hidden)? Or 48151? We are 3, flat 120, from 2026-04-13."
    )


def test_an_error_never_quotes_what_was_typed_around() -> None:
    with pytest.raises(PlaceholderMangled) as caught:
        check("4821 [[lockbox]]", frozenset({"door_code"}))
    assert "4821" not in str(caught.value)


def test_a_placeholder_is_written_in_double_brackets() -> None:
    assert placeholder("door_code") == "[[door_code]]"
