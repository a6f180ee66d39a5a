import pytest

from app.events import CaseOpened
from app.tenants import Tenant
from tests.case_world import DOOR_CODE
from tests.panel.conftest import BEARER, Desk


async def test_the_page_shows_case_stay_and_the_whole_conversation(
    desk: Desk, tenant: Tenant
) -> None:
    thread = await desk.world.thread(tenant)
    await desk.world.say(tenant, thread, "bot", "Welcome! The code is [[door_code]].")
    case = await desk.world.open_case(tenant, thread, "Water <b>everywhere</b>! كسر", "critical")
    browser = await desk.signed_in(tenant.id, "Ala")
    page = (await browser.get(f"/case/acme/{case.id}")).text
    for part in (
        "Maria Kowalska", "Loft 3, Warsaw", "Mon 13 Apr – Thu 16 Apr 2026", "critical",
        "nobody yet",
        "Welcome! The code is [[door_code]].", "an urgent phrase", "Mon 13 Apr, 14:00",
        "Water &lt;b&gt;everywhere&lt;/b&gt;! كسر",
    ):  # fmt: skip
        assert part in page, part
    assert "<b>everywhere</b>" not in page
    assert DOOR_CODE not in page


async def test_a_listing_without_a_time_zone_is_warned_about(desk: Desk, tenant: Tenant) -> None:
    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    browser = await desk.signed_in(tenant.id, "Ala")
    assert "names none that exists" not in (await browser.get(f"/case/acme/{case.id}")).text
    door = await desk.world.database.tenant("acme")
    async with door.transaction() as conn:
        await conn.execute("update {schema}.listings set time_zone = 'Mars/Base'")
    page = (await browser.get(f"/case/acme/{case.id}")).text
    assert "names none that exists" in page
    assert "are counted by UTC" in page


async def test_a_case_is_taken_and_the_next_one_is_told_who_has_it(
    desk: Desk, tenant: Tenant
) -> None:
    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    page = f"/case/acme/{case.id}"
    ala, ola = await desk.signed_in("acme", "Ala"), await desk.signed_in("acme", "Ola")
    shown = await ola.get(page)
    taken = await ala.submit(page, f"{page}/take")
    assert (taken.status, taken.location) == (303, f"{page}?note=taken")
    assert "You have this case" in (await ala.get(taken.location)).text
    assert (await desk.world.case(tenant, case.id)).assignee == "Ala"
    token = shown.text.split('name="form_token" value="')[1].split('"')[0]
    late = await ola.post(f"{page}/take", {"form_token": token})
    assert late.status == 409
    assert f"case {case.id} was taken by Ala" in late.text


async def test_a_reply_takes_the_case_and_goes_into_the_outbox_masked(
    desk: Desk, tenant: Tenant
) -> None:
    thread = await desk.world.thread(tenant)
    case = await desk.world.open_case(tenant, thread)
    ala = await desk.signed_in("acme", "Ala")
    page = f"/case/acme/{case.id}"
    sent = await ala.submit(page, f"{page}/reply", text=f"On my way. Code {DOOR_CODE}.")
    assert sent.location == f"{page}?note=replied"
    assert (await desk.world.case(tenant, case.id)).assignee == "Ala"
    door = await desk.world.database.tenant("acme")
    async with door.transaction() as conn:
        row = await conn.fetchrow("select * from {schema}.outbox")
    assert row is not None
    assert (row["text"], row["status"]) == ("On my way. Code [[door_code]].", "queued")
    assert (row["origin"], row["operator"]) == ("operator", "Ala")


async def test_a_refused_reply_keeps_its_words_on_the_page(desk: Desk, tenant: Tenant) -> None:
    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    ala = await desk.signed_in("acme", "Ala")
    page = f"/case/acme/{case.id}"
    empty = await ala.submit(page, f"{page}/reply", text="  ")
    assert empty.status == 400
    assert "a reply needs words" in empty.text


async def test_a_code_in_a_refused_reply_is_shown_as_a_mark(desk: Desk, tenant: Tenant) -> None:
    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    ala = await desk.signed_in("acme", "Ala")
    page = f"/case/acme/{case.id}"
    words = f"It is {DOOR_CODE} [[other_code]]"
    refused = await ala.submit(page, f"{page}/reply", text=words)
    assert refused.status == 400
    assert "It is [[door_code]] [[other_code]]" in refused.text
    assert DOOR_CODE not in refused.text


async def test_a_resolved_case_is_over_and_leaves_the_list(desk: Desk, tenant: Tenant) -> None:
    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    ala = await desk.signed_in("acme", "Ala")
    page = f"/case/acme/{case.id}"
    assert f'href="{page}"' in (await ala.get("/cases")).text
    assert (await ala.submit(page, f"{page}/resolve")).location == f"{page}?note=resolved"
    assert (await desk.world.case(tenant, case.id)).state == "resolved"
    assert f'href="{page}"' not in (await ala.get("/cases")).text
    assert f'href="{page}"' in (await ala.get("/cases?all=1")).text
    assert "<form" not in (await ala.get(page)).text


async def test_a_session_never_sees_or_touches_another_tenants_case(
    desk: Desk, tenant: Tenant
) -> None:
    beta = await desk.world.tenants.add("beta", "Beta Homes")
    case = await desk.world.open_case(beta, await desk.world.thread(beta))
    ala = await desk.signed_in("acme", "Ala")
    assert (await ala.get(f"/case/beta/{case.id}")).status == 404
    form = {"form_token": desk.sessions._form_token(next(iter(ala.cookies.values())))}
    for deed in ("take", "reply", "resolve"):
        answer = await ala.post(f"/case/beta/{case.id}/{deed}", {**form, "text": "x"})
        assert answer.status == 404, deed
    assert (await desk.world.case(beta, case.id)).assignee is None
    assert "Case" not in (await ala.get("/cases?tenant=beta")).text.partition("<h1>Cases</h1>")[2]


async def test_what_does_not_exist_is_not_found(desk: Desk, tenant: Tenant) -> None:
    ala = await desk.signed_in("acme", "Ala")
    for path in ("/case/acme/404", f"/case/acme/{10**30}", "/case/nobody/1"):
        assert (await ala.get(path)).status == 404, path


async def test_a_form_without_its_token_changes_nothing(desk: Desk, tenant: Tenant) -> None:
    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    ala, ola = await desk.signed_in("acme", "Ala"), await desk.signed_in("acme", "Ola")
    others = desk.sessions._form_token(next(iter(ola.cookies.values())))
    for form in ({}, {"form_token": "x"}, {"form_token": others}):
        answer = await ala.post(f"/case/acme/{case.id}/resolve", form)
        assert answer.status == 403
    assert (await desk.world.case(tenant, case.id)).state == "open"


async def test_a_case_by_its_number_alone_is_the_sessions(desk: Desk, tenant: Tenant) -> None:
    ala = await desk.signed_in("acme", "Ala")
    assert (await ala.get("/case/7")).location == "/case/acme/7"
    assert (await ala.get("/case/7", **BEARER)).status == 404


async def test_a_program_with_the_desk_token_acts_without_a_form_token(
    desk: Desk, tenant: Tenant
) -> None:
    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    answer = await desk.visitor().post(f"/case/acme/{case.id}/take", {}, **BEARER)
    assert answer.status == 303
    assert (await desk.world.case(tenant, case.id)).assignee == "the command line"


async def test_a_case_without_a_known_stay_is_shown(desk: Desk, tenant: Tenant) -> None:
    door = await desk.world.database.tenant("acme")
    async with door.transaction() as conn:
        thread = await desk.world.conversations.ensure_thread(
            conn, account="1", external_id="99", now=desk.world.clock.now()
        )
    case = await desk.world.open_case(tenant, thread)
    ala = await desk.signed_in("acme", "Ala")
    page = (await ala.get(f"/case/acme/{case.id}")).text
    assert "no reservation known" in page
    assert "There is water everywhere!" in page


async def test_opening_a_page_tells_nobody_anything(desk: Desk, tenant: Tenant) -> None:
    heard: list[CaseOpened] = []

    async def hear(event: CaseOpened) -> None:
        heard.append(event)

    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    desk.world.bus.subscribe(CaseOpened, hear)
    ala = await desk.signed_in("acme", "Ala")
    before = await desk.world.case(tenant, case.id)
    await ala.get(f"/case/acme/{case.id}")
    assert await desk.world.case(tenant, case.id) == before
    assert heard == []


@pytest.mark.parametrize(
    ("words", "stored"),
    [
        ("\x00Hello\x00", "Hello"),
        ("\u202eevil\u202c 😀 مرحبا", "\u202eevil\u202c 😀 مرحبا"),
        ("{{door_code}} <%= door_code %> %s {0}", "{{door_code}} <%= door_code %> %s {0}"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
async def test_whatever_an_operator_writes_is_kept_as_it_is_and_shown_as_text(
    desk: Desk, tenant: Tenant, words: str, stored: str
) -> None:
    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    ala = await desk.signed_in("acme", "Ala")
    page = f"/case/acme/{case.id}"
    assert (await ala.submit(page, f"{page}/reply", text=words)).status == 303
    door = await desk.world.database.tenant("acme")
    async with door.transaction() as conn:
        assert await conn.fetchval("select text from {schema}.outbox") == stored
    assert "<script>" not in (await ala.get(page)).text


async def test_a_reply_longer_than_any_is_refused_in_words(desk: Desk, tenant: Tenant) -> None:
    case = await desk.world.open_case(tenant, await desk.world.thread(tenant))
    ala = await desk.signed_in("acme", "Ala")
    page = f"/case/acme/{case.id}"
    answer = await ala.submit(page, f"{page}/reply", text="x" * 20_000)
    assert (answer.status, "10000 characters at most" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "path",
    [
        "/case/%00/1", "/case/acme%0d%0aSet-Cookie:%20x=y/1", "/case/..%2f..%2fetc/1",
        "/cases?tenant=%00", "/cases?tenant=%0d%0ax:y", "/live?tenant=%00", "/case/acme/1?note=%00",
        "/static/..%2f..%2fauth.py", "/static/../auth.py", "/open/%00", "/open/%ff.%ff",
        "/case/acme/" + "9" * 400, "/drafts?note=<script>",
    ],
)  # fmt: skip
async def test_tricks_with_paths_lead_nowhere(desk: Desk, tenant: Tenant, path: str) -> None:
    ala = await desk.signed_in("acme", "Ala")
    if path.startswith("/live"):
        assert (await ala.get(path)).status == 404
        return
    tricky = ("Traceback", "import ", "root:", "<script>")
    for visitor, headers in ((ala, {}), (desk.visitor(), BEARER)):
        answer = await visitor.get(path, **headers)
        assert answer.status in (200, 400, 403, 404), answer.status
        assert "Set-Cookie" not in answer.headers
        assert not any(word in answer.text for word in tricky)


async def test_a_strangers_form_is_not_even_read(desk: Desk, tenant: Tenant) -> None:
    unreadable = {"Content-Type": "multipart/form-data"}
    for path in ("/case/acme/1/reply", "/draft/1/send"):
        answer = await desk.visitor().post(path, {"text": "x" * 500_000}, **unreadable)
        assert (answer.status, "link of an alert" in answer.text) == (401, True)
