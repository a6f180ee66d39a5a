"""Names that recognition is told to expect on a call: guest, house, street, town, lock; pure.

Only what anybody may know: never gated text, never a secret, and not much of it, since long hints
make plain sentences worse.
"""

import re
from collections.abc import Iterable

from app.pms.stay import Stay

LONGEST_TERM = 48
MOST_TERMS = 12
LONGEST_HINT = 240
"""Characters of the whole; more makes plain sentences worse. Measured: local-models, section 2."""
PUBLIC_FIELDS = ("publicAddress", "city", "wifiUsername")
LOCKS = re.compile(r"lock|smart_?lock|zamek|schloss|brand|marke", re.IGNORECASE)
"""Names of public custom fields that hold what a lock is called."""
CODE = re.compile(r"\d{3,}")


def vocabulary_of(house: Iterable[str], stay: Stay | None) -> tuple[str, ...]:
    """Terms for a call, the most useful first.

    Args:
        house: names of the company and its hotline.
        stay: the caller's, once it is known.
    """
    terms: list[str] = []
    if stay is not None:
        listing = stay.listing
        terms = [stay.reservation.guest_name or "", listing.name]
        terms += [str(listing.fields.get(name) or "") for name in PUBLIC_FIELDS]
        terms += [str(value) for name, value in listing.custom_fields.items() if LOCKS.search(name)]
    terms += list(house)
    if stay is not None:
        terms = [term for term in terms if stay.mask(term) == term]
    return bounded(terms)


def bounded(terms: Iterable[str]) -> tuple[str, ...]:
    """Terms once each, without what looks like a code, as many as a hint may have."""
    kept: list[str] = []
    length = 0
    for term in terms:
        plain = " ".join(re.sub(r"[^\w\s.'’&/-]", " ", term).split())[:LONGEST_TERM].strip()
        is_new = plain.casefold() not in (each.casefold() for each in kept)
        if not plain or not is_new or CODE.search(plain):
            continue
        length += len(plain) + 2
        if length > LONGEST_HINT or len(kept) == MOST_TERMS:
            break
        kept.append(plain)
    return tuple(kept)
