"""What happened in a thread, from both feeds."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.sim.timeline import (
    answered_by,
    decision_words,
    latencies_ms,
    lines_of,
    messages_in,
    of_thread,
    told_of,
)

BEGAN = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
THREAD = 670_001_501


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def message(seconds: float, origin: str, body: str, number: int, thread: int = THREAD) -> Any:
    return {
        "from": "sim", "type": "message", "at": at(seconds), "conversation": thread,
        "origin": origin, "body": body, "message": number,
    }  # fmt: skip


def delivered(seconds: float, number: int, event: str = "message.received") -> Any:
    return {
        "from": "sim", "type": "webhook.delivered", "at": at(seconds), "event": event,
        "object_id": number, "status": 200, "took_ms": 4.5,
    }  # fmt: skip


def told(seconds: float, kind: str, **more: Any) -> Any:
    return {"from": "product", "type": kind, "at": at(seconds), "thread": str(THREAD), **more}


def debounce(seconds: float, due_s: float) -> Any:
    return told(seconds, "debounce", due_at=at(due_s).isoformat())


def decision(seconds: float, **more: Any) -> Any:
    fields = {
        "action_code": "PARKING_QUESTION", "outcome": "reply", "bot": "Basia", "score": 0.98,
        "because": "Routing chose PARKING_QUESTION",
    }  # fmt: skip
    return told(seconds, "decision", **(fields | more))


def test_a_thread_has_its_own_events_in_order_of_time() -> None:
    events = [
        decision(5, because="x"),
        message(0, "guest", "hi", 1),
        message(0.1, "guest", "not here", 2, thread=1),
        delivered(0.2, 1),
        delivered(0.3, 2),
        delivered(0.3, 1, event="reservation.updated"),
        told(1, "debounce", due_at="") | {"thread": "1"},
        {"from": "sim", "type": "slack.post", "at": at(1), "text": "hi"},
    ]
    found = of_thread(events, THREAD)
    assert [event["type"] for event in found] == ["message", "webhook.delivered", "decision"]


def test_messages_are_found_by_who_wrote_them() -> None:
    events = [message(0, "guest", "hi", 1), message(1, "api", "hello", 2)]
    assert [event["body"] for event in messages_in(events, THREAD, "api")] == ["hello"]
    assert len(messages_in(events, THREAD)) == 2


def test_the_products_words_on_another_thread_are_left_out() -> None:
    events = [decision(1), decision(2) | {"thread": "1"}]
    assert len(told_of(events, THREAD, "decision")) == 1


def test_latency_counts_from_the_end_of_the_last_quiet_window() -> None:
    events = [debounce(0, 4), debounce(0.5, 4.5), message(4.8, "api", "hello", 7)]
    assert latencies_ms(events) == {7: 300}


def test_a_reply_without_a_window_before_it_has_no_latency() -> None:
    assert latencies_ms([message(0.2, "api", "we are coming", 7)]) == {}


def test_a_second_reply_is_measured_against_its_own_window() -> None:
    first = [debounce(0, 4), message(4.1, "api", "a", 1)]
    events = [*first, debounce(10, 14), message(14.25, "api", "b", 2)]
    assert latencies_ms(events) == {1: 100, 2: 250}


def test_lines_tell_the_whole_way_of_a_message() -> None:
    events = [
        message(0, "guest", "gdzie zaparkować?", 1),
        delivered(0.02, 1),
        debounce(0.1, 4),
        decision(4.1),
        message(4.2, "api", "Garage B2", 2),
    ]
    lines = lines_of(events, BEGAN)
    assert [line.label for line in lines] == ["guest", "webhook", "debounce", "decision", "reply"]
    assert lines[1].text == "message.received answered 200 in 4.5 ms"
    assert lines[2].text == "waits for quiet until +4.0 s"
    assert lines[4].text == "Garage B2\n[200 ms after the quiet window]"


def test_a_persons_and_a_machines_messages_are_told_apart() -> None:
    origins = ("human", "automation", "channel")
    lines = lines_of([message(1, origin, "hi", 1) for origin in origins], BEGAN)
    assert [line.label for line in lines] == ["operator", "automat", "channel"]


def test_a_decision_of_a_bot_says_that_the_model_was_the_stand_in() -> None:
    words = decision_words(decision(1))
    assert words == (
        "PARKING_QUESTION → reply · bot Basia · score 0.98 · Routing chose PARKING_QUESTION · "
        "model: stand-in"
    )


def test_a_decision_from_facts_asked_no_model_and_hides_its_pattern() -> None:
    words = decision_words(decision(1, bot=None, score=1.0, because="certain: a|b ... {x}"))
    assert words == (
        "PARKING_QUESTION → reply · score 1.00 · certain of what is asked · no model asked"
    )


def test_who_answered_is_named() -> None:
    assert answered_by(decision(1)) == "Basia"
    assert answered_by(decision(1, bot=None, because="certain: x")) == "facts"
    assert answered_by(decision(1, bot=None, because="urgent: water")) == "urgent words"
    assert answered_by(decision(1, bot=None, because="the guest took it back")) == "rule"
