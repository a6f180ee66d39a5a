import pytest

from app.chat.ways import (
    assurance_of,
    holds_forbidden,
    may_take,
    other_ways,
    shortened,
    way_of,
)
from app.conversations import Conversation
from tests.make import make_reservation, make_stay

AIRBNB, DIRECT = 2018, 2000


def thread(channel_id: int | None = AIRBNB, way: str | None = None) -> Conversation:
    return Conversation(
        id=1, medium="thread", account="1", external_id="70", reservation_id=1,
        channel_id=channel_id, communication_type=way, language=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("channel_id", "last", "chosen", "way"),
    [
        (AIRBNB, None, None, "channel"),
        (DIRECT, None, None, "email"),
        (None, None, None, "email"),
        (AIRBNB, "whatsapp", None, "whatsapp"),
        (AIRBNB, "whatsapp", "sms", "sms"),
    ],
)
def test_a_reply_travels_as_the_guest_wrote(
    channel_id: int | None, last: str | None, chosen: str | None, way: str
) -> None:
    assert way_of(thread(channel_id, last), chosen) == way


@pytest.mark.parametrize(
    ("way", "phone", "assurance"),
    [
        ("channel", None, 2),
        ("email", "+48500100200", 1),
        ("sms", "+48500100200", 2),
        ("sms", None, 1),
        ("whatsapp", "+48500100200", 2),
        ("whatsapp", None, 1),
    ],
)
def test_a_way_is_trusted_as_far_as_it_proves_the_guest(
    way: str, phone: str | None, assurance: int
) -> None:
    assert assurance_of(way, make_stay(reservation=make_reservation(phone_e164=phone))) == assurance


def test_without_a_stay_only_the_channel_proves_anything() -> None:
    assert [assurance_of(way, None) for way in ("channel", "sms", "email")] == [2, 1, 1]


def test_what_the_guest_used_comes_first_then_channel_mail_and_number() -> None:
    ways = other_ways(thread(), make_stay(), failed="sms", used=["sms", "whatsapp"], has_email=True)
    assert ways == ["whatsapp", "channel", "email"]


@pytest.mark.parametrize(
    ("channel_id", "has_email", "phone", "ways"),
    [
        (AIRBNB, False, None, []),
        (AIRBNB, True, None, ["email"]),
        (AIRBNB, False, "+48500100200", ["sms"]),
        (DIRECT, False, None, []),
    ],
)
def test_a_way_needs_what_the_booking_has(
    channel_id: int, has_email: bool, phone: str | None, ways: list[str]
) -> None:
    stay = make_stay(reservation=make_reservation(phone_e164=phone))
    found = other_ways(thread(channel_id), stay, failed="channel", used=[], has_email=has_email)
    assert found == ways


@pytest.mark.parametrize(
    ("way", "text", "is_gated", "may"),
    [
        ("email", "Check-in is from 15:00.", False, True),
        ("email", "Check-in is from 15:00.", True, False),
        ("email", "Your door code is [[door_code]].", False, False),
        ("sms", "Your door code is [[door_code]].", True, True),
        ("sms", "x" * 141, False, False),
        ("sms", "x" * 140, False, True),
    ],
)
def test_a_text_goes_only_where_it_fits_and_is_safe(
    way: str, text: str, is_gated: bool, may: bool
) -> None:
    assert may_take(way, text, make_stay(), is_gated=is_gated) is may


@pytest.mark.parametrize(
    ("limit", "kept"),
    [(100, "One. Two! Three?"), (10, "One. Two!"), (5, "One."), (3, None)],
)
def test_a_text_is_shortened_at_sentences(limit: int, kept: str | None) -> None:
    assert shortened("One. Two! Three?", limit) == kept


@pytest.mark.parametrize(
    "text",
    ["From 15:00 to 22:00", "13.04.2026", "2026-04-13 - 2026-04-16", "112", "1240.50 PLN"],
)
def test_times_dates_and_prices_are_not_forbidden(text: str) -> None:
    assert not holds_forbidden(text)


@pytest.mark.parametrize("text", ["www.x.pl", "500 100 200", "a.b@c.example", "+971 4 123 4567"])
def test_ways_around_the_channel_are_forbidden(text: str) -> None:
    assert holds_forbidden(text)
