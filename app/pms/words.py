"""Words of messages: without codes where no stay is known, and what of them is everybody's.

Pure.
"""

import re
import unicodedata

from app.pms.gated import cut_codes
from app.pms.stay import Stay

_WORD = re.compile(r"\[\[\w+\]\]|[^\W\d_]+|\d+")


def without_codes(text: str) -> str:
    """Words of a thread whose stay nobody knows, without what looks like a code."""
    return cut_codes(text, prefix="unknown")[0]


def words_for_everybody(masked: str, stay: Stay | None) -> str:
    """The letters of a text without what differs from guest to guest.

    That is names of the guest and the place, numbers, and the words beside them (months, days).
    """
    text = unicodedata.normalize("NFKC", masked).casefold()
    names: set[str] = set()
    if stay is not None:
        for place in (stay.listing.name, stay.listing.internal_name or ""):
            text = text.replace(place.casefold(), " ") if place else text
        names = set(_WORD.findall((stay.reservation.guest_name or "").casefold()))
    words = _WORD.findall(text)
    numbered = {n for n, word in enumerate(words) if word.isdigit()}
    beside = {n + step for n in numbered for step in (-1, 0, 1)}
    return "".join(word for n, word in enumerate(words) if n not in beside and word not in names)


def letters_of(text: str) -> str:
    """Only the letters and digits: what survives a channel's treatment of a text."""
    return "".join(c for c in text.casefold() if c.isalnum())
