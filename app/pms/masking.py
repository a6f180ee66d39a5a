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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.pms.gated import CODE_WORDS, PLACEHOLDER, placeholder
from app.pms.reading import Reading, fold, read

SHORTEST_SECRET = 3
"""Characters; shorter values are masked beside a word such as "code" only."""
TOLERANT_FROM = 4
"""Letters and digits from which a value is found with other separators, too."""
INSIDE_WORDS_FROM = 6
"""Letters and digits from which a value with a digit is found inside other words."""
JOINED_FROM = 10
"""Letters from which a value of several words is found written as one."""
WIDEST_GAP = 3
"""Signs that may stand between two characters of a value."""

MARKS = frozenset(" \t\r\n\v\f\u00a0.,_/\\-‐‑–—+#*")
"""Signs that people put into codes, and channels too."""
ENCODED = re.compile(r"%[0-9a-f]{2}|&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,5});")
"""A sign that is URL-encoded, or an entity."""
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
class Value:
    """A secret as it is looked for."""

    core: str
    """Its letters and digits."""
    seams: Mapping[int, str]
    """After so many of them stand such signs in it."""
    lead: str
    """Signs before the first of them."""
    trail: str
    """And after the last."""
    expression: str
    """Finds it, or as its one named group, where it is too short to be looked for otherwise."""

    @property
    def is_number(self) -> bool:
        """Whether it has no letter."""
        return self.core.isdigit()

    @property
    def has_digit(self) -> bool:
        """Whether it has a digit."""
        return any(map(str.isdigit, self.core))


@dataclass(frozen=True, slots=True)
class Squeezed:
    """The letters and digits of a reading, and where each stands in it."""

    signs: str
    spots: Sequence[int]


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
    squeezed = _squeezed(reading.words)
    taken = [(hit.start(), hit.end(), hit[0]) for hit in PLACEHOLDER.finditer(text)]
    for name, value in sorted(values, key=lambda item: -len(item[1])):
        for start, end in _places(reading, squeezed, _value(value, is_sure=name not in unsure)):
            begin = reading.at[start]
            stop = max(reading.at[end], begin + 1)
            if all(stop <= other[0] or begin >= other[1] for other in taken):
                taken.append((begin, stop, placeholder(name)))
    for begin, stop, instead in sorted(taken, reverse=True):
        text = text[:begin] + instead + text[stop:]
    return text


def _squeezed(words: str) -> list[Squeezed]:
    """A reading without what may stand between signs, also with encoded signs taken out."""
    spots = [at for at, sign in enumerate(words) if sign.isalnum()]
    found = [Squeezed("".join([words[at] for at in spots]), spots)]
    encoded = {at for hit in ENCODED.finditer(words) for at in range(*hit.span())}
    if encoded:
        spots = [at for at in spots if at not in encoded]
        found.append(Squeezed("".join([words[at] for at in spots]), spots))
    return found


def _places(
    reading: Reading, squeezed: Sequence[Squeezed], value: Value
) -> Iterator[tuple[int, int]]:
    """(start, end) of every place, in the reading, where the value stands as such."""
    if not any(value.core in signs.signs for signs in squeezed):
        return
    if value.expression:
        for hit in _compiled(value.expression).finditer(reading.words):
            yield hit.span(hit.lastgroup or 0)
        return
    for signs in squeezed:
        at = signs.signs.find(value.core)
        while at >= 0:
            if span := _span(reading.words, signs.spots[at : at + len(value.core)], value):
                yield span
            at = signs.signs.find(value.core, at + 1)


@functools.lru_cache(maxsize=1024)
def _compiled(expression: str) -> re.Pattern[str]:
    """Compiling takes milliseconds, and nearly every value stands in nearly no text."""
    return re.compile(expression)


def _span(words: str, spots: Sequence[int], value: Value) -> tuple[int, int] | None:
    """(start, end) of the value whose characters stand there; none where it is not meant."""
    gaps = [words[one + 1 : other] for one, other in pairwise(spots)]
    start, end = spots[0], spots[-1] + 1
    if value.is_number:
        is_even = len(gaps) >= SHORTEST_SECRET or len({bool(gap) for gap in gaps}) == 1
        is_own = gaps == [value.seams.get(n + 1, "") for n in range(len(gaps))]
        if not (is_own or (is_even and all(_is_gap(gap, WIDEST_GAP) for gap in gaps))):
            return None
        if words[start - 1 : start].isdigit() or words[end : end + 1].isdigit():
            return None
        if _is_of_date(words, start, end, value.core):
            return None
        return _with_marks(words, start, end)
    if not all(_may_part(gap, n + 1, value) for n, gap in enumerate(gaps)):
        return None
    begin = start - len(value.lead) if words[:start].endswith(value.lead) else None
    stop = end + len(value.trail) if words.startswith(value.trail, end) else None
    if not value.has_digit and (begin is None or stop is None):
        return None
    begin, stop = start if begin is None else begin, end if stop is None else stop
    is_found_inside = value.has_digit and len(value.core) >= INSIDE_WORDS_FROM
    is_part = words[begin - 1 : begin].isalnum() or words[stop : stop + 1].isalnum()
    return (begin, stop) if is_found_inside or not is_part else None


def _may_part(gap: str, after: int, value: Value) -> bool:
    """Whether such signs may stand after so many characters of a value with letters."""
    own = value.seams.get(after)
    if own is None:
        return _is_gap(gap, WIDEST_GAP - 1) if value.has_digit else gap == ""
    if gap == "":
        return value.has_digit or len(value.core) >= JOINED_FROM
    return _is_gap(gap, len(own) + WIDEST_GAP, own=own)


def _is_gap(gap: str, widest: int, own: str = "") -> bool:
    """Whether there are only signs that people put into codes, and not too many."""
    plain = ENCODED.sub(" ", gap) if len(gap) > 1 else gap
    return len(plain) <= widest and all(sign in MARKS or sign in own for sign in plain)


def _with_marks(words: str, start: int, end: int) -> tuple[int, int]:
    """A number with the `#` and `*` that are pressed around it."""
    while start and words[start - 1] in "#*":
        start -= 1
    while end < len(words) and words[end] in "#*":
        end += 1
    return start, end


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
def _value(text: str, *, is_sure: bool) -> Value:
    folded = fold(text)
    core = "".join(sign for sign in folded if sign.isalnum())
    lead, inner, trail = _parted(folded)
    seams, seen = dict[int, str](), 0
    for run in re.findall(r"[^\W_]+|[\W_]+", inner):
        if run[0].isalnum():
            seen += len(run)
        else:
            seams[seen] = run
    expression = ""
    is_number = bool(re.fullmatch(r"[\d\s#*.\-]+", folded) and core)
    if is_number and (len(core) < SHORTEST_SECRET or not is_sure):
        with_marks = folded if core != folded and len(folded) >= SHORTEST_SECRET else ""
        number = rf"[#*]*(?<!\d){core}(?!\d)[#*]*"
        expression = _beside_a_code_word(number, exactly=with_marks)
    elif len(folded) < SHORTEST_SECRET:
        expression = _beside_a_code_word(_whole(re.escape(folded)))
    elif not is_number and len(core) < TOLERANT_FROM:
        expression = _whole(r"\s+".join(map(re.escape, folded.split())))
    return Value(core=core, seams=seams, lead=lead, trail=trail, expression=expression)


def _parted(folded: str) -> tuple[str, str, str]:
    """(signs before, from the first to the last letter or digit, signs after)."""
    found = re.fullmatch(r"([\W_]*)(.*?)([\W_]*)", folded, re.DOTALL)
    return (found[1], found[2], found[3]) if found else ("", folded, "")


def _whole(body: str) -> str:
    return rf"(?<![^\W_]){body}(?![^\W_])"


def _beside_a_code_word(value: str, *, exactly: str = "") -> str:
    """A value too short to be known by itself: after or before "code", or alone in the text."""
    gap = r"[^.!?\n\d\[\]]"
    word = _whole(f"(?:{fold(CODE_WORDS)})")
    marked = rf"|(?P<marked>(?<!\d){re.escape(exactly)}(?!\d))" if exactly else ""
    return (
        rf"\A\W*?(?P<alone>{value})\W*\Z|{word}{gap}{{0,40}}?(?P<after>{value})"
        rf"|(?P<before>{value}){gap}{{0,20}}?{word}{marked}"
    )
