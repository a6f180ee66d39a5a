"""Bot and stay become a prompt: rendered anew from live data for every message."""

import functools
from collections.abc import Sequence
from typing import Any

from app.bots.records import ActionCode, Bot, Library, Question
from app.bots.sentences import access_sentence
from app.bots.template import Template, compile_template
from app.pms.gated import hide_called_codes, hide_codes

LANGUAGE_NAMES = {"en": "English", "pl": "Polish", "de": "German", "ar": "Arabic"}
SPEAKER_ROLES = {"guest": "user", "bot": "assistant", "operator": "assistant"}
LONGEST_TURN = 2000
"""Characters of one earlier turn that a prompt carries."""


@functools.lru_cache(maxsize=1024)
def compiled(text: str) -> Template:
    """A template, compiled once."""
    return compile_template(text)


def variables_of(question: Question, language: str, *, bot_name: str = "") -> dict[str, Any]:
    """What a template may read for a question; without a stay only what is the tenant's."""
    stay = question.stay
    values: dict[str, Any] = dict(stay.variables()) if stay else {"listing": {}, "canAccess": False}
    values |= {
        "botName": bot_name or question.tenant.name,
        "tenantName": question.tenant.name,
        "language": language,
        "answerLanguage": LANGUAGE_NAMES.get(language, language),
        "accessSentence": access_sentence(stay.access, language) if stay else "",
    }
    return values


def routing_messages(
    bot: Bot, library: Library, question: Question, language: str
) -> list[dict[str, str]]:
    """The prompt that asks for a route."""
    values = variables_of(question, language, bot_name=bot.name)
    values["actionCodes"] = "\n".join(_described(code) for code in codes_of(bot, library))
    return _messages(question, compiled(bot.template).render(values))


def answering_messages(bot: Bot, question: Question, language: str) -> list[dict[str, str]]:
    """The prompt that asks for words."""
    values = variables_of(question, language, bot_name=bot.name)
    return _messages(question, compiled(bot.template).render(values))


def codes_of(bot: Bot, library: Library) -> Sequence[ActionCode]:
    """The codes that a routing bot may choose."""
    if not bot.action_codes:
        return library.codes
    always = {"ESCALATE", "NO_MESSAGE"}
    return [code for code in library.codes if code.code in always | set(bot.action_codes)]


def _described(code: ActionCode) -> str:
    line = f"- {code.code}: {code.description}"
    if code.examples:
        quoted = " | ".join(f'"{example}"' for example in code.examples)
        line += f"\n  e.g. {quoted}"
    return line


def _messages(question: Question, rendered: str) -> list[dict[str, str]]:
    """The rendered template, earlier turns and the question, without what no model may know.

    Also a secret that an operator wrote into a template by hand goes no further than this.
    """
    stay = question.stay
    last = question.history[-question.tenant.settings.llm.history_turns :]
    said = [
        (SPEAKER_ROLES.get(turn.speaker, "assistant"), turn.text[:LONGEST_TURN]) for turn in last
    ] + [("user", question.text)]
    system = stay.for_model(rendered) if stay else hide_called_codes(rendered)
    return [
        {"role": "system", "content": system},
        *(
            {"role": role, "content": stay.for_model(t, is_said=True) if stay else hide_codes(t)}
            for role, t in said
        ),
    ]
