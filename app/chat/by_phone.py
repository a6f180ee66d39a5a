"""What a caller asked to have in writing: access information into the booking's own thread.

The PMS knows whose thread it is, so that whoever calls, the booking's guest reads it. It goes the
way of every reply: decided and kept, put into the outbox under the locks of everybody who could
object, filled and sent under `can_access` as it is then. Whoever has it says so only after the
commit.
"""

from app.bots.answer import Mind
from app.bots.records import Question, Route
from app.bots.routes import ACCESS_CODE
from app.chat import store
from app.chat.verdict import Verdicts
from app.clock import Clock
from app.conversations import Conversation, Conversations
from app.db import Connection, Database
from app.errors import NotFound
from app.escalation.cases import Cases
from app.jobs import Job, Jobs
from app.pms.stay import Stay, Stays
from app.tenants import Tenant

WRITTEN = (ACCESS_CODE, "WIFI_QUESTION")
"""Whose templates together are the access information."""
BECAUSE = "the caller asked to have it in writing"


class ByPhone:
    """Writes into threads what callers ask for."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        jobs: Jobs,
        conversations: Conversations,
        stays: Stays,
        cases: Cases,
        mind: Mind,
        verdicts: Verdicts,
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._conversations = conversations
        self._stays = stays
        self._cases = cases
        self._mind = mind
        self._verdicts = verdicts

    async def put_access(self, tenant: Tenant, reservation_id: int) -> bool:
        """Whether the access information of a booking is in the outbox now, committed.

        False where access is locked, people speak in the thread, there is none, or the tenant
        sends nothing.
        """
        if tenant.mode != "on":
            return False
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            known = await self._conversations.of_reservation(conn, reservation_id)
            threads = [each for each in known if each.medium == "thread"]
            return bool(threads) and await self._put(conn, tenant, threads[0], reservation_id)

    async def _put(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, reservation_id: int
    ) -> bool:
        await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        handling = await self._cases.may_speak(conn, tenant.id, conversation.id)
        thread = await store.lock_thread(conn, conversation.id)
        stay = await self._stay(conn, tenant, reservation_id)
        if handling.mode == "human" or stay is None:
            return False
        now = self._clock.now()
        question = Question(
            tenant=tenant,
            medium="thread",
            conversation_id=conversation.id,
            generation=thread.generation,
            stay=stay,
            history=(),
            asked=(),
            has_attachment=False,
            language_hint=conversation.language,
            refuses_robot=thread.refuses_robot,
            now=now,
        )
        answering = await self._mind.begin(question, conn)
        if not (words := answering.from_templates(WRITTEN)):
            return False
        route = Route(
            outcome="reply", origin="template", because=BECAUSE, language=answering.language,
            action_code=ACCESS_CODE, score=1.0,
        )  # fmt: skip
        answering.say_instead(words, route)
        text = await answering.whole()
        text = self._verdicts.shaped(answering, conversation, thread, text, is_urgent=False)
        if not text or (await answering.route()).outcome != "reply":
            return False
        decision_id = await answering.commit(conn)
        outbox_id = await store.add_outgoing(
            conn,
            conversation_id=conversation.id,
            generation=await self._generation(conn, tenant, thread),
            origin="holding",
            epoch=handling.epoch,
            text=text,
            communication_type=conversation.communication_type,
            status="queued",
            decision_id=decision_id,
            operator=None,
            now=now,
            answered_before=thread.answered_through,
        )
        if outbox_id is None:
            return False
        await self._jobs.arm(conn, tenant_id=tenant.id, kind=Job.SEND, key=outbox_id, due_at=now)
        return True

    async def _stay(self, conn: Connection, tenant: Tenant, reservation_id: int) -> Stay | None:
        """The booking's own stay, where its guest may have codes now and there is one."""
        now = self._clock.now()
        try:
            stay = await self._stays.live_of_guest(conn, tenant, reservation_id, now)
        except NotFound:
            return None
        is_own = stay.reservation.id == reservation_id
        return stay if is_own and stay.access.allowed and stay.is_code_ready else None

    async def _generation(self, conn: Connection, tenant: Tenant, thread: store.Thread) -> int:
        """A generation of its own; what the guest wrote meanwhile is still answered, after it."""
        now = self._clock.now()
        first, due = thread.first_pending_at or now, thread.due_at or now
        conversation_id = thread.conversation_id
        own = await store.raise_generation(
            conn, conversation_id, first_pending_at=first, due_at=due
        )
        if not thread.is_pending:
            await store.mark_answered(
                conn, conversation_id, generation=own, through_turn=thread.answered_through
            )
            return own
        after = await store.raise_generation(
            conn, conversation_id, first_pending_at=first, due_at=due
        )
        await self._jobs.arm(
            conn, tenant_id=tenant.id, kind=Job.REPLY, key=conversation_id, due_at=due,
            generation=after,
        )  # fmt: skip
        return own
