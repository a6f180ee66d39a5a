"""What a webhook knows of a call, carried by the carrier to the media stream: signed, used once."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from app.clock import Clock
from app.errors import Forbidden
from app.keys import Keyring, new_token

KIND = "call"
"""Tells tickets from other things the same keys sign."""
VALID = timedelta(seconds=60)
"""From the webhook's answer to the start of the stream."""

TRIED_AGAIN = timedelta(seconds=60)
"""A carrier tries a webhook again within 15 s. Source: Twilio, "Webhooks connection overrides"."""
REMEMBERED = timedelta(hours=24)
"""No call lasts longer."""
MOST_ARRIVALS = 50_000
"""So many are remembered before the old ones are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One call that may come in."""

    call_sid: str
    tenant_id: str
    hotline_e164: str
    caller_e164: str | None
    """None where the caller withheld it, or it is no telephone number."""
    is_doubtful: bool
    """The carrier could not vouch for the number, or the call was diverted: no match by number."""


class Tickets:
    """Gives tickets out, and takes each back once."""

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self._used: dict[str, datetime] = {}

    def give(self, ticket: Ticket) -> str:
        """A token that only we can make."""
        until = int((self._clock.now() + VALID).timestamp())
        return self._keyring.sign(
            {**asdict(ticket), "kind": KIND, "until": until, "id": new_token(9)}
        )

    def take(self, token: str, call_sid: str) -> Ticket:
        """The ticket of a stream that starts.

        Raises:
            Forbidden: not ours, of another call, too old, or used before.
        """
        payload: dict[str, Any] = dict(self._keyring.verify(token))
        now = self._clock.now()
        ticket_id, until = str(payload.pop("id", "")), int(payload.pop("until", 0))
        if payload.pop("kind", None) != KIND:
            raise Forbidden("this is no ticket of a call")
        if not ticket_id or payload.get("call_sid") != call_sid:
            raise Forbidden("this ticket is another call's")
        if until < now.timestamp():
            raise Forbidden("this ticket is too old")
        self._used = {key: at for key, at in self._used.items() if at > now - 2 * VALID}
        if ticket_id in self._used:
            raise Forbidden("this ticket was used before")
        self._used[ticket_id] = now
        return Ticket(**payload)


class Arrivals:
    """When each call first came in: its webhook is repeated within seconds, or by a stranger.

    What a carrier signs carries no time, so a copy of it would open somebody else's call.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first: dict[tuple[str, str], datetime] = {}

    def is_strange(self, tenant_id: str, call_sid: str) -> bool:
        """Whether a call never came in here; asked once, it has."""
        is_strange = (tenant_id, call_sid) not in self._first
        self.is_copy(tenant_id, call_sid)
        return is_strange

    def is_copy(self, tenant_id: str, call_sid: str) -> bool:
        """Whether a call comes in again, long after its carrier would have tried once more."""
        now = self._clock.now()
        if len(self._first) >= MOST_ARRIVALS:
            self._first = {key: at for key, at in self._first.items() if at > now - REMEMBERED}
        first = self._first.setdefault((tenant_id, call_sid), now)
        return now - first > TRIED_AGAIN
