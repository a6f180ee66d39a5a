"""What is gated: secrets become placeholders inside, and values again only at the last step.

A model, a log, a stored turn and Slack see `[[door_code]]`. `mask` cuts known values out of any
text on its way in; `cut_codes` also cuts what merely looks like a code, for gated text whose codes
nobody listed; `fill` puts values back, for the one request that delivers them.
"""

import re
from collections.abc import Mapping

from app.errors import BadInput

PLACEHOLDER = re.compile(r"\[\[([a-z][a-z0-9_]*)\]\]")
PLACEHOLDER_SHAPE = r"\[\[[a-z][a-z0-9_]*\]\]"
MANGLED = re.compile(
    r"\[\s*\[|\]\s*\]|［|］|\{\{|\}\}|<%|%>|[\[(<{【〔⟦]\s*[a-z]+(?:_[a-z0-9]+)+\s*[\])>}】〕⟧]",
    re.IGNORECASE,
)
"""Brackets of placeholders and templates that are left over, and `(snake_case)` in any bracket."""
SHORTEST_SECRET = 3
"""Shorter values are not masked: they would cut every "12" out of every text."""
LONG_SECRET = 6
"""Values so long, with a digit in them, are found inside other words too."""
CODE_WORDS = (
    r"code|codes|pin|passcode|password|passwort|kennwort|kod|kodu|kodem|hasło|haslo|hasła|hasla|"
    r"szyfr|szyfru|szyfrem|combination|kombination|"
    r"türcode|tuercode|zugangscode|schlüsselcode|lockbox|keybox|key\s?box|key\s?safe|"
    r"رمز|الرمز|كود|الكود|كلمة\s+(?:المرور|السر)"
)
CODE_AFTER_WORD = re.compile(
    rf"(?<!\w)(?P<word>{CODE_WORDS})(?!\w)"
    r"(?P<between>(?:(?![.!?]\s)[^\n\d\[\]]){0,40}?[\s:=\-–—(\"'„“«]+)"
    r"(?P<code>(?=[^\s]*[\d#*])[\w#*\-]{2,24}(?:\s\d{2,8})?[#*]?)(?![:\w]\d)",
    re.IGNORECASE,
)
WORD_AFTER_WORD = re.compile(
    rf"(?<!\w)(?P<word>{CODE_WORDS})(?!\w)(?P<between>\s*[:=]\s*)(?P<code>[\w#*!@$%&+\-]{{3,40}})",
    re.IGNORECASE,
)
"""What stands right behind "password:" is one even without a digit in it."""
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
    values = [(name, value.strip()) for name, value in secrets.items()]
    for name, value in sorted(values, key=lambda item: -len(item[1])):
        if len(value) < SHORTEST_SECRET:
            continue
        pattern = _value_pattern(value)
        pieces = re.split(rf"({PLACEHOLDER_SHAPE})", text)
        for at in range(0, len(pieces), 2):
            pieces[at] = pattern.sub(placeholder(name), pieces[at])
        text = "".join(pieces)
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
    text = WORD_AFTER_WORD.sub(
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
        bare = rf"|(?<!\w){name}(?!\w)" if "_" in name else ""
        if re.search(rf"[\[【]\s*{name}|{name}\s*[\]】]{bare}", rest, re.IGNORECASE):
            raise PlaceholderMangled(f"the placeholder {name} came back altered")


def names_in(text: str) -> frozenset[str]:
    """The placeholders of a text."""
    return frozenset(PLACEHOLDER.findall(text))


def _value_pattern(value: str) -> re.Pattern[str]:
    """The value however it is cased; digits also spaced, in other scripts, without their `#`."""
    if re.fullmatch(r"[\d\s#*.\-]*\d[\d\s#*.\-]*", value) and sum(map(str.isdigit, value)) >= 3:
        core = value.strip("#* .-")
        marks = [_in_any_script(c) for c in core if not c.isspace() and c not in "-."]
        body = r"[\s.,_/\-–—]{0,3}".join(marks)
        return re.compile(rf"(?<!\d)[#*]*{body}(?!\d)[#*]*")
    body = r"\s+".join(re.escape(part) for part in value.split())
    if len(value) >= LONG_SECRET and any(c.isdigit() for c in value):
        return re.compile(body, re.IGNORECASE)
    return re.compile(rf"(?<![^\W_]){body}(?![^\W_])", re.IGNORECASE)


def _in_any_script(mark: str) -> str:
    """A digit as guests type it in Latin, Arabic, Persian and full-width letters."""
    if not mark.isdigit():
        return re.escape(mark)
    value = int(mark)
    return "[" + "".join(chr(zero + value) for zero in (0x30, 0x660, 0x6F0, 0xFF10)) + "]"
