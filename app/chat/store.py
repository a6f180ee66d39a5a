"""SQL of threads' generations and of the outbox."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.db import Connection, Row

OutboxStatus = Literal["draft", "queued", "sending", "ambiguous", "sent", "dropped", "failed"]
OutboxOrigin = Literal["bot", "holding", "operator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """How far a thread has been answered."""

    conversation_id: int
    generation: int
    first_pending_at: datetime | None
    due_at: datetime | None
    answered_generation: int
    answered_through: int
    is_disclosed: bool
    refuses_robot: bool

    @property
    def is_pending(self) -> bool:
        """Whether a quiet window is running, or an answer is under way."""
        return self.generation > self.answered_generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A reply on its way."""

    id: int
    conversation_id: int
    generation: int
    origin: OutboxOrigin
    epoch: int
    text: str
    communication_type: str | None
    status: OutboxStatus
    attempts: int
    checks: int
    answered_before: int
    """The newest turn that was covered before this reply; what a dropped one gives back."""
    decision_id: int | None
    operator: str | None
    typed: list[str]
    """Names of secrets that a person typed: theirs to give, whatever access says."""
    external_id: str | None
    created_at: datetime
    tried_at: datetime | None
    """When it was first handed to the PMS."""
    instead_of: int | None
    """The reply that a channel refused, which this one sends another way."""


async def lock_thread(conn: Connection, conversation_id: int) -> Thread:
    """A thread's state, locked until the transaction ends; made when it is new."""
    row = await _locked_thread(conn, conversation_id)
    if row is None:
        await conn.execute(
            "insert into {schema}.threads (conversation_id) values ($1) on conflict do nothing",
            conversation_id,
        )
        row = await _locked_thread(conn, conversation_id)
    if row is None:
        raise LookupError("a thread vanished while it was locked")
    return Thread(**dict(row))


async def _locked_thread(conn: Connection, conversation_id: int) -> Row | None:
    return await conn.fetchrow(
        "select * from {schema}.threads where conversation_id = $1 for update", conversation_id
    )


async def raise_generation(
    conn: Connection, conversation_id: int, *, first_pending_at: datetime, due_at: datetime
) -> int:
    """Arm a thread anew; the newer generation."""
    generation: int = await conn.fetchval(
        """update {schema}.threads
           set generation = generation + 1, first_pending_at = $2, due_at = $3
           where conversation_id = $1 returning generation""",
        conversation_id, first_pending_at, due_at,
    )  # fmt: skip
    return generation


async def mark_answered(
    conn: Connection, conversation_id: int, *, generation: int, through_turn: int
) -> None:
    """Keep that a decision has covered the thread up to a turn."""
    await conn.execute(
        """update {schema}.threads
           set answered_generation = greatest(answered_generation, $2),
               answered_through = greatest(answered_through, $3),
               first_pending_at = case when generation > $2 then first_pending_at end
           where conversation_id = $1""",
        conversation_id, generation, through_turn,
    )  # fmt: skip


async def mark_disclosed(conn: Connection, conversation_id: int) -> None:
    """The guest was told that an AI writes."""
    await conn.execute(
        "update {schema}.threads set is_disclosed = true where conversation_id = $1",
        conversation_id,
    )


async def reconsider_disclosure(conn: Connection, conversation_id: int) -> None:
    """A reply turned out not to have arrived: was the guest told by another that an AI writes?"""
    await conn.execute(
        """update {schema}.threads
           set is_disclosed = exists (
               select 1 from {schema}.outbox
               where conversation_id = $1 and origin <> 'operator' and status = 'sent')
           where conversation_id = $1""",
        conversation_id,
    )


async def keep_refusal(conn: Connection, conversation_id: int) -> None:
    """The guest wants no robot, for good."""
    await conn.execute(
        "update {schema}.threads set refuses_robot = true where conversation_id = $1",
        conversation_id,
    )


async def add_outgoing(
    conn: Connection,
    *,
    conversation_id: int,
    generation: int,
    origin: OutboxOrigin,
    epoch: int,
    text: str,
    communication_type: str | None,
    status: OutboxStatus,
    decision_id: int | None,
    operator: str | None,
    now: datetime,
    answered_before: int = 0,
    typed: Iterable[str] = (),
) -> int | None:
    """Put a reply into the outbox; none where this generation has one already."""
    outbox_id: int | None = await conn.fetchval(
        """insert into {schema}.outbox
               (conversation_id, generation, origin, epoch, text, communication_type, status,
                decision_id, operator, created_at, answered_before, typed)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           on conflict do nothing returning id""",
        conversation_id, generation, origin, epoch, text, communication_type, status,
        decision_id, operator, now, answered_before, sorted(typed),
    )  # fmt: skip
    return outbox_id


async def add_instead(
    conn: Connection, refused_id: int, *, way: str, epoch: int, now: datetime
) -> int | None:
    """Queue a reply that a channel refused once more, another way; none where it was before."""
    outbox_id: int | None = await conn.fetchval(
        """insert into {schema}.outbox
               (conversation_id, generation, origin, epoch, text, communication_type, status,
                decision_id, operator, created_at, answered_before, typed, instead_of)
           select conversation_id, generation, origin, $2, text, $3, 'queued',
                  decision_id, operator, $4, answered_before, typed, id
           from {schema}.outbox where id = $1
           on conflict do nothing returning id""",
        refused_id, epoch, way, now,
    )  # fmt: skip
    return outbox_id


async def lock_outgoing(conn: Connection, outbox_id: int) -> Outgoing | None:
    """A reply on its way, locked until the transaction ends."""
    row = await conn.fetchrow("select * from {schema}.outbox where id = $1 for update", outbox_id)
    return _outgoing(row) if row else None


async def conversation_of(conn: Connection, outbox_id: int) -> int | None:
    """The conversation a reply belongs to."""
    found: int | None = await conn.fetchval(
        "select conversation_id from {schema}.outbox where id = $1", outbox_id
    )
    return found


async def set_status(
    conn: Connection,
    outbox_id: int,
    status: OutboxStatus,
    *,
    because: str | None = None,
    more_attempts: int = 0,
    more_checks: int = 0,
    external_id: str | None = None,
    sent_at: datetime | None = None,
    tried_at: datetime | None = None,
) -> None:
    """What became of a reply."""
    await conn.execute(
        """update {schema}.outbox
           set status = $2, because = coalesce($3, because), attempts = attempts + $4,
               checks = checks + $5, external_id = coalesce($6, external_id),
               sent_at = coalesce($7, sent_at), tried_at = coalesce(tried_at, $8)
           where id = $1""",
        outbox_id, status, because, more_attempts, more_checks, external_id, sent_at, tried_at,
    )  # fmt: skip


async def let_go(
    conn: Connection, outbox_id: int, epoch: int, text: str, *, typed: Iterable[str] = ()
) -> None:
    """A draft that a person lets go: theirs now, under today's handling."""
    await conn.execute(
        """update {schema}.outbox
           set epoch = $2, text = $3, typed = $4, status = 'queued', origin = 'operator'
           where id = $1""",
        outbox_id, epoch, text, sorted(typed),
    )  # fmt: skip


async def outgoing_of(conn: Connection, conversation_id: int, *, last: int = 20) -> list[Outgoing]:
    """A thread's newest replies."""
    rows = await conn.fetch(
        "select * from {schema}.outbox where conversation_id = $1 order by id desc limit $2",
        conversation_id, last,
    )  # fmt: skip
    return [_outgoing(row) for row in rows]


async def is_ours(conn: Connection, conversation_id: int, external_id: str) -> bool:
    """Whether a message of that PMS id was sent by us, as far as we know yet."""
    found = await conn.fetchval(
        "select 1 from {schema}.outbox where conversation_id = $1 and external_id = $2",
        conversation_id,
        external_id,
    )
    return found is not None


async def purge(conn: Connection, before: datetime) -> int:
    """Delete replies older than that; how many."""
    tag = await conn.execute("delete from {schema}.outbox where created_at < $1", before)
    return int(tag.split()[-1])


async def is_behind(conn: Connection, outgoing: Outgoing, since: datetime) -> bool:
    """Whether an earlier reply of the thread, made since a moment, is still on its way."""
    found: bool = await conn.fetchval(
        """select exists (
               select 1 from {schema}.outbox
               where conversation_id = $1 and id < $2 and created_at > $3
                 and status in ('queued', 'sending'))""",
        outgoing.conversation_id, outgoing.id, since,
    )  # fmt: skip
    return found


async def drafts(conn: Connection) -> list[Outgoing]:
    """Every reply that waits for a person's word, oldest first."""
    rows = await conn.fetch("select * from {schema}.outbox where status = 'draft' order by id")
    return [_outgoing(row) for row in rows]


async def bot_replies_since(conn: Connection, conversation_id: int, since: datetime) -> int:
    """How many bot replies a thread got since a moment."""
    count: int = await conn.fetchval(
        """select count(*) from {schema}.outbox
           where conversation_id = $1 and origin = 'bot' and created_at > $2
             and status in ('queued', 'sending', 'ambiguous', 'sent')""",
        conversation_id, since,
    )  # fmt: skip
    return count


async def drop_unsent(
    conn: Connection, conversation_id: int, because: str, *, older_than: int
) -> None:
    """Take back drafts and the bot's replies that surely were not sent: the thread has moved on.

    Those of an older generation; what they answered is open again. The thread is locked.
    """
    rows = await conn.fetch(
        """update {schema}.outbox set status = 'dropped', because = $2
           where conversation_id = $1 and generation < $3
             and (status = 'draft' or (status = 'queued' and origin = 'bot'))
           returning answered_before""",
        conversation_id, because, older_than,
    )  # fmt: skip
    if rows:
        await give_back(conn, conversation_id, min(row["answered_before"] for row in rows))


async def dropped_since(
    conn: Connection, conversation_id: int, because: str, since: datetime
) -> int:
    """How many replies of a thread were dropped for a reason since a moment."""
    count: int = await conn.fetchval(
        """select count(*) from {schema}.outbox
           where conversation_id = $1 and status = 'dropped' and because = $2
             and created_at > $3""",
        conversation_id, because, since,
    )  # fmt: skip
    return count


async def is_unclear(
    conn: Connection, conversation_id: int, since: datetime, *, older_than: int
) -> bool:
    """Whether nobody knows yet if an older reply, made since a moment, has reached the guest."""
    found: bool = await conn.fetchval(
        """select exists (
               select 1 from {schema}.outbox
               where conversation_id = $1 and origin <> 'operator' and created_at > $2
                 and generation < $3 and status in ('sending', 'ambiguous'))""",
        conversation_id, since, older_than,
    )  # fmt: skip
    return found


async def give_back(conn: Connection, conversation_id: int, answered_before: int) -> None:
    """What a reply that never went out had answered is open again."""
    await conn.execute(
        """update {schema}.threads set answered_through = least(answered_through, $2)
           where conversation_id = $1""",
        conversation_id, answered_before,
    )  # fmt: skip


def _outgoing(row: Row) -> Outgoing:
    return Outgoing(**{name: row[name] for name in Outgoing.__dataclass_fields__})
