"""Which bot answers: conditions against the stay, by medium and action code, never by an id."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from app.bots.records import Bot, BotKind, Library
from app.bots.sift import compile_condition
from app.conversations import Medium
from app.errors import NotFound


def choose_bot(
    library: Library,
    *,
    kind: BotKind,
    medium: Medium,
    reservation: Mapping[str, Any],
    action_code: str | None = None,
) -> Bot:
    """The first bot, in the operator's order, whose conditions hold.

    Args:
        library: the tenant's published bots.
        kind: routing or informational.
        medium: phone or thread.
        reservation: what conditions see (`Stay.mapping`).
        action_code: what an informational bot must be able to answer.

    Raises:
        NotFound: the tenant has no bot for this.
    """
    for bot in library.bots:
        if bot.kind != kind or bot.medium != medium:
            continue
        serves = not bot.action_codes or kind == "routing" or action_code in bot.action_codes
        if serves and _condition(bot.conditions)(reservation):
            return bot
    raise NotFound(f"no {kind} bot for the {medium} fits this reservation")


def choose_template(library: Library, action_code: str, language: str) -> tuple[str, str] | None:
    """(language, template) of a code's reply: the guest's language, else the named fallback."""
    versions = library.templates.get(action_code, {})
    fallback = library.templates.get("fallback", {}).get("language", "")
    for candidate in (language, fallback):
        if candidate in versions:
            return candidate, versions[candidate]
    return None


def _condition(conditions: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    return _compiled(orjson.dumps(conditions))


@functools.lru_cache(maxsize=2048)
def _compiled(conditions: bytes) -> Callable[[Mapping[str, Any]], bool]:
    return compile_condition(orjson.loads(conditions))
