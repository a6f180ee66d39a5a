"""Polish as it is spoken; pure. Hours and days are ordinals, and change with what stands before."""

import re

from app.bots.sentences import MONTHS
from app.voice.tongue import Day, Tongue, in_words, is_few, months_of

JOINED = r"(?:\S+\s+(?:a|i|lub|albo)\s+)?"
"""A second hour takes the ending of the first."""
GENITIVE = re.compile(
    rf"\b(?:o|od|do|po|około|koło|godzinie|godziny|godz\.|ok\.)\s+{JOINED}$", re.IGNORECASE
)
"""Behind these an hour ends in -ej."""
INSTRUMENTAL = re.compile(rf"\b(?:przed|między|pomiędzy)\s+{JOINED}$", re.IGNORECASE)
"""Behind these it ends in -ą."""


def _count(number: int) -> str:
    return in_words(number, "pl")


def _feminine(ordinal: str, ending: str) -> str:
    """Each word of an ordinal as of an hour: piętnasty → piętnasta, piętnastej, piętnastą."""
    said = []
    for word in ordinal.split():
        stem = word[:-1]
        if word == "trzeci":
            stem = "trzeci"
        elif word == "drugi":
            stem = "drug"
            said.append(stem + {"a": "a", "ej": "iej", "ą": "ą"}[ending])
            continue
        said.append(stem + ending)
    return " ".join(said)


def _genitive(ordinal: str) -> str:
    """An ordinal as of a day or year: piętnasty → piętnastego; of many words the last two."""
    *first, tens, units = ["", *ordinal.split()]
    endings = [
        word + "ego"
        if word == "trzeci"
        else word[:-1] + ("iego" if word == "drugi" else "ego")
        if word.endswith(("y", "i"))
        else word
        for word in (tens, units)
    ]
    return " ".join(word for word in (*first, *endings) if word)


def _clock(hour: int, minute: int, before: str) -> str:
    ordinal = in_words(hour, "pl", to="ordinal") if hour else "zerowy"
    is_oblique = GENITIVE.search(before) is not None
    ending = "ą" if INSTRUMENTAL.search(before) else "ej" if is_oblique else "a"
    said = _feminine(ordinal, ending)
    if minute:
        said += f" {'zero ' if minute < 10 else ''}{_count(minute)}"
    return said


def _date(day: Day) -> str:
    said = f"{_genitive(in_words(day.day, 'pl', to='ordinal'))} {MONTHS['pl'][day.month - 1]}"
    if day.year:
        said += f" {_genitive(in_words(day.year, 'pl', to='ordinal'))} roku"
    return said


def _measured(number: int, forms: tuple[str, str, str]) -> str:
    one, few, many = forms
    said = _count(number)
    if one.endswith("a"):
        said = "jedna" if number == 1 else re.sub(r"\bdwa$", "dwie", said)
    return f"{said} {one if number == 1 else few if is_few(number) else many}"


def _whole_hour(hit: re.Match[str]) -> str:
    """`godz. 15`, `godz. 15.00`, `o godzinie 15`."""
    before = hit.string[: hit.start()]
    word = hit["word"]
    is_short = word.lower().startswith("godz.")
    if is_short:
        word = "godzinie" if re.search(r"\bo\s*$", before) else "godziny"
        if not re.search(r"\b(?:o|od|do|po|około)\s*$", before, re.IGNORECASE):
            word = "godzina"
    said = _clock(int(hit["hour"]), int(hit["minute"] or 0), "" if word == "godzina" else "od ")
    return f"{word} {said}"


PL = Tongue(
    language="pl",
    count=_count,
    digits=(
        "zero", "jeden", "dwa", "trzy", "cztery", "pięć", "sześć", "siedem", "osiem", "dziewięć",
    ),
    signs={
        "-": "myślnik", "_": "podkreślenie", ".": "kropka", ",": "przecinek", "@": "małpa",
        "/": "ukośnik", "\\": "ukośnik wsteczny", ":": "dwukropek", ";": "średnik",
        "!": "wykrzyknik", "?": "znak zapytania", "#": "krzyżyk", "$": "znak dolara",
        "%": "procent", "&": "znak i", "*": "gwiazdka", "+": "plus", "=": "równa się",
        "~": "tylda", " ": "spacja", "(": "nawias otwierający", ")": "nawias zamykający",
        "'": "apostrof", '"': "cudzysłów", "^": "daszek", "|": "kreska pionowa",
        "<": "znak mniejszości", ">": "znak większości", "[": "nawias kwadratowy otwierający",
        "]": "nawias kwadratowy zamykający", "€": "znak euro",
    },
    capital="wielkie {}",
    all_small="wszystko małymi literami: ",
    all_capital="wszystko wielkimi literami: ",
    again="Powtarzam:",
    percent="procent",
    months=months_of(
        MONTHS["pl"],
        (
            "styczeń", "luty", "marzec", "kwiecień", "maj", "czerwiec", "lipiec", "sierpień",
            "wrzesień", "październik", "listopad", "grudzień",
        ),
    ),
    clock=_clock,
    date=_date,
    flat="{house}, mieszkania {flat}",
    words={
        "ul.": "ulica", "al.": "aleja", "pl.": "plac", "os.": "osiedle", "św.": "świętego",
        "m.": "mieszkania", "nr": "numer", "tel.": "telefon", "np.": "na przykład",
        "tj.": "to jest", "m.in.": "między innymi", "ok.": "około", "itd.": "i tak dalej",
        "itp.": "i tym podobne", "godz.": "godzina", "zł": "złotych", "min.": "minut",
        "tzn.": "to znaczy", "dr": "doktor", "ks.": "księdza", "gen.": "generała",
        "Wi-Fi": "łaj faj", "WiFi": "łaj faj", "wifi": "łaj faj", "check-in": "czek in",
        "check-out": "czek aut", "Booking.com": "buking kom", "Airbnb": "er bi en bi",
        "online": "onlajn", "e-mail": "imejl", "24/7": "przez całą dobę", "&": "i",
        "Apt": "apartament", "Apt.": "apartament", "lok.": "lokal", "AI": "ej aj",
    },
    to="do",
    measured=_measured,
    measures={
        "km": ("kilometr", "kilometry", "kilometrów"), "m": ("metr", "metry", "metrów"),
        "cm": ("centymetr", "centymetry", "centymetrów"),
        "m²": ("metr kwadratowy", "metry kwadratowe", "metrów kwadratowych"),
        "min": ("minuta", "minuty", "minut"), "h": ("godzina", "godziny", "godzin"),
        "°C": ("stopień", "stopnie", "stopni"), "kg": ("kilogram", "kilogramy", "kilogramów"),
    },
    currencies={
        "PLN": re.compile(r" polsk\w+"), "USD": re.compile(r" amerykańsk\w+"),
        "GBP": re.compile(r" szterling\w*"), "CHF": re.compile(r" szwajcarsk\w+"),
    },
    one_of=lambda currency: "jedno" if currency == "EUR" else "jeden",
    of_emergency=lambda number: _count(int(number)),
    rules=(
        (
            re.compile(
                r"(?<!\w)(?P<word>godz\.|godzina|godzinie|godziny|godzinę)\s?"
                r"(?P<hour>[01]?\d|2[0-4])(?:[.:](?P<minute>[0-5]\d))?(?![\d:.,]\d|\d)",
                re.IGNORECASE,
            ),
            _whole_hour,
        ),
    ),
)  # fmt: skip
