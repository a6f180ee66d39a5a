"""A written clause becomes what the voice is given: numbers and names as people say them; pure.

Placeholders are filled here, each spoken as its kind asks; the written form with placeholders is
what transcripts keep. What no rule knows passes as it is written.
"""

import functools
import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

from app.pms.gated import PLACEHOLDER, PlaceholderMangled, check
from app.voice.lexicon_ar import AR
from app.voice.lexicon_de import DE
from app.voice.lexicon_en import EN
from app.voice.lexicon_pl import PL
from app.voice.spelling import (
    said_twice,
    spelled_code,
    spelled_password,
    spoken_link,
    spoken_mail,
    spoken_phone,
)
from app.voice.tongue import Day, Rule, Tongue

Letters = Literal["kept", "english"]
"""What a voice does with letters: reads them all, or only those of English."""

TONGUES: Mapping[str, Tongue] = {tongue.language: tongue for tongue in (EN, PL, DE, AR)}
KEPT = frozenset({"name", "address", "city"})
"""Placeholders whose values are read as text."""
CURRENCIES = {
    "€": "EUR", "$": "USD", "£": "GBP", "zł": "PLN", "złotych": "PLN", "euro": "EUR",
    "euros": "EUR", "fr.": "CHF", "Kč": "CZK",
}  # fmt: skip
CODES = "EUR|PLN|USD|GBP|CHF|CZK|AED|SAR|SEK|NOK|DKK|HUF"
AMOUNT = r"\d{1,3}(?:[ .,\u00a0\u202f]\d{3})+(?:[.,]\d{2})?(?!\d)|\d+(?:[.,]\d{1,2})?(?!\d)"
EMERGENCY = frozenset({"112", "911", "999", "998", "997", "110", "113", "115", "118", "122", "123"})
CODE = re.compile(r"(?=.*\d)(?:[A-Za-z\d#*+-]{1,12}|[\d #*-]{1,20})")
EASTERN_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
MARKUP = re.compile(
    r"```\w*|`|(?<!\w)(?:\*{1,3}|_{1,3}|~~)(?=\S)|(?<=\S)(?:\*{1,3}|_{1,3}|~~)(?!\w)"
    r"|(?m:^\s{0,3}(?:#{1,6}|>)\s+)|(?m:^\s*(?:[-*+•]|\d{1,2}[.)])\s+(?=\S))|(?m:^\s*[-*_=]{3,}\s*$)"
)
MARKED_LINK = re.compile(r"!?\[([^\[\]]+)\]\((?:[^()\s]+)\)")
SPAN = re.compile(r"(\d:\d\d)\s?[-–—]\s?(?=\d{1,2}:\d\d)")
BREAK = re.compile(r"(?<![.!?:;,،؛…])\s*\n+\s*")
POLISH_SOUNDS = (
    ("szcz", "shch"), ("dż", "j"), ("dź", "j"), ("dzi", "ji"), ("rz", "zh"), ("sz", "sh"),
    ("cz", "ch"), ("ch", "h"), ("ść", "shch"), ("ci", "chi"), ("si", "shi"), ("zi", "zhi"),
    ("ni", "nyi"), ("ą", "on"), ("ę", "en"), ("ć", "ch"), ("ś", "sh"), ("ń", "n"), ("ó", "oo"),
    ("ź", "zh"), ("ż", "zh"), ("w", "v"), ("ł", "w"), ("j", "y"), ("c", "ts"),
)  # fmt: skip
"""Polish letters as an English voice reads them aright; longer ones first."""
ONLY_POLISH = frozenset("ąćęłńśźżĄĆĘŁŃŚŹŻ")


def speakable(
    text: str,
    language: str,
    secrets: Mapping[str, str] | None = None,
    *,
    letters: Letters = "kept",
) -> str:
    """What the voice is given for a clause.

    Args:
        text: as written, with placeholders.
        language: of the clause; one that is not known is read as English.
        secrets: values by placeholder name.
        letters: what the voice can read.

    Raises:
        PlaceholderMangled: a placeholder has no value, or was altered.
    """
    check(text)
    tongue = TONGUES.get(language, EN)
    said: list[str] = []
    at = 0
    for hit in PLACEHOLDER.finditer(text):
        said += [_plain(text[at : hit.start()], tongue), _secret(hit[1], secrets or {}, tongue)]
        at = hit.end()
        if re.match(r"\s+\w", text[at:]):
            said.append(tongue.comma)
    said.append(_plain(text[at:], tongue))
    whole = re.sub(r"([.!?])\s*[.](?=\s|$)", r"\1", " ".join("".join(said).split()))
    return for_english_voice(whole) if letters == "english" else whole


def heard_form(text: str, language: str) -> str:
    """What was said, as it sounded, for people who read it later; placeholders stay."""
    tongue = TONGUES.get(language, EN)
    said, at = "", 0
    for hit in PLACEHOLDER.finditer(text):
        said += f"{_plain(text[at : hit.start()], tongue)}{hit[0]}"
        at = hit.end()
    return " ".join(f"{said}{_plain(text[at:], tongue)}".split())


def for_english_voice(text: str) -> str:
    """Words with letters that English lacks, as an English voice says them about right."""
    return re.sub(r"[^\W\d_]+", lambda hit: _respelled(hit[0]), text)


def _respelled(word: str) -> str:
    if word.isascii():
        return word
    sounds = word.lower()
    if ONLY_POLISH & set(word) or "ó" in sounds:
        said, at = "", 0
        while at < len(sounds):
            found = next((pair for pair in POLISH_SOUNDS if sounds.startswith(pair[0], at)), None)
            said += found[1] if found else sounds[at]
            at += len(found[0]) if found else 1
        sounds = said
    plain = unicodedata.normalize("NFKD", sounds.replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return plain[:1].upper() + plain[1:] if word[0].isupper() else plain


def _secret(name: str, secrets: Mapping[str, str], tongue: Tongue) -> str:
    """A placeholder's value, as its kind is said."""
    if name not in secrets:
        raise PlaceholderMangled("there is no value for a placeholder")
    value = secrets[name].strip()
    if re.match(r"https?://", value):
        return spoken_link(value, tongue)
    if "password" in name or "passwort" in name or "haslo" in name:
        return spelled_password(value, tongue)
    if name.partition("_")[0] in KEPT:
        return _plain(value, tongue)
    if CODE.fullmatch(value):
        return said_twice(value, tongue)
    return spelled_password(value, tongue) if re.fullmatch(r"\S{4,40}", value) else value


def _plain(text: str, tongue: Tongue) -> str:
    """Text without secrets, as it is said; the spaces around it stay."""
    text = MARKUP.sub("", MARKED_LINK.sub(r"\1", text.translate(EASTERN_DIGITS)))
    text = SPAN.sub(rf"\1 {tongue.to} ", BREAK.sub(". ", text.strip("\n")))
    text = "".join(
        c for c in text if c == "°" or unicodedata.category(c) not in ("So", "Cs", "Co", "Cf")
    )
    return _by_rules(text, _rules_of(tongue.language))


def _by_rules(text: str, rules: tuple[Rule, ...]) -> str:
    """Every part that a rule knows, said; the first that begins counts, then the first rule."""
    said: list[str] = []
    at = 0
    while True:
        hits = [(pattern.search(text, at), say) for pattern, say in rules]
        found = [(hit, say) for hit, say in hits if hit is not None and hit[0]]
        if not found:
            return "".join([*said, text[at:]])
        hit, say = min(found, key=lambda pair: pair[0].start())
        said += [text[at : hit.start()], say(hit)]
        at = hit.end()


@functools.cache
def _rules_of(language: str) -> tuple[Rule, ...]:
    tongue = TONGUES[language]
    return (
        (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), lambda hit: spoken_mail(hit[0], tongue)),
        (
            re.compile(r"(?:https?://|www\.)[^\s<>]*[^\s<>.,;:!?)\]]", re.IGNORECASE),
            lambda hit: spoken_link(hit[0], tongue),
        ),
        *tongue.rules,
        *_words(tongue),
        (
            re.compile(r"(?<![\w+])(?:(?:\+|00)\d[\d\s().-]{6,18}\d|0\d{1,4}[ /-]\d{4,9})(?!\w)"),
            lambda hit: spoken_phone(hit[0], tongue),
        ),
        *_dates(tongue),
        (
            re.compile(r"(?<![\w:.,])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?!\d|[:.,]\d)"),
            lambda hit: tongue.clock(int(hit["hour"]), int(hit["minute"]), _before(hit)),
        ),
        *_prices(tongue),
        *_numbers(tongue),
    )


def _dates(tongue: Tongue) -> tuple[Rule, ...]:
    names = "|".join(sorted(map(re.escape, tongue.months), key=len, reverse=True))
    day, year = r"(?P<day>3[01]|[12]\d|0?[1-9])", r"(?P<year>20\d\d|19\d\d)"
    month = r"(?P<month>1[0-2]|0?[1-9])"
    tail = r"(?:\s?r\.|\s+roku)?" if tongue.language == "pl" else ""

    def say(hit: re.Match[str]) -> str:
        parts = hit.groupdict()
        named = parts.get("name")
        return tongue.date(
            Day(
                day=int(parts["day"]),
                month=tongue.months[named.casefold()] if named else int(parts["month"]),
                year=int(parts["year"]) if parts.get("year") else None,
                before=_before(hit),
                is_month_first=named is not None and hit.start("name") < hit.start("day"),
            )
        )

    def rule(pattern: str) -> Rule:
        return re.compile(rf"(?<![\w.:/-]){pattern}(?![\w:/-]|\.\d)", re.IGNORECASE), say

    ordinal = r"(?:\.|st|nd|rd|th)?(?:\s+of)?"
    return (
        rule(rf"{year}-{month}-{day}"),
        rule(rf"{day}[./]{month}[./]{year}{tail}"),
        rule(rf"{day}{ordinal}\s+(?P<name>{names})(?:,?\s+{year}{tail})?"),
        rule(rf"(?P<name>{names})\s+{day}(?:st|nd|rd|th)?(?:,?\s+{year})?"),
    )


def _prices(tongue: Tongue) -> tuple[Rule, ...]:
    marks = "|".join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))

    def say(hit: re.Match[str]) -> str:
        whole, cents = amount_of(hit["amount"])
        mark = hit["mark"]
        return tongue.money(whole, cents, CURRENCIES.get(mark, mark))

    return (
        (re.compile(rf"(?<!\w)(?P<mark>[€$£]|{CODES})\s?(?P<amount>{AMOUNT})"), say),
        (
            re.compile(
                rf"(?<![A-Za-z_\d.,])(?P<amount>{AMOUNT})\s?(?P<mark>{marks}|{CODES})(?!\w)"
            ),
            say,
        ),
        (
            re.compile(r"(?<![\w.,])(\d{1,3})\s?%"),
            lambda hit: f"{tongue.count(int(hit[1]))} {tongue.percent}",
        ),
    )


def _words(tongue: Tongue) -> tuple[Rule, ...]:
    said = {word.casefold(): spoken for word, spoken in tongue.words.items()}
    exact = {word: spoken for word, spoken in tongue.words.items() if word.isupper()}
    names = sorted(tongue.words, key=len, reverse=True)

    def pattern(words: list[str], flags: int) -> re.Pattern[str]:
        whole = "|".join(map(re.escape, words))
        return re.compile(rf"(?<![\w.@])(?:{whole})(?![\w@])", flags)

    loose = [name for name in names if name not in exact]
    strict = [name for name in names if name in exact]
    rules: list[Rule] = [(pattern(loose, re.IGNORECASE), lambda hit: said[hit[0].casefold()])]
    if strict:
        rules.append((pattern(strict, 0), lambda hit: exact[hit[0]]))
    if tongue.language == "de":
        rules.append((re.compile(r"(?<=\w)str\.(?!\w)"), lambda _: "straße"))
    return tuple(rules)


def _numbers(tongue: Tongue) -> tuple[Rule, ...]:
    units = "|".join(sorted(map(re.escape, tongue.measures), key=len, reverse=True))
    return (
        (
            re.compile(rf"(?<![A-Za-z_\d.,])(?P<number>\d{{1,4}})\s?(?P<unit>{units})(?![\w²/])"),
            lambda hit: tongue.measured(int(hit["number"]), tongue.measures[hit["unit"]]),
        ),
        (
            re.compile(r"(?<=[^\W\d_]\s)(?P<house>\d{1,4}[a-zA-Z]?)/(?P<flat>\d{1,4}[a-zA-Z]?)(?!\w)"),
            lambda hit: tongue.flat.format(
                house=_unit(hit["house"], tongue), flat=_unit(hit["flat"], tongue)
            ),
        ),
        (
            re.compile(r"(?<![\w.,])\d{1,4}[a-zA-Z](?!\w)|(?<!\w)[A-Z]\d{1,4}(?![\w])"),
            lambda hit: _unit(hit[0], tongue),
        ),
        (
            re.compile(r"(?<![\w-])(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{5,12}(?![\w-])"),
            lambda hit: spelled_code(hit[0], tongue),
        ),
        (
            re.compile(r"(?<![\w.,+-])\d{5,16}(?![\w%]|[.,]\d)"),
            lambda hit: spelled_code(hit[0], tongue),
        ),
        (re.compile(r"(?<![\w.,:-])\d{3}(?:[ -]\d{3}){2,3}(?![\w-])"),
            lambda hit: spoken_phone(hit[0], tongue)),
        (
            re.compile(rf"(?<![\w.,:-])(?:{'|'.join(sorted(EMERGENCY))})(?![\w:-]|[.,]\d)"),
            lambda hit: (
                tongue.of_emergency(hit[0]) if tongue.of_emergency else tongue.one_by_one(hit[0])
            ),
        ),
    )  # fmt: skip


def amount_of(written: str) -> tuple[int, int]:
    """(whole, hundredths) of a written amount, in any country's way of writing it."""
    text = re.sub(r"\s", "", written)
    cents = re.search(r"[.,](\d{1,2})$", text)
    whole = text[: cents.start()] if cents else text
    return int(re.sub(r"\D", "", whole)), int(cents[1].ljust(2, "0")) if cents else 0


def _unit(written: str, tongue: Tongue) -> str:
    """A house or flat number with its letter: `42a`, `B12`."""
    digits = "".join(sign for sign in written if sign.isdecimal())
    letter = "".join(sign for sign in written if sign.isalpha()).upper()
    parts = (
        (tongue.count(int(digits)), letter)
        if written[0].isdecimal()
        else (letter, tongue.count(int(digits)))
    )
    return " ".join(part for part in parts if part)


def _before(hit: re.Match[str]) -> str:
    return hit.string[max(0, hit.start() - 40) : hit.start()]
