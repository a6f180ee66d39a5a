"""The client against a small Hostaway on the loopback that does what each test scripts."""

import asyncio
import contextlib
import logging
import re
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.clock import ManualClock
from app.errors import BadInput, Unavailable
from app.pms.hostaway import HostawayClient
from app.pms.hostaway_answers import HostawayError, Withdrawn
from app.settings import HostawaySettings
from app.tenants import PmsAccount

NOW = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
HOOK = "https://guests.example.com/webhook/hostaway/key-1"


def make_account(**values: Any) -> PmsAccount:
    account = PmsAccount(
        id=1,
        tenant_id="warsaw",
        kind="hostaway",
        external_id="70001",
        account_key="key-1",
        client_secret="secret-of-70001",
        webhook_logins=(("login", "password"),),
    )
    return replace(account, **values)


ACCOUNT = make_account()


class Keeper:
    """What the tenant directory was told to keep."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, datetime]] = []

    async def keep_token(self, account: PmsAccount, token: str, until: datetime) -> None:
        self.kept.append((token, until))


class Outside:
    """Hostaway: answers as `pages` says, unless a fault is next."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.accounts: list[str] = []
        self.issued: list[str] = []
        self.dead: set[str] = set()
        self.token_life_s: Any = 3600
        self.refusal = answer(403, {"status": "fail", "result": "The access token is expired"})
        self.faults: deque[Fault] = deque()
        self.token_faults: deque[Fault] = deque()
        self.pages: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {}
        self.stored: list[dict[str, Any]] = []
        self.hooks: dict[int, dict[str, Any]] = {}
        self.released = asyncio.Event()
        self.peers: list[Any] = []
        """The connection of each request."""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/accessTokens", self.token)
        app.router.add_route("*", "/v1/{path:.*}", self.serve)
        return app

    def asked(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.requests]

    async def token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if self.token_faults:
            self.issued.append("none")
            done = await self.token_faults.popleft()(request)
            assert done is not None
            return done
        assert form["grant_type"] == "client_credentials"
        account = str(form["client_id"])
        assert form["client_secret"] == f"secret-of-{account}"
        self.issued.append(f"token-{account}-{len(self.issued) + 1}")
        return web.json_response({"access_token": self.issued[-1], "expires_in": self.token_life_s})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        self.requests.append((request.method, path, dict(request.query)))
        assert request.transport is not None
        self.peers.append(request.transport.get_extra_info("peername"))
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.accounts.append(token.split("-")[1] if "-" in token else token)
        if token in self.dead or "*" in self.dead:
            done = await self.refusal(request)
            assert done is not None
            return done
        if self.faults:
            done = await self.faults.popleft()(request)
            if done is not None:
                return done
        return web.json_response(await self.result(request, path))

    async def result(self, request: web.Request, path: str) -> dict[str, Any]:
        if path.startswith("/webhooks/"):
            return {"status": "success", "result": await self.hook(request, path)}
        if request.method == "POST":
            return {"status": "success", "result": await self.store(request)}
        if path in self.pages:
            return {"status": "success", **self.pages[path](dict(request.query))}
        number = int(re.sub(r"\D", "", path) or 7)
        return {"status": "success", "result": {"id": number, "path": path, **request.query}}

    async def store(self, request: web.Request) -> dict[str, Any]:
        self.stored.append(await request.json())
        return {"id": 900 + len(self.stored), **self.stored[-1]}

    async def hook(self, request: web.Request, path: str) -> Any:
        if request.method == "GET":
            return [{**hook, "password": "****"} for hook in self.hooks.values()]
        if request.method == "POST":
            number = len(self.hooks) + 1
            self.hooks[number] = {"id": number, **await request.json()}
            return self.hooks[number]
        number = int(path.rsplit("/", 1)[1])
        if request.method == "DELETE":
            del self.hooks[number]
            return []
        self.hooks[number] = {"id": number, **await request.json()}
        return self.hooks[number]


def answer(status: int, body: Any, **headers: str) -> Fault:
    """A fault that answers so."""
    is_text = isinstance(body, str)

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status,
            body=body.encode() if is_text else orjson.dumps(body),
            content_type="text/html" if is_text else "application/json",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return fault


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def after_acting(outside: Outside, then: Fault) -> Fault:
    """A fault that comes after the message was stored."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        await outside.store(request)
        return await then(request)

    return fault


def hang(outside: Outside) -> Fault:
    async def fault(request: web.Request) -> web.StreamResponse:
        await outside.released.wait()
        return web.Response()

    return fault


@asynccontextmanager
async def running(outside: Outside) -> AsyncIterator[str]:
    server = TestServer(outside.app())
    await server.start_server()
    try:
        yield str(server.make_url("/v1"))
    finally:
        outside.released.set()
        await server.close()


class World:
    """A client joined to the outside."""

    def __init__(self, outside: Outside, base_url: str) -> None:
        self.outside = outside
        self.base_url = base_url
        self.keeper = Keeper()
        self.clock = ManualClock(NOW)
        self.clients: list[HostawayClient] = []

    async def client(self, *, prompt_s: float = 10.0, **values: Any) -> HostawayClient:
        """An open client with generous limits unless told otherwise."""
        generous = {"ip_requests": 1000, "account_requests": 1000, "timeout_s": 10.0}
        given = {"base_url": self.base_url, **generous, **values}
        client = HostawayClient(
            settings=HostawaySettings(**given),
            tenants=self.keeper,
            clock=self.clock,
            token_settle_s=0.0,
            backoff_s=0.01,
            prompt_s=prompt_s,
        )
        await client.open()
        self.clients.append(client)
        return client


@pytest.fixture
async def world() -> AsyncIterator[World]:
    outside = Outside()
    async with running(outside) as base_url:
        world = World(outside, base_url)
        yield world
        for client in world.clients:
            await client.close()


async def failure_of(call: Awaitable[Any]) -> HostawayError:
    with pytest.raises(HostawayError) as caught:
        await call
    return caught.value


# Nonsense


def endless(piece: bytes) -> Fault:
    """A fault whose answer never ends."""

    async def fault(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(piece)
        return response

    return fault


NONSENSE = [
    "<html><body>502 Bad Gateway</body></html>", "", "null", "[]", '"text"', "{", "[" * 100_000,
    '{"status": "success", "result": {"id": 7', '{"status": "success"}', '{"result": null}',
    '{"status": "success", "result": "gone"}', '{"status": "success", "result": {}}',
    '{"status": "success", "result": [[], 1, null]}', '{"status": "fail", "result": {"id": 7}}',
    '{"status": "success", "result": {"id": {"a": 1}}}', '{"status": "fail", "message": [1]}',
    '{"status": "success", "result": {"id": 8}}', '{"status": "success", "result": {"id": "x"}}',
]  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE, ids=lambda body: body[:30])
async def test_an_answer_that_is_nonsense_is_our_error(world: World, body: str) -> None:
    client = await world.client()
    world.outside.faults.extend([answer(200, body)] * 3)
    await failure_of(client.reservation(ACCOUNT, "7"))


@pytest.mark.parametrize("body", NONSENSE, ids=lambda body: body[:30])
async def test_a_list_that_is_nonsense_is_our_error_or_empty(world: World, body: str) -> None:
    client = await world.client()
    world.outside.faults.extend([answer(200, body)] * 3)
    try:
        assert await client.messages(ACCOUNT, "70") == []
    except HostawayError:
        return


async def test_an_odd_character_does_not_make_an_answer_unreadable(world: World) -> None:
    client = await world.client()
    body = '{"status": "success", "result": {"id": 7, "guestName": "\\ud83d", "price": NaN}}'
    world.outside.faults.append(answer(200, body))
    row = await client.reservation(ACCOUNT, "7")
    assert (row["guestName"], row["price"]) == ("\N{REPLACEMENT CHARACTER}", None)


async def test_an_answer_without_an_end_is_left(world: World) -> None:
    client = await world.client()
    world.outside.faults.extend([endless(b" " * 1_000_000)] * 3)
    failure = await failure_of(client.reservation(ACCOUNT, "7"))
    assert "larger than any" in str(failure)


async def test_a_send_whose_answer_has_no_end_may_have_arrived(world: World) -> None:
    client = await world.client()
    world.outside.faults.append(endless(b" " * 1_000_000))
    failure = await failure_of(send(client))
    assert (failure.was_sent, failure.retryable) == (True, False)


@pytest.mark.parametrize("token", ["a\nb: c", "", 5, None, "ż", "a b", "x" * 20_000])
async def test_a_token_that_no_header_may_carry_is_refused(world: World, token: object) -> None:
    client = await world.client()
    world.outside.token_faults.append(answer(200, {"access_token": token, "expires_in": 3600}))
    assert "no usable access token" in str(await failure_of(client.listing(ACCOUNT, "7")))


async def test_rows_that_repeat_for_ever_end_a_walk(world: World) -> None:
    client = await world.client(page_size=2)
    world.outside.pages["/listings"] = lambda _: {"result": [{"id": 1}, {"id": 2}], "count": 10**9}
    assert len([rows async for rows in client.listings(ACCOUNT)]) == 1
    world.outside.pages["/reservations"] = lambda _: {"result": [{"id": 1}, {"id": 2}]}
    assert len([rows async for rows in client.reservations(ACCOUNT)]) == 2


async def test_a_cursor_that_runs_in_a_circle_ends_a_walk(world: World) -> None:
    client = await world.client(page_size=1)
    after = {"": 3, "3": 2, "2": 1, "1": 3}
    world.outside.pages["/reservations"] = lambda query: {
        "result": [{"id": after[query.get("afterId", "")]}]
    }
    assert len([rows async for rows in client.reservations(ACCOUNT)]) == 4


async def test_rows_without_an_id_end_a_walk(world: World) -> None:
    client = await world.client(page_size=1)
    world.outside.pages["/reservations"] = lambda _: {"result": [{"id": None}, {}]}
    assert len([rows async for rows in client.reservations(ACCOUNT)]) == 1


# Token


async def test_a_token_is_kept_for_as_long_as_hostaway_says(world: World) -> None:
    client = await world.client()
    world.outside.token_life_s = 15897600
    await client.listing(ACCOUNT, "7")
    assert world.keeper.kept == [("token-70001-1", NOW + timedelta(seconds=15897600))]


async def test_a_stored_token_is_used_again(world: World) -> None:
    client = await world.client()
    await client.listing(
        make_account(token="token-70001-old", token_until=NOW + timedelta(days=1)), "7"
    )
    assert world.outside.issued == []


async def test_a_stored_token_past_its_end_is_replaced(world: World) -> None:
    client = await world.client()
    await client.listing(make_account(token="old", token_until=NOW - timedelta(days=1)), "7")
    assert world.outside.accounts == ["70001"]


async def test_a_token_is_renewed_shortly_before_it_ends(world: World) -> None:
    client = await world.client()
    await client.listing(ACCOUNT, "7")
    world.clock.advance(3539)
    await client.listing(ACCOUNT, "7")
    assert len(world.outside.issued) == 1
    world.clock.advance(2)
    await client.listing(ACCOUNT, "7")
    assert len(world.outside.issued) == 2


@pytest.mark.parametrize(
    "refusal",
    [
        answer(403, {"status": "fail", "result": "The access token is expired"}),
        answer(403, {"status": "fail", "message": "Invalid token"}),
        answer(403, ""),
        answer(401, {"error": "whatever"}),
    ],
)
async def test_a_dead_token_is_renewed_once_in_the_middle_of_a_run(
    world: World, refusal: Fault
) -> None:
    client = await world.client()
    await client.listing(ACCOUNT, "7")
    world.outside.dead.add("token-70001-1")
    world.outside.refusal = refusal
    await client.listing(ACCOUNT, "8")
    await client.listing(ACCOUNT, "9")
    assert len(world.outside.issued) == 2
    assert world.outside.asked()[1:] == ["GET /listings/8"] * 2 + ["GET /listings/9"]


async def test_a_locked_reservation_asks_for_no_other_token(world: World) -> None:
    client = await world.client()
    world.outside.faults.append(answer(403, {"status": "fail", "result": "Reservation is locked"}))
    failure = await failure_of(client.reservation(ACCOUNT, "7"))
    assert (failure.status, failure.retryable, len(world.outside.issued)) == (403, False, 1)


async def test_a_fresh_token_that_is_refused_too_surfaces_as_forbidden(world: World) -> None:
    client = await world.client()
    world.outside.dead.add("*")
    failure = await failure_of(client.listing(ACCOUNT, "7"))
    assert (failure.status, failure.retryable) == (403, False)
    assert len(world.outside.issued) == 2


async def test_refusals_that_no_token_helps_against_do_not_burn_tokens(world: World) -> None:
    client = await world.client()
    world.outside.dead.add("*")
    for _ in range(5):
        await failure_of(client.listing(ACCOUNT, "7"))
    assert len(world.outside.issued) == 2


async def test_ten_calls_at_once_share_one_token(world: World) -> None:
    client = await world.client()
    await asyncio.gather(*(client.listing(ACCOUNT, str(n)) for n in range(1, 11)))
    assert len(world.outside.issued) == 1


async def test_ten_calls_with_a_dead_token_share_one_renewal(world: World) -> None:
    client = await world.client()
    await client.listing(ACCOUNT, "7")
    world.outside.dead.add("token-70001-1")
    await asyncio.gather(*(client.listing(ACCOUNT, str(n)) for n in range(1, 11)))
    assert len(world.outside.issued) == 2


async def test_two_accounts_use_their_own_tokens(world: World) -> None:
    client = await world.client()
    await client.listing(ACCOUNT, "7")
    await client.listing(
        make_account(id=2, external_id="70002", client_secret="secret-of-70002"), "7"
    )
    assert world.outside.accounts == ["70001", "70002"]


async def test_wrong_credentials_are_tried_once_for_all_who_wait(world: World) -> None:
    client = await world.client()
    refusal = answer(401, {"error": "invalid_client"})
    world.outside.token_faults.extend([refusal] * 10)
    failures = await asyncio.gather(
        *(client.listing(ACCOUNT, str(n)) for n in range(10)), return_exceptions=True
    )
    assert {(type(one), getattr(one, "status", 0)) for one in failures} == {(HostawayError, 401)}
    assert len(world.outside.issued) == 1


async def test_a_token_answer_without_a_life_is_refused(world: World) -> None:
    client = await world.client()
    world.outside.token_life_s = None
    assert not (await failure_of(client.listing(ACCOUNT, "7"))).retryable


# Limits


async def test_a_retry_after_of_no_time_is_honoured(world: World) -> None:
    client = await world.client(window_s=3600.0)
    world.outside.faults.append(answer(429, {"status": "fail", "message": "x"}, Retry_After="0"))
    await client.listing(ACCOUNT, "7")
    assert world.outside.asked() == ["GET /listings/7"] * 2


async def test_a_retry_after_given_as_a_date_is_honoured(world: World) -> None:
    client = await world.client(window_s=3600.0)
    when = "Tue, 14 Apr 2026 12:00:00 GMT"
    world.outside.faults.append(answer(429, {"status": "fail", "message": "x"}, Retry_After=when))
    await client.listing(ACCOUNT, "7")
    assert world.outside.asked() == ["GET /listings/7"] * 2


async def test_a_429_without_a_header_pauses_this_account_and_no_other(world: World) -> None:
    client = await world.client(window_s=0.5)
    other = make_account(id=2, external_id="70002", client_secret="secret-of-70002")
    await client.listing(other, "1")
    refused = asyncio.Event()

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        refused.set()
        return await answer(429, {"status": "fail", "message": "x"})(request)

    async def other_call() -> None:
        await refused.wait()
        await client.listing(other, "2")

    world.outside.faults.append(refuse)
    await asyncio.gather(client.listing(ACCOUNT, "7"), other_call())
    assert world.outside.accounts == ["70002", "70001", "70002", "70001"]


async def test_a_read_gives_up_after_three_refusals_for_now(world: World) -> None:
    client = await world.client()
    refusal = answer(429, {"status": "fail", "message": "x"}, Retry_After="0")
    world.outside.faults.extend([refusal] * 9)
    failure = await failure_of(client.listing(ACCOUNT, "7"))
    assert (failure.status, failure.retryable) == (429, True)
    assert len(world.outside.requests) == 3


async def test_token_and_call_take_a_place_each_in_the_window(world: World) -> None:
    client = await world.client(ip_requests=2, window_s=3600.0)
    await client.listing(ACCOUNT, "1", is_urgent=True)
    third = asyncio.ensure_future(client.listing(ACCOUNT, "2", is_urgent=True))
    await asyncio.sleep(0.05)
    assert world.outside.asked() == ["GET /listings/1"]
    third.cancel()
    with pytest.raises(asyncio.CancelledError):
        await third


# Failures of reads


@pytest.mark.parametrize(
    "fault",
    [
        answer(503, {"status": "fail", "result": "x"}),
        answer(500, "<html>Bad gateway</html>"),
        answer(200, "<html>Maintenance</html>"),
        answer(200, '{"status":"success","result":{"id":'),
        answer(200, ""),
        answer(200, {"status": "fail", "result": "Please try again later"}),
        cut,
    ],
)
async def test_a_passing_failure_of_a_read_is_tried_again(world: World, fault: Fault) -> None:
    client = await world.client()
    world.outside.faults.extend([fault, fault])
    assert (await client.listing(ACCOUNT, "7"))["id"] == 7
    assert len(world.outside.requests) == 3


async def test_a_body_shorter_than_announced_is_tried_again(world: World) -> None:
    client = await world.client()

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "500"})
        await response.prepare(request)
        await response.write(b'{"status":"success"')
        return await cut(request)

    world.outside.faults.append(half)
    assert (await client.listing(ACCOUNT, "7"))["id"] == 7


async def test_a_failure_that_lasts_surfaces_as_retryable_after_three_tries(world: World) -> None:
    client = await world.client()
    world.outside.faults.extend([answer(502, "<html></html>")] * 9)
    failure = await failure_of(client.listing(ACCOUNT, "7"))
    assert (failure.status, failure.retryable, failure.was_sent) == (502, True, False)
    assert len(world.outside.requests) == 3


async def test_a_hang_ends_and_is_tried_again(world: World) -> None:
    client = await world.client(timeout_s=0.4)
    world.outside.faults.append(hang(world.outside))
    assert (await client.listing(ACCOUNT, "7"))["id"] == 7


@pytest.mark.parametrize(
    "fault",
    [
        answer(404, {"status": "fail", "result": "not found"}),
        answer(200, {"status": "fail", "result": "Listing is archived"}),
        answer(302, "", Location="/v1/listings/8"),
        answer(200, {"status": "success", "result": []}),
    ],
)
async def test_a_lasting_failure_of_a_read_is_asked_once(world: World, fault: Fault) -> None:
    client = await world.client()
    world.outside.faults.append(fault)
    assert not (await failure_of(client.listing(ACCOUNT, "7"))).retryable
    assert len(world.outside.requests) == 1


async def test_a_list_that_is_none_does_not_pass_for_an_empty_one(world: World) -> None:
    client = await world.client()
    world.outside.pages["/reservations/7/conversations"] = lambda _: {"result": None}
    await failure_of(client.conversations_of(ACCOUNT, "7"))


async def test_an_id_cannot_change_the_path(world: World) -> None:
    client = await world.client()
    with pytest.raises(BadInput):
        await client.listing(ACCOUNT, "../accessTokens")
    assert world.outside.requests == []


async def test_a_closed_client_says_so(world: World) -> None:
    client = await world.client()
    await client.close()
    with pytest.raises(Unavailable):
        await client.listing(ACCOUNT, "7")


# Pages


async def test_reservations_are_walked_by_cursor_past_a_repeated_row(world: World) -> None:
    pages = {None: [9, 8], "8": [8, 12], "12": [3], "3": []}
    world.outside.pages["/reservations"] = lambda query: {
        "result": [{"id": n} for n in pages[query.get("afterId")]]
    }
    client = await world.client(page_size=2)
    seen = [[row["id"] for row in rows] async for rows in client.reservations(ACCOUNT)]
    assert seen == [[9, 8], [8, 12], [3]]


@pytest.mark.parametrize("stuck", [{None: [9, 8], "8": [8]}, {None: [8], "8": [5], "5": [8]}])
async def test_a_cursor_that_does_not_move_on_ends_the_walk(
    world: World, stuck: dict[str | None, list[int]]
) -> None:
    world.outside.pages["/reservations"] = lambda query: {
        "result": [{"id": n} for n in stuck[query.get("afterId")]]
    }
    client = await world.client()
    assert len([rows async for rows in client.reservations(ACCOUNT)]) == len(stuck)


async def test_reservations_are_filtered_by_hostaway(world: World) -> None:
    world.outside.pages["/reservations"] = lambda _: {"result": []}
    client = await world.client(page_size=50)
    walk = client.reservations(
        ACCOUNT,
        latest_activity_start=date(2026, 4, 13),
        arrival_until=date(2026, 5, 1),
        departure_from=date(2026, 4, 1),
        only_unread=True,
        after_id="77",
    )
    assert [rows async for rows in walk] == []
    assert world.outside.requests[0][2] == {
        "limit": "50",
        "includeResources": "1",
        "latestActivityStart": "2026-04-13",
        "arrivalEndDate": "2026-05-01",
        "departureStartDate": "2026-04-01",
        "hasUnreadConversationMessages": "1",
        "afterId": "77",
    }


def by_offset(ids: range, *, clamp: int) -> Callable[[dict[str, str]], dict[str, Any]]:
    def page(query: dict[str, str]) -> dict[str, Any]:
        start = int(query["offset"])
        shown = ids[start : start + min(clamp, int(query["limit"]))]
        return {"result": [{"id": n} for n in shown], "count": len(ids)}

    return page


async def test_listings_are_walked_by_offset_until_a_short_page(world: World) -> None:
    world.outside.pages["/listings"] = by_offset(range(5), clamp=500)
    client = await world.client(page_size=2)
    pages = [[row["id"] for row in rows] async for rows in client.listings(ACCOUNT)]
    assert pages == [[0, 1], [2, 3], [4]]
    assert len(world.outside.requests) == 3


async def test_a_limit_that_hostaway_lowers_loses_no_listing(world: World) -> None:
    world.outside.pages["/listings"] = by_offset(range(5), clamp=2)
    client = await world.client(page_size=500)
    assert [row["id"] async for rows in client.listings(ACCOUNT) for row in rows] == [0, 1, 2, 3, 4]


async def test_a_page_that_comes_again_and_again_ends_the_walk(world: World) -> None:
    world.outside.pages["/listings"] = lambda _: {"result": [{"id": 1}, {"id": 2}]}
    client = await world.client(page_size=2)
    assert len([rows async for rows in client.listings(ACCOUNT)]) == 1


async def test_custom_fields_are_read_over_all_pages(world: World) -> None:
    world.outside.pages["/customFields"] = by_offset(range(5), clamp=500)
    client = await world.client(page_size=2)
    assert len(await client.custom_fields(ACCOUNT)) == 5


async def test_units_of_a_listing_are_read(world: World) -> None:
    world.outside.pages["/listingUnits/7"] = lambda _: {"result": [{"id": 1}]}
    client = await world.client()
    assert await client.listing_units(ACCOUNT, "7") == [{"id": 1}]


@pytest.mark.parametrize("is_newest_first", [True, False])
async def test_the_newest_messages_come_oldest_first(world: World, is_newest_first: bool) -> None:
    thread = [{"id": n, "date": f"2026-04-14 12:{n // 2:02}:00"} for n in range(30)]
    if is_newest_first:
        thread.reverse()

    def page(query: dict[str, str]) -> dict[str, Any]:
        start = int(query["offset"])
        return {"result": thread[start : start + int(query["limit"])], "count": 30}

    world.outside.pages["/conversations/5/messages"] = page
    client = await world.client()
    rows = await client.messages(ACCOUNT, "5", limit=20)
    assert [row["id"] for row in rows] == list(range(10, 30))


async def test_scheduled_messages_are_asked_for_by_name(world: World) -> None:
    world.outside.pages["/conversations/5/messages"] = lambda _: {"result": []}
    client = await world.client()
    await client.messages(ACCOUNT, "5", include_scheduled=True, is_urgent=True)
    assert world.outside.requests[0][2]["includeScheduledMessages"] == "1"


async def test_single_objects_are_asked_for_with_their_resources(world: World) -> None:
    client = await world.client()
    for call in (client.listing, client.reservation, client.conversation):
        assert (await call(ACCOUNT, "7", is_urgent=True))["includeResources"] == "1"
    assert world.outside.asked() == [
        "GET /listings/7",
        "GET /reservations/7",
        "GET /conversations/7",
    ]


# Sending


async def send(
    client: HostawayClient, text: str = "Hello", account: PmsAccount = ACCOUNT
) -> dict[str, Any]:
    async def words() -> str:
        return text

    return await client.send_message(account, "5", words, communication_type="channel")


async def test_a_message_says_how_it_is_to_be_sent(world: World) -> None:
    client = await world.client()
    assert (await send(client))["id"] == 901
    assert world.outside.stored == [{"body": "Hello", "communicationType": "channel"}]


@pytest.mark.parametrize(
    "then",
    [
        cut,
        answer(500, "<html></html>"),
        answer(200, '{"status":"succ'),
        answer(200, {"status": "fail", "result": "timeout"}),
        answer(200, {"status": "success", "result": []}),
    ],
)
async def test_a_send_that_may_have_been_acted_on_is_never_repeated(
    world: World, then: Fault
) -> None:
    client = await world.client()
    world.outside.faults.append(after_acting(world.outside, then))
    failure = await failure_of(send(client))
    assert (failure.was_sent, failure.retryable) == (True, False)
    assert len(world.outside.stored) == 1


async def test_a_send_without_an_answer_in_time_is_never_repeated(world: World) -> None:
    client = await world.client(timeout_s=0.4)
    world.outside.faults.append(after_acting(world.outside, hang(world.outside)))
    failure = await failure_of(send(client))
    assert (failure.status, failure.was_sent, failure.retryable) == (None, True, False)
    assert len(world.outside.stored) == 1


async def test_a_send_that_is_turned_away_for_now_is_left_to_the_caller(world: World) -> None:
    client = await world.client()
    world.outside.faults.append(answer(429, {"status": "fail", "message": "x"}))
    failure = await failure_of(send(client))
    assert (failure.status, failure.was_sent, failure.retryable) == (429, False, True)
    assert len(world.outside.requests) == 1


async def test_a_refused_send_was_not_sent(world: World) -> None:
    client = await world.client()
    world.outside.faults.append(answer(400, {"status": "fail", "result": "x"}))
    failure = await failure_of(send(client))
    assert (failure.status, failure.was_sent, failure.retryable) == (400, False, False)


async def test_a_send_with_a_dead_token_is_sent_once_with_a_new_one(world: World) -> None:
    client = await world.client()
    await client.listing(ACCOUNT, "7")
    world.outside.dead.add("token-70001-1")
    await send(client)
    assert len(world.outside.stored) == 1


async def test_a_send_that_reached_nobody_was_not_sent(world: World) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = await world.client(base_url=f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        known = make_account(token="known", token_until=NOW + timedelta(days=1))
        failure = await failure_of(send(client, account=known))
    assert (failure.status, failure.was_sent, failure.retryable) == (None, False, True)


async def test_a_send_that_got_no_token_was_not_sent(world: World) -> None:
    client = await world.client()
    world.outside.token_faults.extend([answer(500, "")] * 3)
    failure = await failure_of(send(client))
    assert (failure.was_sent, failure.retryable) == (False, True)
    assert world.outside.requests == []


async def test_the_words_of_a_message_are_not_asked_for_before_its_turn(world: World) -> None:
    client = await world.client(ip_requests=2)
    await client.listing(ACCOUNT, "7")
    asked: list[None] = []

    async def words() -> str:
        asked.append(None)
        return "Hello"

    sending = client.send_message(ACCOUNT, "5", words, communication_type="channel")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sending, timeout=0.2)
    assert asked == []


async def test_the_words_are_asked_for_again_with_a_new_token(world: World) -> None:
    client = await world.client()
    await client.listing(ACCOUNT, "7")
    world.outside.dead.add("token-70001-1")
    given = iter(("as it was", "as it is"))

    async def words() -> str:
        return next(given)

    await client.send_message(ACCOUNT, "5", words, communication_type="channel")
    assert [message["body"] for message in world.outside.stored] == ["as it is"]


async def test_a_message_that_is_taken_back_in_its_turn_reaches_nobody(world: World) -> None:
    client = await world.client()

    async def words() -> str:
        raise Withdrawn("a person spoke")

    with pytest.raises(Withdrawn):
        await client.send_message(ACCOUNT, "5", words, communication_type="channel")
    assert world.outside.requests == []


async def test_a_process_that_froze_after_composing_writes_nothing(world: World) -> None:
    client = await world.client(prompt_s=0.2)

    async def words() -> str:
        asyncio.get_running_loop().call_soon(time.sleep, 0.4)
        return "Hello"

    failure = await failure_of(
        client.send_message(ACCOUNT, "5", words, communication_type="channel")
    )
    assert (failure.was_sent, failure.retryable) == (False, True)
    assert world.outside.stored == []


async def test_each_message_goes_by_a_connection_of_its_own(world: World) -> None:
    client = await world.client()
    await client.listing(ACCOUNT, "7")
    for _ in range(2):
        await send(client)
    assert len(set(world.outside.peers)) == 3


async def test_neither_errors_nor_logs_carry_words_tokens_or_queries(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = await world.client()
    world.outside.faults.append(answer(400, {"status": "fail", "result": "no 4821 to Ola"}))
    failure = await failure_of(send(client, "the code is 4821"))
    world.outside.pages["/reservations"] = lambda _: {"result": []}
    assert [rows async for rows in client.reservations(ACCOUNT, after_id="4821")] == []
    ours = [one for one in caplog.records if one.name == "app.pms.hostaway"]
    said = str(failure) + str([record.__dict__ for record in ours])
    assert "POST /conversations/{id}/messages" in said
    for secret in ("4821", "Ola", "token-70001", "secret-of"):
        assert secret not in said


# Webhooks


async def ensure(client: HostawayClient) -> str:
    return await client.ensure_webhook(ACCOUNT, url=HOOK, login="login", password="password")


async def test_a_webhook_is_made_once(world: World) -> None:
    client = await world.client()
    assert [await ensure(client), await ensure(client)] == ["1", "1"]
    assert len(world.outside.hooks) == 1
    assert world.outside.hooks[1]["password"] == "password"


async def test_a_disabled_webhook_is_enabled_and_gets_the_new_password(world: World) -> None:
    client = await world.client()
    world.outside.hooks[4] = {
        "id": 4,
        "isEnabled": 0,
        "url": HOOK,
        "login": "login",
        "password": "old",
        "alertingEmailAddress": "alerts@example.com",
    }
    assert await ensure(client) == "4"
    assert world.outside.hooks == {
        4: {
            "id": 4,
            "isEnabled": 1,
            "url": HOOK,
            "login": "login",
            "password": "password",
            "alertingEmailAddress": "alerts@example.com",
        }
    }


async def test_spare_webhooks_of_our_url_are_removed_and_foreign_ones_stay(world: World) -> None:
    client = await world.client()
    for number, url, is_enabled in ((1, HOOK, 0), (2, HOOK + "/", 1), (3, HOOK + "x", 1)):
        world.outside.hooks[number] = {"id": number, "url": url, "isEnabled": is_enabled}
    assert await ensure(client) == "2"
    assert {number: hook["url"] for number, hook in world.outside.hooks.items()} == {
        2: HOOK,
        3: HOOK + "x",
    }


async def test_a_cut_while_making_a_webhook_leads_to_one_hook_at_the_next_run(
    world: World,
) -> None:
    client = await world.client()

    async def make_and_cut(request: web.Request) -> web.StreamResponse:
        await world.outside.hook(request, "")
        return await cut(request)

    async def pass_by(request: web.Request) -> None:
        return None

    world.outside.faults.extend([pass_by, make_and_cut])
    assert (await failure_of(ensure(client))).retryable
    assert await ensure(client) == "1"
    assert len(world.outside.hooks) == 1


async def test_deliveries_we_did_not_acknowledge_are_listed_once(world: World) -> None:
    rows = [
        {"object": "reservation", "objectId": 5, "responseStatus": 503},
        {"object": "reservation", "objectId": 5, "responseStatus": "500"},
        {"object": "conversationMessage", "objectId": 6, "responseStatus": None},
        {"object": "reservation", "objectId": 7, "responseStatus": 204},
        {"object": "test", "objectId": None, "responseStatus": 400},
    ]
    world.outside.pages["/unifiedWebhookLogs"] = lambda _: {"result": rows}
    client = await world.client()
    assert await client.webhook_failures(ACCOUNT, limit=30) == [
        ("reservation", "5"),
        ("conversationMessage", "6"),
    ]
    assert world.outside.requests[0][2]["limit"] == "30"
