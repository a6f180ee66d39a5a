"""SQL of calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db import Connection, Row

PROCESS_ENDED = "the process ended"
"""Why a call is over that nobody closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One telephone call, one to one with its conversation."""

    conversation_id: int
    reservation_id: int | None
    language: str | None
    call_sid: str
    hotline_e164: str
    caller_e164: str | None
    """None where it was withheld, or is no telephone number."""
    assurance: int
    disclosed_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    because: str | None
    seen_at: datetime | None
    """When it was last known to be alive."""
    is_doubtful: bool
    """The carrier does not vouch for the caller's number."""


async def open_call(
    conn: Connection,
    *,
    call_sid: str,
    hotline_e164: str,
    caller_e164: str | None,
    language: str,
    now: datetime,
    is_doubtful: bool = False,
) -> int:
    """The conversation of a call, made when it is new; a stream that comes again finds it."""
    await conn.execute(
        """insert into {schema}.conversations (medium, account, external_id, language, opened_at)
           values ('phone', $1, $2, $3, $4) on conflict do nothing""",
        hotline_e164, call_sid, language, now,
    )  # fmt: skip
    conversation_id: int = await conn.fetchval(
        """select id from {schema}.conversations
           where medium = 'phone' and account = $1 and external_id = $2""",
        hotline_e164, call_sid,
    )  # fmt: skip
    await conn.execute(
        """insert into {schema}.calls
               (conversation_id, call_sid, hotline_e164, caller_e164, started_at, seen_at,
                is_doubtful)
           values ($1, $2, $3, $4, $5, $5, $6)
           on conflict (conversation_id) do update
           set ended_at = null, because = null, seen_at = excluded.seen_at""",
        conversation_id, call_sid, hotline_e164, caller_e164, now, is_doubtful,
    )  # fmt: skip
    return conversation_id


async def keep_caller(conn: Connection, conversation_id: int, assurance: int) -> None:
    """How sure we are of who calls."""
    await conn.execute(
        "update {schema}.calls set assurance = $2 where conversation_id = $1",
        conversation_id, assurance,
    )  # fmt: skip


async def add_facts(
    conn: Connection, conversation_id: int, facts: Sequence[Mapping[str, Any]]
) -> None:
    """Keep what a caller told to be known by, without its value."""
    await conn.execute(
        "update {schema}.calls set facts = facts || $2 where conversation_id = $1",
        conversation_id, list(facts),
    )  # fmt: skip


async def wrong_facts(
    conn: Connection, reservation_ids: Sequence[int], *, since: datetime
) -> dict[int, int]:
    """Reservation → wrong facts that callers told about it since a moment."""
    rows = await conn.fetch(
        """select r.id, count(distinct (c.conversation_id, f ->> 'at')) as wrong
           from {schema}.calls c, jsonb_array_elements(c.facts) f,
               unnest($1::bigint[]) as r (id)
           where c.started_at > $2::timestamptz - interval '1 day'
             and not (f ->> 'is_right')::boolean and f -> 'reservations' @> to_jsonb(r.id)
             and (f ->> 'at')::timestamptz > $2
           group by r.id""",
        list(reservation_ids), since,
    )  # fmt: skip
    return {row["id"]: row["wrong"] for row in rows}


async def mark_disclosed(conn: Connection, conversation_id: int, at: datetime) -> None:
    """The caller has heard that an AI speaks."""
    await conn.execute(
        """update {schema}.calls set disclosed_at = coalesce(disclosed_at, $2)
           where conversation_id = $1""",
        conversation_id, at,
    )  # fmt: skip


async def mark_seen(conn: Connection, conversation_id: int, at: datetime) -> None:
    """The call was alive at this moment."""
    await conn.execute(
        """update {schema}.calls set seen_at = greatest(seen_at, $2)
           where conversation_id = $1 and ended_at is null""",
        conversation_id, at,
    )  # fmt: skip


async def end_lost(conn: Connection, *, unseen_since: datetime, because: str) -> list[Row]:
    """Close calls that nobody has seen alive since then, at their last sign of life.

    Gives conversation_id, call_sid and ended_at of each.
    """
    return await conn.fetch(
        """update {schema}.calls set ended_at = coalesce(seen_at, started_at), because = $2
           where ended_at is null and coalesce(seen_at, started_at) < $1
           returning conversation_id, call_sid, ended_at""",
        unseen_since, because,
    )  # fmt: skip


async def end_call(conn: Connection, call_sid: str, *, because: str, at: datetime) -> None:
    """A call is over, as whoever served it says; that counts more than what the carrier said."""
    await conn.execute(
        """update {schema}.calls set ended_at = $2, because = $3 where call_sid = $1""",
        call_sid, at, because,
    )  # fmt: skip


async def end_carried(conn: Connection, call_sid: str, *, because: str, at: datetime) -> bool:
    """A call is over, as the carrier says; what is known of its end stays. Whether it is known."""
    tag = await conn.execute(
        """update {schema}.calls set ended_at = coalesce(ended_at, $2),
               because = coalesce(because, $3)
           where call_sid = $1""",
        call_sid, at, because,
    )  # fmt: skip
    return tag != "UPDATE 0"


async def calls(conn: Connection, *, last: int) -> list[Call]:
    """The newest calls first."""
    rows = await conn.fetch(
        """select k.*, c.reservation_id, c.language from {schema}.calls k
           join {schema}.conversations c on c.id = k.conversation_id
           order by k.started_at desc, k.conversation_id desc limit $1""",
        last,
    )
    return [_call(row) for row in rows]


async def call_by(conn: Connection, *, number: int, call_sid: str) -> Call | None:
    """The call of that conversation, or of that CallSid."""
    row = await conn.fetchrow(
        """select k.*, c.reservation_id, c.language from {schema}.calls k
           join {schema}.conversations c on c.id = k.conversation_id
           where k.conversation_id = $1 or k.call_sid = $2""",
        number, call_sid,
    )  # fmt: skip
    return None if row is None else _call(row)


async def was_closed(conn: Connection, call_sid: str) -> bool:
    """Whether somebody who served a call has ended it."""
    found: bool = await conn.fetchval(
        """select exists (select 1 from {schema}.calls
           where call_sid = $1 and ended_at is not null and because <> $2)""",
        call_sid, PROCESS_ENDED,
    )  # fmt: skip
    return found


async def is_over(conn: Connection, call_sid: str) -> bool:
    """Whether a call has ended; one that nobody knows has."""
    found: bool = await conn.fetchval(
        """select not exists (
               select 1 from {schema}.calls where call_sid = $1 and ended_at is null)""",
        call_sid,
    )
    return found


def _call(row: Row) -> Call:
    return Call(**{name: row[name] for name in Call.__dataclass_fields__})
