"""Choosing an action code for a guest's burst, from nothing but the codes the prompt lists."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.sim.reading import Code, split_parts
from app.sim.retrieval import Features, coverage, perceive, weight_of

_DESCRIBED = 0.85
"""How surely a code covers a concept of its description; its name counts 1.0."""
_EXAMPLE_WINS_ALARM = 0.75
"""So near must an example be for a code to keep a part that sounds alarming."""
_EXAMPLE_SPEAKS = 0.5
"""So near must an example be for words without a question to be taken as one."""
_COVERED = 0.6
_CLOSE_RACE = 0.06
_FROM_HISTORY = 0.75
_LOWEST = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The chosen code and how sure, why, and whether it covers the whole burst."""

    code: str
    score: float
    reasoning: str
    covers_all: bool
    other_codes: tuple[str, ...]
    parts: tuple[tuple[str, str], ...] = ()
    """(code, the guest's words) of each separate thing said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profile:
    """A code as it is compared with what a guest says."""

    code: Code
    concepts: dict[str, float]
    words: tuple[str, ...]
    examples: tuple[Features, ...]
    alarms: float
    is_quiet: bool
    is_general: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """The best code for one part of the burst."""

    part: str
    profile: _Profile
    score: float
    is_alarm: bool


def choose_code(
    codes: Sequence[Code], burst: tuple[str, ...], earlier: Sequence[str] = ()
) -> Route:
    """Give the code nearest to what the guest says; a part that needs a person goes first.

    Args:
        codes: those the prompt lists, at least one.
        burst: the guest's unanswered messages, oldest first.
        earlier: what the guest said before, used only when the burst speaks of nothing itself.
    """
    profiles = [_profile(code) for code in codes]
    parts = _still_standing(split_parts(burst))
    choices = [choice for part in parts if (choice := _choose(profiles, part)) is not None]
    certainty = 1.0
    if not choices and earlier and parts and _asks(burst):
        follow_up = _choose(profiles, f"{earlier[-1]} {' '.join(parts)}")
        choices, certainty = [follow_up] if follow_up else [], _FROM_HISTORY
    if not choices:
        return _nothing_asked(profiles, burst)
    best = max(choices, key=lambda choice: (choice.is_alarm, round(choice.score, 2)))
    others = [choice for choice in choices if not _covers(best.profile, choice)]
    other_codes = dict.fromkeys(
        choice.profile.code.name for choice in others if choice.profile is not best.profile
    )
    return Route(
        code=best.profile.code.name,
        score=round(min(best.score * certainty, 0.98), 2),
        reasoning=_reasoning(best, others),
        covers_all=not others,
        other_codes=tuple(other_codes),
        parts=tuple((choice.profile.code.name, choice.part) for choice in choices),
    )


def _profile(code: Code) -> _Profile:
    named = perceive(code.name.replace("_", " ").lower())
    described = perceive(code.description)
    concepts = dict.fromkeys(described.concepts, _DESCRIBED) | dict.fromkeys(named.concepts, 1.0)
    social = described.of_kind("social") | named.of_kind("social")
    topics = described.of_kind("topic") | named.of_kind("topic")
    return _Profile(
        code=code,
        concepts=concepts,
        words=described.words + named.words,
        examples=tuple(perceive(example) for example in code.examples),
        alarms=len(described.of_kind("alarm")) + 2.0 * len(named.of_kind("alarm")),
        is_quiet="noreply" in concepts or (bool(social) and not topics),
        is_general="general" in concepts,
    )


def _still_standing(parts: list[str]) -> list[str]:
    """Give the parts that no later "never mind" took back; alarms stand."""
    standing: list[str] = []
    for part in parts:
        seen = perceive(part, forgiving=True)
        if seen.of_kind("cancel") and not seen.of_kind("alarm"):
            standing = [before for before in standing if _is_alarming(before)]
            if not (seen.of_kind("topic") and "question" in seen.concepts):
                continue
        standing.append(part)
    return standing


def _is_alarming(part: str) -> bool:
    return bool(perceive(part, forgiving=True).of_kind("alarm"))


def _choose(profiles: Sequence[_Profile], part: str) -> _Choice | None:
    """Give the best code for a part, or None when the part asks nothing."""
    seen = perceive(part, forgiving=True)
    is_alarm = bool(seen.of_kind("alarm"))
    asks = "question" in seen.concepts or part.rstrip().endswith(("?", "؟"))
    if not is_alarm and not seen.of_kind("topic") and not (asks and (seen.words or _weighs(seen))):
        nearest = max((_example_score(one, seen) for one in profiles), default=0.0)
        if nearest < _EXAMPLE_SPEAKS:
            return None
    if not is_alarm and not asks and seen.of_kind("social") and not seen.of_kind("topic"):
        return None
    ranked = sorted(
        ((_likeness(profile, seen), -at, profile) for at, profile in enumerate(profiles)),
        key=lambda item: item[:2],
        reverse=True,
    )
    score, _, profile = ranked[0]
    if is_alarm and (alarmed := _for_alarm(profiles, profile, seen)) is not None:
        return _Choice(part=part, profile=alarmed, score=0.95, is_alarm=True)
    general = next((one for one in profiles if one.is_general), None)
    if general is not None and score < _COVERED:
        return _Choice(part=part, profile=general, score=0.7, is_alarm=False)
    if len(ranked) > 1 and score - ranked[1][0] < _CLOSE_RACE:
        score *= 0.9
    return _Choice(part=part, profile=profile, score=max(score, _LOWEST), is_alarm=False)


def _for_alarm(profiles: Sequence[_Profile], best: _Profile, seen: Features) -> _Profile | None:
    """Give the code that calls a person, unless another one has this very case as an example."""
    alarmed = max(profiles, key=lambda profile: profile.alarms)
    if alarmed.alarms == 0 or alarmed is best:
        return best if best.alarms else None
    owns_case = any(
        example.of_kind("alarm") & seen.of_kind("alarm")
        and _alike(example, seen) >= _EXAMPLE_WINS_ALARM
        for example in best.examples
    )
    return None if owns_case else alarmed


def _likeness(profile: _Profile, seen: Features) -> float:
    described = coverage(seen, profile.concepts, profile.words)
    asked = {name for name in seen.concepts if weight_of(name)}
    spread = sum(1 for name in profile.concepts if weight_of(name) and name not in asked)
    described *= 0.97 if spread > 2 else 1.0
    return max(described, _example_score(profile, seen))


def _example_score(profile: _Profile, seen: Features) -> float:
    return max((_alike(example, seen) for example in profile.examples), default=0.0)


def _alike(example: Features, seen: Features) -> float:
    """Give how near an example is: mostly whether it holds what is said, partly the reverse."""
    forth = coverage(seen, dict.fromkeys(example.concepts, 1.0), example.words)
    back = coverage(example, dict.fromkeys(seen.concepts, 1.0), seen.words)
    return 0.65 * forth + 0.35 * back


def _weighs(seen: Features) -> bool:
    return any(weight_of(name) for name in seen.concepts)


def _asks(burst: tuple[str, ...]) -> bool:
    seen = perceive(" ".join(burst), forgiving=True)
    return "question" in seen.concepts or _weighs(seen) or any("?" in said for said in burst)


def _covers(chosen: _Profile, choice: _Choice) -> bool:
    if choice.profile is chosen:
        return True
    if choice.is_alarm:
        return False
    return _likeness(chosen, perceive(choice.part, forgiving=True)) >= max(
        _COVERED, choice.score - 0.2
    )


def _nothing_asked(profiles: Sequence[_Profile], burst: tuple[str, ...]) -> Route:
    quiet = next((profile for profile in profiles if profile.is_quiet), None)
    seen = perceive(" ".join(burst), forgiving=True)
    if quiet is not None and not seen.words and not _weighs(seen):
        return _simple(quiet, 0.95, "The guest asks nothing, or took it back.")
    if quiet is not None and seen.of_kind("social", "cancel"):
        return _simple(quiet, 0.85, "The guest only says something friendly.")
    if quiet is not None:
        return _simple(quiet, 0.5, "The guest seems to ask nothing.")
    fallback = max(profiles, key=lambda profile: profile.alarms)
    return _simple(fallback, 0.2, "No code fits what the guest says.")


def _simple(profile: _Profile, score: float, reasoning: str) -> Route:
    return Route(
        code=profile.code.name, score=score, reasoning=reasoning, covers_all=True, other_codes=()
    )


def _reasoning(best: _Choice, others: Sequence[_Choice]) -> str:
    topics = sorted(perceive(best.part, forgiving=True).of_kind("topic", "alarm"))
    about = ", ".join(topics).replace("_", " ") or "something the descriptions barely mention"
    rest = f" {len(others)} more part(s) fall outside this code." if others else ""
    return f"The guest speaks about {about}.{rest}"
