"""Settings of the stand-ins that the control plane may change while they run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


class BadRequest(ValueError):
    """What the caller of the control plane gave cannot be used; the text says why."""


@dataclass(slots=True, kw_only=True)
class Knobs:
    """The defaults are a friendly outside: quick, complete, in order."""

    latency_s: float = 0.0
    """Added to every Hostaway request."""
    rate_ip: int = 15
    rate_account: int = 20
    rate_window_s: float = 10.0
    """Sliding windows of Hostaway; 0 requests means no limit."""
    rate_sends_per_min: int = 0
    """The soft limit on sending messages, per account; 0 is off."""
    retry_after: str = ""
    """Header of a 429: empty for none, a number of seconds, or `date` for the HTTP-date form."""
    token_expires_in_s: int = 63_072_000
    token_delay_s: float = 0.0
    """How long a new token is refused; the real one needs 1 s."""
    refusal_status: int = 403
    refusal_body: str = "text"
    """What is answered to a bearer token that is not alive; the body is `text` or `empty`."""
    webhook_latency_s: float = 0.0
    webhook_ack_timeout_s: float = 20.0
    webhook_time_factor: float = 1.0
    """Multiplies the waits between retries (60 s, 10 min, 45 min)."""
    webhook_duplicate: float = 0.0
    """Share of events delivered again, byte by byte the same."""
    webhook_duplicate_copies: int = 1
    webhook_duplicate_gap_s: float = 0.5
    webhook_reorder: float = 0.0
    """Share of events held back so that later ones overtake them."""
    webhook_reorder_s: float = 1.0
    webhook_loss: float = 0.0
    webhook_double_updated: float = 0.0
    """Share of reservation changes that arrive as two `reservation.updated` events."""
    webhook_outgoing: bool = False
    """Whether `message.received` also fires for messages that went out."""
    webhook_refuse_port: bool = False
    """Whether a hook URL with an explicit port is refused, as is said of the real one."""
    client_secrets: dict[str, str] = field(
        default_factory=lambda: {"70001": "sim-secret-70001", "70002": "sim-secret-70002"}
    )
    """Account id → secret of its API client."""
    slack_tokens: dict[str, str] = field(
        default_factory=lambda: {"xoxb-sim-70001": "T70001", "xoxb-sim-70002": "T70002"}
    )
    """Bot token → workspace id."""

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Set some of them; nothing changes when one of them is wrong.

        Raises:
            BadRequest: an unknown name or a value of the wrong kind.
        """
        names = {knob.name for knob in fields(self)}
        checked: dict[str, Any] = {}
        for name, value in wanted.items():
            if name not in names:
                raise BadRequest(f"unknown setting {name!r}; known: {', '.join(sorted(names))}")
            kind = type(getattr(self, name))
            if kind is float and type(value) is int:
                value = float(value)
            if type(value) is not kind:
                raise BadRequest(f"{name} must be {kind.__name__}, not {value!r}")
            checked[name] = value
        for name, value in checked.items():
            setattr(self, name, value)

    def as_row(self) -> dict[str, Any]:
        """All of them, for the control plane."""
        return asdict(self)
