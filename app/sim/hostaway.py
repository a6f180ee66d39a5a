"""The stand-in's Hostaway API, mounted at `/hostaway/v1`: homes, stays and what hangs on them.

Source: reference of Hostaway's public API, section "What a simulator must do". Threads are in
`hostaway_threads`, hooks and tasks in `hostaway_desk`.
"""

from datetime import date, timedelta
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.sim.answers import Json, fail, success
from app.sim.clock import SimClock
from app.sim.faults import FaultPlan
from app.sim.happenings import Happenings
from app.sim.hostaway_gate import Call, Gate, Refused
from app.sim.hostaway_store import Account
from app.sim.knobs import Knobs
from app.sim.paging import page_of
from app.sim.rows import Row, full_listing, full_reservation
from app.sim.stays import HELD

_AMENITIES = (
    *("Internet", "Kitchen", "Free parking", "Air conditioning", "Washing machine", "Elevator"),
    *("Heating", "TV", "Hair dryer", "Pets allowed", "Swimming pool", "Balcony"),
)
_SORTS = {
    "arrivalDate": ("arrivalDate", False),
    "arrivalDateDesc": ("arrivalDate", True),
    "latestActivity": ("latestActivityOn", False),
    "latestActivityDesc": ("latestActivityOn", True),
    "updatedOn": ("updatedOn", False),
}
_NOT_WRITABLE = frozenset({"id", "hostawayReservationId", "isLocked"})


class HostawayApi:
    """Endpoints of listings, reservations, units, amenities and custom fields."""

    def __init__(
        self,
        gate: Gate,
        happenings: Happenings,
        faults: FaultPlan,
        knobs: Knobs,
        clock: SimClock,
    ) -> None:
        self._clock = clock
        self._gate = gate
        self._happenings = happenings
        self._faults = faults
        self._knobs = knobs

    def routes(self) -> list[BaseRoute]:
        """All of them, relative to the base path."""
        gate = self._gate
        table = (
            ("/listings", "listings", self._listings, "GET"),
            ("/listings/{id:int}", "listing", self._listing, "GET"),
            ("/listings/{id:int}", "listing_write", self._write_listing, "PUT"),
            ("/listings/{id:int}/calendar", "calendar", self._calendar, "GET"),
            ("/listingUnits/{id:int}", "listingUnits", self._units, "GET"),
            ("/amenities", "amenities", self._amenities, "GET"),
            ("/customFields", "customFields", self._custom_fields, "GET"),
            ("/reservations", "reservations", self._reservations, "GET"),
            ("/reservations/{id:int}", "reservation", self._reservation, "GET"),
            ("/reservations/{id:int}", "reservation_write", self._write_reservation, "PUT"),
            ("/reservations/{id:int}/statuses/{status}", "status_write", self._status, "PUT"),
            ("/reservations/{id:int}/conversations", "reservation_threads", self._threads, "GET"),
        )
        return [
            Route(
                "/accessTokens", gate.open_endpoint("accessTokens", self._issue), methods=["POST"]
            ),
            Route(
                "/accessTokens",
                gate.open_endpoint("accessTokens", self._revoke),
                methods=["DELETE"],
            ),
            *(
                Route(path, gate.endpoint(name, handler), methods=[method])
                for path, name, handler, method in table
            ),
        ]

    async def _issue(self, request: Request) -> Response:
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        known = self._knobs.client_secrets.get(form.get("client_id", ""))
        if form.get("grant_type") != "client_credentials":
            return Json({"error": "unsupported_grant_type", "message": "Bad grant."}, 400)
        if known is None or known != form.get("client_secret"):
            return Json({"error": "invalid_client", "message": "Client authentication failed"}, 401)
        token = self._gate.tokens.issue(int(form["client_id"]))
        expires_in = self._knobs.token_expires_in_s
        return Json({"token_type": "Bearer", "expires_in": expires_in, "access_token": token})

    async def _revoke(self, request: Request) -> Response:
        self._gate.tokens.revoke(request.query_params.get("token", ""))
        return success([])

    async def _listings(self, call: Call) -> Response:
        rows = [full_listing(row) for row in call.account.listings.values()]
        if city := call.text("city"):
            rows = [row for row in rows if row["city"] == city]
        if match := call.text("match").lower():
            rows = [row for row in rows if match in (row["name"] or "").lower()]
        if since := call.text("latestActivityStart"):
            rows = [row for row in rows if (row["latestActivityOn"] or "") >= since]
        if not call.number("includeResources"):
            rows = [row | {"customFieldValues": []} for row in rows]
        return page_of(call, rows)

    async def _listing(self, call: Call) -> Response:
        row = full_listing(_listing_of(call))
        if not call.number("includeResources"):
            public = {f["id"] for f in call.account.custom_fields if f["isPublic"]}
            values = row["customFieldValues"]
            row["customFieldValues"] = [v for v in values if v["customFieldId"] in public]
        return success(row)

    async def _write_listing(self, call: Call) -> Response:
        row = _listing_of(call)
        if row.get("specialStatus") == "archived":
            return fail(403, "Listing is archived")
        wanted = {name: value for name, value in call.body.items() if name != "id"}
        self._happenings.change_listing(call.account, row, wanted)
        return success(full_listing(row))

    async def _calendar(self, call: Call) -> Response:
        listing = _listing_of(call)
        today = self._clock.today(call.account.place.zone)
        first = date.fromisoformat(call.text("startDate") or today.isoformat())
        last = date.fromisoformat(call.text("endDate") or (first + timedelta(30)).isoformat())
        held = [
            row
            for row in call.account.reservations.values()
            if row["listingMapId"] == listing["id"] and row["status"] in HELD
        ]
        with_rows = bool(call.number("includeResources"))
        count = min((last - first).days + 1, 400)
        return success(
            [_day(first + timedelta(days=n), held, with_rows=with_rows) for n in range(count)]
        )

    async def _units(self, call: Call) -> Response:
        return success(call.account.units.get(call.path_id(), []))

    async def _amenities(self, call: Call) -> Response:
        return success([{"id": n, "name": name} for n, name in enumerate(_AMENITIES, start=1)])

    async def _custom_fields(self, call: Call) -> Response:
        kind = call.text("objectType")
        rows = [row for row in call.account.custom_fields if kind in ("", row["objectType"])]
        return page_of(call, rows)

    async def _reservations(self, call: Call) -> Response:
        rows = _sorted(_filtered(call), call.text("sortOrder"))
        if call.number("includeResources"):
            return page_of(call, rows, shape=full_reservation, by_id=True)
        bare: Row = {
            "customFieldValues": [],
            "reservationFees": [],
            "reservationUnit": [],
            "hostProxyEmail": None,
        }
        return page_of(call, rows, shape=lambda row: full_reservation(row) | bare, by_id=True)

    async def _reservation(self, call: Call) -> Response:
        return success(full_reservation(_reservation_of(call)))

    async def _write_reservation(self, call: Call) -> Response:
        row = _reservation_of(call)
        if row.get("isLocked"):
            return fail(403, "Reservation is locked")
        wanted = {name: v for name, v in call.body.items() if name not in _NOT_WRITABLE}
        target, kinds = "hostaway.reservation_write", frozenset({"ignore_write"})
        if self._faults.take(target, kinds, call.account.id) is None:
            self._happenings.change(call.account, row, wanted, by="api")
        return success(full_reservation(row))

    async def _status(self, call: Call) -> Response:
        row, status = _reservation_of(call), call.request.path_params["status"]
        if status == "cancelled":
            by = call.body.get("cancelledBy", "host")
            wanted: Row = {"status": "cancelled", "cancelledBy": by}
            self._happenings.change(call.account, row, wanted, by="api")
        elif status != "noShow":
            return fail(404, "Unknown status")
        return success(full_reservation(row))

    async def _threads(self, call: Call) -> Response:
        return success(call.account.conversations_of(_reservation_of(call)["id"]))


def _listing_of(call: Call) -> Row:
    row = call.account.listings.get(call.path_id())
    if row is None:
        raise Refused(404, "Listing not found")
    return row


def _reservation_of(call: Call) -> Row:
    row = call.account.reservations.get(call.path_id())
    if row is None:
        raise Refused(404, "Reservation not found")
    return row


def _filtered(call: Call) -> list[Row]:
    rows = list(call.account.reservations.values())
    for name, key in (("listingId", "listingMapId"), ("channelId", "channelId")):
        if wanted := call.number(name):
            rows = [row for row in rows if row[key] == wanted]
    ranges = (
        ("arrivalStartDate", "arrivalEndDate", "arrivalDate"),
        ("departureStartDate", "departureEndDate", "departureDate"),
        ("latestActivityStart", "latestActivityEnd", "latestActivityOn"),
    )
    for start, end, key in ranges:
        if low := call.text(start):
            rows = [row for row in rows if row[key] >= low]
        if high := call.text(end):
            rows = [row for row in rows if row[key][: len(high)] <= high]
    if match := call.text("match").lower():
        rows = [row for row in rows if match in (row["guestName"] or "").lower()]
    if email := call.text("guestEmail"):
        rows = [row for row in rows if row["guestEmail"] == email]
    if call.number("hasUnreadConversationMessages"):
        unread = _unread(call.account)
        rows = [row for row in rows if row["id"] in unread]
    return rows


def _unread(account: Account) -> set[int]:
    threads = account.conversations.values()
    return {thread["reservationId"] for thread in threads if thread["hasUnreadMessages"]}


def _sorted(rows: list[Row], order: str) -> list[Row]:
    if order not in _SORTS:
        return sorted(rows, key=lambda row: (row["updatedOn"], row["id"]), reverse=True)
    key, is_down = _SORTS[order]
    return sorted(rows, key=lambda row: (row[key], row["id"]), reverse=is_down)


def _day(day: date, held: list[Row], *, with_rows: bool) -> Row:
    text = day.isoformat()
    here = [row for row in held if row["arrivalDate"] <= text < row["departureDate"]]
    return {
        "date": text,
        "isAvailable": int(not here),
        "status": "reserved" if here else "available",
        "price": 320,
        "minimumStay": 1,
        "maximumStay": 30,
        "closedOnArrival": None,
        "closedOnDeparture": None,
        "note": None,
        "reservations": [full_reservation(row) for row in here] if with_rows else [],
    }
