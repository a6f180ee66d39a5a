"""What a model may say and no guest may read: refusals, markup, another language; pure but for one.

Only the words of an informational bot are looked at. Whatever is found makes the question a
person's matter; a good answer that is taken for a refusal costs a person a look, and no more.
"""

import json
import re

from app.bots.language import is_in_another
from app.bots.llm import ModelError
from app.pms.gated import PLACEHOLDER

MARKUP = re.compile(
    r"```|<\|\w+\|>|</?(?:think|html|body|div|script|system|assistant|user)\b[^<>]*>"
    r"|^\s*(?:system|assistant|user)\s*:",
    re.IGNORECASE,
)
"""Fences, control tokens, tags and speakers' names: what belongs to a prompt or a page."""
REFUSAL = re.compile(
    r"as an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\bi(?:'m| am) (?:just )?an? (?:ai|(?:large )?language) model"
    r"|(?:i(?:'m| am) )?(?:very )?sorry,? (?:but )?i (?:cannot|can't|can not|am unable to|won't) "
    r"(?:assist|help|comply|fulfil|fulfill|provide that|do that|answer that)"
    r"|^\W*i (?:cannot|can't|can not|am unable to|won't) "
    r"(?:assist|help|comply|fulfil|fulfill|provide that|do that|answer that)"
    r"|(?:against|violates) (?:my|our|the|openai's) (?:guidelines|(?:usage |content )?policy)"
    r"|jako (?:sztuczna inteligencja|(?:duży )?model językowy)"
    r"|(?:przykro mi|przepraszam),? (?:ale )?nie mogę (?:w tym |z tym )?(?:pomóc|spełnić)"
    r"|als (?:ki\b|künstliche intelligenz|(?:großes )?sprachmodell)"
    r"|(?:tut mir leid|entschuldigung),? (?:aber )?(?:ich kann )?(?:ihnen )?(?:dabei|damit) "
    r"(?:kann ich )?(?:ihnen )?(?:leider )?nicht (?:weiter)?helfen"
    r"|(?:بصفتي|كوني|أنا) (?:نموذج(?:ًا|ا)? لغوي|نموذج لغة|ذكاء اصطناعي)"
    r"|(?:عذرًا|عذرا|آسف|أعتذر)،? ?(?:لكن(?:ني)? )?لا (?:يمكنني|أستطيع) (?:المساعدة|مساعدتك)",
    re.IGNORECASE,
)
"""How models decline in the product's languages, and how they speak of themselves."""


def refuse_nonsense(text: str, language: str) -> None:
    """Accept words that a guest may read.

    Raises:
        ModelError: there are none, or they are a refusal, markup, a bare value or of another
            language.
    """
    if not text.strip():
        raise ModelError("the model said nothing")
    if _is_bare_json(text):
        raise ModelError("the model answered with JSON instead of words")
    if MARKUP.search(text):
        raise ModelError("the model answered with markup instead of words")
    if REFUSAL.search(text):
        raise ModelError("the model refused to answer")
    if is_in_another(PLACEHOLDER.sub(" ", text), language):
        raise ModelError("the model answered in another language")


def _is_bare_json(text: str) -> bool:
    if text.strip()[:1] not in ("{", "["):
        return False
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
