"""Slots: bounded, the tenants in turn, room left for whoever comes next."""

import asyncio
import random
from collections import Counter

import pytest

from app.slots import Slots


class Work:
    """Asks for slots, holds what it got until told to let go, and keeps the order of starts."""

    def __init__(self, limit: int) -> None:
        self.slots = Slots(limit)
        self.started: list[str] = []
        self.running: list[tuple[str, asyncio.Event, asyncio.Task[None]]] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def asks(self, tenant_id: str, times: int = 1) -> None:
        for _ in range(times):
            self.tasks.append(asyncio.get_running_loop().create_task(self._work(tenant_id)))
        await settle()

    async def ends(self, tenant_id: str) -> None:
        """The tenant's oldest piece of work ends."""
        found = next(one for one in self.running if one[0] == tenant_id)
        self.running.remove(found)
        found[1].set()
        await settle()

    def held(self) -> Counter[str]:
        return Counter(tenant_id for tenant_id, _, _ in self.running)

    async def _work(self, tenant_id: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        async with self.slots.of(tenant_id):
            self.started.append(tenant_id)
            may_end = asyncio.Event()
            self.running.append((tenant_id, may_end, task))
            await may_end.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_tenant_alone_gets_two_thirds() -> None:
    work = Work(10)
    await work.asks("a", 500)
    assert work.held() == {"a": 7}


async def test_whoever_comes_next_starts_at_once_however_much_somebody_else_has_waiting() -> None:
    work = Work(10)
    await work.asks("a", 500)
    await work.asks("b")
    assert work.started[-1] == "b"
    assert work.slots.waiting("a") == 493


async def test_tenants_take_turns_as_slots_come_free() -> None:
    work = Work(4)
    await work.asks("a", 20)
    await work.asks("b", 20)
    await work.asks("c", 20)
    del work.started[:]
    for _ in range(9):
        await work.ends(work.held().most_common()[0][0])
    assert Counter(work.started[:9]) == {"a": 3, "b": 3, "c": 3}


async def test_one_tenants_work_starts_in_the_order_of_asking() -> None:
    slots, started = Slots(1), []

    async def work(number: int) -> None:
        async with slots.of("a"):
            started.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(20)))
    assert started == list(range(20))


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_even_the_fewest_slots_serve_everybody(limit: int) -> None:
    work = Work(limit)
    for tenant_id in "abc":
        await work.asks(tenant_id, 3)
    while work.running:
        await work.ends(work.running[0][0])
    assert Counter(work.started) == {"a": 3, "b": 3, "c": 3}


async def test_cancelled_work_leaves_no_slot_taken_and_nobody_waiting() -> None:
    dice = random.Random(7)
    for _ in range(30):
        work = Work(5)
        for _ in range(40):
            await work.asks(dice.choice("abc"))
            if dice.random() < 0.6:
                dice.choice(work.tasks).cancel()
            if dice.random() < 0.3 and work.running:
                one = work.running.pop(dice.randrange(len(work.running)))
                one[1].set()
        for task in work.tasks:
            task.cancel()
        await asyncio.gather(*work.tasks, return_exceptions=True)
        fresh = Work(5)
        fresh.slots = work.slots
        await fresh.asks("d", 9)
        assert fresh.held() == {"d": 4}
        assert [fresh.slots.waiting(tenant_id) for tenant_id in "abc"] == [0, 0, 0]


async def test_a_turn_given_to_a_cancelled_one_goes_to_the_next() -> None:
    work = Work(1)
    await work.asks("a")
    await work.asks("b")
    await work.asks("c")
    held = work.running.pop()
    held[1].set()
    work.tasks[1].cancel()
    await settle()
    assert work.started == ["a", "c"]
