"""`nightdesk hotline`."""

import pytest
from click.testing import CliRunner

from app.cli import nightdesk
from app.cli.connection import Desk
from app.hotlines import CarrierAccount
from tests.cli.conftest import Terminal

NUMBER = "+48221234567"
PUBLIC = {"NIGHTDESK_SERVER__PUBLIC_URL": "https://desk.example"}


def add(terminal: Terminal, *more: str) -> str:
    return terminal.says("hotline", "add", "acme", NUMBER, "--name", "City Stays", *more)


def carrier_of(terminal: Terminal) -> CarrierAccount | None:
    async def read(desk: Desk) -> CarrierAccount | None:
        return await desk.hotlines.carrier_of("acme")

    return terminal.desk(read)


def give_carrier(terminal: Terminal, *more: str, typed: str = "", **environment: str):
    """Type the command with something on standard input."""
    return CliRunner().invoke(
        nightdesk,
        ["hotline", "carrier", "acme", "--account-sid", "AC1", *more],
        env={**terminal.environment, **environment},
        input=typed,
        prog_name="nightdesk",
    )


def test_a_number_is_added_in_the_tenants_language_and_says_what_is_missing(
    acme: Terminal,
) -> None:
    said = add(acme)
    assert f"{NUMBER} is a hotline of acme and greets in en" in said
    assert "nightdesk hotline carrier acme" in said


def test_numbers_are_listed(acme: Terminal) -> None:
    add(acme, "--language", "pl")
    heads, line = acme.says("hotline", "list", "acme").splitlines()
    assert heads.split() == ["NUMBER", "NAME", "LANGUAGE", "CARRIER"]
    assert line.split() == [NUMBER, "City", "Stays", "pl", "none", "yet"]


def test_without_numbers_it_says_how_to_make_one(acme: Terminal) -> None:
    assert "nightdesk hotline add acme" in acme.says("hotline", "list", "acme")


@pytest.mark.parametrize(
    ("number", "complaint"),
    [("22 123 45 67", "international form"), ("+4822", "digits"), ("anonymous", "like +48")],
)
def test_what_is_no_number_is_refused_with_its_reason(
    acme: Terminal, number: str, complaint: str
) -> None:
    result = acme.type("hotline", "add", "acme", number, "--name", "City")
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_number_of_another_tenant_is_refused_without_saying_whose(acme: Terminal) -> None:
    acme.says("tenant", "add", "other", "--name", "Other Homes")
    acme.says("hotline", "add", "other", NUMBER, "--name", "Other")
    result = acme.type("hotline", "add", "acme", NUMBER, "--name", "City")
    assert (result.exit_code, result.stderr) == (
        1, f"nightdesk: {NUMBER} is a hotline of another tenant already\n",
    )  # fmt: skip


def test_name_and_language_can_be_changed_each_alone(acme: Terminal) -> None:
    add(acme)
    said = acme.says("hotline", "set", "acme", NUMBER, "--language", "de")
    assert said == f"{NUMBER} is City Stays and greets in de\n"
    assert "is Old Town" in acme.says("hotline", "set", "acme", NUMBER, "--name", "Old Town")
    (hotline,) = acme.json("hotline", "list", "acme")
    assert (hotline["name"], hotline["language"]) == ("Old Town", "de")


def test_a_change_of_nothing_and_of_nobodys_number_is_refused(acme: Terminal) -> None:
    assert acme.type("hotline", "set", "acme", NUMBER).exit_code == 2
    result = acme.type("hotline", "set", "acme", NUMBER, "--name", "City")
    assert result.stderr == f"nightdesk: {NUMBER} is no hotline of acme\n"


def test_a_number_is_taken_away(acme: Terminal) -> None:
    add(acme)
    acme.says("hotline", "remove", "acme", NUMBER)
    assert acme.json("hotline", "list", "acme") == []


def test_the_carrier_is_kept_and_what_it_must_be_told_is_printed(acme: Terminal) -> None:
    result = give_carrier(
        acme, NIGHTDESK_CARRIER_TOKEN="now", NIGHTDESK_CARRIER_NEXT_TOKEN="then", **PUBLIC
    )
    assert result.exit_code == 0
    for path in ("voice", "fallback", "status"):
        assert f"https://desk.example/twilio/{path}" in result.stdout
    kept = carrier_of(acme)
    assert kept is not None
    assert (kept.external_id, kept.auth_tokens) == ("AC1", ("now", "then"))


def test_tokens_come_from_standard_input_and_are_never_shown(acme: Terminal) -> None:
    result = give_carrier(acme, typed="first-token\nsecond-token\n", **PUBLIC)
    assert result.exit_code == 0
    assert "token" not in result.output.replace("Auth token", "")
    kept = carrier_of(acme)
    assert kept is not None
    assert kept.auth_tokens == ("first-token", "second-token")


def test_a_carrier_that_cannot_reach_us_is_refused_and_nothing_is_kept(acme: Terminal) -> None:
    for url, complaint in (("", "is empty"), ("http://desk.example", "https://")):
        result = give_carrier(acme, typed="t\n", NIGHTDESK_SERVER__PUBLIC_URL=url)
        assert result.exit_code == 2
        assert complaint in result.stderr
    assert carrier_of(acme) is None


def test_a_stand_in_of_the_carrier_reaches_us_on_this_machine(acme: Terminal) -> None:
    result = give_carrier(acme, "--local", typed="t\n")
    assert "http://127.0.0.1:8080/twilio/voice" in result.stdout


@pytest.mark.parametrize("account", ["SK123", "AC 1", "", "AC1\x00"])
def test_what_is_no_account_of_twilio_is_refused(acme: Terminal, account: str) -> None:
    result = acme.type(
        "hotline",
        "carrier",
        "acme",
        "--account-sid",
        account,
        NIGHTDESK_CARRIER_TOKEN="t",
        **PUBLIC,
    )
    assert (result.exit_code, "begin with AC" in result.stderr) == (2, True)


def test_no_token_is_no_account(acme: Terminal) -> None:
    assert give_carrier(acme, typed="", **PUBLIC).exit_code == 2
