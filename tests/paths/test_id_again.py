"""A company is removed and another comes by its id: it inherits nothing."""

import asyncio
from typing import Any

import aiohttp
import pytest

from app.tenants import Tenant
from tests.paths.twins import Twin, Twins, library_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
TEAM = "T90009"


async def _moves_in(twins: Twins, mark: str) -> Tenant:
    product = twins.product
    await product.tenants.add("cedar", f"{mark} Stays")
    twins.world.knobs.slack_tokens[f"xoxb-{mark}"] = TEAM
    await product.tenants.set_workspace("cedar", team_id=TEAM, bot_token=f"xoxb-{mark}")
    return await product.tenants.set_mode("cedar", "on")


async def _needs_somebody(twins: Twins, tenant: Tenant, words: str) -> list[dict[str, Any]]:
    """The first case of a first thread; what Slack has of it."""
    product = twins.product
    async with (await product.database.tenant("cedar")).transaction() as conn:
        thread = await product.conversations.ensure_thread(
            conn, account="1", external_id=f"70{len(words)}", now=product.clock.now()
        )
        await product.cases.open(
            conn, tenant, conversation_id=thread.id, reservation_id=None, severity="high",
            trigger_text=words,
        )  # fmt: skip
    await twins.quiet()
    return [post for post in twins.world.slack.messages if words in str(post)]


async def _library(twins: Twins) -> str:
    async with (await twins.product.database.tenant("cedar")).transaction() as conn:
        return str(await twins.product.libraries.current(conn, "cedar"))


async def test_who_comes_by_the_id_of_a_removed_company_inherits_nothing(twins: Twins) -> None:
    product, jar = twins.product, aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        old = Twin(name="cedar", mark="OLDMARK", account_id=0, door_code="", http=http)
        old.base = twins.desk
        tenant = await _moves_in(twins, old.mark)
        await product.libraries.publish("cedar", library_of(old), by="Ola")
        assert "OLDMARK" in await _library(twins)
        assert len(await _needs_somebody(twins, tenant, "OLDMARK water everywhere")) == 1
        await old.enter(twins.link(old, case_id=1, operator="Ola"))
        kept = twins.link(old, case_id=1, operator="Ola")
        async with http.get(f"{twins.desk}/live") as feed:
            await feed.content.readline()
            await product.tenants.remove("cedar")
            async with asyncio.timeout(5):
                await feed.content.read()
        assert (await old.asks("GET", "/cases"))[0] == 401
        await asyncio.sleep(1.1)  # sessions and links count in seconds
        tenant = await _moves_in(twins, "NEWMARK")
        for path in ("/cases", "/case/cedar/1", "/live"):
            assert (await old.asks("GET", path))[0] == 401
        assert (await old.asks("GET", kept))[0] == 403
        assert (await old.asks("POST", kept))[0] == 403
        assert "OLDMARK" not in await _library(twins)
        (post,) = await _needs_somebody(twins, tenant, "NEWMARK no light at all")
        assert "OLDMARK" not in str(post)
    await product.tenants.remove("cedar")
