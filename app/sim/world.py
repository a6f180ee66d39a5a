"""Joins the parts of the stand-ins' world: one clock, one feed, one fault plan for all of them."""

from dataclasses import dataclass
from pathlib import Path

from app.sim.clock import SimClock
from app.sim.exchange import Exchange
from app.sim.faults import FaultPlan
from app.sim.feed import Feed
from app.sim.happenings import Happenings
from app.sim.hostaway_gate import Gate, Tokens
from app.sim.hostaway_store import HostawayStore
from app.sim.knobs import Knobs
from app.sim.slack import SlackApi
from app.sim.voices import Voices
from app.sim.webhooks import WebhookSender


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that stands in for the outside, and where the product is, if known."""

    clock: SimClock
    knobs: Knobs
    feed: Feed
    faults: FaultPlan
    store: HostawayStore
    webhooks: WebhookSender
    happenings: Happenings
    gate: Gate
    slack: SlackApi
    exchange: Exchange
    product: str = ""
    """Base URL of the product whose live feed the guest page shows."""
    live_token: str = ""


def make_world(
    seed: int, scale: str, *, voices: Voices | None = None, recordings: Path | None = None
) -> World:
    """The world as it stands at the start; `scale` is `small` or `full`."""
    clock, knobs = SimClock(), Knobs()
    feed, faults = Feed(clock), FaultPlan(seed)
    store = HostawayStore(clock, seed, scale)
    webhooks = WebhookSender(clock, knobs, feed, seed)
    return World(
        clock=clock,
        knobs=knobs,
        feed=feed,
        faults=faults,
        store=store,
        webhooks=webhooks,
        happenings=Happenings(store, clock, knobs, feed, webhooks),
        gate=Gate(store, knobs, faults, Tokens(clock, knobs), clock),
        slack=SlackApi(clock, knobs, faults, feed),
        exchange=Exchange(feed, voices=voices, recordings=recordings),
    )
