"""SQL of the mirror: listings, reservations, message metadata, what passes over them knew.

People write codes into any text. So all free text of a row is closed together with what is gated;
in the clear stand names, without what may be a code, and what queries need.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from app.db import Connection, Row
from app.keys import Keyring
from app.pms.gated import hide_codes
from app.pms.masking import mask
from app.pms.records import CONFIRMED, OWNER, Gated, Listing, Message, Reservation

MOST_OF_A_NUMBER = 25
"""Bookings of one number that are looked at."""
MOST_GUESTS = 20_000
"""Bookings whose guests' names are compared with what a caller said."""


async def upsert_listing(
    conn: Connection, account_id: int, listing: Listing, keyring: Keyring
) -> int:
    """Store what was fetched; the row's id."""
    row_id: int = await conn.fetchval(
        """insert into {schema}.listings
               (account_id, external_id, name, internal_name, time_zone, country_code, city,
                check_in_hour, check_out_hour, is_archived, custom_fields, fields, gated, as_of)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
           on conflict (account_id, external_id) do update
           set name = excluded.name, internal_name = excluded.internal_name,
               time_zone = excluded.time_zone, country_code = excluded.country_code,
               city = excluded.city, check_in_hour = excluded.check_in_hour,
               check_out_hour = excluded.check_out_hour, is_archived = excluded.is_archived,
               custom_fields = excluded.custom_fields, fields = excluded.fields,
               gated = excluded.gated, as_of = excluded.as_of
           returning id""",
        account_id, listing.external_id, _shown(listing.name, listing.gated),
        _shown(listing.internal_name, listing.gated), listing.time_zone,
        listing.country_code, listing.city, listing.check_in_hour, listing.check_out_hour,
        listing.is_archived, {}, _without_texts(listing.fields),
        _close(listing, keyring, "name", "internal_name"), listing.as_of,
    )  # fmt: skip
    return row_id


async def upsert_reservation(
    conn: Connection, account_id: int, reservation: Reservation, keyring: Keyring
) -> int | None:
    """Store what was fetched unless the mirror knows a newer one; the id, or none if older."""
    r = reservation
    row_id: int | None = await conn.fetchval(
        """insert into {schema}.reservations as r
               (account_id, external_id, listing_external_id, unit_external_id, status,
                arrival_on, departure_on, are_dates_unspecified, check_in_hour, check_out_hour,
                guest_name, guest_locale, phone_e164, confirmation_code, channel_id, is_paid,
                agreement, custom_fields, fields, gated, updated_at, as_of)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                   $18, $19, $20, $21, $22)
           on conflict (account_id, external_id) do update
           set listing_external_id = excluded.listing_external_id,
               unit_external_id = excluded.unit_external_id, status = excluded.status,
               arrival_on = excluded.arrival_on, departure_on = excluded.departure_on,
               are_dates_unspecified = excluded.are_dates_unspecified,
               check_in_hour = excluded.check_in_hour, check_out_hour = excluded.check_out_hour,
               guest_name = excluded.guest_name, guest_locale = excluded.guest_locale,
               phone_e164 = excluded.phone_e164, confirmation_code = excluded.confirmation_code,
               channel_id = excluded.channel_id, is_paid = excluded.is_paid,
               agreement = excluded.agreement, custom_fields = excluded.custom_fields,
               fields = excluded.fields, gated = excluded.gated,
               updated_at = excluded.updated_at, as_of = excluded.as_of
           where excluded.updated_at >= r.updated_at
           returning id""",
        account_id, r.external_id, r.listing_external_id, r.unit_external_id, r.status,
        r.arrival_on, r.departure_on, r.are_dates_unspecified, r.check_in_hour, r.check_out_hour,
        _shown(r.guest_name, r.gated), r.guest_locale, r.phone_e164, r.confirmation_code,
        r.channel_id, r.is_paid, r.agreement, {}, _without_texts(r.fields),
        _close(r, keyring, "guest_name"), r.updated_at, r.as_of,
    )  # fmt: skip
    return row_id


async def mark_thread_read(
    conn: Connection,
    account_id: int,
    external_id: str,
    *,
    seen_at: datetime | None,
    now: datetime,
) -> None:
    """Keep that a reservation's thread was read, and which activity that covers."""
    await conn.execute(
        """update {schema}.reservations set thread_seen_at = $3, thread_read_at = $4
           where account_id = $1 and external_id = $2""",
        account_id, external_id, seen_at, now,
    )  # fmt: skip


async def thread_reads(
    conn: Connection, account_id: int, external_ids: list[str]
) -> dict[str, tuple[datetime | None, datetime | None]]:
    """Reservation → (activity covered, when read) of the last look at its thread."""
    rows = await conn.fetch(
        """select external_id, thread_seen_at, thread_read_at from {schema}.reservations
           where account_id = $1 and external_id = any($2)""",
        account_id, external_ids,
    )  # fmt: skip
    return {row["external_id"]: (row["thread_seen_at"], row["thread_read_at"]) for row in rows}


async def listing(
    conn: Connection, account_id: int, external_id: str, keyring: Keyring
) -> Listing | None:
    """The mirrored listing of that PMS id."""
    row = await conn.fetchrow(
        "select * from {schema}.listings where account_id = $1 and external_id = $2",
        account_id, external_id,
    )  # fmt: skip
    return _listing(row, keyring) if row else None


async def reservation(
    conn: Connection, account_id: int, external_id: str, keyring: Keyring
) -> Reservation | None:
    """The mirrored reservation of that PMS id."""
    row = await conn.fetchrow(
        "select * from {schema}.reservations where account_id = $1 and external_id = $2",
        account_id, external_id,
    )  # fmt: skip
    return _reservation(row, keyring) if row else None


async def reservation_by_id(
    conn: Connection, reservation_id: int, keyring: Keyring
) -> tuple[int, Reservation] | None:
    """(account, reservation) of our own id."""
    row = await conn.fetchrow("select * from {schema}.reservations where id = $1", reservation_id)
    return (row["account_id"], _reservation(row, keyring)) if row else None


async def reservations_of_phone(
    conn: Connection, phone_e164: str, *, departing_from: date, keyring: Keyring
) -> list[tuple[int, Reservation]]:
    """(account, reservation) of the confirmed bookings with that number that are not long over.

    By arrival, and a bounded number of them: a channel's proxy number stands on thousands.
    """
    rows = await conn.fetch(
        """select * from {schema}.reservations
           where phone_e164 = $1 and departure_on >= $2 and status = any($4)
           order by arrival_on, departure_on, id limit $3""",
        phone_e164, departing_from, MOST_OF_A_NUMBER, list(CONFIRMED),
    )  # fmt: skip
    return [(row["account_id"], _reservation(row, keyring)) for row in rows]


async def guests_from(conn: Connection, *, departing_from: date) -> list[Row]:
    """Id and guest_name of the confirmed bookings that are not long over, by arrival."""
    return await conn.fetch(
        """select id, guest_name from {schema}.reservations
           where departure_on >= $1 and status = any($2) and guest_name is not null
           order by arrival_on, departure_on, id limit $3""",
        departing_from, list(CONFIRMED), MOST_GUESTS,
    )  # fmt: skip


async def neighbours(
    conn: Connection, account_id: int, r: Reservation, keyring: Keyring
) -> list[Reservation]:
    """Standing bookings of the same place that leave or arrive within a month of this one.

    What is closed is opened only of those that may be the same guest's.
    """
    rows = await conn.fetch(
        """select * from {schema}.reservations
           where account_id = $1 and coalesce(unit_external_id, listing_external_id) = $2
             and external_id <> $3
             and status in ('new', 'modified', 'ownerStay') and not are_dates_unspecified
             and departure_on between $4::date - 31 and $5::date + 31
           order by arrival_on, departure_on, id""",
        account_id, r.place_external_id, r.external_id, r.arrival_on, r.departure_on,
    )  # fmt: skip
    return [_stranger(row) if _is_stranger(row, r) else _reservation(row, keyring) for row in rows]


async def upsert_message(
    conn: Connection, conversation_id: int, message: Message, digest: bytes
) -> bool:
    """Keep a message's metadata; its words are a turn. Whether it had other words before."""
    is_edited: bool = await conn.fetchval(
        """with before as (
               select digest from {schema}.messages where conversation_id = $1 and external_id = $2
           )
           insert into {schema}.messages
               (conversation_id, external_id, is_incoming, is_automation, communication_type,
                status, attachments, digest, sent_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           on conflict (conversation_id, external_id) do update
           set status = excluded.status, digest = excluded.digest
           returning coalesce((select digest from before) <> $8, false)""",
        conversation_id, message.external_id, message.is_incoming, message.is_automation,
        message.communication_type, message.status, message.attachments, digest, message.sent_at,
    )  # fmt: skip
    return is_edited


async def threads_with_digest(conn: Connection, digest: bytes, *, besides: int) -> int:
    """In how many other threads the same words went out, but for what our own bot wrote there."""
    count: int = await conn.fetchval(
        """select count(distinct m.conversation_id) from {schema}.messages m
           where m.digest = $1 and not m.is_incoming and m.conversation_id <> $2
             and not exists (
                 select 1 from {schema}.turns t
                 where t.conversation_id = m.conversation_id and t.external_id = m.external_id
                   and t.speaker = 'bot')""",
        digest, besides,
    )  # fmt: skip
    return count


async def ways_used(conn: Connection, conversation_id: int) -> list[str]:
    """By which ways the guest has written in a thread, the newest first."""
    rows = await conn.fetch(
        """select communication_type from {schema}.messages
           where conversation_id = $1 and is_incoming and communication_type is not null
           group by communication_type order by max(sent_at) desc""",
        conversation_id,
    )
    return [row["communication_type"] for row in rows]


async def known_messages(conn: Connection, conversation_id: int) -> set[str]:
    """The PMS's ids of the messages that are mirrored."""
    rows = await conn.fetch(
        "select external_id from {schema}.messages where conversation_id = $1", conversation_id
    )
    return {row["external_id"] for row in rows}


async def set_state(conn: Connection, key: str, value: Any, as_of: datetime) -> None:
    """Remember something about the mirror."""
    await conn.execute(
        """insert into {schema}.pms_state (key, value, as_of) values ($1, $2, $3)
           on conflict (key) do update set value = excluded.value, as_of = excluded.as_of""",
        key, value, as_of,
    )  # fmt: skip


async def state(conn: Connection, key: str) -> tuple[Any, datetime] | None:
    """(value, as of) of what was remembered."""
    row = await conn.fetchrow("select value, as_of from {schema}.pms_state where key = $1", key)
    return (row["value"], row["as_of"]) if row else None


def _shown(text: str | None, gated: Gated) -> str | None:
    """A name as it stands in the clear: without known secrets, nor what may be one of a booking."""
    return hide_codes(mask(text, gated.secrets)) if text else text


def _without_texts(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not isinstance(value, str)}


def _close(record: Listing | Reservation, keyring: Keyring, *names: str) -> bytes:
    """All that is gated of a record, its fields, and columns whose words are shown masked."""
    return keyring.close_mapping(
        {
            "secrets": dict(record.gated.secrets),
            "texts": dict(record.gated.texts),
            "custom_fields": dict(record.custom_fields),
            "fields": dict(record.fields),
            **{name: getattr(record, name) for name in names},
        }
    )


def _opened(
    row: Row, keyring: Keyring, record: type[Listing] | type[Reservation]
) -> dict[str, Any]:
    """The row's values as the record wants them: what was closed stands over what is shown."""
    closed: dict[str, Any] = keyring.open_mapping(row["gated"])
    gated = Gated(secrets=closed.pop("secrets"), texts=closed.pop("texts"))
    shown = {name: row[name] for name in record.__dataclass_fields__}
    return {**shown, **closed, "gated": gated}


def _listing(row: Row, keyring: Keyring) -> Listing:
    return Listing(**_opened(row, keyring, Listing))


def _reservation(row: Row, keyring: Keyring) -> Reservation:
    return Reservation(**_opened(row, keyring, Reservation))


def _is_stranger(row: Row, guests: Reservation) -> bool:
    """Whether a booking is certainly another guest's, by what is not closed."""
    if row["status"] == guests.status == OWNER:
        return False
    numbers = {row["phone_e164"], guests.phone_e164}
    return None not in numbers and len(numbers) > 1


def _stranger(row: Row) -> Reservation:
    """When another guest comes and goes; nothing that is closed."""
    shown = {name: row[name] for name in Reservation.__dataclass_fields__ if name != "gated"}
    return Reservation(**shown, gated=Gated())
