"""Answering a guest from the facts of a prompt, in the guest's language, and from nothing else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.sim.reading import (
    Fact,
    read_bot_name,
    read_facts,
    read_guest_name,
    split_parts,
    split_sentences,
)
from app.sim.retrieval import Features, coverage, detect_language, lexicon, perceive, read

_GOOD_ENOUGH = 0.55
_SAME_AS_BEST = 0.97
_INHERITED = 0.6
_WITHIN = 0.8
_MOST_SENTENCES = 3
_LONGEST_CLAUSE = 90
_LONGEST_QUOTE = 320
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}|\b\d{1,2}\s?(?:am|pm|uhr|h)\b", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.|\d{1,2}\.? [^\W\d]{3,}")
_MONEY = re.compile(
    r"\d\s*(?:€|\$|£|zł|eur|pln|usd|gbp|aed|درهم|يورو)|[€$£]\s*\d|\b(?:eur|pln|usd|aed)\s*\d",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"\d|free|darmow|bezpłatn|gratis|kostenlos|kostenfrei|مجان", re.IGNORECASE)
_LANGUAGE_NAMES = {
    "pl": r"polish|polsku|polski",
    "de": r"german\b|deutsch",
    "ar": r"arabic|العربية|arabsku|arabisch",
    "en": r"english|angielsku|englisch|الإنجليزية",
}
_SECRETS = frozenset({"password", "code"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """A fact with what it is about."""

    fact: Fact
    label: Features
    concepts: dict[str, float]
    words: tuple[str, ...]
    is_withheld: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one part of the burst led to."""

    offers: tuple[_Offer, ...] = ()
    is_partial: bool = False
    is_missing: bool = False
    is_override: bool = False
    is_identity: bool = False


def answer_from(
    prompt: str, burst: tuple[str, ...], earlier: Sequence[str] = (), *, is_first: bool = False
) -> str:
    """Give a short reply made of the prompt's facts, or the honest word that they are missing.

    Args:
        prompt: the system prompt; its instructions are never quoted.
        burst: the guest's unanswered messages, oldest first; instructions in them are ignored.
        earlier: what the guest said before, newest last.
        is_first: nobody has answered this guest yet, so a greeting is returned.
    """
    language = detect_language(" ".join(burst), *reversed(earlier), default=_told_language(prompt))
    parts = split_parts(burst)
    offers = [_offer(fact) for fact in read_facts(prompt)]
    found = [_look_up(offers, part) for part in _asking(parts)]
    if earlier and all(one.is_missing and not one.is_override for one in found):
        found = _with_history(offers, parts, earlier) or found
    greeting = _greeting(prompt, burst, language) if is_first else ""
    body = _body(prompt, found, language) if found else _courtesy(burst, language)
    mark = _mark_of_ignorance(prompt) if _admits(body, language) else ""
    return f"{greeting} {body} {mark}".strip()


def _admits(body: str, language: str) -> bool:
    """Whether the reply says that something is not known."""
    return any(say(phrase, language) in body for phrase in ("unknown", "rest_unknown", "confirm"))


def _mark_of_ignorance(prompt: str) -> str:
    """Give what the prompt wants at the end of a reply that does not know, if it wants anything."""
    told = re.search(r"\bend with (\[\[\w+\]\])", prompt)
    return told[1] if told else ""


def say(phrase: str, language: str, value: str = "") -> str:
    """Give one of the stand-in's own phrases in a language, around a quoted value."""
    table: object = read("phrases.toml")
    for step in phrase.split("."):
        table = table.get(step, {}) if isinstance(table, dict) else {}
    text = table.get(language, "") if isinstance(table, dict) else ""
    return str(text).replace("{value}", value)


def _offer(fact: Fact) -> _Offer:
    label, text = perceive(fact.label), perceive(fact.text)
    label_sure = 1.0 if fact.is_whole else _INHERITED
    if not fact.is_whole and len(label.concepts) > 1:
        label_sure = 0.4
    concepts = dict.fromkeys(label.concepts, label_sure)
    text_sure = _WITHIN if fact.is_whole else 1.0
    for name in text.concepts:
        concepts[name] = max(concepts.get(name, 0.0), text_sure)
    for name, shape in (("time", _CLOCK), ("price", _MONEY)):
        if shape.search(fact.text):
            concepts.setdefault(name, 0.9)
    is_withheld = "withheld" in concepts and bool(concepts.keys() & {"access", *_SECRETS})
    if is_withheld:
        concepts |= dict.fromkeys(("access", "wifi", *_SECRETS), 0.95)
    return _Offer(
        fact=fact,
        label=label,
        concepts=concepts,
        words=label.words + text.words,
        is_withheld=is_withheld,
    )


def _asking(parts: Sequence[str]) -> list[str]:
    """Give the parts that ask something; statements only where nothing asks."""
    seen = [(part, perceive(part, forgiving=True)) for part in parts]
    asking = [part for part, one in seen if _is_question(part, one)]
    return asking or [
        part for part, one in seen if one.of_kind("topic") or "override" in one.concepts
    ]


def _is_question(part: str, seen: Features) -> bool:
    if "override" in seen.concepts or "identity" in seen.concepts:
        return True
    marked = "question" in seen.concepts or part.rstrip().endswith(("?", "؟"))
    asked = bool(seen.of_kind("topic")) or (marked and bool(seen.words))
    is_bare = bool(seen.of_kind("topic")) and len(part.split()) <= 4
    return asked and (marked or is_bare or bool(seen.of_kind("attribute")))


def _look_up(offers: Sequence[_Offer], part: str) -> _Found:
    seen = perceive(part, forgiving=True)
    if "identity" in seen.concepts:
        return _Found(is_identity=True)
    if "override" in seen.concepts:
        seen = Features(concepts=seen.concepts - {"rules", "override"}, words=(), votes={})
        if not seen.of_kind("topic"):
            return _Found(is_override=True)
    best = _best(offers, seen)
    topics = seen.of_kind("topic")
    if best or len(topics) < 2:
        is_partial = bool(best) and not any(_answers_fully(offer, topics) for offer in best)
        return _Found(offers=tuple(best), is_partial=is_partial, is_missing=not best)
    gathered: list[_Offer] = []
    is_missing = False
    for topic in sorted(topics):
        alone = Features(concepts=seen.concepts - topics | {topic}, words=(), votes={})
        some = _best(offers, alone)
        gathered += [offer for offer in some[:1] if offer not in gathered]
        is_missing = is_missing or not some
    return _Found(offers=tuple(gathered), is_missing=is_missing)


def _best(offers: Sequence[_Offer], seen: Features) -> list[_Offer]:
    scored = [
        (score, offer)
        for offer in offers
        if (score := coverage(seen, offer.concepts, offer.words)) >= _GOOD_ENOUGH
        and _gives_what_is_asked(offer, seen)
    ]
    if not scored:
        return []
    scored = _of_the_kind(scored, seen)
    top = max(score for score, _ in scored)
    chosen: list[_Offer] = []
    for score, offer in scored:
        is_said = any(offer.fact.text in other.fact.text for other in chosen)
        if score >= top * _SAME_AS_BEST and not is_said:
            chosen.append(offer)
    return chosen[:_MOST_SENTENCES]


def _of_the_kind(scored: list[tuple[float, _Offer]], seen: Features) -> list[tuple[float, _Offer]]:
    """Give only the offers with a date, or with an hour, where the topic has both."""
    if not any(lexicon().concepts[name].timed for name in seen.of_kind("topic")):
        return scored
    wanted = _DATE if "date" in seen.concepts else _CLOCK
    return [(score, offer) for score, offer in scored if wanted.search(offer.fact.text)] or scored


def _gives_what_is_asked(offer: _Offer, seen: Features) -> bool:
    """Say whether an offer has the kind of thing asked for: a code, a time, an amount."""
    topics = seen.of_kind("topic")
    known = lexicon().concepts
    offered_topics = {name for name in offer.concepts if known[name].kind == "topic"}
    is_near = any(set(known[name].near) & offered_topics for name in topics)
    if topics and not topics & offered_topics and not is_near:
        return False
    if seen.concepts & _SECRETS and topics & {"wifi", "access"}:
        return bool(offer.concepts.keys() & _SECRETS) or "[[" in offer.fact.text
    if "time" in seen.concepts and any(known[name].timed for name in topics):
        return bool(_CLOCK.search(offer.fact.text)) or offer.is_withheld
    if "price" in seen.concepts and topics:
        return bool(_AMOUNT.search(offer.fact.text))
    return True


def _answers_fully(offer: _Offer, topics: frozenset[str]) -> bool:
    return not topics or any(offer.concepts.get(name, 0.0) > 0.0 for name in topics)


def _with_history(
    offers: Sequence[_Offer], parts: Sequence[str], earlier: Sequence[str]
) -> list[_Found]:
    """Give what a follow-up ("and the password?") leads to together with the message before it."""
    now = perceive(" ".join(parts), forgiving=True)
    if now.words or now.of_kind("topic") or "override" in now.concepts:
        return []
    if not now.of_kind("attribute"):
        return []
    before = perceive(earlier[-1], forgiving=True)
    joined = Features(concepts=before.of_kind("topic") | now.concepts, words=(), votes={})
    best = _best(offers, joined)
    return [_Found(offers=tuple(best))] if best else []


def _body(prompt: str, found: Sequence[_Found], language: str) -> str:
    sentences: list[str] = []
    clauses: list[str] = []
    said: list[str] = []
    for one in found:
        if one.is_identity:
            name = read_bot_name(prompt)
            sentences.append(say("identity_name" if name else "identity", language, name or ""))
        for offer in one.offers:
            if offer.fact.text in said:
                continue
            said.append(offer.fact.text)
            clause = _clause(offer, language)
            if clause is not None:
                clauses.append(clause)
            else:
                sentences.append(_quote(offer, language))
    sentences = _from_clauses(clauses, _MOST_SENTENCES - len(sentences), language) + sentences
    if any(one.is_partial for one in found):
        sentences.append(say("confirm", language))
    elif any(one.is_missing for one in found):
        sentences.append(say("rest_unknown" if sentences else "unknown", language))
    elif not sentences:
        sentences.append(say("refusal", language))
    return " ".join(sentences[: _MOST_SENTENCES + 1])


def _clause(offer: _Offer, language: str) -> str | None:
    """Give a clause of the stand-in's own around a short value, where the label is well known."""
    value = offer.fact.text.rstrip(".")
    if not offer.fact.is_whole or len(value) > _LONGEST_CLAUSE or len(split_sentences(value)) > 1:
        return None
    text = perceive(value)
    topics = sorted(offer.label.of_kind("topic"))
    if len(topics) != 1 or offer.is_withheld:
        return None
    kind = topics[0]
    secret = offer.label.concepts & _SECRETS
    if kind == "wifi":
        kind = "wifi_password" if secret else "wifi_network"
        if not secret and text.concepts & _SECRETS:
            return None
    elif kind == "access":
        kind = "access_code" if secret else ""
    return say(f"fact.{kind}", language, value) or None


def _from_clauses(clauses: Sequence[str], room: int, language: str) -> list[str]:
    """Give the clauses as sentences, as many to one as are needed to have room."""
    room = max(room, 1)
    together = 2 if len(clauses) == 2 else -(-len(clauses) // room)
    sentences = []
    for at in range(0, len(clauses), max(together, 1)):
        group = clauses[at : at + together]
        text = say("join", language).join(
            [", ".join(group[:-1]), group[-1]] if group[1:] else group
        )
        sentences.append(f"{text[:1].upper()}{text[1:]}.")
    return sentences


def _quote(offer: _Offer, language: str) -> str:
    fact = offer.fact
    text = fact.text
    if len(text) > _LONGEST_QUOTE:
        text = " ".join(split_sentences(text)[:2])
    is_sentence = len(split_sentences(text)) > 1 or text.endswith((".", "!"))
    if fact.is_whole and not is_sentence and fact.label:
        text = f"{fact.label}: {text}"
    if text[-1] not in ".!?؟":
        text += "."
    spoken = detect_language(fact.text, fact.label, default="en")
    if offer.is_withheld and spoken != language:
        return say("withheld", language, text)
    return text if spoken == language else say("quote", language, text)


def _greeting(prompt: str, burst: tuple[str, ...], language: str) -> str:
    if "greeting" not in perceive(" ".join(burst)).concepts:
        return ""
    name = read_guest_name(prompt)
    return say("greet_name", language, name) if name else say("greet", language)


def _courtesy(burst: tuple[str, ...], language: str) -> str:
    seen = perceive(" ".join(burst), forgiving=True)
    if "thanks" in seen.concepts or "nevermind" in seen.concepts:
        return say("welcome", language)
    if seen.words and not seen.of_kind("social"):
        return say("unknown", language)
    return say("offer", language)


def _told_language(prompt: str) -> str:
    """Give the language the prompt names for its answers, or English."""
    named = {
        code: found.start()
        for code, pattern in _LANGUAGE_NAMES.items()
        if (found := re.search(pattern, prompt, re.IGNORECASE))
    }
    return min(named, key=lambda code: named[code], default="en")
