"""The separate things said in a burst: what a bot may answer, and what needs a person. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.bots.channel_texts import ChannelText, channel_text
from app.bots.llm import RouteOutput
from app.bots.records import ActionCode, Library, Question, Severity

MOST_PARTS = 8
BOOKING_REQUEST = ChannelText(name="booking_request", leads_to="people", says="booking_change")
"""What a message is that the channel itself marks as a request to be decided on."""
_JOINT = re.compile(
    r"[\s,;]*(?<!\w)(?:and|und|oraz|also|auch|plus|i|a|و)?[\s,;:–—-]*$", re.IGNORECASE
)
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """The unanswered messages, sorted by what they are."""

    rest: tuple[str, ...]
    """What the guest wrote, for the mind."""
    for_people: tuple[tuple[str, ChannelText], ...]
    """Messages that go to a person by what they are."""
    silent: tuple[str, ...]
    """Messages that nobody waits for an answer to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A part that a person sees to, beside what is answered."""

    words: str
    """The guest's own; empty where they cannot be told from the rest."""
    because: str
    severity: Severity
    says: str
    """What the guest is told about it, in their language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One request in a burst, as the routing bot sees it."""

    code: ActionCode
    words: str
    """Verbatim the guest's; empty where the bot did not quote them."""


def read_burst(question: Question) -> Burst:
    """Sort the unanswered messages, each by itself."""
    rest: list[str] = []
    people: list[tuple[str, ChannelText]] = []
    silent: list[str] = []
    for text in question.asked:
        kind = BOOKING_REQUEST if text in question.requests else channel_text(text)
        if kind is None:
            rest.append(text)
        elif kind.leads_to == "people":
            people.append((text, kind))
        else:
            silent.append(text)
    return Burst(rest=tuple(rest), for_people=tuple(people), silent=tuple(silent))


def parts_of(output: RouteOutput, library: Library, asked: Sequence[str]) -> list[Part]:
    """What a routing bot found in a burst, each code once; the code it chose is among them.

    What it quotes counts only where the guest really wrote it.
    """
    parts: dict[str, Part] = {}
    for found in output.parts[:MOST_PARTS]:
        code = library.code(found.actionCode)
        if code is None:
            continue
        words = found.words.strip() if _find(found.words, asked) else ""
        if code.code in parts:
            both = [parts[code.code].words, words]
            words = "\n".join(both) if all(both) and both[0] != both[1] else both[0]
        parts[code.code] = Part(code=code, words=words)
    chosen = library.code(output.actionCode)
    if chosen is not None and chosen.code not in parts:
        parts = {chosen.code: Part(code=chosen, words=""), **parts}
    return list(parts.values())


def without(asked: Sequence[str], parts: Iterable[Part]) -> tuple[str, ...] | None:
    """The messages without the words of those parts; none where they cannot be told apart."""
    left = list(asked)
    for part in parts:
        for words in part.words.split("\n") if part.words else [""]:
            place = _find(words, left)
            if place is None:
                return None
            number, start, end = place
            head, tail = left[number][:start], left[number][end:]
            left[number] = f"{_JOINT.sub('', head)} {tail.lstrip(' ,;')}".strip()
    kept = tuple(text for text in left if _WORD.search(text))
    return kept or None


def _find(words: str, asked: Sequence[str]) -> tuple[int, int, int] | None:
    """(message, start, end) of words in a burst, however they are spaced or cased."""
    pieces = words.split()
    if not pieces or not _WORD.search(words):
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, pieces)), re.IGNORECASE)
    for number, text in enumerate(asked):
        if (hit := pattern.search(text)) is not None:
            return number, hit.start(), hit.end()
    return None
