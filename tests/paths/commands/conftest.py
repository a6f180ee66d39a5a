"""The command line, as its own tests have it, on a database of its own."""

import asyncio

import asyncpg
import pytest

from app.embedded import ServerUrls
from tests.cli.conftest import acme, terminal

__all__ = ["acme", "terminal"]


@pytest.fixture(scope="session")
def cli_database_url(embedded_urls: ServerUrls) -> str:
    """One database for all commands typed wrongly."""
    base = embedded_urls.database_url or ""

    async def create() -> None:
        admin = await asyncpg.connect(base)
        await admin.execute("create database typed_wrongly")
        await admin.close()

    asyncio.run(create())
    return base.replace("/nightdesk?", "/typed_wrongly?")
