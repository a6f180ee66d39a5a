"""`GET /live`: what happens, as server-sent events; JSON with `type` and `tenant` each.

`docs/live.md` says what each type carries.
A listener that lags is let go: it connects again and looks at the pages for what it missed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from app import events
from app.conversations import Conversations
from app.db import Database
from app.errors import NotFound, Unavailable
from app.events import Event
from app.panel.auth import Sessions

logger = logging.getLogger(__name__)

WAITING = 200
"""Events that may wait for one listener."""
HEARTBEAT_S = 15.0
"""A comment so often, so that a dead connection is noticed."""
KNOWN_THREADS = 5000
"""Threads whose PMS id is kept in memory."""

CallEvent = (
    events.CallStarted
    | events.CallerIdentified
    | events.SpeechHeard
    | events.AnswerBegan
    | events.CallEnded
)
CASE_STEPS: Mapping[type[Event], str] = {
    events.CaseOpened: "opened",
    events.CaseRaised: "raised",
    events.CaseTakenOver: "taken over",
    events.CaseResolved: "resolved",
}


class Live:
    """Hears the bus and tells every listener what is its to know."""

    def __init__(
        self, *, database: Database, conversations: Conversations, sessions: Sessions
    ) -> None:
        self._database = database
        self._conversations = conversations
        self._sessions = sessions
        self._listeners: set[_Listener] = set()
        self._threads: dict[tuple[str, int], str] = {}
        self._is_closed = False

    def routes(self) -> list[BaseRoute]:
        """The feed."""
        return [Route("/live", self._listen, methods=["GET"])]

    async def on_event(self, event: Event) -> None:
        """Tell whoever listens; nobody is waited for."""
        if not any(listener.wants(event.tenant_id) for listener in self._listeners):
            return
        thread = await self._thread(event)
        for told in messages_of(event):
            more = {"thread": thread} if thread else {}
            chunk = b"data: " + orjson.dumps({**told, **more}) + b"\n\n"
            for listener in [one for one in self._listeners if one.wants(event.tenant_id)]:
                if not listener.offer(chunk):
                    self._listeners.discard(listener)
                    logger.info("a listener of the feed lagged and was let go")

    async def on_tenant_removed(self, event: events.TenantRemoved) -> None:
        """End its feeds, and forget its threads."""
        gone = [one for one in self._listeners if one.is_of(event.tenant_id)]
        for listener in gone:
            listener.end()
            self._listeners.discard(listener)
        self._threads = {k: v for k, v in self._threads.items() if k[0] != event.tenant_id}

    def close(self) -> None:
        """End every feed, so that the server can stop."""
        self._is_closed = True
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()

    async def _listen(self, request: Request) -> Response:
        visitor = await self._sessions.visitor(request)
        tenant_id = request.query_params.get("tenant") or visitor.tenant_id
        if tenant_id is not None:
            visitor.must_see(tenant_id)
        if self._is_closed:
            raise Unavailable("shutting down")
        listener = _Listener(tenant_id)
        self._listeners.add(listener)
        return StreamingResponse(
            self._feed(listener),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _feed(self, listener: "_Listener") -> AsyncIterator[bytes]:
        try:
            yield b": nightdesk, live\n\n"
            while True:
                try:
                    chunk = await asyncio.wait_for(listener.queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    chunk = b": still here\n\n"
                if chunk is None:
                    return
                yield chunk
        finally:
            self._listeners.discard(listener)

    async def _thread(self, event: Event) -> str:
        """The PMS's id of the thread that an event is about; empty where it is about none."""
        conversation_id = getattr(event, "conversation_id", None)
        if isinstance(event, events.HandlingChanged):
            conversation_id = event.id
        if conversation_id is None:
            return ""
        key = (event.tenant_id, conversation_id)
        if key not in self._threads:
            try:
                door = await self._database.tenant(event.tenant_id)
                async with door.transaction() as conn:
                    conversation = await self._conversations.get(conn, conversation_id)
            except (NotFound, Unavailable):
                return ""
            if len(self._threads) >= KNOWN_THREADS:
                self._threads.clear()
            self._threads[key] = conversation.external_id
        return self._threads[key]


class _Listener:
    """One open feed."""

    def __init__(self, tenant_id: str | None) -> None:
        self._tenant_id = tenant_id
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)

    def is_of(self, tenant_id: str) -> bool:
        """Whether it was opened for this tenant alone."""
        return self._tenant_id == tenant_id

    def wants(self, tenant_id: str) -> bool:
        """Whether it may hear of a tenant, and asked to."""
        return self._tenant_id in (None, tenant_id)

    def offer(self, chunk: bytes) -> bool:
        """Put it in line; false where the line is full, which ends the feed."""
        try:
            self.queue.put_nowait(chunk)
        except asyncio.QueueFull:
            self.end()
            return False
        return True

    def end(self) -> None:
        """Let the feed end now; what waits is not told any more."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


def messages_of(event: Event) -> list[dict[str, Any]]:
    """What the feed tells of an event; times as ISO 8601, nothing for events it does not tell."""
    told: dict[str, Any] = {"tenant": event.tenant_id}
    if (step := CASE_STEPS.get(type(event))) is not None and isinstance(event, events.CaseEvent):
        return [{"type": "case", **told, "case": event.id, "step": step}]
    if isinstance(event, CallEvent):
        return [_of_call(event)]
    match event:
        case events.MessageReceived():
            told |= {"conversation": event.conversation_id, "generation": event.generation}
            due = event.due_at.isoformat()
            return [{"type": kind, **told, "due_at": due} for kind in ("webhook", "debounce")]
        case events.TurnRecorded():
            told |= {"conversation": event.conversation_id, "turn": event.turn_id}
            told |= {"speaker": event.speaker, "text": event.text}
            told |= {"said_at": event.said_at.isoformat()} | _spoken(event)
            return [{"type": "turn", **told}]
        case events.DecisionMade():
            told |= {"conversation": event.conversation_id, "decision": event.decision_id}
            told |= {"outcome": event.outcome, "origin": event.origin}
            told |= {"action_code": event.action_code}
            told |= {"bot": event.bot, "score": event.score, "because": event.because}
            return [{"type": "decision", **told}]
        case events.ReplySent():
            told |= {"conversation": event.conversation_id, "outbox": event.outbox_id}
            return [{"type": "reply", **told, "origin": event.origin}]
        case events.DraftWritten():
            told |= {"conversation": event.conversation_id, "outbox": event.outbox_id}
            return [{"type": "draft", **told}]
        case events.HandlingChanged():
            return [{"type": "handling", **told, "conversation": event.id}]
        case events.JobFailed():
            told |= {"job": event.kind, "key": event.key, "error": event.error}
            return [{"type": "job_failed", **told}]
        case _:
            return []


def _of_call(event: CallEvent) -> dict[str, Any]:
    told: dict[str, Any] = {"tenant": event.tenant_id}
    told |= {"conversation": event.conversation_id, "call": event.call_sid}
    match event:
        case events.CallStarted():
            told |= {"type": "call_started", "hotline": event.hotline_e164, "caller": event.caller}
            told |= {"language": event.language, "started_at": event.started_at.isoformat()}
        case events.CallerIdentified():
            told |= {"type": "caller", "assurance": event.assurance}
            told |= {"reservation": event.reservation_id}
        case events.SpeechHeard():
            told |= {"type": "heard", "text": event.text, "is_final": event.is_final}
        case events.AnswerBegan():
            told |= {"type": "answer_began", "stages": event.stages}
        case events.CallEnded():
            told |= {"type": "call_ended", "because": event.because}
            told |= {"ended_at": event.ended_at.isoformat()}
    return told


def _spoken(event: events.TurnRecorded) -> dict[str, Any]:
    """What a turn on the phone has beside its words; nothing for turns of a thread."""
    if event.ended_at is None and not event.stages:
        return {}
    return {
        "ended_at": event.ended_at.isoformat() if event.ended_at else None,
        "decision": event.decision_id,
        "heard_ms": event.heard_ms,
        "is_cut": event.is_cut,
        "stages": event.stages,
    }
