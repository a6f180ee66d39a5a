"""How a reply may travel: the ways of a booking, what fits into each, what each is trusted with.

Pure.
"""

import re
from collections.abc import Sequence

from app.conversations import Conversation
from app.pms.gated import PLACEHOLDER, placeholder
from app.pms.stay import CHECKED_CHANNELS, Stay

LIMITS = {"sms": 140, "whatsapp": 4000, "channel": 4000, "email": 10000}
"""Way → characters. Source: Hostaway help centre, "Inbox Overview" (SMS)."""
OTA_CHANNELS = frozenset({2018, 2005, 2002, 2007, 2009, 2010})
ENOUGH = 2
"""Assurance that codes and gated text need of a way."""
FORBIDDEN_BEFORE_BOOKING = re.compile(
    r"https?://|www\.|(?<![\w.+-])[\w.+-]+@[\w-]+\.\w{2,}|(?<!\w)\+?\d[\d\s().-]{7,}\d(?!\w)",
    re.IGNORECASE,
)
"""What channels forbid before a booking stands: links, e-mail addresses, phone numbers."""
DATES = re.compile(r"(?<!\d)(?:\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{4})(?!\d)")
"""Digits that are no phone number."""


def way_of(conversation: Conversation, chosen: str | None = None) -> str:
    """How a reply travels: as chosen, as the guest's last message did, or as the channel does."""
    habit = "channel" if conversation.channel_id in CHECKED_CHANNELS else "email"
    return chosen or conversation.communication_type or habit


def limit_of(way: str) -> int:
    """How many characters a way takes."""
    return LIMITS.get(way, LIMITS["email"])


def is_watched(conversation: Conversation) -> bool:
    """Whether a channel reads along and forbids ways around it before a booking stands."""
    return way_of(conversation) == "channel" or conversation.channel_id in OTA_CHANNELS


def assurance_of(way: str, stay: Stay | None) -> int:
    """How sure it is that the booking's guest reads it: 2 for the channel that checked them.

    A message to a number goes to the one of the booking, where there is one; mail proves little.
    """
    if way == "channel":
        return 2
    if way in ("sms", "whatsapp"):
        return 2 if stay is not None and stay.reservation.phone_e164 else 1
    return 1


def other_ways(
    conversation: Conversation,
    stay: Stay | None,
    *,
    failed: str,
    used: Sequence[str],
    has_email: bool,
) -> list[str]:
    """The ways besides one that failed by which the booking's guest can be reached, best first.

    Args:
        conversation: the thread.
        stay: what it is about.
        failed: the way that refused.
        used: ways by which the guest has written in this thread, the newest first.
        has_email: whether the PMS has an address of the guest.
    """
    ways = list(used)
    if conversation.channel_id in CHECKED_CHANNELS:
        ways.append("channel")
    if has_email:
        ways.append("email")
    if stay is not None and stay.reservation.phone_e164:
        ways.append("sms")
    return [way for way in dict.fromkeys(ways) if way in LIMITS and way != failed]


def may_take(way: str, text: str, stay: Stay | None, *, is_gated: bool) -> bool:
    """Whether a text may go that way whole: it fits, and the way is trusted with what is in it."""
    needs = ENOUGH if is_gated or PLACEHOLDER.search(text) else 1
    fits = len(text) + grows_by(text, stay) <= limit_of(way)
    return fits and assurance_of(way, stay) >= needs


def shortened(text: str, limit: int) -> str | None:
    """As many whole sentences as fit; none where not even the first does."""
    if len(text) <= limit:
        return text or None
    kept = ""
    for part in re.split(r"(?<=[.!?؟])\s+", text):
        candidate = f"{kept} {part}".strip()
        if len(candidate) > limit:
            break
        kept = candidate
    return kept or None


def holds_forbidden(text: str) -> bool:
    """Whether a text holds what channels forbid before a booking stands."""
    return FORBIDDEN_BEFORE_BOOKING.search(DATES.sub(" | ", text)) is not None


def grows_by(text: str, stay: Stay | None) -> int:
    """How many characters longer a text gets once its placeholders are filled."""
    values = stay.deliverable if stay else {}
    return sum(
        max(0, len(values.get(name, "")) - len(placeholder(name)))
        for name in PLACEHOLDER.findall(text)
    )
