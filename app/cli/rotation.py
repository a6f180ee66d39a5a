"""Closing anew: tenants' keys with the process's first key, their values with fresh keys.

A tenant's new key comes first in its ring and the older ones stay, so what the running app closes
or reads meanwhile still opens, and keyed digests (made with the oldest) stay what they are.
"""

import orjson

from app.cli.connection import Desk
from app.db import Connection
from app.events import SettingsChanged
from app.keys import Keyring, new_key

BATCH = 500
"""Rows in one transaction."""
NEWS_S = 5.0
"""How long the running app is given to be told of a new key before rows need it, in seconds."""

DIRECTORY = (
    (
        """select id as place, credentials as closed from nightdesk.tenants
           where id = $1 and credentials is not null for update""",
        "update nightdesk.tenants set credentials = $2 where id = $1",
    ),
    (
        """select id as place, credentials as closed from nightdesk.pms_accounts
           where tenant_id = $1 for update""",
        "update nightdesk.pms_accounts set credentials = $2 where id = $1",
    ),
    (
        """select id as place, token as closed from nightdesk.pms_accounts
           where tenant_id = $1 and token is not null for update""",
        "update nightdesk.pms_accounts set token = $2 where id = $1",
    ),
    (
        """select id as place, credentials as closed from nightdesk.carrier_accounts
           where tenant_id = $1 for update""",
        "update nightdesk.carrier_accounts set credentials = $2 where id = $1",
    ),
    (
        """select team_id as place, credentials as closed from nightdesk.slack_workspaces
           where tenant_id = $1 for update""",
        "update nightdesk.slack_workspaces set credentials = $2 where team_id = $1",
    ),
)
"""(read, write) of every closed value of a tenant in the shared part."""
ROWS = (
    (
        """select id as place, gated as closed from {schema}.listings
           where id > $1 order by id limit $2 for update""",
        "update {schema}.listings set gated = $2 where id = $1",
    ),
    (
        """select id as place, gated as closed from {schema}.reservations
           where id > $1 order by id limit $2 for update""",
        "update {schema}.reservations set gated = $2 where id = $1",
    ),
    (
        """select id as place, sealed as closed from {schema}.inbox
           where id > $1 and sealed is not null order by id limit $2 for update""",
        "update {schema}.inbox set sealed = $2 where id = $1",
    ),
    (
        """select id as place, sealed as closed from {schema}.decisions
           where id > $1 and sealed is not null order by id limit $2 for update""",
        "update {schema}.decisions set sealed = $2 where id = $1",
    ),
)
"""(read, write) of every closed value in a tenant's own schema."""


async def rotate_keys(desk: Desk) -> list[tuple[str, int]]:
    """(tenant, how many values were closed anew) of every tenant.

    Raises:
        Forbidden: something was closed with a key that is not at hand; that tenant is unchanged,
            or opens with its old and new keys alike.
    """
    done = []
    for tenant in await desk.tenants.all():
        ring = await _with_new_key(desk, tenant.id)
        await desk.bus.publish(SettingsChanged(tenant_id=tenant.id))
        await desk.background.drain(NEWS_S)
        count = await _rotate_directory(desk, tenant.id, ring)
        for read, write in ROWS:
            count += await _rotate_rows(desk, tenant.id, ring, read, write)
        await desk.bus.publish(SettingsChanged(tenant_id=tenant.id))
        done.append((tenant.id, count))
    return done


async def _with_new_key(desk: Desk, tenant_id: str) -> Keyring:
    """The tenant's ring with a fresh key in front, stored under the process's first key."""
    async with desk.database.shared().transaction() as conn:
        closed = await conn.fetchval(
            "select data_keys from nightdesk.tenants where id = $1 for update", tenant_id
        )
        keys = [new_key(), *orjson.loads(desk.keyring.open(closed))]
        await conn.execute(
            "update nightdesk.tenants set data_keys = $2 where id = $1",
            tenant_id, desk.keyring.close(orjson.dumps(keys)),
        )  # fmt: skip
    return Keyring(tuple(keys))


async def _rotate_directory(desk: Desk, tenant_id: str, ring: Keyring) -> int:
    count = 0
    async with desk.database.shared().transaction() as conn:
        for read, write in DIRECTORY:
            rows = await conn.fetch(read, tenant_id)
            await conn.executemany(write, [(r["place"], _anew(r["closed"], ring)) for r in rows])
            count += len(rows)
    return count


async def _rotate_rows(desk: Desk, tenant_id: str, ring: Keyring, read: str, write: str) -> int:
    door = await desk.database.tenant(tenant_id)
    count, after = 0, 0
    while True:
        async with door.transaction() as conn:
            found = await _rotate_batch(conn, ring, read, write, after)
        if not found:
            return count
        count, after = count + len(found), found[-1]


async def _rotate_batch(
    conn: Connection, ring: Keyring, read: str, write: str, after: int
) -> list[int]:
    """The rows that were closed anew, in order."""
    rows = await conn.fetch(read, after, BATCH)
    await conn.executemany(write, [(r["place"], _anew(r["closed"], ring)) for r in rows])
    return [row["place"] for row in rows]


def _anew(closed: bytes, ring: Keyring) -> bytes:
    return ring.close(ring.open(closed))
