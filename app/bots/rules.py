"""What is decided without facts and without a model: emergencies, wishes, silence, greetings. Pure.

The order counts: danger first; then what nobody waits an answer for; then the guest's wish for a
person; then what no machine can look at or decide.
"""

from dataclasses import dataclass

from app.bots.channel_texts import quotes_us
from app.bots.parts import Burst, read_burst
from app.bots.phrases import is_only_greeting, is_only_thanks, retracts, wants_human
from app.bots.records import Question, Route, Severity
from app.bots.sentences import by_medium, sentence
from app.bots.urgent import Urgent, emergency_sentence, find_urgent

ESCALATE = "ESCALATE"
SILENT = "NO_MESSAGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A route, and what is said on it."""

    route: Route
    says: str | None


def ruling(question: Question, language: str) -> Ruling | None:
    """What rules decide; none where facts or a model must."""
    q = question
    own = "\n".join(text for text in q.asked if not quotes_us(text))
    urgent = find_urgent(own, country_code=q.stay.listing.country_code if q.stay else None)
    if urgent is not None:
        return _urgent(urgent, _holding(q, language), language)
    burst = read_burst(q)
    if (because := _why_silent(q, burst)) is not None:
        return silence(because, language)
    if q.refuses_robot:
        return person("the guest asked for no robot", language, says=_holding(q, language))
    if wants_human(q.text):
        return person(
            "the guest asked for a person",
            language,
            action_code=ESCALATE,
            says=_holding(q, language),
        )
    if any(not _is_friendly(text) for text in burst.rest):
        return None
    return _without_question(q, burst, language)


def person(
    because: str,
    language: str,
    *,
    says: str | None = None,
    severity: Severity = "normal",
    action_code: str | None = None,
) -> Ruling:
    """To a person; the guest is told, by the usual sentence where there is no better one."""
    route = Route(
        outcome="person",
        origin="rule",
        because=because,
        language=language,
        action_code=action_code,
        severity=severity,
    )
    return Ruling(route=route, says=says or sentence("holding", language))


def silence(because: str, language: str) -> Ruling:
    """No reply is needed."""
    route = Route(
        outcome="silence", origin="rule", because=because, language=language, action_code=SILENT
    )
    return Ruling(route=route, says=None)


def _holding(q: Question, language: str) -> str:
    return sentence(by_medium("holding", q.medium), language)


def _urgent(urgent: Urgent, holding: str, language: str) -> Ruling:
    first = emergency_sentence(urgent, language) if urgent.emergency_number else ""
    route = Route(
        outcome="person",
        origin="urgent",
        because=f"urgent: {urgent.kind} ({urgent.phrase})",
        language=language,
        action_code=ESCALATE,
        score=1.0,
        severity=urgent.severity,
    )
    return Ruling(route=route, says=f"{first} {holding}".strip())


def _why_silent(q: Question, burst: Burst) -> str | None:
    if not q.text.strip():
        return None if q.has_attachment else "nothing was said"
    if q.asked and retracts(q.asked[-1]):
        return "the guest took it back"
    if burst.for_people or not all(_needs_nothing(text) for text in burst.rest):
        return None
    if burst.rest:
        return "no reply is needed"
    return "a reaction, an automatic reply or a mere notice"


def _without_question(q: Question, burst: Burst, language: str) -> Ruling:
    """A burst that asks nothing in words: requests of the channel, a photo, a greeting."""
    if burst.for_people:
        kind = burst.for_people[0][1]
        because = f"a channel's text: {kind.name.replace('_', ' ')}"
        return person(because, language, says=sentence(kind.says, language))
    if q.has_attachment:
        says = sentence("attachment", language)
        return person("a photo or voice note alone", language, says=says, severity="low")
    greeting = sentence(by_medium("greeting", q.medium), language)
    last = next((turn.text for turn in reversed(q.history) if turn.speaker == "bot"), "")
    if greeting in last and q.medium != "phone":
        return silence("a greeting that was answered already", language)
    route = Route(
        outcome="reply", origin="rule", because="a greeting alone", language=language, score=1.0
    )
    return Ruling(route=route, says=greeting)


def _needs_nothing(text: str) -> bool:
    return is_only_thanks(text) and not is_only_greeting(text)


def _is_friendly(text: str) -> bool:
    return is_only_thanks(text) or is_only_greeting(text)
