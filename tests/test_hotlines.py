"""Numbers and carrier accounts belong to one tenant each."""

import pytest

from app.bus import Bus
from app.db import Database
from app.errors import BadInput, Conflict, NotFound
from app.events import HotlineChanged
from app.hotlines import Hotlines, e164, masked
from app.tenants import Tenant, Tenants

WARSAW = "+48221234567"


@pytest.fixture
def hotlines(database: Database, bus: Bus, tenants: Tenants) -> Hotlines:
    return Hotlines(database, bus, tenants)


async def test_a_number_is_kept_in_international_form(hotlines: Hotlines, tenant: Tenant):
    made = await hotlines.add("acme", "+48 22 123 45 67", name="Acme", language="pl")
    assert made.number_e164 == WARSAW
    assert await hotlines.of_tenant("acme") == [made]


@pytest.mark.parametrize(
    "number", ["22 123 45 67", "", "+", "+48", "anonymous", "+4822123456789012"]
)
def test_what_is_no_international_number_is_refused(number: str):
    with pytest.raises(BadInput, match=r"number|digits"):
        e164(number)


async def test_a_language_the_tenant_does_not_speak_is_refused(hotlines: Hotlines, tenant: Tenant):
    with pytest.raises(BadInput, match="en, pl, de, ar"):
        await hotlines.add("acme", WARSAW, name="Acme", language="fr")


async def test_a_number_is_one_tenants(hotlines: Hotlines, tenant: Tenant, tenants: Tenants):
    await tenants.add("other", "Other")
    await hotlines.add("acme", WARSAW, name="Acme", language="en")
    with pytest.raises(Conflict):
        await hotlines.add("other", WARSAW, name="Other", language="en")
    with pytest.raises(NotFound):
        await hotlines.remove("other", WARSAW)


async def test_a_removed_number_is_gone(hotlines: Hotlines, tenant: Tenant):
    await hotlines.add("acme", WARSAW, name="Acme", language="en")
    await hotlines.remove("acme", WARSAW)
    assert await hotlines.all() == []


async def test_every_change_is_told(hotlines: Hotlines, tenant: Tenant, bus: Bus):
    told: list[HotlineChanged] = []

    async def heard(event: HotlineChanged) -> None:
        told.append(event)

    bus.subscribe(HotlineChanged, heard)
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("t",))
    await hotlines.add("acme", WARSAW, name="Acme", language="en")
    await hotlines.remove("acme", WARSAW)
    assert len(told) == 3


async def test_tokens_of_the_carrier_are_kept_closed_and_opened(
    hotlines: Hotlines, tenant: Tenant, database: Database
):
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("old-token",))
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("old-token", "next-token"))
    (account,) = await hotlines.carriers()
    assert account.auth_tokens == ("old-token", "next-token")
    async with database.shared().transaction() as conn:
        stored = await conn.fetchval("select credentials from nightdesk.carrier_accounts")
    assert b"token" not in stored


async def test_a_carrier_account_is_one_tenants(
    hotlines: Hotlines, tenant: Tenant, tenants: Tenants
):
    await tenants.add("other", "Other")
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("mine",))
    with pytest.raises(Conflict):
        await hotlines.set_carrier("other", account_sid="AC1", auth_tokens=("theirs",))
    assert (await hotlines.carriers())[0].auth_tokens == ("mine",)


async def test_an_account_that_cannot_be_opened_keeps_no_other_from_ringing(
    hotlines: Hotlines, tenant: Tenant, tenants: Tenants, database: Database
):
    await tenants.add("other", "Other")
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("mine",))
    await hotlines.set_carrier("other", account_sid="AC2", auth_tokens=("theirs",))
    async with database.shared().transaction() as conn:
        await conn.execute(
            "update nightdesk.carrier_accounts set credentials = $1 where tenant_id = 'acme'",
            tenant.keyring.close(b"x")[:-3],
        )
    assert [account.tenant_id for account in await hotlines.carriers()] == ["other"]


async def test_a_tenant_has_one_carrier_account_the_one_given_last(
    hotlines: Hotlines, tenant: Tenant
):
    for account in ("AC1", "AC2", "AC1"):
        await hotlines.set_carrier("acme", account_sid=account, auth_tokens=("t",))
        assert [found.external_id for found in await hotlines.carriers()] == [account]


async def test_an_account_that_is_refused_leaves_the_one_before(
    hotlines: Hotlines, tenant: Tenant, tenants: Tenants
):
    await tenants.add("other", "Other")
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("mine",))
    await hotlines.set_carrier("other", account_sid="AC2", auth_tokens=("theirs",))
    with pytest.raises(Conflict):
        await hotlines.set_carrier("other", account_sid="AC1", auth_tokens=("theirs",))
    kept = await hotlines.carrier_of("other")
    assert kept is not None
    assert kept.external_id == "AC2"


async def test_a_hotline_changes_its_name_and_its_language(hotlines: Hotlines, tenant: Tenant):
    await hotlines.add("acme", WARSAW, name="Acme", language="en")
    changed = await hotlines.set("acme", "+48 22 123 45 67", name="Old Town")
    assert (changed.name, changed.language) == ("Old Town", "en")
    with pytest.raises(BadInput):
        await hotlines.set("acme", WARSAW, language="fr")
    with pytest.raises(NotFound):
        await hotlines.set("acme", "+48220000000", name="Nobody")


@pytest.mark.parametrize("tokens", [(), ("",), ("good", "")])
async def test_an_account_without_a_token_is_refused(
    hotlines: Hotlines, tenant: Tenant, tokens: tuple[str, ...]
):
    with pytest.raises(BadInput):
        await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=tokens)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+48500100200", "+48•••••0200"),
        ("+14155550123", "+1••••••0123"),
        ("+971501234567", "+971•••••4567"),
        ("", ""),
        ("client:joe", "••••••:joe"),
    ],
)
def test_a_masked_number_shows_its_country_and_its_end(number: str, shown: str):
    assert masked(number) == shown
