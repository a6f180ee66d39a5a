"""Rules that say which concepts near each other are an emergency. Pure.

One rule a line, the names of concepts in any order of appearance:

    water pours           both near each other
    water comes|runs      one or the other
    alarm sounds -chirps  none of the last near it
    code fails @12        so many words apart at most
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.bots.concepts import Message, Place
from app.bots.phrase_patterns import phrase_lines
from app.errors import BadInput

REACH = 6
"""How far apart two concepts of a rule may stand, in words, where the rule does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Concepts that are an emergency together."""

    groups: tuple[frozenset[str], ...]
    without: tuple[str, ...]
    reach: int
    is_named: bool
    """The thing is only named: it does not count where a guest merely asks about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule that a message fulfils, with the places that do."""

    places: tuple[Place, ...]
    is_named: bool


def read_rules(file: Mapping[str, Any]) -> dict[str, list[Rule]]:
    """Rules by kind, of the blocks `[happens]` and `[named]` of a rule file.

    Raises:
        BadInput: a line is no rule.
    """
    rules: dict[str, list[Rule]] = {}
    for block, is_named in (("happens", False), ("named", True)):
        for kind, lines in file[block].items():
            rules.setdefault(kind, []).extend(
                _read_rule(line, is_named=is_named) for line in phrase_lines(lines)
            )
    return rules


def matches(
    rules: Iterable[Rule], places: Mapping[str, Sequence[Place]], message: Message
) -> Iterator[Match]:
    """Every way in which a message fulfils a rule."""
    present = frozenset(places)
    for rule in rules:
        if any(map(present.isdisjoint, rule.groups)):
            continue
        found = [sorted(_of(group, places)) for group in rule.groups]
        for chosen in _together(found, message, rule.reach, ()):
            against = (p for p in _of(rule.without, places) if p.language == chosen[0].language)
            if not any(_is_near(p, chosen, message, rule.reach) for p in against):
                yield Match(places=chosen, is_named=rule.is_named)


def _together(
    found: Sequence[Sequence[Place]], message: Message, reach: int, chosen: tuple[Place, ...]
) -> Iterator[tuple[Place, ...]]:
    if not found:
        yield chosen
        return
    for place in found[0]:
        if not chosen or (
            place.language == chosen[0].language
            and _is_near(place, chosen, message, reach)
            and not any(_is_in_the_way(place, other) for other in chosen)
        ):
            yield from _together(found[1:], message, reach, (*chosen, place))


def _is_in_the_way(place: Place, other: Place) -> bool:
    """Whether two places share words, other than one in a gap of the other."""
    if place.end <= other.start or other.end <= place.start:
        return False
    inner, outer = sorted((place, other), key=lambda p: p.end - p.start)
    return not outer.start < inner.start <= inner.end < outer.end


def _of(names: Iterable[str], places: Mapping[str, Sequence[Place]]) -> Iterator[Place]:
    return (place for name in names for place in places.get(name, ()))


def _is_near(place: Place, others: Iterable[Place], message: Message, reach: int) -> bool:
    at = message.at
    return any(
        at[place.start] - at[other.end - 1] <= reach + 1
        and at[other.start] - at[place.end - 1] <= reach + 1
        for other in others
    )


def _read_rule(line: str, *, is_named: bool) -> Rule:
    groups: list[frozenset[str]] = []
    without: list[str] = []
    reach = REACH
    for part in line.split():
        if part.startswith("@"):
            reach = int(part[1:])
        elif part.startswith("-"):
            without += part[1:].split("|")
        else:
            groups.append(frozenset(part.split("|")))
    if not groups:
        raise BadInput(f"the rule {line!r} names no concept")
    return Rule(groups=tuple(groups), without=tuple(without), reach=reach, is_named=is_named)
