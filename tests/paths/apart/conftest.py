"""Paths of several tenants start from a database that has none."""

from tests.conftest import database, tenants

__all__ = ["database", "tenants"]
