"""The carrier's webhooks: signed, decided from memory, and never answered with silence."""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.errors import ProductError
from app.events import CallEnded, CallStarted, Event
from app.hotlines import Hotlines
from app.keys import Keyring, new_key
from app.sim.telephone import signature
from app.tenants import Tenant, Tenants
from app.voice import store
from app.voice.snapshot import Snapshot
from app.voice.store import PROCESS_ENDED
from app.voice.tickets import Ticket, Tickets
from app.voice.twilio import TwilioWebhooks, is_doubtful, is_signed, spellings_of

WARSAW, CALLER = "+48221234567", "+48500100200"
PUBLIC = "https://calls.example.com"
"""What the carrier was told; requests reach us behind a proxy, by another address."""


class Calls:
    """The live calls as the webhooks see them."""

    has_place = True
    is_broken = False

    def __init__(self) -> None:
        self.expected: list[str] = []

    def expect(self, ticket: Ticket) -> None:
        self.expected.append(ticket.call_sid)

    def has_room(self) -> bool:
        return self.has_place

    def may_stream_again(self, call_sid: str) -> bool:
        return self.is_broken


class Carrier:
    def __init__(
        self,
        base: str,
        http: aiohttp.ClientSession,
        tickets: Tickets,
        calls: Calls,
        database: Database,
        clock: ManualClock,
    ) -> None:
        self.base = base
        self.database = database
        self.clock = clock
        self.told: list[Event] = []
        self.http = http
        self.tickets = tickets
        self.calls = calls

    async def asks(
        self,
        path: str = "/twilio/voice",
        *,
        key: str = "current",
        signed_url: str = "",
        signed: str | None = None,
        **fields: str,
    ) -> tuple[int, str]:
        form = {
            "CallSid": "CA1", "AccountSid": "AC1", "From": CALLER, "To": WARSAW,
            "FromCity": "", **fields,
        }  # fmt: skip
        made = signature(key, signed_url or f"{PUBLIC}{path}", form)
        headers = {"X-Twilio-Signature": made if signed is None else signed}
        if signed == "":
            headers = {}
        async with self.http.post(self.base + path, data=form, headers=headers) as answer:
            return answer.status, await answer.text()

    async def hear(self, event: Event) -> None:
        self.told.append(event)

    async def rows(self) -> list[dict[str, Any]]:
        """The calls that are kept."""
        async with (await self.database.tenant("acme")).transaction() as conn:
            return [dict(row) for row in await conn.fetch("select * from {schema}.calls")]

    async def serves(self, call_sid: str = "CA1") -> None:
        """A call whose sound is connected."""
        async with (await self.database.tenant("acme")).transaction() as conn:
            await store.open_call(
                conn, call_sid=call_sid, hotline_e164=WARSAW, caller_e164=CALLER, language="pl",
                now=self.clock.now(),
            )  # fmt: skip

    def ticket_in(self, twiml: str, call_sid: str = "CA1"):
        parameter = ET.fromstring(twiml).find("Connect/Stream/Parameter")
        assert parameter is not None
        return self.tickets.take(parameter.get("value") or "", call_sid)


async def _refused(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, ProductError) else 500
    return JSONResponse({"error": str(error)}, status_code=status)


@pytest.fixture
async def carrier(
    database: Database,
    bus: Bus,
    tenants: Tenants,
    tenant: Tenant,
    clock: ManualClock,
    tmp_path: Path,
) -> AsyncIterator[Carrier]:
    hotlines = Hotlines(database, bus, tenants)
    await hotlines.set_carrier("acme", account_sid="AC1", auth_tokens=("current", "next"))
    await hotlines.add("acme", WARSAW, name="Acme Stays", language="pl")
    keyring = Keyring((new_key(),))
    snapshot = Snapshot(hotlines, keyring, tmp_path)
    await snapshot.refresh()
    tickets, calls = Tickets(keyring, clock), Calls()
    webhooks = TwilioWebhooks(
        snapshot=snapshot, tickets=tickets, calls=calls, database=database, bus=bus,
        clock=clock, public_url=PUBLIC,
    )  # fmt: skip
    app = Starlette(routes=webhooks.routes(), exception_handlers={ProductError: _refused})
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as http:
        made = Carrier(f"http://127.0.0.1:{port}", http, tickets, calls, database, clock)
        bus.subscribe(CallStarted, made.hear)
        bus.subscribe(CallEnded, made.hear)
        yield made
    server.should_exit = True
    await serving


async def test_a_call_is_connected_with_a_ticket_of_its_own(carrier: Carrier):
    status, twiml = await carrier.asks()
    assert status == 200
    connect = ET.fromstring(twiml).find("Connect")
    assert connect is not None
    assert connect.get("action") == f"{PUBLIC}/twilio/after-stream"
    stream = connect.find("Stream")
    assert stream is not None
    assert stream.get("url") == "wss://calls.example.com/twilio/media"
    ticket = carrier.ticket_in(twiml)
    assert (ticket.tenant_id, ticket.hotline_e164, ticket.caller_e164) == ("acme", WARSAW, CALLER)
    assert ticket.is_doubtful is False


async def test_two_calls_at_once_have_two_tickets(carrier: Carrier):
    _, one = await carrier.asks()
    _, other = await carrier.asks(CallSid="CA2")
    assert carrier.ticket_in(one).call_sid == "CA1"
    assert carrier.ticket_in(other, "CA2").call_sid == "CA2"


async def test_a_webhook_that_is_tried_again_is_answered_again(carrier: Carrier):
    for _ in range(2):
        status, twiml = await carrier.asks()
        assert status == 200
        carrier.ticket_in(twiml)


async def test_the_next_token_is_good_while_tokens_change(carrier: Carrier):
    assert (await carrier.asks(key="next"))[0] == 200


@pytest.mark.parametrize("signed", ["", "nonsense", "żółć", None])
async def test_unsigned_and_wrongly_signed_webhooks_are_refused(
    carrier: Carrier, signed: str | None
):
    key = "stranger" if signed is None else "current"
    status, _ = await carrier.asks(signed=signed and signed.encode().decode("latin-1"), key=key)
    assert status == 403


@pytest.mark.parametrize("fields", [{"To": "+48220000000"}, {"AccountSid": "AC2"}, {"To": ""}])
async def test_a_number_or_account_that_is_not_ours_is_refused(
    carrier: Carrier, fields: Mapping[str, str]
):
    assert (await carrier.asks(**fields))[0] == 403


async def test_a_signature_over_another_address_is_refused(carrier: Carrier):
    assert (await carrier.asks(signed_url=f"{carrier.base}/twilio/voice"))[0] == 403


async def test_a_query_belongs_to_the_signature(carrier: Carrier):
    assert (await carrier.asks("/twilio/voice?a=1&b=%20"))[0] == 200


async def test_a_call_without_its_id_is_refused(carrier: Carrier):
    assert (await carrier.asks(CallSid=""))[0] == 400


@pytest.mark.parametrize(
    "caller", ["anonymous", "Restricted", "", "+266696687", "client:joe", "sip:a@b", "+48"]
)
async def test_a_withheld_caller_is_nobody(carrier: Carrier, caller: str):
    _, twiml = await carrier.asks(From=caller)
    assert carrier.ticket_in(twiml).caller_e164 is None


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, False),
        ({"StirVerstat": "TN-Validation-Passed-A"}, False),
        ({"StirVerstat": "No-TN-Validation"}, False),
        ({"StirVerstat": "TN-Validation-Failed-C"}, True),
        ({"StirVerstat": "TN-Validation-Passed-A-Diverted"}, True),
        ({"ForwardedFrom": "+48600100200"}, True),
        ({"ForwardedFrom": ""}, False),
    ],
)
def test_trust_in_a_number_is_only_ever_lowered(fields: dict[str, str], wanted: bool):
    assert is_doubtful(fields) is wanted


async def test_a_full_house_says_so_in_the_hotlines_language(carrier: Carrier):
    carrier.calls.has_place = False
    status, twiml = await carrier.asks()
    said = ET.fromstring(twiml).find("Say")
    assert status == 200
    assert said is not None
    assert (said.get("language"), "zajęte" in (said.text or "")) == ("pl-PL", True)
    assert ET.fromstring(twiml).find("Reject") is None


async def test_after_its_stream_a_call_ends(carrier: Carrier):
    _, twiml = await carrier.asks("/twilio/after-stream")
    assert [verb.tag for verb in ET.fromstring(twiml)] == ["Hangup"]


async def test_a_stream_that_broke_off_is_connected_once_more(carrier: Carrier):
    carrier.calls.is_broken = True
    _, twiml = await carrier.asks("/twilio/after-stream")
    assert carrier.ticket_in(twiml).call_sid == "CA1"


async def test_a_call_whose_process_died_is_connected_again_once(carrier: Carrier):
    await carrier.serves()
    verbs = []
    for _ in range(2):
        _, twiml = await carrier.asks("/twilio/after-stream", CallStatus="in-progress")
        verbs.append(ET.fromstring(twiml)[0].tag)
    assert verbs == ["Connect", "Hangup"]


async def test_a_call_that_was_served_here_ends_after_its_stream(carrier: Carrier):
    await carrier.asks()
    _, twiml = await carrier.asks("/twilio/after-stream", CallStatus="in-progress")
    assert ET.fromstring(twiml)[0].tag == "Hangup"


@pytest.mark.parametrize(("because", "verb"), [("bye", "Hangup"), (PROCESS_ENDED, "Connect")])
async def test_a_call_that_another_process_ended_well_is_over(
    carrier: Carrier, because: str, verb: str
):
    await carrier.serves()
    async with (await carrier.database.tenant("acme")).transaction() as conn:
        await store.end_call(conn, "CA1", because=because, at=carrier.clock.now())
    _, twiml = await carrier.asks("/twilio/after-stream", CallStatus="in-progress")
    assert ET.fromstring(twiml)[0].tag == verb


async def test_a_caller_who_has_hung_up_is_not_connected_again(carrier: Carrier):
    _, twiml = await carrier.asks("/twilio/after-stream", CallStatus="completed")
    assert ET.fromstring(twiml)[0].tag == "Hangup"


async def test_with_the_database_away_a_caller_is_rather_connected_again(carrier: Carrier):
    await carrier.database.close()
    _, twiml = await carrier.asks("/twilio/after-stream", CallStatus="in-progress")
    assert ET.fromstring(twiml)[0].tag == "Connect"


async def test_when_our_answer_failed_the_caller_is_told(carrier: Carrier):
    _, twiml = await carrier.asks("/twilio/fallback", ErrorCode="11200")
    assert [verb.tag for verb in ET.fromstring(twiml)] == ["Say", "Hangup"]


async def test_a_copy_of_an_old_webhook_opens_no_call(carrier: Carrier):
    await carrier.asks()
    carrier.clock.advance(300)
    status, answer = await carrier.asks()
    assert (status, "Stream" in answer) == (403, False)


async def test_a_call_whose_stream_broke_off_later_is_connected_once_more_all_the_same(
    carrier: Carrier,
):
    await carrier.asks()
    carrier.clock.advance(300)
    carrier.calls.is_broken = True
    assert (await carrier.asks("/twilio/after-stream"))[0] == 200


@pytest.mark.parametrize(
    "signed_url",
    [
        "https://calls.example.com/twilio/voice",
        "https://calls.example.com:443/twilio/voice",
    ],
)
async def test_a_signature_may_spell_the_port_that_https_has_anyway(
    carrier: Carrier, signed_url: str
):
    assert (await carrier.asks(signed_url=signed_url))[0] == 200


@pytest.mark.parametrize(
    "signed_url",
    [
        "https://calls.example.com:8443/twilio/voice",
        "https://calls.example.com:80/twilio/voice",
        "http://calls.example.com/twilio/voice",
        "https://calls.example.com/twilio/voice/",
        "https://calls.example.com/twilio/status",
        "https://calls.example.com.evil.example/twilio/voice",
    ],
)
async def test_a_signature_over_another_url_is_refused(carrier: Carrier, signed_url: str):
    assert (await carrier.asks(signed_url=signed_url))[0] == 403


@pytest.mark.parametrize(
    ("url", "spelt"),
    [
        ("https://a.example/x?y=1", ["https://a.example/x?y=1", "https://a.example:443/x?y=1"]),
        ("https://a.example:443/x", ["https://a.example:443/x", "https://a.example/x"]),
        ("https://a.example:8443/x", ["https://a.example:8443/x"]),
        ("http://a.example/", ["http://a.example/", "http://a.example:80/"]),
        ("https://[::1]:9/x", ["https://[::1]:9/x"]),
    ],
)
def test_a_url_is_spelt_with_and_without_its_own_port(url: str, spelt: list[str]):
    assert spellings_of(url) == spelt


async def test_a_field_sent_twice_is_signed_once(carrier: Carrier):
    pairs = [("CallSid", "CA1"), ("AccountSid", "AC1"), ("To", WARSAW), ("A", "2"), ("A", "1")]
    pairs.append(("A", "2"))
    url = f"{PUBLIC}/twilio/voice"
    whole = url + "A1A2AccountSidAC1CallSidCA1To" + WARSAW
    made = b64encode(hmac.digest(b"current", whole.encode(), "sha1")).decode()
    async with carrier.http.post(
        f"{carrier.base}/twilio/voice", data=pairs, headers={"X-Twilio-Signature": made}
    ) as answer:
        assert answer.status == 200


async def test_headers_of_proxies_change_nothing(carrier: Carrier):
    form = {"CallSid": "CA1", "AccountSid": "AC1", "From": CALLER, "To": WARSAW}
    url = f"{carrier.base}/twilio/voice"
    for host, status in (("evil.example", 403), ("calls.example.com", 200)):
        headers = {
            "X-Twilio-Signature": signature("current", f"https://{host}/twilio/voice", form),
            "Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "https",
            "X-Forwarded-Port": "8443",
        }  # fmt: skip
        async with carrier.http.post(url, data=form, headers=headers) as answer:
            assert answer.status == status


@pytest.mark.parametrize(
    "path", ["/twilio/voice", "/twilio/after-stream", "/twilio/status", "/twilio/fallback"]
)
async def test_every_webhook_of_the_carrier_wants_a_signature(carrier: Carrier, path: str):
    assert (await carrier.asks(path, signed=""))[0] == 403


async def test_a_call_that_ends_before_its_stream_starts_is_kept(carrier: Carrier):
    await carrier.asks()
    carrier.clock.advance(4)
    await carrier.asks("/twilio/status", CallStatus="completed", CallDuration="4")
    (call,) = await carrier.rows()
    assert (call["caller_e164"], call["because"]) == (
        CALLER, "its sound was never connected; the carrier says completed",
    )  # fmt: skip
    assert (call["ended_at"] - call["started_at"]).total_seconds() == 4
    started, ended = carrier.told
    assert isinstance(started, CallStarted)
    assert isinstance(ended, CallEnded)
    assert (started.caller, ended.because) == ("+48•••••0200", call["because"])


@pytest.mark.parametrize("stated", ["", "-1", "1e9", "99999999999", "٣", "x"])
async def test_a_length_that_is_no_number_is_none(carrier: Carrier, stated: str):
    await carrier.asks("/twilio/status", CallStatus="canceled", CallDuration=stated)
    (call,) = await carrier.rows()
    assert call["started_at"] == call["ended_at"]


async def test_the_end_of_a_call_told_twice_is_kept_once(carrier: Carrier):
    await carrier.serves()
    ended_at = carrier.clock.now()
    for status in ("completed", "failed"):
        assert (await carrier.asks("/twilio/status", CallStatus=status))[0] == 204
        carrier.clock.advance(60)
    (call,) = await carrier.rows()
    assert (call["because"], call["ended_at"]) == ("the carrier says completed", ended_at)


@pytest.mark.parametrize("status", ["ringing", "in-progress", "queued", ""])
async def test_a_status_of_a_call_that_goes_on_ends_nothing(carrier: Carrier, status: str):
    await carrier.serves()
    assert (await carrier.asks("/twilio/status", CallStatus=status))[0] == 204
    (call,) = await carrier.rows()
    assert call["ended_at"] is None


async def test_why_a_call_ended_is_said_by_whoever_served_it(carrier: Carrier):
    await carrier.serves()
    await carrier.asks("/twilio/status", CallStatus="completed")
    async with (await carrier.database.tenant("acme")).transaction() as conn:
        await store.end_call(conn, "CA1", because="the caller said nothing", at=carrier.clock.now())
    await carrier.asks("/twilio/status", CallStatus="completed")
    (call,) = await carrier.rows()
    assert call["because"] == "the caller said nothing"


async def test_a_body_larger_than_any_webhook_is_refused(carrier: Carrier):
    assert (await carrier.asks(Junk="x" * 70_000))[0] == 400


async def test_a_body_that_is_no_form_is_refused(carrier: Carrier):
    url = carrier.base + "/twilio/voice"
    for raw in (b"\xff\xfe", b"{}", b"", b"&" * 500):
        async with carrier.http.post(url, data=raw) as answer:
            assert answer.status in (400, 403)


@pytest.mark.parametrize(
    ("caller", "wanted"),
    [
        ("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
    ],
)
def test_twilios_own_examples_are_signed_as_twilio_says(caller: str, wanted: str):
    form = ImmutableMultiDict(
        {
            "CallSid": "CA1234567890ABCDE", "Caller": caller, "From": caller, "Digits": "1234",
            "To": "+18005551212",
        }
    )  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert is_signed(wanted, url, form, ("12345",))
