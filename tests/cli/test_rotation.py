"""What is closed anew."""

from datetime import timedelta

import orjson
import pytest

from app.cli.connection import Desk
from app.cli.rotation import rotate_keys
from app.errors import Forbidden
from app.keys import Keyring, new_key
from tests.cli.conftest import Terminal

LISTING = """insert into {schema}.listings
    (account_id, external_id, name, fields, gated, as_of) values (1, $1, 'Home', '{}', $2, $3)"""


async def close_everything(desk: Desk) -> None:
    """Acme gets an account with a token, Slack, a listing and an unhandled webhook."""
    tenant = await desk.tenants.get("acme")
    account = await desk.tenants.add_account("acme", external_id="1", client_secret="old")
    now = desk.clock.now()
    await desk.tenants.keep_token(account, "token", now + timedelta(days=1))
    await desk.tenants.set_workspace("acme", team_id="T1", bot_token="xoxb")
    door = await desk.database.tenant("acme")
    async with door.transaction() as conn:
        for number in range(3):
            gated = tenant.keyring.close_mapping({"secrets": {}, "texts": {}})
            await conn.execute(LISTING, str(number), gated, now)
        await conn.execute(
            """insert into {schema}.inbox
               (account_id, event, dedupe_key, envelope, sealed, received_at)
               values (1, 'message', 'a', '{}', $1, $2)""",
            tenant.keyring.close(b"words"), now,
        )  # fmt: skip
        thread = await desk.conversations.ensure_thread(conn, account="1", external_id="7", now=now)
        await conn.execute(
            """insert into {schema}.decisions
               (conversation_id, generation, library_version, outcome, origin, because, language,
                question, sealed, decided_at)
               values ($1, 1, 1, 'reply', 'bot', '', 'en', '', $2, $3)""",
            thread.id, tenant.keyring.close(b"prompts"), now,
        )  # fmt: skip


async def newest_key(desk: Desk) -> Keyring:
    """The tenant's first key alone, so that only what was closed anew opens."""
    async with desk.database.shared().transaction() as conn:
        closed = await conn.fetchval("select data_keys from nightdesk.tenants")
    return Keyring((orjson.loads(desk.keyring.open(closed))[0],))


def test_every_closed_value_opens_with_the_new_key_alone(acme: Terminal) -> None:
    async def run(desk: Desk) -> None:
        await close_everything(desk)
        assert await rotate_keys(desk) == [("acme", 8)]
        ring = await newest_key(desk)
        async with desk.database.shared().transaction() as conn:
            closed = [
                await conn.fetchval("select credentials from nightdesk.pms_accounts"),
                await conn.fetchval("select token from nightdesk.pms_accounts"),
                await conn.fetchval("select credentials from nightdesk.slack_workspaces"),
            ]
        door = await desk.database.tenant("acme")
        async with door.transaction() as conn:
            closed += [r["gated"] for r in await conn.fetch("select gated from {schema}.listings")]
            closed.append(await conn.fetchval("select sealed from {schema}.inbox"))
            closed.append(await conn.fetchval("select sealed from {schema}.decisions"))
        assert len([ring.open(value) for value in closed]) == 8

    acme.desk(run)


def test_keyed_digests_stay_what_they_are(acme: Terminal) -> None:
    async def run(desk: Desk) -> None:
        before = (await desk.tenants.get("acme")).keyring.digest("Welcome")
        await rotate_keys(desk)
        assert (await desk.tenants.get("acme")).keyring.digest("Welcome") == before

    acme.desk(run)


def test_what_a_foreign_key_closed_is_told(acme: Terminal) -> None:
    async def run(desk: Desk) -> None:
        door = await desk.database.tenant("acme")
        async with door.transaction() as conn:
            foreign = Keyring((new_key(),)).close(b"{}")
            await conn.execute(LISTING, "9", foreign, desk.clock.now())
        with pytest.raises(Forbidden):
            await rotate_keys(desk)

    acme.desk(run)
