"""Both doors of a built product on a real database, asked without a network in between.

For generated inputs: thousands of requests, each through the whole ASGI app. Nothing works in the
background; what came in is drained when a test says so.
"""

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from app.embedded import ServerUrls
from app.keys import new_key
from app.main import create_app
from app.product import Product
from app.settings import load_settings
from app.tenants import PmsAccount, Tenant
from app.wiring import build
from tests.make import raw_listing, raw_message, raw_reservation

DESK_TOKEN = "desk-token-of-tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a door answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    cpu_ms: float
    """What it took of the processor."""

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def is_ours(self) -> bool:
        """Whether it is a page, or JSON in the shape of all our answers."""
        kind = dict(self.headers).get("content-type", "")
        if not kind.startswith("application/json"):
            return kind.startswith(("text/html", "text/css", "text/event-stream")) or not self.body
        return isinstance(self.json, dict) and ("error" in self.json or "status" in self.json)


@dataclass(kw_only=True)
class Doors:
    """The product's two apps, and a guest that exists."""

    product: Product
    public: Any
    desk: Any
    tenant: Tenant
    account: PmsAccount
    sent: int = 0
    """Good messages delivered so far."""
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def basic(self) -> str:
        """The account's login, as a header."""
        return (
            "Basic " + base64.b64encode(":".join(self.account.webhook_logins[0]).encode()).decode()
        )

    async def deliver(self, body: bytes) -> Answer:
        """An event at the webhook, with the right login."""
        headers = [("authorization", self.basic), ("content-type", "application/json")]
        path = f"/webhook/hostaway/{self.account.account_key}"
        return await self.ask(self.public, "POST", path, headers=headers, body=body)

    async def deliver_good(self) -> str:
        """A guest's message that is as it should be; its id."""
        self.sent += 1
        number = 10_000_000 + self.sent
        row = raw_message(number, f"Is there parking? ({number})", at=self.product.clock.now())
        event = {"object": "conversationMessage", "event": "message.received", "data": row}
        answer = await self.deliver(json.dumps(event).encode())
        assert (answer.status, answer.json) == (200, {"status": "stored"}), answer
        return str(number)

    async def drain(self) -> None:
        """Handle what came in, once each; what the door's own nudge has in hand is waited for."""
        for _ in range(500):
            await self.product.inbox.drain(self.tenant.id)
            waiting = await self.rows(
                "select 1 from {schema}.inbox where handled_at is null and attempts = 0 limit 1"
            )
            if not waiting:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the inbox never empties")

    async def open_rows(self) -> list[dict[str, Any]]:
        """Events that are not handled, or were closed with an error."""
        return await self.rows(
            """select id, event, envelope, attempts, error from {schema}.inbox
               where handled_at is null or error is not null order by id"""
        )

    async def is_turn(self, external_id: str) -> bool:
        """Whether a message has become a turn whose thread is armed."""
        turns = await self.rows(
            """select t.id from {schema}.turns t where external_id = $1 and exists (
                   select 1 from nightdesk.wake w
                   where w.kind = 'chat.reply' and w.key = t.conversation_id::text)""",
            external_id,
        )
        return len(turns) == 1

    async def rows(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        """Rows of the tenant."""
        door = await self.product.database.tenant(self.tenant.id)
        async with door.transaction() as conn:
            return [dict(row) for row in await conn.fetch(sql, *args)]

    async def ask(
        self,
        app: Any,
        method: str,
        path: str,
        *,
        query: bytes = b"",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Answer:
        """One request through the whole app."""
        raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
                       for name, value in headers]  # fmt: skip
        if body:
            raw_headers.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http", "method": method, "path": path,
            "raw_path": path.encode("utf-8", "replace"),
            "headers": [(b"host", b"desk"), *raw_headers], "query_string": query,
            "http_version": "1.1", "scheme": "http", "server": ("desk", 80),
            "client": ("127.0.0.1", 1), "root_path": "", "asgi": {"version": "3.0"},
        }  # fmt: skip
        said: list[dict[str, Any]] = []
        left = [body]

        async def receive() -> Mapping[str, Any]:
            if left:
                return {"type": "http.request", "body": left.pop(), "more_body": False}
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        began = time.process_time()
        await app(scope, receive, send)
        took_ms = (time.process_time() - began) * 1000
        self.statuses[said[0]["status"]] += 1
        return Answer(
            status=said[0]["status"],
            headers=[(k.decode("latin-1"), v.decode("latin-1")) for k, v in said[0]["headers"]],
            body=b"".join(message.get("body", b"") for message in said[1:]),
            cpu_ms=took_ms,
        )


@asynccontextmanager
async def opened_doors(urls: ServerUrls, folder: Path) -> AsyncIterator[Doors]:
    """The doors over a database of their own, with one tenant that is on and one guest."""
    base = urls.database_url or ""
    admin = await asyncpg.connect(base)
    await admin.execute("drop database if exists doors with (force)")
    await admin.execute("create database doors")
    await admin.close()
    settings = load_settings(
        None,
        {
            "NIGHTDESK_DATABASE_URL": base.replace("/nightdesk?", "/doors?"),
            "NIGHTDESK_REDIS_URL": urls.redis_url or "",
            "NIGHTDESK_ENCRYPTION_KEYS": new_key(),
            "NIGHTDESK_DESK_TOKEN": DESK_TOKEN,
            "NIGHTDESK_DATA__DIR": str(folder),
        },
    )
    product = build(settings)
    await product.database.open(settings.secrets.database_url.get_secret_value())  # type: ignore[union-attr]
    await product.public_database.open(settings.secrets.database_url.get_secret_value())  # type: ignore[union-attr]
    await product.database.shared().apply()
    try:
        yield await _settled(product)
    finally:
        await product.background.cancel()
        await product.public_database.close()
        await product.database.close()
        product.telemetry.close()


async def _settled(product: Product) -> Doors:
    await product.tenants.add("acme", "Acme Stays")
    tenant = await product.tenants.set_mode("acme", "on")
    account = await product.tenants.add_account(
        tenant.id, external_id="70001", client_secret="secret"
    )
    await product.mirror.apply_listings(tenant, account, [raw_listing()])
    today = product.clock.now().date()
    booking = raw_reservation(arrivalDate=f"{today}", departureDate=f"{today + timedelta(days=30)}")
    await product.mirror.apply_reservation(tenant, account, booking)
    door = await product.database.tenant(tenant.id)
    async with door.transaction() as conn:
        thread = await product.conversations.ensure_thread(
            conn, account=str(account.id), external_id="70", now=product.clock.now()
        )
        await product.mirror.attach_known(conn, tenant, thread, "5000")
    product.is_ready = True
    return Doors(
        product=product,
        public=create_app(product, product.public_routes(), product.public_database),
        desk=create_app(product, product.desk_routes(), product.database),
        tenant=tenant,
        account=account,
    )


async def settle() -> None:
    """Let what was spawned run."""
    for _ in range(3):
        await asyncio.sleep(0)
