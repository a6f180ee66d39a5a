"""English as it is spoken; pure."""

import re

from app.bots.sentences import MONTHS
from app.voice.tongue import Day, Tongue, in_words, months_of

SHORT_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def _count(number: int) -> str:
    return in_words(number, "en").replace(",", "")


def _clock(hour: int, minute: int, before: str) -> str:
    if minute == 0 and hour in (0, 24):
        return "midnight"
    if minute == 0 and hour == 12:
        return "noon"
    half = "a.m." if hour % 24 < 12 else "p.m."
    named = _count(hour % 12 or 12)
    if minute == 0:
        return f"{named} {half}"
    return f"{named} {'oh ' if minute < 10 else ''}{_count(minute)} {half}"


def _date(day: Day) -> str:
    month, numbered = MONTHS["en"][day.month - 1], in_words(day.day, "en", to="ordinal")
    year = f" {in_words(day.year, 'en', to='year')}" if day.year else ""
    if day.is_month_first:
        return f"{month} {numbered}{year}"
    article = "" if day.before.lower().rstrip().endswith("the") else "the "
    return f"{article}{numbered} of {month}{year}"


def _half_day(hit: re.Match[str]) -> str:
    """`3pm`, `3:30 p.m.`."""
    minute = int(hit["minute"] or 0)
    said = f"{_count(int(hit['hour']))} "
    if minute:
        said += f"{'oh ' if minute < 10 else ''}{_count(minute)} "
    return said + ("a.m." if hit["half"][0] in "aA" else "p.m.")


EN = Tongue(
    language="en",
    count=_count,
    digits=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    signs={
        "-": "dash", "_": "underscore", ".": "dot", ",": "comma", "@": "at", "/": "slash",
        "\\": "backslash", ":": "colon", ";": "semicolon", "!": "exclamation mark",
        "?": "question mark", "#": "hash", "$": "dollar sign", "%": "percent sign",
        "&": "ampersand", "*": "star", "+": "plus", "=": "equals", "~": "tilde", " ": "space",
        "(": "open bracket", ")": "close bracket", "'": "apostrophe", '"': "quotation mark",
        "^": "caret", "|": "vertical bar", "<": "less than", ">": "greater than",
        "[": "open square bracket", "]": "close square bracket", "€": "euro sign",
    },
    capital="capital {}",
    all_small="all in small letters: ",
    all_capital="all in capitals: ",
    again="I repeat:",
    percent="percent",
    months=months_of(MONTHS["en"], SHORT_MONTHS, tuple(f"{name}." for name in SHORT_MONTHS)),
    clock=_clock,
    date=_date,
    flat="{house}, flat {flat}",
    words={
        "Apt.": "apartment", "Apt": "apartment", "St.": "Street", "Rd.": "Road", "Ave.": "Avenue",
        "No.": "number", "e.g.": "for example", "i.e.": "that is", "approx.": "approximately",
        "incl.": "including", "tel.": "telephone", "Tel.": "telephone", "ul.": "ulica",
        "al.": "aleja", "pl.": "plac", "etc.": "and so on", "&": "and", "vs.": "versus",
        "Wi-Fi": "wifi", "24/7": "twenty-four seven", "ASAP": "as soon as possible",
        "min.": "minutes", "WC": "toilet", "TV": "T V", "AC": "air conditioning",
    },
    to="to",
    measured=lambda number, forms: f"{_count(number)} {forms[0] if number == 1 else forms[2]}",
    measures={
        "km": ("kilometre", "kilometres", "kilometres"), "m": ("metre", "metres", "metres"),
        "cm": ("centimetre", "centimetres", "centimetres"),
        "m²": ("square metre", "square metres", "square metres"),
        "min": ("minute", "minutes", "minutes"), "h": ("hour", "hours", "hours"),
        "°C": ("degree", "degrees", "degrees"), "kg": ("kilogram", "kilograms", "kilograms"),
    },
    currencies={
        "PLN": re.compile(r"Polish "), "GBP": re.compile(r"British "), "USD": re.compile(r"US "),
    },
    rules=(
        (
            re.compile(
                r"(?<![\d:.,])(?P<hour>1[0-2]|0?[1-9])(?:[:.](?P<minute>[0-5]\d))?\s?"
                r"(?P<half>[aApP]\.?[mM](?:\.(?=\s?[^\sA-Z]|$)|(?!\w)))"
            ),
            _half_day,
        ),
    ),
)  # fmt: skip
