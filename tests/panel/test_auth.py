import pytest
from pydantic import SecretStr
from starlette.requests import Request

from app.clock import ManualClock
from app.errors import NotFound
from app.keys import Keyring, new_key
from app.panel.auth import COOKIE, Sessions, Unauthorized, Visitor
from app.tenants import Tenant, Tenants
from tests.panel.conftest import BEARER, Desk


async def test_a_stranger_sees_a_page_that_says_how_to_come_in(desk: Desk, tenant: Tenant) -> None:
    for path in ("/cases", "/case/acme/1", "/drafts"):
        answer = await desk.visitor().get(path)
        assert answer.status == 401, path
        assert "link of an alert" in answer.text
    assert (await desk.visitor().get("/live")).status == 401


async def test_a_session_ends_after_twelve_hours(desk: Desk, tenant: Tenant) -> None:
    browser = await desk.signed_in(tenant.id, "Ala")
    desk.world.clock.advance(12 * 3600 - 1)
    assert (await browser.get("/cases")).status == 200
    desk.world.clock.advance(2)
    assert (await browser.get("/cases")).status == 401


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "ż.ż"])
async def test_a_forged_cookie_is_no_session(desk: Desk, tenant: Tenant, cookie: str) -> None:
    answer = await desk.visitor().get("/cases", Cookie=f"{COOKIE}={cookie}")
    assert answer.status == 401


async def test_a_links_token_is_no_session(desk: Desk, tenant: Tenant) -> None:
    token = desk.links.link_to_case(tenant.id, 1, "Ala").rpartition("/")[2]
    assert (await desk.visitor().get("/cases", Cookie=f"{COOKIE}={token}")).status == 401


async def test_the_desk_token_sees_every_tenant_and_a_wrong_one_none(
    desk: Desk, tenant: Tenant
) -> None:
    await desk.world.tenants.add("beta", "Beta Homes")
    browser = desk.visitor()
    assert (await browser.get("/cases", **BEARER)).status == 200
    for wrong in ("Bearer", "Bearer x", "Bearer ż", f"Basic {BEARER['Authorization'][7:]}"):
        assert (await browser.get("/cases", Authorization=wrong)).status == 401, wrong


async def test_without_a_desk_token_an_empty_one_opens_nothing(
    tenants: Tenants, clock: ManualClock
) -> None:
    for configured in (None, SecretStr("")):
        sessions = Sessions(
            keyring=Keyring((new_key(),)), clock=clock, tenants=tenants, desk_token=configured,
            is_https=False,
        )  # fmt: skip
        request = Request({"type": "http", "headers": [(b"authorization", b"Bearer ")]})
        with pytest.raises(Unauthorized):
            await sessions.visitor(request)


def test_a_visitor_sees_its_own_tenant_alone() -> None:
    ala = Visitor(operator="Ala", tenant_id="acme", form_token="x")
    ala.must_see("acme")
    with pytest.raises(NotFound):
        ala.must_see("beta")
    Visitor(operator="cli", tenant_id=None, form_token="").must_see("beta")
