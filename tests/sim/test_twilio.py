"""Twilio's stand-in, spoken to by Twilio's own client, and calls through its numbers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from app.sim.exchange import account_sid_of, auth_token_of
from app.sim.telephone import APOLOGY, signature

HOTLINE = "+48221234567"


class ToTheStandIn(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's HTTP client, with the host replaced."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self._base}/twilio{parts.path}{query}", *args, **more)


class Webhooks:
    """Answers the carrier's webhooks with documents, path by path, and keeps the forms."""

    def __init__(self) -> None:
        self.url = ""
        self.documents: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.unsigned: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.path, form))
        made = signature(auth_token_of(70001), str(request.url), form)
        if request.headers.get("X-Twilio-Signature") != made:
            self.unsigned.append(request.path)
        if request.path not in self.documents:
            return web.Response(status=500)
        return web.Response(text=self.documents[request.path], content_type="text/xml")

    def forms_of(self, path: str) -> list[dict[str, str]]:
        return [form for asked, form in self.asked if asked == path]


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    made = Webhooks()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def twilio(outside: Any) -> Client:
    sid = account_sid_of(70001)
    return Client(sid, auth_token_of(70001), http_client=ToTheStandIn(outside.base))


async def connect(twilio: Client, webhooks: Webhooks) -> None:
    """Tell the hotline's number who is asked about its calls."""
    (number,) = await asyncio.to_thread(twilio.incoming_phone_numbers.list, phone_number=HOTLINE)
    await asyncio.to_thread(
        number.update,
        voice_url=f"{webhooks.url}/voice",
        voice_fallback_url=f"{webhooks.url}/fallback",
        status_callback=f"{webhooks.url}/status",
    )


async def called(outside: Any, **wanted: Any) -> dict[str, Any]:
    """A call, once it is over."""
    dialled = {"hotline": HOTLINE, "caller": "+48500100200", **wanted}
    sid = (await outside.sim("POST", "/phone/calls", dialled))["call"]
    await outside.until("call.ended")
    return dict(await outside.sim("GET", f"/phone/calls/{sid}"))


async def test_a_call_asks_the_numbers_webhook_signed_and_tells_its_end(
    outside: Any, twilio: Client, webhooks: Webhooks
) -> None:
    webhooks.documents["/voice"] = "<Response><Redirect>/next</Redirect></Response>"
    webhooks.documents["/next"] = "<Response><Say>Hello</Say><Hangup/></Response>"
    webhooks.documents["/status"] = ""
    await connect(twilio, webhooks)
    call = await called(outside)
    assert call["carrier_said"] == ["Hello"]
    assert [path for path, _ in webhooks.asked] == ["/voice", "/next", "/status"]
    (first,), (last,) = webhooks.forms_of("/voice"), webhooks.forms_of("/status")
    assert (first["From"], first["To"], first["FromCity"]) == ("+48500100200", HOTLINE, "")
    assert (first["CallStatus"], last["CallStatus"]) == ("ringing", "completed")
    assert webhooks.unsigned == []


async def test_where_the_webhook_fails_the_fallback_is_asked_and_told_why(
    outside: Any, twilio: Client, webhooks: Webhooks
) -> None:
    webhooks.documents["/fallback"] = "<Response><Say>Sorry</Say></Response>"
    await connect(twilio, webhooks)
    assert (await called(outside))["carrier_said"] == ["Sorry"]
    (asked,) = webhooks.forms_of("/fallback")
    assert (asked["ErrorCode"], asked["ErrorUrl"]) == ("11200", f"{webhooks.url}/voice")


async def test_where_that_fails_too_the_carrier_apologises(
    outside: Any, twilio: Client, webhooks: Webhooks
) -> None:
    await connect(twilio, webhooks)
    assert (await called(outside))["carrier_said"] == [APOLOGY]


async def test_a_call_that_is_rejected_was_never_answered(
    outside: Any, twilio: Client, webhooks: Webhooks
) -> None:
    webhooks.documents["/voice"] = "<Response><Reject reason='busy'/></Response>"
    await connect(twilio, webhooks)
    call = await called(outside)
    shown = await asyncio.to_thread(twilio.calls(call["call"]).fetch)
    assert (shown.status, shown.duration, shown.direction) == ("busy", "0", "inbound")


async def test_a_running_call_is_sent_elsewhere_and_ended(
    outside: Any, twilio: Client, webhooks: Webhooks
) -> None:
    webhooks.documents["/voice"] = "<Response><Pause length='30'/></Response>"
    await connect(twilio, webhooks)
    wanted = {"hotline": HOTLINE, "caller": "+48500100200"}
    sid = (await outside.sim("POST", "/phone/calls", wanted))["call"]

    async def status(sought: str) -> None:
        while (await asyncio.to_thread(twilio.calls(sid).fetch)).status != sought:
            await asyncio.sleep(0.02)

    async with asyncio.timeout(10):
        await status("in-progress")
        again = "<Response><Say>Moved</Say><Pause length='30'/></Response>"
        await asyncio.to_thread(twilio.calls(sid).update, twiml=again)
        while not (await outside.sim("GET", f"/phone/calls/{sid}"))["carrier_said"]:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(twilio.calls(sid).update, status="completed")
        await status("completed")
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(twilio.calls(sid).update, twiml=again)
    assert (refused.value.status, refused.value.code) == (400, 21220)


async def test_the_carrier_rings_somebody_who_does_as_the_habit_says(
    outside: Any, twilio: Client, webhooks: Webhooks
) -> None:
    webhooks.documents["/rung"] = ""
    steps = ["initiated", "ringing", "answered", "completed"]

    async def ring(number: str, **habit: Any) -> dict[str, Any]:
        await outside.sim("POST", "/phone/habits", {"number": number, **habit})
        made = await asyncio.to_thread(
            twilio.calls.create,
            to=number,
            from_=HOTLINE,
            twiml="<Response><Say>A case</Say></Response>",
            status_callback=f"{webhooks.url}/rung",
            status_callback_event=steps,
        )
        assert made.status in ("queued", "ringing", "in-progress")
        async with asyncio.timeout(10):
            while True:
                call = await outside.sim("GET", f"/phone/calls/{made.sid}")
                if call["status"] in ("completed", "busy"):
                    return dict(call)
                await asyncio.sleep(0.02)

    answered = await ring("+48600100200", after_s=0.05)
    assert answered["carrier_said"] == ["A case"]
    assert (await ring("+48600100201", answers="busy", after_s=0.05))["status"] == "busy"
    async with asyncio.timeout(5):
        while len(webhooks.forms_of("/rung")) < 7:
            await asyncio.sleep(0.02)
    told = [form["CallStatus"] for form in webhooks.forms_of("/rung")]
    assert told == ["queued", "ringing", "in-progress", "completed", "queued", "ringing", "busy"]


async def test_calls_are_listed_in_pages_newest_first(outside: Any, twilio: Client) -> None:
    numbers = [f"+4860010030{n}" for n in range(3)]
    for number in numbers:
        await asyncio.to_thread(
            twilio.calls.create, to=number, from_=HOTLINE, twiml="<Response><Hangup/></Response>"
        )
    listed = await asyncio.to_thread(twilio.calls.list, page_size=2)
    assert [call.to for call in listed] == numbers[::-1]
    (one,) = await asyncio.to_thread(twilio.calls.list, to=numbers[1])
    assert one.to == numbers[1]


async def test_numbers_are_added_found_and_given_back(outside: Any, twilio: Client) -> None:
    made = await asyncio.to_thread(
        twilio.incoming_phone_numbers.create,
        phone_number="+48221112233",
        voice_url="https://example.com/twilio/voice",
    )
    assert made.voice_url == "https://example.com/twilio/voice"
    found = await asyncio.to_thread(twilio.incoming_phone_numbers.list)
    assert "+48221112233" in [number.phone_number for number in found]
    assert await asyncio.to_thread(made.delete)
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(made.fetch)
    assert (refused.value.status, refused.value.code) == (404, 20404)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"to": "", "from_": HOTLINE, "twiml": "<Response/>"}, 21201),
        ({"to": "+48600100200", "from_": "+48999999999", "twiml": "<Response/>"}, 21210),
        ({"to": "nobody", "from_": HOTLINE, "twiml": "<Response/>"}, 21211),
        ({"to": "+48600100200", "from_": HOTLINE}, 21205),
    ],
)
async def test_a_call_that_cannot_be_is_refused_with_twilios_code(
    outside: Any, twilio: Client, given: dict[str, str], code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(twilio.calls.create, **given)
    assert refused.value.code == code


async def test_a_wrong_token_and_another_accounts_call_are_refused(outside: Any) -> None:
    http_client = ToTheStandIn(outside.base)
    wrong = Client(account_sid_of(70001), "wrong", http_client=http_client)
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(wrong.calls("CA1").fetch)
    assert (refused.value.status, refused.value.code) == (401, 20003)
    other = Client(account_sid_of(70002), auth_token_of(70002), http_client=http_client)
    (number, *_) = await asyncio.to_thread(other.incoming_phone_numbers.list)
    mine = Client(account_sid_of(70001), auth_token_of(70001), http_client=http_client)
    with pytest.raises(TwilioRestException) as hidden:
        await asyncio.to_thread(mine.incoming_phone_numbers(str(number.sid)).fetch)
    assert hidden.value.status == 404


async def test_a_number_without_a_voice_url_answers_nobody(outside: Any) -> None:
    wanted = {"hotline": HOTLINE, "caller": "anonymous"}
    async with outside.http.post(f"{outside.base}/sim/phone/calls", json=wanted) as answer:
        assert answer.status == 404
        assert "voice URL" in (await answer.json())["error"]
