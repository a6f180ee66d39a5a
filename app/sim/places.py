"""The two cities of the stand-in's rental companies: streets, words and rules to make homes of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One PMS account, the city its homes are in and what its texts are made of."""

    account_id: int
    company: str
    city: str
    zone: str
    country: str
    country_code: str
    currency: str
    language: str
    first_listing_id: int
    centre: tuple[float, float]
    postcode: str
    streets: tuple[str, ...]
    districts: tuple[str, ...]
    nouns: tuple[str, ...]
    contact: tuple[str, str, str]
    """First name, last name and phone of the company's local contact."""
    rules: tuple[str, ...]
    arrivals: tuple[str, ...]
    """How to get in; `{code}` is filled with the code that opens, `{gate}` with another one."""
    pickups: tuple[str, ...]
    transits: tuple[str, ...]


WARSAW = Place(
    account_id=70001,
    company="Wisła Apartamenty",
    city="Warsaw",
    zone="Europe/Warsaw",
    country="Poland",
    country_code="PL",
    currency="PLN",
    language="pl",
    first_listing_id=41001,
    centre=(52.2297, 21.0122),
    postcode="00-{:03d}",
    streets=(
        *("Marszałkowska", "Puławska", "Nowy Świat", "Żelazna", "Złota", "Chłodna", "Hoża"),
        *("Wilcza", "Poznańska", "Mokotowska", "Świętokrzyska", "Krucza", "Tamka", "Ząbkowska"),
        *("Łucka", "Grójecka", "Rakowiecka", "Narbutta"),
    ),
    districts=("Śródmieście", "Mokotów", "Wola", "Praga", "Powiśle", "Ochota", "Żoliborz"),
    nouns=("Apartament", "Studio", "Loft", "Mieszkanie", "Poddasze"),
    contact=("Agnieszka", "Sobczak", "+48225550140"),
    rules=(
        "Cisza nocna 22:00-6:00. Zakaz palenia w mieszkaniu i na balkonie. Bez imprez.",
        "Quiet hours from 22:00 to 07:00.\nNo smoking anywhere inside.\nShoes off, please.",
        "<p>No parties. No smoking.</p><p>Please sort the rubbish: bins are in the courtyard.</p>",
        "Zwierzęta tylko po uzgodnieniu. Zakaz palenia. Goście goszczą się do 22:00.",
    ),
    arrivals=(
        "Go through the passage into the courtyard, staircase B, second floor. The keypad on the "
        "door takes {code} and then #.",
        "Kod do bramy {gate}, potem klatka po lewej, trzecie piętro bez windy. Drzwi po prawej.",
        "The gate opens with PIN {gate}. At the flat, type {code} on the lock and wait for the "
        "green light.",
        "Wejście od podwórza. Skrytka na klucze wisi przy liczniku, szyfr {gate}.",
        "Take the lift to the 4th floor. The electronic lock wakes up when you touch it, code "
        "{code}.",
    ),
    pickups=(
        "The key box hangs on the fence to the left of the gate, code {gate}.",
        "Klucze w skrytce przy drzwiach piwnicy, kod {gate}.",
    ),
    transits=(
        "Metro is a 6 minute walk, line M1. From Chopin airport take bus 175.",
        "Tram 9 stops across the street. The central railway station is ten minutes away.",
    ),
)

DUBAI = Place(
    account_id=70002,
    company="Creek View Stays",
    city="Dubai",
    zone="Asia/Dubai",
    country="United Arab Emirates",
    country_code="AE",
    currency="AED",
    language="en",
    first_listing_id=52001,
    centre=(25.0805, 55.1403),
    postcode="{:05d}",
    streets=(
        *("Al Marsa Street", "Al Sufouh Road", "Jumeirah Beach Road", "Al Wasl Road"),
        *("Sheikh Zayed Road", "Al Khail Road", "Happiness Street", "Al Safa Street"),
        *("Al Rigga Road", "Palm Jumeirah Road", "Al Mankhool Road", "Cluster D", "Marasi Drive"),
    ),
    districts=("Marina", "Downtown", "JLT", "Palm", "Business Bay", "Deira", "Jumeirah"),
    nouns=("Residence", "Studio", "Suite", "Apartment", "Penthouse"),
    contact=("Omar", "Haddad", "+97145550163"),
    rules=(
        "No smoking or vaping inside. No parties. The pool closes at 22:00.",
        "Passports of all guests are registered by law before arrival.\nNo pets. No smoking.",
        "<ul><li>Quiet after 23:00</li><li>No smoking on the balcony</li></ul>",
    ),
    arrivals=(
        "Tell the concierge your name and show a passport; the lift needs code {gate}. The door "
        "lock takes {code} and the star key.",
        "Enter by tower 2, level P1. Lobby door PIN: {gate}. The flat is at the end on the left.",
        "The smart lock opens with {code}, press the tick afterwards. Please do not hand the code "
        "to visitors.",
        "رمز باب البهو {gate}. الشقة في الطابق الثاني عشر على اليمين.",
    ),
    pickups=(
        "Access cards wait in the mailbox room, box 12, code {gate}.",
        "The security desk in the lobby hands out the key card.",
    ),
    transits=(
        "The tram stop is two minutes away; taxis wait at the main entrance.",
        "Metro red line is a 9 minute walk over the covered bridge.",
    ),
)

PLACES = (WARSAW, DUBAI)
