"""Makes an account and its people: guests of four languages, names and phones included."""

import random
from dataclasses import dataclass
from datetime import datetime

from app.sim.homes import make_custom_fields, make_listings, make_units
from app.sim.places import Place
from app.sim.rows import Row

_FIRST = {
    "pl": "Anna Katarzyna Zofia Małgorzata Łukasz Wojciech Paweł Michał Grzegorz Żaneta Jędrzej",
    "de": "Jürgen Anke Sören Käthe Lukas Heike Björn Friederike Matthias Ursula Günther",
    "en": "Emily Oliver Hannah James Charlotte Declan Priya Marcus Niamh Theodore Grace",
    "ar": "أحمد فاطمة يوسف مريم خالد نورة عمر ليلى سلمان هند",
    "ar-latn": "Ahmed Fatima Yousef Mariam Khalid Noura Omar Layla Salman Hind",
}
_LAST = {
    "pl": "Kowalczyk Wiśniewska Dąbrowski Zając Brzęczyszczykiewicz Wróbel Łuczak Żak Nowicki",
    "de": "Müller Schröder Weiß Großmann von-der-Heide Köhler Vogt Jäger Strauß Lindner",
    "en": "Carter O'Neill Whitfield Smith-Jones Fraser Hughes Okafor Bennett Lloyd Marsh",
    "ar": "الهاشمي المنصوري الزعابي القحطاني الحداد السويدي النجار",
    "ar-latn": "Al-Hashimi Al-Mansoori Al-Zaabi Al-Qahtani Haddad Al-Suwaidi El-Najjar",
}
_COUNTRIES = {"pl": ("PL",), "de": ("DE",), "en": ("GB", "IE"), "ar": ("AE", "SA")}
_LANGUAGES = {"PL": (40, 22, 28, 10), "AE": (10, 15, 40, 35)}
"""Weights of Polish, German, English and Arabic by the country the homes are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A made-up person."""

    first_name: str
    last_name: str
    language: str
    country: str
    phone: str
    """International form; whether the PMS knows it is the stay's affair."""


@dataclass(slots=True, kw_only=True)
class Estate:
    """An account's homes as they stand at the start; the store changes them from then on."""

    place: Place
    listings: list[Row]
    units: dict[int, list[Row]]
    custom_fields: list[Row]


def make_estate(place: Place, seed: int, now: datetime) -> Estate:
    """The account's homes and definitions, before anybody has booked."""
    dice = random.Random(f"homes-{seed}-{place.account_id}")
    listings = make_listings(place, dice, now)
    return Estate(
        place=place,
        listings=listings,
        units=make_units(place, listings),
        custom_fields=make_custom_fields(place),
    )


def make_guest(place: Place, dice: random.Random) -> Guest:
    """A guest of the kind who travels to that city."""
    language = dice.choices(("pl", "de", "en", "ar"), _LANGUAGES[place.country_code])[0]
    country = dice.choice(_COUNTRIES[language])
    script = language
    if language == "ar" and dice.random() < 0.5:
        script = "ar-latn"
    return Guest(
        first_name=dice.choice(_FIRST[script].split()),
        last_name=dice.choice(_LAST[script].split()).replace("von-der-", "von der "),
        language=language,
        country=country,
        phone=make_phone(country, dice),
    )


def make_phone(country: str, dice: random.Random) -> str:
    """A mobile number that is well formed in its country; the British ones are fiction's own."""
    digits = f"{dice.randint(0, 9_999_999):07d}"
    return {
        "PL": f"+48{dice.choice(('50', '60', '69', '79'))}{digits}",
        "DE": f"+491511{digits}",
        "GB": f"+447700900{digits[:3]}",
        "IE": f"+35385{digits}",
        "AE": f"+97150{digits}",
        "SA": f"+96650{digits}",
    }[country]
