"""What a call's end left unanswered is answered in the booking's thread, where tenants want it.

The thread is another room's: here only its job is armed.
"""

import asyncio
from collections.abc import Sequence

from app.clock import Clock
from app.db import Connection
from app.jobs import Job, Jobs
from app.tenants import Tenant
from app.voice.bare import bare
from app.voice.ledger import Ledger
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


def follow_up(
    ledger: Ledger, jobs: Jobs, clock: Clock, tenant: Tenant, conversation_id: asyncio.Future[int]
) -> None:
    """Have the question answered in writing, after everything that the call has to write."""

    async def write(conn: Connection) -> None:
        await jobs.arm(
            conn,
            tenant_id=tenant.id,
            kind=Job.AFTER_CALL,
            key=await conversation_id,
            due_at=clock.now(),
        )

    ledger.write(write)
