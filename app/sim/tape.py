"""What a call sounded like: both directions side by side, and when somebody spoke."""

import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
TICK = RATE // 50
"""Samples of 20 ms, the grain of the tape."""
LOUD = 350.0
"""Root mean square of 20 ms from which somebody speaks; telephone silence is below 50."""
BRIDGED_TICKS = 20
"""Pauses up to 400 ms belong to the speech around them."""
SHORTEST_TICKS = 3
"""Shorter sounds are clicks."""

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One stretch of speech, in seconds since the stream began."""

    begins_s: float
    ends_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing the caller said, and what came of it; seconds since the stream began."""

    said: Spoken
    answered_s: float | None
    """When the hotline's next speech began; none where nothing came before the caller went on."""
    silenced_s: float | None
    """When the hotline fell silent that had been speaking as the caller began."""

    @property
    def latency_ms(self) -> int | None:
        """From the caller's last sound to the hotline's first."""
        return (
            None if self.answered_s is None else round((self.answered_s - self.said.ends_s) * 1000)
        )


class Tape:
    """A stereo recording: the caller left, the hotline right."""

    def __init__(self) -> None:
        self._caller: list[Samples] = []
        self._hotline: list[Samples] = []
        self._caller_loud: list[bool] = []
        self._hotline_loud: list[bool] = []

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self._caller) * TICK / RATE

    def add(self, caller: Samples, hotline: Samples) -> None:
        """Twenty milliseconds of both."""
        self._caller.append(caller)
        self._hotline.append(hotline)
        self._caller_loud.append(is_loud(caller))
        self._hotline_loud.append(is_loud(hotline))

    def spoken(self, *, by_hotline: bool) -> list[Spoken]:
        """Every stretch of speech of one side."""
        return spoken_in(self._hotline_loud if by_hotline else self._caller_loud)

    def turns(self) -> list[Turn]:
        """Every turn of the caller."""
        return turns_in(self.spoken(by_hotline=False), self.spoken(by_hotline=True))

    def hotline_sound(self, since_s: float = 0.0, until_s: float | None = None) -> Samples:
        """What the hotline said between two moments."""
        end = None if until_s is None else int(until_s * RATE / TICK)
        ticks = self._hotline[int(since_s * RATE / TICK) : end]
        return np.concatenate(ticks) if ticks else np.empty(0, np.int16)

    def wav(self) -> bytes:
        """The recording as a file."""
        written = io.BytesIO()
        with wave.open(written, "wb") as recording:
            recording.setnchannels(2)
            recording.setsampwidth(2)
            recording.setframerate(RATE)
            if self._caller:
                both = np.stack((np.concatenate(self._caller), np.concatenate(self._hotline)), 1)
                recording.writeframes(np.ascontiguousarray(both).tobytes())
        return written.getvalue()

    def save(self, path: Path) -> None:
        """Keep the recording."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.wav())


def is_loud(tick: Samples) -> bool:
    """Whether somebody speaks in 20 ms."""
    return bool(np.sqrt(np.mean(tick.astype(np.float64) ** 2)) >= LOUD)


def spoken_in(ticks: list[bool]) -> list[Spoken]:
    """Stretches of loud ticks, short pauses bridged, clicks left out."""
    loud = [number for number, is_speech in enumerate(ticks) if is_speech]
    stretches: list[tuple[int, int]] = []
    for number in loud:
        if stretches and number - stretches[-1][1] <= BRIDGED_TICKS:
            stretches[-1] = (stretches[-1][0], number)
        else:
            stretches.append((number, number))
    grain = TICK / RATE
    return [
        Spoken(begins_s=first * grain, ends_s=(last + 1) * grain)
        for first, last in stretches
        if last - first + 1 >= SHORTEST_TICKS
    ]


def turns_in(caller: list[Spoken], hotline: list[Spoken]) -> list[Turn]:
    """What the caller said, each with the hotline's next speech before the caller's next."""
    turns: list[Turn] = []
    for number, said in enumerate(caller):
        until_s = caller[number + 1].begins_s if number + 1 < len(caller) else float("inf")
        answers = [one.begins_s for one in hotline if said.ends_s <= one.begins_s < until_s]
        spoke = [one.ends_s for one in hotline if one.begins_s < said.begins_s < one.ends_s]
        turns.append(
            Turn(
                said=said,
                answered_s=answers[0] if answers else None,
                silenced_s=spoke[0] if spoke else None,
            )
        )
    return turns
