"""What a call's end left unanswered is answered in the booking's thread, where tenants want it.

The thread is another room's: here only its job is armed.
"""

from collections.abc import Sequence

from app.db import Connection
from app.jobs import Job
from app.voice.bare import bare
from app.voice.record import CallRecord, RecordParts
from app.voice.thought import Thought

ENOUGH = 0.5
"""Share of an answer from which on it counts as heard."""


def is_unanswered(thoughts: Sequence[Thought]) -> bool:
    """Whether the caller hung up before the answer to the last question was heard."""
    asked = [thought for thought in thoughts if thought.is_confirmed]
    if not asked:
        return False
    last = asked[-1]
    route = last.answering.known_route if last.answering else None
    if last.prepared is not None or last.given_up or (route and route.outcome != "reply"):
        return False
    heard = [bare(said.text) for said in last.turns if said.speaker == "bot"]
    return sum(map(len, heard)) < ENOUGH * len(bare("".join(last.words))) or not heard


def follow_up(record: CallRecord, parts: RecordParts, tenant_id: str) -> None:
    """Have the question answered in writing, after everything that the call has to write."""

    async def write(conn: Connection) -> None:
        await parts.jobs.arm(
            conn,
            tenant_id=tenant_id,
            kind=Job.AFTER_CALL,
            key=await record.conversation_id,
            due_at=parts.clock.now(),
        )

    record.ledger.write(write)
