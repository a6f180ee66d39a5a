"""20,000 generated inputs against doors, templates, conditions, rows, settings and words.

Nothing may answer 5xx, raise what is not ours, get stuck, or take the loop for long: the figures
are milliseconds of the processor a single input. The same inputs for the same FUZZ_SEED; FUZZ_SCALE
makes more or fewer of them.
"""

import asyncio
import gc
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from app.embedded import EmbeddedServers
from tests import properties, wild
from tests.described import case_holds, described_cases
from tests.doors import Doors, opened_doors
from tests.strangers import ask_desk, desk_requests

SEED = int(os.environ.get("FUZZ_SEED", "1"))
SCALE = float(os.environ.get("FUZZ_SCALE", "1"))
BATCH = 50
"""Wild events between two good messages."""
SHOWN = 3
"""Failures of a target that are printed."""


@dataclass(kw_only=True)
class Tally:
    """What came of one target's inputs."""

    took_ms: list[float] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    failures: list[str] = field(default_factory=list)

    def count(self, took_ms: float, what: Any) -> None:
        self.took_ms.append(took_ms)
        if took_ms > self.slowest[0]:
            self.slowest = (took_ms, repr(what)[:300])


def each(
    name: str, inputs: st.SearchStrategy[Any], most: int, judge: Callable[[Any], Any]
) -> Tally:
    """So many inputs, each judged; what is raised is counted and does not end the run."""
    tally = Tally()

    @seed(SEED)
    @settings(
        max_examples=max(1, int(most * SCALE)), phases=[Phase.generate], database=None,
        deadline=None, suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
    )  # fmt: skip
    @given(inputs)
    def run(value: Any) -> None:
        gc.disable()  # what Hypothesis leaves behind is not the product's to clear away
        began = time.process_time()
        try:
            took_ms = judge(value)
        except Exception as exc:
            tally.failures.append(f"{type(exc).__name__}: {exc}: {value!r}"[:600])
            took_ms = None
        measured = (time.process_time() - began) * 1000
        gc.enable()
        tally.count(took_ms if isinstance(took_ms, float) else measured, value)

    run()
    print(f"{name}: {len(tally.took_ms)} inputs, {len(tally.failures)} failures")
    print(f"  slowest {tally.slowest[0]:.1f} ms: {tally.slowest[1]}")
    for failure in tally.failures[:SHOWN]:
        print(f"  FAILURE {failure}")
    return tally


def pure(tallies: dict[str, Tally]) -> None:
    """What needs no door."""
    pairs = st.tuples
    tallies["templates"] = each(
        "templates", pairs(wild.templates() | wild.raw_templates, wild.variables), 3_500,
        lambda drawn: properties.template_holds(*drawn),
    )  # fmt: skip
    tallies["conditions"] = each(
        "conditions", pairs(wild.wild_conditions, wild.documents), 3_500,
        lambda drawn: properties.condition_holds(*drawn),
    )  # fmt: skip
    for kind, rows in (
        ("listing", wild.listings), ("reservation", wild.reservations), ("message", wild.messages)
    ):  # fmt: skip
        tallies[f"rows: {kind}"] = each(
            f"rows: {kind}", rows, 800, lambda row, kind=kind: properties.row_holds(kind, row)
        )
    tallies["settings"] = each("settings", wild.environments, 1_200, properties.environment_holds)
    tallies["guests' words"] = each("guests' words", wild.guest_words(), 800, properties.words_hold)
    tallies["models' words"] = each(
        "models' words", wild.guest_words(), 800, properties.answer_holds
    )


def at_doors(doors: Doors, runner: asyncio.Runner, tallies: dict[str, Tally]) -> list[str]:
    """What goes through the doors; the good messages that were sent in between."""
    good: list[str] = []

    def deliver(raw: bytes) -> float:
        answer = runner.run(doors.deliver(raw))
        properties.event_holds(raw, answer)
        if doors.statuses.total() % BATCH == 0:
            good.append(runner.run(doors.deliver_good()))
            runner.run(doors.drain())
        return answer.cpu_ms

    tallies["webhook bodies"] = each("webhook bodies", wild.bodies(), 5_000, deliver)
    for with_login in (True, False):
        name = f"described requests, {'with' if with_login else 'without'} login"
        tallies[name] = each(
            name, described_cases(), 1_000,
            lambda case, known=with_login: runner.run(
                case_holds(doors, case, with_login=known)
            ).cpu_ms,
        )  # fmt: skip
    tallies["desk requests"] = each(
        "desk requests", desk_requests(), 1_200,
        lambda request: runner.run(ask_desk(doors, request)).cpu_ms,
    )  # fmt: skip
    tallies["tenants' values"] = each(
        "tenants' values", wild.tenant_overrides, 1_200,
        lambda values: properties.overrides_hold(doors.product.tenants, values),
    )  # fmt: skip
    return good


def run_all(servers: EmbeddedServers, folder: Path) -> dict[str, Tally]:
    """Everything, in a loop of its own."""
    tallies: dict[str, Tally] = {}
    properties.words_hold("What is loaded once is loaded now.")
    properties.answer_holds("The process does so at its start.")
    pure(tallies)
    with asyncio.Runner() as runner:
        urls = runner.run(servers.start())
        opening = opened_doors(urls, folder)
        doors = runner.run(opening.__aenter__())
        runner.run(ask_desk(doors, {"method": "GET", "path": "/cases"}))
        good = at_doors(doors, runner, tallies)
        runner.run(doors.drain())
        stuck = runner.run(doors.open_rows())
        lost = [one for one in good if not runner.run(doors.is_turn(one))]
        runner.run(opening.__aexit__(None, None, None))
        runner.run(servers.stop())
    statuses: Counter[int] = doors.statuses
    broken = sum(count for status, count in statuses.items() if status >= 500)
    inputs = sum(len(tally.took_ms) for tally in tallies.values())
    failures = sum(len(tally.failures) for tally in tallies.values())
    print(f"{inputs} inputs in all, seed {SEED}")
    print(f"answers: {dict(sorted(statuses.items()))}, of them 5xx: {broken}")
    print(f"unhandled or wrong: {failures}")
    print(f"stuck or failed inbox rows: {len(stuck)} {stuck[:SHOWN]}")
    print(f"good messages in between: {len(good)}, of them lost: {len(lost)} {lost[:SHOWN]}")
    return tallies


async def measure() -> dict[str, tuple[list[float], str]]:
    folder = Path(tempfile.mkdtemp(prefix="nightdesk-fuzz-"))
    servers = EmbeddedServers(
        data_dir=folder, postgres_bin_dir=None, redis_bin=None, wants_postgres=True,
        wants_redis=True,
    )  # fmt: skip
    try:
        tallies = await asyncio.to_thread(run_all, servers, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {f"fuzz: {name}": (tally.took_ms, "ms CPU") for name, tally in tallies.items()}
