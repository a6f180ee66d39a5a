"""Answers that need no model: a certain intent, and a template over the mirror."""

import functools

import orjson

from app.bots.phrases import IntentMatch, PhraseSets, load_phrase_sets, match_intent
from app.bots.prompt import compiled, variables_of
from app.bots.records import Library, Question
from app.bots.selection import choose_template

SILENT = "NO_MESSAGE"


def certain_intent(question: Question, library: Library) -> IntentMatch | None:
    """What a message certainly asks, as a whole; none where a model should think."""
    found = match_intent(question.text, _sets_of(library))
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
