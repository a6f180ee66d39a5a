"""SQL of libraries and decisions."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.bots.records import ModelCall, Question, Route
from app.db import Connection, Row
from app.keys import Keyring


async def newest_library(conn: Connection) -> tuple[int, dict[str, Any]] | None:
    """(version, content) of the newest library."""
    row = await conn.fetchrow(
        "select version, content from {schema}.libraries order by version desc limit 1"
    )
    return (row["version"], row["content"]) if row else None


async def add_library(conn: Connection, content: dict[str, Any], now: datetime, by: str) -> int:
    """Add the next version; its number."""
    version: int = await conn.fetchval(
        """insert into {schema}.libraries (version, content, published_at, published_by)
           select coalesce(max(version), 0) + 1, $1, $2, $3 from {schema}.libraries
           returning version""",
        content, now, by,
    )  # fmt: skip
    return version


async def add_decision(
    conn: Connection,
    question: Question,
    route: Route,
    *,
    library_version: int,
    answer: str | None,
    calls: list[ModelCall],
    trace_id: str | None,
) -> int:
    """Keep why something was answered, or not; the row's id."""
    decision_id: int = await conn.fetchval(
        """insert into {schema}.decisions
               (conversation_id, generation, library_version, bot, action_code, score,
                covers_all, outcome, origin, because, language, question, answer, stay, sealed,
                trace_id, decided_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
           returning id""",
        question.conversation_id, question.generation, library_version, route.bot,
        route.action_code, route.score, route.covers_all, route.outcome,
        route.origin, route.because, route.language, question.text, answer,
        question.stay.snapshot() if question.stay else None,
        seal(question.tenant.keyring, route.reasoning, [asdict(call) for call in calls]),
        trace_id, question.now,
    )  # fmt: skip
    return decision_id


def seal(keyring: Keyring, reasoning: str, calls: list[dict[str, Any]]) -> bytes:
    """What a model was told and said, closed: it may quote gated text."""
    return keyring.close_mapping({"reasoning": reasoning, "calls": calls})


async def decisions_of(conn: Connection, conversation_id: int) -> list[Row]:
    """A conversation's decisions, oldest first."""
    return await conn.fetch(
        "select * from {schema}.decisions where conversation_id = $1 order by id", conversation_id
    )


async def stay_seen(conn: Connection, decision_id: int) -> dict[str, Any] | None:
    """The stay as a decision saw it."""
    seen: dict[str, Any] | None = await conn.fetchval(
        "select stay from {schema}.decisions where id = $1", decision_id
    )
    return seen
