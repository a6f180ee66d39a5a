"""A thread as it was fetched: recorded, people heard, and what stands unanswered in it.

What came too late for a bot is listed for people; what a person wrote silences it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.bots.channel_texts import is_silent
from app.bots.phrases import is_only_thanks, retracts
from app.chat import store
from app.chat.humans import speakers_of
from app.clock import Clock
from app.conversations import Conversation, Conversations, Turn
from app.db import Connection
from app.errors import NotFound
from app.escalation.cases import Cases
from app.escalation.records import Handling
from app.pms.records import Message
from app.pms.stay import Stay, Stays
from app.pms.sync import FetchedThread, Mirror, NewTurn
from app.tenants import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a thread stands at this moment; its stay, handling and thread are locked."""

    handling: Handling
    thread: store.Thread
    turns: tuple[Turn, ...]
    """Oldest first."""
    asked: tuple[Turn, ...]
    """The guest's turns that no decision and no person has answered, and that are fresh."""
    overdue: tuple[Turn, ...]
    """Those that nobody answered and that are too old for a bot."""


class Threads:
    """Reads threads into the mirror, and tells how they stand."""

    def __init__(
        self,
        *,
        clock: Clock,
        mirror: Mirror,
        stays: Stays,
        conversations: Conversations,
        cases: Cases,
    ) -> None:
        self._clock = clock
        self._mirror = mirror
        self._stays = stays
        self._conversations = conversations
        self._cases = cases

    async def record(
        self, conn: Connection, tenant: Tenant, fetched: FetchedThread
    ) -> tuple[Stay | None, list[NewTurn]]:
        """Mirror what was fetched; people's new words silence the bot, overdue ones are listed."""
        conversation = fetched.conversation
        stay = await self.stay_of(conn, tenant, conversation, self._clock.now())
        new = await self.mirror(conn, tenant, fetched, stay)
        if stay is not None:
            await self._mirror.mask_again(conn, conversation.id, stay)
        await self._hear_people(conn, tenant, fetched, new)
        await self._cases.lift_mistaken_silence(
            conn, tenant, conversation.id, conversation.reservation_id
        )
        await self._list_overdue(conn, tenant, conversation)
        return stay, new

    async def mirror(
        self, conn: Connection, tenant: Tenant, fetched: FetchedThread, stay: Stay | None
    ) -> list[NewTurn]:
        """The new turns of messages, each with the one who spoke."""
        speakers = await speakers_of(
            conn, self._mirror, tenant, fetched.conversation.id, fetched.messages, stay
        )
        return await self._mirror.record_messages(conn, tenant, fetched, stay, speakers)

    async def standing(
        self, conn: Connection, tenant: Tenant, conversation: Conversation
    ) -> Standing:
        """How a thread stands; locks its stay, its handling and its thread, in this order."""
        handling, thread = await self.lock(conn, tenant, conversation)
        turns = await self._conversations.transcript(conn, conversation.id)
        unanswered = _unanswered(tenant, turns, thread, handling)
        youngest = self._clock.now() - timedelta(seconds=tenant.settings.chat.max_age_s)
        return Standing(
            handling=handling,
            thread=thread,
            turns=tuple(turns),
            asked=tuple(turn for turn in unanswered if turn.said_at >= youngest),
            overdue=tuple(turn for turn in unanswered if turn.said_at < youngest),
        )

    async def lock(
        self, conn: Connection, tenant: Tenant, conversation: Conversation
    ) -> tuple[Handling, store.Thread]:
        """Lock a thread's stay, its handling and itself, in everybody's order."""
        await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        handling = await self._cases.may_speak(conn, tenant.id, conversation.id)
        return handling, await store.lock_thread(conn, conversation.id)

    async def stay_of(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, now: datetime
    ) -> Stay | None:
        """The stay a thread is about, as far as the mirror knows."""
        if conversation.reservation_id is None:
            return None
        try:
            return await self._stays.live_of_guest(conn, tenant, conversation.reservation_id, now)
        except NotFound:
            return None

    async def _hear_people(
        self, conn: Connection, tenant: Tenant, fetched: FetchedThread, new: Sequence[NewTurn]
    ) -> None:
        """A person's last word silences the bot, and so does one that answered the guest."""
        if tenant.live_since is None:
            return
        live_since = tenant.live_since.replace(microsecond=0)
        for turn in new:
            if turn.speaker != "operator" or turn.message.sent_at < live_since:
                continue
            if _is_last_word(turn.message, fetched) or _is_answer(
                turn.message, fetched, live_since
            ):
                await self._cases.person_spoke(
                    conn,
                    tenant,
                    fetched.conversation.id,
                    fetched.conversation.reservation_id,
                    who="somebody in the PMS",
                    route="pms",
                    is_inferred=True,
                    at=turn.message.sent_at,
                )

    async def _list_overdue(
        self, conn: Connection, tenant: Tenant, conversation: Conversation
    ) -> None:
        """What was found too late and answered by nobody is a case, of low severity."""
        if tenant.mode == "off" or tenant.live_since is None:
            return
        standing = await self.standing(conn, tenant, conversation)
        overdue = [turn for turn in standing.overdue if _waits(turn.text)]
        if not overdue or standing.handling.mode == "human":
            return
        await self._cases.open(
            conn,
            tenant,
            conversation_id=conversation.id,
            reservation_id=conversation.reservation_id,
            severity="low",
            trigger_text="\n".join(turn.text for turn in overdue),
            brief="found too late to be answered by a bot",
        )


def _waits(text: str) -> bool:
    """Whether its writer waits for an answer."""
    return not (is_only_thanks(text) or is_silent(text) or retracts(text))


def _is_last_word(message: Message, fetched: FetchedThread) -> bool:
    return all(m.sent_at <= message.sent_at for m in fetched.messages if m.is_incoming)


def _is_answer(message: Message, fetched: FetchedThread, live_since: datetime) -> bool:
    """Whether the guest had written before: a person is in the talk, also if it went on since."""
    return any(
        live_since <= m.sent_at <= message.sent_at for m in fetched.messages if m.is_incoming
    )


def _unanswered(
    tenant: Tenant, turns: Sequence[Turn], thread: store.Thread, handling: Handling
) -> list[Turn]:
    """The guest's turns since going live that no decision and no person has answered.

    What was written while people spoke is theirs, also after they gave the thread back.
    """
    if tenant.live_since is None:
        return []
    ours_since = handling.changed_at if handling.epoch else tenant.live_since
    oldest = max(tenant.live_since, ours_since).replace(microsecond=0)
    people = [turn.said_at for turn in turns if turn.speaker == "operator"]
    last_person_at = max(people, default=None)
    return [
        turn
        for turn in turns
        if turn.speaker == "guest"
        and turn.id > thread.answered_through
        and turn.said_at >= oldest
        and (last_person_at is None or turn.said_at > last_person_at)
    ]
