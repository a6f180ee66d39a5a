"""What is typed wrongly ends in one line that says so: no trace of the program, nothing changed."""

import pytest

from tests.cli.conftest import Terminal

DEEP = "[" * 100_000
BAD = (
    (),
    ("tenants",),
    ("tenant", "add"),
    ("tenant", "add", "", "--name", "X"),
    ("tenant", "add", "a" * 41, "--name", "X"),
    ("tenant", "add", "ACME", "--name", "X"),
    ("tenant", "add", "\u0663", "--name", "X"),
    ("tenant", "add", "new", "--name", "\udcff half"),
    ("tenant", "add", "new", "--name", "a\x00b"),
    ("tenant", "show", "nobody"),
    ("tenant", "show", "\udcff"),
    ("tenant", "mode", "acme", "perhaps"),
    ("tenant", "mode", "nobody", "on"),
    ("tenant", "set", "acme", "chat.max_age_s"),
    ("tenant", "set", "acme", "=5"),
    ("tenant", "set", "acme", "chat=5"),
    ("tenant", "set", "acme", f"chat.automatic_texts={DEEP}"),
    ("tenant", "set", "acme", "chat.longest_wait_s=1e300"),
    ("tenant", "set", "acme", "chat.longest_wait_s=nan"),
    ("tenant", "set", "acme", "slack.channel=a\x00b"),
    ("tenant", "set", "acme", "slack.channel=\udcff"),
    ("tenant", "import", "/nonexistent"),
    ("tenant", "import", "/etc/hostname"),
    ("tenant", "export", "acme", "/etc/hostname"),
    ("tenant", "export", "acme", "/proc/none"),
    ("tenant", "export", "nobody", "elsewhere"),
    ("tenant", "account", "nobody", "--external-id", "1", "--client-secret", "x"),
    ("tenant", "account", "acme", "--external-id", "\udcff", "--client-secret", "x"),
    ("cases", "list", "nobody"),
    ("cases", "list", "a;drop"),
    ("cases", "show", "acme", "9" * 30),
    ("cases", "show", "acme", "one"),
    ("cases", "show", "acme", "-1"),
    ("cases", "take", "acme", "1"),
    ("cases", "reply", "acme", "1", "", "--as", "Ala"),
    ("cases", "reply", "acme", "9" * 30, "words", "--as", "Ala"),
    ("decisions", "acme", "9" * 30),
    ("decisions", "nobody", "1"),
    ("drafts", "send", "acme", "9" * 30),
    ("drafts", "drop", "acme", "0"),
    ("runs", "--limit", "0"),
    ("runs", "--limit", "many"),
    ("runs", "revive", "nobody"),
    ("--config", "/nonexistent.toml", "settings", "check"),
    ("--config", "/etc", "settings", "check"),
)


@pytest.mark.parametrize(
    "typed", BAD, ids=lambda typed: " ".join(typed)[:40].encode("ascii", "replace").decode()
)
def test_what_is_typed_wrongly_ends_in_words(acme: Terminal, typed: tuple[str, ...]) -> None:
    result = acme.type(*typed)
    assert result.exit_code in (1, 2)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    said = result.stderr or result.stdout
    assert said.strip()
    assert "Traceback" not in said
    assert len(said) < 2_000
    assert [tenant["id"] for tenant in acme.json("tenant", "list")] == ["acme"]
    assert acme.json("tenant", "show", "acme")["settings"] == {}
