"""What is gated: secrets become placeholders inside, and values again only at the last step.

A model, a log, a stored turn and Slack see `[[door_code]]`. `mask` cuts known values out of any
text on its way in; `cut_codes` also cuts what merely looks like a code, for gated text whose codes
nobody listed; `fill` puts values back, for the one request that delivers them.
"""

import re
from collections.abc import Mapping

from app.errors import BadInput

PLACEHOLDER = re.compile(r"\[\[([a-z][a-z0-9_]*)\]\]")
MANGLED = re.compile(r"\[\s*\[|\]\s*\]|［|］|\{\{|\}\}|<%|%>")
SHORTEST_SECRET = 3
"""Shorter values are not masked: they would cut every "12" out of every text."""
CODE_WORDS = (
    r"code|codes|pin|passcode|password|passwort|kennwort|kod|kodu|kodem|hasło|haslo|hasła|hasla|"
    r"szyfr|szyfru|szyfrem|combination|kombination|"
    r"türcode|tuercode|zugangscode|schlüsselcode|lockbox|keybox|key\s?box|key\s?safe|"
    r"رمز|الرمز|كود|الكود|كلمة\s+(?:المرور|السر)"
)
CODE_AFTER_WORD = re.compile(
    rf"(?<!\w)(?P<word>{CODE_WORDS})(?!\w)"
    r"(?P<between>[^\n\d]{0,40}?[\s:=\-–—(\"'„“«]+)"
    r"(?P<code>(?=[^\s]*[\d#*])[\w#*\-]{2,24}(?:\s\d{2,8})?[#*]?)",
    re.IGNORECASE,
)
LONE_CODE = re.compile(r"(?<![\w:.,/+-])[#*]?\d[\d#*]{2,11}(?![\w:])")
"""Any run of three or more digits: cutting too much costs nothing, it is filled in again."""


class PlaceholderMangled(BadInput):
    """A text that should go out holds a placeholder nobody can fill, or a broken one."""


def placeholder(name: str) -> str:
    """How a secret is written inside."""
    return f"[[{name}]]"


def mask(text: str, secrets: Mapping[str, str]) -> str:
    """The text with every known secret as its placeholder, however it is spaced or cased.

    Args:
        text: any text on its way in.
        secrets: name → value; values shorter than three characters are left alone.
    """
    for name, value in sorted(secrets.items(), key=lambda item: -len(item[1])):
        if len(value.strip()) >= SHORTEST_SECRET:
            text = _value_pattern(value.strip()).sub(placeholder(name), text)
    return text


def cut_codes(text: str, *, prefix: str) -> tuple[str, dict[str, str]]:
    """Gated text without what looks like a code, and what was cut, by placeholder name.

    Args:
        text: known values are masked already.
        prefix: begins the names, such as `specialInstruction` → `special_instruction_1`.
    """
    found: dict[str, str] = {}
    stem = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", prefix).lower()

    def keep(value: str) -> str:
        for name, known in found.items():
            if known == value:
                return placeholder(name)
        name = f"{stem}_{len(found) + 1}"
        found[name] = value
        return placeholder(name)

    text = CODE_AFTER_WORD.sub(
        lambda hit: f"{hit['word']}{hit['between']}{keep(hit['code'])}", text
    )
    return LONE_CODE.sub(lambda hit: keep(hit[0]), text), found


def fill(text: str, secrets: Mapping[str, str]) -> str:
    """The text with every placeholder replaced by its value.

    Raises:
        PlaceholderMangled: a placeholder has no value, or brackets show that one was altered.
    """

    def value_of(hit: re.Match[str]) -> str:
        if hit[1] not in secrets:
            raise PlaceholderMangled(f"there is no value for {hit[0]}")
        return secrets[hit[1]]

    check(text)
    return PLACEHOLDER.sub(value_of, text)


def check(text: str, allowed: frozenset[str] | None = None) -> None:
    """Refuse a text with a broken placeholder or one that was not asked for.

    Raises:
        PlaceholderMangled: naming what was found, never a value.
    """
    names = set(PLACEHOLDER.findall(text))
    if allowed is not None and (strangers := names - allowed):
        raise PlaceholderMangled(f"unasked placeholder {sorted(strangers)[0]}")
    rest = PLACEHOLDER.sub("", text)
    if MANGLED.search(rest):
        raise PlaceholderMangled("a placeholder came back altered")
    for name in allowed or names:
        if "_" in name and re.search(rf"\[\s*{name}|{name}\s*\]", rest, re.IGNORECASE):
            raise PlaceholderMangled(f"the placeholder {name} came back altered")


def names_in(text: str) -> frozenset[str]:
    """The placeholders of a text."""
    return frozenset(PLACEHOLDER.findall(text))


def _value_pattern(value: str) -> re.Pattern[str]:
    """The value, also with single spaces or dashes between its characters when it is digits."""
    if re.fullmatch(r"[\d\s#*\-]+", value):
        characters = [re.escape(c) for c in value if not c.isspace() and c != "-"]
        body = r"[\s.\-]?".join(characters)
        return re.compile(rf"(?<![\w]){body}(?![\w])")
    body = r"\s+".join(re.escape(part) for part in value.split())
    return re.compile(rf"(?<!\w){body}(?!\w)", re.IGNORECASE)
