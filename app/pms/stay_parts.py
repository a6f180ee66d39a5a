"""What a stay is put together from: adjoining reservations, the door code's one source, secrets.

Pure.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from app.pms.access import AccessPolicy, check_out_at
from app.pms.gated import cut_codes
from app.pms.masking import mask
from app.pms.records import OWNER, Gated, Listing, Reservation, parse_custom_fields
from app.settings import AccessSettings

RecordT = TypeVar("RecordT", Listing, Reservation)
DOOR_CODE = "door_code"
SURE_FROM = 4
"""Digits from which a number in gated text is taken for a code everywhere."""


def without_foreign_codes(masked: str) -> str:
    """Gated text without the sentences that hold a door code of another source than the stay's."""
    if "[[other_" not in masked:
        return masked
    sentences = re.split(r"(?<=[.!?؟\n])\s+", masked)
    return " ".join(sentence for sentence in sentences if "[[other_" not in sentence)


def as_meant_now(record: RecordT, custom_fields: Iterable[str]) -> RecordT:
    """A mirrored record under what the tenant's settings say now of its custom fields.

    What was mirrored as public, or as gated, is hidden from the moment the settings say so.
    """
    meant = {field.name: field.visibility for field in parse_custom_fields(custom_fields).values()}
    public, secrets = dict(record.custom_fields), dict(record.gated.secrets)
    texts = dict(record.gated.texts)
    for name, visibility in meant.items():
        if visibility != "public" and name in public:
            texts[name] = public.pop(name)
        if visibility == "secret" and name in texts:
            secrets[name] = texts.pop(name)
    gated = Gated(secrets=secrets, texts=texts)
    return replace(record, custom_fields=public, gated=gated)


def code_source_of(settings: AccessSettings, *listing_external_ids: str) -> str:
    """Where a door code comes from: the first listing's own choice, else the tenant's."""
    entries = (entry.partition("=") for entry in settings.code_sources)
    chosen = {listing.strip(): source.strip() for listing, _, source in entries}
    return next((chosen[i] for i in listing_external_ids if i in chosen), settings.code_source)


def policy_of(settings: AccessSettings, *, is_code_static: bool) -> AccessPolicy:
    """The tenant's settings as `can_access` wants them."""
    return AccessPolicy(
        hours_before_arrival=settings.hours_before_arrival,
        grace_min=settings.grace_min,
        requires_payment=settings.requires_payment,
        requires_agreement=settings.requires_agreement,
        owner_stays=settings.owner_stays,
        is_code_static=is_code_static,
        default_check_in_hour=settings.default_check_in_hour,
        default_check_out_hour=settings.default_check_out_hour,
        default_time_zone=settings.default_time_zone,
    )


def join_adjoining(reservation: Reservation, neighbours: list[Reservation]) -> Reservation:
    """The reservation stretched over adjoining stays of the same guest in the same listing."""
    parts = parts_of(reservation, neighbours)
    return replace(
        reservation,
        arrival_on=parts[0].arrival_on,
        check_in_hour=parts[0].check_in_hour,
        departure_on=parts[-1].departure_on,
        check_out_hour=parts[-1].check_out_hour,
    )


def parts_of(reservation: Reservation, neighbours: list[Reservation]) -> list[Reservation]:
    """The reservation and what adjoins it without a gap, in order of time."""
    parts = [reservation]
    if not reservation.is_confirmed or reservation.are_dates_unspecified:
        return parts
    left = [n for n in neighbours if n.is_confirmed and _is_same_guest(n, reservation)]
    while True:
        before = next((n for n in left if n.departure_on == parts[0].arrival_on), None)
        after = next((n for n in left if n.arrival_on == parts[-1].departure_on), None)
        if before is not None:
            parts.insert(0, before)
        elif after is not None:
            parts.append(after)
        else:
            return parts
        left.remove(parts[0] if before is not None else parts[-1])


def one_a_stay(found: list[tuple[int, Reservation]], today: date) -> list[tuple[int, Reservation]]:
    """Of a guest's adjoining bookings the one of today, else the first; others as they are.

    Args:
        found: (account, reservation) by arrival.
        today: the day that decides.
    """
    left = list(found)
    chosen = []
    while left:
        account_id, first = left[0]
        place = first.place_external_id
        others = [
            r
            for other_account, r in left[1:]
            if other_account == account_id and r.place_external_id == place
        ]
        parts = parts_of(first, others)
        begun = [part for part in parts if part.arrival_on <= today]
        chosen.append((account_id, begun[-1] if begun else parts[0]))
        left = [each for each in left if not any(each[1] is part for part in parts)]
    return chosen


def _is_same_guest(one: Reservation, other: Reservation) -> bool:
    """Whether two bookings are one person's: by number, else by a full name on one channel.

    The owner is one person. A first name alone is anybody's: who is taken for another would be
    given the other's code.
    """
    if one.status == other.status == OWNER:
        return True
    if one.phone_e164 or other.phone_e164:
        return one.phone_e164 == other.phone_e164
    name = (one.guest_name or "").split()
    is_one_name = len(name) > 1 and one.guest_name == other.guest_name
    return is_one_name and one.channel_id == other.channel_id


def previous_check_out(
    reservation: Reservation,
    listing: Listing,
    policy: AccessPolicy,
    neighbours: list[Reservation],
) -> datetime | None:
    """When the last other guest before this one leaves; none where nobody did lately.

    Stays that overlap hold nothing back: where units are no listings they all do.
    """
    before = [n for n in neighbours if n.departure_on <= reservation.arrival_on]
    leaving = [
        check_out_at(n, listing, policy) for n in before if not _is_same_guest(n, reservation)
    ]
    return max(leaving, default=None)


def door_code(
    source: str, reservation: Reservation, listing: Listing | None
) -> tuple[str | None, bool]:
    """(the code from its one source, whether it stands at the listing for every guest).

    Empty there means not ready, never another source; so does a unit that is not mirrored.
    """
    if source == "reservation":
        return reservation.gated.secrets.get(DOOR_CODE), False
    if source == "listing":
        return (listing.gated.secrets.get(DOOR_CODE) if listing else None), True
    name = source.removeprefix("field:")
    if value := reservation.gated.secrets.get(name) or reservation.gated.texts.get(name):
        return value, False
    if listing is None:
        return None, True
    return listing.gated.secrets.get(name) or listing.gated.texts.get(name), True


def known_secrets(
    code: str | None,
    reservation: Reservation,
    listing: Listing,
    unit: Listing | None,
    parts: list[Reservation],
) -> dict[str, str]:
    """Every secret by name, the door code first; `other_…` are masked and never said."""
    known: dict[str, str] = {DOOR_CODE: code} if code else {}
    others: dict[str, str] = {}
    for place, gated in (
        ("listing", listing.gated),
        ("unit", unit.gated if unit is not None else Gated()),
        ("reservation", reservation.gated),
    ):
        for name, value in gated.secrets.items():
            others[f"other_{place}_{name}"] = value
            if name != DOOR_CODE:
                known[name] = value
    for part in parts:
        if part is not reservation:
            others |= {
                f"other_stay_{part.external_id}_{name}": value
                for name, value in part.gated.secrets.items()
            }
    said = set(known.values())
    return known | {name: value for name, value in others.items() if value not in said}


def gated_texts(
    known: Mapping[str, str],
    reservation: Reservation,
    listing: Listing,
    unit: Listing | None,
) -> tuple[dict[str, str], dict[str, str]]:
    """(gated texts with placeholders, values that were cut out of them by placeholder)."""
    unit_texts = unit.gated.texts if unit is not None else {}
    texts: dict[str, str] = {}
    cut: dict[str, str] = {}
    for name, text in {**listing.gated.texts, **unit_texts, **reservation.gated.texts}.items():
        masked = without_foreign_codes(mask(text, known))
        texts[name], found = cut_codes(masked, prefix=name)
        cut |= found
    return texts, cut


def is_unsure(cut: str) -> bool:
    """Whether what was cut out of gated text is too small a number to be known as a code."""
    return cut.isdigit() and len(cut) < SURE_FROM
