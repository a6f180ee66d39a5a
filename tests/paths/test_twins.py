"""Every route of both doors, used as one company with the other's ids, links and logins.

The routes are taken from the apps themselves: one without a case here fails.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest
from starlette.routing import Route, WebSocketRoute

from app import events
from app.main import create_app
from app.panel.auth import COOKIE
from app.sim.rows import full_message
from app.sim.telephone import signature
from tests.paths.twins import OPERATOR, QUIET_GUEST, THREAD, Twin, Twins

pytestmark = pytest.mark.asyncio(loop_scope="session")
Case = Callable[[Twins, Twin, Twin], Awaitable[None]]
"""(twins, the one that acts, the other): tries, and says what each try must answer."""
EQUAL_IDS = {
    "cases": "id, conversation_id, reservation_id",
    "conversations": "id, external_id, reservation_id",
    "decisions": "id, conversation_id, outcome",
    "listings": "id, external_id",
    "messages": "conversation_id, external_id",
    "outbox": "id, conversation_id",
    "reservations": "id, external_id, guest_name, phone_e164, confirmation_code",
    "turns": "id, conversation_id, speaker",
    "calls": "conversation_id, call_sid",
}


async def test_the_two_companies_really_have_equal_ids(twins: Twins) -> None:
    for table, columns in EQUAL_IDS.items():
        found = []
        for twin in (twins.alder, twins.birch):
            async with (await twins.product.database.tenant(twin.name)).transaction() as conn:
                rows = await conn.fetch(f"select {columns} from {{schema}}.{table} order by 1, 2")
                found.append([tuple(row) for row in rows][:8])
        assert found[0], table
        assert found[0] == found[1]


async def test_each_company_has_left_its_mark_everywhere(twins: Twins) -> None:
    """Without it a search for the other's would prove nothing."""
    for twin in (twins.alder, twins.birch):
        rows = await twins.rows(twin)
        outside = await twins.outside(twin)
        own = (twin.mark, twin.door_code)
        marked = {table for table, lines in rows.items() if any(m in x for x in lines for m in own)}
        assert marked >= {
            "cases", "decisions", "libraries", "listings", "outbox", "reservations", "turns",
            "tenants",
        }  # fmt: skip
        assert any("blocks" in text and twin.mark in text for text in outside)
        assert any('"role": "system"' in text and twin.mark in text for text in outside)


# -- the public door ---------------------------------------------------------------------------


async def _no_ids(twins: Twins, me: Twin, _: Twin) -> None:
    for base in (twins.public, twins.desk):
        for path in ("/healthz", "/readyz", "/static/desk.css"):
            async with me.http.get(base + path) as answer:
                me.heard.append(await answer.text())


async def _webhook(twins: Twins, me: Twin, other: Twin) -> None:
    await _deliveries(twins, me, other, with_key=False)


async def _webhook_with_key(twins: Twins, me: Twin, other: Twin) -> None:
    await _deliveries(twins, me, other, with_key=True)


async def _deliveries(twins: Twins, me: Twin, other: Twin, *, with_key: bool) -> None:
    assert me.account is not None
    assert other.account is not None
    (mine,), (theirs,) = me.account.webhook_logins, other.account.webhook_logins
    keys = [f"/{a.account_key}" if with_key else "" for a in (me.account, other.account)]
    event = _event(twins, me)
    alien = event | {"accountId": other.account_id}
    bare = {"event": "message.received", "data": event["data"] | {"accountId": other.account_id}}
    tries: list[tuple[str, tuple[str, str], Any, int]] = [
        (keys[0], mine, alien, 403),
        (keys[0], mine, bare, 403),
        (keys[0], (mine[0], theirs[1]), event, 401),
        (keys[0], (theirs[0], mine[1]), alien, 401),
        (keys[0], mine, event, 200),
    ]
    if with_key:
        tries += [(keys[1], mine, alien, 401), (keys[0], theirs, alien, 401)]
    for key, (login, password), body, expected in tries:
        basic = base64.b64encode(f"{login}:{password}".encode()).decode()
        url = f"{twins.public}/webhook/hostaway{key}"
        headers = {"Authorization": f"Basic {basic}"}
        async with me.http.post(url, json=body, headers=headers) as answer:
            me.heard.append(await answer.text())
            assert answer.status == expected, (key, login, body)


def _telephone(path: str, expected: int) -> Case:
    """Webhooks of the carrier, as one company with the other's number, account and token."""

    async def tries(twins: Twins, me: Twin, other: Twin) -> None:
        public = twins.product.settings.server.public_url.rstrip("/")
        for number, account, token, answers in (
            (other.hotline, f"AC-{me.name}", f"token-{me.name}", 403),
            (other.hotline, f"AC-{other.name}", f"token-{me.name}", 403),
            (me.hotline, f"AC-{other.name}", f"token-{me.name}", 403),
            (me.hotline, f"AC-{me.name}", f"token-{other.name}", 403),
            (me.hotline, f"AC-{me.name}", f"token-{me.name}", expected),
        ):
            form = {"CallSid": "CA-twin", "AccountSid": account, "To": number, "From": "+48500100",
                    "CallStatus": "completed"}  # fmt: skip
            headers = {"X-Twilio-Signature": signature(token, public + path, form)}
            async with me.http.post(twins.public + path, data=form, headers=headers) as answer:
                me.heard.append(await answer.text())
                assert answer.status == answers, (number, account, token)

    return tries


async def _media(twins: Twins, me: Twin, other: Twin) -> None:
    """A stream with a ticket of another call is closed before anything is said."""
    for call_sid in ("CA-twin", f"CA-{other.name}"):
        async with me.http.ws_connect(twins.public + "/twilio/media") as socket:
            start = {"callSid": call_sid, "customParameters": {"ticket": other.name}}
            await socket.send_json({"event": "start", "start": start})
            closing = await socket.receive()
            me.heard.append(str(closing))
            assert closing.data == 1008


def _event(twins: Twins, me: Twin) -> dict[str, Any]:
    """An event of a message that the other has by the same ids."""
    thread = twins.world.store.accounts[me.account_id].threads[QUIET_GUEST + THREAD]
    return {
        "object": "conversationMessage", "event": "message.received", "accountId": me.account_id,
        "data": full_message(thread[0].row),
    }  # fmt: skip


# -- links and sessions ------------------------------------------------------------------------


async def _look_at_link(twins: Twins, me: Twin, other: Twin) -> None:
    for token in _false_tokens(twins, me, other):
        assert (await me.asks("GET", f"/open/{token}"))[0] == 403
    # A link is for whoever holds it: it names the company it opens, and nothing else of it.
    async with me.http.get(twins.desk + twins.link(other, case_id=1)) as answer:
        page = await answer.text()
    assert page.count(other.mark) == 1
    assert "water" not in page


async def _open_link(twins: Twins, me: Twin, other: Twin) -> None:
    for token in _false_tokens(twins, me, other):
        assert (await me.asks("POST", f"/open/{token}", form={"name": OPERATOR}))[0] == 403
    spent = twins.link(other, case_id=1, operator=OPERATOR)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as theirs:
        browser = Twin(name=other.name, mark="", account_id=0, door_code="", http=theirs)
        browser.base = twins.desk
        assert (await browser.asks("POST", spent))[0] == 303
        assert (await browser.asks("GET", f"/case/{me.name}/1"))[0] == 404
    assert (await me.asks("POST", spent))[0] == 403
    assert (await me.asks("GET", f"/case/{me.name}/1"))[0] == 200


def _false_tokens(twins: Twins, me: Twin, other: Twin) -> list[str]:
    """Tokens of every kind that we have, said to be the other's or for another use."""
    own = twins.link(me, case_id=1, operator=OPERATOR).removeprefix("/open/")
    return [_renamed(own, other), _cookie(me), me.form_token]


def _renamed(token: str, other: Twin) -> str:
    """A signed token with the other's name put in."""
    body, _, signature = token.partition(".")
    payload = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    said = base64.urlsafe_b64encode(orjson.dumps({**payload, "tenant": other.name})).rstrip(b"=")
    return f"{said.decode()}.{signature}"


def _cookie(twin: Twin) -> str:
    return next(c.value for c in twin.http.cookie_jar if c.key == COOKIE)


async def _false_sessions(twins: Twins, me: Twin, other: Twin, path: str) -> None:
    own = twins.link(me, case_id=1, operator=OPERATOR).removeprefix("/open/")
    for value in (_renamed(_cookie(me), other), own, me.form_token):
        headers = {"Cookie": f"{COOKIE}={value}"}
        async with (
            aiohttp.ClientSession(headers=headers) as nobody,
            nobody.get(twins.desk + path, allow_redirects=False) as answer,
        ):
            me.heard.append(await answer.text())
            assert answer.status == 401


# -- pages and forms ---------------------------------------------------------------------------


async def _cases(twins: Twins, me: Twin, other: Twin) -> None:
    await _false_sessions(twins, me, other, "/cases")
    for path in ("/cases", f"/cases?tenant={other.name}", f"/cases?all=1&tenant={other.name}"):
        status, page, _ = await me.asks("GET", path)
        assert (status, me.mark in page) == (200, True)


async def _own_case(twins: Twins, me: Twin, other: Twin) -> None:
    await _false_sessions(twins, me, other, "/case/1")
    status, _, place = await me.asks("GET", f"/case/1?tenant={other.name}")
    assert (status, place) == (303, f"/case/{me.name}/1")


async def _case(twins: Twins, me: Twin, other: Twin) -> None:
    await _false_sessions(twins, me, other, f"/case/{other.name}/1")
    names = (other.name, other.name.upper(), f"{other.name}%00", f"..%2f{other.name}")
    for name in names:
        assert (await me.asks("GET", f"/case/{name}/1"))[0] == 404
    assert (await me.asks("GET", f"/case/{me.name}/1"))[0] == 200


def _form(deed: str) -> Case:
    async def tries(twins: Twins, me: Twin, other: Twin) -> None:
        mine, theirs = me.form_token, other.form_token
        words = {"text": f"{me.mark} will come."}
        path, alien = f"/case/{me.name}/1/{deed}", f"/case/{other.name}/1/{deed}"
        for place, token, expected in (
            (alien, mine, 404), (alien, theirs, 403), (path, theirs, 403), (path, "", 403),
        ):  # fmt: skip
            status, _, _ = await me.asks("POST", place, form={"form_token": token, **words})
            assert status == expected, (place, token)
        status, _, _ = await me.asks("POST", path, form={"form_token": mine, **words})
        assert status in (303, 409)

    return tries


async def _drafts(twins: Twins, me: Twin, other: Twin) -> None:
    await _false_sessions(twins, me, other, "/drafts")
    assert (await me.asks("GET", f"/drafts?tenant={other.name}"))[0] == 200


def _draft(deed: str) -> Case:
    async def tries(twins: Twins, me: Twin, other: Twin) -> None:
        mine, theirs = me.form_token, other.form_token
        for token, expected in ((theirs, (403,)), (mine, (303, 404))):
            form = {"form_token": token, "text": f"{me.mark} says yes."}
            assert (await me.asks("POST", f"/draft/3/{deed}", form=form))[0] in expected

    return tries


async def _live(twins: Twins, me: Twin, other: Twin) -> None:
    await _false_sessions(twins, me, other, "/live")
    assert (await me.asks("GET", f"/live?tenant={other.name}"))[0] == 404
    async with me.http.get(f"{twins.desk}/live") as feed:
        for twin in (other, me):
            call: dict[str, Any] = {"tenant_id": twin.name, "conversation_id": 1, "call_sid": "CA"}
            heard = events.SpeechHeard(**call, text=f"{twin.mark} is sp", is_final=False)
            ended = events.CallEnded(**call, because=twin.mark, ended_at=twins.product.clock.now())
            said = events.TurnRecorded(
                tenant_id=twin.name, conversation_id=1, turn_id=1, speaker="guest",
                text=f"{twin.mark} said", said_at=twins.product.clock.now(),
            )  # fmt: skip
            for event in (heard, ended, said):
                await twins.product.bus.publish(event)
        async with asyncio.timeout(5):
            async for line in feed.content:
                me.heard.append(line.decode())
                if f"{me.mark} said" in me.heard[-1]:
                    break
    told = "".join(me.heard)
    assert f"{me.mark} is sp" in told
    assert '"type":"call_ended"' in told


CASES: dict[str, Case] = {
    "public GET /healthz": _no_ids,
    "public GET /readyz": _no_ids,
    "public POST /webhook/hostaway": _webhook,
    "public POST /webhook/hostaway/{account_key}": _webhook_with_key,
    "public POST /twilio/voice": _telephone("/twilio/voice", 200),
    "public POST /twilio/after-stream": _telephone("/twilio/after-stream", 200),
    "public POST /twilio/status": _telephone("/twilio/status", 204),
    "public POST /twilio/fallback": _telephone("/twilio/fallback", 200),
    "public WS /twilio/media": _media,
    "desk GET /healthz": _no_ids,
    "desk GET /readyz": _no_ids,
    "desk GET /static/desk.css": _no_ids,
    "desk GET /open/{token}": _look_at_link,
    "desk POST /open/{token}": _open_link,
    "desk GET /live": _live,
    "desk GET /cases": _cases,
    "desk GET /case/{case_id:int}": _own_case,
    "desk GET /case/{tenant}/{case_id:int}": _case,
    "desk POST /case/{tenant}/{case_id:int}/take": _form("take"),
    "desk POST /case/{tenant}/{case_id:int}/reply": _form("reply"),
    "desk POST /case/{tenant}/{case_id:int}/resolve": _form("resolve"),
    "desk GET /drafts": _drafts,
    "desk POST /draft/{id:int}/send": _draft("send"),
    "desk POST /draft/{id:int}/drop": _draft("drop"),
}


async def test_every_route_of_both_doors_has_its_case(twins: Twins) -> None:
    product, found = twins.product, set()
    for door, routes, database in (
        ("public", product.public_routes(), product.public_database),
        ("desk", product.desk_routes(), product.database),
    ):
        for route in create_app(product, routes, database).routes:
            if isinstance(route, WebSocketRoute):
                found.add(f"{door} WS {route.path}")
                continue
            assert isinstance(route, Route), f"{route} is of a kind that has no cases yet"
            found |= {
                f"{door} {method} {route.path}"
                for method in (route.methods or ())
                if method != "HEAD"
            }
    assert found == set(CASES)


@pytest.mark.parametrize("who", ["alder", "birch"])
@pytest.mark.parametrize("route", CASES)
async def test_a_route_used_with_the_others_ids_gives_and_changes_nothing_of_the_other(
    twins: Twins, route: str, who: str
) -> None:
    me, other = twins.pair(who)
    before = await twins.rows(other)
    asked = len(await twins.outside(other))
    await CASES[route](twins, me, other)
    await twins.quiet()
    assert await twins.rows(other) == before
    assert len(await twins.outside(other)) == asked
    assert await twins.hits(me, other) == []
