"""Prints what became of the guests: promise, how it was broken, what was reached."""

import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.crash.checker import WITHIN_S, Found, Verdict
from bench.crash.ground import Ground

SHOWN = 12
"""Examples of what was broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A form's outcome."""

    form: str
    figures: Mapping[str, tuple[list[float], str]]
    """As `make bench` prints them."""
    is_kept: bool


def show(form: str, seed: int, verdict: Verdict, place: Ground) -> Report:
    """Print the table, examples of what was broken, and what the product complained of."""
    did = Counter(moment.what for moment in place.diary)
    print(f"\nform {form}, seed {seed}: {', '.join(f'{what} {n}' for what, n in did.items())}")
    after = sorted(verdict.after_due_s) or [0.0]
    rows = (
        ("messages from guests", verdict.messages, ""),
        ("of these needed an answer", verdict.needed, ""),
        ("replies that the PMS received", verdict.replies, ""),
        ("alerts that Slack received", verdict.alerts, ""),
        ("lost", verdict.count("lost"), "0"),
        ("duplicate replies", verdict.count("duplicate"), "0"),
        ("stale replies", verdict.count("stale"), "0"),
        ("unasked replies", verdict.count("unasked"), "0"),
        (f"later than window + {WITHIN_S:.0f} s of the restart", verdict.count("late"), "0"),
        ("answered after due: median, s", round(statistics.median(after), 2), ""),
        ("answered after due: p95, s", round(after[int(len(after) * 0.95)], 2), ""),
        ("answered after due: latest, s", round(after[-1], 2), f"{WITHIN_S:.0f}"),
    )
    for name, value, bound in rows:
        print(f"  {name:44} {value!s:>10}  {f'promise {bound}' if bound else ''}")
    show_found(verdict.found)
    show_log(place)
    broken = ("lost", "duplicate", "stale", "unasked", "late")
    figures = {f"crash {form}: {what}": ([float(verdict.count(what))], "") for what in broken}
    figures[f"crash {form}: answered after due"] = (list(after), "s")
    return Report(form=form, figures=figures, is_kept=not verdict.found)


def show_found(found: Sequence[Found]) -> None:
    """Some of each kind of broken promise."""
    for what in dict.fromkeys(one.what for one in found):
        some = [one for one in found if one.what == what]
        for one in some[:SHOWN]:
            print(f"  ✗ {what}: {one.guest}: {one.why}")
        if len(some) > SHOWN:
            print(f"  ✗ {what}: and {len(some) - SHOWN} more")


def show_log(place: Ground) -> None:
    """What the product logged above INFO, counted."""
    counts: Counter[str] = Counter()
    for line in place.log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            counts[f"no JSON: {line[:80]}"] += 1
            continue
        if str(entry.get("level")).lower() not in ("debug", "info"):
            counts[f"{entry.get('level')} {entry.get('message') or entry.get('msg')}"] += 1
    print("  the product's log:")
    for what, count in counts.most_common(20):
        print(f"    {count:6} {what}")
