"""What was said on a call, kept turn by turn: in memory for the mind, as rows for people.

Secrets stand as placeholders. What the caller said before the stay was known is masked again once
it is.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.conversations import Conversations, Speaker, Spoken, Turn
from app.db import Connection
from app.keys import new_token
from app.voice import store
from app.voice.ledger import Ledger
from app.voice.stages import Stages, Utterance

Mask = Callable[[str], str]


@dataclass(slots=True, eq=False)
class Said:
    """One turn of a call, on its way to its row."""

    key: str
    speaker: Speaker
    text: str
    heard: str | None
    utterance: Utterance
    stages: Stages
    decision_id: int | None = None
    """Why it was said, or what it led to; none until that is written."""


class Transcript:
    """Every turn of one call."""

    def __init__(
        self,
        *,
        tenant_id: str,
        conversations: Conversations,
        ledger: Ledger,
        conversation_id: asyncio.Future[int],
    ) -> None:
        self._tenant_id = tenant_id
        self._conversations = conversations
        self._ledger = ledger
        self._conversation_id = conversation_id
        self._earlier: tuple[Turn, ...] = ()
        self._said: list[Said] = []
        self._stream = new_token(6)
        """Tells turns of this stream from those of an earlier one of the same call."""

    @property
    def history(self) -> tuple[Turn, ...]:
        """What was said so far, oldest first, as the mind wants it."""
        return self._earlier + tuple(
            Turn(
                id=number,
                external_id=said.key,
                speaker=said.speaker,
                text=said.text,
                said_at=said.utterance.begins_at,
            )
            for number, said in enumerate(self._said)
        )

    def resume(self, earlier: Sequence[Turn]) -> None:
        """What was said before the sound of this call broke off, oldest first."""
        self._earlier = tuple(earlier)

    def keep(
        self,
        speaker: Speaker,
        utterance: Utterance,
        *,
        mask: Mask,
        heard: str,
        stages: Stages,
        decision_id: int | None = None,
    ) -> Said | None:
        """Keep a turn, and have it written after everything before; none where it says nothing.

        `heard` is how it sounded: as recognition wrote it down, or as our voice said it.
        """
        written = " ".join(utterance.text.split())
        if not written:
            return None
        said = Said(
            key=f"{self._stream}-{len(self._said):05d}",
            speaker=speaker,
            text=mask(written),
            heard=mask(heard),
            utterance=utterance,
            stages=stages,
            decision_id=decision_id,
        )
        self._said.append(said)
        self._ledger.write(_Row(self, said))
        return said

    def mask_again(self, mask: Mask) -> None:
        """More is known to be secret: turns kept before are written anew where they hold it."""
        for said in self._said:
            if (text := mask(said.text)) != said.text:
                said.text = text
                # As we say a code, in words, no mask would know it.
                is_theirs = said.speaker == "guest" and said.heard is not None
                said.heard = mask(said.heard or "") if is_theirs else None
                self._ledger.write(_Correction(self, said))

    async def link(self, conn: Connection, said: Said, decision_id: int) -> None:
        """Tell a turn's row what was decided about it, also where the row comes later."""
        said.decision_id = decision_id
        await self._conversations.link_decision(
            conn, await self._conversation_id, said.key, decision_id
        )

    async def write(self, conn: Connection, said: Said) -> None:
        """The row of a turn; the call was alive when it was said."""
        conversation_id = await self._conversation_id
        utterance = said.utterance
        await self._conversations.record_turn(
            conn,
            self._tenant_id,
            conversation_id,
            speaker=said.speaker,
            text=said.text,
            said_at=utterance.begins_at,
            external_id=said.key,
            decision_id=said.decision_id,
            spoken=Spoken(
                heard=said.heard,
                ended_at=utterance.ends_at,
                heard_ms=utterance.heard_ms,
                is_cut=utterance.is_cut,
                stages=said.stages.told(),
            ),
        )
        await store.mark_seen(conn, conversation_id, utterance.ends_at or utterance.begins_at)

    async def correct(self, conn: Connection, said: Said) -> None:
        """The words of a turn as they are now."""
        await self._conversations.correct_spoken(
            conn, await self._conversation_id, said.key, text=said.text, heard=said.heard
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """The write of a turn."""

    transcript: Transcript
    said: Said

    async def __call__(self, conn: Connection) -> None:
        await self.transcript.write(conn, self.said)


@dataclass(frozen=True, slots=True)
class _Correction:
    """The write of a turn's words anew."""

    transcript: Transcript
    said: Said

    async def __call__(self, conn: Connection) -> None:
        await self.transcript.correct(conn, self.said)
