"""The live part of the hotline, joined: sockets, sessions, voices, greetings."""

import asyncio

from starlette.websockets import WebSocket

from app.bots.answer import Mind
from app.escalation.cases import Cases
from app.events import HandlingChanged
from app.pms.stay import Stays
from app.settings import Settings
from app.tenants import Tenants
from app.voice.caller import Callers
from app.voice.dispatch import Dispatch
from app.voice.greetings import Greetings
from app.voice.identity import ThreadPost
from app.voice.local_speech import LocalSpeech
from app.voice.media import MediaStreams
from app.voice.phone_line import PhoneLine
from app.voice.prelude import Prelude
from app.voice.record import RecordParts
from app.voice.session import CallParts
from app.voice.snapshot import Snapshot
from app.voice.speech import Voices
from app.voice.tickets import Ticket, Tickets


class HotlineLive:
    """Every live call of this process, and what calls are made with."""

    def __init__(
        self,
        *,
        settings: Settings,
        record: RecordParts,
        tenants: Tenants,
        cases: Cases,
        stays: Stays,
        mind: Mind,
        post: ThreadPost,
        snapshot: Snapshot,
        tickets: Tickets,
        voices: Voices | None = None,
    ) -> None:
        self._snapshot, self._mind = snapshot, mind
        self._preparing = asyncio.Lock()
        self._asked = self._seen_to = 0
        """How often it was asked to prepare, and up to which of these it has."""
        key = settings.secrets.openai_api_key
        local = LocalSpeech(settings.data.dir / "speech", record.background)
        self._voices = voices or Voices(key.get_secret_value() if key else None, local)
        self._greetings = Greetings(snapshot=snapshot, tenants=tenants, voices=self._voices)
        callers = Callers(stays)
        self._prelude = Prelude(
            record=record, tenants=tenants, callers=callers, voices=self._voices
        )
        parts = CallParts(
            record=record,
            mind=mind,
            cases=cases,
            callers=callers,
            own_numbers=snapshot.numbers_of,
            post=post,
            voices=self._voices,
            greetings=self._greetings,
            prelude=self._prelude,
        )
        self._dispatch = Dispatch(
            parts=parts, tenants=tenants, snapshot=snapshot, max_calls=settings.phone.max_calls
        )
        self._media = MediaStreams(
            tickets=tickets,
            serve=self._dispatch.serve,
            clock=record.clock,
            background=record.background,
        )

    async def accept(self, websocket: WebSocket) -> None:
        """One media stream, from its start to its end."""
        await self._media.accept(websocket)

    async def serve(self, ticket: Ticket, line: PhoneLine) -> None:
        """One call on a line that somebody else has opened."""
        await self._dispatch.serve(ticket, line)

    def expect(self, ticket: Ticket) -> None:
        """A call rings."""
        self._prelude.begin(ticket)

    def has_room(self) -> bool:
        """Whether one more call can be served."""
        return self._dispatch.has_room()

    def may_stream_again(self, call_sid: str) -> bool:
        """Whether the stream of a call broke off and deserves a second try."""
        return self._dispatch.may_stream_again(call_sid)

    async def on_handling_changed(self, event: HandlingChanged) -> None:
        """Who speaks in a conversation has changed."""
        await self._dispatch.on_handling_changed(event)

    async def prepare(self) -> None:
        """Have at hand what first questions need, and make the greetings that are missing.

        Changes that come while it works are seen to together, once it is done.
        """
        self._asked += 1
        mine = self._asked
        async with self._preparing:
            if self._seen_to >= mine:
                return
            self._seen_to = self._asked
            for tenant_id in {number.tenant_id for number in self._snapshot.numbers}:
                await self._mind.warm(tenant_id)
            await self._greetings.prepare()

    async def close(self) -> None:
        """End every call, and what they were made with."""
        await self._dispatch.close()
        await self._voices.close()
