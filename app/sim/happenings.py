"""What can happen in the PMS: people write, machines write, stays are booked and changed.

Every happening is kept in the store, told on the feed and sent to the webhooks; both the API and
the control plane go through here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.sim.clock import SimClock
from app.sim.feed import Feed
from app.sim.hostaway_store import Account, HostawayStore, Message
from app.sim.knobs import Knobs
from app.sim.rows import Row, full_message, full_reservation, utc_text
from app.sim.stays import make_stay
from app.sim.threads import check_in_message
from app.sim.webhooks import WebhookSender

_FIRES = frozenset(
    {"status", "arrivalDate", "departureDate", "checkInTime", "checkOutTime", "totalPrice"}
    | {"doorCode", "doorCodeInstruction", "customFieldValues", "phone", "guestName"}
    | {"guestFirstName", "guestLastName", "numberOfGuests", "listingMapId", "isDatesUnspecified"}
)
"""Fields that fire `reservation.updated` when the API changes them (the control plane always)."""
_SWALLOWED = re.compile("[*_~#<>|`\U0001f300-\U0001faff\u2600-\u27bf\ufe0f]")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOutcome:
    """How a message sent through the API ends."""

    status: str = "sent"
    """`sent`, `failed` or `awaiting`."""
    awaits_s: float = 0.0
    is_altered: bool = False
    """Whether the channel strips characters and spaces of the text."""
    listed_after_s: float = 0.0
    """How long the thread does not show it yet."""


class Happenings:
    """The verbs of the stand-in's PMS."""

    def __init__(
        self,
        store: HostawayStore,
        clock: SimClock,
        knobs: Knobs,
        feed: Feed,
        webhooks: WebhookSender,
    ) -> None:
        self._store = store
        self._clock = clock
        self._knobs = knobs
        self._feed = feed
        self._webhooks = webhooks

    def write(
        self,
        account: Account,
        conversation: Row,
        origin: str,
        body: str,
        fields: Mapping[str, Any],
        *,
        fires: bool = True,
    ) -> Message:
        """Somebody writes into a thread; `message.received` fires for guests (others by knob)."""
        message = self._store.add_message(
            account, conversation, origin, body, dict(fields), self._clock.now()
        )
        self._feed.publish(
            "message",
            account=account.id,
            conversation=conversation["id"],
            reservation=conversation["reservationId"],
            origin=origin,
            message=message.row["id"],
            body=message.row["body"],
            status=message.row["status"],
        )
        if fires and (origin == "guest" or self._knobs.webhook_outgoing):
            self._webhooks.emit(
                account, "conversationMessage", "message.received", full_message(message.row)
            )
        return message

    def send(
        self,
        account: Account,
        conversation: Row,
        body: str,
        way: str,
        outcome: SendOutcome,
        *,
        asked_at: datetime,
    ) -> Message:
        """An API client sends a message."""
        if outcome.is_altered:
            body = altered(body)
        fields: Row = {
            "sentUsingHostaway": 1,
            "communicationType": way,
            "status": outcome.status,
        }
        message = self.write(account, conversation, "api", body, fields)
        message.asked_at = asked_at
        if outcome.listed_after_s:
            message.listed_at = self._clock.now() + timedelta(seconds=outcome.listed_after_s)
        if outcome.status == "awaiting":
            message.sent_at = self._clock.now() + timedelta(seconds=outcome.awaits_s)
        return message

    def automate(self, account: Account, conversation: Row, body: str, fields: Row) -> Message:
        """Hostaway's own automation writes; without a text it is the check-in message."""
        reservation = account.reservations[conversation["reservationId"]]
        listing = account.listings[conversation["listingMapId"]]
        line = check_in_message(listing, reservation, self._clock.now())
        return self.write(
            account, conversation, "automation", body or line.body, line.fields | fields
        )

    def book(self, account: Account, listing: Row, wanted: Row, *, fires: bool) -> Row:
        """A stay is booked; gives its reservation."""
        now = self._clock.now().replace(microsecond=0)
        next_id = max(account.reservations) + 1
        stay = make_stay(account.place, listing, self._store.dice, now, wanted, next_id)
        stamps = dict.fromkeys(("insertedOn", "updatedOn", "latestActivityOn"), utc_text(now))
        stay.row.update({name: at for name, at in stamps.items() if name not in wanted})
        self._store.add_reservation(account, stay.row, stay.language)
        self._feed.publish("reservation", account=account.id, reservation=stay.row["id"])
        if fires:
            self._webhooks.emit(
                account, "reservation", "reservation.created", full_reservation(stay.row)
            )
        return stay.row

    def change(self, account: Account, row: Row, wanted: Mapping[str, Any], *, by: str) -> bool:
        """A reservation is changed; gives whether `reservation.updated` fires."""
        changed = {name for name, value in wanted.items() if row.get(name) != value}
        for name, before in (
            ("arrivalDate", "previousArrivalDate"),
            ("departureDate", "previousDepartureDate"),
        ):
            if name in changed:
                row[before] = row[name]
        now = utc_text(self._clock.now())
        row |= {"updatedOn": now, "latestActivityOn": now} | dict(wanted)
        self._feed.publish(
            "reservation.changed", account=account.id, reservation=row["id"], fields=sorted(changed)
        )
        fires = by == "control" or bool(changed & _FIRES)
        if fires:
            self._webhooks.emit(
                account, "reservation", "reservation.updated", full_reservation(row)
            )
        return fires

    def change_listing(self, account: Account, row: Row, wanted: Mapping[str, Any]) -> None:
        """A listing is edited; Hostaway has no webhook for that."""
        row |= {"latestActivityOn": utc_text(self._clock.now())} | dict(wanted)
        self._feed.publish(
            "listing.changed", account=account.id, listing=row["id"], fields=sorted(wanted)
        )


def altered(text: str) -> str:
    """A text as a channel may hand it on: emoji and signs gone, every run of spaces one space."""
    return _SPACES.sub(" ", _SWALLOWED.sub("", text)).strip()
