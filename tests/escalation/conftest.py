"""The rooms of the chat, with one guest who arrives today."""

import pytest

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.tenants import Tenant, Tenants
from tests.rooms import Rooms


@pytest.fixture
async def rooms(
    database: Database,
    tenants: Tenants,
    tenant: Tenant,
    bus: Bus,
    clock: ManualClock,
    background: Background,
) -> Rooms:
    """Opened, with the usual guest moved in."""
    opened = Rooms(
        database=database, tenants=tenants, bus=bus, clock=clock, background=background
    )
    await opened.move_in(tenant)
    return opened
