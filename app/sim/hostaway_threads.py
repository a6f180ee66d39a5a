"""Conversations and messages of the stand-in's Hostaway API, sending included."""

from dataclasses import replace

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.sim.answers import fail, success
from app.sim.clock import SimClock
from app.sim.faults import FaultPlan
from app.sim.happenings import Happenings, SendOutcome
from app.sim.hostaway_gate import Call, Gate, Refused
from app.sim.hostaway_store import HostawayStore
from app.sim.paging import page_of
from app.sim.rows import Row, full_message, full_reservation

_WAYS = frozenset({"email", "channel", "sms", "whatsapp"})


class HostawayThreads:
    """Endpoints of conversations and their messages."""

    def __init__(
        self,
        store: HostawayStore,
        gate: Gate,
        happenings: Happenings,
        faults: FaultPlan,
        clock: SimClock,
    ) -> None:
        self._store = store
        self._gate = gate
        self._happenings = happenings
        self._faults = faults
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """All of them, relative to the base path."""
        thread = "/conversations/{id:int}"
        table = (
            ("/conversations", "conversations", self._list, "GET"),
            (thread, "conversation", self._one, "GET"),
            (f"{thread}/messages", "messages", self._messages, "GET"),
            (f"{thread}/messages", "send", self._send, "POST"),
            (f"{thread}/messages/{{message_id:int}}", "message", self._message, "GET"),
        )
        return [
            Route(path, self._gate.endpoint(name, handler), methods=[method])
            for path, name, handler, method in table
        ]

    async def _list(self, call: Call) -> Response:
        rows = list(call.account.conversations.values())
        if reservation_id := call.number("reservationId"):
            rows = [row for row in rows if row["reservationId"] == reservation_id]
        rows.sort(key=lambda row: (_latest_at(row), row["id"]), reverse=True)
        return page_of(call, rows, shape=lambda row: self._shape(call, row))

    async def _one(self, call: Call) -> Response:
        return success(self._shape(call, _conversation_of(call)))

    async def _messages(self, call: Call) -> Response:
        conversation = _conversation_of(call)
        rows = self._store.thread(call.account, conversation["id"])
        if not call.number("includeScheduledMessages"):
            rows = [row for row in rows if row["status"] == "sent"]
        rows.sort(key=lambda row: (row["date"], row["id"]), reverse=True)
        return page_of(call, rows)

    async def _message(self, call: Call) -> Response:
        conversation, wanted = _conversation_of(call), call.path_id("message_id")
        for row in self._store.thread(call.account, conversation["id"]):
            if row["id"] == wanted:
                return success(row)
        return fail(404, "Message not found")

    async def _send(self, call: Call) -> Response:
        conversation = _conversation_of(call)
        body, way = call.body.get("body"), call.body.get("communicationType") or "email"
        if not isinstance(body, str) or not body.strip():
            return fail(400, "body is required")
        if way not in _WAYS:
            return fail(400, f"communicationType must be one of {', '.join(sorted(_WAYS))}")
        outcome = self._outcome(call.account.id)
        message = self._happenings.send(
            call.account, conversation, body, way, outcome, asked_at=call.arrived_at
        )
        return success(full_message(message.row))

    def _outcome(self, account_id: int) -> SendOutcome:
        def strikes(kind: str) -> float | None:
            fault = self._faults.take("hostaway.send", frozenset({kind}), account_id)
            return fault.delay_s if fault else None

        outcome = SendOutcome(
            is_altered=strikes("alter_text") is not None,
            listed_after_s=strikes("listed_late") or 0.0,
        )
        if strikes("message_failed") is not None:
            return replace(outcome, status="failed")
        awaits_s = strikes("message_awaiting")
        if awaits_s is not None:
            return replace(outcome, status="awaiting", awaits_s=awaits_s)
        return outcome

    def _shape(self, call: Call, row: Row) -> Row:
        """The conversation as the API gives it; resources bring the latest message only."""
        if not call.number("includeResources"):
            return row | {"conversationMessages": []}
        latest = call.account.threads[row["id"]][-1:]
        reservation = call.account.reservations[row["reservationId"]]
        return row | {
            "conversationMessages": [full_message(m.settled(self._clock.now())) for m in latest],
            "Reservation": full_reservation(reservation),
        }


def _latest_at(row: Row) -> str:
    return max(row["messageReceivedOn"] or "", row["messageSentOn"] or "")


def _conversation_of(call: Call) -> Row:
    row = call.account.conversations.get(call.path_id())
    if row is None:
        raise Refused(404, "Conversation not found")
    return row
