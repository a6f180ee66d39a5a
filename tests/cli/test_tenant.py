"""`nightdesk tenant`."""

import json
from pathlib import Path

from tests.cli.conftest import Terminal


def test_a_new_tenant_is_off(acme: Terminal) -> None:
    assert acme.json("tenant", "list") == [
        {"id": "acme", "name": "Acme Stays", "mode": "off", "live_since": None}
    ]


def test_the_list_is_a_table(acme: Terminal) -> None:
    assert acme.says("tenant", "list").splitlines() == [
        "ID    MODE  LIVE SINCE  NAME",
        "acme  off   -           Acme Stays",
    ]


def test_a_second_tenant_of_the_same_id_is_refused_in_one_line(acme: Terminal) -> None:
    result = acme.type("tenant", "add", "acme", "--name", "Other")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "nightdesk: there is a tenant 'acme' already\n"


def test_a_malformed_id_is_bad_input(terminal: Terminal) -> None:
    result = terminal.type("tenant", "add", "a b", "--name", "Other")
    assert result.exit_code == 2
    assert "lower-case letters" in result.stderr


def test_going_live_draws_the_line_nothing_older_crosses(acme: Terminal) -> None:
    assert "acme is draft; nothing before" in acme.says("tenant", "mode", "acme", "draft")
    assert acme.json("tenant", "show", "acme")["live_since"] is not None


def test_an_unknown_mode_is_refused(acme: Terminal) -> None:
    assert acme.type("tenant", "mode", "acme", "maybe").exit_code == 2


def test_settings_are_set_and_taken_back(acme: Terminal) -> None:
    acme.says("tenant", "set", "acme", "chat.window_other_s=8", "slack.channel=#desk")
    said = acme.says("tenant", "set", "acme", "chat.window_other_s=")
    assert said == "chat.window_other_s: the default\n"
    assert acme.json("tenant", "show", "acme")["settings"] == {"slack.channel": "#desk"}


def test_a_misspelt_setting_is_refused_and_nothing_is_set(acme: Terminal) -> None:
    result = acme.type("tenant", "set", "acme", "slack.channel=#a", "chat.window_other=8")
    assert result.exit_code == 2
    assert "did you mean chat.window_other_s?" in result.stderr
    assert acme.json("tenant", "show", "acme")["settings"] == {}


def test_a_malformed_custom_field_is_refused_when_it_is_set(acme: Terminal) -> None:
    result = acme.type("tenant", "set", "acme", 'pms.custom_fields=["167=parking"]')
    assert result.exit_code == 2
    assert "167=parking:public" in result.stderr


def test_an_account_gets_a_webhook_with_its_own_key_and_login(acme: Terminal) -> None:
    said = acme.says(
        *("tenant", "account", "acme", "--external-id", "70001"),
        NIGHTDESK_CLIENT_SECRET="top-secret",
        NIGHTDESK_SERVER__PUBLIC_URL="https://nd.example",
    )
    webhook, login, password = (line.split()[-1] for line in said.splitlines())
    account = acme.desk(lambda desk: desk.tenants.accounts("acme"))[0]
    assert webhook == f"https://nd.example/webhook/hostaway/{account.account_key}"
    assert account.webhook_logins == ((login, password),)
    assert account.client_secret == "top-secret"


def test_where_only_the_app_knows_its_port_the_webhook_is_a_path(acme: Terminal) -> None:
    said = acme.says(
        *("tenant", "account", "acme", "--external-id", "70001", "--json"),
        NIGHTDESK_CLIENT_SECRET="top-secret",
        NIGHTDESK_SERVER__PUBLIC_PORT="0",
    )
    assert json.loads(said)["webhook"].startswith("/webhook/hostaway/")


def test_showing_a_tenant_shows_no_secret(acme: Terminal) -> None:
    acme.says(
        *("tenant", "account", "acme", "--external-id", "70001"),
        NIGHTDESK_CLIENT_SECRET="top-secret",
    )
    acme.says("tenant", "slack", "acme", "--team", "T1", SLACK_BOT_TOKEN="xoxb-hidden")
    acme.says("tenant", "secret", "acme", NIGHTDESK_TENANT_OPENAI_KEY="sk-hidden")
    password = acme.desk(lambda desk: desk.tenants.accounts("acme"))[0].webhook_logins[0][1]
    for said in (acme.says("tenant", "show", "acme"), str(acme.json("tenant", "show", "acme"))):
        assert "70001" in said
        assert "T1" in said
        assert not any(s in said for s in ("top-secret", "hidden", password))


def test_a_secret_is_asked_for_where_the_environment_has_none(acme: Terminal) -> None:
    result = acme.type("tenant", "secret", "acme", NIGHTDESK_TENANT_OPENAI_KEY="")
    assert "OpenAI key" in result.stdout
    assert result.exit_code == 1


def test_removing_asks_first(acme: Terminal) -> None:
    assert acme.type("tenant", "remove", "acme").exit_code == 1
    assert len(acme.json("tenant", "list")) == 1
    acme.says("tenant", "remove", "acme", "--yes")
    assert acme.json("tenant", "list") == []


def test_what_is_exported_can_be_imported_under_another_id(acme: Terminal, tmp_path: Path) -> None:
    acme.says("tenant", "set", "acme", "chat.window_other_s=8")
    acme.says("tenant", "export", "acme", str(tmp_path / "acme"))
    acme.says("tenant", "import", str(tmp_path / "acme"), "--id", "copy")
    assert acme.json("tenant", "show", "copy")["settings"] == {"chat.window_other_s": 8}


def test_a_folder_that_is_no_tenant_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    result = terminal.type("tenant", "import", str(tmp_path))
    assert result.exit_code == 2
    assert "tenant.toml is missing" in result.stderr
