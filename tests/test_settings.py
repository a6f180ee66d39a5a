"""Settings: the file shows every default, the environment wins, and nothing wrong passes."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.errors import BadInput
from app.settings import Secrets, Settings, known_names, load_settings

CONFIG = Path(__file__).parent.parent / "config.toml"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_says_exactly_what_is_built_in() -> None:
    in_file = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    built_in = Settings().model_dump(mode="json", exclude={"secrets"})
    assert in_file == built_in
    assert list(in_file) == list(built_in)
    assert [list(section) for section in in_file.values()] == [
        list(section) for section in built_in.values()
    ]


def test_most_settings_of_the_file_are_explained() -> None:
    lines = [line for line in CONFIG.read_text(encoding="utf-8").splitlines() if " = " in line]
    settings = [line for line in lines if not line.startswith("#")]
    explained = [line for line in settings if re.search(r"\S\s+# \S", line)]
    plain = {line.split(" = ")[0] for line in settings if line not in explained}
    assert plain <= SELF_EXPLANATORY


SELF_EXPLANATORY = {
    "base_url", "channel", "default_check_out_hour", "desk_port", "log_level",
    "max_reply_tokens", "quiet_until", "service_name", "supported", "temperature", "timeout_s",
}  # fmt: skip
"""Settings that need no comment, by a name or a neighbour that says it."""


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\npublic_port = 7000\ndesk_port = 7001\n")
    settings = load_settings(path, {"NIGHTDESK_SERVER__PUBLIC_PORT": "9000", "HOME": "/root"})
    assert (settings.server.public_port, settings.server.desk_port) == (9000, 7001)


@pytest.mark.parametrize(
    ("name", "text", "section", "expected"),
    [
        ("CHAT__DISCLOSURE", "false", "chat", False),
        ("CHAT__SCORE_THRESHOLD", "0.75", "chat", 0.75),
        ("LANGUAGE__SUPPORTED", '["en", "pl"]', "language", ("en", "pl")),
        ("SLACK__CHANNEL", "#alerts", "slack", "#alerts"),
        ("SLACK__CHANNEL", '"42"', "slack", "42"),
        ("SERVER__PUBLIC_URL", "https://nd.example", "server", "https://nd.example"),
        ("ESCALATION__QUIET_FROM", "23:30", "escalation", "23:30"),
        ("TELEMETRY__SERVICE_NAME", "2026-01-01", "telemetry", "2026-01-01"),
        ("DATA__DIR", "/var/lib/nightdesk", "data", Path("/var/lib/nightdesk")),
        ("TELEMETRY__SERVICE_NAME", "a\nb = 1", "telemetry", "a\nb = 1"),
    ],
)
def test_a_value_of_the_environment_is_read_as_what_it_is(
    name: str, text: str, section: str, expected: Any
) -> None:
    settings = load_settings(None, {f"NIGHTDESK_{name}": text})
    assert getattr(getattr(settings, section), name.split("__")[1].lower()) == expected


def test_an_unknown_key_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\npublic_prt = 1\n[jobz]\nmax_jobs = 2\n")
    with pytest.raises(BadInput) as refused:
        load_settings(path, {})
    words = str(refused.value)
    assert "unknown key server.public_prt, did you mean server.public_port?" in words
    assert "unknown key jobz, did you mean jobs?" in words
    assert "config.toml" in words


def test_an_unknown_key_of_the_environment_is_refused_too() -> None:
    with pytest.raises(BadInput, match=r"unknown key chat\.disclsure, did you mean chat\.disc"):
        load_settings(None, {"NIGHTDESK_CHAT__DISCLSURE": "false"})


def test_a_misspelt_secret_is_refused_and_other_variables_are_not_ours() -> None:
    with pytest.raises(BadInput, match="did you mean NIGHTDESK_ENCRYPTION_KEYS"):
        load_settings(None, {"NIGHTDESK_ENCRYPTION_KEY": "x"})
    assert load_settings(
        None, {"NIGHTDESK_CONFIG": "x", "NIGHTDESK_SERVICE_HOST": "10.0.0.1", "OPENAI_API_KEYS": ""}
    ) == Settings()  # fmt: skip


@pytest.mark.parametrize(
    "text", ['[secrets]\ndesk_token = "x"\n', 'secrets = "x"\n', "secrets = {}\n"]
)
def test_secrets_are_refused_in_the_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="environment"):
        load_settings(written(tmp_path, text), {})


def test_secrets_come_from_the_environment_and_are_never_shown() -> None:
    settings = load_settings(
        None, {"NIGHTDESK_DESK_TOKEN": "tok-1", "OPENAI_API_KEY": "sk-1", "NIGHTDESK_REDIS_URL": ""}
    )
    assert settings.secrets.desk_token is not None
    assert settings.secrets.desk_token.get_secret_value() == "tok-1"
    assert settings.secrets.redis_url is None
    assert "tok-1" not in repr(settings)
    assert "sk-1" not in str(settings.model_dump())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[server]\npublic_port = 70000", "server.public_port"),
        ("[server]\npublic_port = 'http'", "server.public_port"),
        ("[chat]\nlow_score = 'maybe'", "chat.low_score"),
        ("[chat]\nscore_threshold = 1.5", "chat.score_threshold"),
        ("[jobs]\nsweep_s = 0", "jobs.sweep_s"),
        ("[jobs]\nsweep_s = inf", "jobs.sweep_s"),
        ("[jobs]\nsweep_s = nan", "jobs.sweep_s"),
        ("[access]\ncode_source = 'field:No Way'", "access.code_source"),
        ("[access]\nhours_before_arrival = 9000", "access.hours_before_arrival"),
        ("[access]\ngrace_min = 20000", "access.grace_min"),
        ("[access]\ndefault_time_zone = 'Mars/Olympus'", "access.default_time_zone"),
        ("[access]\ndefault_time_zone = 'Europe'", "access.default_time_zone"),
        ("[escalation]\nquiet_from = '25:00'", "escalation.quiet_from"),
        ("[escalation]\nquiet_until = 7", "escalation.quiet_until"),
        ("[slack]\nchannel = 7", "slack.channel"),
        ("server = 3", "server"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(BadInput, match=rf"settings \(config\.toml\): {re.escape(names)}: "):
        load_settings(written(tmp_path, text), {})


def test_a_wrong_section_is_named_also_where_the_environment_adds_to_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"server: "):
        load_settings(written(tmp_path, "server = 3"), {"NIGHTDESK_SERVER__DESK_PORT": "1"})


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\npublic_port = -1\n[jobs]\nmax_jobs = 0\nmax_jbos = 1\n")
    with pytest.raises(BadInput) as refused:
        load_settings(path, {})
    assert all(
        name in str(refused.value)
        for name in ("server.public_port", "jobs.max_jobs:", "jobs.max_jbos")
    )


@pytest.mark.parametrize("content", [b"[server\n", b"a = '\xff'\n"])
def test_a_file_that_cannot_be_read_as_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"cannot read settings from config\.toml"):
        load_settings(path, {})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        load_settings(tmp_path / "other.toml", {})


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().server.public_port = 1  # type: ignore[misc]


def test_known_names_reach_every_setting() -> None:
    names = known_names(Settings)
    assert {"chat", "chat.low_score", "secrets.desk_token", "retention.turn_days"} <= set(names)
    assert len(names) == len(set(names))
    assert len(Secrets.model_fields) == sum(name.startswith("secrets.") for name in names)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("SERVER__PUBLIC_PORT", "eighty", "server.public_port: Input should be a valid integer"),
        ("SERVER__PUBLIC_PORT", "-1", "server.public_port: "),
        ("SERVER__PUBLIC_PORT", "70000", "server.public_port: "),
        ("SERVER__PUBLIC_URL", "nightdesk.example", "server.public_url: no web address"),
        ("SERVER__DESK_URL", "ftp://x", "server.desk_url: no web address"),
        ("SERVER__DRAIN_S", "1e300", "server.drain_s: "),
        ("SERVER__MAX_BODY_BYTES", "99999999999999999999", "server.max_body_bytes: "),
        ("LLM__BASE_URL", "https://", "llm.base_url: no web address"),
        ("LLM__BASE_URL", "http://[::1", "llm.base_url: no web address"),
        ("LLM__BASE_URL", "https://x y", "llm.base_url: no web address"),
        ("LLM__BASE_URL", "", "llm.base_url: no web address"),
        ("LLM__CHAT_MODEL", "", "llm.chat_model: "),
        ("LLM__TEMPERATURE", "nan", "llm.temperature: "),
        ("CHAT__LONGEST_WAIT_S", "1e300", "chat.longest_wait_s: "),
        ("CHAT__WINDOW_OTHER_S", "inf", "chat.window_other_s: "),
        ("CHAT__WINDOW_OTHER_S", "-5", "chat.window_other_s: "),
        ("CHAT__LOW_SCORE", "panic", "chat.low_score: "),
        ("CHAT__AUTOMATIC_TEXTS", "5", "chat.automatic_texts: "),
        ("ACCESS__HOURS_BEFORE_ARRIVAL", "1e9", "access.hours_before_arrival: "),
        ("ACCESS__CODE_SOURCES", '["1042"]', "access.code_sources.0: "),
        ("ACCESS__DEFAULT_TIME_ZONE", "Europe/Warszawa", "access.default_time_zone: no time zone"),
        ("ACCESS__DEFAULT_TIME_ZONE", "../../etc/passwd", "access.default_time_zone: no time zone"),
        ("LANGUAGE__SUPPORTED", "[]", "language.supported: "),
        ("LANGUAGE__DEFAULT", "xx", "language: default 'xx' is not among"),
        ("LANGUAGE__DEFAULT", "English", "language.default: "),
        ("PMS__CUSTOM_FIELDS", '["167=parking"]', "pms.custom_fields.0: '167=parking' is not"),
        ("RETENTION__TURN_DAYS", "1e9", "retention.turn_days: "),
        ("RETENTION__TURN_DAYS", "9999999", "retention.turn_days: "),
        ("SLACK__CHANNEL", "two words", "slack.channel: "),
        ("TELEMETRY__LOG_LEVEL", "LOUD", "telemetry.log_level: "),
        ("TELEMETRY__OTLP_ENDPOINT", "collector:4318", "telemetry.otlp_endpoint: no web address"),
        ("ESCALATION__QUIET_FROM", "25:00", "escalation.quiet_from: "),
    ],
)
def test_a_wrong_value_of_the_environment_is_refused_by_its_name(
    name: str, text: str, complaint: str
) -> None:
    with pytest.raises(BadInput) as refused:
        load_settings(None, {f"NIGHTDESK_{name}": text})
    assert str(refused.value).startswith(f"settings (environment): {complaint}")


@pytest.mark.parametrize(
    "text",
    [
        "server = 5", "[server]\npublic_port = {a = 1}", "server = []", "[[server]]\n",
        "[server\n", "a = " + "[" * 100_000, "[server]\npublic_port = 1\npublic_port = 2",
        "\x00", "[chat]\nlongest_wait_s = '5'x",
    ],
)  # fmt: skip
def test_a_file_that_makes_no_sense_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"config\.toml"):
        load_settings(written(tmp_path, text), {})


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_in_another_encoding_is_refused_by_its_name(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes('[slack]\nchannel = "#żółw é"\n'.encode(encoding, "replace"))
    with pytest.raises(BadInput, match=r"config\.toml"):
        load_settings(path, {})


def test_an_environment_value_nested_without_end_is_a_text() -> None:
    deep = "[" * 100_000
    assert load_settings(None, {"NIGHTDESK_SERVER__PUBLIC_HOST": deep}).server.public_host == deep
