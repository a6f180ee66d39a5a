"""Alerts of cases: posted at once, swept by `alerted_at`; each one's thread follows the talk.

Publishers never wait for Slack: every handler starts a task of its own. What belongs to one case
is posted one after another, so that event and sweep never alert twice.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from app.background import Background
from app.clock import Clock
from app.conversations import Conversation, Conversations, Turn
from app.db import Connection, Database
from app.errors import NotFound, ProductError
from app.escalation.cases import PROMISED, Cases
from app.escalation.records import SEVERITIES, Case, Severity
from app.events import (
    CaseEvent,
    CaseOpened,
    CaseRaised,
    CaseResolved,
    CaseTakenOver,
    TenantRemoved,
    TurnRecorded,
)
from app.hotlines import masked
from app.jobs import JobRun
from app.pms.stay import Stay, Stays
from app.settings import Settings
from app.slack import blocks
from app.slack.channel import Channels
from app.slack.client import Posted, SlackError
from app.telemetry import describe_error
from app.tenants import Tenant, Tenants

logger = logging.getLogger(__name__)

LinkToCase = Callable[[str, int, str], str]
"""(tenant, case, operator; empty: whoever opens it says who they are) → URL."""
FOLLOW_UP = "follow-up"
NOBODY = "nobody took it"
TAKEN = "taken over"
RESOLVED = "resolved"
SKEW = timedelta(minutes=2)
"""How far the PMS's clock may be from ours."""
AGAIN = timedelta(minutes=1)
"""How long the sweep rests between its rounds while Slack is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A case with what an alert tells of it."""

    tenant: Tenant
    case: Case
    conversation: Conversation
    stay: Stay | None
    turns: tuple[Turn, ...]


@dataclass(slots=True, kw_only=True)
class Told:
    """How much of a case Slack has heard."""

    posted: Posted
    entries: int
    """Entries of the case's history that need no posting any more."""
    severity: Severity | None
    """The gravest that was told; none where that is not known any more."""


class Alerts:
    """Hears what happens to cases and tells Slack."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        cases: Cases,
        conversations: Conversations,
        stays: Stays,
        clock: Clock,
        background: Background,
        channels: Channels,
        settings: Settings,
        link_to_case: LinkToCase,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._cases = cases
        self._conversations = conversations
        self._stays = stays
        self._clock = clock
        self._background = background
        self._channels = channels
        self._settings = settings
        self._link_to_case = link_to_case
        self._told: dict[tuple[str, int], Told] = {}
        self._locks: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()

    async def on_case_opened(self, event: CaseOpened) -> None:
        """Alert at once."""
        self._spawn(event, self._open(event.tenant_id, event.id))

    async def on_case_raised(self, event: CaseRaised) -> None:
        """Put the follow-up into the thread; loud when it is graver than what was told."""
        self._spawn(event, self._raise(event))

    async def on_case_taken_over(self, event: CaseTakenOver) -> None:
        """Say who has it, in the thread and in the alert itself."""
        self._spawn(event, self._change(event, TAKEN))

    async def on_case_resolved(self, event: CaseResolved) -> None:
        """Say that it is over, in the thread and in the alert itself."""
        self._spawn(event, self._change(event, RESOLVED))

    async def on_turn_recorded(self, event: TurnRecorded) -> None:
        """While a case is open its thread hears what is said, each thing once."""
        self._spawn(event, self._mirror(event))

    async def on_tenant_removed(self, event: TenantRemoved) -> None:
        """Forget what its Slack was told."""
        self._told = {k: v for k, v in self._told.items() if k[0] != event.tenant_id}

    async def alert(self, run: JobRun) -> datetime | None:
        """Job: the sweep behind alert and follow-ups. Key: the case.

        Never gives up while Slack is merely away.

        Raises:
            SlackError: it did not arrive; the job runs again.
        """
        if await self._channels.workspace(run.tenant_id) is None:
            return None
        try:
            await self._open(run.tenant_id, int(run.key))
        except SlackError as exc:
            if exc.retryable and run.attempt >= self._settings.jobs.max_attempts - 1:
                logger.warning("slack is away, alert waits", extra={"why": str(exc)})
                return self._clock.now() + AGAIN
            raise
        return None

    def _spawn(self, event: Any, work: Coroutine[Any, Any, None]) -> None:
        self._background.spawn(f"slack {type(event).__name__}", quietly(work))

    async def _open(self, tenant_id: str, case_id: int) -> None:
        await self._tell(tenant_id, case_id)

    async def _raise(self, event: CaseRaised) -> None:
        await self._tell(event.tenant_id, event.id, is_known_worse=event.is_worse)

    async def _tell(self, tenant_id: str, case_id: int, *, is_known_worse: bool = False) -> None:
        """The alert where it does not stand yet, and what the thread below it lacks."""
        async with self._turn_of(tenant_id, case_id):
            scene = await self._scene(tenant_id, case_id)
            if scene.case.slack_ts is None:
                await self._alert(scene)
            else:
                await self._catch_up(scene, is_known_worse=is_known_worse)

    async def _alert(self, scene: Scene) -> None:
        """Post the alert unless it stands already; the case's turn is ours."""
        case, key = scene.case, (scene.tenant.id, scene.case.id)
        if case.alerted_at is not None or not case.is_open:
            return
        if key not in self._told:
            posted = await self._channels.post(scene.tenant, self._post(scene))
            if posted is None:
                return
            self._told[key] = Told(posted=posted, entries=1, severity=case.severity)
        told = self._told[key]
        await self._cases.mark_told(
            scene.tenant.id,
            case.id,
            entries=told.entries,
            channel=told.posted.channel,
            ts=told.posted.ts,
        )
        await self._catch_up(scene)

    async def _catch_up(self, scene: Scene, *, is_known_worse: bool = False) -> None:
        """Post what the history holds and the thread does not, in order."""
        told = self._told_of(scene)
        rank = SEVERITIES.index
        is_worse = is_known_worse and told.severity is None
        if told.severity is not None:
            is_worse = rank(scene.case.severity) > rank(told.severity)
        history = scene.case.history
        waiting = [n for n in range(told.entries, len(history)) if _is_follow_up(history[n])]
        for number in waiting:
            is_last = number == waiting[-1]
            post, is_loud = self._entry(scene, history[number], is_worse=is_worse and is_last)
            await self._say(scene.tenant, told.posted, post, is_loud=is_loud)
            told.entries = number + 1
        if waiting:
            told.severity = scene.case.severity
        told.entries = len(history)
        if told.entries > scene.case.told:
            await self._cases.mark_told(scene.tenant.id, scene.case.id, entries=told.entries)

    def _entry(
        self, scene: Scene, entry: Mapping[str, Any], *, is_worse: bool
    ) -> tuple[blocks.Post, bool]:
        """(what to post of an entry, whether loudly)."""
        link = self._link_to_case(scene.tenant.id, scene.case.id, "")
        if entry["what"] == NOBODY:
            return blocks.nobody_took_it(scene.case, scene.stay, link=link), True
        if entry["what"] == PROMISED:
            due_at = datetime.fromisoformat(str(entry["due_at"]))
            return blocks.promised(masked(str(entry["number"])), due_at, scene.stay), True
        words = str(entry["text"])
        if is_worse:
            return blocks.worse(scene.case, scene.stay, words, link=link), True
        return blocks.follow_up(words), False

    async def _change(self, event: CaseEvent, what: str) -> None:
        async with self._turn_of(event.tenant_id, event.id):
            scene = await self._scene(event.tenant_id, event.id)
            case = scene.case
            if case.slack_channel is None or case.slack_ts is None:
                return
            posted = Posted(channel=case.slack_channel, ts=case.slack_ts)
            entry = next((e for e in reversed(case.history) if e["what"] == what), None)
            if entry is not None:
                await self._say(scene.tenant, posted, blocks.change(entry))
            await self._channels.update(
                scene.tenant, self._post(scene), channel=posted.channel, ts=posted.ts
            )
            if not case.is_open:
                self._told.pop((scene.tenant.id, case.id), None)

    async def _mirror(self, event: TurnRecorded) -> None:
        if await self._channels.workspace(event.tenant_id) is None:
            return
        door = await self._database.tenant(event.tenant_id)
        async with door.transaction() as conn:
            conversation = await self._conversations.get(conn, event.conversation_id)
            case = await self._cases.unresolved(conn, conversation.id, conversation.reservation_id)
        if case is None:
            return
        async with self._turn_of(event.tenant_id, case.id):
            scene = await self._scene(event.tenant_id, case.id)
            case = scene.case
            if case.slack_channel is None or case.slack_ts is None or _is_posted(case, event):
                return
            posted = Posted(channel=case.slack_channel, ts=case.slack_ts)
            await self._say(scene.tenant, posted, blocks.turn(event.speaker, event.text))

    async def _say(
        self, tenant: Tenant, alert: Posted, post: blocks.Post, *, is_loud: bool = False
    ) -> None:
        await self._channels.post(
            tenant, post, channel=alert.channel, thread_ts=alert.ts, is_loud=is_loud
        )

    async def _scene(self, tenant_id: str, case_id: int) -> Scene:
        tenant = await self._tenants.get(tenant_id)
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            case = await self._cases.get(conn, case_id)
            conversation = await self._conversations.get(conn, case.conversation_id)
            turns = await self._conversations.transcript(conn, conversation.id)
            stay = await stay_of(self._stays, conn, tenant, case.reservation_id, self._clock.now())
        return Scene(
            tenant=tenant, case=case, conversation=conversation, stay=stay, turns=tuple(turns)
        )

    def _post(self, scene: Scene) -> blocks.Post:
        return blocks.alert(
            scene.case,
            scene.stay,
            scene.conversation,
            scene.turns,
            link=self._link_to_case(scene.tenant.id, scene.case.id, ""),
        )

    def _told_of(self, scene: Scene) -> Told:
        """What Slack has heard; what an earlier process told was kept with the case."""
        case, key = scene.case, (scene.tenant.id, scene.case.id)
        if key not in self._told:
            graves = [e["severity"] for e in case.history[: case.told] if "severity" in e]
            self._told[key] = Told(
                posted=Posted(channel=case.slack_channel or "", ts=case.slack_ts or ""),
                entries=case.told,
                severity=graves[-1] if graves else None,
            )
        return self._told[key]

    def _turn_of(self, tenant_id: str, case_id: int) -> asyncio.Lock:
        """The lock of a case; gone once nobody holds it or waits for it."""
        return self._locks.setdefault((tenant_id, case_id), asyncio.Lock())


async def stay_of(
    stays: Stays, conn: Connection, tenant: Tenant, reservation_id: int | None, now: datetime
) -> Stay | None:
    """The stay of a reservation; none where the mirror does not know it, or not all of it."""
    if reservation_id is None:
        return None
    try:
        return await stays.of_reservation(conn, tenant, reservation_id, now)
    except NotFound:
        return None


async def quietly(work: Coroutine[Any, Any, None]) -> None:
    """Do it; an outage of Slack or the database is logged and disturbs nobody."""
    try:
        await work
    except ProductError as exc:
        logger.warning("slack was not told", extra={"why": describe_error(exc)})


def _is_follow_up(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a case's history is for the thread (a mere picture is no words)."""
    return entry["what"] in (NOBODY, PROMISED) or (
        entry["what"] == FOLLOW_UP and bool(entry.get("text"))
    )


def _is_posted(case: Case, event: TurnRecorded) -> bool:
    """Whether the thread has these words by another way: trigger, follow-up, or from before."""
    if event.said_at < case.opened_at - SKEW:
        return True
    if event.speaker != "guest":
        return False
    is_of_trigger = event.said_at <= case.opened_at + SKEW and event.text in case.trigger_text
    follow_ups = [entry.get("text") for entry in case.history if entry["what"] == FOLLOW_UP]
    return event.text == case.trigger_text or is_of_trigger or event.text in follow_ups
