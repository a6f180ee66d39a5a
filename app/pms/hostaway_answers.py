"""What is asked of Hostaway and what its answers mean; pure.

Source: Hostaway API documentation (2026-07): a dead token answers 403, and so do a locked
reservation and a missing right.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import BadInput, Conflict, OutsideError
from app.pms.incoming import identifier, read_json

DEAD_TOKEN_WORDS = (
    "invalid_token", "invalid token", "expired", "unauthorized", "authentication failed",
    "no scope",
)  # fmt: skip
"""What a 403 for a dead token says, as public clients found; others mean locked or forbidden."""
PASSING_WORDS = ("try again", "temporar", "timeout", "timed out", "too many", "rate limit")

Row = dict[str, Any]

logger = logging.getLogger(__name__)


class HostawayError(OutsideError):
    """Hostaway failed us or refused; `was_sent`: it may have acted on the request all the same."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool,
        status: int | None = None,
        was_sent: bool = False,
        is_token_refused: bool = False,
    ) -> None:
        super().__init__(message, outside="hostaway", retryable=retryable)
        self.status = status
        """HTTP status; none when there was no answer."""
        self.was_sent = was_sent
        self.is_token_refused = is_token_refused


class Withdrawn(Conflict):
    """A request that its caller took back when its turn had come: nothing was sent."""


Compose = Callable[[], Awaitable[Mapping[str, Any]]]
"""Gives a request's body once its turn has come, from what is true then.

Raises:
    Withdrawn: it is not to be sent any more.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request; `endpoint` is the template that logs may carry, `id` fills it."""

    endpoint: str
    id: str = ""
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    compose: Compose | None = field(default=None, repr=False)
    """In place of a body: a message into a thread, which goes before everything else."""
    on_turn: Callable[[], None] | None = field(default=None, repr=False)
    """Called when its turn has come: what it brings is no older."""
    credentials: Mapping[str, str] | None = field(default=None, repr=False)
    """The form of a token request, the one request that carries no token."""
    is_urgent: bool = False
    is_repeatable: bool = True
    """Whether doing it twice does no harm."""

    @property
    def name(self) -> str:
        """Such as `GET /reservations/{id}`."""
        return f"{self.method} {self.endpoint}"


def read_success(ask: Ask, status: int, body: bytes) -> Row:
    """The answer, if it is one and says so; none of its text goes into an error.

    Raises:
        HostawayError: it is a refusal, a failure or no JSON.
    """
    answer = _parsed(body)
    if 200 <= status < 300 and answer is not None and answer.get("status") != "fail":
        return answer
    if status == 429:
        raise HostawayError(f"{ask.name}: too many requests", retryable=True, status=status)
    if status >= 500 or status == 408:
        raise unknown_end(ask, f"failed ({status})", status)
    if status < 300 and answer is None:
        raise unknown_end(ask, "an answer that is no JSON", status)
    words = _words(answer, body)
    if status < 300 and any(word in words for word in PASSING_WORDS):
        raise unknown_end(ask, "failed for now", status)
    is_dead_token = status == 401 or (
        status == 403 and (not words or any(word in words for word in DEAD_TOKEN_WORDS))
    )
    raise HostawayError(
        f"{ask.name}: refused by Hostaway ({status})",
        retryable=False,
        status=status,
        is_token_refused=is_dead_token and ask.credentials is None,
    )


def rows_of(ask: Ask, answer: Row) -> list[Row]:
    """The list of an answer; what is no row in it is left out."""
    result = answer.get("result")
    if not isinstance(result, list):
        raise HostawayError(f"{ask.name}: answered with no list", retryable=False)
    rows = [row for row in result if isinstance(row, dict)]
    if len(rows) < len(result):
        logger.warning(
            "rows left out", extra={"endpoint": ask.name, "count": len(result) - len(rows)}
        )
    return rows


def last_id_of(rows: Sequence[Row]) -> str | None:
    """The id of the last row that has one; where a walk goes on."""
    ids = (identifier(row.get("id")) for row in reversed(rows))
    return next((external_id for external_id in ids if external_id), None)


def entity_of(ask: Ask, answer: Row) -> Row:
    """The one entity of an answer, and the one that was asked for.

    Raises:
        HostawayError: there is none, or another.
    """
    entity = one_of(ask, answer)
    if identifier(entity["id"]) != identifier(ask.id):
        raise HostawayError(f"{ask.name}: answered with another one", retryable=False)
    return entity


def one_of(ask: Ask, answer: Row) -> Row:
    """The one entity of an answer."""
    result = answer.get("result")
    if isinstance(result, dict) and result.get("id"):
        return result
    raise HostawayError(
        f"{ask.name}: answered with nothing", retryable=False, was_sent=not ask.is_repeatable
    )


def unknown_end(ask: Ask, what: str, status: int | None) -> HostawayError:
    """The error of a request that may have been acted on; harmless where it may be repeated."""
    return HostawayError(
        f"{ask.name}: {what}",
        retryable=ask.is_repeatable,
        status=status,
        was_sent=not ask.is_repeatable,
    )


def number_of(value: Any) -> float | None:
    """A finite number, or none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _parsed(body: bytes) -> Row | None:
    if not body.strip():
        return None
    try:
        answer = read_json(body)
    except BadInput:
        return None
    return answer if isinstance(answer, dict) else None


def _words(answer: Row | None, body: bytes) -> str:
    """What a failure says, lower case; for judging it, never for showing."""
    if answer is None:
        return body[:2000].decode(errors="replace").strip().lower()
    for key in ("result", "message", "error_description", "error"):
        if isinstance(answer.get(key), str) and answer[key]:
            return str(answer[key]).lower()
    return ""
