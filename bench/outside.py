"""A lean outside for load: a PMS of many accounts and a model, in the bench's own process.

The stand-ins of `app.sim` are truer, and slower than the product on two cores; this one answers at
once, keeps Hostaway's sliding windows, and notes when every request came.
"""

import json
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiohttp import web

Row = dict[str, Any]
FIRST_RESERVATION = 5000
FIRST_THREAD = 700_000
LISTING = 1042
QUESTIONS = (
    "From what time can we check in?",
    "Is there a bakery or a small grocery shop somewhere near the flat?",
    "Could you recommend a restaurant for a birthday dinner with eight people?",
)
"""The first needs no model; the others take a route and an answer."""


@dataclass(slots=True, kw_only=True)
class Account:
    """One PMS account; ids are the same in every account."""

    id: str
    threads: int
    messages: dict[int, list[Row]] = field(default_factory=lambda: defaultdict(list))
    requests: dict[int, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    """Thread → (monotonic, `read` or `send`) of what the product asked."""
    next_id: int = 90_000

    def write(self, thread: int, text: str, *, is_incoming: bool, **more: Any) -> Row:
        """Somebody's message stands in a thread from now on."""
        self.next_id += 1
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        row: Row = {
            "id": self.next_id, "accountId": int(self.id), "conversationId": thread,
            "reservationId": thread - FIRST_THREAD + FIRST_RESERVATION, "listingMapId": LISTING,
            "channelId": 2018, "body": text, "isIncoming": int(is_incoming), "status": "sent",
            "communicationType": "channel", "communicationId": None, "communicationEvent": None,
            "attachments": [], "imagesUrls": None, "date": now, "insertedOn": now, **more,
        }  # fmt: skip
        self.messages[thread].append(row)
        return row


class Window:
    """Requests of the last seconds; full ones are refused as Hostaway does."""

    def __init__(self, limit: int, length_s: float) -> None:
        self.limit, self.length_s = limit, length_s
        self.starts: deque[float] = deque()
        self.peak = 0

    def admits(self, now: float) -> bool:
        while self.starts and self.starts[0] <= now - self.length_s:
            self.starts.popleft()
        if len(self.starts) >= self.limit:
            return False
        self.starts.append(now)
        self.peak = max(self.peak, len(self.starts))
        return True


class Outside:
    """The server; `await start()` gives its base URL."""

    def __init__(self, accounts: list[Account], *, per_address: int, per_account: int) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.address = Window(per_address, 10.0)
        self.windows = {account.id: Window(per_account, 10.0) for account in accounts}
        self.refused = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        app = web.Application()
        thread = "/v1/conversations/{id}"
        app.add_routes(
            [
                web.post("/v1/accessTokens", self._token),
                web.get("/v1/listings", self._of(self._listings)),
                web.get("/v1/listings/{id}", self._of(self._listing)),
                web.get("/v1/reservations", self._of(self._reservations)),
                web.get("/v1/reservations/{id}", self._of(self._reservation)),
                web.get("/v1/customFields", self._of(self._nothing)),
                web.get("/v1/webhooks/unifiedWebhooks", self._of(self._nothing)),
                web.post("/v1/webhooks/unifiedWebhooks", self._of(self._hook)),
                web.get(f"{thread}/messages", self._of(self._messages)),
                web.post(f"{thread}/messages", self._of(self._send)),
                web.post("/openai/v1/chat/completions", self._complete),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _of(
        self, handler: Callable[[Account, web.Request], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            account = self.accounts[request.headers["Authorization"].removeprefix("Bearer ")]
            now = time.monotonic()
            if not (self.address.admits(now) and self.windows[account.id].admits(now)):
                self.refused += 1
                return web.json_response({"message": "Too many requests"}, status=429)
            return _json({"status": "success", "result": await handler(account, request)})

        return serve

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        return _json({"access_token": str(form["client_id"]), "expires_in": 10**7})

    async def _listings(self, _: Account, request: web.Request) -> list[Row]:
        return [] if int(request.query.get("offset", "0")) else [listing()]

    async def _listing(self, _: Account, __: web.Request) -> Row:
        return listing()

    async def _reservations(self, account: Account, request: web.Request) -> list[Row]:
        if "departureStartDate" not in request.query:
            return []
        after = int(request.query.get("afterId", FIRST_RESERVATION - 1))
        last = FIRST_RESERVATION + account.threads
        return [reservation(n) for n in range(after + 1, min(after + 101, last))]

    async def _reservation(self, _: Account, request: web.Request) -> Row:
        return reservation(int(request.match_info["id"]))

    async def _nothing(self, _: Account, __: web.Request) -> list[Row]:
        return []

    async def _hook(self, _: Account, request: web.Request) -> Row:
        return {"id": 1, **(await request.json())}

    async def _messages(self, account: Account, request: web.Request) -> list[Row]:
        thread = int(request.match_info["id"])
        account.requests[thread].append((time.monotonic(), "read"))
        return account.messages[thread][::-1][:50]

    async def _send(self, account: Account, request: web.Request) -> Row:
        thread = int(request.match_info["id"])
        account.requests[thread].append((time.monotonic(), "send"))
        body = (await request.json())["body"]
        return account.write(thread, body, is_incoming=False)

    async def _complete(self, request: web.Request) -> web.Response | web.StreamResponse:
        asked = await request.json()
        if asked.get("stream"):
            return await _streamed(request, "There is a good one on the corner, open until ten.")
        route = {"actionCode": "OTHER_QUESTION", "score": 0.93, "reasoning": "", "coversAll": True}
        message = {"role": "assistant", "content": json.dumps(route), "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return _json({**_completion("chat.completion"), "choices": [choice]})


async def _streamed(request: web.Request, text: str) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    for content, finish in ((text, None), ("", "stop")):
        choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
        chunk = {**_completion("chat.completion.chunk"), "choices": [choice]}
        await answer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    await answer.write(b"data: [DONE]\n\n")
    return answer


def _completion(kind: str) -> Row:
    return {"id": "bench", "object": kind, "created": 0, "model": "bench"}


def _json(value: Any) -> web.Response:
    return web.Response(body=json.dumps(value).encode(), content_type="application/json")


def listing() -> Row:
    """The one home of an account."""
    return {
        "id": LISTING, "name": "Bright flat by the river", "internalListingName": "Loft 3",
        "timeZoneName": "Europe/Warsaw", "countryCode": "PL", "city": "Warsaw",
        "checkInTimeStart": 15, "checkOutTime": 11, "doorSecurityCode": None,
        "wifiUsername": "RiverNet", "wifiPassword": "river-otter-77", "maxPetsAllowed": 1,
        "houseRules": "No parties.", "address": "ul. Rzeczna 7, Warsaw", "customFieldValues": [],
    }  # fmt: skip


def reservation(number: int) -> Row:
    """An inquiry: its quiet window is the short one."""
    arrival = date.today() + timedelta(days=20)  # noqa: DTZ011
    return {
        "id": number, "listingMapId": LISTING, "channelId": 2018, "channelName": "airbnbOfficial",
        "status": "inquiry", "arrivalDate": f"{arrival}",
        "departureDate": f"{arrival + timedelta(days=3)}", "isDatesUnspecified": 0,
        "checkInTime": None, "checkOutTime": None, "guestName": f"Jan Testowy {number}",
        "guestFirstName": "Jan", "guestLastName": "Testowy", "phone": f"+48500{number:06d}",
        "guestCountry": "PL", "guestLocale": "en", "numberOfGuests": 2,
        "confirmationCode": f"HM{number}", "doorCode": None, "isPaid": None,
        "reservationAgreement": "not_required", "customFieldValues": [],
        "updatedOn": "2026-04-13 08:00:00", "latestActivityOn": "2026-04-13 08:00:00",
    }  # fmt: skip
