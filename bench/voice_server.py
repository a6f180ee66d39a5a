"""The real product behind `ws://127.0.0.1:PORT/ws`, with providers of fixed latency.

Speaks the carrier's Media Streams without a ticket, in this profile only, so that any load
generator can drive it: each caller is a known guest, and hears an answer to whatever was loud
enough to be speech. Environment: VOICE_PORT (8765; 0 for any), VOICE_MAX_CALLS (200), and the
latencies and words of `fixed_speech.Latencies`. `python -m bench.voice_server`; SIGTERM ends it.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from app.product import Product
from app.settings import load_settings
from app.voice.media import MediaStreams
from app.voice.tickets import Ticket, Tickets
from app.wiring import build
from bench.fixed_speech import FixedModel, FixedVoices, Latencies

TENANT, HOTLINE, CALLER = "bench", "+48221234567", "+48500100200"


class OpenTickets(Tickets):
    """Lets every stream in, as a known guest's call."""

    def __init__(self) -> None:
        self._count = 0

    def take(self, token: str, call_sid: str) -> Ticket:
        """A ticket for whoever comes."""
        self._count += 1
        return Ticket(
            call_sid=f"CA{self._count:06}-{call_sid}",
            tenant_id=TENANT,
            hotline_e164=HOTLINE,
            caller_e164=CALLER,
            is_doubtful=False,
        )


@contextlib.asynccontextmanager
async def served(
    port: int, more: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Product, int]]:
    """The product and the socket's port; `more` are further settings."""
    folder = tempfile.mkdtemp(prefix="nightdesk-voice-")
    latencies = Latencies()
    settings = load_settings(
        None,
        {
            "NIGHTDESK_DATA__DIR": folder,
            "NIGHTDESK_SERVER__PUBLIC_PORT": "0",
            "NIGHTDESK_SERVER__DESK_PORT": "0",
            "NIGHTDESK_PHONE__MAX_CALLS": os.environ.get("VOICE_MAX_CALLS", "200"),
            "NIGHTDESK_VOICE__ACCESS_ASSURANCE": "1",
            **(more or {}),
        },
    )
    product = build(settings, model=FixedModel(latencies), voices=FixedVoices(latencies))
    try:
        async with product.opened():
            await fill(product)
            live: Any = await product.calls.load()
            media = MediaStreams(
                tickets=OpenTickets(), serve=live.serve, clock=product.clock,
                background=product.background,
            )  # fmt: skip
            await live.prepare()

            async def accept(websocket: WebSocket) -> None:
                await media.accept(websocket)

            app = Starlette(routes=[WebSocketRoute("/ws", accept)])
            config = uvicorn.Config(
                app, host="127.0.0.1", port=port, log_config=None, access_log=False,
                ws="websockets-sansio", lifespan="off",
            )  # fmt: skip
            server = uvicorn.Server(config)
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            door = product.background.spawn("voice door", server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            yield product, server.servers[0].sockets[0].getsockname()[1]
            server.should_exit = True
            await asyncio.wait([door], timeout=5)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def fill(product: Product) -> None:
    """One tenant with a hotline, and the guest who calls it."""
    now = product.clock.now()
    await product.tenants.add(TENANT, "Bench Stays")
    await product.tenants.add_account(TENANT, external_id="80001", client_secret="bench")
    tenant = await product.tenants.get(TENANT)
    (account,) = await product.tenants.accounts(TENANT)
    listing = {
        "id": 1042, "name": "Bright flat by the river", "internalListingName": "Loft 3",
        "timeZoneName": "Europe/Warsaw", "countryCode": "PL", "city": "Warsaw",
        "checkInTimeStart": 15, "checkOutTime": 11, "customFieldValues": [],
    }  # fmt: skip
    reservation = {
        "id": 5000, "listingMapId": 1042, "channelId": 2018, "status": "new",
        "arrivalDate": f"{now - timedelta(days=1):%Y-%m-%d}",
        "departureDate": f"{now + timedelta(days=3):%Y-%m-%d}", "isDatesUnspecified": 0,
        "guestName": "Jan Testowy", "phone": CALLER, "guestLocale": "en",
        "confirmationCode": "HMABCD1234", "customFieldValues": [],
        "updatedOn": f"{now:%Y-%m-%d %H:%M:%S}", "latestActivityOn": f"{now:%Y-%m-%d %H:%M:%S}",
    }  # fmt: skip
    await product.mirror.apply_listings(tenant, account, [listing])
    await product.mirror.apply_reservations(tenant, account, [reservation])
    await product.hotlines.set_carrier(TENANT, account_sid="AC-bench", auth_tokens=("bench",))
    await product.hotlines.add(TENANT, HOTLINE, name="Bench Stays", language="en")
    while product.snapshot.find(HOTLINE) is None:
        await asyncio.sleep(0.01)


async def main() -> None:
    """Serve until told to stop."""
    logging.disable(logging.ERROR)  # there is no PMS here, and every pass over it says so
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    async with served(int(os.environ.get("VOICE_PORT", "8765"))) as (_, port):
        print(f"ws://127.0.0.1:{port}/ws", flush=True)
        await over.wait()


if __name__ == "__main__":
    asyncio.run(main())
