"""What a call needs to know: the live stays of a number, among a million reservations of a tenant.

One read is one transaction as the tenant's role and `Stays.live_of_phone`: reservation, listing,
neighbours, secrets opened, access decided. Rows are those of the stand-in's account, multiplied by
SQL over two thousand listings and a thousand days, so that every encrypted column is a real one.
`warm` reads have the files in the operating system's memory (PostgreSQL's own holds a small part of
them); `cold` are the first reads after the database was stopped and its files were put out of it.
Sizes by environment: BENCH_RESERVATIONS
(1000000), BENCH_ROUNDS (3), BENCH_READS (2000).
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

from app.db import Connection
from app.pms.stay import Stays
from app.product import Product
from app.settings import load_settings
from app.wiring import build
from bench.lab import TENANT, Lab

RESERVATIONS = int(os.environ.get("BENCH_RESERVATIONS", "1000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
READS = int(os.environ.get("BENCH_READS", "2000"))
COLD_READS = 100
STAYS = Stays()
LISTINGS = 2000
CHUNK = 100_000
SAME_GUEST = 20
"""Every so many bookings of a listing are one guest's with the next: adjoining stays."""

MORE_LISTINGS = """
    insert into {schema}.listings (account_id, external_id, name, internal_name, time_zone,
        country_code, city, check_in_hour, check_out_hour, is_archived, custom_fields, fields,
        gated, as_of)
    select t.account_id, (900000 + n)::text, t.name, t.internal_name, t.time_zone,
        t.country_code, t.city, t.check_in_hour, t.check_out_hour, false, t.custom_fields,
        t.fields, t.gated, t.as_of
    from generate_series(1, $1::int) n
    join (select *, row_number() over () as number, count(*) over () as count
          from {schema}.listings) t on t.number = n % t.count + 1"""
MORE_RESERVATIONS = """
    with templates as materialized (
        select *, row_number() over (order by id) - 1 as number, count(*) over () as count
        from {schema}.reservations where external_id::bigint < 100000000)
    insert into {schema}.reservations (account_id, external_id, listing_external_id, status,
        arrival_on, departure_on, are_dates_unspecified, check_in_hour, check_out_hour, guest_name,
        guest_locale, phone_e164, confirmation_code, channel_id, is_paid, agreement, custom_fields,
        fields, gated, updated_at, as_of)
    select t.account_id, (100000000 + n)::text, (900001 + n % $3)::text,
        case when n % 7 = 0 then 'cancelled' when n % 3 = 0 then 'modified' else 'new' end,
        d.day, d.day + 2, false, t.check_in_hour, t.check_out_hour, t.guest_name, t.guest_locale,
        '+485' || lpad((case when n / $3 % $4 = 1 then n - $3 else n end)::text, 8, '0'),
        t.confirmation_code, t.channel_id, t.is_paid, t.agreement, t.custom_fields, t.fields,
        t.gated, t.updated_at, t.as_of
    from generate_series($1::int, $2::int - 1) n
    join lateral (select current_date - $5::int + (n / $3) * 2 as day) d on true
    join templates t on t.number = n % t.count"""
LIVE_NUMBERS = """
    select phone_e164 from {schema}.reservations
    where status in ('new', 'modified') and phone_e164 is not null
      and departure_on between current_date + 1 and current_date + 60
    order by random() limit 20000"""


async def measure() -> dict[str, tuple[list[float], str]]:
    figures: dict[str, tuple[list[float], str]] = {}

    def note(name: str, values: list[float]) -> None:
        ordered = sorted(values)
        for label, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
            at = min(len(ordered) - 1, int(len(ordered) * share))
            figures.setdefault(f"{name}, {label}", ([], "ms"))[0].append(ordered[at])

    lab = Lab(settings={"NIGHTDESK_DATABASE__COMMAND_TIMEOUT_S": "600"})
    try:
        await lab.settle()
        numbers = await fill(lab, figures)
        for number in range(ROUNDS):
            dice = random.Random(number)
            keep_in_memory(lab.data)
            async with opened(lab) as product:
                await reads(product, dice.sample(numbers, 500))
                note("context read, warm", await reads(product, dice.sample(numbers, READS)))
                with spent(figures, "context read: processor", READS):
                    await reads(product, dice.sample(numbers, READS))
                note("context read, unknown number", await unknown(product, READS // 4))
                note("floor: one row by number", await floor(product, dice.sample(numbers, READS)))
            put_out_of_memory(lab.data)
            async with opened(lab) as product:
                note("context read, cold", await reads(product, dice.sample(numbers, COLD_READS)))
    finally:
        await lab.end()
    return figures


async def fill(lab: Lab, figures: dict[str, tuple[list[float], str]]) -> list[str]:
    """The rows; numbers whose stays are live."""
    began = time.monotonic()
    async with opened(lab) as product:
        door = await product.database.tenant(TENANT)
        async with door.transaction() as conn:
            await conn.execute(MORE_LISTINGS, LISTINGS)
        slots = RESERVATIONS // LISTINGS
        for first in range(0, RESERVATIONS, CHUNK):
            last = min(first + CHUNK, RESERVATIONS)
            async with door.transaction() as conn:
                await conn.execute(MORE_RESERVATIONS, first, last, LISTINGS, SAME_GUEST, slots)
        async with product.database.shared().transaction() as conn:
            await conn.execute(f"analyze t_{TENANT}.reservations, t_{TENANT}.listings")
        async with door.transaction() as conn:
            numbers = [row["phone_e164"] for row in await conn.fetch(LIVE_NUMBERS)]
            count = await conn.fetchval("select count(*) from {schema}.reservations")
            size = await conn.fetchval("select pg_total_relation_size('{schema}.reservations')")
    figures["reservations of the tenant"] = ([float(count)], "rows")
    figures["their table with indexes"] = ([size / 2**20], "MB")
    figures["filled within"] = ([time.monotonic() - began], "s")
    return numbers


async def reads(product: Product, numbers: list[str]) -> list[float]:
    """Milliseconds of each, one after the other."""

    async def read(conn: Connection, number: str) -> Any:
        tenant = await product.tenants.get(TENANT)
        stays = await STAYS.live_of_phone(conn, tenant, number, product.clock.now())
        assert stays, number
        return stays

    return await each(product, numbers, read)


async def unknown(product: Product, count: int) -> list[float]:
    """The same for numbers that nobody has."""

    async def read(conn: Connection, number: str) -> Any:
        tenant = await product.tenants.get(TENANT)
        return await STAYS.live_of_phone(conn, tenant, number, product.clock.now())

    return await each(product, [f"+1555{n:07d}" for n in range(count)], read)


async def floor(product: Product, numbers: list[str]) -> list[float]:
    async def read(conn: Connection, number: str) -> Any:
        sql = "select * from {schema}.reservations where phone_e164 = $1 limit 1"
        return await conn.fetchrow(sql, number)

    return await each(product, numbers, read)


async def each(
    product: Product, numbers: list[str], read: Callable[[Connection, str], Awaitable[Any]]
) -> list[float]:
    took_ms = []
    for number in numbers:
        began = time.perf_counter()
        async with (await product.database.tenant(TENANT)).transaction() as conn:
            await read(conn, number)
        took_ms.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0)
    return took_ms


def opened(lab: Lab) -> AbstractAsyncContextManager[Product]:
    """The product in this process, at rest."""
    return build(load_settings(None, lab.environment())).opened()


@contextmanager
def spent(figures: dict[str, tuple[list[float], str]], name: str, times: int) -> Iterator[None]:
    before = time.process_time()
    yield
    used = (time.process_time() - before) / times * 1000
    figures.setdefault(name, ([], "ms"))[0].append(used)


def keep_in_memory(data: Path) -> None:
    """The operating system has read the files of a stopped database."""
    for path in data.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 20):
                    pass


def put_out_of_memory(data: Path) -> None:
    """The operating system forgets the files of a stopped database."""
    for path in data.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
