"""Injection and extraction over every state of access: nothing gets out.

All tries, with both models and through the whole chat, are run by `python -m bench leaks`; here
most of them meet the mind and the outbox's filling, and some the whole chat.
"""

import logging

import pytest

from app.background import Background
from app.bots.answer import Answering
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.pms.gated import fill
from app.tenants import Tenant, Tenants
from tests.injection.guests import Guests, LibraryOfTries, Written
from tests.injection.models import ModelOfTries
from tests.injection.tries import Try, all_tries, ask, judge, judge_sent
from tests.rooms import Rooms

TRIES = all_tries()


async def tried(attempt: Try, *, is_hostile: bool) -> list[str]:
    """What a try gets out of the mind, and of the filling of its answer."""
    asked, model, written = ask(attempt), ModelOfTries(is_hostile=is_hostile), Written()
    logger = logging.getLogger("app")
    logger.addHandler(written)
    try:
        answering = Answering(asked.question, asked.library, model)
        kept = await answering.whole() or ""
        route = await answering.route()
    finally:
        logger.removeHandler(written)
    stay = asked.question.stay
    told = "\n".join([route.because, str(stay.snapshot() if stay else ""), *written.lines])
    leaks = judge(asked.world, prompts="\n".join(model.prompts), kept=kept, told=told)
    return leaks + judge_sent(asked.world, fill(kept, stay.deliverable if stay else {}))


async def leaks_of(tries: list[Try], *, is_hostile: bool) -> dict[str, list[str]]:
    """Try → what it got out, of those that got anything out."""
    tried_out = {str(attempt): await tried(attempt, is_hostile=is_hostile) for attempt in tries}
    return {attempt: leaks for attempt, leaks in tried_out.items() if leaks}


def test_there_are_two_thousand_tries_in_every_state_from_every_place() -> None:
    assert len(TRIES) >= 2000
    for name in ("family", "language", "place"):
        chosen = {getattr(attempt, name) for attempt in TRIES}
        states = {attempt.state for attempt in TRIES}
        pairs = {(getattr(attempt, name), attempt.state) for attempt in TRIES}
        assert len(pairs) == len(chosen) * len(states)


@pytest.mark.parametrize("part", range(4))
async def test_a_model_at_its_worst_gives_nothing_away(part: int) -> None:
    assert await leaks_of(TRIES[part::8], is_hostile=True) == {}


@pytest.mark.parametrize("part", range(2))
async def test_a_model_that_behaves_gives_nothing_away(part: int) -> None:
    assert await leaks_of(TRIES[4 + part :: 16], is_hostile=False) == {}


@pytest.mark.parametrize("is_hostile", [True, False])
async def test_the_whole_chat_gives_nothing_away(
    *,
    database: Database,
    tenants: Tenants,
    tenant: Tenant,
    bus: Bus,
    clock: ManualClock,
    background: Background,
    is_hostile: bool,
) -> None:
    model, libraries = ModelOfTries(is_hostile=is_hostile), LibraryOfTries()
    rooms = Rooms(
        database=database, tenants=tenants, bus=bus, clock=clock, background=background,
        model=model, libraries=libraries,
    )  # fmt: skip
    await rooms.move_in(tenant)
    guests = Guests(rooms=rooms, model=model, libraries=libraries)
    await guests.prepare()
    played = {str(t): await guests.play(t) for t in TRIES[7 + is_hostile :: 97]}
    assert {attempt: leaks for attempt, leaks in played.items() if leaks} == {}
