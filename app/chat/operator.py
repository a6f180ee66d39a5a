"""A person's reply: the case is taken over, then the words go out through the PMS.

Also a draft let go or thrown away, and taking over while a reply of the bot is in flight.
"""

import asyncio

from app.bots.decisions import footing_of
from app.chat import store
from app.clock import Clock
from app.conversations import Conversation, Conversations
from app.db import Connection, Database
from app.errors import BadInput, Conflict, NotFound
from app.escalation.cases import Cases
from app.escalation.records import Case, RouteOfChange
from app.jobs import Job, Jobs
from app.pms.gated import PLACEHOLDER, names_in, placeholder
from app.pms.incoming import clean_text
from app.pms.stay import Stay, Stays
from app.tenants import Tenant, Tenants

IN_FLIGHT_S = 5.0
"""How long taking over waits to tell what became of a reply in flight."""
LOOK_EVERY_S = 0.1
LONGEST_REPLY = 10_000
"""Characters; more than any channel carries."""


class Operators:
    """What people do to a thread."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        clock: Clock,
        jobs: Jobs,
        conversations: Conversations,
        cases: Cases,
        stays: Stays,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock
        self._jobs = jobs
        self._conversations = conversations
        self._cases = cases
        self._stays = stays

    async def take(
        self, tenant_id: str, case_id: int, *, operator: str, route: RouteOfChange
    ) -> tuple[Case, str | None]:
        """(the case, what became of a bot's reply that was in flight), the bot being silent now.

        Raises:
            Conflict: somebody else has it, or it is resolved.
        """
        case = await self._cases.take_over(tenant_id, case_id, operator=operator, route=route)
        return case, await self._in_flight(tenant_id, case.conversation_id)

    async def reply(
        self, tenant_id: str, case_id: int, text: str, *, operator: str, route: RouteOfChange
    ) -> int:
        """Send a person's words into the case's thread; the outbox row.

        Raises:
            BadInput: there is nothing to send, or a mark that the guest may not have filled in now.
            Conflict: somebody else has the case.
        """
        text = _fit(text)
        if not text:
            raise BadInput("a reply needs words")
        case, _ = await self.take(tenant_id, case_id, operator=operator, route=route)
        tenant = await self._tenants.get(tenant_id)
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            handling = await self._cases.may_speak(conn, tenant_id, case.conversation_id)
            conversation = await self._conversations.get(conn, case.conversation_id)
            thread = await store.lock_thread(conn, conversation.id)
            text, typed = await self._masked(conn, tenant, conversation, text)
            outbox_id = await store.add_outgoing(
                conn,
                conversation_id=conversation.id,
                generation=thread.generation,
                origin="operator",
                epoch=handling.epoch,
                text=text.strip(),
                communication_type=conversation.communication_type,
                status="queued",
                decision_id=None,
                operator=operator,
                now=self._clock.now(),
                typed=typed,
            )
            if outbox_id is None:
                raise Conflict("the reply could not be stored; try again")
            await self._jobs.arm(
                conn, tenant_id=tenant_id, kind=Job.SEND, key=outbox_id, due_at=self._clock.now()
            )
        return outbox_id

    async def send_draft(self, tenant_id: str, outbox_id: int, *, text: str | None = None) -> None:
        """Let a draft go, perhaps in other words.

        Raises:
            BadInput: it holds a mark that the guest may not have filled in now.
            NotFound: there is no such draft any more.
            Conflict: access has closed since it was written.
        """
        tenant = await self._tenants.get(tenant_id)
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            waiting = [draft for draft in await store.drafts(conn) if draft.id == outbox_id]
            if not waiting:
                raise NotFound(f"there is no draft {outbox_id}")
            handling = await self._cases.may_speak(conn, tenant_id, waiting[0].conversation_id)
            draft = await store.lock_outgoing(conn, outbox_id)
            if draft is None or draft.status != "draft":
                raise NotFound(f"there is no draft {outbox_id}")
            conversation = await self._conversations.get(conn, draft.conversation_id)
            words = _fit(text or "") or draft.text
            words, typed = await self._masked(conn, tenant, conversation, words)
            if words == draft.text:
                await self._check_access(conn, tenant, conversation, draft)
            await store.let_go(conn, outbox_id, handling.epoch, words, typed=typed)
            await self._jobs.arm(
                conn, tenant_id=tenant_id, kind=Job.SEND, key=outbox_id, due_at=self._clock.now()
            )

    async def drop_draft(self, tenant_id: str, outbox_id: int) -> None:
        """Throw a draft away."""
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            draft = await store.lock_outgoing(conn, outbox_id)
            if draft is None or draft.status != "draft":
                raise NotFound(f"there is no draft {outbox_id}")
            await store.set_status(conn, outbox_id, "dropped", because="a person threw it away")

    async def drafts(self, tenant_id: str) -> list[store.Outgoing]:
        """What waits for a person's word."""
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            return await store.drafts(conn)

    async def _masked(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, text: str
    ) -> tuple[str, frozenset[str]]:
        """(a person's words as they are kept, the secrets that they typed themselves).

        What somebody types is theirs to give. A mark is filled in only where the guest may have it:
        it may come from a draft, or from words of the guest that were copied.
        """
        stay = await self._stay(conn, tenant, conversation)
        marks = names_in(text)
        if strangers := marks - (stay.deliverable.keys() if stay else set()):
            why = stay.access.reason if stay and not stay.access.allowed else "nobody knows it"
            raise BadInput(
                f"the guest may not have {placeholder(min(strangers))} now ({why}); "
                "take the mark out of the reply"
            )
        if stay is None:
            return text, frozenset()
        return stay.mask(text), names_in(stay.mask(PLACEHOLDER.sub(" ", text)))

    async def _stay(
        self, conn: Connection, tenant: Tenant, conversation: Conversation
    ) -> Stay | None:
        if conversation.reservation_id is None:
            return None
        try:
            return await self._stays.live_of_guest(
                conn, tenant, conversation.reservation_id, self._clock.now()
            )
        except NotFound:
            return None

    async def _check_access(
        self, conn: Connection, tenant: Tenant, conversation: Conversation, draft: store.Outgoing
    ) -> None:
        """Refuse a draft that was written while access was open and comes after it closed."""
        before = await footing_of(conn, draft.decision_id) if draft.decision_id else None
        if before is None or before["access"] != "open":
            return
        stay = await self._stay(conn, tenant, conversation)
        if stay is None or not stay.access.allowed:
            why = stay.access.reason if stay else "unknown_stay"
            raise Conflict(f"access has closed since this draft was written ({why}); write anew")

    async def _in_flight(self, tenant_id: str, conversation_id: int) -> str | None:
        """What became of a reply that was being sent when somebody took over."""
        door = await self._database.tenant(tenant_id)
        deadline = asyncio.get_running_loop().time() + IN_FLIGHT_S
        watched: int | None = None
        while True:
            async with door.transaction() as conn:
                recent = await store.outgoing_of(conn, conversation_id, last=3)
            flying = [sent for sent in recent if sent.status == "sending" and sent.attempts > 0]
            if watched is None and not flying:
                return None
            if watched is None:
                watched = flying[0].id
            landed = next((sent for sent in recent if sent.id == watched), None)
            if landed is None or landed.status != "sending":
                return landed.status if landed else None
            if asyncio.get_running_loop().time() > deadline:
                return "unclear"
            await asyncio.sleep(LOOK_EVERY_S)


def _fit(text: str) -> str:
    """A person's words without what no row can hold.

    Raises:
        BadInput: there are more than a channel carries.
    """
    if len(text) > LONGEST_REPLY:
        raise BadInput(f"a reply has {LONGEST_REPLY} characters at most; send it in parts")
    return clean_text(text).strip()
