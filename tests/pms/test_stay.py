from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import NotFound
from app.pms import store
from app.pms.access import SEVERAL_STAYS, Access
from app.pms.records import Gated
from app.pms.stay import Stay, assemble
from app.pms.store import MOST_OF_A_NUMBER
from app.tenants import Tenant
from tests.make import (
    DOOR_CODE,
    NOON,
    WIFI_PASSWORD,
    make_listing,
    make_reservation,
    make_stay,
    make_tenant,
    raw_listing,
)
from tests.oracle import TAKEN, Booked, verdict
from tests.rooms import Rooms
from tests.worlds import PLACE, World, a_world, listing_of, reservation_of, tenant_of

EARLY = NOON - timedelta(days=21)


def with_source(source: str, **access: Any) -> Any:
    return make_tenant(access={"code_source": source, **access})


def test_an_open_stay_offers_placeholders_and_keeps_the_values() -> None:
    stay = make_stay()
    variables = stay.variables()
    assert variables["door_code"] == "[[door_code]]"
    assert variables["listing"]["wifi_password"] == "[[wifi_password]]"
    assert stay.deliverable == {"door_code": DOOR_CODE, "wifi_password": WIFI_PASSWORD}
    assert DOOR_CODE not in str(variables)
    assert WIFI_PASSWORD not in str(variables)


def test_a_locked_stay_offers_nothing_gated() -> None:
    listing = make_listing(
        gated=Gated(
            secrets={"wifi_password": WIFI_PASSWORD},
            texts={"address": "ul. Rzeczna 7", "specialInstruction": "Ring twice"},
        )
    )
    stay = make_stay(listing=listing, now=EARLY)
    said = str(stay.variables())
    assert stay.deliverable == {}
    assert stay.texts == {}
    for gated in ("[[", "Rzeczna", "Ring twice", DOOR_CODE, WIFI_PASSWORD):
        assert gated not in said
    assert stay.variables()["accessOpensAt"] == "2026-04-12 15:00"


def test_codes_in_gated_text_are_cut_and_can_be_filled_again() -> None:
    listing = make_listing(
        gated=Gated(texts={"specialInstruction": f"Door {DOOR_CODE}, gate code 7788."})
    )
    stay = make_stay(listing=listing)
    text = stay.variables()["specialInstruction"]
    assert text == "Door [[door_code]], gate code [[special_instruction_1]]."
    assert stay.deliverable["special_instruction_1"] == "7788"
    assert "7788" not in stay.mask("is it 7788?")


def test_secrets_are_masked_in_every_other_text() -> None:
    listing = make_listing(
        name=f"Flat {DOOR_CODE}",
        fields={"description": f"Wifi {WIFI_PASSWORD}, code {DOOR_CODE}"},
        custom_fields={"parking": f"Gate {DOOR_CODE}"},
    )
    reservation = make_reservation(
        guest_name=f"Jan {DOOR_CODE}",
        fields={"guestName": f"Jan {DOOR_CODE}"},
        custom_fields={"note": f"x {DOOR_CODE}"},
    )
    for now in (NOON, EARLY):
        stay = make_stay(listing=listing, reservation=reservation, now=now)
        said = str(stay.variables()) + str(stay.mapping())
        assert DOOR_CODE not in said
        assert WIFI_PASSWORD not in said


def test_the_stay_as_seen_holds_nothing_that_opens_a_door() -> None:
    listing = make_listing(
        gated=Gated(secrets={"wifi_password": WIFI_PASSWORD}, texts={"keyPickup": "PIN 9911"})
    )
    for now in (NOON, EARLY):
        seen = str(make_stay(listing=listing, now=now).snapshot())
        assert not [value for value in (DOOR_CODE, WIFI_PASSWORD, "9911") if value in seen]


def test_two_secrets_of_one_value_can_both_be_said() -> None:
    listing = make_listing(gated=Gated(secrets={"wifi_password": DOOR_CODE}))
    stay = make_stay(listing=listing)
    assert stay.deliverable == {"door_code": DOOR_CODE, "wifi_password": DOOR_CODE}
    assert stay.mask(f"it is {DOOR_CODE}") == "it is [[door_code]]"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("reservation", "1111"),
        ("listing", "2222"),
        ("field:lockbox", "3333"),
        ("field:gate", "4444"),
    ],
)
def test_the_code_comes_from_its_one_source(source: str, expected: str) -> None:
    stay = make_stay(
        tenant=with_source(source),
        reservation=make_reservation(gated=Gated(secrets={"door_code": "1111"})),
        listing=make_listing(
            gated=Gated(secrets={"door_code": "2222", "lockbox": "3333"}, texts={"gate": "4444"})
        ),
    )
    assert stay.deliverable["door_code"] == expected
    assert stay.is_code_ready
    for other in {"1111", "2222"} - {expected}:
        assert other not in stay.deliverable.values()
        assert other not in stay.mask(f"old code {other}")


@pytest.mark.parametrize("source", ["reservation", "listing", "field:lockbox"])
def test_an_empty_source_never_falls_through(source: str) -> None:
    full = Gated(secrets={"door_code": "1111"})
    reservation = make_reservation(gated=Gated() if source == "reservation" else full)
    listing = make_listing(gated=Gated() if source == "listing" else full)
    stay = make_stay(tenant=with_source(source), reservation=reservation, listing=listing)
    assert stay.access.allowed
    assert not stay.is_code_ready
    assert "door_code" not in stay.deliverable
    assert "1111" not in stay.deliverable.values()


def test_sentences_with_a_code_of_another_source_are_left_out() -> None:
    listing = make_listing(
        gated=Gated(
            secrets={"door_code": "2222"},
            texts={"specialInstruction": "Take the lift. The old code is 2222. Turn left."},
        )
    )
    assert make_stay(listing=listing).texts["specialInstruction"] == "Take the lift. Turn left."


def test_the_units_own_listing_comes_first() -> None:
    whole = make_listing(gated=Gated(secrets={"door_code": "2222"}))
    unit = make_listing(external_id="1050", gated=Gated(secrets={"door_code": "5050"}))
    booked = make_reservation(unit_external_id="1050", gated=Gated())
    stay = make_stay(tenant=with_source("listing"), reservation=booked, listing=whole, unit=unit)
    assert stay.deliverable["door_code"] == "5050"
    assert stay.mask("2222") == "[[other_listing_door_code]]"


def test_a_unit_that_is_not_mirrored_has_no_code_yet() -> None:
    whole = make_listing(gated=Gated(secrets={"door_code": "2222"}))
    booked = make_reservation(unit_external_id="1050", gated=Gated())
    stay = make_stay(tenant=with_source("listing"), reservation=booked, listing=whole)
    assert not stay.is_code_ready
    assert "2222" not in stay.deliverable.values()


def neighbour(arrival: int, departure: int, **changes: Any) -> Any:
    values = {
        "id": arrival, "external_id": str(6000 + arrival), "arrival_on": date(2026, 4, arrival),
        "departure_on": date(2026, 4, departure), **changes,
    }  # fmt: skip
    return make_reservation(**values)


@pytest.mark.parametrize(("day", "expected"), [(14, DOOR_CODE), (16, "6161"), (17, "6161")])
def test_of_joined_stays_the_code_of_the_present_part_is_given(day: int, expected: str) -> None:
    later = neighbour(16, 18, gated=Gated(secrets={"door_code": "6161"}))
    stay = make_stay(neighbours=[later], now=datetime(2026, 4, day, 14, 0, tzinfo=UTC))
    assert stay.deliverable["door_code"] == expected
    assert "6161" not in stay.mask("6161")
    assert DOOR_CODE not in stay.mask(DOOR_CODE)


def test_a_static_code_waits_for_the_previous_guest() -> None:
    before = neighbour(10, 13, phone_e164="+48999999999", check_out_hour=16)
    static = Gated(secrets={"door_code": "2222"})
    at_noon = make_stay(
        tenant=with_source("listing"), listing=make_listing(gated=static), neighbours=[before]
    )
    assert at_noon.access.reason == "previous_stay"
    assert make_stay(neighbours=[before]).access.allowed


def test_a_code_in_a_field_of_the_listing_is_static_too() -> None:
    before = neighbour(10, 13, phone_e164="+48999999999", check_out_hour=16)
    listing = make_listing(gated=Gated(secrets={"lockbox": "3333"}))
    stay = make_stay(tenant=with_source("field:lockbox"), listing=listing, neighbours=[before])
    assert stay.access.reason == "previous_stay"


def test_a_guest_in_another_unit_holds_nothing_back() -> None:
    before = neighbour(10, 13, phone_e164="+48999999999", check_out_hour=16, unit_external_id="1")
    unit = make_listing(external_id="2", gated=Gated(secrets={"door_code": "5050"}))
    booked = make_reservation(unit_external_id="2")
    stay = make_stay(
        tenant=with_source("listing"), reservation=booked, unit=unit, neighbours=[before]
    )
    assert stay.access.allowed


def test_the_mapping_speaks_both_dialects() -> None:
    mapping = make_stay().mapping()
    assert mapping["numberOfNights"] == 3
    assert mapping["listing"]["petsAllowed"] is True
    assert mapping["canAccess"] is True
    assert mapping["isArrivalDay"] is True
    assert (mapping["hasArrived"], mapping["hasLeft"]) == (False, False)
    assert make_stay(now=NOON + timedelta(hours=1)).mapping()["hasArrived"]
    assert make_stay().variables()["now_local"] == "Monday 2026-04-13 14:00"
    assert make_stay().variables()["checkInTimeStart"] == "15:00"


# -- what a model may know -------------------------------------------------------------------

LIFT = "Take the small lift in the yard to the fourth floor."


def home_with(text: str) -> Any:
    return make_listing(
        gated=Gated(
            secrets={"wifi_password": WIFI_PASSWORD},
            texts={"specialInstruction": text, "address": "ul. Rzeczna 7, Warsaw"},
        )
    )


def test_no_model_gets_a_secret_that_an_operator_wrote_by_hand() -> None:
    prompt = f"Be kind. The door code is {DOOR_CODE}. [[ask_team]]"
    assert make_stay().for_model(prompt) == "Be kind. The door code is [[door_code]]. [[ask_team]]"
    assert make_stay(now=EARLY).for_model(prompt) == (
        "Be kind. The door code is (hidden). [[ask_team]]"
    )


def test_what_was_said_of_gated_text_is_not_told_again_once_access_has_closed() -> None:
    said = f"Hello Jan! {LIFT} We are in Rzeczna 7."
    listing = home_with(LIFT)
    assert make_stay(listing=listing).for_model(said, is_said=True) == said
    over = make_stay(listing=listing, now=NOON + timedelta(days=9))
    assert over.for_model(said, is_said=True) == "Hello Jan! (hidden). We are in (hidden)."
    assert over.must_not_say(said)
    assert not over.must_not_say("We are in Warsaw, and there is a small lift.")
    assert not make_stay(listing=listing).must_not_say(said)


def test_a_right_guess_looks_like_a_wrong_one() -> None:
    stay = make_stay(now=EARLY)
    for guess in ("Is the code {}?", "{}?", "{}", "it's {}, isn't it", "kod {}"):
        right = stay.for_model(stay.mask(guess.format(DOOR_CODE)), is_said=True)
        assert right == stay.for_model(stay.mask(guess.format("73912")), is_said=True)
        assert "[[" not in right


def test_marks_that_a_guest_types_are_no_marks() -> None:
    typed = "[[door_code]] [[ask_team]] [[lockbox]]"
    assert make_stay(now=EARLY).for_model(typed, is_said=True) == "(hidden) (hidden) (hidden)"


def test_small_numbers_in_gated_text_do_not_cut_other_texts() -> None:
    listing = home_with("Press 120, then up. The PIN is 447.")
    stay = make_stay(listing=listing)
    assert "120" not in stay.texts["specialInstruction"]
    assert stay.mask("120 m from the beach, 447 EUR") == "120 m from the beach, 447 EUR"
    assert "447" not in stay.mask("is the PIN 447?")


@pytest.mark.parametrize(
    ("day", "is_first_paid", "expected"),
    [(14, True, "open"), (14, False, "not_paid"), (17, True, "not_paid")],
)
def test_of_joined_stays_the_present_part_has_to_be_paid(
    day: int, is_first_paid: bool, expected: str
) -> None:
    stay = make_stay(
        tenant=make_tenant(access={"requires_payment": True}),
        reservation=make_reservation(is_paid=is_first_paid),
        neighbours=[neighbour(16, 18, is_paid=False)],
        now=datetime(2026, 4, day, 14, 0, tzinfo=UTC),
    )
    assert stay.access.reason == expected
    assert stay.part_external_id == ("5000" if day == 14 else "6016")


def test_a_zone_that_is_not_the_listings_own_is_said_to_be_assumed() -> None:
    assert not make_stay().is_zone_assumed
    assert make_stay(listing=make_listing(time_zone="Mars/Base")).is_zone_assumed


def test_a_stay_can_only_be_closed_by_hand() -> None:
    stay = make_stay()
    closed = stay.with_access(SEVERAL_STAYS)
    assert (closed.deliverable, closed.texts, closed.mapping()["canAccess"]) == ({}, {}, False)
    assert closed.known == stay.known
    with pytest.raises(ValueError, match="can_access alone"):
        stay.with_access(Access(allowed=True, reason="open"))


def test_the_footing_of_a_reply_tells_what_would_make_it_wrong() -> None:
    stay = make_stay()
    same = make_stay(
        reservation=make_reservation(guest_name="Jan B", as_of=NOON + timedelta(hours=1)),
        now=NOON + timedelta(minutes=1),
    )
    assert same.footing() == stay.footing()
    others = [
        make_stay(reservation=make_reservation(status="cancelled")),
        make_stay(reservation=make_reservation(check_out_hour=17)),
        make_stay(reservation=make_reservation(departure_on=date(2026, 4, 17))),
        make_stay(reservation=make_reservation(listing_external_id="7")),
        make_stay(reservation=make_reservation(gated=Gated())),
        make_stay(listing=make_listing(gated=Gated(texts={"keyPickup": "Under the mat"}))),
        make_stay(now=EARLY),
    ]
    assert [other.footing() == stay.footing() for other in others] == [False] * len(others)


def test_a_code_that_is_spelled_in_gated_text_is_known_in_digits_too() -> None:
    stay = make_stay(listing=home_with("Brama: kod to cztery siedem jeden osiem, potem w lewo."))
    assert stay.texts["specialInstruction"] == (
        "Brama: kod to [[special_instruction_1]], potem w lewo."
    )
    assert stay.mask("is it 4718?") == "is it [[special_instruction_1]]?"


# -- which stay is meant ---------------------------------------------------------------------


async def meant(rooms: Rooms, thread: str = "70") -> Stay:
    conversation = await rooms.conversation(thread)
    assert conversation.reservation_id is not None
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        return await rooms.stays.live_of_guest(
            conn, rooms.tenant, conversation.reservation_id, rooms.clock.now()
        )


NEXT = {"arrivalDate": "2026-04-20", "departureDate": "2026-04-22"}
PAST = {"arrivalDate": "2026-03-01", "departureDate": "2026-03-03"}


async def test_a_thread_means_its_own_stay_while_that_is_live(rooms: Rooms) -> None:
    await rooms.books(5001, 71, **NEXT)
    assert (await meant(rooms, "70")).reservation.external_id == "5000"
    assert (await meant(rooms, "71")).reservation.external_id == "5001"


async def test_an_old_thread_means_the_guests_current_stay(rooms: Rooms) -> None:
    await rooms.books(5002, 72, **NEXT)
    await rooms.books(5001, 71, **PAST)
    assert (await meant(rooms, "71")).reservation.external_id == "5000"


async def test_an_old_thread_still_keeps_its_own_stays_secrets(rooms: Rooms) -> None:
    await rooms.books(5001, 71, doorCode="909192", doorCodeInstruction=LIFT, **PAST)
    stay = await meant(rooms, "71")
    assert stay.reservation.external_id == "5000"
    assert stay.mask(f"909192 or {DOOR_CODE}?") == ("[[other_thread_door_code]] or [[door_code]]?")
    assert "909192" not in stay.deliverable.values()
    assert "fourth" not in stay.for_model(f"Ola wrote: {LIFT}", is_said=True)


async def test_an_old_thread_means_the_next_stay_where_none_is_current(rooms: Rooms) -> None:
    await rooms.changes(status="cancelled")
    await rooms.books(5002, 72, **NEXT)
    await rooms.books(5001, 71, **PAST)
    assert (await meant(rooms, "71")).reservation.external_id == "5002"


async def test_in_the_hour_of_grace_a_thread_still_means_its_own_stay(rooms: Rooms) -> None:
    await rooms.books(5001, 71, **NEXT)
    rooms.clock.advance(3 * 86_400 - 2.5 * 3600)
    stay = await meant(rooms, "70")
    assert stay.now > stay.check_out_at
    assert (stay.reservation.external_id, stay.access.reason) == ("5000", "open")
    rooms.clock.advance(3600)
    assert (await meant(rooms, "70")).reservation.external_id == "5001"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"arrivalDate": "2026-04-12"}, {"arrivalDate": "2026-04-11"}),
        ({"arrivalDate": "2026-04-14"}, {"arrivalDate": "2026-04-15"}),
    ],
)
async def test_of_several_stays_at_once_none_is_opened_before_one_is_singled_out(
    rooms: Rooms, first: dict[str, Any], second: dict[str, Any]
) -> None:
    await rooms.changes(status="cancelled")
    await rooms.mirror.apply_listings(rooms.tenant, rooms.account, [raw_listing(id=1043)])
    await rooms.books(5001, 71, **first, doorCode="61616")
    await rooms.books(5002, 72, **second, listingMapId=1043, doorCode="72727")
    await rooms.books(5003, 73, **PAST)
    stay = await meant(rooms, "73")
    assert stay.access == SEVERAL_STAYS
    assert (stay.deliverable, stay.texts) == ({}, {})
    assert not {"61616", "72727"} & set(stay.mask("61616 or 72727?").split())
    assert (await meant(rooms, "71")).reservation.external_id == "5001"
    assert (await meant(rooms, "72")).reservation.external_id == "5002"


async def test_a_stay_that_is_running_comes_before_one_that_is_yet_to_come(rooms: Rooms) -> None:
    rooms.clock.advance(86_400)
    await rooms.mirror.apply_listings(rooms.tenant, rooms.account, [raw_listing(id=1043)])
    await rooms.books(5002, 72, arrivalDate="2026-04-15", listingMapId=1043)
    await rooms.books(5003, 73, **PAST)
    assert (await meant(rooms, "73")).reservation.external_id == "5000"


@pytest.mark.parametrize("changes", [{"guestName": "Ewa Inna"}, {"phone": "+48600600600"}])
async def test_an_old_thread_never_means_another_guests_stay(
    rooms: Rooms, changes: dict[str, Any]
) -> None:
    await rooms.books(5001, 71, **PAST, **changes)
    assert (await meant(rooms, "71")).reservation.external_id == "5001"


async def test_an_inquiry_that_claims_a_guests_name_and_number_gets_nothing(rooms: Rooms) -> None:
    await rooms.books(5001, 71, status="inquiry", channelId=2013)
    stay = await meant(rooms, "71")
    assert stay.reservation.external_id == "5001"
    assert not stay.access.allowed


async def test_a_reservation_without_its_listing_is_not_found(rooms: Rooms) -> None:
    await rooms.books(5001, 71, listingMapId=9999)
    with pytest.raises(NotFound, match="9999"):
        await meant(rooms, "71")


# -- every place, guest and clock that can be drawn ------------------------------------------

WORLDS = st.integers(0, 2**32)


def stay_in(world: World) -> Stay:
    """The stay as the mirror would give it: of the others only those that stand."""
    standing = [b for b in world.others if b.status in TAKEN and not b.has_no_dates]
    return assemble(
        tenant_of(world.rules),
        1,
        reservation_of(world.own),
        listing_of(world.rules),
        neighbours=[reservation_of(booked) for booked in standing],
        now=world.now,
    )


@settings(max_examples=600, deadline=None)
@given(WORLDS)
def test_codes_are_offered_if_and_only_if_the_design_says_so(seed: int) -> None:
    world = a_world(seed)
    stay = stay_in(world)
    assert stay.access.allowed is world.expected.may_have_codes
    assert stay.deliverable.get("door_code") == world.expected.code


@settings(max_examples=300, deadline=None)
@given(WORLDS)
def test_the_window_is_the_one_that_a_clock_on_the_wall_shows(seed: int) -> None:
    world = a_world(seed)
    access = stay_in(world).access
    if access.opens_at is None or access.closes_at is None:
        assert not access.allowed
        return
    assert world.expected.opens is not None
    assert world.expected.closes is not None
    # Timestamps: Python calls two moments unequal where one of them falls into a changing hour.
    assert access.opens_at.timestamp() == world.expected.opens.timestamp()
    assert access.closes_at.timestamp() == world.expected.closes.timestamp()
    is_inside = access.opens_at.timestamp() <= world.now.timestamp() < access.closes_at.timestamp()
    assert is_inside or not access.allowed
    assert is_inside == (access.reason in ("open", "not_paid", "agreement_missing"))


@settings(max_examples=300, deadline=None)
@given(WORLDS)
def test_a_locked_stay_carries_nothing_that_opens_a_door(seed: int) -> None:
    world = a_world(seed)
    stay = stay_in(world)
    said = f"{stay.mapping()}{stay.variables()}{stay.snapshot()}{stay!r}"
    codes = [b.code for b in (world.own, *world.others) if b.code] + ["20002", "river-otter-77"]
    assert [code for code in (*codes, "99887") if code in said] == []
    if not stay.access.allowed:
        assert (dict(stay.deliverable), dict(stay.texts)) == ({}, {})
        assert "Ring at Nowak" not in said
        assert "[[" not in said


@settings(max_examples=60, deadline=None)
@given(WORLDS)
def test_once_opened_access_stays_open_until_it_closes_for_good(seed: int) -> None:
    world = a_world(seed)
    was_open = [
        stay_in(replace(world, now=world.now + timedelta(hours=hours))).access.allowed
        for hours in range(-400, 400, 7)
    ]
    edges = [before != after for before, after in pairwise(was_open)]
    is_settled_throughout = not (world.rules.wants_payment or world.rules.wants_agreement)
    assert sum(edges) <= 2 or not is_settled_throughout


async def mirror(
    rooms: Rooms, tenant: Tenant, account: int, world: World, *, has_units: bool
) -> None:
    """A world in the mirror, with the same bookings elsewhere besides, which must not matter."""
    keyring = tenant.keyring
    whole = listing_of(world.rules, external_id="900", gated=Gated(secrets={"door_code": "33003"}))
    bookings = (world.own, *world.others)
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        for listing in (listing_of(world.rules), whole, listing_of(world.rules, external_id="77")):
            await store.upsert_listing(conn, account, listing, keyring)
        for booked in bookings:
            is_by_unit = has_units and booked.number % 2 == 1
            where: dict[str, Any] = (
                {"listing_external_id": "900", "unit_external_id": PLACE} if is_by_unit else {}
            )
            here = reservation_of(booked, **where)
            there = reservation_of(booked, external_id=f"1{booked.number}", **ELSEWHERE)
            for reservation in (here, there):
                await store.upsert_reservation(conn, account, reservation, keyring)


def is_told_something_else(world: World, *, by_others: Sequence[Booked]) -> bool:
    """Whether other neighbours would make a difference."""
    return verdict(world.own, by_others, world.rules, world.now) != world.expected


def telling_worlds() -> Iterator[tuple[int, World]]:
    """Some in which who else booked decides, and some in which those who did not must not."""
    worlds = [(seed, a_world(seed)) for seed in range(1500)]
    alone = (pair for pair in worlds if is_told_something_else(pair[1], by_others=[]))
    firm = (
        (seed, world)
        for seed, world in worlds
        if world.rules.is_static
        and is_told_something_else(
            world,
            by_others=[replace(b, status="new", has_no_dates=False) for b in world.others],
        )
    )
    yield from islice(alone, 20)
    yield from islice(firm, 20)


ELSEWHERE = {"listing_external_id": "77", "phone_e164": "+48999999999", "check_out_hour": 23}


@pytest.mark.parametrize("has_units", [False, True])
async def test_of_all_that_the_mirror_holds_only_the_places_own_bookings_count(
    rooms: Rooms, has_units: bool
) -> None:
    for seed, world in telling_worlds():
        tenant = replace(tenant_of(world.rules), keyring=rooms.tenant.keyring)
        await mirror(rooms, tenant, 100 + seed, world, has_units=has_units)
        async with (await rooms.database.tenant("acme")).transaction() as conn:
            own_id = await conn.fetchval(
                "select id from {schema}.reservations where account_id = $1 and external_id = $2",
                100 + seed,
                str(world.own.number),
            )
            stay = await rooms.stays.of_reservation(conn, tenant, own_id, world.now)
        assert stay.access.allowed is world.expected.may_have_codes, seed
        assert stay.deliverable.get("door_code") == world.expected.code, seed


PHONE = "+48500100200"


async def of_phone(rooms: Rooms, phone: str = PHONE) -> list[Stay]:
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        return await rooms.stays.live_of_phone(conn, rooms.tenant, phone, rooms.clock.now())


async def ids_of_phone(rooms: Rooms) -> list[str]:
    return [stay.reservation.external_id for stay in await of_phone(rooms)]


async def test_a_number_gives_its_live_stays_the_current_first(rooms: Rooms) -> None:
    await rooms.books(5002, 72, listingMapId=1043, **NEXT)
    await rooms.books(5003, 73, arrivalDate="2026-04-10", departureDate="2026-04-12")
    await rooms.books(5004, 74, status="cancelled", **NEXT)
    await rooms.books(5005, 75, phone="+48600600600", **NEXT)
    await rooms.mirror.apply_listings(rooms.tenant, rooms.account, [raw_listing(id=1043)])
    rooms.clock.advance(6 * 3600)
    assert await ids_of_phone(rooms) == ["5000", "5002"]


async def test_a_stay_is_live_until_its_check_out(rooms: Rooms) -> None:
    rooms.clock.advance(3 * 86_400 - 3 * 3600 - 60)
    assert await ids_of_phone(rooms) == ["5000"]
    rooms.clock.advance(2 * 86_400)
    assert await ids_of_phone(rooms) == []


async def test_of_adjoining_stays_of_a_number_the_present_one_stands_for_all(rooms: Rooms) -> None:
    await rooms.books(5002, 72, arrivalDate="2026-04-16", departureDate="2026-04-18")
    await rooms.books(5001, 71, arrivalDate="2026-04-11", departureDate="2026-04-13")
    (stay,) = await of_phone(rooms)
    assert stay.reservation.external_id == "5000"
    assert (stay.reservation.arrival_on.day, stay.reservation.departure_on.day) == (11, 18)


async def test_two_places_for_the_same_nights_are_two_stays_of_a_number(rooms: Rooms) -> None:
    await rooms.books(5001, 71)
    assert sorted(await ids_of_phone(rooms)) == ["5000", "5001"]


async def test_a_number_without_a_stay_gives_none(rooms: Rooms) -> None:
    assert await of_phone(rooms, "+48999999999") == []


async def test_a_booking_of_a_number_whose_listing_is_unknown_is_left_out(rooms: Rooms) -> None:
    await rooms.books(5001, 71, listingMapId=9999)
    assert await ids_of_phone(rooms) == ["5000"]


async def test_a_number_that_very_many_share_is_looked_at_within_bounds(rooms: Rooms) -> None:
    for number in range(MOST_OF_A_NUMBER + 5):
        name = f"Guest {number}"
        await rooms.books(6000 + number, 100 + number, guestName=name, listingMapId=1042, **NEXT)
    assert len(await of_phone(rooms)) == MOST_OF_A_NUMBER
