"""What happened in a thread, told in order from two feeds: the stand-ins' own and the product's.

Pure. An event is a dict with `at` (aware), `from` (`sim` or `product`), `type` and its own fields.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from app.sim.stage import Line

Event = dict[str, Any]

MODEL = "model: stand-in"
"""Said of every decision that a model had a part in."""
_CERTAIN = "certain"
"""How the reason of a decision begins that needed no model; the phrase it matched follows."""
_WRITERS = {
    "guest": "guest",
    "api": "reply",
    "human": "operator",
    "automation": "automat",
    "channel": "channel",
}
"""Origin of a message in the PMS → how its line is called."""


def of_thread(events: Iterable[Event], thread: int) -> list[Event]:
    """The events of one thread of the PMS, in order of time."""
    events = list(events)
    ids = {event["message"] for event in messages_in(events, thread)}
    return sorted(
        (event for event in events if _is_of(event, thread, ids)), key=lambda event: event["at"]
    )


def messages_in(events: Iterable[Event], thread: int, origin: str = "") -> list[Event]:
    """What was written in a thread, by anybody or by one kind of writer."""
    return [
        event
        for event in events
        if event["from"] == "sim"
        and event["type"] == "message"
        and event["conversation"] == thread
        and origin in ("", event["origin"])
    ]


def told_of(events: Iterable[Event], thread: int, kind: str) -> list[Event]:
    """What the product's feed told of a thread, of one type such as `debounce` or `decision`."""
    return [
        event
        for event in events
        if event["from"] == "product"
        and event["type"] == kind
        and event.get("thread") == str(thread)
    ]


def lines_of(events: Sequence[Event], began_at: datetime) -> list[Line]:
    """A thread's events as lines; times count from the beginning of the scene."""
    seconds, took_ms = _since(began_at), latencies_ms(events)
    lines: list[Line] = []
    for event in events:
        label, text = _words_of(event, seconds)
        if not label:
            continue
        if event["type"] == "message" and event["message"] in took_ms:
            text += f"\n[{took_ms[event['message']]} ms after the quiet window]"
        lines.append(Line(at_s=seconds(event["at"]), label=label, text=text))
    return lines


def latencies_ms(events: Sequence[Event]) -> dict[int, int]:
    """From the end of each quiet window to the reply that followed, by the reply's message id."""
    found: dict[int, int] = {}
    due_at: datetime | None = None
    for event in events:
        if event["type"] == "debounce":
            due_at = datetime.fromisoformat(event["due_at"])
        if event["type"] == "message" and event["origin"] == "api" and due_at is not None:
            took = event["at"] - due_at
            found[event["message"]] = max(0, round(took.total_seconds() * 1000))
            due_at = None
    return found


def answered_by(decision: Event) -> str:
    """Who found the answer: a bot by its name, or a rule that needed no model."""
    if decision.get("bot"):
        return str(decision["bot"])
    because = str(decision.get("because", ""))
    if because.startswith(_CERTAIN):
        return "facts"
    return "urgent words" if because.startswith("urgent") else "rule"


def _is_of(event: Event, thread: int, message_ids: set[int]) -> bool:
    if event["from"] == "product":
        return event.get("thread") == str(thread)
    if event["type"] == "message":
        return bool(event["conversation"] == thread)
    return event["type"] == "webhook.delivered" and (
        event["event"] == "message.received" and event["object_id"] in message_ids
    )


def _words_of(event: Event, seconds: Callable[[datetime], float]) -> tuple[str, str]:
    """(label, text) of an event's line; an empty label where it is not told."""
    match event["type"]:
        case "message":
            return _WRITERS[event["origin"]], event["body"]
        case "webhook.delivered":
            return (
                "webhook",
                f"{event['event']} answered {event['status']} in {event['took_ms']} ms",
            )
        case "debounce":
            due_s = seconds(datetime.fromisoformat(event["due_at"]))
            return "debounce", f"waits for quiet until {due_s:+.1f} s"
        case "decision":
            return "decision", decision_words(event)
        case _:
            return "", ""


def decision_words(event: Event) -> str:
    """A decision in one line."""
    parts = [f"{event.get('action_code') or 'no code'} → {event['outcome']}"]
    if event.get("bot"):
        parts.append(f"bot {event['bot']}")
    if event.get("score") is not None:
        parts.append(f"score {event['score']:.2f}")
    because = str(event["because"])
    parts.append("certain of what is asked" if because.startswith(_CERTAIN) else because)
    parts.append(MODEL if event.get("bot") else "no model asked")
    return " · ".join(parts)


def _since(began_at: datetime) -> Callable[[datetime], float]:
    return lambda moment: (moment - began_at).total_seconds()
