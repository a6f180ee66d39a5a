import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pms.rate import RateLimiter, asked_pause_s

NOW = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
Name = int | str


class Timeline:
    """Made-up time: it jumps to the next sleeper once everybody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._count = 0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        self._count += 1
        heapq.heappush(self._sleepers, (self.now + seconds, self._count, woken))
        await woken.wait()

    async def settle(self) -> None:
        for _ in range(60):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Move on, stopping at every sleeper on the way."""
        until = self.now + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self.now = self._sleepers[0][0]
            while self._sleepers and self._sleepers[0][0] <= self.now:
                heapq.heappop(self._sleepers)[2].set()
            await self.settle()
        self.now = until


class Queue:
    """Askers in their own tasks, and when each one was let through."""

    def __init__(self, *, ip: int = 5, account: int = 100, window_s: float = 10.0) -> None:
        self.time = Timeline()
        self.limiter = RateLimiter(
            ip_requests=ip,
            account_requests=account,
            window_s=window_s,
            monotonic=self.time.monotonic,
            sleep=self.time.sleep,
        )
        self.started: list[tuple[Name, str, float]] = []
        self.tasks: dict[Name, asyncio.Task[None]] = {}

    def ask(
        self, name: Name, account: str = "a", *, is_urgent: bool = False, is_send: bool = False
    ) -> None:
        async def run() -> None:
            await self.limiter.wait_turn(account, is_urgent=is_urgent, is_send=is_send)
            self.started.append((name, account, self.time.now))

        self.tasks[name] = asyncio.get_running_loop().create_task(run())

    def names(self) -> list[Name]:
        return [name for name, _, _ in self.started]

    async def close(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    line = Queue()
    yield line
    await line.close()


async def test_urgent_requests_fill_the_window_and_the_next_one_waits_for_the_first_to_age(
    queue: Queue,
) -> None:
    for name in range(6):
        queue.ask(name, is_urgent=True)
    await queue.time.advance(9.99)
    assert queue.names() == [0, 1, 2, 3, 4]
    await queue.time.advance(0.01)
    assert queue.names() == [0, 1, 2, 3, 4, 5]


async def test_sync_leaves_room_so_that_an_urgent_request_starts_at_once(queue: Queue) -> None:
    for name in range(5):
        queue.ask(f"sync {name}")
    await queue.time.settle()
    assert queue.names() == ["sync 0", "sync 1"]
    queue.ask("send", is_urgent=True)
    await queue.time.settle()
    assert queue.names()[-1] == "send"


async def test_urgent_work_that_came_last_goes_before_sync_that_waits(queue: Queue) -> None:
    for name in range(5):
        queue.ask(name, is_urgent=True)
    await queue.time.settle()
    queue.ask("sync")
    await queue.time.advance(1)
    queue.ask("send", is_urgent=True)
    await queue.time.advance(8.99)
    assert queue.names()[5:] == []
    await queue.time.advance(0.01)
    assert queue.names()[5:] == ["send", "sync"]


async def test_a_reply_that_came_last_goes_before_urgent_reads_that_wait(queue: Queue) -> None:
    for name in range(7):
        queue.ask(name, is_urgent=True)
    await queue.time.advance(1)
    queue.ask("send", is_urgent=True, is_send=True)
    await queue.time.advance(9)
    assert queue.names()[5:] == ["send", 5, 6]


async def test_sync_is_served_in_order_of_arrival(queue: Queue) -> None:
    for name in range(9):
        queue.ask(name)
    await queue.time.advance(40)
    assert queue.names() == list(range(9))


async def test_one_account_never_exceeds_its_own_limit_and_holds_nobody_up() -> None:
    line = Queue(ip=50, account=2)
    for name in range(3):
        line.ask(f"a{name}", "a", is_urgent=True)
    line.ask("b0", "b", is_urgent=True)
    await line.time.settle()
    assert line.names() == ["a0", "a1", "b0"]
    await line.time.advance(10)
    assert line.names() == ["a0", "a1", "b0", "a2"]
    await line.close()


async def test_a_cancelled_waiter_leaves_nothing_behind(queue: Queue) -> None:
    for name in range(5):
        queue.ask(name, is_urgent=True)
    queue.ask("given up", is_urgent=True)
    queue.ask("next", is_urgent=True)
    await queue.time.advance(1)
    queue.tasks["given up"].cancel()
    await queue.time.advance(9)
    assert queue.names()[5:] == ["next"]
    assert queue.limiter.waiting == 0


async def test_a_paused_account_waits_while_another_goes_on(queue: Queue) -> None:
    queue.limiter.pause("a", 3)
    queue.ask("a", "a", is_urgent=True)
    queue.ask("b", "b", is_urgent=True)
    await queue.time.advance(2.99)
    assert queue.names() == ["b"]
    await queue.time.advance(0.01)
    assert queue.names() == ["b", "a"]


async def test_a_pause_without_an_account_stops_everybody(queue: Queue) -> None:
    queue.limiter.pause(None, 3)
    queue.ask("a", "a", is_urgent=True)
    await queue.time.advance(2.99)
    assert queue.names() == []
    await queue.time.advance(0.01)
    assert queue.names() == ["a"]


async def test_a_shorter_pause_does_not_end_a_longer_one(queue: Queue) -> None:
    queue.limiter.pause("a", 5)
    queue.limiter.pause("a", 1)
    queue.ask("a", "a", is_urgent=True)
    await queue.time.advance(4.99)
    assert queue.names() == []


async def test_an_account_that_is_alone_uses_the_whole_window() -> None:
    line = Queue(ip=14)
    for name in range(20):
        line.ask(name, "loud", is_urgent=True)
    await line.time.settle()
    assert len(line.started) == 14
    await line.close()


async def known_to_each_other(*accounts: str) -> Queue:
    """A window of 14 that several accounts have used before, long ago."""
    line = Queue(ip=14)
    for account in accounts:
        line.ask(f"{account} before", account)
    await line.time.advance(100)
    line.started.clear()
    return line


async def test_a_flood_leaves_a_fifth_of_the_window_to_the_other_accounts() -> None:
    line = await known_to_each_other("loud", "quiet")
    for name in range(200):
        line.ask(name, "loud", is_urgent=True)
    await line.time.advance(9.9)
    assert len(line.started) == 12
    for name in range(4):
        line.ask(f"quiet {name}", "quiet", is_urgent=True)
    await line.time.settle()
    assert line.names()[-2:] == ["quiet 0", "quiet 1"]
    await line.time.advance(0.2)
    assert line.names()[-2:] == ["quiet 2", "quiet 3"]
    await line.close()


async def test_a_flood_comes_to_start_evenly_so_that_room_comes_evenly_too() -> None:
    line = await known_to_each_other("loud", "quiet")
    for name in range(200):
        line.ask(name, "loud", is_urgent=True)
    await line.time.advance(100)
    moments = [at for _, _, at in line.started]
    assert moments[:4] == [moments[0]] * 4
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments[-30:])]
    assert (min(gaps), max(gaps)) == pytest.approx((10 / 12, 10 / 12))
    await line.close()


async def test_accounts_that_all_have_much_to_ask_take_turns() -> None:
    line = await known_to_each_other("a", "b", "c")
    for account in "abc":
        for number in range(100):
            line.ask(f"{account}{number}", account, is_urgent=True)
    await line.time.advance(100)
    counts = [sum(account == one for _, account, _ in line.started) for one in "abc"]
    assert max(counts) - min(counts) <= 6
    assert sum(counts) >= 110
    await line.close()


async def test_what_sync_has_used_is_not_held_against_the_accounts_guests() -> None:
    line = await known_to_each_other("busy", "quiet")
    for name in range(30):
        line.ask(f"sync {name}", "busy")
    await line.time.advance(9)
    taken = len(line.started)
    assert taken == 7
    for name in range(3):
        line.ask(f"guest {name}", "busy", is_urgent=True)
    await line.time.settle()
    assert line.names()[taken:] == ["guest 0", "guest 1", "guest 2"]
    await line.close()


async def test_sync_steps_back_for_guests_but_never_stops() -> None:
    line = Queue(ip=15)
    for name in range(90):
        line.ask(f"sync {name}")
    await line.time.settle()
    assert len(line.started) == 7
    for number in range(30):
        line.ask(number, is_urgent=True)
        await line.time.advance(2)
    waited = [at - (1000 + 2 * name) for name, _, at in line.started if isinstance(name, int)]
    assert (len(waited), max(waited)) == (30, 0)
    for name in range(30, 200):
        line.ask(name, is_urgent=True)
    await line.time.advance(100)
    syncs = [at for name, _, at in line.started if isinstance(name, str)]
    assert 10 <= len([at for at in syncs if 1010 <= at < 1060]) <= 15
    assert len([at for at in syncs if 1090 <= at < 1150]) == 6
    await line.close()


async def test_a_limit_of_one_still_lets_sync_through() -> None:
    line = Queue(ip=1, account=1)
    line.ask("sync")
    await line.time.settle()
    assert line.names() == ["sync"]
    await line.close()


@settings(max_examples=60, deadline=None)
@given(
    asks=st.lists(
        st.tuples(st.floats(min_value=0, max_value=6), st.sampled_from("abc"), st.booleans()),
        min_size=1,
        max_size=25,
    ),
    ip=st.integers(1, 6),
    account=st.integers(1, 4),
)
def test_no_window_ever_holds_more_starts_than_allowed(
    asks: list[tuple[float, str, bool]], ip: int, account: int
) -> None:
    async def run() -> list[tuple[Name, str, float]]:
        line = Queue(ip=ip, account=account)
        for name, (gap, who, is_urgent) in enumerate(asks):
            await line.time.advance(gap)
            line.ask(name, who, is_urgent=is_urgent)
        await line.time.advance(20.0 * len(asks) + 10)  # an account paced beside another
        assert len(line.started) == len(asks)
        await line.close()
        return line.started

    started = asyncio.run(run())
    groups = [(ip, [at for _, _, at in started])]
    groups += [(account, [at for _, who, at in started if who == one]) for one in "abc"]
    for limit, moments in groups:
        for earlier, later in zip(moments, moments[limit:], strict=False):
            assert earlier + 10.0 <= later


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("Tue, 14 Apr 2026 12:00:07 GMT", 7.0),
        ("Tue, 14 Apr 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("", None),
        (None, None),
    ],
)
def test_a_pause_is_read_from_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert asked_pause_s(header, NOW) == seconds
