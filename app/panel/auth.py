"""Who a visitor of the desk is: a signed session cookie, or the desk token of our own programs.

A session belongs to one operator of one tenant and ends after twelve hours. Forms carry a token
bound to the session; with the desk token there is no cookie that a stranger's page could ride on.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from app.clock import Clock
from app.errors import Forbidden, NotFound, ProductError
from app.keys import Keyring
from app.panel.render import Pages
from app.tenants import Tenants

COOKIE = "nightdesk_session"
SESSION = timedelta(hours=12)
PROGRAM = "the command line"
"""Who did what was done with the desk token."""

Handler = Callable[[Request], Awaitable[Response]]


class Unauthorized(Forbidden):
    """Nobody we know asks."""

    status_code = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks."""

    operator: str
    tenant_id: str | None
    """None: our own program, which may see every tenant."""
    form_token: str
    """What forms of this visitor carry."""

    def must_see(self, tenant_id: str) -> None:
        """Go on only where this tenant is the visitor's.

        Raises:
            NotFound: it is not; the same words as where there is none.
        """
        if self.tenant_id not in (None, tenant_id):
            raise NotFound("there is no such page")


class Sessions:
    """Begins and checks sessions."""

    def __init__(
        self,
        *,
        keyring: Keyring,
        clock: Clock,
        tenants: Tenants,
        desk_token: SecretStr | None,
        is_https: bool,
    ) -> None:
        self._keyring = keyring
        self._clock = clock
        self._tenants = tenants
        self._desk_token = desk_token
        self._is_https = is_https

    def begin(self, response: Response, *, tenant_id: str, operator: str) -> None:
        """Give the visitor a session."""
        until = self._clock.now() + SESSION
        signed = self._keyring.sign(
            {"kind": "session", "tenant": tenant_id, "operator": operator, "until": _stamp(until)}
        )
        response.set_cookie(
            COOKIE,
            signed,
            max_age=int(SESSION.total_seconds()),
            httponly=True,
            secure=self._is_https,
            samesite="lax",
        )

    async def visitor(self, request: Request) -> Visitor:
        """Who asks.

        Raises:
            Unauthorized: neither a session nor the desk token.
        """
        if (bearer := request.headers.get("authorization")) is not None:
            return self._by_token(bearer)
        cookie = request.cookies.get(COOKIE)
        if cookie is None:
            raise Unauthorized("open this page by the link of an alert")
        try:
            payload = verified(self._keyring, cookie)
        except Forbidden as exc:
            raise Unauthorized("your session is not valid; use the link of an alert") from exc
        if payload.get("kind") != "session" or _is_over(payload["until"], self._clock.now()):
            raise Unauthorized("your session is over; use the link of an alert")
        tenant_id = str(payload["tenant"])
        try:
            is_valid = await is_of_today(self._tenants, tenant_id, payload["until"], SESSION)
        except NotFound:
            is_valid = False
        if not is_valid:
            raise Unauthorized("your session is over; its company is gone")
        return Visitor(
            operator=str(payload["operator"]),
            tenant_id=tenant_id,
            form_token=self._form_token(cookie),
        )

    async def check_form(self, request: Request, form: FormData) -> Visitor:
        """Who sent a form that changes something.

        Raises:
            Unauthorized: nobody we know.
            Forbidden: the form was not ours.
        """
        visitor = await self.visitor(request)
        given = form.get("form_token")
        if visitor.form_token and not (
            isinstance(given, str)
            and hmac.compare_digest(given.encode(), visitor.form_token.encode())
        ):
            raise Forbidden("the form is too old or not ours; go back and reload the page")
        return visitor

    def _by_token(self, header: str) -> Visitor:
        scheme, _, given = header.partition(" ")
        known = self._desk_token.get_secret_value() if self._desk_token else ""
        is_right = hmac.compare_digest(given.strip().encode(), known.encode())
        if scheme.lower() != "bearer" or not known or not is_right:
            raise Unauthorized("the desk token is wrong; set NIGHTDESK_DESK_TOKEN on both sides")
        return Visitor(operator=PROGRAM, tenant_id=None, form_token="")

    def _form_token(self, cookie: str) -> str:
        of = hashlib.sha256(cookie.encode()).hexdigest()
        return self._keyring.sign({"kind": "form", "of": of})


def in_words(pages: Pages, handler: Handler) -> Handler:
    """A handler whose refusals are shown as a page."""

    async def shown(request: Request) -> Response:
        try:
            return await handler(request)
        except ProductError as exc:
            return pages.response(
                "refused.html",
                status_code=exc.status_code,
                problem=str(exc),
                operator="",
                tenant_id="",
            )

    return shown


def verified(keyring: Keyring, token: str) -> dict[str, object]:
    """The payload of a signed token that a stranger may have sent.

    Raises:
        Forbidden: it was not signed here.
    """
    if not token.isascii():
        raise Forbidden("this link is not valid")
    return keyring.verify(token)


async def is_of_today(tenants: Tenants, tenant_id: str, until: object, life: timedelta) -> bool:
    """Whether what lives until then was given out for the tenant that has the id today.

    Raises:
        NotFound: nobody has it.
    """
    tenant = await tenants.get(tenant_id)
    given_at = int(str(until)) - int(life.total_seconds())
    return given_at >= int(tenant.created_at.timestamp())


def _stamp(moment: datetime) -> int:
    return int(moment.timestamp())


def _is_over(until: object, now: datetime) -> bool:
    return not isinstance(until, int) or until <= now.timestamp()
