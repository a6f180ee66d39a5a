import contextlib
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from app.errors import BadInput
from app.pms.records import (
    LONGEST_MESSAGE,
    CustomField,
    custom_values,
    is_set,
    parse_custom_fields,
    parse_listing,
    parse_message,
    parse_moment,
    parse_reservation,
    plain_text,
    to_e164,
)
from tests.make import NOON, raw_listing, raw_message, raw_reservation

FIELDS = parse_custom_fields(["167=parking:public", "201=lockbox:secret", "202=gate:gated"])


def listing(**changes: Any) -> Any:
    return parse_listing(raw_listing(**changes), FIELDS, as_of=NOON)


def reservation(**changes: Any) -> Any:
    return parse_reservation(raw_reservation(**changes), FIELDS, as_of=NOON)


def message(**changes: Any) -> Any:
    return parse_message(raw_message(1, "Hi", at=NOON, **changes))


def test_secrets_and_gated_text_stand_apart_from_fields() -> None:
    found = listing(doorSecurityCode="7788", specialInstruction="Ring twice", airbnbAccess="Lift")
    assert found.gated.secrets == {"door_code": "7788", "wifi_password": "river-otter-77"}
    assert found.gated.texts == {
        "specialInstruction": "Ring twice",
        "airbnbAccess": "Lift",
        "address": "ul. Rzeczna 7, Warsaw",
    }
    assert not {"doorSecurityCode", "wifiPassword", "specialInstruction", "address"} & set(
        found.fields
    )


def test_what_is_not_on_the_list_is_dropped() -> None:
    secret = {
        "ccName": "JAN T", "ccNumberEndingDigits": "4242", "cvc": "123", "stripeGuestId": "cus_1",
        "hostNote": "do not tell", "guestPortalUrl": "https://portal.example/x",
        "guestAuthHash": "abc", "guestEmail": "a@b.pl", "phone": "+48500100200",
        "doorCode": "48151", "somethingNew": "x",
    }  # fmt: skip
    found = reservation(**secret)
    assert not set(secret) & set(found.fields)
    assert found.gated.secrets == {
        "door_code": "48151",
        "guest_portal_url": "https://portal.example/x",
    }


def test_the_exact_place_is_no_open_field() -> None:
    assert not {"lat", "lng", "street", "zipcode"} & set(listing(lat=52.2, lng=21.0).fields)


def test_secrets_are_not_shown_by_repr() -> None:
    assert "48151" not in repr(reservation())
    assert "river-otter" not in repr(listing())


def test_custom_fields_go_where_the_tenant_says() -> None:
    values = [
        {"customFieldId": 167, "value": "Garage B2"},
        {"customFieldId": "201", "value": 5566},
        {"customField": {"id": 202, "name": "x"}, "value": "Left gate"},
        {"customFieldId": 999, "value": "unknown"},
    ]
    found = reservation(customFieldValues=values)
    assert found.custom_fields == {"parking": "Garage B2"}
    assert found.gated.secrets["lockbox"] == "5566"
    assert found.gated.texts == {"gate": "Left gate", "custom_999": "unknown"}


@pytest.mark.parametrize(
    "raw", [None, "", {}, [None, 1, {"value": "x"}, {"customFieldId": 1}], [[]]]
)
def test_strange_custom_fields_are_none(raw: object) -> None:
    assert custom_values(raw) == []


@pytest.mark.parametrize(
    "entry", ["167", "167=Parking:public", "167=parking", "167=p:open", "=p:secret"]
)
def test_a_custom_field_setting_of_another_form_is_refused(entry: str) -> None:
    with pytest.raises(BadInput, match="167=parking:public"):
        parse_custom_fields([entry])


def test_a_custom_field_may_be_named_by_its_variable() -> None:
    assert parse_custom_fields(["reservation_gate=gate:secret"]) == {
        "reservation_gate": CustomField(
            external_id="reservation_gate", name="gate", visibility="secret"
        )
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, True),
        (0, False),
        ("1", True),
        ("0", False),
        (True, True),
        (False, False),
        (None, False),
        ("", False),
        ("false", False),
    ],
)
def test_flags_come_in_many_forms(value: object, expected: bool) -> None:
    assert is_set(value) is expected
    assert reservation(isDatesUnspecified=value).are_dates_unspecified is expected
    assert message(isIncoming=value).is_incoming is expected


@pytest.mark.parametrize(
    ("is_paid", "status", "expected"),
    [
        (1, None, True), (0, "Paid", False), ("0", None, False), (None, "Paid", True),
        (None, "Unpaid", False), (None, "Partially paid", False), (None, None, None),
    ],
)  # fmt: skip
def test_payment_is_read_from_either_field(
    is_paid: object, status: object, expected: object
) -> None:
    assert reservation(isPaid=is_paid, paymentStatus=status).is_paid is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (15, 15),
        ("15", 15),
        (0, 0),
        (23, 23),
        (24, None),
        (-1, None),
        ("16:00", None),
        (None, None),
        (True, None),
    ],
)
def test_hours_are_whole_and_of_a_day(value: object, expected: object) -> None:
    assert listing(checkInTimeStart=value).check_in_hour == expected


def test_ids_may_be_text() -> None:
    found = reservation(id="05000", listingMapId="1042")
    assert (found.external_id, found.listing_external_id) == ("5000", "1042")


@pytest.mark.parametrize(
    "changes", [{"id": None}, {"id": True}, {"id": "abc"}, {"listingMapId": ""}]
)
def test_a_reservation_without_ids_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="missing or not a number"):
        reservation(**changes)


@pytest.mark.parametrize(
    "value",
    [
        None, "", "soon", "2026-02-30", "0000-00-00", "0001-01-01", "9999-12-31", "1970-01-01",
        "1989-12-31", "2201-01-01",
        20260413, ["2026-04-13"], {"date": "2026-04-13"}, True,
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["arrivalDate", "departureDate"])
def test_dates_that_are_none_count_as_unspecified(name: str, value: object) -> None:
    read = parse_reservation(raw_reservation(**{name: value}), {}, as_of=NOON)
    assert read.are_dates_unspecified
    assert read.arrival_on == read.departure_on == date(2026, 4, 12)


def test_dates_that_run_backwards_count_as_unspecified() -> None:
    raw = raw_reservation(arrivalDate="2026-04-16", departureDate="2026-04-13")
    assert parse_reservation(raw, {}, as_of=NOON).are_dates_unspecified


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-00-00 00:00:00", "soon",
        "1899-12-31 00:00:00", 5, None, [], "2026-04-13T25:00:00",
    ],
)  # fmt: skip
def test_a_moment_that_is_none_is_none(moment: object) -> None:
    assert parse_moment(moment) is None


@pytest.mark.parametrize("body", ["<p " * 30_000, "<p>" + "</p " * 30_000, "<" * 100_000])
def test_markup_without_an_end_is_read(body: str) -> None:
    assert len(plain_text(body)) <= LONGEST_MESSAGE


def test_only_the_beginning_of_a_very_long_message_is_kept() -> None:
    raw = raw_message(1, "I wait. " + "x" * 1_000_000, at=NOON)
    text = parse_message(raw).text
    assert (len(text), text[:7]) == (LONGEST_MESSAGE, "I wait.")


def test_a_message_of_signs_that_stand_for_many_letters_is_cut_sooner() -> None:
    assert len(plain_text("\ufdfa" * 5_000)) == LONGEST_MESSAGE // 5
    for text in ("안녕하세요 " * 800, "مرحبا بك " * 500, "żółć " * 900, "😀" * 4_000):
        assert plain_text(text) == text.strip()


WRONG: list[Any] = [
    [], {}, [1], {"a": 1}, True, -5, 1.5, 1e300, 2**62, "", "x" * 100_000, "a\x00b", "²", "١٢",
    "9" * 5_000, "\u202eabc", "😀" * 1_000, "NaN", "-0", None,
]  # fmt: skip


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:20])
def test_a_wrong_value_in_any_field_is_left_out_or_refused(value: Any) -> None:
    parsers: dict[Any, Any] = {
        parse_listing: raw_listing(),
        parse_reservation: raw_reservation(),
    }
    for parse, row in parsers.items():
        for name in (*row, "customFieldValues", "reservationUnit", "description"):
            with contextlib.suppress(BadInput):
                read = parse({**row, name: value}, {}, as_of=NOON)
                assert "\x00" not in repr(read)
                orjson.dumps(dict(read.fields))
    message = raw_message(1, "Hello", at=NOON)
    for name in message:
        with contextlib.suppress(BadInput):
            parse_message({**message, name: value})


def test_a_wrong_value_is_refused_only_in_an_id() -> None:
    refused = set()
    for name in raw_reservation():
        try:
            parse_reservation({**raw_reservation(), name: []}, {}, as_of=NOON)
        except BadInput:
            refused.add(name)
    assert refused == {"id", "listingMapId"}


def test_a_guest_sleeps_in_the_unit_that_was_booked() -> None:
    assert reservation().place_external_id == "1042"
    units = [{"listingMapIdUnit": 1050}]
    assert reservation(reservationUnit=units).place_external_id == "1050"


def test_dates_may_carry_a_time() -> None:
    assert reservation(arrivalDate="2026-04-13 00:00:00").arrival_on == date(2026, 4, 13)


def test_nulls_everywhere_are_survived() -> None:
    kept = {"id", "listingMapId", "arrivalDate", "departureDate"}
    raw = {name: value if name in kept else None for name, value in raw_reservation().items()}
    found = parse_reservation(raw, {}, as_of=NOON)
    assert (found.status, found.guest_name, found.phone_e164) == ("unknown", None, None)
    assert found.updated_at == NOON


def test_a_listing_of_nothing_but_an_id_has_a_name() -> None:
    assert parse_listing({"id": 7}, {}, as_of=NOON).name == "Listing 7"


def test_what_no_database_can_hold_is_taken_out() -> None:
    assert reservation(guestName="Jan\x00 T", channelId=10**12).fields["guestName"] == "Jan T"
    assert reservation(channelId=10**12).channel_id is None
    assert message(body="a\x00b").text == "ab"


def test_nested_values_are_no_fields() -> None:
    assert "description" not in listing(description={"a": 1}).fields


def test_a_name_is_put_together_where_the_whole_is_missing() -> None:
    assert reservation(guestName=None).guest_name == "Jan Testowy"
    assert reservation(guestName="", guestLastName=None).guest_name == "Jan"


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (None, None), ([], None), ([{"listingMapIdUnit": 1050}], "1050"),
        ([{"listingMapIdUnit": None}], None),
        ([{"listingMapIdUnit": 1}, {"listingMapIdUnit": 2}], None),
    ],
)  # fmt: skip
def test_the_unit_of_a_booking_is_known_where_there_is_one(units: object, expected: object) -> None:
    assert reservation(reservationUnit=units).unit_external_id == expected


@pytest.mark.parametrize(
    ("phone", "country", "expected"),
    [
        ("+48 500 100 200", None, "+48500100200"),
        ("500 100 200", "pl", "+48500100200"),
        ("0048500100200", "PL", "+48500100200"),
        ("050 123 4567", "AE", "+971501234567"),
        ("500 100 200", None, None),
        ("+48 5** *** 200", "PL", None),
        ("+4850", "PL", None),
        ("call me", "PL", None),
        (None, "PL", None),
        ("500100200", "Poland", None),
    ],
)  # fmt: skip
def test_phone_numbers_become_e164(
    phone: str | None, country: str | None, expected: str | None
) -> None:
    assert to_e164(phone, country) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-04-13 18:05:34", datetime(2026, 4, 13, 18, 5, 34, tzinfo=UTC)),
        ("2026-04-13T18:05:34+02:00", datetime(2026, 4, 13, 16, 5, 34, tzinfo=UTC)),
        ("0000-00-00 00:00:00", None), ("", None), (None, None), (1700000000, None),
    ],
)  # fmt: skip
def test_moments_are_utc(value: object, expected: object) -> None:
    assert parse_moment(value) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ("<p>Hi &amp; welcome</p><p>Ola</p>", "Hi & welcome\nOla"),
        ("one<br/>two<BR>three", "one\ntwo\nthree"),
        ("<div><b>bold</b></div>\n\n\n\nend", "bold\n\nend"),
        ("  plain &amp; simple ", "plain &amp; simple"),
    ],
)
def test_markup_is_taken_out_where_there_is_some(body: str, expected: str) -> None:
    assert plain_text(body) == expected


def test_an_automation_is_known_by_its_communication() -> None:
    assert message(communicationId=7).is_automation
    assert message(communicationEvent="checkin").is_automation
    assert not message().is_automation


def test_attachments_and_pictures_are_counted() -> None:
    assert message(attachments=[{}, {}], imagesUrls=["x"]).attachments == 3
    assert message(attachments=None, imagesUrls="x").attachments == 0


def test_a_message_without_any_date_is_refused() -> None:
    with pytest.raises(BadInput, match="date is missing"):
        message(date=None, insertedOn="?")
    assert message(date=None).sent_at == NOON


def test_a_message_may_come_without_its_reservation() -> None:
    assert message(reservationId=None).reservation_external_id is None
    assert message(reservationId="5000").reservation_external_id == "5000"


def test_a_secret_longer_than_any_is_none() -> None:
    assert reservation(doorCode="9" * 2_001).gated.secrets == {}
    assert reservation(doorCode="9" * 64).gated.secrets == {"door_code": "9" * 64}
