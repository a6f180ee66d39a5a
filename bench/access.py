"""Access against the oracle of the tests, over many more worlds than tests have time for.

`NIGHTDESK_WORLDS=200000 python -m bench access` tries so many; seeds that differ are printed.
"""

import os
import time

from app.pms.stay import Stay, assemble
from tests.oracle import TAKEN
from tests.worlds import World, a_world, listing_of, reservation_of, tenant_of

FIRST_SEED = 1_000_000
ROUNDS = 5
STAYS = 300


def stay_in(world: World) -> Stay:
    standing = [b for b in world.others if b.status in TAKEN and not b.has_no_dates]
    return assemble(
        tenant_of(world.rules),
        1,
        reservation_of(world.own),
        listing_of(world.rules),
        neighbours=[reservation_of(booked) for booked in standing],
        now=world.now,
    )


def is_as_designed(world: World) -> bool:
    stay, expected = stay_in(world), world.expected
    shown = stay.deliverable.get("door_code")
    return stay.access.allowed == expected.may_have_codes and shown == expected.code


async def measure() -> dict[str, tuple[list[float], str]]:
    count = int(os.environ.get("NIGHTDESK_WORLDS", "50000"))
    seeds = range(FIRST_SEED, FIRST_SEED + count)
    wrong = [seed for seed in seeds if not is_as_designed(a_world(seed))]
    if wrong:
        print(f"not as designed: {wrong[:20]}")
    worlds = [a_world(seed) for seed in range(STAYS)]
    figures = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for world in worlds:
            stay_in(world)
        figures.append((time.perf_counter() - began) / STAYS * 1e6)
    return {
        f"of {count} worlds not as designed": ([float(len(wrong))], "worlds"),
        "a world's records made, its access decided": (figures, "us"),
    }
