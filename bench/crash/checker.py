"""Counts promises kept and broken from what the outside received. Pure.

Definitions, all by the stand-ins' clock:

lost        A message that needs an answer (a question, a call for a person, a follow-up to people)
            after which neither a reply came that holds the answer, nor an alert about this guest
            in Slack; a follow-up must stand in Slack with its words.
duplicate   The answer to one question stands in two replies; or a thread holds the same words
            twice; or two replies came with no new question between them.
stale       A reply whose request arrived more than `GRACE_S` after a person had answered the
            thread, or with a secret of the stay after the booking was cancelled.
unasked     A reply to a thread in which nothing was open: before any question, or (`taken back`)
            the answer to a question that the guest had taken back at least `GRACE_S` before the
            request to send it arrived.
late        Later than the quiet window + 30 s. The window starts with the guest's last message
            before the answer. Where the product (or a server below it) came back up after that
            message and before the answer, the 30 s start with the last such return, so that what a
            crash delays is counted from the restart: due = max(last message + window, last
            return) and late = answered after due + 30 s. What needs a person is answered by the
            alert.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

GRACE_S = 1.5
"""How long a request may be under way while the guest goes on writing."""
WITHIN_S = 30.0
OPEN = ("asks", "needs_person", "follows_up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A guest's message."""

    at: float
    kind: str
    text: str
    topic: str | None
    mark: str | None
    """Pattern of its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message that the product sent."""

    at: float
    """When the PMS stored it."""
    asked_at: float
    """When the request arrived there."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What Slack received about a guest."""

    at: float
    text: str
    is_alert: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What befell a thread besides the guest's own words."""

    person_at: float | None = None
    """When a person answered."""
    cancelled_at: float | None = None
    secrets: tuple[str, ...] = ()
    """Patterns of what only a standing booking may be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A guest's thread, as the outside saw it."""

    guest: str
    said: tuple[Said, ...]
    replies: tuple[Reply, ...]
    posts: tuple[Post, ...]
    fate: Fate = Fate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One promise that was broken."""

    what: str
    """lost, duplicate, stale, unasked, late"""
    guest: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of all guests."""

    messages: int
    replies: int
    alerts: int
    needed: int
    """Messages that needed an answer."""
    found: tuple[Found, ...]
    after_due_s: tuple[float, ...]
    """Seconds from due to the answer, of every answered message."""

    def count(self, what: str) -> int:
        """How many promises of a kind were broken."""
        return sum(found.what == what for found in self.found)


def check(
    threads: Sequence[Thread],
    *,
    window_s: float,
    returns: Sequence[float] = (),
    within_s: float = WITHIN_S,
) -> Verdict:
    """Hold every thread against the promises; `returns` are when the product came back up."""
    found: list[Found] = []
    after_due_s: list[float] = []
    for thread in threads:
        for said in thread.said:
            if not _is_open(thread, said):
                continue
            answered_at = _answered_at(thread, said)
            if answered_at is None:
                found.append(_found("lost", thread, said.text))
                continue
            due = _due(thread, answered_at, said, window_s, returns)
            after_due_s.append(answered_at - due)
            if answered_at > due + within_s:
                late = f"{said.text!r}: {answered_at - due:.1f} s after due"
                found.append(_found("late", thread, late))
        found += _duplicates(thread)
        found += _unasked(thread)
        found += _stale(thread)
    return Verdict(
        messages=sum(len(thread.said) for thread in threads),
        replies=sum(len(thread.replies) for thread in threads),
        alerts=sum(post.is_alert for thread in threads for post in thread.posts),
        needed=sum(_is_open(thread, said) for thread in threads for said in thread.said),
        found=tuple(found),
        after_due_s=tuple(after_due_s),
    )


def _is_open(thread: Thread, said: Said) -> bool:
    person_at = thread.fate.person_at
    is_left_to_person = person_at is not None and said.at < person_at
    return said.kind in OPEN and not is_left_to_person and _taken_back_at(thread, said) is None


def _taken_back_at(thread: Thread, said: Said) -> float | None:
    if said.kind != "asks":
        return None
    return next((s.at for s in thread.said if s.kind == "takes_back" and s.at > said.at), None)


def _answered_at(thread: Thread, said: Said) -> float | None:
    """When it was answered, or people were told of it."""
    told = [
        post.at
        for post in thread.posts
        if post.at >= said.at
        and (said.text in post.text or (post.is_alert and said.kind != "follows_up"))
    ]
    if said.kind != "asks" or said.mark is None:
        return min(told, default=None)
    answers = [
        reply.at
        for reply in thread.replies
        if reply.at >= said.at
        and (re.search(said.mark, reply.text) or _is_after_end(thread, reply))
    ]
    return min(answers + told, default=None)


def _is_after_end(thread: Thread, reply: Reply) -> bool:
    """Whether it answers a booking that was cancelled: no facts of the stay, but an answer."""
    cancelled_at = thread.fate.cancelled_at
    return cancelled_at is not None and reply.asked_at > cancelled_at


def _due(
    thread: Thread, answered_at: float, said: Said, window_s: float, returns: Sequence[float]
) -> float:
    last = max((s.at for s in thread.said if s.at <= answered_at), default=said.at)
    came_back = max((at for at in returns if last <= at <= answered_at), default=0.0)
    return max(last + window_s, came_back)


def _duplicates(thread: Thread) -> Iterator[Found]:
    for said in thread.said:
        if said.mark is None:
            continue
        answers = [reply for reply in thread.replies if re.search(said.mark, reply.text)]
        if len(answers) > 1:
            yield _found("duplicate", thread, f"{said.topic} was answered {len(answers)} times")
    words = Counter(" ".join(reply.text.split()) for reply in thread.replies)
    for text, count in words.items():
        if count > 1:
            yield _found("duplicate", thread, f"{count} times: {text[:80]}")
    replies = sorted(thread.replies, key=lambda reply: reply.at)
    for earlier, later in pairwise(replies):
        is_asked = any(
            said.kind in OPEN and earlier.asked_at - GRACE_S < said.at < later.asked_at
            for said in thread.said
        )
        if not is_asked:
            yield _found("duplicate", thread, f"two replies to one burst: {later.text[:80]}")


def _unasked(thread: Thread) -> Iterator[Found]:
    opened = min((said.at for said in thread.said if said.kind in OPEN), default=float("inf"))
    for reply in thread.replies:
        if reply.at < opened:
            yield _found("unasked", thread, f"before any question: {reply.text[:80]}")
        for said in thread.said:
            taken_back = _taken_back_at(thread, said)
            if taken_back is None or said.mark is None:
                continue
            if reply.asked_at > taken_back + GRACE_S and re.search(said.mark, reply.text):
                seconds = reply.asked_at - taken_back
                yield _found("unasked", thread, f"{said.text!r}: {seconds:.1f} s after taken back")


def _stale(thread: Thread) -> Iterator[Found]:
    fate = thread.fate
    for reply in thread.replies:
        if fate.person_at is not None and reply.asked_at > fate.person_at + GRACE_S:
            seconds = reply.asked_at - fate.person_at
            yield _found("stale", thread, f"{seconds:.1f} s after a person: {reply.text[:80]}")
        if fate.cancelled_at is None or reply.asked_at <= fate.cancelled_at + GRACE_S:
            continue
        if any(re.search(secret, reply.text) for secret in fate.secrets):
            yield _found("stale", thread, "a secret after the booking was cancelled")


def _found(what: str, thread: Thread, why: str) -> Found:
    return Found(what=what, guest=thread.guest, why=why)
