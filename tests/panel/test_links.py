import asyncio

from app.panel.auth import COOKIE
from app.tenants import Tenant
from tests.panel.conftest import Desk


def path_of(desk: Desk, link: str) -> str:
    assert link.startswith(desk.url + "/open/")
    return link.removeprefix(desk.url)


async def test_looking_at_a_link_spends_nothing_and_begins_nothing(
    desk: Desk, tenant: Tenant
) -> None:
    path = path_of(desk, desk.links.link_to_case(tenant.id, 5, "Ala"))
    browser = desk.visitor()
    for _ in range(3):
        answer = await browser.get(path)
        assert answer.status == 200
        assert "Acme Stays" in answer.text
        assert "Ala" in answer.text
    assert browser.cookies == {}
    assert (await browser.post(path)).status == 303


async def test_the_button_opens_the_case_with_a_session(desk: Desk, tenant: Tenant) -> None:
    path = path_of(desk, desk.links.link_to_case(tenant.id, 5, "Ala"))
    browser = desk.visitor()
    answer = await browser.post(path)
    assert (answer.status, answer.location) == (303, "/case/acme/5")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=lax", "Max-Age=43200", "Path=/"):
        assert part in cookie
    assert (await browser.get("/cases")).status == 200


async def test_a_link_opens_once(desk: Desk, tenant: Tenant) -> None:
    path = path_of(desk, desk.links.link_to_case(tenant.id, 5, "Ala"))
    answers = await asyncio.gather(*(desk.visitor().post(path) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [303, 403, 403, 403, 403]
    late = await desk.visitor().get(path)
    assert late.status == 403
    assert "was used or is over" in late.text


async def test_a_link_lives_ten_minutes(desk: Desk, tenant: Tenant) -> None:
    path = path_of(desk, desk.links.link_to_case(tenant.id, 5, "Ala"))
    desk.world.clock.advance(599)
    assert (await desk.visitor().get(path)).status == 200
    desk.world.clock.advance(1)
    assert (await desk.visitor().get(path)).status == 403
    assert (await desk.visitor().post(path)).status == 403


async def test_who_has_a_session_of_the_tenant_goes_straight_on(desk: Desk, tenant: Tenant) -> None:
    browser = await desk.signed_in(tenant.id, "Ala")
    path = path_of(desk, desk.links.link_to_case(tenant.id, 9, ""))
    desk.world.clock.advance(3600)
    answer = await browser.get(path)
    assert (answer.status, answer.location) == (303, "/case/acme/9")


async def test_a_session_of_another_tenant_does_not_open_a_link(desk: Desk, tenant: Tenant) -> None:
    await desk.world.tenants.add("beta", "Beta Homes")
    browser = await desk.signed_in("beta", "Ben")
    path = path_of(desk, desk.links.link_to_case(tenant.id, 9, ""))
    answer = await browser.get(path)
    assert answer.status == 200
    assert "Acme Stays" in answer.text


async def test_a_channels_link_asks_who_opens_it(desk: Desk, tenant: Tenant) -> None:
    path = path_of(desk, desk.links.link_to_case(tenant.id, 5, ""))
    browser = desk.visitor()
    assert 'name="name"' in (await browser.get(path)).text
    for wrong in ("", "  ", "x" * 61):
        refused = await browser.post(path, {"name": wrong})
        assert refused.status == 400
        assert "tell your name" in refused.text
    assert (await browser.post(path, {"name": " Ola   Nowak "})).status == 303
    assert "Ola Nowak · acme" in (await browser.get("/cases")).text


async def test_a_named_link_cannot_be_opened_as_somebody_else(desk: Desk, tenant: Tenant) -> None:
    path = path_of(desk, desk.links.link_to_case(tenant.id, 5, "Ala"))
    browser = desk.visitor()
    await browser.post(path, {"name": "Mallory"})
    assert "Ala · acme" in (await browser.get("/cases")).text


async def test_what_was_not_signed_as_a_link_opens_nothing(desk: Desk, tenant: Tenant) -> None:
    path = path_of(desk, desk.links.link_to_case(tenant.id, 5, "Ala"))
    other = desk.keyring.sign({"kind": "session", "tenant": "acme", "operator": "x", "until": 9})
    body, _, signature = path.partition(".")
    for forged in (f"/open/{other}", f"{body}x.{signature}", "/open/x", "/open/ż.ó", "/open/a.ż"):
        assert (await desk.visitor().post(forged)).status == 403, forged


async def test_the_link_of_a_tenant_that_is_gone_leads_nowhere(desk: Desk, tenant: Tenant) -> None:
    path = path_of(desk, desk.links.link_to_drafts(tenant.id, "Ala"))
    await desk.world.tenants.remove(tenant.id)
    assert (await desk.visitor().post(path)).status == 404


async def test_the_link_of_drafts_leads_to_them(desk: Desk, tenant: Tenant) -> None:
    path = path_of(desk, desk.links.link_to_drafts(tenant.id, "Ala"))
    assert (await desk.visitor().post(path)).location == "/drafts"


async def test_a_name_of_signs_that_cannot_be_seen_is_refused(desk: Desk, tenant: Tenant) -> None:
    path = path_of(desk, desk.links.link_to_case(tenant.id, 5, ""))
    for name in ("", "  ", "x" * 61, "\u202eala", "a\x00b", "a\x1b[31m"):
        answer = await desk.visitor().post(path, {"name": name})
        assert (answer.status, "tell your name" in answer.text) == (400, True), name
    assert (await desk.visitor().post(path, {"name": "Żółć العربية"})).status == 303
