"""The chat's rooms over one swept database, for paths that need no network."""

from tests.opened import database, rooms, swept_url, tenant, tenants

__all__ = ["database", "rooms", "swept_url", "tenant", "tenants"]
