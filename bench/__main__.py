"""Runs the named measurements, or all of them, and prints median, minimum and maximum."""

import asyncio
import statistics
import sys
from collections.abc import Awaitable, Callable

from bench import (
    access,
    calls,
    context,
    flood,
    fuzz,
    human_speech,
    leaks,
    mind,
    process,
    replies,
    voice,
    voice_latency,
    webhook,
)  # fmt: skip
from bench.crash import forms as crash

Measurement = Callable[[], Awaitable[dict[str, tuple[list[float], str]]]]
MEASUREMENTS: dict[str, Measurement] = {
    "process": process.measure,
    "mind": mind.measure,
    "access": access.measure,
    "calls": calls.measure,
    "webhook": webhook.measure,
    "replies": replies.measure,
    "context": context.measure,
    "fuzz": fuzz.measure,
    "leaks": leaks.measure,
    "flood": flood.measure,
    "crash": crash.measure,
    "voice": voice.measure,
    "voice_latency": voice_latency.measure,
    "human_speech": human_speech.measure,
}


def show(name: str, values: list[float], unit: str) -> None:
    """One line: median (min to max) of so many."""
    print(
        f"{name:58} {statistics.median(values):10.3f} {unit:12} "
        f"({min(values):.3f} to {max(values):.3f}, n={len(values)})"
    )


def main() -> None:
    """Every measurement asked for."""
    for name in sys.argv[1:] or list(MEASUREMENTS):
        for what, (values, unit) in asyncio.run(MEASUREMENTS[name]()).items():
            show(what, values, unit)


main()
