"""SQL of cases and handling."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.db import Connection, Row
from app.escalation.records import Case, Handling, Severity


async def lock_handling(conn: Connection, conversation_id: int, now: datetime) -> Handling:
    """A conversation's handling, locked until the transaction ends; made when it is new."""
    row = await _locked_handling(conn, conversation_id)
    if row is None:
        await conn.execute(
            """insert into {schema}.handling (conversation_id, changed_at) values ($1, $2)
               on conflict do nothing""",
            conversation_id, now,
        )  # fmt: skip
        row = await _locked_handling(conn, conversation_id)
    if row is None:
        raise LookupError("handling vanished while it was locked")
    return Handling(
        mode=row["mode"],
        epoch=row["epoch"],
        reason=row["reason"],
        until=row["until"],
        changed_at=row["changed_at"],
    )


async def _locked_handling(conn: Connection, conversation_id: int) -> Row | None:
    return await conn.fetchrow(
        "select * from {schema}.handling where conversation_id = $1 for update", conversation_id
    )


async def set_handling(
    conn: Connection,
    conversation_id: int,
    *,
    mode: str,
    reason: str,
    until: datetime | None,
    now: datetime,
) -> int:
    """Say who speaks from now on; the new epoch."""
    epoch: int = await conn.fetchval(
        """insert into {schema}.handling as h
               (conversation_id, mode, epoch, reason, until, changed_at)
           values ($1, $2, 1, $3, $4, $5)
           on conflict (conversation_id) do update
           set mode = excluded.mode, epoch = h.epoch + 1, reason = excluded.reason,
               until = excluded.until, changed_at = excluded.changed_at
           returning epoch""",
        conversation_id, mode, reason, until, now,
    )  # fmt: skip
    return epoch


async def inferred_silence(conn: Connection, conversation_id: int) -> datetime | None:
    """Until when a conversation is silent because somebody seems to have spoken; not locked."""
    until: datetime | None = await conn.fetchval(
        "select until from {schema}.handling where conversation_id = $1 and mode = 'human'",
        conversation_id,
    )
    return until


async def has_person_spoken(conn: Connection, conversation_id: int, *, since: datetime) -> bool:
    """Whether a turn since a moment is a person's."""
    found: bool = await conn.fetchval(
        """select exists (select 1 from {schema}.turns
               where conversation_id = $1 and speaker = 'operator' and said_at >= $2)""",
        conversation_id, since,
    )  # fmt: skip
    return found


async def conversations_of_stay(
    conn: Connection, conversation_id: int, reservation_id: int | None
) -> list[int]:
    """Every conversation that a case speaks for, the one it began in first."""
    rows = await conn.fetch(
        "select id from {schema}.conversations where reservation_id = $1 and id <> $2 order by id",
        reservation_id, conversation_id,
    )  # fmt: skip
    return [conversation_id, *(row["id"] for row in rows)]


async def unresolved(
    conn: Connection, conversation_id: int, reservation_id: int | None
) -> Case | None:
    """The one unresolved case of a stay, or of a conversation without one; locked.

    The stay is locked too, before anything else of it: two threads of one stay that both need a
    person come one after the other.
    """
    stay = f"stay {reservation_id}" if reservation_id is not None else f"thread {conversation_id}"
    await conn.execute(
        "select pg_advisory_xact_lock(hashtextextended('{schema} ' || $1::text, 7))", stay
    )
    row = await conn.fetchrow(
        """select * from {schema}.cases
           where state <> 'resolved'
             and (reservation_id = $2 or (conversation_id = $1 and reservation_id is null))
           order by id limit 1 for update""",
        conversation_id, reservation_id,
    )  # fmt: skip
    return _case(row) if row else None


async def case_over(conn: Connection, conversation_id: int) -> int | None:
    """The unresolved case of a conversation or of its stay; not locked."""
    case_id: int | None = await conn.fetchval(
        """select s.id from {schema}.cases s
           join {schema}.conversations c on c.id = $1
           where s.state <> 'resolved'
             and (s.reservation_id = c.reservation_id
                  or (s.conversation_id = c.id and s.reservation_id is null))
           order by s.id limit 1""",
        conversation_id,
    )
    return case_id


async def add_case(
    conn: Connection,
    *,
    conversation_id: int,
    reservation_id: int | None,
    severity: Severity,
    trigger_text: str,
    brief: str,
    change: Mapping[str, Any],
    now: datetime,
) -> Case | None:
    """A new case, or none where somebody was quicker."""
    row = await conn.fetchrow(
        """insert into {schema}.cases
               (conversation_id, reservation_id, severity, trigger_text, brief, history, opened_at)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning *""",
        conversation_id, reservation_id, severity, trigger_text, brief, [dict(change)], now,
    )  # fmt: skip
    return _case(row) if row else None


async def change_case(
    conn: Connection, case_id: int, change: Mapping[str, Any], **columns: Any
) -> Case:
    """Set columns of a case and write the change into its history."""
    names = ("severity", "state", "assignee", "resolved_at", "brief")
    given = [columns.get(name) for name in names]
    row = await conn.fetchrow(
        """update {schema}.cases
           set severity = coalesce($3, severity), state = coalesce($4, state),
               assignee = coalesce($5, assignee), resolved_at = coalesce($6, resolved_at),
               brief = coalesce($7, brief), history = history || $2::jsonb
           where id = $1 returning *""",
        case_id, [dict(change)], *given,
    )  # fmt: skip
    if row is None:
        raise LookupError(f"case {case_id} vanished while it was locked")
    return _case(row)


async def attach_case(conn: Connection, conversation_id: int, reservation_id: int) -> Case | None:
    """An unknown caller's case made the stay's; none where there is none, or the stay has one."""
    row = await conn.fetchrow(
        """update {schema}.cases set reservation_id = $2
           where conversation_id = $1 and reservation_id is null and state <> 'resolved'
             and not exists (
                 select 1 from {schema}.cases
                 where reservation_id = $2 and state <> 'resolved')
           returning *""",
        conversation_id, reservation_id,
    )  # fmt: skip
    return _case(row) if row else None


async def lock_case(conn: Connection, case_id: int) -> Case | None:
    """A case, locked until the transaction ends."""
    row = await conn.fetchrow("select * from {schema}.cases where id = $1 for update", case_id)
    return _case(row) if row else None


async def case(conn: Connection, case_id: int) -> Case | None:
    """A case."""
    row = await conn.fetchrow("select * from {schema}.cases where id = $1", case_id)
    return _case(row) if row else None


async def cases(conn: Connection, *, with_resolved: bool, limit: int = 100) -> list[Case]:
    """Cases, newest first."""
    rows = await conn.fetch(
        """select * from {schema}.cases where $1 or state <> 'resolved'
           order by id desc limit $2""",
        with_resolved, limit,
    )  # fmt: skip
    return [_case(row) for row in rows]


async def purge(conn: Connection, before: datetime) -> int:
    """Delete cases resolved before that; how many."""
    tag = await conn.execute("delete from {schema}.cases where resolved_at < $1", before)
    return int(tag.split()[-1])


async def conversation_ids(conn: Connection) -> list[int]:
    """The conversations that have a case."""
    rows = await conn.fetch("select distinct conversation_id from {schema}.cases")
    return [row["conversation_id"] for row in rows]


async def mark_alerted(
    conn: Connection, case_id: int, *, channel: str, ts: str, now: datetime
) -> None:
    """Keep where a case's alert stands."""
    await conn.execute(
        """update {schema}.cases set alerted_at = $4, slack_channel = $2, slack_ts = $3
           where id = $1""",
        case_id, channel, ts, now,
    )  # fmt: skip


async def mark_told(conn: Connection, case_id: int, entries: int) -> bool:
    """Keep how much of the history was told; whether that is all of it."""
    is_all: bool | None = await conn.fetchval(
        """update {schema}.cases set told = greatest(told, $2) where id = $1
           returning told >= jsonb_array_length(history)""",
        case_id, entries,
    )  # fmt: skip
    return bool(is_all)


def _case(row: Row) -> Case:
    values = {name: row[name] for name in Case.__dataclass_fields__ if name != "history"}
    return Case(**values, history=tuple(row["history"]))
