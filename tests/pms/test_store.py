from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from app.pms import store
from app.pms.records import Gated
from tests.make import (
    DOOR_CODE,
    NOON,
    WIFI_PASSWORD,
    make_listing,
    make_message,
    make_reservation,
)
from tests.rooms import Rooms


async def test_a_listing_comes_back_as_it_was_stored(rooms: Rooms) -> None:
    keyring = rooms.tenant.keyring
    listing = make_listing(external_id="9", custom_fields={"parking": "B2"})
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        row_id = await store.upsert_listing(conn, 1, listing, keyring)
        assert await store.listing(conn, 1, "9", keyring) == replace(listing, id=row_id)
        assert await store.listing(conn, 2, "9", keyring) is None


async def test_a_reservation_comes_back_as_it_was_stored(rooms: Rooms) -> None:
    keyring = rooms.tenant.keyring
    made = make_reservation(external_id="9", gated=Gated(secrets={"a": "1"}, texts={"b": "2"}))
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        row_id = await store.upsert_reservation(conn, 1, made, keyring)
        assert row_id is not None
        found = replace(made, id=row_id)
        assert await store.reservation(conn, 1, "9", keyring) == found
        assert await store.reservation_by_id(conn, row_id, keyring) == (1, found)
        assert await store.reservation(conn, 1, "10", keyring) is None


async def test_what_is_gated_cannot_be_read_in_the_row(rooms: Rooms) -> None:
    rows = await rooms.rows(
        "select r::text as r, l::text as l from {schema}.reservations r, {schema}.listings l"
    )
    said = str(rows)
    assert "48151" not in said
    assert "river-otter" not in said
    assert "Rzeczna" not in said


async def test_a_code_in_any_text_cannot_be_read_in_the_row(rooms: Rooms) -> None:
    keyring = rooms.tenant.keyring
    said = f"Gate {DOOR_CODE}, wifi {WIFI_PASSWORD}"
    secrets = Gated(secrets={"door_code": DOOR_CODE, "wifi_password": WIFI_PASSWORD})
    listing = make_listing(
        external_id="9", name=f"Flat, {said}", internal_name=said, fields={"houseRules": said},
        custom_fields={"parking": said}, gated=secrets,
    )  # fmt: skip
    booked = make_reservation(
        external_id="9", guest_name=f"Jan ({said})", fields={"guestName": said, "nights": 3},
        custom_fields={"note": said}, gated=secrets,
    )  # fmt: skip
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        listing_id = await store.upsert_listing(conn, 1, listing, keyring)
        booked_id = await store.upsert_reservation(conn, 1, booked, keyring) or 0
        assert await store.listing(conn, 1, "9", keyring) == replace(listing, id=listing_id)
        assert await store.reservation(conn, 1, "9", keyring) == replace(booked, id=booked_id)
    rows = await rooms.rows(
        "select r::text as r, l::text as l from {schema}.reservations r, {schema}.listings l"
    )
    assert DOOR_CODE not in str(rows)
    assert WIFI_PASSWORD not in str(rows)


async def test_a_row_from_before_texts_were_closed_is_read(rooms: Rooms) -> None:
    keyring = rooms.tenant.keyring
    closed = keyring.close_mapping({"secrets": {"door_code": "1"}, "texts": {}})
    await rooms.rows(
        """update {schema}.listings set gated = $1, fields = '{"houseRules": "Be nice"}',
           custom_fields = '{"parking": "B2"}' returning id""",
        closed,
    )
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        found = await store.listing(conn, rooms.account.id, "1042", keyring)
    assert found is not None
    assert (found.fields, found.custom_fields) == ({"houseRules": "Be nice"}, {"parking": "B2"})
    assert found.gated.secrets == {"door_code": "1"}


async def test_neighbours_stand_and_are_of_the_same_place(rooms: Rooms) -> None:
    keyring = rooms.tenant.keyring
    own = make_reservation(external_id="1", listing_external_id="77")
    others = {
        "2": {"departure_on": own.arrival_on, "arrival_on": date(2026, 4, 10)},
        "3": {"status": "cancelled"},
        "4": {"status": "ownerStay"},
        "5": {"are_dates_unspecified": True},
        "6": {"listing_external_id": "78"},
        "7": {"arrival_on": date(2026, 1, 1), "departure_on": date(2026, 1, 3)},
        "8": {"listing_external_id": "900", "unit_external_id": "77"},
        "9": {"unit_external_id": "79"},
    }
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        await store.upsert_reservation(conn, 1, own, keyring)
        for external_id, changes in others.items():
            other = replace(own, external_id=external_id, **changes)  # type: ignore[arg-type]
            await store.upsert_reservation(conn, 1, other, keyring)
        found = await store.neighbours(conn, 1, own, keyring)
    assert {reservation.external_id for reservation in found} == {"2", "4", "8"}


async def test_of_neighbours_only_what_may_be_the_guests_own_is_opened(rooms: Rooms) -> None:
    keyring = rooms.tenant.keyring
    own = make_reservation(external_id="1", listing_external_id="77")
    until = own.departure_on + timedelta(days=2)
    after = replace(own, arrival_on=own.departure_on, departure_on=until)
    others: dict[str, dict[str, Any]] = {
        "2": {},
        "3": {"phone_e164": "+48600600600"},
        "4": {"phone_e164": None},
    }
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        for external_id, changes in others.items():
            other = replace(after, external_id=external_id, **changes)
            await store.upsert_reservation(conn, 1, other, keyring)
        found = await store.neighbours(conn, 1, own, keyring)
    assert {n.external_id: bool(n.gated.secrets) for n in found} == {
        "2": True, "3": False, "4": True,
    }  # fmt: skip
    assert all((n.arrival_on, n.status) == (own.departure_on, own.status) for n in found)


async def test_a_messages_later_status_is_kept(rooms: Rooms) -> None:
    conversation = await rooms.conversation()
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        for status in ("awaiting", "failed"):
            await store.upsert_message(
                conn, conversation.id, make_message(status=status), b"digest"
            )
        assert await store.known_messages(conn, conversation.id) == {"9001"}
        status = await conn.fetchval("select status from {schema}.messages")
    assert status == "failed"


async def test_what_is_remembered_is_replaced(rooms: Rooms) -> None:
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        assert await store.state(conn, "k") is None
        await store.set_state(conn, "k", {"a": 1}, NOON)
        await store.set_state(conn, "k", {"b": 2}, NOON)
        assert await store.state(conn, "k") == ({"b": 2}, NOON)
