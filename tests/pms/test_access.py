from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pms.access import (
    AccessPolicy,
    can_access,
    check_in_at,
    check_out_at,
    own_zone_of,
    whole_minute,
    zone_of,
)
from tests.make import make_listing, make_reservation

WARSAW = ZoneInfo("Europe/Warsaw")
POLICY = AccessPolicy()


def at(text: str, zone: ZoneInfo = WARSAW) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def reason(now: datetime, policy: AccessPolicy = POLICY, **changes: object) -> str:
    access = can_access(make_reservation(**changes), make_listing(), policy, now)
    assert access.allowed == (access.reason == "open")
    return access.reason


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-23 15:00", "too_early"),
        ("2026-04-12 14:59:59", "too_early"),
        ("2026-04-12 15:00", "open"),
        ("2026-04-13 18:00", "open"),
        ("2026-04-16 11:59:59", "open"),
        ("2026-04-16 12:00", "over"),
        ("2026-05-01 12:00", "over"),
    ],
)
def test_access_holds_from_a_day_before_check_in_until_an_hour_after_check_out(
    now: str, expected: str
) -> None:
    assert reason(at(now)) == expected


def test_the_window_is_told_in_the_listings_zone() -> None:
    access = can_access(make_reservation(), make_listing(), POLICY, at("2026-04-01 12:00"))
    assert access.opens_at is not None
    assert access.closes_at is not None
    assert access.opens_at.isoformat() == "2026-04-12T15:00:00+02:00"
    assert str(access.opens_at.tzinfo) == "Europe/Warsaw"
    assert access.closes_at.isoformat() == "2026-04-16T12:00:00+02:00"


@pytest.mark.parametrize("status", ["new", "modified"])
def test_a_booking_that_stands_has_access(status: str) -> None:
    assert reason(at("2026-04-14 12:00"), status=status) == "open"


@pytest.mark.parametrize(
    "status",
    [
        "inquiry", "inquiryPreapproved", "pending", "unconfirmed", "awaitingPayment", "cancelled",
        "declined", "expired", "unknown", "confirmed", "",
    ],
)  # fmt: skip
def test_no_other_status_has_access(status: str) -> None:
    assert reason(at("2026-04-14 12:00"), status=status) == "not_confirmed"


def test_unspecified_dates_open_nothing() -> None:
    assert reason(at("2026-04-14 12:00"), are_dates_unspecified=True) == "dates_unspecified"


def test_an_owner_is_refused_unless_the_tenant_wants_it() -> None:
    policy = AccessPolicy(owner_stays=True)
    assert reason(at("2026-04-14 12:00"), status="ownerStay") == "owner"
    assert reason(at("2026-04-14 12:00"), policy, status="ownerStay") == "open"


def test_an_owner_owes_no_payment_and_no_agreement() -> None:
    policy = AccessPolicy(owner_stays=True, requires_payment=True, requires_agreement=True)
    now = at("2026-04-14 12:00")
    assert reason(now, policy, status="ownerStay", agreement="not_signed") == "open"


@pytest.mark.parametrize("status", ["new", "ownerStay"])
def test_an_archived_listing_opens_for_nobody(status: str) -> None:
    access = can_access(
        make_reservation(status=status),
        make_listing(is_archived=True),
        AccessPolicy(owner_stays=True),
        at("2026-04-14 12:00"),
    )
    assert access.reason == "listing_archived"


@pytest.mark.parametrize(
    ("is_paid", "expected"), [(True, "open"), (False, "not_paid"), (None, "not_paid")]
)
def test_payment_is_demanded_where_the_tenant_says_so(is_paid: bool | None, expected: str) -> None:
    policy = AccessPolicy(requires_payment=True)
    assert reason(at("2026-04-14 12:00"), policy, is_paid=is_paid) == expected
    assert reason(at("2026-04-14 12:00"), is_paid=is_paid) == "open"


@pytest.mark.parametrize(
    ("agreement", "expected"),
    [
        ("signed", "open"),
        ("not_required", "open"),
        ("not_signed", "agreement_missing"),
        (None, "agreement_missing"),
    ],
)
def test_an_agreement_is_demanded_where_the_tenant_says_so(
    agreement: str | None, expected: str
) -> None:
    policy = AccessPolicy(requires_agreement=True)
    assert reason(at("2026-04-14 12:00"), policy, agreement=agreement) == expected


def test_before_the_window_the_time_is_told_even_to_a_guest_who_has_not_paid() -> None:
    policy = AccessPolicy(requires_payment=True)
    assert reason(at("2026-04-01 12:00"), policy, is_paid=False) == "too_early"


def test_a_late_check_out_is_honoured() -> None:
    assert reason(at("2026-04-16 14:30"), check_out_hour=14) == "open"
    assert reason(at("2026-04-16 15:00"), check_out_hour=14) == "over"


def test_midnight_is_an_hour_too() -> None:
    policy = AccessPolicy(hours_before_arrival=0)
    assert reason(at("2026-04-13 00:00"), policy, check_in_hour=0) == "open"


def test_without_any_hour_the_tenants_defaults_hold() -> None:
    policy = AccessPolicy(default_check_in_hour=17, default_check_out_hour=9)
    listing = make_listing(check_in_hour=None, check_out_hour=None)
    assert check_in_at(make_reservation(), listing, policy) == at("2026-04-13 17:00")
    assert check_out_at(make_reservation(), listing, policy) == at("2026-04-16 09:00")


def test_a_static_code_waits_for_the_previous_guest_to_leave() -> None:
    leaves = at("2026-04-13 11:00")
    static = AccessPolicy(is_code_static=True)

    def ask(now: str, policy: AccessPolicy) -> str:
        return can_access(
            make_reservation(), make_listing(), policy, at(now), previous_check_out_at=leaves
        ).reason

    assert ask("2026-04-13 10:59", static) == "previous_stay"
    assert ask("2026-04-13 11:00", static) == "open"
    assert ask("2026-04-13 10:59", POLICY) == "open"


def test_a_guest_who_left_long_before_holds_nothing_back() -> None:
    access = can_access(
        make_reservation(),
        make_listing(),
        AccessPolicy(is_code_static=True),
        at("2026-04-12 14:00"),
        previous_check_out_at=at("2026-04-02 11:00"),
    )
    assert access.reason == "too_early"
    assert access.opens_at == at("2026-04-12 15:00")


def test_the_hour_that_spring_skips_counts_from_after_the_gap() -> None:
    listing = make_listing(check_in_hour=2)
    reservation = make_reservation(arrival_on=date(2026, 3, 29), departure_on=date(2026, 3, 30))
    assert check_in_at(reservation, listing, POLICY) == datetime(2026, 3, 29, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "hour", "begins"),
    [
        ("Antarctica/Troll", date(2026, 3, 29), 2, "2026-03-29T03:00:00+02:00"),
        ("Africa/Cairo", date(2026, 4, 24), 0, "2026-04-24T01:00:00+03:00"),
        ("Australia/Lord_Howe", date(2026, 10, 4), 2, "2026-10-04T02:30:00+11:00"),
        ("Pacific/Apia", date(2011, 12, 30), 15, "2011-12-31T00:00:00+14:00"),
        ("Europe/Warsaw", date(2026, 10, 25), 2, "2026-10-25T02:00:00+02:00"),
    ],
)
def test_an_hour_that_the_clock_leaves_out_or_shows_twice_begins_as_soon_as_it_can(
    zone: str, day: date, hour: int, begins: str
) -> None:
    listing = make_listing(time_zone=zone, check_in_hour=hour)
    reservation = make_reservation(arrival_on=day, departure_on=day + timedelta(days=2))
    comes = check_in_at(reservation, listing, POLICY)
    assert comes.astimezone(ZoneInfo(zone)).isoformat() == begins


def test_a_moment_is_told_by_the_minute_in_which_it_has_come() -> None:
    moment = datetime(2026, 10, 25, 2, 30, tzinfo=WARSAW)
    assert whole_minute(moment).isoformat() == "2026-10-25T02:30:00+02:00"
    assert whole_minute(moment + timedelta(seconds=1)).isoformat() == "2026-10-25T02:31:00+02:00"
    late = moment.replace(minute=59, second=59, fold=0)
    assert whole_minute(late).isoformat() == "2026-10-25T02:00:00+01:00"


def test_hours_before_arrival_are_real_hours_over_both_changes_of_the_clock() -> None:
    spring = make_reservation(arrival_on=date(2026, 3, 29), departure_on=date(2026, 3, 31))
    autumn = make_reservation(arrival_on=date(2026, 10, 25), departure_on=date(2026, 10, 27))
    opens = [
        can_access(r, make_listing(), POLICY, at("2026-01-01 00:00")).opens_at
        for r in (spring, autumn)
    ]
    assert [f"{moment:%m-%d %H:%M}" for moment in opens if moment] == ["03-28 14:00", "10-24 16:00"]


def test_a_stay_over_the_change_of_the_clock_ends_at_its_local_hour() -> None:
    reservation = make_reservation(arrival_on=date(2026, 3, 27), departure_on=date(2026, 3, 30))
    assert check_out_at(reservation, make_listing(), POLICY) == at("2026-03-30 11:00")


@pytest.mark.parametrize("name", [None, "", "Mars/Base", "../etc/passwd", "Europe", "Europe/\x00"])
def test_a_zone_nobody_knows_is_the_tenants(name: str | None) -> None:
    policy = AccessPolicy(default_time_zone="Asia/Dubai")
    assert zone_of(make_listing(time_zone=name), policy).key == "Asia/Dubai"


def test_whether_a_zone_is_the_listings_own_is_told_apart() -> None:
    assert own_zone_of(make_listing(time_zone="Mars/Base")) is None
    assert own_zone_of(make_listing()) == WARSAW


def test_where_the_tenants_zone_is_unknown_too_it_is_utc() -> None:
    policy = AccessPolicy(default_time_zone="Mars/Base")
    assert zone_of(make_listing(time_zone=None), policy).key == "UTC"


def test_the_same_moment_differs_by_zone() -> None:
    now = datetime(2026, 4, 12, 12, 0, tzinfo=UTC)
    dubai = make_listing(time_zone="Asia/Dubai")
    assert can_access(make_reservation(), dubai, POLICY, now).allowed
    assert not can_access(make_reservation(), make_listing(), POLICY, now).allowed


ZONES = st.sampled_from(["Europe/Warsaw", "Asia/Dubai", "America/New_York", "Asia/Kathmandu"])


@given(
    zone=ZONES,
    arrival=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    nights=st.integers(1, 30),
    hours=st.floats(0, 96),
    grace=st.integers(0, 300),
    offset_min=st.integers(-10_000, 60_000),
    status=st.sampled_from(["new", "modified", "inquiry", "cancelled", "ownerStay"]),
    is_paid=st.sampled_from([True, False, None]),
    demands=st.booleans(),
)
def test_access_is_what_a_person_would_work_out(
    zone: str,
    arrival: date,
    nights: int,
    hours: float,
    grace: int,
    offset_min: int,
    status: str,
    is_paid: bool | None,
    demands: bool,
) -> None:
    listing = make_listing(time_zone=zone)
    departure = arrival + timedelta(days=nights)
    reservation = make_reservation(
        arrival_on=arrival, departure_on=departure, status=status, is_paid=is_paid
    )
    policy = AccessPolicy(hours_before_arrival=hours, grace_min=grace, requires_payment=demands)
    begins = datetime.combine(arrival, time(15), ZoneInfo(zone)).timestamp()
    ends = datetime.combine(departure, time(11), ZoneInfo(zone)).timestamp()
    now = begins + offset_min * 60
    expected = (
        status in ("new", "modified")
        and begins - hours * 3600 <= now < ends + grace * 60
        and (is_paid is True or not demands)
    )
    access = can_access(reservation, listing, policy, datetime.fromtimestamp(now, UTC))
    boundary = min(abs(now - (begins - hours * 3600)), abs(now - (ends + grace * 60)))
    if boundary > 0.001:
        assert access.allowed is expected
