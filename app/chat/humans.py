"""Was that outgoing message a person? Flags do not tell; what we sent, and habits, do."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from app.bots.channel_texts import is_of_a_machine
from app.chat import store
from app.chat.altered import Likeness, letters, likeness
from app.chat.store import Outgoing
from app.conversations import Speaker
from app.db import Connection
from app.pms.records import Message
from app.pms.stay import Stay
from app.pms.sync import Mirror, SpeakerOf
from app.pms.words import words_for_everybody
from app.tenants import Tenant

THREADS_OF_A_MACHINE = 3
"""The same words in so many other threads were not typed by a person."""
SHORTEST_CANNED = 30
"""Letters; people do type shorter words than these into many threads."""
SHORTEST_ENTRY = 12
"""Letters of an automatic text that stands for all that begins like it; shorter must be whole."""
CLOCKS_APART = timedelta(minutes=2)
"""So much may the PMS's clock be behind ours: our own reply is still known as ours."""
LATEST = timedelta(hours=24)
"""A reply of ours may show up in its thread so long after we tried to send it."""
LATEST_DOUBTFUL = timedelta(minutes=5)
"""And so long where that would be doubtful: a short text, or one that was given up."""
ECHO = timedelta(minutes=10)
"""A channel may show a reply of ours a second time, under an id of its own, so long after it."""
SHORTEST_SURE = 40
"""Letters from which an equal text is ours and not what a person happened to write too."""
_GAP_OF_ENTRY = re.compile(r"\{\{[^{}]*\}\}|\{[^{}]*\}|\[[^\[\]]*\]|\*+|\.{3}|…")
"""What stands for anything in the tenant's list of automatic texts."""


async def speakers_of(
    conn: Connection,
    mirror: Mirror,
    tenant: Tenant,
    conversation_id: int,
    messages: Sequence[Message],
    stay: Stay | None,
) -> SpeakerOf:
    """Who wrote each outgoing message of a thread, and its words as they are to be kept.

    Of ours the words with placeholders are kept, whatever the channel made of them.
    """
    texts = {
        m.external_id: stay.mask(m.text) if stay else m.text for m in messages if not m.is_incoming
    }
    ours = await store.outgoing_of(conn, conversation_id, last=50) if texts else []
    claimed = claims(messages, texts, ours)
    speakers: dict[str, Speaker] = {}
    for message in messages:
        if message.is_incoming or message.external_id in claimed:
            continue
        text = texts[message.external_id]
        is_machine = (
            message.is_automation
            or is_of_a_machine(text)
            or is_automatic(text, tenant.settings.chat.automatic_texts)
            or await _is_canned(conn, mirror, tenant, text, stay, besides=conversation_id)
        )
        speakers[message.external_id] = "automation" if is_machine else "operator"

    def speaker_of(message: Message, masked: str) -> tuple[Speaker, str]:
        if (sent := claimed.get(message.external_id)) is not None:
            return ("operator" if sent.origin == "operator" else "bot"), sent.text
        return speakers.get(message.external_id, "operator"), masked

    return speaker_of


def claims(
    messages: Sequence[Message], texts: dict[str, str], ours: Sequence[Outgoing]
) -> dict[str, Outgoing]:
    """Which outgoing messages are replies of ours: by id, then by words, the nearest first.

    Args:
        messages: of the thread.
        texts: words of the outgoing ones by id, secrets masked as far as they are known.
        ours: what we sent or tried to send.
    """
    by_id = {sent.external_id: sent for sent in ours if sent.external_id}
    found = {m.external_id: by_id[m.external_id] for m in messages if m.external_id in by_id}
    open_ones = [sent for sent in ours if sent.external_id is None and sent.attempts > 0]
    open_ones.sort(key=lambda sent: sent.id)
    rest = [m for m in messages if m.external_id in texts and m.external_id not in found]
    rest = [m for m in rest if not m.is_automation]
    for wanted in (Likeness.EQUAL, Likeness.ALTERED):
        for message in rest:
            if message.external_id in found:
                continue
            sent = find_ours(texts[message.external_id], message, open_ones, at_least=wanted)
            if sent is not None:
                open_ones.remove(sent)
                found[message.external_id] = sent
    for message in rest:
        if message.external_id not in found:
            echo = _echo_of(texts[message.external_id], message, ours)
            if echo is not None:
                found[message.external_id] = echo
    return found


def find_ours(
    text: str,
    message: Message,
    sent: Iterable[Outgoing],
    *,
    at_least: Likeness = Likeness.ALTERED,
) -> Outgoing | None:
    """The reply of ours that this outgoing message is, however the channel treated it."""
    for candidate in sent:
        if is_in_time(message.sent_at, candidate) and likeness(text, candidate.text) >= at_least:
            return candidate
    return None


def is_in_time(sent_at: datetime, ours: Outgoing) -> bool:
    """Whether a message came when a reply of ours may have arrived."""
    tried_at = ours.tried_at or ours.created_at
    is_doubtful = ours.status in ("failed", "dropped") or len(letters(ours.text)) < SHORTEST_SURE
    latest = LATEST_DOUBTFUL if is_doubtful else LATEST
    return tried_at - CLOCKS_APART <= sent_at <= tried_at + latest


def is_automatic(text: str, known: Sequence[str]) -> bool:
    """Whether it is one of the tenant's list of automatic texts, or begins like one.

    An entry may hold `*`, `…`, `{{name}}` or `[name]` for words that differ.
    """
    plain = letters(text)
    return any(_begins_like(plain, entry) for entry in known)


async def _is_canned(
    conn: Connection,
    mirror: Mirror,
    tenant: Tenant,
    text: str,
    stay: Stay | None,
    *,
    besides: int,
) -> bool:
    """Whether the same words went out in many threads, but for names and numbers of the guest."""
    if len(words_for_everybody(text, stay)) < SHORTEST_CANNED:
        return False
    threads = await mirror.threads_with_words(conn, tenant, text, stay, besides=besides)
    return threads >= THREADS_OF_A_MACHINE


def _echo_of(text: str, message: Message, ours: Sequence[Outgoing]) -> Outgoing | None:
    for sent in ours:
        tried_at = sent.tried_at or sent.created_at
        is_near = abs(message.sent_at - tried_at) <= ECHO
        is_sure = len(letters(sent.text)) >= SHORTEST_SURE
        if sent.status == "sent" and is_near and is_sure and likeness(text, sent.text):
            return sent
    return None


def _begins_like(plain: str, entry: str) -> bool:
    pieces = [letters(piece) for piece in _GAP_OF_ENTRY.split(entry)]
    if len("".join(pieces)) < SHORTEST_ENTRY:
        return len(pieces) == 1 and plain == pieces[0] != ""
    if not plain.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:]:
        found = plain.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True
