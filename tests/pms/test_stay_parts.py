from datetime import date
from typing import Any

import pytest

from app.pms.records import Gated
from app.pms.stay_parts import (
    as_meant_now,
    code_source_of,
    door_code,
    gated_texts,
    join_adjoining,
    known_secrets,
    policy_of,
    previous_check_out,
    without_foreign_codes,
)
from app.settings import AccessSettings
from tests.make import make_listing, make_reservation


def neighbour(arrival: int, departure: int, **changes: Any) -> Any:
    values = {
        "id": arrival, "external_id": str(6000 + arrival), "arrival_on": date(2026, 4, arrival),
        "departure_on": date(2026, 4, departure), **changes,
    }  # fmt: skip
    return make_reservation(**values)


def test_a_secret_that_another_stands_before_is_masked_all_the_same() -> None:
    listing = make_listing(gated=Gated(secrets={"wifi_password": "house-wifi-1"}))
    unit = make_listing(gated=Gated(secrets={"wifi_password": "unit-wifi-2"}))
    before = neighbour(10, 13, gated=Gated(secrets={"guest_portal_url": "https://p.example/a1"}))
    own = make_reservation(gated=Gated(secrets={"door_code": "4821"}))
    known = known_secrets("4821", own, listing, unit, [before, own])
    assert known == {
        "door_code": "4821",
        "wifi_password": "unit-wifi-2",
        "other_listing_wifi_password": "house-wifi-1",
        f"other_stay_{before.external_id}_guest_portal_url": "https://p.example/a1",
    }


def test_a_custom_field_is_hidden_from_the_moment_the_settings_say_so() -> None:
    mirrored = make_listing(
        custom_fields={"parking": "B2", "lift": "L", "gate": "G"}, gated=Gated(texts={"box": "9"})
    )
    settings = ["1=parking:public", "2=lift:gated", "3=gate:secret", "4=box:secret"]
    found = as_meant_now(mirrored, settings)
    assert found.custom_fields == {"parking": "B2"}
    assert found.gated == Gated(secrets={"gate": "G", "box": "9"}, texts={"lift": "L"})


def test_a_listing_may_choose_its_own_source() -> None:
    settings = AccessSettings(code_source="reservation", code_sources=("1042=listing", "7=field:x"))
    assert code_source_of(settings, "1042") == "listing"
    assert code_source_of(settings, "7") == "field:x"
    assert code_source_of(settings, "8") == "reservation"
    assert code_source_of(settings, "", "7") == "field:x"
    assert code_source_of(settings, "1042", "7") == "listing"


def test_adjoining_stays_of_one_guest_are_one() -> None:
    joined = join_adjoining(
        make_reservation(),
        [
            neighbour(16, 18, check_out_hour=13),
            neighbour(10, 13, check_in_hour=18),
            neighbour(8, 10),
            neighbour(20, 22),
        ],
    )
    assert (joined.arrival_on, joined.departure_on) == (date(2026, 4, 8), date(2026, 4, 18))
    assert (joined.check_in_hour, joined.check_out_hour) == (None, 13)
    assert joined.external_id == "5000"


@pytest.mark.parametrize(
    "changes",
    [
        {"phone_e164": "+48999999999"},
        {"status": "cancelled"},
        {"phone_e164": None, "guest_name": "X"},
        {"phone_e164": None},
    ],
)
def test_stays_of_others_are_not_joined(changes: dict[str, Any]) -> None:
    own = make_reservation()
    assert join_adjoining(own, [neighbour(16, 18, **changes)]) == own


def test_a_stay_of_no_night_does_not_join_for_ever() -> None:
    joined = join_adjoining(make_reservation(), [neighbour(13, 13), neighbour(16, 16)])
    assert (joined.arrival_on, joined.departure_on) == (date(2026, 4, 13), date(2026, 4, 16))


def test_an_inquiry_joins_nothing() -> None:
    own = make_reservation(status="inquiry")
    assert join_adjoining(own, [neighbour(16, 18)]) == own


def test_a_code_at_the_listing_is_the_same_for_every_guest() -> None:
    booked = make_reservation(gated=Gated(secrets={"door_code": "11", "lockbox": "22"}))
    listing = make_listing(gated=Gated(secrets={"door_code": "33", "safe": "44"}))
    assert door_code("reservation", booked, listing) == ("11", False)
    assert door_code("listing", booked, listing) == ("33", True)
    assert door_code("field:lockbox", booked, listing) == ("22", False)
    assert door_code("field:safe", booked, listing) == ("44", True)
    assert door_code("listing", booked, None) == (None, True)


def test_codes_of_other_sources_are_known_but_named_so() -> None:
    booked = make_reservation(gated=Gated(secrets={"door_code": "111"}))
    listing = make_listing(gated=Gated(secrets={"door_code": "222", "wifi_password": "111"}))
    assert known_secrets("111", booked, listing, None, [booked]) == {
        "door_code": "111", "wifi_password": "111", "other_listing_door_code": "222",
    }  # fmt: skip


def test_gated_texts_of_the_reservation_win() -> None:
    listing = make_listing(gated=Gated(texts={"a": "listing", "b": "code 7788"}))
    booked = make_reservation(gated=Gated(texts={"a": "reservation"}))
    assert gated_texts({}, booked, listing, None) == (
        {"a": "reservation", "b": "code [[b_1]]"},
        {"b_1": "7788"},
    )


def test_a_text_without_foreign_codes_is_left_alone() -> None:
    text = "Two  spaces. And [[door_code]]."
    assert without_foreign_codes(text) == text


def test_without_numbers_a_full_name_on_one_channel_is_one_guest() -> None:
    own = make_reservation(phone_e164=None)
    for changes, leaves in (
        ({}, 18),
        ({"channel_id": 2005}, 16),
        ({"guest_name": "Jan Inny"}, 16),
    ):
        later = neighbour(16, 18, phone_e164=None, **changes)
        assert join_adjoining(own, [later]).departure_on.day == leaves


def test_a_first_name_alone_joins_nobody() -> None:
    own = make_reservation(phone_e164=None, guest_name="Anna")
    assert join_adjoining(own, [neighbour(16, 18, phone_e164=None, guest_name="Anna")]) == own


@pytest.mark.parametrize(
    ("changes", "leaves"),
    [
        ({}, "2026-04-13T09:00"),
        ({"check_out_hour": 17}, "2026-04-13T15:00"),
        ({"status": "ownerStay", "phone_e164": None}, "2026-04-13T09:00"),
        ({"departure_on": date(2026, 4, 15)}, None),
        ({"arrival_on": date(2026, 4, 13), "departure_on": date(2026, 4, 15)}, None),
        ({"phone_e164": "+48500100200"}, None),
    ],
)
def test_the_previous_check_out_is_that_of_whoever_came_before(
    changes: dict[str, Any], leaves: str | None
) -> None:
    before = neighbour(10, 13, **{"phone_e164": "+48999999999", **changes})
    policy = policy_of(AccessSettings(), is_code_static=True)
    found = previous_check_out(make_reservation(), make_listing(), policy, [before])
    assert (f"{found:%Y-%m-%dT%H:%M}" if found else None) == leaves


def test_the_owner_is_one_person() -> None:
    own = make_reservation(status="ownerStay", phone_e164=None, guest_name="Owner")
    before = neighbour(10, 13, status="ownerStay", phone_e164=None, guest_name="Family")
    policy = policy_of(AccessSettings(), is_code_static=True)
    assert previous_check_out(own, make_listing(), policy, [before]) is None
