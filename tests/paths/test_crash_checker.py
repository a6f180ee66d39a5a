"""The judge of the crash trials finds every kind of broken promise, and nothing where none is."""

from dataclasses import replace

import pytest

from bench.crash.checker import Fate, Post, Reply, Said, Thread, check

WINDOW_S = 3.0
ASKS = Said(at=100.0, kind="asks", text="What is the door code?", topic="door", mark=r"\b48151\b")
ANSWER = Reply(at=105.0, asked_at=104.9, text="The door code is 48151.")
ALERT = Post(at=104.0, text="Jan: The heating does not work", is_alert=True)
HEATING = Said(
    at=100.0, kind="needs_person", text="The heating does not work", topic=None, mark=None
)
AGAIN = Said(at=110.0, kind="follows_up", text="Hello? Case 7", topic=None, mark=None)
NEVER_MIND = Said(at=101.0, kind="takes_back", text="never mind", topic=None, mark=None)
THANKS = Said(at=108.0, kind="thanks", text="Thanks!", topic=None, mark=None)
WIFI = Said(at=107.0, kind="asks", text="And the wifi?", topic="wifi", mark="passphrase")
NO_FATE = Fate()
PERSON = Fate(person_at=102.0)
CANCELLED = Fate(cancelled_at=102.0, secrets=(r"\b48151\b",))
REFUSAL = Reply(at=105.0, asked_at=104.9, text="Your booking was cancelled.")


def thread(
    *said: Said,
    replies: tuple[Reply, ...] = (),
    posts: tuple[Post, ...] = (),
    fate: Fate = NO_FATE,
) -> Thread:
    return Thread(guest="Jan", said=said, replies=replies, posts=posts, fate=fate)


def broken(of: Thread, returns: tuple[float, ...] = ()) -> list[str]:
    return [found.what for found in check([of], window_s=WINDOW_S, returns=returns).found]


def later(reply: Reply, seconds: float, text: str = "") -> Reply:
    return replace(
        reply, at=reply.at + seconds, asked_at=reply.asked_at + seconds, text=text or reply.text
    )


@pytest.mark.parametrize(
    "fine",
    [
        thread(ASKS, replies=(ANSWER,)),
        thread(ASKS, THANKS, replies=(ANSWER,)),
        thread(ASKS, posts=(ALERT,)),
        thread(ASKS, NEVER_MIND),
        thread(ASKS, NEVER_MIND, replies=(replace(ANSWER, at=102.2, asked_at=102.0),)),
        thread(ASKS, WIFI, replies=(ANSWER, later(ANSWER, 6, "The passphrase is so."))),
        thread(HEATING, posts=(ALERT,)),
        thread(HEATING, AGAIN, posts=(ALERT, Post(at=112.0, text=AGAIN.text, is_alert=False))),
        thread(ASKS, fate=PERSON),
        thread(ASKS, replies=(REFUSAL,), fate=CANCELLED),
        thread(THANKS),
    ],
)
def test_a_promise_that_was_kept_is_not_called_broken(fine: Thread) -> None:
    assert broken(fine) == []


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (thread(ASKS), ["lost"]),
        (thread(ASKS, replies=(replace(ANSWER, text="Good evening."),)), ["lost"]),
        (thread(ASKS, replies=(later(ANSWER, -20),)), ["lost", "unasked"]),
        (thread(HEATING), ["lost"]),
        (thread(HEATING, replies=(REFUSAL,)), ["lost"]),
        (thread(HEATING, AGAIN, posts=(ALERT,)), ["lost"]),
        (thread(ASKS, NEVER_MIND, WIFI), ["lost"]),
        (thread(ASKS, replies=(ANSWER, later(ANSWER, 1))), ["duplicate"] * 3),
        (thread(ASKS, replies=(ANSWER, later(ANSWER, 9, "As I said: 48151."))), ["duplicate"] * 2),
        (thread(ASKS, replies=(ANSWER, later(ANSWER, 9, "Anything else?"))), ["duplicate"]),
        (thread(ASKS, NEVER_MIND, replies=(ANSWER,)), ["unasked"]),
        (thread(ASKS, replies=(ANSWER,), fate=PERSON), ["stale"]),
        (thread(ASKS, replies=(ANSWER,), fate=CANCELLED), ["stale"]),
        (thread(ASKS, replies=(later(ANSWER, 60),)), ["late"]),
        (thread(HEATING, posts=(replace(ALERT, at=160.0),)), ["late"]),
    ],
)
def test_each_kind_of_broken_promise_is_found(bad: Thread, found: list[str]) -> None:
    assert broken(bad) == found


def test_what_a_crash_delays_is_counted_from_the_return() -> None:
    answered = thread(ASKS, replies=(later(ANSWER, 60),))
    assert broken(answered, returns=(140.0,)) == []
    assert broken(answered, returns=(90.0,)) == ["late"]
    assert broken(answered, returns=(170.0,)) == ["late"]
