from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import phonenumbers
import pytest

from app.sim.clock import SimClock
from app.sim.homes import make_listings
from app.sim.hostaway_store import Account, HostawayStore
from app.sim.people import make_estate, make_guest, make_phone
from app.sim.places import DUBAI, PLACES, WARSAW, Place
from app.sim.rows import full_reservation
from app.sim.stays import HELD, LAPSED

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def make_store(scale: str = "small", seed: int = 7) -> HostawayStore:
    clock = SimClock()
    clock.set(NOW)
    return HostawayStore(clock, seed, scale)


@pytest.fixture(scope="module")
def full() -> HostawayStore:
    return make_store("full")


def dates(row: dict[str, Any]) -> tuple[date, date]:
    return date.fromisoformat(row["arrivalDate"]), date.fromisoformat(row["departureDate"])


def test_the_same_seed_makes_the_same_world() -> None:
    one, two = make_store(), make_store()
    for account_id, account in one.accounts.items():
        assert account.reservations == two.accounts[account_id].reservations
        assert account.listings == two.accounts[account_id].listings
        threads = [[m.row for m in thread] for thread in account.threads.values()]
        again = [[m.row for m in thread] for thread in two.accounts[account_id].threads.values()]
        assert threads == again


def test_another_seed_makes_other_people() -> None:
    one, two = make_store(seed=1), make_store(seed=2)
    names = [
        [row["guestName"] for row in store.accounts[70001].reservations.values()]
        for store in (one, two)
    ]
    assert names[0] != names[1]


def test_the_full_scale_has_sixty_listings_and_three_thousand_reservations(
    full: HostawayStore,
) -> None:
    assert [len(account.listings) for account in full.accounts.values()] == [30, 30]
    assert sum(len(account.reservations) for account in full.accounts.values()) == 3000


def test_the_small_scale_has_a_hundred_and_twenty_reservations() -> None:
    assert sum(len(a.reservations) for a in make_store().accounts.values()) == 120


@pytest.mark.parametrize("scale", ["small", "full"])
def test_every_account_has_past_current_and_coming_stays_and_a_change_of_guests_today(
    scale: str,
) -> None:
    for account in make_store(scale).accounts.values():
        today = today_of(account)
        held = [row for row in account.reservations.values() if row["status"] in HELD]
        kinds = Counter(
            "past" if dates(row)[1] < today else "coming" if dates(row)[0] > today else "current"
            for row in held
        )
        assert min(kinds["past"], kinds["current"], kinds["coming"]) > 0, kinds
        first = [row for row in held if row["listingMapId"] == min(account.listings)]
        assert any(dates(row)[0] == today for row in first)
        assert any(dates(row)[1] == today for row in first)


def test_every_status_occurs_in_the_full_world(full: HostawayStore) -> None:
    for account in full.accounts.values():
        seen = {row["status"] for row in account.reservations.values()}
        assert seen == {*HELD, *LAPSED}


def test_no_two_held_stays_of_a_listing_overlap(full: HostawayStore) -> None:
    for account in full.accounts.values():
        for listing_id in account.listings:
            held = sorted(
                dates(row)
                for row in account.reservations.values()
                if row["listingMapId"] == listing_id and row["status"] in HELD
            )
            for (_, leaves), (arrives, _) in pairwise(held):
                assert leaves <= arrives


def test_reservations_have_the_gaps_and_noise_of_real_ones(full: HostawayStore) -> None:
    rows = [row for account in full.accounts.values() for row in account.reservations.values()]
    for name in ("phone", "guestLastName", "guestLocale", "isPaid", "guestEmail", "guestCountry"):
        share = sum(row[name] is None for row in rows) / len(rows)
        assert 0.02 < share < 0.95, (name, share)
    assert any(row["listingName"] == "" for row in rows)
    assert any(row["channelId"] == 2099 for row in rows)
    assert any("guestTrustSignal" in row for row in rows)
    assert all(row["hostawayReservationId"] == str(row["id"]) for row in rows)
    unspecified = [row for row in rows if row.get("isDatesUnspecified")]
    assert unspecified
    yesterday = (NOW.date() - timedelta(days=1)).isoformat()
    assert {row["arrivalDate"] for row in unspecified} == {yesterday}
    assert {row["departureDate"] for row in unspecified} == {yesterday}


def test_no_reservation_was_changed_in_the_future_or_before_it_was_made(
    full: HostawayStore,
) -> None:
    for account in full.accounts.values():
        for row in account.reservations.values():
            assert row["reservationDate"] <= row["updatedOn"] <= "2026-05-04 09:30:00"


def test_special_listings_stand_where_they_should() -> None:
    warsaw = make_listings(WARSAW, Random(1), NOW)
    dubai = make_listings(DUBAI, Random(1), NOW)
    assert [row["specialStatus"] for row in warsaw if row.get("specialStatus")] == ["archived"]
    assert sum(row["timeZoneName"] is None for row in dubai) == 1
    assert sum("ignore all previous instructions" in row["description"] for row in warsaw) == 1
    assert sum(row["doorSecurityCode"] is None for row in warsaw) == 3


def test_the_multi_unit_listing_has_units_of_which_two_are_listings() -> None:
    estate = make_estate(WARSAW, 1, NOW)
    ((whole_id, units),) = estate.units.items()
    ids = {row["id"] for row in estate.listings}
    assert whole_id in ids
    assert len(units) == 3
    assert sum(unit["listingMapIdUnit"] in ids for unit in units) == 2


def test_some_instructions_hold_a_code_in_running_text() -> None:
    rows = make_listings(WARSAW, Random(1), NOW)
    texts = [row for row in rows if row["specialInstruction"] and row["doorSecurityCode"]]
    assert any(row["doorSecurityCode"] in row["specialInstruction"] for row in texts)
    assert any(row["doorSecurityCode"] not in row["specialInstruction"] for row in texts)


@pytest.mark.parametrize("country", ["PL", "DE", "GB", "IE", "AE", "SA"])
def test_phones_are_possible_numbers_of_their_country(country: str) -> None:
    dice = Random(3)
    for _ in range(50):
        number = phonenumbers.parse(make_phone(country, dice))
        assert phonenumbers.is_possible_number(number)
        assert number.country_code == phonenumbers.country_code_for_region(country)


@pytest.mark.parametrize("place", PLACES)
def test_guests_speak_four_languages(place: Place) -> None:
    dice = Random(5)
    assert {make_guest(place, dice).language for _ in range(200)} == {"pl", "de", "en", "ar"}


def test_threads_of_arriving_guests_hold_an_automation_with_the_door_code() -> None:
    account = make_store().accounts[70001]
    bodies = [
        (account.listings[m.row["listingMapId"]]["doorSecurityCode"], m.row)
        for thread in account.threads.values()
        for m in thread
        if m.origin == "automation" and m.row["communicationEvent"] == "beforeCheckIn"
    ]
    assert any(code and code in row["body"] for code, row in bodies)
    assert all(row["communicationId"] and row["isIncoming"] == 0 for _, row in bodies)


def test_a_whole_row_has_every_field_and_keeps_what_is_set() -> None:
    row = full_reservation({"id": 5, "phone": "+48500100200"})
    assert (row["id"], row["phone"], row["guestName"]) == (5, "+48500100200", None)
    assert row["isDatesUnspecified"] == 0
    assert row["customFieldValues"] == []


def today_of(account: Account) -> date:
    clock = SimClock()
    clock.set(NOW)
    return clock.today(account.place.zone)
