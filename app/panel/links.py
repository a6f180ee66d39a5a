"""Signed links of alerts: one operator, one case, ten minutes, one use.

Looking at a link changes nothing, so that previews and virus scanners do not spend it; the button
on its page does, and begins a session. A link for a whole channel names no operator: whoever opens
it says who they are.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.clock import Clock
from app.db import Database
from app.errors import BadInput, Forbidden
from app.keys import Keyring, new_token
from app.panel.auth import Sessions, Unauthorized, in_words, is_of_today, verified
from app.panel.render import Pages
from app.tenants import Tenants

logger = logging.getLogger(__name__)

LIFE = timedelta(minutes=10)
KEPT_SPENT = timedelta(days=1)
"""Spent links are remembered longer than any link lives."""
LONGEST_NAME = 60
NO_LONGER = "this link was used or is over; the case's next message in Slack brings a fresh one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link says."""

    id: str
    tenant_id: str
    operator: str
    """Empty: whoever opens it says who they are."""
    case_id: int
    """0: the waiting drafts."""

    @property
    def path(self) -> str:
        """Where it leads."""
        return f"/case/{self.tenant_id}/{self.case_id}" if self.case_id else "/drafts"


class Links:
    """Makes links and opens them."""

    def __init__(
        self,
        *,
        keyring: Keyring,
        clock: Clock,
        database: Database,
        tenants: Tenants,
        sessions: Sessions,
        pages: Pages,
        desk_url: str,
    ) -> None:
        self._keyring = keyring
        self._clock = clock
        self._database = database
        self._tenants = tenants
        self._sessions = sessions
        self._pages = pages
        self._desk_url = desk_url.rstrip("/")

    def link_to_case(self, tenant_id: str, case_id: int, operator: str) -> str:
        """A link that opens a case's page once."""
        return self._link(tenant_id, case_id, operator)

    def link_to_drafts(self, tenant_id: str, operator: str) -> str:
        """A link that opens the page of waiting drafts once."""
        return self._link(tenant_id, 0, operator)

    def routes(self) -> list[BaseRoute]:
        """Looking at a link, and opening it."""
        return [
            Route("/open/{token}", in_words(self._pages, self._look), methods=["GET"]),
            Route("/open/{token}", in_words(self._pages, self._open), methods=["POST"]),
        ]

    def _link(self, tenant_id: str, case_id: int, operator: str) -> str:
        until = self._clock.now() + LIFE
        token = self._keyring.sign(
            {
                "kind": "link",
                "id": new_token(12),
                "tenant": tenant_id,
                "operator": operator,
                "case": case_id,
                "until": int(until.timestamp()),
            }
        )
        return f"{self._desk_url}/open/{token}"

    async def _look(self, request: Request) -> Response:
        """GET: nothing is changed; who has a session already goes straight on."""
        token = request.path_params["token"]
        link = await self._read(token, is_life_over_fine=True)
        if await self._is_at_home(request, link):
            return RedirectResponse(link.path, status_code=303)
        await self._read(token)
        if await self._is_spent(link):
            raise Forbidden(NO_LONGER)
        tenant = await self._tenants.get(link.tenant_id)
        return self._pages.response(
            "open.html",
            tenant_name=tenant.name,
            operator=link.operator,
            what=f"case {link.case_id}" if link.case_id else "the waiting drafts",
            longest_name=LONGEST_NAME,
            tenant_id="",
        )

    async def _open(self, request: Request) -> Response:
        """POST: the link is spent, the session begins."""
        link = await self._read(request.path_params["token"])
        form = await request.form(max_files=0, max_fields=5)
        operator = link.operator or " ".join(str(form.get("name") or "").split())
        if not 0 < len(operator) <= LONGEST_NAME or not operator.isprintable():
            raise BadInput(f"tell your name, in {LONGEST_NAME} plain characters at most")
        if not await self._spend(link):
            raise Forbidden(NO_LONGER)
        logger.info("link opened", extra={"tenant": link.tenant_id, "case": link.case_id})
        response = RedirectResponse(link.path, status_code=303)
        self._sessions.begin(response, tenant_id=link.tenant_id, operator=operator)
        return response

    async def _read(self, token: str, *, is_life_over_fine: bool = False) -> Link:
        payload = verified(self._keyring, token)
        if payload.get("kind") != "link":
            raise Forbidden("this link is not valid")
        until = payload["until"]
        is_alive = isinstance(until, int) and self._clock.now().timestamp() < until
        if not (is_alive or is_life_over_fine):
            raise Forbidden(NO_LONGER)
        tenant_id = str(payload["tenant"])
        if not await is_of_today(self._tenants, tenant_id, until, LIFE):
            raise Forbidden(NO_LONGER)
        return Link(
            id=str(payload["id"]),
            tenant_id=tenant_id,
            operator=str(payload["operator"]),
            case_id=int(str(payload["case"])),
        )

    async def _is_at_home(self, request: Request, link: Link) -> bool:
        """Whether the visitor has a session of that tenant, of that operator where one is named."""
        try:
            visitor = await self._sessions.visitor(request)
        except Unauthorized:
            return False
        is_same = link.operator in ("", visitor.operator)
        return visitor.tenant_id == link.tenant_id and is_same

    async def _is_spent(self, link: Link) -> bool:
        async with self._database.shared().transaction() as conn:
            found = await conn.fetchval(
                "select 1 from nightdesk.spent_links where id = $1", link.id
            )
        return found is not None

    async def _spend(self, link: Link) -> bool:
        """Use the link up; false where somebody was quicker."""
        now = self._clock.now()
        async with self._database.shared().transaction() as conn:
            await conn.execute(
                "delete from nightdesk.spent_links where spent_at < $1", now - KEPT_SPENT
            )
            tag = await conn.execute(
                """insert into nightdesk.spent_links (id, spent_at) values ($1, $2)
                   on conflict do nothing""",
                link.id, now,
            )  # fmt: skip
        return tag.endswith(" 1")
