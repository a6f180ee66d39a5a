"""Delivery of Hostaway's unified webhooks: retries, duplicates, reordering, loss, all by knobs.

Source: reference of Hostaway's public API, delivery policy of July 2026 (2xx within 20 s; a network
error, timeout, 5xx or 429 is tried again three times within the hour; every other answer is final).
"""

import asyncio
import json
import random
import time
from collections.abc import Coroutine
from dataclasses import dataclass

import aiohttp

from app.sim.clock import SimClock
from app.sim.feed import Feed
from app.sim.hostaway_store import Account
from app.sim.knobs import Knobs
from app.sim.rows import Row

RETRY_AFTER_S = (60.0, 540.0, 2100.0)
"""Waits before the three retries (at +1, +10 and +45 min), times `webhook_time_factor`."""
_DISABLED_AFTER_S = 5 * 86_400
_ORDER_WAIT_S = 0.25
"""How long a delivery waits for the one before it, so that order holds on a quick receiver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """One event on its way to one hook."""

    account: Account
    hook: Row
    object: str
    object_id: int | None
    event: str
    body: bytes


class WebhookSender:
    """Sends events to the hooks that were registered. Open with `start`, end with `stop`."""

    def __init__(self, clock: SimClock, knobs: Knobs, feed: Feed, seed: int) -> None:
        self._clock = clock
        self._knobs = knobs
        self._feed = feed
        self._dice = random.Random(f"webhooks-{seed}")
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[int, asyncio.Task[None]] = {}
        self._failing_since: dict[int, float] = {}

    async def start(self) -> None:
        """Open the client that delivers."""
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        """Drop what is still on its way and close the client."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def emit(self, account: Account, kind: str, event: str, row: Row) -> None:
        """Send an event to every enabled hook of the account, as the row is at this moment."""
        envelope = {"object": kind, "event": event, "accountId": account.id, "data": row}
        body = json.dumps(envelope, ensure_ascii=False).encode()
        copies = 1
        if event == "reservation.updated" and self._hits(self._knobs.webhook_double_updated):
            copies = 2
        for hook in list(account.webhooks.values()):
            if not hook["isEnabled"]:
                continue
            delivery = _Delivery(
                account=account,
                hook=hook,
                object=kind,
                object_id=row["id"],
                event=event,
                body=body,
            )
            for _ in range(copies):
                self._plan(delivery)

    def ping(self, account: Account, hook: Row) -> None:
        """The test body that a new hook gets at once; it is never tried again."""
        body = json.dumps({"data": "test"}).encode()
        delivery = _Delivery(
            account=account, hook=hook, object="test", object_id=None, event="test", body=body
        )
        self._spawn(hook["id"], self._attempts(delivery, ()))

    def _plan(self, delivery: _Delivery) -> None:
        knobs, hook_id = self._knobs, delivery.hook["id"]
        if self._hits(knobs.webhook_loss):
            self._tell(delivery, "lost", 0, None)
            return
        wait_s = knobs.webhook_latency_s
        is_held = self._hits(knobs.webhook_reorder)
        if is_held:
            wait_s += knobs.webhook_reorder_s
        before = None if is_held else self._last.get(hook_id)
        task = self._spawn(hook_id, self._deliver(delivery, wait_s, before))
        if not is_held:
            self._last[hook_id] = task
        if self._hits(knobs.webhook_duplicate):
            for copy in range(1, knobs.webhook_duplicate_copies + 1):
                later_s = wait_s + copy * knobs.webhook_duplicate_gap_s
                self._spawn(hook_id, self._deliver(delivery, later_s, None))

    async def _deliver(
        self, delivery: _Delivery, wait_s: float, before: asyncio.Task[None] | None
    ) -> None:
        await asyncio.sleep(wait_s)
        if before is not None and not before.done():
            await asyncio.wait({before}, timeout=_ORDER_WAIT_S)
        await self._attempts(delivery, RETRY_AFTER_S)

    async def _attempts(self, delivery: _Delivery, retries: tuple[float, ...]) -> None:
        for number in range(len(retries) + 1):
            status = await self._attempt(delivery, number)
            if status is not None and status < 500 and status != 429:
                if status < 300:
                    self._failing_since.pop(delivery.hook["id"], None)
                return
            if number < len(retries):
                await asyncio.sleep(retries[number] * self._knobs.webhook_time_factor)
        if retries:
            self._give_up(delivery)

    async def _attempt(self, delivery: _Delivery, number: int) -> int | None:
        """The status of the receiver's answer, None when there was none in time."""
        if self._session is None:
            return None
        hook, started = delivery.hook, time.monotonic()
        headers = {"Content-Type": "application/json"}
        if hook["login"] and hook["password"]:
            headers["Authorization"] = aiohttp.encode_basic_auth(hook["login"], hook["password"])
        status: int | None = None
        text = ""
        try:
            async with asyncio.timeout(self._knobs.webhook_ack_timeout_s):
                async with self._session.post(
                    hook["url"], data=delivery.body, headers=headers
                ) as answer:
                    status, text = answer.status, (await answer.text())[:500]
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            text = type(problem).__name__
        took_ms = (time.monotonic() - started) * 1000
        if status is not None:
            delivery.account.acks_ms.append(took_ms)
        self._log(delivery, status, text)
        self._tell(delivery, "delivered", number, status, round(took_ms, 1))
        return status

    def _give_up(self, delivery: _Delivery) -> None:
        hook, now = delivery.hook, self._clock.now().timestamp()
        since = self._failing_since.setdefault(hook["id"], now)
        alert: Row = {"alert": "delivery failed", "event": delivery.event, "hook": hook["id"]}
        if now - since >= _DISABLED_AFTER_S:
            hook["isEnabled"] = 0
            alert["disabled"] = True
        delivery.account.alerts.append(alert)
        self._feed.publish("webhook.given_up", account=delivery.account.id, **alert)

    def _log(self, delivery: _Delivery, status: int | None, text: str) -> None:
        logs, hook = delivery.account.webhook_logs, delivery.hook
        logs.append(
            {
                "id": len(logs) + 1,
                "accountId": delivery.account.id,
                "listingMapId": None,
                "webhookNotificationSettingId": hook["id"],
                "isEnabled": hook["isEnabled"],
                "url": hook["url"],
                "login": hook["login"],
                "password": "****" if hook["password"] else None,
                "object": delivery.object,
                "objectId": delivery.object_id,
                "event": delivery.event,
                "responseStatus": status,
                "responseBody": text,
            }
        )

    def _tell(
        self,
        delivery: _Delivery,
        outcome: str,
        attempt: int,
        status: int | None,
        took_ms: float | None = None,
    ) -> None:
        self._feed.publish(
            f"webhook.{outcome}",
            account=delivery.account.id,
            event=delivery.event,
            object_id=delivery.object_id,
            attempt=attempt,
            status=status,
            took_ms=took_ms,
        )

    def _hits(self, share: float) -> bool:
        return share > 0 and self._dice.random() < share

    def _spawn(self, hook_id: int, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"hook-{hook_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
