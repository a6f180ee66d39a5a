"""Who says to be no guest, and who merely speaks of such people."""

import pytest

from app.voice.strangers import find_stranger


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("This is the police, officer Miller speaking", "police"),
        ("I am calling from Booking.com customer service", "support"),
        ("Hi, this is Maria from Airbnb", "support"),
        ("Your verification code is 4 8 1 5", "robot"),
        ("I'm the cleaner and I can't open the door", "cleaner"),
        ("I'm the owner of the flat", "owner"),
        ("I live next door and your guests are too loud", "neighbour"),
        ("This is DHL, I'm in front of the house", "courier"),
        ("Tu policja", "police"),
        ("Dzwonię z Booking.com", "support"),
        ("Jestem sąsiadką z dołu", "neighbour"),
        ("Mówi kurier, mam paczkę dla pana Nowaka", "courier"),
        ("Jestem właścicielem mieszkania", "owner"),
        ("Jestem sprzątaczką", "cleaner"),
        ("Hier ist die Polizei", "police"),
        ("Ich bin der Eigentümer", "owner"),
        ("Ich bin die Nachbarin", "neighbour"),
        ("Ich habe ein Paket für Herrn Müller", "courier"),
        ("Hier ist Frau Klein von Booking.com", "support"),
        ("Ihr Bestätigungscode lautet 1234", "robot"),
        ("Ich bin die Reinigungskraft", "cleaner"),
        ("معك الشرطة", "police"),
        ("أنا جاركم", "neighbour"),
        ("معي طرد لكم", "courier"),
        ("أنا صاحب الشقة", "owner"),
        ("أنا من بوكينج", "support"),
        ("رمز التحقق هو ١٢٣٤", "robot"),
        ("أنا عاملة التنظيف", "cleaner"),
    ],
)
def test_who_is_no_guest_is_known_by_what_they_say(text: str, kind: str):
    stranger = find_stranger(text)
    assert stranger is not None
    assert stranger.kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "The police are here", "My neighbour is too loud", "The cleaner did not come",
        "I am waiting for a courier", "I booked on Airbnb", "I'm not the owner",
        "There is a parcel for me", "I called the police", "Sąsiad hałasuje", "Czekam na kuriera",
        "Nie jestem właścicielem", "Der Nachbar ist laut", "Die Putzfrau war nicht da",
        "الجار مزعج", "I'm Anna Kowalska", "My confirmation code is HMABCD1234",
        "The confirmation code is HMABCD1234", "Der Bestätigungscode ist HMABCD1234",
        "رمز التأكيد هو HMABCD1234", "Kod potwierdzenia to HMABCD1234", "Can I have a parcel sent?",
    ],
)  # fmt: skip
def test_a_guest_who_speaks_of_such_people_is_a_guest(text: str):
    assert find_stranger(text) is None


def test_a_long_first_turn_is_the_message_itself():
    short = find_stranger("I'm your neighbour")
    long = find_stranger("I'm your neighbour and your guests have had a loud party all night long")
    assert short is not None
    assert long is not None
    assert (short.has_message, long.has_message) == (False, True)
