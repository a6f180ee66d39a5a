from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.keys import Keyring, new_key
from app.panel.views import dates_of, guest_of, place_of, stay_of, time_of
from app.pms.stay import Stay, Stays, assemble
from app.tenants import Tenant, TenantSettings
from tests.case_world import DOOR_CODE, CaseWorld, make_listing, make_reservation

NOON = datetime(2026, 4, 13, 12, 0, tzinfo=UTC)


def stay_with(**changes: object) -> Stay:
    tenant = Tenant(
        id="acme", name="Acme", mode="on", live_since=None, settings=TenantSettings(),
        keyring=Keyring((new_key(),)),
    )  # fmt: skip
    return assemble(tenant, 1, make_reservation(**changes), make_listing(), now=NOON)


def test_a_guests_name_is_shown_without_the_stays_secrets() -> None:
    assert guest_of(stay_with(guest_name=f"Maria {DOOR_CODE}")) == "Maria [[door_code]]"
    assert guest_of(stay_with(guest_name=None)) == "A guest"
    assert guest_of(None) == "A guest"


def test_a_property_is_called_as_its_people_call_it() -> None:
    assert place_of(stay_with()) == "Loft 3, Warsaw"
    assert place_of(None) == "no reservation known"


def test_dates_that_nobody_gave_are_not_shown() -> None:
    assert dates_of(stay_with(are_dates_unspecified=True)) == "no dates known"
    assert dates_of(stay_with()) == "Mon 13 Apr – Thu 16 Apr 2026"


def test_a_moment_is_shown_by_the_clock_of_the_place() -> None:
    assert time_of(NOON, ZoneInfo("Asia/Dubai")) == "Mon 13 Apr, 16:00"


async def test_a_stay_that_the_mirror_does_not_know_is_none(
    world: CaseWorld, tenant: Tenant
) -> None:
    door = await world.database.tenant(tenant.id)
    async with door.transaction() as conn:
        assert await stay_of(Stays(), conn, tenant, None, NOON) is None
        assert await stay_of(Stays(), conn, tenant, 404, NOON) is None
