"""The control plane under `/sim`: faults, settings, the clock, the feed and what Slack received.

Hostaway's own part of it is in `control_hostaway`, the pages in `pages_server`.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from app.sim.answers import Json
from app.sim.knobs import BadRequest
from app.sim.rows import Row
from app.sim.world import World

Work = Callable[[Request], Awaitable[Any]]


class Control:
    """Endpoints that tests, the story and the pages turn the world with."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """All of them, relative to `/sim`."""
        return [
            route("/faults", self._faults, "GET"),
            route("/faults", self._add_fault, "POST"),
            route("/faults", self._clear_faults, "DELETE"),
            route("/settings", self._settings, "GET"),
            route("/settings", self._change_settings, "POST"),
            route("/settings", self._change_settings, "PATCH"),
            route("/clock", self._clock, "GET"),
            route("/clock", self._set_clock, "POST"),
            route("/product", self._set_product, "POST"),
            route("/slack/messages", self._slack_messages, "GET"),
            route("/slack/views", self._slack_views, "GET"),
            route("/events", self._events, "GET"),
        ]

    async def _faults(self, request: Request) -> Row:
        return {"faults": self._world.faults.as_rows()}

    async def _add_fault(self, request: Request) -> Row:
        fault = self._world.faults.add(await body_of(request))
        if fault.kind == "token_expiry" and fault.target == "hostaway":
            # The tokens die now, and the fault is not kept to kill the next ones as well.
            self._world.gate.tokens.expire_all(fault.account)
            self._world.faults.clear(fault.id)
        self._world.feed.publish("fault", target=fault.target, kind=fault.kind)
        return {"id": fault.id}

    async def _clear_faults(self, request: Request) -> Row:
        text = request.query_params.get("id", "")
        return {"cleared": self._world.faults.clear(int(text) if text.isdigit() else None)}

    async def _settings(self, request: Request) -> Row:
        return self._world.knobs.as_row()

    async def _change_settings(self, request: Request) -> Row:
        self._world.knobs.change(await body_of(request))
        return self._world.knobs.as_row()

    async def _clock(self, request: Request) -> Row:
        clock = self._world.clock
        return {"now": clock.now().isoformat(), "offset_s": clock.offset_s}

    async def _set_clock(self, request: Request) -> Row:
        wanted = await body_of(request)
        if "now" in wanted:
            moment = datetime.fromisoformat(str(wanted["now"]))
            if moment.tzinfo is None:
                raise BadRequest("now needs a zone, such as 2026-05-01T10:00:00+00:00")
            self._world.clock.set(moment)
        self._world.clock.advance(float(wanted.get("advance_s", 0)))
        return await self._clock(request)

    async def _set_product(self, request: Request) -> Row:
        wanted = await body_of(request)
        self._world.product = str(wanted.get("url", ""))
        self._world.live_token = str(wanted.get("live_token", ""))
        return {"product": self._world.product}

    async def _slack_messages(self, request: Request) -> Row:
        wanted = request.query_params
        rows = self._world.slack.messages
        for name in ("team", "channel"):
            if name in wanted:
                rows = [row for row in rows if row[name] == wanted[name]]
        return {"count": len(rows), "messages": rows}

    async def _slack_views(self, request: Request) -> Row:
        return {"views": self._world.slack.views}

    async def _events(self, request: Request) -> Response:
        feed = self._world.feed
        asked = request.headers.get("last-event-id") or request.query_params.get("since", "")
        last_id = int(asked) if asked.isdigit() else feed.last_id
        if request.query_params.get("format") == "json":
            events = feed.since(last_id if asked.isdigit() else 0)
            return Json({"last_id": feed.last_id, "events": events})
        headers = {"Cache-Control": "no-store"}
        stream = feed.follow(last_id)
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


def route(path: str, work: Work, method: str) -> Route:
    """A route whose work gives JSON (or an answer), plain words where the request was wrong."""

    async def serve(request: Request) -> Response:
        try:
            result = await work(request)
        except BadRequest as problem:
            return Json({"error": str(problem)}, 400)
        except LookupError as problem:
            return Json({"error": str(problem).strip("'")}, 404)
        except ValueError as problem:
            return Json({"error": str(problem)}, 400)
        return result if isinstance(result, Response) else Json(result)

    return Route(path, serve, methods=[method])


async def body_of(request: Request) -> Row:
    """The request's JSON object.

    Raises:
        BadRequest: it is none.
    """
    try:
        body: Any = json.loads(await request.body() or b"{}")
    except ValueError as problem:
        raise BadRequest(f"the body is not JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body
