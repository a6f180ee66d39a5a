"""Answers that need no model: a certain intent, and a template over the mirror."""

import functools

import orjson

from app.bots.phrases import (
    IntentMatch,
    PhraseSets,
    is_only_greeting,
    load_phrase_sets,
    match_intent,
)
from app.bots.prompt import compiled, variables_of
from app.bots.records import Library, Question
from app.bots.selection import choose_template

SILENT = "NO_MESSAGE"


def certain_intent(question: Question, library: Library) -> IntentMatch | None:
    """What a message certainly asks, as a whole; none where a model should think."""
    return _certain(question.text, library)


def certain_intents(question: Question, library: Library) -> list[IntentMatch] | None:
    """What each message of a burst certainly asks, every code once; none where one is not certain.

    Messages are looked at one by one, and only where they do not ask one thing together.
    """
    whole = certain_intent(question, library)
    if whole is not None:
        return [whole]
    found: dict[str, IntentMatch] = {}
    for text in question.asked if len(question.asked) > 1 else ():
        if is_only_greeting(text):
            continue
        intent = _certain(text, library)
        if intent is None:
            return None
        if intent.action_code != SILENT:
            found.setdefault(intent.action_code, intent)
    return list(found.values()) or None


def certain_messages(question: Question, library: Library) -> dict[str, str]:
    """The messages of a burst that are certain, each with its code; mere thanks left out."""
    found = {text: _certain(text, library) for text in question.asked}
    return {
        text: intent.action_code
        for text, intent in found.items()
        if intent is not None and intent.action_code != SILENT
    }


def _certain(text: str, library: Library) -> IntentMatch | None:
    found = match_intent(text, _sets_of(library))
    if found is None or not (found.is_certain and found.covers_all):
        return None
    return found if library.code(found.action_code) else None


def template_reply(
    question: Question, library: Library, action_code: str, language: str, bot_name: str
) -> str | None:
    """A code's reply template rendered for this stay; none where it has nothing to say."""
    chosen = choose_template(library, action_code, language)
    if chosen is None or question.stay is None:
        return None
    spoken, text = chosen
    values = variables_of(question, spoken, bot_name=bot_name)
    return compiled(text).render(values).strip() or None


def _sets_of(library: Library) -> PhraseSets:
    return _with_phrases(orjson.dumps(library.phrases))


@functools.lru_cache(maxsize=64)
def _with_phrases(phrases: bytes) -> PhraseSets:
    return load_phrase_sets().with_tenant(orjson.loads(phrases))
