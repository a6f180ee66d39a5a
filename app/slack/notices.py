"""Notices that belong to no case: a silence, a waiting draft, a job that was given up."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from app.background import Background
from app.chat.operator import Operators
from app.clock import Clock
from app.conversations import Conversations, Turn
from app.db import Database
from app.escalation.cases import Cases
from app.events import DraftWritten, HandlingChanged, JobFailed, TenantRemoved
from app.pms.stay import Stays
from app.slack import blocks
from app.slack.alerts import quietly, stay_of
from app.slack.channel import Channels
from app.tenants import Tenants

LinkToDrafts = Callable[[str, str], str]
"""(tenant, operator; empty: whoever opens it says who they are) → URL."""
ALARM_REST = timedelta(minutes=10)
"""One alarm a kind of job in this time."""


class Notices:
    """Hears what operators should know though nobody needs to come."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        cases: Cases,
        conversations: Conversations,
        stays: Stays,
        operators: Operators,
        clock: Clock,
        background: Background,
        channels: Channels,
        link_to_drafts: LinkToDrafts,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._cases = cases
        self._conversations = conversations
        self._stays = stays
        self._operators = operators
        self._clock = clock
        self._background = background
        self._channels = channels
        self._link_to_drafts = link_to_drafts
        self._silences: dict[tuple[str, int], datetime] = {}
        self._alarms: dict[tuple[str, str], datetime] = {}

    async def on_handling_changed(self, event: HandlingChanged) -> None:
        """Say that the bot waits because a person spoke; once a silence."""
        self._spawn(event, self._silence(event))

    async def on_draft_written(self, event: DraftWritten) -> None:
        """Show the draft with what was asked."""
        self._spawn(event, self._draft(event))

    async def on_job_failed(self, event: JobFailed) -> None:
        """Raise an alarm, one a kind in ten minutes."""
        now, key = self._clock.now(), (event.tenant_id, event.kind)
        if key in self._alarms and now - self._alarms[key] < ALARM_REST:
            return
        self._alarms[key] = now
        self._spawn(event, self._alarm(event))

    async def on_tenant_removed(self, event: TenantRemoved) -> None:
        """Forget what its people were told."""
        self._silences = {k: v for k, v in self._silences.items() if k[0] != event.tenant_id}
        self._alarms = {k: v for k, v in self._alarms.items() if k[0] != event.tenant_id}

    def _spawn(self, event: Any, work: Coroutine[Any, Any, None]) -> None:
        self._background.spawn(f"slack {type(event).__name__}", quietly(work))

    async def _silence(self, event: HandlingChanged) -> None:
        if await self._channels.workspace(event.tenant_id) is None:
            return
        tenant = await self._tenants.get(event.tenant_id)
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            conversation = await self._conversations.get(conn, event.id)
            case = await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
            handling = await self._cases.may_speak(conn, tenant.id, conversation.id)
            turns = await self._conversations.transcript(conn, conversation.id, last=20)
            stay = await stay_of(
                self._stays, conn, tenant, conversation.reservation_id, self._clock.now()
            )
        key, now = (tenant.id, conversation.id), self._clock.now()
        if handling.mode == "bot" or case is not None:
            self._silences.pop(key, None)
            return
        is_known = self._silences.get(key, now) > now
        if handling.until is None or is_known:
            return
        self._silences = {k: until for k, until in self._silences.items() if until > now}
        self._silences[key] = handling.until
        said = [turn.text for turn in turns if turn.speaker == "operator"]
        post = blocks.silence(
            stay, handling.reason or "a person replied", handling.until, said[-1] if said else ""
        )
        await self._channels.post(tenant, post)

    async def _draft(self, event: DraftWritten) -> None:
        if await self._channels.workspace(event.tenant_id) is None:
            return
        tenant = await self._tenants.get(event.tenant_id)
        drafts = await self._operators.drafts(tenant.id)
        draft = next((d for d in drafts if d.id == event.outbox_id), None)
        if draft is None:
            return
        door = await self._database.tenant(tenant.id)
        async with door.transaction() as conn:
            conversation = await self._conversations.get(conn, event.conversation_id)
            turns = await self._conversations.transcript(conn, conversation.id)
            stay = await stay_of(
                self._stays, conn, tenant, conversation.reservation_id, self._clock.now()
            )
        link = self._link_to_drafts(tenant.id, "")
        await self._channels.post(
            tenant, blocks.draft(stay, unanswered(turns), draft.text, link=link)
        )

    async def _alarm(self, event: JobFailed) -> None:
        tenant = await self._tenants.get(event.tenant_id)
        await self._channels.post(tenant, blocks.job_failed(event.kind, event.key, event.error))


def unanswered(turns: list[Turn]) -> list[str]:
    """What the guest said since anybody answered, oldest first."""
    asked: list[str] = []
    for turn in reversed(turns):
        if turn.speaker in ("bot", "operator"):
            break
        if turn.speaker == "guest":
            asked.append(turn.text)
    return asked[::-1]
