import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.errors import ProductError
from app.pms.inbox import Inbox
from app.pms.webhook import MESSAGE, RESERVATION, HostawayWebhook, classify
from app.settings import TelemetrySettings
from app.telemetry import Telemetry
from app.tenants import PmsAccount, Tenant, Tenants
from tests.make import NOON, raw_message, raw_reservation

MOST_BYTES = 20_000
MESSAGE_BODY = raw_message(9001, "What is the door code 48151?", at=NOON)


class Receiver:
    """The webhook on a port of its own."""

    def __init__(self, base: str, http: aiohttp.ClientSession, database: Database) -> None:
        self.base = base
        self.http = http
        self.database = database

    async def post(
        self,
        account: PmsAccount,
        body: Any,
        *,
        login: tuple[str, str] | None = None,
        with_key: bool = True,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        pair = ":".join(login or account.webhook_logins[0])
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        path = "/webhook/hostaway" + (f"/{account.account_key}" if with_key else "")
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.http.post(
            self.base + path, data=raw, headers={"Authorization": basic, **(headers or {})}
        ) as answer:
            return answer.status, await answer.json()

    async def rows(self) -> list[dict[str, Any]]:
        async with (await self.database.tenant("acme")).transaction() as conn:
            return [dict(r) for r in await conn.fetch("select * from {schema}.inbox order by id")]


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, ProductError) else 500
    return JSONResponse({"error": str(error)}, status_code=status)


@pytest.fixture
async def account(tenants: Tenants, tenant: Tenant) -> PmsAccount:
    return await tenants.add_account(tenant.id, external_id="70001", client_secret="secret")


@pytest.fixture
async def public_database(swept_url: str) -> AsyncIterator[Database]:
    opened = Database(command_timeout_s=5, statement_cache=0, connections=3)
    await opened.open(swept_url)
    yield opened
    await opened.close()


@pytest.fixture
async def receiver(
    database: Database,
    public_database: Database,
    tenants: Tenants,
    clock: ManualClock,
    background: Background,
    bus: Bus,
) -> AsyncIterator[Receiver]:
    telemetry = Telemetry(TelemetrySettings())
    inbox = Inbox(
        database=database, tenants=tenants, clock=clock, background=Background(),
        telemetry=telemetry, sweep_s=5,
    )  # fmt: skip
    inbox.register({MESSAGE: _leave_alone, RESERVATION: _leave_alone})
    webhook = HostawayWebhook(
        tenants=tenants, inbox=inbox, database=public_database, telemetry=telemetry,
        max_body_bytes=MOST_BYTES,
    )  # fmt: skip
    app = Starlette(routes=list(webhook.routes()), exception_handlers={ProductError: _refused})
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = background.spawn("webhook", server.serve())
    while not server.started:
        await clock.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as http:
        yield Receiver(f"http://127.0.0.1:{port}", http, database)
    server.should_exit = True
    await serving


async def _leave_alone(*_: object) -> None:
    return


def envelope(body: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "object": "conversationMessage", "event": "message.received", "accountId": 70001,
        "data": body or MESSAGE_BODY, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (envelope(), MESSAGE),
        ({"event": "message.received", "data": {"reservationId": 5000, "body": "Hi"}}, MESSAGE),
        ({"payload": {"data": MESSAGE_BODY}, "eventType": "message.received"}, MESSAGE),
        (MESSAGE_BODY, MESSAGE),
        ({"event": "new message received", "data": MESSAGE_BODY}, MESSAGE),
        ({"object": "reservation", "event": "reservation.updated", "data": {"id": 1}}, RESERVATION),
        ({"event": "reservation.created", "data": {"id": 1}}, RESERVATION),
        ({"data": "test"}, None),
        ({"event": "reservation.updated", "data": {}}, None),
        ({"event": "message.received", "data": {"body": "Hi"}}, None),
        ({"event": "task.created", "object": "task", "data": {"id": 1}}, None),
        ({"event": "message.received", "data": [1]}, None),
        ({}, None),
    ],
)
def test_every_shape_that_was_seen_is_told_apart(raw: dict[str, Any], kind: str | None) -> None:
    assert classify(raw)[0] == kind


async def test_a_message_becomes_one_row_whose_words_are_sealed(
    receiver: Receiver, account: PmsAccount, tenant: Tenant
) -> None:
    assert await receiver.post(account, envelope()) == (200, {"status": "stored"})
    (row,) = await receiver.rows()
    assert (row["event"], row["account_id"]) == (MESSAGE, account.id)
    assert row["envelope"]["conversationId"] == 70
    assert "48151" not in str(row["envelope"])
    if row["sealed"] is not None:
        assert b"48151" not in row["sealed"]
        assert tenant.keyring.open_mapping(row["sealed"])["body"] == MESSAGE_BODY["body"]


async def test_a_door_code_cannot_be_tried_out_of_a_stored_digest(
    receiver: Receiver, account: PmsAccount
) -> None:
    body = raw_reservation()
    await receiver.post(account, {"event": "reservation.updated", "data": body})
    (row,) = await receiver.rows()
    raw = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    for kind in ("sha256", "sha1", "md5", "blake2b"):
        assert hashlib.new(kind, raw).hexdigest()[:16] not in row["dedupe_key"]


async def test_words_in_the_place_of_an_id_are_not_kept(
    receiver: Receiver, account: PmsAccount
) -> None:
    body = raw_message(9001, "Hi", at=NOON, id={"x": "48151"}, conversationId="door 48151")
    body |= {"date": "48151", "status": "it is 48151", "listingMapId": ["48151"]}
    await receiver.post(account, {"event": "message.received", "data": body})
    (row,) = await receiver.rows()
    assert row["dedupe_key"].startswith("hint:")
    assert "48151" not in f"{row['dedupe_key']} {row['envelope']}"
    booked = raw_reservation(id="door 48151")
    answer = await receiver.post(account, {"event": "reservation.updated", "data": booked})
    assert answer == (200, {"status": "ignored"})


async def test_a_second_delivery_changes_nothing(receiver: Receiver, account: PmsAccount) -> None:
    reservation = {"event": "reservation.updated", "data": raw_reservation()}
    for body in (envelope(), reservation):
        assert (await receiver.post(account, body))[1] == {"status": "stored"}
        assert (await receiver.post(account, body))[1] == {"status": "known"}
    assert len(await receiver.rows()) == 2


async def test_a_changed_reservation_is_new(receiver: Receiver, account: PmsAccount) -> None:
    for code in ("1111", "2222"):
        body = {"event": "reservation.updated", "data": raw_reservation(doorCode=code)}
        assert (await receiver.post(account, body))[1] == {"status": "stored"}


async def test_nothing_of_a_reservation_is_kept_but_ids(
    receiver: Receiver, account: PmsAccount, tenant: Tenant
) -> None:
    body = raw_reservation(guestPortalUrl="https://portal.example/x", cvc="123", hostNote="secret")
    await receiver.post(account, {"event": "reservation.updated", "data": body})
    (row,) = await receiver.rows()
    assert set(row["envelope"]) == {"id", "listingMapId", "status", "updatedOn", "channelId"}
    assert tenant.keyring.open_mapping(row["sealed"]) == {}


async def test_an_event_without_a_message_id_is_always_new(
    receiver: Receiver, account: PmsAccount
) -> None:
    body = {"event": "message.received", "data": {"reservationId": 5000, "body": "Hi"}}
    for _ in range(2):
        assert await receiver.post(account, body) == (200, {"status": "stored"})
    assert len(await receiver.rows()) == 2


@pytest.mark.parametrize("body", [{"data": "test"}, {"event": "task.created", "data": {"id": 1}}])
async def test_pings_and_strangers_are_acknowledged_and_left(
    receiver: Receiver, account: PmsAccount, body: Any
) -> None:
    assert await receiver.post(account, body) == (200, {"status": "ignored"})
    assert await receiver.rows() == []


@pytest.mark.parametrize("with_key", [True, False])
async def test_an_account_is_found_by_its_key_or_its_login(
    receiver: Receiver, account: PmsAccount, with_key: bool
) -> None:
    assert (await receiver.post(account, envelope(), with_key=with_key))[0] == 200


@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("what", ["password", "login", "nothing"])
async def test_a_wrong_secret_is_refused(
    receiver: Receiver, account: PmsAccount, with_key: bool, what: str
) -> None:
    login, password = account.webhook_logins[0]
    wrong = {"password": (login, "x"), "login": ("x", password), "nothing": ("", "")}[what]
    assert (await receiver.post(account, envelope(), login=wrong, with_key=with_key))[0] == 401
    assert await receiver.rows() == []


@pytest.mark.parametrize(
    "header", ["", "Bearer abc", "Basic ???", "Basic /w==", "Basic é", "Basic"]
)
async def test_a_header_that_is_no_basic_login_is_refused(
    receiver: Receiver, account: PmsAccount, header: str
) -> None:
    headers = {"Authorization": header}
    assert (await receiver.post(account, envelope(), headers=headers))[0] == 401


async def test_a_key_nobody_has_is_refused(receiver: Receiver, account: PmsAccount) -> None:
    async with receiver.http.post(f"{receiver.base}/webhook/hostaway/abc", json={}) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("body", [envelope(accountId=70002), {**MESSAGE_BODY, "accountId": 70002}])
async def test_another_accounts_event_is_refused(
    receiver: Receiver, account: PmsAccount, body: Any
) -> None:
    assert (await receiver.post(account, body))[0] == 403
    assert await receiver.rows() == []


async def test_a_body_too_large_is_refused(receiver: Receiver, account: PmsAccount) -> None:
    assert (await receiver.post(account, envelope(junk="x" * MOST_BYTES)))[0] == 413
    assert await receiver.rows() == []


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        (envelope({**MESSAGE_BODY, "body": "Hi"}, junk="unknown"), "Hi"),
        (b"\xef\xbb\xbf" + orjson.dumps(envelope()), MESSAGE_BODY["body"]),
        (orjson.dumps(envelope()).decode().encode("utf-16"), MESSAGE_BODY["body"]),
        (envelope({**MESSAGE_BODY, "body": "\u202eevil 😀 مرحبا"}), "\u202eevil 😀 مرحبا"),
        (envelope({**MESSAGE_BODY, "body": "a\x00b"}), "ab"),
        (envelope({**MESSAGE_BODY, "body": ["no", "text"]}), ""),
        (orjson.dumps(envelope()).replace(b"door code", b"\\ud83d"), "What is the \ufffd 48151?"),
        (orjson.dumps(envelope()).replace(b'"isIncoming":1', b'"isIncoming":NaN'), None),
        (orjson.dumps(envelope()).replace(b'"data":', b'"data":{},"data":'), None),
    ],
)
async def test_an_odd_event_is_stored_all_the_same(
    receiver: Receiver, account: PmsAccount, tenant: Tenant, body: Any, stored: str | None
) -> None:
    assert await receiver.post(account, body) == (200, {"status": "stored"})
    (row,) = await receiver.rows()
    if stored is not None and row["sealed"] is not None:
        assert tenant.keyring.open_mapping(row["sealed"])["body"] == stored


WRONG: list[Any] = [
    [], {}, [1], True, -5, 1.5, 1e300, 2**62, "", "x" * 9_000, "a\x00b", "²", "9" * 5_000,
    {"a": [{}]}, "0000-00-00", None,
]  # fmt: skip


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:20])
async def test_a_wrong_value_in_any_field_never_breaks_the_door(
    receiver: Receiver, account: PmsAccount, value: Any
) -> None:
    events = [
        *(envelope({**MESSAGE_BODY, name: value}) for name in MESSAGE_BODY),
        *({**envelope(), name: value} for name in ("event", "object", "accountId", "data")),
        *(
            {"event": "reservation.updated", "data": {**raw_reservation(), name: value}}
            for name in raw_reservation()
        ),
    ]
    for event in events:
        status, answer = await receiver.post(account, event)
        assert (status, *answer) in ((200, "status"), (403, "error")), event


async def test_a_message_whose_id_is_none_is_a_hint(
    receiver: Receiver, account: PmsAccount
) -> None:
    for value in (["x"], "x" * 5_000, -1):
        event = envelope({**MESSAGE_BODY, "id": value})
        assert await receiver.post(account, event) == (200, {"status": "stored"})
    rows = await receiver.rows()
    assert [row["dedupe_key"].partition(":")[0] for row in rows] == ["hint"] * 3


async def test_a_reservation_nested_too_deeply_is_refused(
    receiver: Receiver, account: PmsAccount
) -> None:
    deep = orjson.dumps({"event": "reservation.updated", "data": {"id": 1, "x": 0}})
    deep = deep.replace(b'"x":0', b'"x":' + b"[" * 500 + b"]" * 500)
    status, answer = await receiver.post(account, deep)
    assert (status, "nested too deeply" in answer["error"]) == (400, True)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense"])
async def test_what_the_body_is_called_does_not_matter(
    receiver: Receiver, account: PmsAccount, kind: str
) -> None:
    headers = {"Content-Type": kind}
    assert (await receiver.post(account, envelope(), headers=headers))[0] == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"text"', b"\xff\xfe", b"[" * 15_000])
async def test_a_body_that_is_no_object_is_refused(
    receiver: Receiver, account: PmsAccount, body: bytes
) -> None:
    assert (await receiver.post(account, body))[0] == 400


async def test_while_the_database_is_away_the_sender_shall_try_again(
    receiver: Receiver, account: PmsAccount, public_database: Database
) -> None:
    await receiver.post(account, {"data": "test"})
    await public_database.close()
    status, _ = await receiver.post(account, envelope())
    assert status == 503
    assert await receiver.rows() == []


async def test_a_tenants_waiting_webhooks_leave_another_tenants_a_connection(
    receiver: Receiver, account: PmsAccount, tenants: Tenants, tenant: Tenant, database: Database
) -> None:
    """Forty deliveries wait for a lock in their own schema; the door has three connections."""
    await tenants.add("quiet", "Quiet")
    quiet = await tenants.add_account("quiet", external_id="70002", client_secret="secret")
    async with (await database.tenant(tenant.id)).transaction() as conn:
        await conn.execute("lock table {schema}.inbox in access exclusive mode")
        stuck = [
            asyncio.ensure_future(receiver.post(account, envelope(MESSAGE_BODY | {"id": 100 + n})))
            for n in range(40)
        ]
        await asyncio.sleep(0.2)
        async with asyncio.timeout(3):
            body = MESSAGE_BODY | {"accountId": 70002}
            status, _ = await receiver.post(quiet, envelope(body, accountId=70002))
        assert status == 200
        assert not any(one.done() for one in stuck)
    assert {(await one)[0] for one in stuck} == {200}
    await tenants.remove("quiet")
