"""The whole house for path tests: the built product against the stand-ins, over real HTTP."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from app.product import Product
from app.sim.world import World

HOTLINE = "+48221234567"
_names = itertools.count(1)


class House:
    """The product, the stand-ins, and what tests do with them."""

    def __init__(
        self, product: Product, world: World, base: str, http: aiohttp.ClientSession
    ) -> None:
        self.product = product
        self.world = world
        self.base = base
        self.http = http

    async def sim(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the stand-ins' control plane, which must succeed."""
        async with self.http.request(method, f"{self.base}/sim{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def book(self, **fields: Any) -> "Guest":
        """A new booking, and its guest."""
        number = next(_names)
        wanted: dict[str, Any] = {
            "account": "70001",
            "listingMapId": 41002,
            "arrivalInDays": 0,
            "nights": 3,
            "guestName": f"Jan Testowy {number}",
            "phone": f"+485001{number:05d}",
            "status": "new",
            "doorCode": f"71{number:03d}9",
            "guestLocale": "en",
            **fields,
        }
        made = await self.sim("POST", "/hostaway/reservations", wanted)
        return Guest(self, made["reservation"], made["conversation"], made["listing"])

    async def until(self, is_so: Callable[[], Awaitable[Any]], within_s: float = 12.0) -> Any:
        """What a check gives once it gives something."""
        async with asyncio.timeout(within_s):
            while not (found := await is_so()):
                await asyncio.sleep(0.05)
        return found

    async def quiet(self) -> None:
        """Until nothing is due and nothing is under way."""

        async def is_quiet() -> bool:
            async with self.product.database.shared().transaction() as conn:
                busy = await conn.fetchval(
                    """select count(*) from nightdesk.wake
                       where kind in ('chat.reply', 'chat.read', 'chat.send', 'pms.find_thread',
                                      'pms.reservation')
                         and dead_at is null"""
                )
            async with (await self.product.database.tenant("warsaw")).transaction() as conn:
                open_rows = await conn.fetchval(
                    "select count(*) from {schema}.inbox where handled_at is null"
                )
            return bool(busy == 0 and open_rows == 0)

        await asyncio.sleep(0.2)
        await self.until(is_quiet)

    async def rows(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        """Rows of the Warsaw tenant."""
        async with (await self.product.database.tenant("warsaw")).transaction() as conn:
            return [dict(row) for row in await conn.fetch(sql, *args)]


class Guest:
    """One booking's guest, who writes and reads."""

    def __init__(
        self,
        house: House,
        reservation: dict[str, Any],
        conversation: dict[str, Any],
        listing: dict[str, Any],
    ) -> None:
        self.house = house
        self.reservation = reservation
        self.conversation = conversation
        self.listing = listing

    async def writes(self, *texts: str, **more: Any) -> None:
        """Messages, one after the other."""
        for text in texts:
            await self.house.sim(
                "POST",
                "/hostaway/guest-message",
                {"reservationId": self.reservation["id"], "body": text, "webhook": True, **more},
            )

    async def thread(self) -> list[dict[str, Any]]:
        """The thread as the PMS has it, oldest first."""
        found = await self.house.sim("GET", f"/hostaway/conversations/{self.conversation['id']}")
        return sorted(found["messages"], key=lambda m: (m["date"], m["id"]))

    async def replies(self) -> list[str]:
        """What our product sent."""
        return [m["body"] for m in await self.thread() if m["origin"] == "api"]

    async def reads(self, count: int = 1) -> str:
        """The newest reply, once there are so many."""

        async def is_there() -> list[str]:
            found = await self.replies()
            return found if len(found) >= count else []

        found = await self.house.until(is_there)
        await self.house.quiet()
        assert len(await self.replies()) == count
        return str(found[-1])

    async def case(self) -> dict[str, Any] | None:
        """The stay's newest case."""
        rows = await self.house.rows(
            """select c.* from {schema}.cases c
               join {schema}.conversations t on t.id = c.conversation_id
               where t.external_id = $1 order by c.id desc limit 1""",
            str(self.conversation["id"]),
        )
        return rows[0] if rows else None

    async def alerts(self) -> list[dict[str, Any]]:
        """What Slack got about this guest, outside of threads."""
        posted = await self.house.sim("GET", "/slack/messages")
        name = str(self.reservation["guestName"])
        return [
            post
            for post in posted["messages"]
            if name in str(post) and not post["message"].get("thread_ts")
        ]

    async def decisions(self) -> list[dict[str, Any]]:
        """Why each answer was given."""
        return await self.house.rows(
            """select d.* from {schema}.decisions d
               join {schema}.conversations t on t.id = d.conversation_id
               where t.external_id = $1 order by d.id""",
            str(self.conversation["id"]),
        )
