"""German as it is spoken; pure."""

import re

from app.bots.sentences import MONTHS
from app.voice.tongue import Day, Tongue, in_words, months_of

DATIVE = re.compile(r"\b(am|vom|zum|ab|seit|dem|den|bis|bis zum|zwischen)\s*$", re.IGNORECASE)
WEAK = re.compile(r"\b(der|die|das)\s*$", re.IGNORECASE)


def _count(number: int) -> str:
    return in_words(number, "de")


def _hours(hour: int) -> str:
    return "ein" if hour == 1 else _count(hour)


def _clock(hour: int, minute: int, before: str) -> str:
    return f"{_hours(hour)} Uhr {_count(minute)}" if minute else f"{_hours(hour)} Uhr"


def _date(day: Day) -> str:
    ending = "n" if DATIVE.search(day.before) else "" if WEAK.search(day.before) else "r"
    said = f"{in_words(day.day, 'de', to='ordinal')}{ending} {MONTHS['de'][day.month - 1]}"
    return f"{said} {in_words(day.year, 'de')}" if day.year else said


def _measured(number: int, forms: tuple[str, str, str]) -> str:
    if number == 1:
        return f"{'eine' if forms[0].endswith('e') else 'ein'} {forms[0]}"
    return f"{_count(number)} {forms[2]}"


def _o_clock(hit: re.Match[str]) -> str:
    """`15 Uhr`, `15:30 Uhr`, `15.30 Uhr`."""
    return _clock(int(hit["hour"]), int(hit["minute"] or 0), "")


DE = Tongue(
    language="de",
    count=_count,
    digits=("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
    signs={
        "-": "Bindestrich", "_": "Unterstrich", ".": "Punkt", ",": "Komma", "@": "Ät",
        "/": "Schrägstrich", "\\": "umgekehrter Schrägstrich", ":": "Doppelpunkt",
        ";": "Strichpunkt", "!": "Ausrufezeichen", "?": "Fragezeichen", "#": "Raute",
        "$": "Dollarzeichen", "%": "Prozentzeichen", "&": "Und-Zeichen", "*": "Stern",
        "+": "Plus", "=": "Gleichheitszeichen", "~": "Tilde", " ": "Leerzeichen",
        "(": "Klammer auf", ")": "Klammer zu", "'": "Apostroph", '"': "Anführungszeichen",
        "^": "Dach", "|": "senkrechter Strich", "<": "kleiner als", ">": "größer als",
        "[": "eckige Klammer auf", "]": "eckige Klammer zu", "€": "Eurozeichen",
    },
    capital="großes {}",
    all_small="alles kleingeschrieben: ",
    all_capital="alles großgeschrieben: ",
    again="Ich wiederhole:",
    percent="Prozent",
    months=months_of(
        MONTHS["de"],
        ("Jan.", "Feb.", "Mär.", "Apr.", "Mai", "Jun.", "Jul.", "Aug.", "Sept.", "Okt.", "Nov.",
         "Dez."),
    ),
    clock=_clock,
    date=_date,
    flat="{house}, Wohnung {flat}",
    words={
        "Str.": "Straße", "Nr.": "Nummer", "Tel.": "Telefon", "z.B.": "zum Beispiel",
        "z. B.": "zum Beispiel", "d.h.": "das heißt", "bzw.": "beziehungsweise", "ca.": "zirka",
        "usw.": "und so weiter", "inkl.": "inklusive", "zzgl.": "zuzüglich",
        "u.a.": "unter anderem",
        "evtl.": "eventuell", "ggf.": "gegebenenfalls", "EG": "Erdgeschoss", "OG": "Obergeschoss",
        "ul.": "ulica", "al.": "aleja", "Apt.": "Apartment", "Apt": "Apartment", "Min.": "Minuten",
        "Std.": "Stunden", "WLAN": "We-Lan", "Wi-Fi": "Wai-Fai", "WiFi": "Wai-Fai",
        "Pl.": "Platz", "St.": "Sankt", "24/7": "rund um die Uhr", "&": "und", "KI": "Ka-I",
        "Whg.": "Wohnung",
    },
    to="bis",
    measured=_measured,
    measures={
        "km": ("Kilometer", "Kilometer", "Kilometer"), "m": ("Meter", "Meter", "Meter"),
        "cm": ("Zentimeter", "Zentimeter", "Zentimeter"),
        "m²": ("Quadratmeter", "Quadratmeter", "Quadratmeter"),
        "min": ("Minute", "Minuten", "Minuten"), "h": ("Stunde", "Stunden", "Stunden"),
        "°C": ("Grad", "Grad", "Grad"), "kg": ("Kilogramm", "Kilogramm", "Kilogramm"),
    },
    currencies={
        "PLN": re.compile(r"Polnische[r]? "), "GBP": re.compile(r"Britische[s]? "),
        "USD": re.compile(r"US-"), "CHF": re.compile(r"Schweizer "),
    },
    one_of=lambda currency: "ein",
    rules=(
        (
            re.compile(
                r"(?<![\d:.,])(?P<hour>[01]?\d|2[0-4])(?:[.:](?P<minute>[0-5]\d))?\s?Uhr(?!\w)"
            ),
            _o_clock,
        ),
    ),
)  # fmt: skip
