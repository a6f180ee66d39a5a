"""Known secrets in a text, found however they were written there; pure.

`mask` puts placeholders for them: in any case and script of digits, spaced, dashed, across lines,
spelled in words, with invisible signs between. Three things are left alone, or every text would be
full of holes:

- a value of one or two characters, unless a word such as "code" stands by it or nothing else does;
  so is a number of three digits that merely stood in gated text;
- digits that are part of a date, or that write a time of day;
- a part of a longer number and, for short words, of a longer word.
"""

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from app.pms.gated import CODE_WORDS, PLACEHOLDER, placeholder
from app.pms.reading import Reading, fold, read

SHORTEST_SECRET = 3
"""Characters; shorter values are masked beside a word such as "code" only."""
LONGEST_CODE = 200
"""Letters and digits; a longer value is found as it stands: nobody types it in their own way."""
TOLERANT_FROM = 4
"""Letters and digits from which a value is found with other separators, too."""
INSIDE_WORDS_FROM = 6
"""Letters and digits from which a value with a digit is found inside other words."""
JOINED_FROM = 10
"""Letters from which a value of several words is found written as one."""
LONG_FROM = 24
"""Letters and digits from which only plain signs may stand inside a word of a value: the links of
a guest's portal, whose expression would else take tens of milliseconds to compile."""

MARK = r"(?:[\s.,_/\\\-‐‑–—+#*]|%[0-9a-f]{2}|&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,5});)"
"""One sign that may stand between the signs of a value; also URL-encoded, or as an entity."""
PLAIN_MARK = r"[\W_]"
NO_LETTER_BEFORE, NO_LETTER_AFTER = r"(?<![^\W_])", r"(?![^\W_])"
DATE = re.compile(
    r"(?<!\d)(?:\d{4}-\d{1,2}-\d{1,2}|"
    r"(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:\d{4}|\d{2}))(?!\d)"
)
LONGEST_DATE = 10
TIME = re.compile(r"(?:[01]?\d|2[0-3])\.[0-5]\d")
YEAR = re.compile(r"(?:19|20)\d\d")
AFTER_A_MONTH = re.compile(
    r"(?:jan|feb|mar|apr|may|maj|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|sty|lut|kwi|cze|lip|sie|"
    r"wrz|paz|lis|gru|يناير|فبراير|مارس|ابريل|مايو|يونيو|يوليو|اغسطس|سبتمبر|اكتوبر|نوفمبر|ديسمبر)"
    r"\w*[.,]?\s*(?:\d{1,2}(?:st|nd|rd|th)?[.,]?\s*)?$"
)


@dataclass(frozen=True, slots=True)
class Search:
    """How a value is looked for in a reading."""

    signs: str
    """The value's letters and digits, which stand in this order wherever it stands."""
    expression: str
    """Finds it, or as its one named group."""
    digits: str = ""
    """The value's digits where it is nothing else."""


def mask(text: str, secrets: Mapping[str, str], *, unsure: Collection[str] = ()) -> str:
    """The text with every known secret as its placeholder, however it is written.

    Args:
        text: any text on its way in.
        secrets: name → value.
        unsure: names of values that may be no codes: masked beside a word such as "code" only.
    """
    values = [(name, value.strip()) for name, value in secrets.items() if value.strip()]
    if not values or not text:
        return text
    reading = read(text)
    taken = [(hit.start(), hit.end(), hit[0]) for hit in PLACEHOLDER.finditer(text)]
    for name, value in sorted(values, key=lambda item: -len(item[1])):
        for start, end in _places(reading, _search_of(value, is_sure=name not in unsure)):
            begin = reading.at[start]
            stop = max(reading.at[end], begin + 1)
            if all(stop <= other[0] or begin >= other[1] for other in taken):
                taken.append((begin, stop, placeholder(name)))
    for begin, stop, instead in sorted(taken, reverse=True):
        text = text[:begin] + instead + text[stop:]
    return text


def _places(reading: Reading, search: Search) -> Iterator[tuple[int, int]]:
    """(start, end) of every place, in the reading, where the value stands as such."""
    if not _may_stand(search.signs, reading.words):
        return
    pattern, at = _compiled(search.expression), 0
    while (hit := pattern.search(reading.words, at)) is not None:
        start, end = hit.span(hit.lastgroup or 0)
        at = hit.start() + 1
        if not (search.digits and _is_of_date(reading.words, start, end, search.digits)):
            yield start, end
            at = max(at, end)


def _may_stand(signs: str, words: str) -> bool:
    """Whether the signs are all there, in their order.

    Nearly every value stands in nearly no text, and an expression for a long one takes
    milliseconds to compile, which everybody else in the process waits for.
    """
    at = 0
    for sign in signs:
        at = words.find(sign, at) + 1
        if not at:
            return False
    return True


@functools.lru_cache(maxsize=4096)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _is_of_date(words: str, start: int, end: int, digits: str) -> bool:
    """Whether digits at a place are part of a date, or write a time of day with a dot."""
    if TIME.fullmatch(words, start, end):
        return True
    for hit in DATE.finditer(words, max(0, start - LONGEST_DATE), end + LONGEST_DATE):
        is_part = len(re.sub(r"\D", "", hit[0])) > len(digits)
        if is_part and hit.start() <= start and end <= hit.end():
            return True
    before = words[max(0, start - 20) : start]
    return bool(YEAR.fullmatch(digits) and AFTER_A_MONTH.search(before))


@functools.lru_cache(maxsize=8192)
def _search_of(value: str, *, is_sure: bool) -> Search:
    folded = fold(value)
    plain = re.sub(r"[\W_]", "", folded)
    if len(plain) > LONGEST_CODE:
        return Search(plain, re.escape(folded))
    if re.fullmatch(r"[\d\s#*.\-]+", folded) and plain:
        if len(plain) < SHORTEST_SECRET or not is_sure:
            with_its_marks = folded if plain != folded and len(folded) >= SHORTEST_SECRET else ""
            return Search(plain, _beside_a_code_word(_short_number(plain), exactly=with_its_marks))
        return Search(plain, _digits_pattern(plain, folded), plain)
    if len(folded) < SHORTEST_SECRET:
        return Search(plain, _beside_a_code_word(_whole(re.escape(folded))))
    if len(plain) < TOLERANT_FROM:
        return Search(plain, _whole(r"\s+".join(map(re.escape, folded.split()))))
    return Search(plain, _words_pattern(folded, plain))


def _digits_pattern(digits: str, folded: str) -> str:
    """Digits, spaced or not; three of them only evenly, since `24/7` is not 247."""
    body = f"{MARK}{{0,3}}".join(digits)
    if len(digits) == SHORTEST_SECRET:
        spaced = f"{MARK}{{1,3}}".join(digits)
        body = f"(?:{digits}|{spaced}|{re.escape(folded.strip('#* .-'))})"
    return rf"(?<!\d)[#*]*{body}(?!\d)[#*]*"


def _words_pattern(folded: str, plain: str) -> str:
    """A password, or a code with letters; its separators may be others or left out."""
    has_digit = any(map(str.isdigit, plain))
    least = 0 if has_digit or len(plain) >= JOINED_FROM else 1
    between = (PLAIN_MARK if len(plain) >= LONG_FROM else MARK) + "{0,2}" if has_digit else ""
    lead, core, trail = _parted(folded)
    pieces = []
    for run in re.findall(r"[^\W_]+|[\W_]+", core):
        if run[0].isalnum():
            pieces.append(between.join(map(re.escape, run)))
        else:
            signs = re.escape("".join(sorted(set(run) - set(" \t\n"))))
            own = f"|[{signs}]" if signs else ""
            pieces.append(f"(?:{MARK}{own}){{{least},{len(run) + 3}}}")
    mood = "?" if has_digit else ""
    before, after = (f"(?:{re.escape(signs)}){mood}" if signs else "" for signs in (lead, trail))
    body = f"{before}{''.join(pieces)}{after}"
    is_found_inside = has_digit and len(plain) >= INSIDE_WORDS_FROM
    return body if is_found_inside else _whole(body)


def _parted(folded: str) -> tuple[str, str, str]:
    """(signs before, from the first to the last letter or digit, signs after)."""
    found = re.fullmatch(r"([\W_]*)(.*?)([\W_]*)", folded, re.DOTALL)
    return (found[1], found[2], found[3]) if found else ("", folded, "")


def _whole(body: str) -> str:
    return f"{NO_LETTER_BEFORE}{body}{NO_LETTER_AFTER}"


def _short_number(digits: str) -> str:
    return rf"[#*]*(?<!\d){digits}(?!\d)[#*]*"


def _beside_a_code_word(value: str, *, exactly: str = "") -> str:
    """A value too short to be known by itself: after or before "code", or alone in the text."""
    gap = r"[^.!?\n\d\[\]]"
    word = _whole(f"(?:{fold(CODE_WORDS)})")
    marked = rf"|(?P<marked>(?<!\d){re.escape(exactly)}(?!\d))" if exactly else ""
    return (
        rf"\A\W*?(?P<alone>{value})\W*\Z|{word}{gap}{{0,40}}?(?P<after>{value})"
        rf"|(?P<before>{value}){gap}{{0,20}}?{word}{marked}"
    )
