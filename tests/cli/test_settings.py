"""`nightdesk settings`."""

from pathlib import Path

from tests.cli.conftest import Terminal


def test_settings_that_are_in_order_are_fine(terminal: Terminal) -> None:
    assert terminal.says("settings", "check") == "the settings are fine\n"


def test_every_problem_is_a_line_of_its_own(terminal: Terminal) -> None:
    result = terminal.type(
        "settings", "check", NIGHTDESK_ENCRYPTION_KEYS="short", NIGHTDESK_DATABASE_URL="x"
    )
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "nightdesk: an encryption key is malformed; make one with `nightdesk key new`"
    ]


def test_an_external_database_without_a_key_is_told_with_the_command(terminal: Terminal) -> None:
    url = "postgresql://somebody:secret@127.0.0.1/x"
    result = terminal.type(
        "settings", "check", NIGHTDESK_DATABASE_URL=url, NIGHTDESK_ENCRYPTION_KEYS=""
    )
    assert result.exit_code == 2
    assert "make a key with `nightdesk key new`" in result.stderr
    assert "secret" not in result.stderr


def test_a_file_with_an_unknown_key_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[server]\npublic_prt = 1\n")
    result = terminal.type("--config", str(file), "settings", "check")
    assert result.exit_code == 2
    assert "did you mean server.public_port?" in result.stderr


def test_the_file_named_by_the_environment_is_read(terminal: Terminal, tmp_path: Path) -> None:
    result = terminal.type("settings", "check", NIGHTDESK_CONFIG=str(tmp_path / "none.toml"))
    assert result.exit_code == 2
    assert "none.toml" in result.stderr
