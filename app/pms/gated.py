"""What is gated: secrets become placeholders inside, and values again only at the last step.

A model, a log, a stored turn and Slack see `[[door_code]]`. `masking.mask` cuts known values out of
any text on its way in; `cut_codes` also cuts what merely looks like a code, for gated text whose
codes nobody listed; `fill` puts values back, for the one request that delivers them.
"""

import re
from collections.abc import Collection, Mapping

from app.errors import BadInput
from app.pms.reading import fold, spelled_numbers

PLACEHOLDER = re.compile(r"\[\[([a-z][a-z0-9_]*)\]\]")
PLACEHOLDER_SHAPE = r"\[\[[a-z][a-z0-9_]*\]\]"
MANGLED = re.compile(
    r"\[\s*\[|\]\s*\]|\{\{|\}\}|<%|%>|[\[(<{【〔⟦]\s*[a-z]+(?:_[a-z0-9]+)+\s*[\])>}】〕⟧]"
    r"|%(?:5b|5d|7b|7d)|u00(?:5b|5d|7b|7d)|\\x(?:5b|5d|7b|7d)"
    r"|&(?:#0*(?:91|93|123|125)|#x0*(?:5b|5d|7b|7d)|[lr](?:sqb|brack|cub|brace));"
)
"""Brackets of placeholders and templates that are left over, plain or encoded, and `(snake_case)`
in any bracket; in a text as it reads."""
BUILT_IN = frozenset({"door_code", "wifi_password", "guest_portal_url", "ask_team"})
"""Names that no guest may read, whatever a stay holds."""
CODE_WORDS = (
    r"code|codes|pin|pins|passcode|password|pass\s?word|passwort|kennwort|kod|kody|kodu|kodem|kodzie|"
    r"pinu|hasło|haslo|hasła|hasla|hasłem|haslem|haśle|hasle|szyfr|szyfru|szyfrem|combination|"
    r"kombination|wlan-schlüssel|\w{2,16}code|lockbox|keybox|key\s?box|key\s?safe|"
    r"رمز|الرمز|رمزك|كود|الكود|كلمة\s+(?:المرور|مرور|السر|سر)|الرقم\s+السري"
)
"""What stands beside a code, also as the end of a longer word: `Haustürcode`."""
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
LONE_CODE = re.compile(
    r"(?<![\w:.,/+-])[#*]?\d(?:[\d#*]{2,11}|(?:\s?[-–—.]\s?\d){3,11}|(?:\s\d){3,11})[#*]?(?![\w:]|[-–—.]\d)"
)
"""Three or more digits in a row, four or more set apart: cutting too much costs nothing, it is
filled in again."""
NO_CODES_ALONE = frozenset({"address"})
"""Gated texts whose numbers are houses, unless a word such as "code" stands before them."""

SHORTEST_GUESS = 4
"""Digits of a number that a guest may mean as a code without saying so."""
HIDDEN = "(hidden)"
"""What stands in a prompt for something that may not be known now."""


class PlaceholderMangled(BadInput):
    """A text that should go out holds a placeholder nobody can fill, or a broken one."""


def placeholder(name: str) -> str:
    """How a secret is written inside."""
    return f"[[{name}]]"


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

    for pattern in (CODE_AFTER_WORD, WORD_AFTER_WORD):
        text = pattern.sub(lambda hit: f"{hit['word']}{hit['between']}{keep(hit['code'])}", text)
    for start, end in reversed(spelled_numbers(text)):
        text = text[:start] + keep(text[start:end]) + text[end:]
    if prefix not in NO_CODES_ALONE:
        text = LONE_CODE.sub(lambda hit: keep(hit[0]), text)
    return text, found


def hide_called_codes(text: str) -> str:
    """A text without what stands behind a word such as "code"."""
    return CODE_AFTER_WORD.sub(lambda hit: f"{hit['word']}{hit['between']}{HIDDEN}", text)


def hide_codes(text: str) -> str:
    """Words of a thread without what may be a guess at a code: right and wrong shall look alike."""
    return LONE_CODE.sub(
        lambda hit: HIDDEN if sum(map(str.isdigit, hit[0])) >= SHORTEST_GUESS else hit[0],
        hide_called_codes(text),
    )


def fill(text: str, secrets: Mapping[str, str]) -> str:
    """The text with every placeholder replaced by its value.

    Raises:
        PlaceholderMangled: a placeholder has no value, or brackets show that one was altered.
    """

    def value_of(hit: re.Match[str]) -> str:
        if hit[1] not in secrets:
            raise PlaceholderMangled("there is no value for a placeholder")
        return secrets[hit[1]]

    check(text)
    return PLACEHOLDER.sub(value_of, text)


def check(text: str, allowed: frozenset[str] | None = None, *, known: Collection[str] = ()) -> None:
    """Refuse a text with a placeholder that is broken, was not asked for, or shows its name.

    Args:
        text: what should go out.
        allowed: the placeholders it may hold; without it any.
        known: further names that a guest must not read.

    Raises:
        PlaceholderMangled: in words of ours alone; a model's may quote what it was told.
    """
    names = names_in(text)
    if allowed is not None and names - allowed:
        raise PlaceholderMangled("a placeholder came that was not asked for")
    rest = fold(PLACEHOLDER.sub(" ", text))
    if MANGLED.search(rest):
        raise PlaceholderMangled("a placeholder came back altered")
    rest = rest.replace("\\", "")
    for name in BUILT_IN | names | (allowed or frozenset()) | frozenset(known):
        shown = name.replace("_", r"\s*_\s*")
        bare = f"|{shown}" if "_" in name else ""
        if re.search(rf"[\[【]\s*{shown}|{shown}\s*[\]】]{bare}", rest):
            raise PlaceholderMangled(f"the placeholder {name} came back altered")


def names_in(text: str) -> frozenset[str]:
    """The placeholders of a text."""
    return frozenset(PLACEHOLDER.findall(text))
