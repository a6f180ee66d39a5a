"""The client of Hostaway: listings, reservations, threads, webhooks, each as one method.

Source: Hostaway API documentation (2026-07).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from app.clock import Clock
from app.pms.hostaway_answers import (
    Ask,
    HostawayError,
    Row,
    entity_of,
    last_id_of,
    number_of,
    one_of,
    rows_of,
)
from app.pms.hostaway_connection import PROMPT_S, Connection, TokenKeeper
from app.settings import HostawaySettings
from app.telemetry import Telemetry
from app.tenants import PmsAccount

WEBHOOKS = "/webhooks/unifiedWebhooks"
MOST_PAGES = 20_000
"""A walk that brings new rows for so long will not end."""


class HostawayClient:
    """Everything that is asked of Hostaway, for all accounts of the process."""

    def __init__(
        self,
        *,
        settings: HostawaySettings,
        tenants: TokenKeeper,
        clock: Clock,
        telemetry: Telemetry | None = None,
        token_settle_s: float = 1.0,
        backoff_s: float = 0.5,
        prompt_s: float = PROMPT_S,
    ) -> None:
        self._page_size = settings.page_size
        self._connection = Connection(
            settings=settings,
            tenants=tenants,
            clock=clock,
            telemetry=telemetry,
            token_settle_s=token_settle_s,
            backoff_s=backoff_s,
            prompt_s=prompt_s,
        )

    async def open(self) -> None:
        """Make the session; nothing is asked yet."""
        self._connection.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._connection.close()

    async def listings(self, account: PmsAccount) -> AsyncIterator[list[Row]]:
        """Every listing, a page at a time."""
        async for rows in self._by_offset(account, "/listings", {"includeResources": "1"}):
            yield rows

    async def listing(
        self, account: PmsAccount, listing_id: str, *, is_urgent: bool = False
    ) -> Row:
        """One listing with its custom fields."""
        return await self._entity(account, "/listings/{id}", listing_id, is_urgent=is_urgent)

    async def reservations(
        self,
        account: PmsAccount,
        *,
        latest_activity_start: date | None = None,
        arrival_until: date | None = None,
        departure_from: date | None = None,
        only_unread: bool = False,
        after_id: str | None = None,
    ) -> AsyncIterator[list[Row]]:
        """Reservations a page at a time, latest change first, from behind `after_id` on.

        A row that changes meanwhile moves to the front: rows may come twice or be missed.
        """
        params = {"limit": str(self._page_size), "includeResources": "1"}
        for name, day in (
            ("latestActivityStart", latest_activity_start),
            ("arrivalEndDate", arrival_until),
            ("departureStartDate", departure_from),
        ):
            if day is not None:
                params[name] = day.isoformat()
        if only_unread:
            params["hasUnreadConversationMessages"] = "1"
        seen: set[str] = set()
        cursor = after_id or ""
        while cursor not in seen and len(seen) < MOST_PAGES:
            seen.add(cursor)
            place = {"afterId": cursor} if cursor else {}
            ask = Ask(endpoint="/reservations", params=params | place)
            rows = await self._several(account, ask)
            if not rows:
                return
            yield rows
            cursor = last_id_of(rows) or cursor

    async def reservation(
        self,
        account: PmsAccount,
        reservation_id: str,
        *,
        is_urgent: bool = False,
        on_turn: Callable[[], None] | None = None,
    ) -> Row:
        """One reservation with its custom fields; `on_turn` tells when it was asked for."""
        endpoint = "/reservations/{id}"
        return await self._entity(
            account, endpoint, reservation_id, is_urgent=is_urgent, on_turn=on_turn
        )

    async def conversations_of(
        self, account: PmsAccount, reservation_id: str, *, is_urgent: bool = False
    ) -> list[Row]:
        """The threads of a reservation, usually one."""
        ask = Ask(
            endpoint="/reservations/{id}/conversations", id=reservation_id, is_urgent=is_urgent
        )
        return await self._several(account, ask)

    async def conversations(self, account: PmsAccount) -> AsyncIterator[list[Row]]:
        """Every thread without its messages, a page at a time; latest words first, as seen."""
        async for rows in self._by_offset(account, "/conversations", {}):
            yield rows

    async def conversation(
        self, account: PmsAccount, conversation_id: str, *, is_urgent: bool = False
    ) -> Row:
        """One thread, without its messages."""
        endpoint = "/conversations/{id}"
        return await self._entity(account, endpoint, conversation_id, is_urgent=is_urgent)

    async def messages(
        self,
        account: PmsAccount,
        conversation_id: str,
        *,
        limit: int = 50,
        include_scheduled: bool = False,
        is_urgent: bool = False,
        on_turn: Callable[[], None] | None = None,
    ) -> list[Row]:
        """The newest messages of a thread, oldest first; `on_turn` tells when they were asked."""
        params = {"limit": str(limit), "offset": "0"}
        if include_scheduled:
            params["includeScheduledMessages"] = "1"
        endpoint = "/conversations/{id}/messages"
        ask = Ask(
            endpoint=endpoint,
            id=conversation_id,
            params=params,
            is_urgent=is_urgent,
            on_turn=on_turn,
        )
        answer = await self._connection.ask(account, ask)
        rows = rows_of(ask, answer)
        hidden = int(number_of(answer.get("count")) or 0) - len(rows)
        if hidden > 0 and rows and _message_order(rows[0]) < _message_order(rows[-1]):
            # The order is seen in captures, not documented: oldest first would hide the newest.
            ask = replace(ask, params=params | {"offset": str(hidden)})
            rows = await self._several(account, ask)
        return sorted(rows, key=_message_order)

    async def send_message(
        self,
        account: PmsAccount,
        conversation_id: str,
        words: Callable[[], Awaitable[str]],
        *,
        communication_type: str,
    ) -> Row:
        """Write into a thread; the message as Hostaway stored it.

        `words` is asked when the request's turn has come, perhaps more than once: what it gives
        is written at that moment or not at all. Never repeated once it may have reached Hostaway.

        Raises:
            HostawayError: with `was_sent` when the guest may have got the message all the same.
            Withdrawn: by `words`.
        """

        async def compose() -> Mapping[str, Any]:
            return {"body": await words(), "communicationType": communication_type}

        ask = Ask(
            endpoint="/conversations/{id}/messages",
            id=conversation_id,
            method="POST",
            compose=compose,
            is_urgent=True,
            is_repeatable=False,
        )
        return one_of(ask, await self._connection.ask(account, ask))

    async def custom_fields(self, account: PmsAccount) -> list[Row]:
        """What the account's custom fields are called."""
        return [row async for rows in self._by_offset(account, "/customFields", {}) for row in rows]

    async def listing_units(self, account: PmsAccount, listing_id: str) -> list[Row]:
        """The units of a listing that is made of several."""
        ask = Ask(endpoint="/listingUnits/{id}", id=listing_id)
        return await self._several(account, ask)

    async def ensure_webhook(
        self, account: PmsAccount, *, url: str, login: str, password: str
    ) -> str:
        """The id of the one hook of this URL: made, enabled again or corrected, spare ones removed.

        Safe to run again, also after it failed.
        """
        wanted = {"isEnabled": 1, "url": url, "login": login, "password": password}
        hooks = await self._several(account, Ask(endpoint=WEBHOOKS))
        ours = [
            hook
            for hook in hooks
            if hook.get("id") and str(hook.get("url") or "").rstrip("/") == url.rstrip("/")
        ]
        ours.sort(key=lambda hook: not hook.get("isEnabled"))
        if not ours:
            return await self._add_webhook(account, wanted)
        kept, *spare = ours
        one = WEBHOOKS + "/{id}"
        for hook in spare:
            await self._connection.ask(
                account, Ask(endpoint=one, id=str(hook["id"]), method="DELETE")
            )
        if any(kept.get(key) != value for key, value in wanted.items()):
            body = wanted | {"alertingEmailAddress": kept.get("alertingEmailAddress")}
            ask = Ask(endpoint=one, id=str(kept["id"]), method="PUT", body=body)
            await self._connection.ask(account, ask)
        return str(kept["id"])

    async def webhook_failures(
        self, account: PmsAccount, *, limit: int = 100
    ) -> list[tuple[str, str]]:
        """(object, its id) of deliveries that we did not acknowledge, each once."""
        params = {"limit": str(limit), "offset": "0"}
        ask = Ask(endpoint="/unifiedWebhookLogs", params=params)
        return list(
            dict.fromkeys(
                (str(row.get("object")), str(row["objectId"]))
                for row in await self._several(account, ask)
                if row.get("objectId") and (number_of(row.get("responseStatus")) or 0) // 100 != 2
            )
        )

    async def _several(self, account: PmsAccount, ask: Ask) -> list[Row]:
        return rows_of(ask, await self._connection.ask(account, ask))

    async def _entity(
        self,
        account: PmsAccount,
        endpoint: str,
        entity_id: str,
        *,
        is_urgent: bool,
        on_turn: Callable[[], None] | None = None,
    ) -> Row:
        params = {"includeResources": "1"}
        ask = Ask(
            endpoint=endpoint, id=entity_id, params=params, is_urgent=is_urgent, on_turn=on_turn
        )
        return entity_of(ask, await self._connection.ask(account, ask))

    async def _add_webhook(self, account: PmsAccount, wanted: Mapping[str, Any]) -> str:
        ask = Ask(endpoint=WEBHOOKS, method="POST", body=wanted, is_repeatable=False)
        try:
            return str(one_of(ask, await self._connection.ask(account, ask))["id"])
        except HostawayError as exc:
            if not exc.was_sent:
                raise
            # The next run looks for the hook first, so that it does not matter which it was.
            raise HostawayError(str(exc), retryable=True, status=exc.status, was_sent=True) from exc

    async def _by_offset(
        self, account: PmsAccount, endpoint: str, params: Mapping[str, str]
    ) -> AsyncIterator[list[Row]]:
        """Pages until one is empty or brings nothing new, or is short and was the last."""
        seen: set[str] = set()
        offset = 0
        for _ in range(MOST_PAGES):
            place = {"limit": str(self._page_size), "offset": str(offset)}
            ask = Ask(endpoint=endpoint, params={**params, **place})
            answer = await self._connection.ask(account, ask)
            rows = rows_of(ask, answer)
            ids = {str(row.get("id")) for row in rows}
            if ids <= seen:
                return
            yield rows
            seen |= ids
            offset += len(rows)
            # A limit that Hostaway lowered makes every page short: then the total decides.
            if len(rows) < self._page_size and offset >= (number_of(answer.get("count")) or 0):
                return


def _message_order(row: Row) -> tuple[str, int]:
    return str(row.get("date") or row.get("insertedOn") or ""), int(number_of(row.get("id")) or 0)
