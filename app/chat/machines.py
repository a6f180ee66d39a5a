"""Is the other side a machine too? Two that answer each other must not talk all night. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from app.chat.altered import letters
from app.conversations import Turn

ROUNDS = 3
"""So many of the guest's turns in a row that look like a machine's are one."""
AT_ONCE = timedelta(seconds=5)
"""Nobody reads a reply and writes an answer in less, time after time."""
FASTEST_HAND = 12.0
"""Characters a second; nobody types faster, and few paste three answers in a row."""
SHORTEST_COUNTED = 12
"""Letters from which texts that differ in their numbers alone are the same."""
LONGEST_HURRY = timedelta(seconds=60)
"""An answer that took longer may have been typed beforehand."""


def is_machine(history: Sequence[Turn]) -> bool:
    """Whether the other side answers like a machine: the same words, or faster than a hand.

    Args:
        history: the thread's turns of the last hour, oldest first.
    """
    guests = [turn for turn in history if turn.speaker == "guest"][-ROUNDS:]
    if len(guests) == ROUNDS and len({_without_numbers(turn.text) for turn in guests}) == 1:
        return True
    quick = 0
    before: Turn | None = None
    for turn in history:
        if before is not None and before.speaker == "bot" and turn.speaker == "guest":
            quick = quick + 1 if _is_too_quick(turn, turn.said_at - before.said_at) else 0
        before = turn
    return quick >= ROUNDS


def _is_too_quick(turn: Turn, took: timedelta) -> bool:
    if took <= AT_ONCE:
        return True
    return took <= LONGEST_HURRY and len(turn.text) > FASTEST_HAND * took.total_seconds()


def _without_numbers(text: str) -> str:
    """What stays the same in texts that only count on ("ticket 4711")."""
    plain = letters(text)
    counted = "".join(c for c in plain if not c.isdigit())
    return counted if len(counted) >= SHORTEST_COUNTED else plain or text.strip()
