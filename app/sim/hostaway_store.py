"""The stand-in's state of Hostaway: accounts with their homes, stays, threads, hooks and logs."""

import hashlib
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from app.sim.clock import SimClock
from app.sim.people import make_estate
from app.sim.places import PLACES, Place
from app.sim.rows import Row, full_message, utc_text
from app.sim.stays import make_stays
from app.sim.threads import make_history

SCALES = {"small": 60, "full": 1500}
"""Reservations per account."""
_LOG_KEPT = 20_000


@dataclass(slots=True, kw_only=True)
class Message:
    """A message of a thread with what only the stand-in knows: who really wrote it."""

    row: Row
    origin: str
    """`guest`, `api`, `human`, `automation` or `channel`."""
    at: datetime
    """When it was stored, to the microsecond; the row's own times are in whole seconds."""
    asked_at: datetime | None = None
    """When the request arrived that sent it; only of origin `api`."""
    sent_at: datetime | None = None
    """When an awaiting message becomes sent."""
    listed_at: datetime | None = None
    """From when on the thread shows it; None for at once."""

    def settled(self, now: datetime) -> Row:
        """The row as of now."""
        if self.sent_at is not None and self.sent_at <= now:
            self.row |= {"status": "sent", "updatedOn": utc_text(self.sent_at)}
            self.sent_at = None
        return self.row


@dataclass(slots=True, kw_only=True)
class Account:
    """One Hostaway account; the dicts go by id."""

    place: Place
    listings: dict[int, Row]
    units: dict[int, list[Row]]
    custom_fields: list[Row]
    reservations: dict[int, Row] = field(default_factory=dict)
    languages: dict[int, str] = field(default_factory=dict)
    """Reservation id → language the guest writes in."""
    conversations: dict[int, Row] = field(default_factory=dict)
    threads: dict[int, list[Message]] = field(default_factory=dict)
    """Conversation id → messages in order of arrival."""
    webhooks: dict[int, Row] = field(default_factory=dict)
    webhook_logs: list[Row] = field(default_factory=list)
    tasks: dict[int, Row] = field(default_factory=dict)
    acks_ms: list[float] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)
    next_message_id: int = 0

    @property
    def id(self) -> int:
        """Hostaway's account id."""
        return self.place.account_id

    def conversations_of(self, reservation_id: int) -> list[Row]:
        """The threads of a reservation, usually one."""
        return [c for c in self.conversations.values() if c["reservationId"] == reservation_id]


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the request log."""

    at: float
    """Monotonic, when it arrived."""
    ip: str
    account: int | None
    endpoint: str
    status: int
    """0 where the connection was cut."""


class HostawayStore:
    """Both accounts and the request log. It keeps and finds; what happens is `happenings`'s."""

    def __init__(self, clock: SimClock, seed: int, scale: str) -> None:
        self._clock = clock
        self.requests: deque[Request] = deque(maxlen=_LOG_KEPT)
        self.accounts = {place.account_id: self._fill(place, seed, scale) for place in PLACES}
        self.dice = random.Random(f"later-{seed}")
        """Chance for whatever is made after the start."""

    def find_reservation(self, reservation_id: int) -> tuple[Account, Row] | None:
        """The reservation and its account, whichever it is."""
        for account in self.accounts.values():
            if reservation_id in account.reservations:
                return account, account.reservations[reservation_id]
        return None

    def find_conversation(self, conversation_id: int) -> tuple[Account, Row] | None:
        """The thread and its account, whichever it is."""
        for account in self.accounts.values():
            if conversation_id in account.conversations:
                return account, account.conversations[conversation_id]
        return None

    def find_listing(self, listing_id: int) -> tuple[Account, Row] | None:
        """The listing and its account, whichever it is."""
        for account in self.accounts.values():
            if listing_id in account.listings:
                return account, account.listings[listing_id]
        return None

    def add_reservation(self, account: Account, row: Row, language: str) -> Row:
        """Keep a reservation and open its thread; gives the thread."""
        account.reservations[row["id"]] = row
        account.languages[row["id"]] = language
        conversation: Row = {
            "id": row["id"] + 600_000_000,
            "accountId": account.id,
            "listingMapId": row["listingMapId"],
            "reservationId": row["id"],
            "type": "host-guest-email",
            "recipientName": row["guestName"],
            "recipientEmail": row["guestEmail"],
            "recipientPicture": None,
            "hostEmail": f"host.{row['id']}@relay.example",
            "guestEmail": row["guestEmail"],
            "hasUnreadMessages": 0,
            "messageSentOn": None,
            "messageReceivedOn": None,
        }
        account.conversations[conversation["id"]] = conversation
        account.threads[conversation["id"]] = []
        return conversation

    def add_message(
        self, account: Account, conversation: Row, origin: str, body: str, fields: Row, at: datetime
    ) -> Message:
        """Keep a message; `fields` are Hostaway's own and win over what is worked out here."""
        account.next_message_id += 1
        is_incoming = int(origin == "guest")
        reservation = account.reservations[conversation["reservationId"]]
        row: Row = {
            "id": account.next_message_id,
            "accountId": account.id,
            "listingMapId": conversation["listingMapId"],
            "reservationId": conversation["reservationId"],
            "conversationId": conversation["id"],
            "channelId": reservation["channelId"],
            "channelThreadMessageId": f"{account.next_message_id:016x}",
            "body": body,
            "isIncoming": is_incoming,
            "isSeen": 0 if is_incoming else 1,
            "sentUsingHostaway": 0,
            "hash": hashlib.sha256(f"{account.next_message_id}{body}".encode()).hexdigest()[:32],
            "listingTimeZoneName": account.listings[conversation["listingMapId"]]["timeZoneName"],
            "communicationTimeDeltaSeconds": 0,
            "communicationType": default_way(reservation["channelId"]),
            "status": "sent",
            "date": utc_text(at),
            "insertedOn": utc_text(at),
            "updatedOn": utc_text(at),
            **fields,
        }
        message = Message(row=row, origin=origin, at=at)
        account.threads[conversation["id"]].append(message)
        if is_incoming:
            conversation |= {"messageReceivedOn": row["date"], "hasUnreadMessages": 1}
        else:
            conversation |= {"messageSentOn": row["date"], "hasUnreadMessages": 0}
        return message

    def thread(self, account: Account, conversation_id: int) -> list[Row]:
        """The messages of a thread in full, oldest first; without those that are listed late."""
        now = self._clock.now()
        return [
            full_message(message.settled(now))
            for message in account.threads[conversation_id]
            if message.listed_at is None or message.listed_at <= now
        ]

    def log_request(
        self, at: float, ip: str, account: int | None, endpoint: str, status: int
    ) -> None:
        """Remember a request for the control plane's summary; `at` is when it arrived."""
        self.requests.append(Request(at, ip, account, endpoint, status))

    def all_messages(self) -> Iterator[tuple[Account, Message]]:
        """Every message of every account, thread by thread."""
        for account in self.accounts.values():
            for thread in account.threads.values():
                for message in thread:
                    yield account, message

    def _fill(self, place: Place, seed: int, scale: str) -> Account:
        now = self._clock.now().replace(microsecond=0)
        estate = make_estate(place, seed, now)
        account = Account(
            place=place,
            listings={row["id"]: row for row in estate.listings},
            units=estate.units,
            custom_fields=estate.custom_fields,
            next_message_id=900_000_000 + place.account_id % 100 * 10_000_000,
        )
        dice = random.Random(f"stays-{seed}-{place.account_id}")
        for stay in make_stays(place, estate.listings, dice, now, SCALES[scale]):
            conversation = self.add_reservation(account, stay.row, stay.language)
            listing = account.listings[stay.row["listingMapId"]]
            for line in make_history(place, listing, stay, dice, now):
                fields = line.fields | {"isSeen": 1}
                self.add_message(account, conversation, line.origin, line.body, fields, line.at)
            conversation["hasUnreadMessages"] = 0
        return account


def default_way(channel_id: int) -> str:
    """How guests of a channel write: through the channel, else by e-mail."""
    return "channel" if channel_id in (2018, 2005, 2002) else "email"
