"""What is posted: a case, its stay and its turns as Slack blocks with a plain text beside; pure.

Guests' words are escaped, cannot mention anybody, and are cut to what a block may hold.
Source: Slack's reference of Block Kit (section text 3000 characters, header 150) and its page on
formatting text (escape `&`, `<` and `>`; `verbatim` keeps names and links from being made).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.conversations import Conversation, Turn
from app.escalation.records import Case, Severity
from app.pms.stay import Stay

Block = dict[str, Any]

SECTION_LIMIT = 3000
"""Characters of a section's text."""
WORDS_LIMIT = 2800
"""Characters left for words, the heading above them being counted."""
FIELD_LIMIT = 300
SUMMARY_LIMIT = 300
"""Characters of the plain text of a notification."""
MARKS: Mapping[Severity, str] = {
    "low": ":white_circle: Low",
    "normal": ":large_yellow_circle: Normal",
    "high": ":red_circle: High",
    "critical": ":rotating_light: Critical",
}
SPEAKERS = {"guest": "Guest", "bot": "Bot", "operator": "Operator", "automation": "Automation"}
MENTION = re.compile(r"@(?=here\b|channel\b|everyone\b|group\b|subteam\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message for Slack."""

    text: str
    """Plain words, for notifications and screen readers."""
    blocks: tuple[Block, ...]


def alert(
    case: Case,
    stay: Stay | None,
    conversation: Conversation,
    turns: Sequence[Turn],
    *,
    link: str,
) -> Post:
    """A person is needed: who, where, when, the exact words, what was said, why; and a link."""
    who, where = guest_of(stay), place_of(stay)
    about = [
        ("Guest", who),
        ("Property", where),
        ("Stay", dates_of(stay)),
        ("Channel", channel_of(stay, conversation)),
        ("Severity", MARKS[case.severity]),
        ("Who has it", _state_of(case)),
    ]
    said = next((t for t in reversed(turns) if t.speaker == "bot" and _is_before(t, case)), None)
    blocks: list[Block] = [
        {"type": "header", "text": _plain(_headline(case))},
        {"type": "section", "fields": [_field(name, value) for name, value in about]},
        _words("The guest wrote", case.trigger_text),
        _words("The bot's last words", said.text) if said else _context("The bot said nothing."),
    ]
    if case.brief:
        blocks.append(_context(f"Why: {escaped(case.brief, FIELD_LIMIT)}"))
    if case.is_open:
        blocks.append(_button(link, "Open the case"))
    return Post(
        text=_summary(f"{_headline(case)} {who}, {where}: {case.trigger_text}"),
        blocks=tuple(blocks),
    )


def follow_up(words: str) -> Post:
    """The guest wrote again; for the case's thread."""
    return Post(text=_summary(f"Guest: {words}"), blocks=(_words("The guest again", words),))


def worse(case: Case, stay: Stay | None, words: str, *, link: str) -> Post:
    """The guest wrote again and it is graver now; loud."""
    head = f"{MARKS[case.severity]}: it got worse. {_who_where(stay)}"
    return Post(
        text=_summary(f"It got worse ({case.severity}), {_who_where(stay)}: {words}"),
        blocks=(
            _section(f"*{escaped(head, FIELD_LIMIT)}*"),
            _words("The guest again", words),
            _button(link, "Open the case"),
        ),
    )


def nobody_took_it(case: Case, stay: Stay | None, *, link: str) -> Post:
    """The case waits too long; loud."""
    head = f"Nobody has taken case {case.id} yet. {_who_where(stay)}"
    return Post(
        text=_summary(head),
        blocks=(
            _section(f"*{escaped(head, FIELD_LIMIT)}*"),
            _words("The guest wrote", case.trigger_text),
            _button(link, "Open the case"),
        ),
    )


def promised(number: str, due_at: datetime, stay: Stay | None) -> Post:
    """The caller was told that somebody calls back; loud. The whole number stands at the case."""
    local = due_at.astimezone(stay.zone) if stay else due_at
    zone = stay.zone.key if stay else "UTC"
    words = f"Please call back {number} by {local:%a %H:%M} ({zone}): we promised it."
    return Post(text=_summary(words), blocks=(_section(f"*{escaped(words, FIELD_LIMIT)}*"),))


def turn(speaker: str, words: str) -> Post:
    """Something was said; for the case's thread."""
    name = SPEAKERS.get(speaker, speaker)
    return Post(text=_summary(f"{name}: {words}"), blocks=(_words(name, words),))


def change(entry: Mapping[str, Any]) -> Post:
    """Somebody took or resolved the case; for its thread."""
    by, route = str(entry.get("by", "somebody")), str(entry.get("route", "system"))
    is_over = entry.get("what") == "resolved"
    what = "resolved this; the bot may speak again" if is_over else "has it"
    words = f"{by} {what} (by {route})."
    return Post(text=_summary(words), blocks=(_section(escaped(words, FIELD_LIMIT)),))


def silence(stay: Stay | None, reason: str, until: datetime, words_said: str = "") -> Post:
    """A person spoke without a case: the bot waits; with the words that it was inferred from."""
    local = until.astimezone(stay.zone) if stay else until
    zone = stay.zone.key if stay else "UTC"
    words = (
        f"The bot is silent for {_who_where(stay)} until {local:%a %H:%M} ({zone}), "
        f"because {reason}."
    )
    said = (_words("What went out", words_said),) if words_said else ()
    return Post(text=_summary(words), blocks=(_section(escaped(words, SECTION_LIMIT)), *said))


def draft(stay: Stay | None, asked: Sequence[str], words: str, *, link: str) -> Post:
    """A reply waits for a person's word."""
    head = f"A draft waits for {_who_where(stay)}"
    return Post(
        text=_summary(f"{head}: {words}"),
        blocks=(
            _section(f"*{escaped(head, FIELD_LIMIT)}*"),
            _words("The guest wrote", "\n".join(asked) or "(nothing new)"),
            _words("The bot would say", words),
            _button(link, "Look at the draft"),
        ),
    )


def job_failed(kind: str, key: str, error: str) -> Post:
    """A job was given up."""
    words = f"A job was given up: {kind} ({key}). {error}"
    hint = "`nightdesk runs` shows every run; failed ones can be run again."
    return Post(
        text=_summary(words),
        blocks=(_section(f":warning: {escaped(words, WORDS_LIMIT)}"), _context(hint)),
    )


def escaped(text: str, limit: int) -> str:
    """Text that Slack shows as it stands and that mentions nobody, within so many characters."""
    harmless = MENTION.sub("@\N{ZERO WIDTH SPACE}", text)
    pieces: list[str] = []
    size = 0
    for character in harmless:
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character)
        size += len(piece)
        if size > limit - 1:
            return "".join(pieces) + "…"
        pieces.append(piece)
    return "".join(pieces)


def guest_of(stay: Stay | None) -> str:
    """The guest's name, as far as it is known."""
    return stay.mask(stay.reservation.guest_name or "") or "a guest" if stay else "a guest"


def place_of(stay: Stay | None) -> str:
    """The property by the name its people use, with its city."""
    if stay is None:
        return "no reservation known"
    name = stay.mask(stay.listing.internal_name or stay.listing.name)
    return f"{name} ({stay.listing.city})" if stay.listing.city else name


def dates_of(stay: Stay | None) -> str:
    """From when to when."""
    if stay is None or stay.reservation.are_dates_unspecified:
        return "no dates known"
    start, end = stay.reservation.arrival_on, stay.reservation.departure_on
    nights = (end - start).days
    return f"{start:%a %d %b} – {end:%a %d %b %Y}, {nights} night{'' if nights == 1 else 's'}"


def channel_of(stay: Stay | None, conversation: Conversation) -> str:
    """By which way the guest writes."""
    if conversation.medium == "phone":
        return "phone"
    name = str(stay.reservation.fields.get("channelName") or "") if stay else ""
    way = conversation.communication_type
    parts = [name, way if way and way != "channel" else ""]
    return ", ".join(part for part in parts if part) or "unknown"


def _who_where(stay: Stay | None) -> str:
    return f"{guest_of(stay)}, {place_of(stay)}"


def _headline(case: Case) -> str:
    if not case.is_open:
        return f"Resolved: case {case.id}."
    if case.assignee:
        return f"Taken: case {case.id}."
    return f"{case.severity.capitalize()}: a person is needed (case {case.id})."


def _state_of(case: Case) -> str:
    if not case.is_open:
        return f"resolved, was with {case.assignee}" if case.assignee else "resolved"
    return case.assignee or "nobody yet"


def _is_before(said: Turn, case: Case) -> bool:
    return said.said_at <= case.opened_at


def _words(heading: str, words: str) -> Block:
    """Somebody's exact words, quoted line by line; only our own mark-up counts in them."""
    quoted = "\n>".join(escaped(words, WORDS_LIMIT).splitlines() or [""])
    text = f"*{heading}*\n>{quoted}"
    if len(text) > SECTION_LIMIT:
        text = text[: SECTION_LIMIT - 1].rpartition("\n")[0] + "…"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _section(text: str) -> Block:
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": text[:SECTION_LIMIT], "verbatim": True},
    }


def _field(name: str, value: str) -> Block:
    text = f"*{name}*\n{escaped(value, FIELD_LIMIT)}"
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _button(link: str, label: str) -> Block:
    button = {
        "type": "button", "text": _plain(label), "url": link, "style": "primary",
        "action_id": "open_link",
    }  # fmt: skip
    return {"type": "actions", "elements": [button]}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text[:150]}


def _summary(text: str) -> str:
    return escaped(" ".join(text.split()), SUMMARY_LIMIT)
