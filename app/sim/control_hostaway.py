"""The control plane's Hostaway part: look into the PMS, book, change, and write as anybody."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute

from app.sim.control import body_of, route
from app.sim.hostaway_store import Account, Message
from app.sim.hostaway_store import Request as Logged
from app.sim.knobs import BadRequest
from app.sim.rows import Row, full_listing, full_message, full_reservation
from app.sim.world import World

_FOUND = 40
"""Reservations that a search of the guest page gives at most."""


class HostawayControl:
    """Endpoints under `/sim/hostaway`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._later: set[asyncio.Task[None]] = set()

    def routes(self) -> list[BaseRoute]:
        """All of them, relative to `/sim/hostaway`."""
        return [
            route("/state", self._state, "GET"),
            route("/sent", self._sent, "GET"),
            route("/record", self._record, "GET"),
            route("/reservations", self._search, "GET"),
            route("/reservations", self._book, "POST"),
            route("/reservations/{id:int}", self._reservation, "GET"),
            route("/reservations/{id:int}", self._change_reservation, "PATCH"),
            route("/listings", self._listings, "GET"),
            route("/listings/{id:int}", self._change_listing, "PATCH"),
            route("/conversations/{id:int}", self._conversation, "GET"),
            route("/guest-message", self._guest_message, "POST"),
            route("/human-reply", self._human_reply, "POST"),
            route("/automation-message", self._automation_message, "POST"),
            route("/channel-message", self._channel_message, "POST"),
        ]

    def stop(self) -> None:
        """Drop the messages that were to be written later."""
        for task in list(self._later):
            task.cancel()

    async def _state(self, request: Request) -> Row:
        wanted = request.query_params.get("account", "")
        store = self._world.store
        ips = sorted({line.ip for line in store.requests})
        window_s = self._world.knobs.rate_window_s
        return {
            "peaks_per_window": {
                ip: peak((r for r in store.requests if r.ip == ip), window_s) for ip in ips
            },
            "accounts": {
                str(account.id): self._summary(account)
                for account in store.accounts.values()
                if wanted in ("", str(account.id))
            },
        }

    def _summary(self, account: Account) -> Row:
        lines = [line for line in self._world.store.requests if line.account == account.id]
        acks = sorted(account.acks_ms)
        return {
            "name": account.place.company,
            "listings": len(account.listings),
            "reservations": len(account.reservations),
            "conversations": len(account.conversations),
            "messages": sum(len(thread) for thread in account.threads.values()),
            "webhooks": list(account.webhooks.values()),
            "deliveries": len(account.webhook_logs),
            "alerts": account.alerts,
            "requests": dict(Counter(line.endpoint for line in lines)),
            "statuses": {str(k): n for k, n in Counter(line.status for line in lines).items()},
            "peak_per_window": peak(lines, self._world.knobs.rate_window_s),
            "throttled": sum(line.status == 429 for line in lines),
            "tokens_issued": self._world.gate.tokens.issued.get(account.id, 0),
            "acks_ms": {
                "count": len(acks),
                "median": round(acks[len(acks) // 2], 1) if acks else None,
                "p99": round(acks[int(len(acks) * 0.99)], 1) if acks else None,
                "most": round(acks[-1], 1) if acks else None,
            },
        }

    async def _sent(self, request: Request) -> Row:
        wanted = request.query_params.get("account", "")
        rows = [
            full_message(message.row)
            for account, message in self._world.store.all_messages()
            if message.origin == "api" and wanted in ("", str(account.id))
        ]
        return {"count": len(rows), "messages": sorted(rows, key=lambda row: row["id"])}

    async def _record(self, request: Request) -> Row:
        """Who wrote what and when, to the microsecond, messages after `since` in order of id."""
        since = request.query_params.get("since", "")
        newer_than = int(since) if since.isdigit() else 0
        messages = [
            _recorded(message)
            for _, message in self._world.store.all_messages()
            if message.row["id"] > newer_than
        ]
        return {"messages": sorted(messages, key=lambda row: row["id"])}

    async def _search(self, request: Request) -> Row:
        words = request.query_params.get("q", "").lower().split()
        found: list[Row] = []
        for account in self._world.store.accounts.values():
            today = self._world.clock.today(account.place.zone).isoformat()
            for row in account.reservations.values():
                listing = account.listings[row["listingMapId"]]
                text = f"{row['guestName']} {listing['name']} {row['confirmationCode']} {row['id']}"
                text += f" {account.place.city} {row['status']} {row['channelName']}"
                if all(word in text.lower() for word in words):
                    found.append(self._entry(account, row, is_past=row["departureDate"] < today))
        found.sort(key=lambda entry: (entry["is_past"], entry["arrivalDate"]))
        return {"count": len(found), "reservations": found[:_FOUND]}

    def _entry(self, account: Account, row: Row, *, is_past: bool) -> Row:
        listing = account.listings[row["listingMapId"]]
        names = "id guestName status channelName arrivalDate departureDate confirmationCode phone"
        return {
            "account": account.id,
            "city": account.place.city,
            "language": account.languages[row["id"]],
            "listing": listing["name"],
            "listingMapId": listing["id"],
            "conversation": account.conversations_of(row["id"])[0]["id"],
            "is_past": is_past,
            **{name: row[name] for name in names.split()},
        }

    async def _book(self, request: Request) -> Row:
        wanted = await body_of(request)
        fires = bool(wanted.pop("webhook", True))
        account, listing = self._home(wanted)
        row = self._world.happenings.book(account, listing, wanted, fires=fires)
        return self._both(account, row)

    def _home(self, wanted: Row) -> tuple[Account, Row]:
        """The listing a new stay is for; its keys are taken out of `wanted`."""
        accounts = list(self._world.store.accounts.values())
        if "account" in wanted:
            account_id = int(wanted.pop("account"))
            accounts = [account for account in accounts if account.id == account_id]
        if city := wanted.pop("city", None):
            accounts = [account for account in accounts if account.place.city == city]
        listing_id = wanted.get("listingMapId")
        for account in accounts:
            for listing in account.listings.values():
                if listing_id in (None, listing["id"]):
                    wanted.pop("listingMapId", None)
                    return account, listing
        raise LookupError(f"no listing {listing_id or ''} in the accounts that were asked for")

    async def _reservation(self, request: Request) -> Row:
        account, row = self._reservation_of(request.path_params["id"])
        return self._both(account, row)

    def _both(self, account: Account, row: Row) -> Row:
        return {
            "account": account.id,
            "reservation": full_reservation(row),
            "conversation": account.conversations_of(row["id"])[0],
            "listing": full_listing(account.listings[row["listingMapId"]]),
        }

    async def _change_reservation(self, request: Request) -> Row:
        account, row = self._reservation_of(request.path_params["id"])
        self._world.happenings.change(account, row, await body_of(request), by="control")
        return self._both(account, row)

    async def _listings(self, request: Request) -> Row:
        wanted = request.query_params.get("account", "")
        return {
            "listings": [
                {"account": account.id, **full_listing(row)}
                for account in self._world.store.accounts.values()
                for row in account.listings.values()
                if wanted in ("", str(account.id))
            ]
        }

    async def _change_listing(self, request: Request) -> Row:
        found = self._world.store.find_listing(request.path_params["id"])
        if found is None:
            raise LookupError("no such listing")
        self._world.happenings.change_listing(*found, await body_of(request))
        return {"listing": full_listing(found[1])}

    async def _conversation(self, request: Request) -> Row:
        found = self._world.store.find_conversation(request.path_params["id"])
        if found is None:
            raise LookupError("no such conversation")
        account, conversation = found
        now, thread = self._world.clock.now(), account.threads[conversation["id"]]
        return {
            "conversation": conversation,
            "origins": dict(Counter(message.origin for message in thread)),
            "messages": [full_message(m.settled(now)) | {"origin": m.origin} for m in thread],
        }

    async def _guest_message(self, request: Request) -> Row:
        wanted = await body_of(request)
        delay_s = float(wanted.pop("delay_s", 0))
        if not delay_s:
            return _told(self._written(wanted, "guest"))
        self._thread_of(wanted)

        async def later() -> None:
            await asyncio.sleep(delay_s)
            self._written(wanted, "guest")

        task = asyncio.create_task(later())
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return {"planned_in_s": delay_s}

    async def _human_reply(self, request: Request) -> Row:
        return _told(self._written(await body_of(request), "human"))

    async def _automation_message(self, request: Request) -> Row:
        wanted = await body_of(request)
        account, conversation = self._thread_of(wanted)
        fields = {k: v for k, v in wanted.items() if k not in ("reservationId", "conversationId")}
        body = str(fields.pop("body", ""))
        fields.pop("webhook", None)
        message = self._world.happenings.automate(account, conversation, body, fields)
        return _told(message)

    async def _channel_message(self, request: Request) -> Row:
        return _told(self._written(await body_of(request), "channel"))

    def _written(self, wanted: Row, origin: str) -> Message:
        account, conversation = self._thread_of(wanted)
        given = dict(wanted)
        body, fires = given.pop("body", ""), bool(given.pop("webhook", True))
        if not isinstance(body, str):
            raise BadRequest("body must be a text")
        for name in ("reservationId", "conversationId"):
            given.pop(name, None)
        return self._world.happenings.write(account, conversation, origin, body, given, fires=fires)

    def _thread_of(self, wanted: Row) -> tuple[Account, Row]:
        if "conversationId" in wanted:
            found = self._world.store.find_conversation(int(wanted["conversationId"]))
            if found is None:
                raise LookupError("no such conversation")
            return found
        account, row = self._reservation_of(wanted.get("reservationId"))
        return account, account.conversations_of(row["id"])[0]

    def _reservation_of(self, reservation_id: Any) -> tuple[Account, Row]:
        if reservation_id is None:
            raise BadRequest("reservationId or conversationId is missing")
        found = self._world.store.find_reservation(int(reservation_id))
        if found is None:
            raise LookupError("no such reservation")
        return found


def peak(lines: Iterable[Logged], seconds: float) -> int:
    """The most requests that arrived within so many seconds."""
    times = sorted(line.at for line in lines)
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def _recorded(message: Message) -> Row:
    row, asked_at = message.row, message.asked_at
    return {
        "id": row["id"],
        "conversation": row["conversationId"],
        "reservation": row["reservationId"],
        "origin": message.origin,
        "body": row["body"],
        "status": row["status"],
        "at": message.at.timestamp(),
        "asked_at": asked_at.timestamp() if asked_at else None,
    }


def _told(message: Message) -> Row:
    return full_message(message.row) | {"origin": message.origin}
