"""Cases: open, raise, take over, resolve; and who speaks in a conversation.

Handling is locked by whoever wants to speak and by whoever takes over, so one of them comes first.
One unresolved case a stay: later triggers are written into it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from app.bus import Bus
from app.clock import Clock
from app.db import Connection, Database
from app.errors import Conflict, NotFound, Unavailable
from app.escalation import store
from app.escalation.records import Case, Handling, RouteOfChange, Severity, Voice, worse
from app.events import CaseOpened, CaseRaised, CaseResolved, CaseTakenOver, HandlingChanged
from app.jobs import Job, JobRun, Jobs
from app.tenants import Tenant, Tenants

PROMISED = "promised to call back"
"""An entry of the history that has a number and a time."""
ALERT_AGAIN = timedelta(seconds=10)
"""The sweep behind alert and follow-up: the event normally tells them at once."""


class Cases:
    """Everything that may happen to a case."""

    def __init__(
        self, *, database: Database, bus: Bus, clock: Clock, jobs: Jobs, tenants: Tenants
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._jobs = jobs
        self._tenants = tenants

    async def may_speak(self, conn: Connection, tenant_id: str, conversation_id: int) -> Handling:
        """Who speaks, locked until the transaction ends; a silence that ended is lifted.

        A conversation that became known to be of a stay with an unresolved case is silent too.
        """
        now = self._clock.now()
        handling = await store.lock_handling(conn, conversation_id, now)
        if handling.mode == "human" and handling.until is not None and handling.until <= now:
            await self._set_handling(
                conn,
                tenant_id,
                conversation_id,
                voice="bot",
                reason="the silence ended",
                at=handling.until,
            )
            handling = await store.lock_handling(conn, conversation_id, now)
        case_id = await store.case_over(conn, conversation_id)
        if handling.mode == "bot" and case_id is not None:
            await self._set_handling(
                conn, tenant_id, conversation_id, voice="case", reason=f"case {case_id}"
            )
            handling = await store.lock_handling(conn, conversation_id, now)
        return handling

    async def open(
        self,
        conn: Connection,
        tenant: Tenant,
        *,
        conversation_id: int,
        reservation_id: int | None,
        severity: Severity,
        trigger_text: str,
        brief: str = "",
    ) -> Case:
        """A person is needed: a new case, or a further trigger of the unresolved one.

        The bot is silent in every conversation of the stay from this commit on.
        """
        case = await self._open_or_raise(
            conn, tenant, conversation_id, reservation_id, severity, trigger_text, brief
        )
        for each in await store.conversations_of_stay(conn, conversation_id, reservation_id):
            handling = await store.lock_handling(conn, each, self._clock.now())
            if handling.mode == "bot" or handling.until is not None:
                await self._set_handling(
                    conn, tenant.id, each, voice="case", reason=f"case {case.id}"
                )
        return case

    async def attach(
        self, conn: Connection, tenant: Tenant, *, conversation_id: int, reservation_id: int
    ) -> None:
        """It became known whose stay a conversation is about: its case is the stay's.

        The bot is silent in the other conversations of the stay from then on.
        """
        await store.unresolved(conn, conversation_id, reservation_id)
        case = await store.attach_case(conn, conversation_id, reservation_id)
        if case is None:
            return
        voice: Voice = "person" if case.state == "acknowledged" else "case"
        for each in await store.conversations_of_stay(conn, conversation_id, reservation_id):
            if each != conversation_id:
                await self._set_handling(
                    conn, tenant.id, each, voice=voice, reason=f"case {case.id}"
                )

    async def raise_severity(
        self, conn: Connection, tenant: Tenant, case: Case, *, severity: Severity, text: str
    ) -> Case:
        """A follow-up of the guest; worse ones are alerted again."""
        gravest = worse(case.severity, severity)
        changed = await store.change_case(
            conn,
            case.id,
            self._change("follow-up", by="guest", route="system", text=text, severity=gravest),
            severity=gravest,
        )
        await self._arm(conn, tenant, Job.ALERT, case.id, ALERT_AGAIN)
        is_worse = gravest != case.severity
        event = CaseRaised(tenant_id=tenant.id, id=case.id, is_worse=is_worse)
        self._bus.publish_after(conn, event)
        return changed

    async def promise_call(
        self, conn: Connection, tenant: Tenant, case: Case, *, number: str, due_at: datetime
    ) -> Case:
        """The caller was told that somebody calls back: kept with number and time."""
        change = self._change(
            PROMISED, by="nightdesk", route="bot", number=number, due_at=due_at.isoformat()
        )
        changed = await store.change_case(conn, case.id, change)
        await self._arm(conn, tenant, Job.ALERT, case.id, ALERT_AGAIN)
        self._bus.publish_after(conn, CaseRaised(tenant_id=tenant.id, id=case.id))
        return changed

    async def take_over(
        self, tenant_id: str, case_id: int, *, operator: str, route: RouteOfChange
    ) -> Case:
        """An operator has it from now on.

        Raises:
            NotFound: there is no such case.
            Conflict: somebody else was first, or it is resolved.
        """
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            case = await self._locked(conn, case_id)
            if case.assignee and case.assignee != operator:
                raise Conflict(f"case {case_id} was taken by {case.assignee}")
            if case.assignee == operator:
                return case
            return await self._taken(conn, tenant_id, case, operator, route)

    async def person_spoke(
        self,
        conn: Connection,
        tenant: Tenant,
        conversation_id: int,
        reservation_id: int | None,
        *,
        who: str,
        route: RouteOfChange,
        is_inferred: bool,
        at: datetime | None = None,
    ) -> None:
        """A person replied by any way (`at`: when): the bot is silent in this conversation.

        Where that is inferred from a message that merely looks like it, the silence ends by itself.
        """
        now = self._clock.now()
        case = await store.unresolved(conn, conversation_id, reservation_id)
        if case is not None and case.state == "open":
            await self._taken(conn, tenant.id, case, who, route, is_inferred=is_inferred)
        handling = await store.lock_handling(conn, conversation_id, now)
        silence = timedelta(seconds=tenant.settings.chat.human_silence_s)
        until = (at or now) + silence if is_inferred else None
        is_over = until is not None and until <= max(now, handling.until or now)
        if is_over or (case is not None and handling.mode == "human"):
            return
        await self._set_handling(
            conn, tenant.id, conversation_id, voice="person", reason=f"{who} replied", until=until
        )

    async def lift_mistaken_silence(
        self, conn: Connection, tenant: Tenant, conversation_id: int, reservation_id: int | None
    ) -> None:
        """End an inferred silence once it is known that no person spoke: it was ours, or a machine.

        What the guest wrote meanwhile is the bot's to answer. Locks the stay before its handling,
        and neither where there is no such silence.
        """
        until = await store.inferred_silence(conn, conversation_id)
        if until is None:
            return
        since = until - timedelta(seconds=tenant.settings.chat.human_silence_s)
        if await store.has_person_spoken(conn, conversation_id, since=since):
            return
        await store.unresolved(conn, conversation_id, reservation_id)
        handling = await store.lock_handling(conn, conversation_id, self._clock.now())
        if handling.mode == "human" and handling.until == until:
            await self._set_handling(
                conn, tenant.id, conversation_id, voice="bot", reason="it was no person", at=since
            )

    async def resolve(
        self, tenant_id: str, case_id: int, *, operator: str, route: RouteOfChange
    ) -> Case:
        """It is over: the bot may speak again.

        Raises:
            NotFound: there is no such case.
        """
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            case = await store.lock_case(conn, case_id)
            if case is None:
                raise NotFound(f"there is no case {case_id}")
            if not case.is_open:
                return case
            resolved = await store.change_case(
                conn,
                case_id,
                self._change("resolved", by=operator, route=route),
                state="resolved",
                resolved_at=self._clock.now(),
            )
            for each in await store.conversations_of_stay(
                conn, case.conversation_id, case.reservation_id
            ):
                await self._set_handling(
                    conn, tenant_id, each, voice="bot", reason=f"case {case_id} was resolved"
                )
            self._bus.publish_after(conn, CaseResolved(tenant_id=tenant_id, id=case_id))
            return resolved

    async def release(
        self, conn: Connection, tenant_id: str, conversation_id: int, *, reason: str
    ) -> None:
        """Let the bot speak again where no case holds the conversation."""
        await self._set_handling(conn, tenant_id, conversation_id, voice="bot", reason=reason)

    async def unresolved(
        self, conn: Connection, conversation_id: int, reservation_id: int | None
    ) -> Case | None:
        """The open case of a stay."""
        return await store.unresolved(conn, conversation_id, reservation_id)

    async def get(self, conn: Connection, case_id: int) -> Case:
        """One case.

        Raises:
            NotFound: this tenant has none of that id.
        """
        case = await store.case(conn, case_id)
        if case is None:
            raise NotFound(f"there is no case {case_id}")
        return case

    async def list(self, tenant_id: str, *, with_resolved: bool = False) -> list[Case]:
        """A tenant's cases, newest first."""
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            return await store.cases(conn, with_resolved=with_resolved)

    async def mark_told(
        self,
        tenant_id: str,
        case_id: int,
        *,
        entries: int,
        channel: str | None = None,
        ts: str | None = None,
    ) -> None:
        """Keep how much of the history Slack has heard, and where the alert stands.

        Once it has heard all, no sweep is needed.
        """
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            if channel and ts:
                now = self._clock.now()
                await store.mark_alerted(conn, case_id, channel=channel, ts=ts, now=now)
            if await store.mark_told(conn, case_id, entries):
                await self._jobs.disarm(conn, tenant_id=tenant_id, kind=Job.ALERT, key=case_id)

    async def purge(self, conn: Connection, before: datetime) -> int:
        """Delete cases that were resolved before a moment; how many."""
        return await store.purge(conn, before)

    async def conversation_ids(self, conn: Connection) -> Sequence[int]:
        """The conversations that have a case, open or not."""
        return await store.conversation_ids(conn)

    async def remind(self, run: JobRun) -> datetime | None:
        """Job: nobody took a case in time; it is alerted again. Key: the case."""
        tenant = await self._tenants.get(run.tenant_id)
        door = await self._database.tenant(run.tenant_id)
        async with door.transaction() as conn:
            case = await store.lock_case(conn, int(run.key))
            if case is None or case.state != "open":
                return None
            change = self._change("nobody took it", by="nightdesk", route="system")
            await store.change_case(conn, case.id, change)
            event = CaseRaised(tenant_id=run.tenant_id, id=case.id, is_worse=True)
            self._bus.publish_after(conn, event)
        return self._clock.now() + timedelta(seconds=tenant.settings.escalation.acknowledge_s)

    async def _open_or_raise(
        self,
        conn: Connection,
        tenant: Tenant,
        conversation_id: int,
        reservation_id: int | None,
        severity: Severity,
        trigger_text: str,
        brief: str,
    ) -> Case:
        now = self._clock.now()
        known = await store.unresolved(conn, conversation_id, reservation_id)
        if known is not None:
            return await self.raise_severity(
                conn, tenant, known, severity=severity, text=trigger_text
            )
        case = await store.add_case(
            conn,
            conversation_id=conversation_id,
            reservation_id=reservation_id,
            severity=severity,
            trigger_text=trigger_text,
            brief=brief,
            change=self._change("opened", by="nightdesk", route="bot", severity=severity),
            now=now,
        )
        if case is None:
            raise Unavailable("a case was opened at the same moment; try again")
        patience = timedelta(seconds=tenant.settings.escalation.acknowledge_s)
        await self._arm(conn, tenant, Job.ALERT, case.id, ALERT_AGAIN)
        await self._arm(conn, tenant, Job.UNACKNOWLEDGED, case.id, patience)
        self._bus.publish_after(conn, CaseOpened(tenant_id=tenant.id, id=case.id))
        return case

    async def _arm(
        self, conn: Connection, tenant: Tenant, kind: Job, case_id: int, wait: timedelta
    ) -> None:
        due_at = self._clock.now() + wait
        await self._jobs.arm(conn, tenant_id=tenant.id, kind=kind, key=case_id, due_at=due_at)

    async def _taken(
        self,
        conn: Connection,
        tenant_id: str,
        case: Case,
        operator: str,
        route: RouteOfChange,
        *,
        is_inferred: bool = False,
    ) -> Case:
        """Somebody has it; an inferred somebody leaves it free for a named operator to take."""
        taken = await store.change_case(
            conn,
            case.id,
            self._change("taken over", by=operator, route=route),
            state="acknowledged",
            assignee=None if is_inferred else operator,
        )
        for each in await store.conversations_of_stay(
            conn, case.conversation_id, case.reservation_id
        ):
            await self._set_handling(
                conn, tenant_id, each, voice="person", reason=f"{operator} has case {case.id}"
            )
        self._bus.publish_after(conn, CaseTakenOver(tenant_id=tenant_id, id=case.id))
        return taken

    async def _locked(self, conn: Connection, case_id: int) -> Case:
        case = await store.lock_case(conn, case_id)
        if case is None:
            raise NotFound(f"there is no case {case_id}")
        if not case.is_open:
            raise Conflict(f"case {case_id} is resolved")
        return case

    async def _set_handling(
        self,
        conn: Connection,
        tenant_id: str,
        conversation_id: int,
        *,
        voice: Voice,
        reason: str,
        until: datetime | None = None,
        at: datetime | None = None,
    ) -> None:
        await store.set_handling(
            conn,
            conversation_id,
            mode="bot" if voice == "bot" else "human",
            reason=reason,
            until=until,
            now=at or self._clock.now(),
        )
        event = HandlingChanged(tenant_id=tenant_id, id=conversation_id, speaker=voice)
        self._bus.publish_after(conn, event)

    def _change(self, what: str, *, by: str, route: RouteOfChange, **more: Any) -> dict[str, Any]:
        return {"what": what, "by": by, "at": self._clock.now().isoformat(), "route": route, **more}
