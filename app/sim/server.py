"""Builds the one app of the stand-ins: every outside API under its own path, `/sim` to rule them.

Paths: `/hostaway/v1`, `/slack/api`, `/twilio/2010-04-01`, `/sim`; `__main__` adds `/openai/v1`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from app.sim.answers import TRANSPORT, fail
from app.sim.control import Control
from app.sim.control_hostaway import HostawayControl
from app.sim.hostaway import HostawayApi
from app.sim.hostaway_desk import HostawayDesk
from app.sim.hostaway_threads import HostawayThreads
from app.sim.pages_server import Pages
from app.sim.phone import Phone
from app.sim.twilio import TwilioApi
from app.sim.twilio_rows import API_VERSION
from app.sim.voices import Voices
from app.sim.world import World, make_world

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class SimApp(Starlette):
    """The app; it lets an answer reach the connection's transport, to cut it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the transport in the scope; uvicorn's `send` belongs to the request's cycle."""
        if scope["type"] == "http":
            cycle = getattr(send, "__self__", None)
            scope[TRANSPORT] = getattr(cycle, "transport", None)
        await super().__call__(scope, receive, send)


def build_app(
    seed: int = 1,
    scale: str = "small",
    *,
    product: str = "",
    live_token: str = "",
    voices: Voices | None = None,
    recordings: Path | None = None,
    more: Sequence[BaseRoute] = (),
) -> Starlette:
    """The stand-ins in one app, with `app.state.world` for those in the same process.

    Args:
        seed: the same seed makes the same homes, guests and stays (relative to today).
        scale: `small` for 120 reservations, `full` for 3,000.
        product: base URL of the product whose live feed the guest page follows.
        live_token: what that feed asks for.
        voices: who speaks for scripted callers.
        recordings: folder where calls are kept as stereo files; none: in memory only.
        more: further outside APIs to mount.
    """
    world = make_world(seed, scale, voices=voices, recordings=recordings)
    world.product, world.live_token = product, live_token
    hostaway_control = HostawayControl(world)
    carrier = TwilioApi(world.exchange, world.faults)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await world.webhooks.start()
        yield
        world.feed.close()
        hostaway_control.stop()
        await world.webhooks.stop()
        await world.exchange.stop()

    async def to_index(request: Request) -> Response:
        return RedirectResponse("/sim/")

    app = SimApp(
        routes=[
            Route("/", to_index),
            Route("/sim", to_index),
            Mount("/hostaway/v1", routes=_hostaway_routes(world)),
            Mount("/slack/api", routes=world.slack.routes()),
            Mount(f"/twilio/{API_VERSION}", routes=carrier.routes()),
            Mount("/sim/phone", routes=Phone(world).routes()),
            Mount("/sim/hostaway", routes=hostaway_control.routes()),
            Mount("/sim", routes=[*Control(world).routes(), *Pages(world).routes()]),
            *more,
        ],
        lifespan=lifespan,
    )
    app.state.world = world
    return app


def _hostaway_routes(world: World) -> list[BaseRoute]:
    gate, happenings, faults = world.gate, world.happenings, world.faults

    async def unknown(request: Request) -> Response:
        return fail(404, "Not found")

    return [
        *HostawayApi(gate, happenings, faults, world.knobs, world.clock).routes(),
        *HostawayThreads(world.store, gate, happenings, faults, world.clock).routes(),
        *HostawayDesk(gate, world.webhooks, world.knobs, world.clock).routes(),
        Route("/{rest:path}", gate.open_endpoint("unknown", unknown), methods=list(_METHODS)),
    ]
