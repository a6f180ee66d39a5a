"""What pages show of a stay, and how they write times."""

from datetime import datetime, tzinfo

from app.db import Connection
from app.errors import NotFound
from app.pms.stay import Stay, Stays
from app.tenants import Tenant


async def stay_of(
    stays: Stays, conn: Connection, tenant: Tenant, reservation_id: int | None, now: datetime
) -> Stay | None:
    """The stay of a reservation; none where the mirror does not know it, or not all of it."""
    if reservation_id is None:
        return None
    try:
        return await stays.of_reservation(conn, tenant, reservation_id, now)
    except NotFound:
        return None


def guest_of(stay: Stay | None) -> str:
    """The guest's name, as far as it is known."""
    if stay is None:
        return "A guest"
    return stay.mask(stay.reservation.guest_name or "") or "A guest"


def place_of(stay: Stay | None) -> str:
    """The property by the name its people use, with its city."""
    if stay is None:
        return "no reservation known"
    name = stay.mask(stay.listing.internal_name or stay.listing.name)
    return f"{name}, {stay.listing.city}" if stay.listing.city else name


def dates_of(stay: Stay | None) -> str:
    """From when to when."""
    if stay is None or stay.reservation.are_dates_unspecified:
        return "no dates known"
    start, end = stay.reservation.arrival_on, stay.reservation.departure_on
    return f"{start:%a %d %b} – {end:%a %d %b %Y}"


def time_of(moment: datetime, zone: tzinfo) -> str:
    """A moment by the clock of a place."""
    return f"{moment.astimezone(zone):%a %d %b, %H:%M}"
