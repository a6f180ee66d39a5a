"""One swept database for all tests here."""

from tests.opened import database, rooms, swept_url, tenant, tenants

__all__ = ["database", "rooms", "swept_url", "tenant", "tenants"]
