"""Settings of the process: `config.toml`, then the environment, frozen and checked.

Sections marked as tenant-settable are defaults; `app.tenants` lays a tenant's own values over
them by the same dotted name.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from app.errors import BadInput
from app.kinds import (
    CODE_SOURCE,
    CustomFieldEntry,
    LanguageCode,
    LanguageVoice,
    ModelName,
    OptionalWebAddress,
    Seconds,
    TimeOfDay,
    TimeZoneName,
    WebAddress,
)

ENVIRONMENT_PREFIX = "NIGHTDESK_"
"""`NIGHTDESK_SERVER__PUBLIC_PORT` overrides `server.public_port`."""


SectionT = TypeVar("SectionT", bound="Section")


class Section(BaseModel):
    """One section of `config.toml`; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ServerSettings(Section):
    """The two doors."""

    public_host: str = "127.0.0.1"
    public_port: int = Field(8080, ge=0, le=65535)
    desk_host: str = "127.0.0.1"
    desk_port: int = Field(8081, ge=0, le=65535)
    public_url: OptionalWebAddress = ""
    desk_url: OptionalWebAddress = ""
    max_body_bytes: int = Field(1_000_000, gt=0, le=100_000_000)
    body_s: Seconds = Field(10.0, gt=0, le=600)
    drain_s: Seconds = Field(20.0, gt=0)


class DataSettings(Section):
    """Where the embedded servers and keys live."""

    dir: Path = Path(".data")
    postgres_bin_dir: str = ""
    redis_bin: str = ""


class DatabaseSettings(Section):
    """Pools of PostgreSQL."""

    public_connections: int = Field(6, ge=1, le=1000)
    desk_connections: int = Field(8, ge=2, le=1000)
    command_timeout_s: Seconds = Field(20.0, gt=0)
    statement_cache: int = Field(1000, ge=0, le=100_000)


class JobSettings(Section):
    """The arq worker and the wake table."""

    poll_s: Seconds = Field(0.1, gt=0)
    max_jobs: int = Field(10, ge=1, le=1000)
    job_timeout_s: Seconds = Field(120.0, gt=0)
    max_attempts: int = Field(8, ge=1, le=1000)
    sweep_s: Seconds = Field(2.0, gt=0)
    lease_s: Seconds = Field(15.0, gt=0)


class HostawaySettings(Section):
    """The PMS client."""

    base_url: WebAddress = "https://api.hostaway.com/v1"
    timeout_s: Seconds = Field(15.0, gt=0)
    ip_requests: int = Field(14, ge=1, le=1_000_000)
    account_requests: int = Field(18, ge=1, le=1_000_000)
    window_s: Seconds = Field(10.0, gt=0)
    page_size: int = Field(100, ge=1, le=500)


class SyncSettings(Section):
    """How often the mirror is compared with the PMS."""

    full_interval_s: Seconds = Field(86400.0, gt=0)
    recent_interval_s: Seconds = Field(600.0, gt=0)
    unread_interval_s: Seconds = Field(180.0, gt=0)
    custom_fields_interval_s: Seconds = Field(3600.0, gt=0)
    listing_max_age_s: Seconds = Field(600.0, gt=0)
    reservation_horizon_days: int = Field(400, ge=1, le=3650)


class LlmSettings(Section):
    """The language models; tenant-settable."""

    base_url: WebAddress = "https://api.openai.com/v1"
    chat_model: ModelName = "gpt-4.1"
    voice_model: ModelName = "gpt-4.1-mini"
    temperature: float = Field(0.0, ge=0, le=2)
    timeout_s: Seconds = Field(20.0, gt=0)
    max_reply_tokens: int = Field(500, ge=16, le=100_000)
    history_turns: int = Field(12, ge=1, le=200)


class AccessSettings(Section):
    """When a guest may have codes; tenant-settable."""

    hours_before_arrival: float = Field(24.0, ge=0, le=8784)
    grace_min: int = Field(60, ge=0, le=10080)
    requires_payment: bool = False
    requires_agreement: bool = False
    owner_stays: bool = False
    code_source: str = Field("reservation", pattern=rf"^{CODE_SOURCE}$")
    code_sources: tuple[Annotated[str, Field(pattern=rf"^\s*\d+\s*=\s*{CODE_SOURCE}\s*$")], ...] = (
        Field((), max_length=5000)
    )
    """Listings that differ: `"1042=listing"`."""
    default_check_in_hour: int = Field(15, ge=0, le=23)
    default_check_out_hour: int = Field(11, ge=0, le=23)
    default_time_zone: TimeZoneName = "UTC"


class ChatSettings(Section):
    """Quiet windows, limits and habits of the chat; tenant-settable."""

    window_confirmed_s: Seconds = Field(120.0, ge=0)
    window_other_s: Seconds = Field(5.0, ge=0)
    window_arrival_access_s: Seconds = Field(10.0, ge=0)
    longest_wait_s: Seconds = Field(300.0, ge=0)
    max_age_s: Seconds = Field(3600.0, gt=0)
    max_replies_per_hour: int = Field(6, ge=1, le=10_000)
    score_threshold: float = Field(0.6, ge=0, le=1)
    low_score: Literal["case", "draft"] = "case"
    holding_sentence: bool = True
    human_silence_s: Seconds = Field(43200.0, gt=0)
    disclosure: bool = True
    send_check_s: Seconds = Field(60.0, gt=0)
    fresh_s: Seconds = Field(15.0, gt=0)
    automatic_texts: tuple[Annotated[str, Field(max_length=4000)], ...] = Field((), max_length=500)


class LanguageSettings(Section):
    """Languages a tenant answers in; tenant-settable."""

    default: LanguageCode = "en"
    supported: tuple[LanguageCode, ...] = Field(
        ("en", "pl", "de", "ar"), min_length=1, max_length=50
    )

    @model_validator(mode="after")
    def _default_is_spoken(self) -> "LanguageSettings":
        if self.default not in self.supported:
            raise ValueError(f"default {self.default!r} is not among the supported languages")
        return self


class PmsSettings(Section):
    """How a tenant uses its PMS; tenant-settable."""

    custom_fields: tuple[CustomFieldEntry, ...] = Field((), max_length=1000)


class EscalationSettings(Section):
    """Handing over; tenant-settable."""

    acknowledge_s: Seconds = Field(300.0, gt=0)
    quiet_from: TimeOfDay = "22:00"
    quiet_until: TimeOfDay = "07:00"


class PhoneSettings(Section):
    """The hotline's process-wide bounds."""

    max_calls: int = Field(20, ge=1)


class VoiceSettings(Section):
    """How a tenant's hotline hears and speaks; tenant-settable."""

    stt: Literal["openai", "local"] = "openai"
    stt_model: str = "gpt-4o-mini-transcribe"
    tts: Literal["openai", "local"] = "openai"
    tts_model: str = "gpt-4o-mini-tts"
    tts_voice: str = "sage"
    tts_voices: tuple[LanguageVoice, ...] = ()
    base_url: str = ""
    access_assurance: int = Field(2, ge=1, le=2)
    staff_numbers: tuple[Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")], ...] = Field(
        (), max_length=500
    )
    silence_s: Seconds = Field(12.0, gt=0)
    on_escalate: Literal["stay", "wait"] = "stay"
    reach_s: Seconds = Field(30.0, gt=0)
    call_back_min: int = Field(30, ge=1, le=1440)
    filler_after_s: Seconds = Field(1.2, gt=0)
    answer_within_s: Seconds = Field(6.0, gt=0)
    follow_up: bool = False


class SlackSettings(Section):
    """Where alerts go; tenant-settable."""

    base_url: WebAddress = "https://slack.com/api/"
    timeout_s: Seconds = Field(5.0, gt=0)
    channel: str = Field("#nightdesk", pattern=r"^[#@]?[^\s#@\x00-\x1f]{1,80}$")


class TelemetrySettings(Section):
    """Logs and spans."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: OptionalWebAddress = ""
    service_name: str = Field("nightdesk", min_length=1, max_length=200)


class RetentionSettings(Section):
    """How long words are kept; tenant-settable."""

    turn_days: int = Field(90, ge=1, le=36_500)


class Secrets(Section):
    """What comes from the environment alone."""

    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    encryption_keys: SecretStr | None = None
    """Comma-separated, the current one first; the others still open what they closed."""
    desk_token: SecretStr | None = None
    openai_api_key: SecretStr | None = None


class Settings(Section):
    """Everything the process was told at its start."""

    server: ServerSettings = ServerSettings()
    data: DataSettings = DataSettings()
    database: DatabaseSettings = DatabaseSettings()
    jobs: JobSettings = JobSettings()
    hostaway: HostawaySettings = HostawaySettings()
    sync: SyncSettings = SyncSettings()
    llm: LlmSettings = LlmSettings()
    access: AccessSettings = AccessSettings()
    chat: ChatSettings = ChatSettings()
    language: LanguageSettings = LanguageSettings()
    pms: PmsSettings = PmsSettings()
    escalation: EscalationSettings = EscalationSettings()
    slack: SlackSettings = SlackSettings()
    phone: PhoneSettings = PhoneSettings()
    voice: VoiceSettings = VoiceSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    retention: RetentionSettings = RetentionSettings()
    secrets: Secrets = Secrets()


SECRET_VARIABLES = {
    "NIGHTDESK_DATABASE_URL": "database_url",
    "NIGHTDESK_REDIS_URL": "redis_url",
    "NIGHTDESK_ENCRYPTION_KEYS": "encryption_keys",
    "NIGHTDESK_DESK_TOKEN": "desk_token",
    "OPENAI_API_KEY": "openai_api_key",
}
"""Environment variable → name in `Secrets`."""


def load_settings(
    path: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Settings from a TOML file (none: the defaults) with the environment laid over them.

    Raises:
        BadInput: a key is unknown or a value is of the wrong kind; the message names it.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as exc:
            raise BadInput(f"cannot read settings from {path}: {exc.strerror}") from exc
        except (ValueError, RecursionError) as exc:
            raise BadInput(f"cannot read settings from {path.name}: {exc}") from exc
    if "secrets" in values:
        raise BadInput("secrets do not belong in the settings file; put them in the environment")
    for name, value in environment.items():
        if name in SECRET_VARIABLES:
            values.setdefault("secrets", {})[SECRET_VARIABLES[name]] = value or None
        elif name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            section, _, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
            if isinstance(known := values.setdefault(section, {}), dict):
                known[key] = _from_text(value)
        elif name.startswith(ENVIRONMENT_PREFIX):
            _refuse_misspelt(name)
    return validated(Settings, values, source=path.name if path else "environment")


def _from_text(value: str) -> Any:
    """A number, claim, text in quotes or list as TOML would read it, else the text itself."""
    try:
        read = tomllib.loads(f"value = {value}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return value
    plain = read["value"]
    is_one = len(read) == 1 and isinstance(plain, bool | int | float | str | list)
    return plain if is_one else value


def _refuse_misspelt(name: str) -> None:
    """A secret under a name that is almost right would be missed without a word."""
    near = difflib.get_close_matches(name, SECRET_VARIABLES, n=1, cutoff=0.88)
    if near:
        raise BadInput(f"unknown environment variable {name}, did you mean {near[0]}?")


def validated(model: type[SectionT], values: Mapping[str, Any], *, source: str) -> SectionT:
    """The section, or one readable error that names every wrong key.

    Raises:
        BadInput: with the nearest known name for an unknown key.
    """
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        complaints = [_complaint(model, error["loc"], error) for error in exc.errors()]
        raise BadInput(f"settings ({source}): " + "; ".join(complaints)) from exc


def _complaint(model: type[Section], place: tuple[int | str, ...], error: Any) -> str:
    name = ".".join(str(part) for part in place)
    if error["type"] != "extra_forbidden":
        return f"{name}: {error['msg'].removeprefix('Value error, ')}"
    known = known_names(model)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"unknown key {name}" + (f", did you mean {near[0]}?" if near else "")


def known_names(model: type[Section], prefix: str = "") -> list[str]:
    """Every dotted name below a section."""
    names: list[str] = []
    for key, field in model.model_fields.items():
        names.append(prefix + key)
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            names.extend(known_names(annotation, f"{prefix}{key}."))
    return names
