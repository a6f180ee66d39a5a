"""Dates as people say them in English, Polish, German and Arabic; pure."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from app.voice.spoken_numbers import Number, Word, numbers_in, plain, words_of

NEAR = timedelta(days=45)
"""A day without its month is the one so near."""
MONTH_STEMS = (
    ("january jan januar janner styczen stycznia يناير", "كانون الثاني"),
    ("february feb februar feber luty lutego فبراير شباط",),
    ("march mar marz marzec marca مارس اذار",),
    ("april apr kwiecien kwietnia ابريل نيسان",),
    ("may mai maj maja مايو ايار",),
    ("june jun juni juno czerwiec czerwca يونيو حزيران",),
    ("july jul juli julei lipiec lipca يوليو تموز",),
    ("august aug sierpien sierpnia اغسطس اب",),
    ("september sep sept wrzesien wrzesnia سبتمبر ايلول",),
    ("october oct oktober okt pazdziernik pazdziernika اكتوبر", "تشرين الاول"),
    ("november nov listopad listopada نوفمبر", "تشرين الثاني"),
    ("december dec dezember dez grudzien grudnia ديسمبر", "كانون الاول"),
)
"""January first: words, then names of two words."""
MONTHS = {word: n for n, names in enumerate(MONTH_STEMS, 1) for word in names[0].split()}
LONG_MONTHS = {
    tuple(name.split()): n for n, names in enumerate(MONTH_STEMS, 1) for name in names[1:]
}
DAYS_AHEAD = {
    "today": 0, "dzisiaj": 0, "dzis": 0, "heute": 0, "اليوم": 0, "tomorrow": 1, "jutro": 1,
    "morgen": 1, "غدا": 1, "بكره": 1, "pojutrze": 2, "ubermorgen": 2,
}  # fmt: skip
BETWEEN = frozenset(
    {
        "of", "the", "dnia", "dzien", "den", "der", "dem", "am", "im", "month", "miesiaca", "من",
        "شهر", "في", "يوم", "tag", "kalendarz",
    }
)  # fmt: skip
"""What may stand between a day and its month."""
RANGE_LEADS = frozenset({"from", "between", "od", "miedzy", "von", "vom", "zwischen", "من"})
RANGE = frozenset(
    {
        "to", "till", "until", "through", "bis", "do", "الي", "حتي", "and", "und", "i",
    }
)  # fmt: skip
WRITTEN = re.compile(
    r"(?<!\d)(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[./](\d{1,2})(?:[./](\d{4}|\d{2}))?)(?!\d)\.?"
)
DEPARTING = frozenset(
    {
        "leave", "leaving", "departure", "depart", "departing", "checkout", "checking", "wyjazd",
        "wyjazdu", "wyjezdzam", "wyjezdzamy", "wymeldowanie", "wymeldowania", "abreise",
        "abreisen", "abreisedatum", "auschecken", "until", "till", "to", "do", "bis", "المغادره",
        "مغادره", "اغادر", "نغادر", "الخروج", "حتي", "الي",
    }
)  # fmt: skip
ARRIVING = frozenset(
    {
        "arrive", "arriving", "arrival", "came", "checkin", "przyjazd", "przyjazdu",
        "przyjechalem", "przyjechalam", "przyjechalismy", "zameldowanie", "anreise", "angekommen",
        "anreisedatum", "from", "od", "von", "since", "seit", "الوصول", "وصول", "وصلت", "وصلنا",
        "من",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenDate:
    """A date as far as it was said."""

    day: int
    month: int | None = None
    year: int | None = None
    at: int = 0
    """Where it begins in the text, in characters."""

    def is_on(self, day: date, today: date) -> bool:
        """Whether that day can have been meant."""
        if self.day != day.day or self.month not in (None, day.month):
            return False
        if self.year is not None:
            return self.year == day.year
        within = NEAR if self.month is None else timedelta(days=330)
        return abs(day - today) <= within


def dates_in(text: str, today: date, *, is_awaited: bool = False) -> list[SpokenDate]:
    """The dates in a text, in order, each once.

    Args:
        text: as it was heard.
        today: what "tomorrow" counts from.
        is_awaited: a date was asked for, so that a number alone is a day.
    """
    written, rest = _written(text)
    words = words_of(rest)
    said = _said(words, today)
    if not said and not written and is_awaited:
        alone = [n for n in numbers_in(words) if 1 <= n.value <= 31 and len(n.digits) <= 2]
        if len(alone) == 1 and len(numbers_in(words)) == 1:
            said = [SpokenDate(day=alone[0].value, at=words[alone[0].first].start)]
    found: dict[tuple[int, int | None, int | None], SpokenDate] = {}
    for each in sorted((*written, *said), key=lambda spoken: spoken.at):
        found.setdefault((each.day, each.month, each.year), each)
    whole = {each.day for each in found.values() if each.month is not None}
    return [each for each in found.values() if each.month is not None or each.day not in whole]


def is_about_departure(text: str, spoken: SpokenDate) -> bool | None:
    """Whether a date is said to be the departure, or the arrival; none where nothing says so."""
    before = [word.plain for word in words_of(text[: spoken.at])][-6:]
    for word in reversed(before):
        if word in DEPARTING or word in ("out", "aus"):
            return True
        if word in ARRIVING or word == "in":
            return False
    return None


def _written(text: str) -> tuple[list[SpokenDate], str]:
    """(dates in figures, the text without them)."""
    found: list[SpokenDate] = []

    def take(match: re.Match[str]) -> str:
        year, month, day = match[1], match[2], match[3]
        if year is None:
            day, month, year = match[4], match[5], match[6]
        if int(month) > 12 >= int(day):
            day, month = month, day
        if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
            return match[0]
        full = int(year) + (2000 if len(year) == 2 else 0) if year else None
        found.append(SpokenDate(day=int(day), month=int(month), year=full, at=match.start()))
        return " " * len(match[0])

    return found, WRITTEN.sub(take, _with_european_digits(text))


def _with_european_digits(text: str) -> str:
    return "".join(plain(c) if c.isdecimal() else c for c in text)


def _said(words: list[Word], today: date) -> list[SpokenDate]:
    found: list[SpokenDate] = []
    numbers = {number.first: number for number in numbers_in(words)}
    used: set[int] = set()
    for first, number in numbers.items():
        if first not in used and (date_here := _at(words, numbers, number, used)) is not None:
            found.append(date_here)
    for at, word in enumerate(words):
        if (ahead := DAYS_AHEAD.get(word.plain)) is not None and not _is_part_of_day(words, at):
            day = today + timedelta(days=ahead + _after(words, at))
            found.append(SpokenDate(day=day.day, month=day.month, year=day.year, at=word.start))
    return found


def _after(words: list[Word], at: int) -> int:
    """One more where it is the day after tomorrow."""
    before = " ".join(word.plain for word in words[max(0, at - 2) : at])
    following = words[at + 1].plain if at + 1 < len(words) else ""
    return 1 if before.endswith("day after") or (words[at].plain, following) == ("بعد", "غد") else 0


def _is_part_of_day(words: list[Word], at: int) -> bool:
    """`heute Morgen`, `am Morgen`: no tomorrow."""
    before = words[at - 1].plain if at else ""
    return words[at].plain == "morgen" and before in ("heute", "am", "guten", "jeden", "gestern")


def _at(
    words: list[Word], numbers: dict[int, Number], number: Number, used: set[int]
) -> SpokenDate | None:
    """The date that a number is part of; none where it is another thing."""
    month, after = _month_after(words, number.after)
    start = words[number.first].start
    if month is None and (found := _month_before(words, number.first)) is not None:
        month, start, after = found[0], words[found[1]].start, number.after
    if month is None and number.is_ordinal:
        month, after = _month_as_ordinal(words, numbers, number, used)
    if not 1 <= number.value <= 31 or len(number.digits) > 2:
        return None
    if month is not None:
        used.update(range(number.first, after))
        year = numbers.get(after)
        is_year = year is not None and 2000 <= year.value < 2200
        return SpokenDate(
            day=number.value, month=month, year=year.value if year and is_year else None, at=start
        )
    if (month := _month_of_range(words, numbers, number)) is not None:
        return SpokenDate(day=number.value, month=month, at=start)
    return SpokenDate(day=number.value, at=start) if number.is_ordinal else None


def _month_after(words: list[Word], at: int) -> tuple[int | None, int]:
    """(the month that follows, the number of the word after it)."""
    while at < len(words) and words[at].plain in BETWEEN:
        at += 1
    pair = tuple(word.plain for word in words[at : at + 2])
    if pair in LONG_MONTHS:
        return LONG_MONTHS[pair], at + 2
    if at < len(words) and words[at].plain in MONTHS:
        return MONTHS[words[at].plain], at + 1
    return None, at


def _month_before(words: list[Word], at: int) -> tuple[int, int] | None:
    """(the month right before a day, the number of its word): `April the sixteenth`."""
    before = at - 1
    while before >= 0 and words[before].plain == "the":
        before -= 1
    is_month = before >= 0 and words[before].plain in MONTHS
    is_taken = is_month and before > 0 and bool(numbers_in(words[before - 1 : before]))
    return (MONTHS[words[before].plain], before) if is_month and not is_taken else None


def _month_as_ordinal(
    words: list[Word], numbers: dict[int, Number], number: Number, used: set[int]
) -> tuple[int | None, int]:
    """`the sixteenth of the fourth`, `szesnastego czwartego`."""
    at = number.after
    while at < len(words) and words[at].plain in BETWEEN:
        at += 1
    following = numbers.get(at)
    if following is None or not following.is_ordinal or not 1 <= following.value <= 12:
        return None, number.after
    used.add(at)
    return following.value, following.after


def _month_of_range(words: list[Word], numbers: dict[int, Number], number: Number) -> int | None:
    """`13 to 16 April`: the month stands behind the second day."""
    before = words[number.first - 1].plain if number.first else ""
    is_figure = words[number.first].plain.isdecimal()
    if not (is_figure or number.is_ordinal or before in RANGE_LEADS):
        return None
    at = number.after
    while at < len(words) and words[at].plain in RANGE | BETWEEN:
        at += 1
    following = numbers.get(at)
    is_near = following is not None and at - number.after <= 4
    return _month_after(words, following.after)[0] if following and is_near else None
