"""When each step from the caller's last word to the first sound of an answer was reached; pure.

Moments are noted in memory as they come and cost the call nothing; they are told in milliseconds
after the caller fell silent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(slots=True, kw_only=True)
class Stages:
    """The moments of one question and its answer; none where one was not reached."""

    speech_ended_at: datetime | None = None
    """When the caller fell silent: everything is told from here."""
    transcribed_at: datetime | None = None
    """The recogniser's last words were there."""
    turn_ended_at: datetime | None = None
    """It was decided that the caller has finished."""
    token_at: datetime | None = None
    """The mind's first word, once it was free to be said."""
    clause_at: datetime | None = None
    """The first clause went to the voice."""
    sound_at: datetime | None = None
    """The first sound of the answer was sent to the line."""

    def hear(self, utterance: "Utterance") -> None:
        """What is known of the question's own moments."""
        self.speech_ended_at = utterance.ends_at
        self.transcribed_at = utterance.transcribed_at
        self.turn_ended_at = utterance.turn_ended_at

    def told(self) -> dict[str, int]:
        """Stage → milliseconds after the caller fell silent, in order; empty for other speech."""
        if self.speech_ended_at is None:
            return {}
        moments = {
            "transcript_ms": self.transcribed_at,
            "turn_ms": self.turn_ended_at,
            "token_ms": self.token_at,
            "clause_ms": self.clause_at,
            "sound_ms": self.sound_at,
        }
        return {
            name: round((moment - self.speech_ended_at).total_seconds() * 1000)
            for name, moment in moments.items()
            if moment is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One stretch of speech, by either side, as the line knows it."""

    text: str
    """What recognition heard, or what of our words the caller has heard."""
    begins_at: datetime
    ends_at: datetime | None = None
    is_cut: bool = False
    """The other side spoke before it was whole."""
    heard_ms: int | None = None
    """So much of it reached the caller's ear; of our own speech only."""
    transcribed_at: datetime | None = None
    turn_ended_at: datetime | None = None


def utterance_of(item: Any, *, now: datetime, heard_s: float | None = None) -> Utterance:
    """What LiveKit's message says of an utterance; `heard_s` is how much of it was played."""
    metrics: Mapping[str, Any] = getattr(item, "metrics", None) or {}
    ends_at = _moment(metrics.get("stopped_speaking_at"))
    return Utterance(
        text=getattr(item, "text_content", None) or "",
        begins_at=_moment(metrics.get("started_speaking_at")) or now,
        ends_at=ends_at,
        is_cut=bool(getattr(item, "interrupted", False)),
        heard_ms=None if heard_s is None else round(heard_s * 1000),
        transcribed_at=_later(ends_at, metrics.get("transcription_delay")),
        turn_ended_at=_later(ends_at, metrics.get("end_of_turn_delay")),
    )


def _moment(epoch_s: float | None) -> datetime | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)


def _later(moment: datetime | None, seconds: float | None) -> datetime | None:
    return None if moment is None or seconds is None else moment + timedelta(seconds=seconds)
