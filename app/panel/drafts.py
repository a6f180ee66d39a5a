"""The waiting drafts of a tenant: let one go, perhaps in other words, or throw it away."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.chat.operator import Operators
from app.clock import Clock
from app.conversations import Conversations
from app.db import Database
from app.errors import BadInput, NotFound
from app.panel.auth import Sessions, in_words
from app.panel.render import Pages
from app.panel.views import guest_of, place_of, stay_of, time_of
from app.pms.stay import Stays
from app.tenants import Tenants

CONTEXT_TURNS = 6
"""Turns shown above a draft."""
LARGEST_ID = 2**63 - 1
NOTES: Mapping[str, str] = {
    "sent": "The reply is on its way.",
    "dropped": "The draft was thrown away.",
}


class DraftPages:
    """The page of drafts and its forms."""

    def __init__(
        self,
        *,
        database: Database,
        tenants: Tenants,
        conversations: Conversations,
        stays: Stays,
        operators: Operators,
        clock: Clock,
        sessions: Sessions,
        pages: Pages,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._conversations = conversations
        self._stays = stays
        self._operators = operators
        self._clock = clock
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The page and its two forms."""
        return [
            Route("/drafts", in_words(self._pages, self._list), methods=["GET"]),
            Route("/draft/{id:int}/send", self._doing(is_sending=True), methods=["POST"]),
            Route("/draft/{id:int}/drop", self._doing(is_sending=False), methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        visitor = await self._sessions.visitor(request)
        tenant_id = _tenant_of(visitor.tenant_id)
        return self._pages.response(
            "drafts.html",
            drafts=await self._shown(tenant_id),
            note=NOTES.get(request.query_params.get("note", ""), ""),
            form_token=visitor.form_token,
            operator=visitor.operator,
            tenant_id=tenant_id,
        )

    def _doing(self, *, is_sending: bool) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            await self._sessions.visitor(request)
            form = await request.form(max_files=0, max_fields=10)
            visitor = await self._sessions.check_form(request, form)
            tenant_id, draft_id = _tenant_of(visitor.tenant_id), request.path_params["id"]
            if draft_id > LARGEST_ID:
                raise NotFound("there is no such draft")
            if not is_sending:
                await self._operators.drop_draft(tenant_id, draft_id)
                return RedirectResponse("/drafts?note=dropped", status_code=303)
            words = str(form.get("text") or "").strip()
            if not words:
                raise BadInput("a reply needs words; throw the draft away instead")
            await self._operators.send_draft(tenant_id, draft_id, text=words)
            return RedirectResponse("/drafts?note=sent", status_code=303)

        return in_words(self._pages, handle)

    async def _shown(self, tenant_id: str) -> list[dict[str, Any]]:
        tenant = await self._tenants.get(tenant_id)
        drafts = await self._operators.drafts(tenant_id)
        door = await self._database.tenant(tenant_id)
        shown = []
        async with door.transaction() as conn:
            for draft in drafts:
                conversation = await self._conversations.get(conn, draft.conversation_id)
                turns = await self._conversations.transcript(
                    conn, conversation.id, last=CONTEXT_TURNS
                )
                stay = await stay_of(
                    self._stays, conn, tenant, conversation.reservation_id, self._clock.now()
                )
                zone = stay.zone if stay else UTC
                shown.append(
                    {
                        "id": draft.id,
                        "text": draft.text,
                        "who": guest_of(stay),
                        "where": place_of(stay),
                        "at": time_of(draft.created_at, zone),
                        "turns": [
                            {"who": t.speaker, "words": t.text, "at": time_of(t.said_at, zone)}
                            for t in turns
                        ],
                    }
                )
        return shown


def _tenant_of(tenant_id: str | None) -> str:
    if tenant_id is None:
        raise NotFound("drafts are seen with a session of their tenant")
    return tenant_id
