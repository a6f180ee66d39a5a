"""The case page: who, where, when, the whole conversation; take, reply, resolve."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.chat.operator import Operators
from app.clock import Clock
from app.conversations import Conversation, Conversations, Turn
from app.db import Database
from app.errors import NotFound, ProductError
from app.escalation.cases import Cases
from app.escalation.records import Case
from app.panel.auth import Sessions, Visitor, in_words
from app.panel.render import Pages
from app.panel.views import dates_of, guest_of, place_of, stay_of, time_of
from app.pms.stay import Stay, Stays
from app.tenants import Tenants

WHOLE = 2000
"""Turns shown of a conversation."""
LARGEST_ID = 2**63 - 1
NOTES: Mapping[str, str] = {
    "taken": "You have this case. The bot is silent.",
    "sent": "You have this case. A reply of the bot was on its way and has reached the guest.",
    "dropped": "You have this case. A reply of the bot was on its way and was stopped.",
    "failed": "You have this case. A reply of the bot was on its way and did not arrive.",
    "unclear": "You have this case. A reply of the bot was on its way; whether it arrived is not "
    "known yet. Look at the thread before you write.",
    "replied": "Your reply is on its way.",
    "resolved": "The case is resolved. The bot may speak again.",
}

Deed = Callable[[Visitor, str, int, FormData], Awaitable[str]]
"""What a form does; gives the key of its note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case with all that its page shows."""

    case: Case
    conversation: Conversation
    turns: tuple[Turn, ...]
    stay: Stay | None


class CasePages:
    """Pages and forms of cases."""

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
        sessions: Sessions,
        pages: Pages,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._cases = cases
        self._conversations = conversations
        self._stays = stays
        self._operators = operators
        self._clock = clock
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The list, a case, and its three forms."""
        page = "/case/{tenant}/{case_id:int}"
        deeds = {"take": self._take, "reply": self._reply, "resolve": self._resolve}
        return [
            Route("/cases", in_words(self._pages, self._list), methods=["GET"]),
            Route("/case/{case_id:int}", in_words(self._pages, self._own), methods=["GET"]),
            Route(page, in_words(self._pages, self._show), methods=["GET"]),
            *(
                Route(f"{page}/{name}", in_words(self._pages, self._doing(deed)), methods=["POST"])
                for name, deed in deeds.items()
            ),
        ]

    async def _list(self, request: Request) -> Response:
        visitor = await self._sessions.visitor(request)
        with_resolved = request.query_params.get("all") == "1"
        wanted = visitor.tenant_id or request.query_params.get("tenant")
        tenants = [await self._tenants.get(wanted)] if wanted else await self._tenants.all()
        found = [
            (tenant.id, case)
            for tenant in tenants
            for case in await self._cases.list(tenant.id, with_resolved=with_resolved)
        ]
        return self._pages.response(
            "cases.html",
            found=[
                {
                    "path": f"/case/{tenant_id}/{case.id}",
                    "tenant": tenant_id if visitor.tenant_id is None else "",
                    "case": case,
                    "opened": time_of(case.opened_at, UTC),
                }
                for tenant_id, case in found
            ],
            with_resolved=with_resolved,
            operator=visitor.operator,
            tenant_id=visitor.tenant_id or "",
        )

    async def _own(self, request: Request) -> Response:
        """A case by its number alone: of the session's tenant."""
        visitor = await self._sessions.visitor(request)
        if visitor.tenant_id is None:
            raise NotFound("say whose case: /case/<tenant>/<number>")
        case_id = request.path_params["case_id"]
        return RedirectResponse(f"/case/{visitor.tenant_id}/{case_id}", status_code=303)

    async def _show(self, request: Request) -> Response:
        tenant_id, case_id = _place(request)
        visitor = await self._sessions.visitor(request)
        visitor.must_see(tenant_id)
        note = NOTES.get(request.query_params.get("note", ""), "")
        return await self._page(visitor, tenant_id, case_id, note=note)

    def _doing(self, deed: Deed) -> Callable[[Request], Awaitable[Response]]:
        """The handler of a form: a refusal is shown on the case's page, the words kept."""

        async def handle(request: Request) -> Response:
            tenant_id, case_id = _place(request)
            await self._sessions.visitor(request)
            form = await request.form(max_files=0, max_fields=10)
            visitor = await self._sessions.check_form(request, form)
            visitor.must_see(tenant_id)
            await self._view(tenant_id, case_id)
            try:
                note = await deed(visitor, tenant_id, case_id, form)
            except ProductError as exc:
                return await self._page(
                    visitor,
                    tenant_id,
                    case_id,
                    problem=str(exc),
                    draft=str(form.get("text") or ""),
                    status_code=exc.status_code,
                )
            return RedirectResponse(f"/case/{tenant_id}/{case_id}?note={note}", status_code=303)

        return handle

    async def _take(self, visitor: Visitor, tenant_id: str, case_id: int, _: FormData) -> str:
        _case, fate = await self._operators.take(
            tenant_id, case_id, operator=visitor.operator, route="panel"
        )
        if fate is None:
            return "taken"
        return fate if fate in NOTES else "unclear"

    async def _reply(self, visitor: Visitor, tenant_id: str, case_id: int, form: FormData) -> str:
        words = str(form.get("text") or "")
        await self._operators.reply(
            tenant_id, case_id, words, operator=visitor.operator, route="panel"
        )
        return "replied"

    async def _resolve(self, visitor: Visitor, tenant_id: str, case_id: int, _: FormData) -> str:
        await self._cases.resolve(tenant_id, case_id, operator=visitor.operator, route="panel")
        return "resolved"

    async def _page(
        self,
        visitor: Visitor,
        tenant_id: str,
        case_id: int,
        *,
        note: str = "",
        problem: str = "",
        draft: str = "",
        status_code: int = 200,
    ) -> Response:
        view = await self._view(tenant_id, case_id)
        zone: tzinfo = view.stay.zone if view.stay else UTC
        return self._pages.response(
            "case.html",
            status_code=status_code,
            case=view.case,
            guest=guest_of(view.stay),
            place=place_of(view.stay),
            dates=dates_of(view.stay),
            zone=str(zone),
            is_zone_assumed=view.stay is not None and view.stay.is_zone_assumed,
            way=view.conversation.communication_type or view.conversation.medium,
            opened=time_of(view.case.opened_at, zone),
            turns=[_line(turn, zone) for turn in view.turns],
            history=[_entry(entry, zone) for entry in view.case.history],
            is_mine=view.case.assignee == visitor.operator,
            note=note,
            problem=problem,
            draft=view.stay.mask(draft) if view.stay else draft,
            path=f"/case/{tenant_id}/{case_id}",
            form_token=visitor.form_token,
            operator=visitor.operator,
            tenant_id=tenant_id,
        )

    async def _view(self, tenant_id: str, case_id: int) -> CaseView:
        tenant = await self._tenants.get(tenant_id)
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            case = await self._cases.get(conn, case_id)
            conversation = await self._conversations.get(conn, case.conversation_id)
            turns = await self._conversations.transcript(conn, conversation.id, last=WHOLE)
            stay = await stay_of(self._stays, conn, tenant, case.reservation_id, self._clock.now())
        return CaseView(case=case, conversation=conversation, turns=tuple(turns), stay=stay)


def _place(request: Request) -> tuple[str, int]:
    """(tenant, case) of a path."""
    case_id: int = request.path_params["case_id"]
    if case_id > LARGEST_ID:
        raise NotFound("there is no such case")
    return str(request.path_params["tenant"]), case_id


def _line(turn: Turn, zone: tzinfo) -> dict[str, str]:
    return {"who": turn.speaker, "words": turn.text, "at": time_of(turn.said_at, zone)}


def _what(entry: Mapping[str, Any], zone: tzinfo) -> str:
    what = str(entry.get("what", ""))
    if "due_at" not in entry:
        return what
    due_at = time_of(datetime.fromisoformat(str(entry["due_at"])), zone)
    return f"{what} {entry.get('number', '')} until {due_at}"


def _entry(entry: Mapping[str, Any], zone: tzinfo) -> dict[str, str]:
    return {
        "what": _what(entry, zone),
        "by": str(entry.get("by", "")),
        "route": str(entry.get("route", "")),
        "at": time_of(datetime.fromisoformat(str(entry["at"])), zone),
    }
