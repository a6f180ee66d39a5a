"""What the guests will write: made from a seed, before anybody writes. Pure."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["asks", "needs_person", "follows_up", "takes_back", "thanks", "greets"]
"""`asks` has a topic that the reply must hold; `follows_up` is said while a person has it."""

WINDOW_S = 3.0
"""The quiet window that the product is given for confirmed guests."""
MOST_BURSTS = 3
"""More questions at once upon a reply would look like another machine."""
BETWEEN_BURSTS_S = (20.0, 45.0)
BETWEEN_LINES_S = (0.2, 0.9)

PHRASES: Mapping[str, Sequence[str]] = {
    "check_in": (
        "From what time can we check in?",
        "What time is check-in?",
        "When can we check in, please?",
    ),
    "check_out": (
        "Until when do we have to check out?",
        "What time is check-out?",
        "When is check-out?",
    ),
    "wifi": ("What is the wifi password?", "Could you tell me the wifi password?"),
    "door": ("What is the door code?", "Which code opens the door?"),
    "parking": ("Is there parking?", "Where can we leave the car?"),
    "luggage": (
        "Can we leave our suitcases somewhere after check-out?",
        "Where can we leave our luggage on the last day?",
    ),
}
GREETINGS = ("Hi!", "Hello there", "Good afternoon", "Hi, one question")
TAKEN_BACK = ("never mind, found it", "Never mind!", "forget it, we found it")
THANKS = ("Thanks!", "Thank you so much", "ok, great")
NEEDS_PERSON = (
    "The heating does not work",
    "There is water leaking from the ceiling",
    "I want my money back, this is not what we booked",
    "Could we check in earlier, at noon?",
    "Please let me talk to a human",
)
CHANGES = ("takes_back", "asks_more", "person", "cancelled", "nothing")
"""What happens to a thread while the product stands still."""
SHARES: Sequence[tuple[str, int]] = (("asks", 66), ("takes_back", 14), ("needs_person", 20))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message."""

    text: str
    kind: Kind
    topic: str | None = None
    after_s: float = 0.0
    """Since the burst began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Messages that belong together."""

    at_s: float
    """Since the load began."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Everything one guest writes."""

    number: int
    bursts: tuple[Burst, ...]

    @property
    def guest(self) -> str:
        """A name that nobody else has."""
        return f"Guest{self.number:04d} Crashtest"

    @property
    def count(self) -> int:
        """How many messages it has."""
        return sum(len(burst.lines) for burst in self.bursts)


def make_scripts(messages: int, seed: int, *, rate: float) -> list[Script]:
    """Scripts with so many messages in all, so many a second on average."""
    dice = random.Random(f"crash-{seed}")
    kinds = [kind for kind, weight in SHARES for _ in range(weight)]
    scripts: list[Script] = []
    left, length_s = messages, messages / rate
    while left > 0:
        number = len(scripts) + 1
        bursts = _bursts(dice, dice.choice(kinds), number)
        last_s = bursts[-1].at_s
        shift_s = dice.uniform(0.0, max(1.0, length_s - last_s))
        bursts = [Burst(at_s=b.at_s + shift_s, lines=b.lines) for b in _cut(bursts, left)]
        scripts.append(Script(number=number, bursts=tuple(bursts)))
        left -= scripts[-1].count
    return scripts


def make_single(count: int, seed: int, *, first: int, within_s: float) -> list[Script]:
    """Guests who ask one question each, at random moments; numbered from `first` on."""
    dice = random.Random(f"single-{seed}-{first}")
    topics = ("door", "wifi", "check_in", "parking")
    return [
        Script(
            number=first + place,
            bursts=(_burst(dice, dice.uniform(0.0, within_s), _asking(dice, topic)),),
        )
        for place, topic in enumerate(topics[n % len(topics)] for n in range(count))
    ]


def _bursts(dice: random.Random, kind: str, number: int) -> list[Burst]:
    topics = dice.sample(sorted(PHRASES), len(PHRASES))
    if kind == "takes_back":
        lines = [*_asking(dice, topics[0]), Line(text=dice.choice(TAKEN_BACK), kind="takes_back")]
        return [_burst(dice, 0.0, lines)]
    if kind == "needs_person":
        first = [Line(text=dice.choice(NEEDS_PERSON), kind="needs_person")]
        bursts = [_burst(dice, 0.0, first)]
        if dice.random() < 0.5:
            words = f"Hello? It is still about case number {number} of mine"
            later_s = dice.uniform(*BETWEEN_BURSTS_S)
            bursts.append(_burst(dice, later_s, [Line(text=words, kind="follows_up")]))
        return bursts
    bursts, at_s = [], 0.0
    for topic in topics[: dice.randint(1, MOST_BURSTS)]:
        lines = _asking(dice, topic)
        if bursts and dice.random() < 0.3:
            lines.insert(0, Line(text=dice.choice(THANKS), kind="thanks"))
        bursts.append(_burst(dice, at_s, lines))
        at_s += dice.uniform(*BETWEEN_BURSTS_S)
    if dice.random() < 0.25:
        bursts.append(_burst(dice, at_s, [Line(text=dice.choice(THANKS), kind="thanks")]))
    return bursts


def _asking(dice: random.Random, topic: str) -> list[Line]:
    lines = [Line(text=dice.choice(PHRASES[topic]), kind="asks", topic=topic)]
    if dice.random() < 0.5:
        lines.insert(0, Line(text=dice.choice(GREETINGS), kind="greets"))
    return lines


def _burst(dice: random.Random, at_s: float, lines: Sequence[Line]) -> Burst:
    timed, after_s = [], 0.0
    for line in lines:
        timed.append(Line(text=line.text, kind=line.kind, topic=line.topic, after_s=after_s))
        after_s += dice.uniform(*BETWEEN_LINES_S)
    return Burst(at_s=at_s, lines=tuple(timed))


def _cut(bursts: Sequence[Burst], most: int) -> list[Burst]:
    """The first so many messages; what is left is still one whole question a burst."""
    kept: list[Burst] = []
    for burst in bursts:
        room = most - sum(len(b.lines) for b in kept)
        if room > 0:
            kept.append(Burst(at_s=burst.at_s, lines=burst.lines[-room:]))
    return kept


def mark_of(topic: str, reservation: Mapping[str, Any], listing: Mapping[str, Any]) -> str:
    """A pattern that the answer to a topic holds for this stay, and nothing else does."""
    if topic == "check_in":
        return rf"(?i)check-?in\b[^.!?]{{0,40}}\b{int(listing['checkInTimeStart']):02d}:00"
    if topic == "check_out":
        return rf"(?i)check-?out\b[^.!?]{{0,40}}\b{int(listing['checkOutTime']):02d}:00"
    if topic == "wifi":
        return re.escape(str(listing["wifiPassword"]))
    if topic == "door":
        return rf"(?<!\d){re.escape(str(reservation['doorCode']))}(?!\d)"
    if topic == "parking":
        fields = {v["customFieldId"] % 10: str(v["value"]) for v in listing["customFieldValues"]}
        return re.escape(fields[1])
    if topic == "luggage":
        return re.escape("Puławska 12")
    raise ValueError(topic)
