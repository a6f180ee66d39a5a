"""Was that outgoing message a person? Flags do not tell; what we sent, and habits, do."""

import difflib
import unicodedata
from collections.abc import Callable, Sequence
from datetime import timedelta

from app.chat import store
from app.chat.store import Outgoing
from app.conversations import Speaker
from app.db import Connection
from app.pms.records import Message
from app.pms.stay import Stay
from app.pms.sync import Mirror
from app.tenants import Tenant

SAME_TEXT = 0.9
"""Likeness from which an outgoing text is our own, altered by the channel."""
SHORTEST_ALIKE = 12
"""Shorter texts must be equal."""
THREADS_OF_A_MACHINE = 3
"""The same words in so many other threads were not typed by a person."""
CLOCKS_APART = timedelta(minutes=2)
"""So much may the PMS's clock be behind ours: our own reply is still known as ours."""


async def speakers_of(
    conn: Connection,
    mirror: Mirror,
    tenant: Tenant,
    conversation_id: int,
    messages: Sequence[Message],
    stay: Stay | None,
) -> Callable[[Message, str], Speaker]:
    """Who wrote each outgoing message of a thread: bot, operator or an automation."""
    ours = await store.outgoing_of(conn, conversation_id, last=50)
    by_id = {sent.external_id: sent for sent in ours if sent.external_id}
    speakers: dict[str, Speaker] = {}
    unclaimed = [sent for sent in ours if sent.external_id is None and sent.attempts > 0]
    for message in messages:
        if message.is_incoming:
            continue
        text = stay.mask(message.text) if stay else message.text
        if (sent := by_id.get(message.external_id)) is not None:
            speakers[message.external_id] = _speaker_of_ours(sent)
        elif message.is_automation or is_automatic(text, tenant.settings.chat.automatic_texts):
            speakers[message.external_id] = "automation"
        elif (sent := find_ours(text, message, unclaimed)) is not None:
            unclaimed.remove(sent)
            speakers[message.external_id] = _speaker_of_ours(sent)
        elif (
            await mirror.threads_with_words(conn, tenant, text, besides=conversation_id)
            >= THREADS_OF_A_MACHINE
        ):
            speakers[message.external_id] = "automation"
        else:
            speakers[message.external_id] = "operator"
    return lambda message, _text: speakers.get(message.external_id, "operator")


def find_ours(text: str, message: Message, sent: Sequence[Outgoing]) -> Outgoing | None:
    """The reply of ours that this outgoing message is, however the channel treated it."""
    for candidate in sent:
        is_later = message.sent_at >= candidate.created_at - CLOCKS_APART
        if is_later and is_same_text(text, candidate.text):
            return candidate
    return None


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts are one, but for what channels strip: spaces, marks, accents, emoji."""
    a, b = _bare(one), _bare(other)
    if a == b:
        return True
    if min(len(a), len(b)) < SHORTEST_ALIKE:
        return False
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= SAME_TEXT


def is_automatic(text: str, known: Sequence[str]) -> bool:
    """Whether it is one of the tenant's list of automatic texts, or begins like one."""
    bare = _bare(text)
    return any(bare.startswith(_bare(entry)) for entry in known if _bare(entry))


def _speaker_of_ours(sent: Outgoing) -> Speaker:
    return "operator" if sent.origin == "operator" else "bot"


def _bare(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold()).replace("ł", "l")
    return "".join(c for c in folded if c.isalnum())
