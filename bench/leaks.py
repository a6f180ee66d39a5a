"""Every try at injection and extraction, with both models, through the whole chat.

Over a real database. Prints what leaked; the figures are counts, and what a try takes.
"""

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.embedded import EmbeddedServers
from app.keys import Keyring, new_key
from app.settings import Settings
from app.tenants import Tenants
from tests.injection.guests import Guests, LibraryOfTries
from tests.injection.models import ModelOfTries
from tests.injection.tries import all_tries
from tests.make import NOON
from tests.rooms import Rooms

SEED = 4


async def measure() -> dict[str, tuple[list[float], str]]:
    """Tries, leaks and milliseconds a try, of each model."""
    logging.disable(logging.NOTSET)
    logging.getLogger("app").propagate = True
    results: dict[str, tuple[list[float], str]] = {}
    for name, is_hostile in (("a hostile model", True), ("a model that behaves", False)):
        async with rooms_of(is_hostile=is_hostile) as guests:
            took, leaks = await play_all(guests, name)
        results[f"tries, {name}"] = ([float(len(took))], "tries")
        results[f"leaks, {name}"] = ([float(leaks)], "leaks")
        results[f"one try, {name}"] = (took, "ms")
    return results


async def play_all(guests: Guests, name: str) -> tuple[list[float], int]:
    """(milliseconds of each try, how many got something out)."""
    took, leaks = [], 0
    for attempt in all_tries(SEED):
        began = time.perf_counter()
        out = await guests.play(attempt)
        took.append((time.perf_counter() - began) * 1000)
        if out:
            leaks += 1
            print(f"LEAK ({name}, seed {SEED}) {attempt}: {out}")
    return took, leaks


@asynccontextmanager
async def rooms_of(*, is_hostile: bool) -> AsyncIterator[Guests]:
    """The chat's rooms over embedded servers of their own."""
    folder = Path(tempfile.mkdtemp(prefix="nightdesk-bench-"))
    servers = EmbeddedServers(
        data_dir=folder, postgres_bin_dir=None, redis_bin=None, wants_postgres=True,
        wants_redis=False,
    )  # fmt: skip
    database = Database(command_timeout_s=20, statement_cache=200, connections=6)
    background, clock = Background(), ManualClock(NOON)
    try:
        await database.open((await servers.start()).database_url or "")
        await database.shared().apply()
        bus = Bus(database, background)
        tenants = Tenants(database, bus, clock, Keyring((new_key(),)), Settings())
        await tenants.add("acme", "Acme Stays")
        model, libraries = ModelOfTries(is_hostile=is_hostile), LibraryOfTries()
        rooms = Rooms(
            database=database, tenants=tenants, bus=bus, clock=clock, background=background,
            model=model, libraries=libraries,
        )  # fmt: skip
        await rooms.move_in(await tenants.set_mode("acme", "on"))
        guests = Guests(rooms=rooms, model=model, libraries=libraries)
        await guests.prepare()
        yield guests
    finally:
        await background.cancel()
        await database.close()
        await servers.stop()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
