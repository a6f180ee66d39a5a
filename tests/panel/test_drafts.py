from app.tenants import Tenant
from tests.panel.conftest import BEARER, Desk


async def status_of(desk: Desk, draft_id: int) -> tuple[str, str]:
    door = await desk.world.database.tenant("acme")
    async with door.transaction() as conn:
        row = await conn.fetchrow("select * from {schema}.outbox where id = $1", draft_id)
    assert row is not None
    return row["status"], row["text"]


async def test_a_draft_is_shown_with_the_talk_before_it(desk: Desk, tenant: Tenant) -> None:
    thread = await desk.world.thread(tenant)
    await desk.world.say(tenant, thread, "guest", "When may we come?")
    await desk.world.put_draft(tenant, thread, "From 15:00, <b>dear</b> guest.")
    page = (await (await desk.signed_in("acme", "Ala")).get("/drafts")).text
    for part in ("Maria Kowalska", "Loft 3, Warsaw", "When may we come?", "&lt;b&gt;dear"):
        assert part in page, part


async def test_a_draft_goes_out_in_the_words_of_the_form(desk: Desk, tenant: Tenant) -> None:
    draft_id = await desk.world.put_draft(tenant, await desk.world.thread(tenant), "From 15:00.")
    ala = await desk.signed_in("acme", "Ala")
    sent = await ala.submit("/drafts", f"/draft/{draft_id}/send", text="From 14:00 today.")
    assert (sent.status, sent.location) == (303, "/drafts?note=sent")
    assert await status_of(desk, draft_id) == ("queued", "From 14:00 today.")
    again = await ala.post(
        f"/draft/{draft_id}/send",
        {"form_token": desk.sessions._form_token(next(iter(ala.cookies.values()))), "text": "x"},
    )
    assert again.status == 404


async def test_a_draft_is_thrown_away(desk: Desk, tenant: Tenant) -> None:
    draft_id = await desk.world.put_draft(tenant, await desk.world.thread(tenant), "From 15:00.")
    ala = await desk.signed_in("acme", "Ala")
    await ala.submit("/drafts", f"/draft/{draft_id}/drop")
    assert (await status_of(desk, draft_id))[0] == "dropped"
    assert "No draft waits." in (await ala.get("/drafts")).text


async def test_an_emptied_draft_is_not_sent(desk: Desk, tenant: Tenant) -> None:
    draft_id = await desk.world.put_draft(tenant, await desk.world.thread(tenant), "From 15:00.")
    ala = await desk.signed_in("acme", "Ala")
    answer = await ala.submit("/drafts", f"/draft/{draft_id}/send", text=" ")
    assert answer.status == 400
    assert (await status_of(desk, draft_id))[0] == "draft"


async def test_another_tenants_draft_cannot_be_reached(desk: Desk, tenant: Tenant) -> None:
    draft_id = await desk.world.put_draft(tenant, await desk.world.thread(tenant), "From 15:00.")
    await desk.world.tenants.add("beta", "Beta Homes")
    ben = await desk.signed_in("beta", "Ben")
    assert "From 15:00." not in (await ben.get("/drafts")).text
    form = {"form_token": desk.sessions._form_token(next(iter(ben.cookies.values()))), "text": "x"}
    assert (await ben.post(f"/draft/{draft_id}/send", form)).status == 404
    assert (await status_of(desk, draft_id))[0] == "draft"


async def test_the_desk_token_names_no_tenant_and_sees_no_drafts(
    desk: Desk, tenant: Tenant
) -> None:
    assert (await desk.visitor().get("/drafts", **BEARER)).status == 404
