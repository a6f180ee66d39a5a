"""Conversations and their turns: the only place where words are stored.

A conversation is one phone call or one thread of the PMS. Secrets stand in turns as placeholders;
whoever records a turn has masked it before (`pms.gated`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.bus import Bus
from app.db import Connection, Row
from app.errors import NotFound
from app.events import TurnRecorded

Medium = Literal["phone", "thread"]
Speaker = Literal["guest", "bot", "operator", "automation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One call or one thread."""

    id: int
    medium: Medium
    account: str
    external_id: str
    reservation_id: int | None
    channel_id: int | None
    communication_type: str | None
    """How the PMS carried the guest's last message: channel, email, sms, whatsapp."""
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One utterance."""

    id: int
    external_id: str | None
    speaker: Speaker
    text: str
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What a turn on the phone has beside its words."""

    heard: str | None = None
    """As it sounded: what recognition wrote down, or what our voice was given."""
    ended_at: datetime | None = None
    heard_ms: int | None = None
    """So much of our speech reached the caller."""
    is_cut: bool = False
    """The other side spoke before it was whole."""
    stages: Mapping[str, int] = field(default_factory=dict)
    """Stage → milliseconds after the caller fell silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenTurn:
    """One turn of a call, with its sound."""

    id: int
    speaker: Speaker
    text: str
    said_at: datetime
    decision_id: int | None
    spoken: Spoken


class Conversations:
    """Finds conversations and records what was said."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def ensure_thread(
        self, conn: Connection, *, account: str, external_id: str, now: datetime
    ) -> Conversation:
        """The thread of that PMS id, made when it is new."""
        row = await _thread(conn, account, external_id)
        if row is None:
            await conn.execute(
                """insert into {schema}.conversations (medium, account, external_id, opened_at)
                   values ('thread', $1, $2, $3) on conflict do nothing""",
                account, external_id, now,
            )  # fmt: skip
            row = await _thread(conn, account, external_id)
        if row is None:
            raise NotFound("the thread vanished while it was made")
        return _conversation(row)

    async def newest_of_guests(
        self, conn: Connection, account: str, external_ids: list[str]
    ) -> dict[str, datetime]:
        """Thread → when its guest's newest known words were said; left out where none are known."""
        rows = await conn.fetch(
            """select c.external_id, max(t.said_at) as said_at
               from {schema}.conversations c
               join {schema}.turns t on t.conversation_id = c.id and t.speaker = 'guest'
               where c.medium = 'thread' and c.account = $1 and c.external_id = any($2)
               group by c.external_id""",
            account, external_ids,
        )  # fmt: skip
        return {row["external_id"]: row["said_at"] for row in rows}

    async def get(self, conn: Connection, conversation_id: int) -> Conversation:
        """One conversation.

        Raises:
            NotFound: this tenant has none of that id.
        """
        row = await conn.fetchrow(
            "select * from {schema}.conversations where id = $1", conversation_id
        )
        if row is None:
            raise NotFound(f"there is no conversation {conversation_id}")
        return _conversation(row)

    async def of_reservation(self, conn: Connection, reservation_id: int) -> list[Conversation]:
        """The conversations of a reservation, newest first."""
        rows = await conn.fetch(
            "select * from {schema}.conversations where reservation_id = $1 order by id desc",
            reservation_id,
        )
        return [_conversation(row) for row in rows]

    async def describe(
        self,
        conn: Connection,
        conversation_id: int,
        *,
        reservation_id: int | None = None,
        channel_id: int | None = None,
        communication_type: str | None = None,
        language: str | None = None,
    ) -> None:
        """Keep what became known of a conversation; what is not given stays."""
        await conn.execute(
            """update {schema}.conversations
               set reservation_id = coalesce($2, reservation_id),
                   channel_id = coalesce($3, channel_id),
                   communication_type = coalesce($4, communication_type),
                   language = coalesce($5, language)
               where id = $1""",
            conversation_id, reservation_id, channel_id, communication_type, language,
        )  # fmt: skip

    async def record_turn(
        self,
        conn: Connection,
        tenant_id: str,
        conversation_id: int,
        *,
        speaker: Speaker,
        text: str,
        said_at: datetime,
        external_id: str | None = None,
        decision_id: int | None = None,
        spoken: Spoken | None = None,
    ) -> int | None:
        """Record a turn once; its id, or none when it was known already.

        `TurnRecorded` follows the commit.
        """
        sound = spoken or Spoken()
        turn_id: int | None = await conn.fetchval(
            """insert into {schema}.turns
               (conversation_id, external_id, speaker, text, said_at, decision_id, heard, ended_at,
                heard_ms, is_cut, stages)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
               on conflict (conversation_id, external_id) do nothing returning id""",
            conversation_id, external_id, speaker, text, said_at, decision_id, sound.heard,
            sound.ended_at, sound.heard_ms, sound.is_cut, dict(sound.stages) if spoken else None,
        )  # fmt: skip
        if turn_id is not None:
            event = TurnRecorded(
                tenant_id=tenant_id,
                conversation_id=conversation_id,
                turn_id=turn_id,
                speaker=speaker,
                text=text,
                said_at=said_at,
                decision_id=decision_id,
                ended_at=sound.ended_at,
                heard_ms=sound.heard_ms,
                is_cut=sound.is_cut,
                stages=sound.stages,
            )
            self._bus.publish_after(conn, event)
        return turn_id

    async def correct_speaker(
        self, conn: Connection, conversation_id: int, external_id: str, speaker: Speaker
    ) -> bool:
        """Say anew who spoke a turn, once that became known; whether it was another before."""
        tag = await conn.execute(
            """update {schema}.turns set speaker = $3
               where conversation_id = $1 and external_id = $2 and speaker <> $3""",
            conversation_id, external_id, speaker,
        )  # fmt: skip
        return tag != "UPDATE 0"

    async def keep_edit(
        self, conn: Connection, conversation_id: int, external_id: str, text: str
    ) -> None:
        """Keep the words of a turn anew, after its writer edited them."""
        await conn.execute(
            """update {schema}.turns set text = $3
               where conversation_id = $1 and external_id = $2 and speaker = 'guest'""",
            conversation_id, external_id, text,
        )  # fmt: skip

    async def correct_words(self, conn: Connection, turn_id: int, text: str) -> None:
        """Write the words of a turn anew, once more of them is known to be secret."""
        await conn.execute("update {schema}.turns set text = $2 where id = $1", turn_id, text)

    async def correct_spoken(
        self,
        conn: Connection,
        conversation_id: int,
        external_id: str,
        *,
        text: str,
        heard: str | None,
    ) -> None:
        """Write both forms of a phone turn anew, once more of them is known to be secret."""
        await conn.execute(
            """update {schema}.turns set text = $3, heard = $4
               where conversation_id = $1 and external_id = $2""",
            conversation_id, external_id, text, heard,
        )  # fmt: skip

    async def link_decision(
        self, conn: Connection, conversation_id: int, external_id: str, decision_id: int
    ) -> None:
        """Tell a turn what was decided about it."""
        await conn.execute(
            """update {schema}.turns set decision_id = $3
               where conversation_id = $1 and external_id = $2""",
            conversation_id, external_id, decision_id,
        )  # fmt: skip

    async def spoken(self, conn: Connection, conversation_id: int) -> list[SpokenTurn]:
        """Every turn of a call with its sound, oldest first."""
        rows = await conn.fetch(
            """select id, speaker, text, said_at, decision_id, heard, ended_at, heard_ms, is_cut,
                   coalesce(stages, '{}'::jsonb) as stages
               from {schema}.turns where conversation_id = $1
               order by said_at, length(external_id), external_id, id""",
            conversation_id,
        )  # fmt: skip
        return [_spoken_turn(dict(row)) for row in rows]

    async def transcript(
        self, conn: Connection, conversation_id: int, *, last: int = 200
    ) -> list[Turn]:
        """The last turns, oldest first.

        The PMS tells whole seconds: within one its ids tell the order, for webhooks may overtake
        each other on their way to us.
        """
        rows = await conn.fetch(
            """select id, external_id, speaker, text, said_at from {schema}.turns
               where conversation_id = $1
               order by said_at desc, length(external_id) desc nulls last, external_id desc, id desc
               limit $2""",
            conversation_id, last,
        )  # fmt: skip
        return [Turn(**dict(row)) for row in reversed(rows)]

    async def purge(self, conn: Connection, before: datetime) -> int:
        """Delete turns and decisions older than that; how many turns."""
        await conn.execute("delete from {schema}.decisions where decided_at < $1", before)
        tag = await conn.execute("delete from {schema}.turns where said_at < $1", before)
        return int(tag.split()[-1])

    async def purge_calls(self, conn: Connection, before: datetime, *, kept: Sequence[int]) -> int:
        """Delete calls older than that, but those to be kept, with all that hangs on them.

        A call's number says who called; a thread without its words says nothing of anybody.
        """
        tag = await conn.execute(
            """delete from {schema}.conversations
               where medium = 'phone' and opened_at < $1 and not id = any($2)""",
            before, list(kept),
        )  # fmt: skip
        return int(tag.split()[-1])


def _spoken_turn(values: dict[str, Any]) -> SpokenTurn:
    sound = {name: values.pop(name) for name in Spoken.__dataclass_fields__}
    return SpokenTurn(**values, spoken=Spoken(**sound))


def _conversation(row: Row) -> Conversation:
    return Conversation(
        id=row["id"],
        medium=row["medium"],
        account=row["account"],
        external_id=row["external_id"],
        reservation_id=row["reservation_id"],
        channel_id=row["channel_id"],
        communication_type=row["communication_type"],
        language=row["language"],
    )


async def _thread(conn: Connection, account: str, external_id: str) -> Row | None:
    return await conn.fetchrow(
        """select * from {schema}.conversations
           where medium = 'thread' and account = $1 and external_id = $2""",
        account, external_id,
    )  # fmt: skip
