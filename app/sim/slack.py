"""The stand-in's Slack Web API, mounted at `/slack/api`; whatever is posted is kept.

Source: Slack's method reference for chat.postMessage, chat.update, auth.test, views.open and
conversations.open; arguments come as JSON or as a form, errors with status 200 and `ok: false`.
"""

import asyncio
import json
from collections.abc import Callable
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.sim.answers import Cut, Hang, Json
from app.sim.clock import SimClock
from app.sim.faults import BEFORE, FaultPlan
from app.sim.feed import Feed
from app.sim.knobs import Knobs
from app.sim.rows import Row

_JSON_ARGUMENTS = ("blocks", "attachments", "view", "metadata")
"""Arguments that are JSON texts when they come in a form."""


class _Error(Exception):
    """The method answers `ok: false` with this code."""


class SlackApi:
    """The methods the product calls, for every workspace that a token is known of."""

    def __init__(self, clock: SimClock, knobs: Knobs, faults: FaultPlan, feed: Feed) -> None:
        self._clock = clock
        self._knobs = knobs
        self._faults = faults
        self._feed = feed
        self._numbers = count(1)
        self.messages: list[Row] = []
        """Every message, as it stands after its updates, oldest first."""
        self.views: list[Row] = []
        self._methods: dict[str, Callable[[str, Row], Row]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "conversations.open": self._open_conversation,
            "views.open": self._open_view,
        }

    def routes(self) -> list[BaseRoute]:
        """The one route, relative to the base path."""
        return [Route("/{method}", self._serve, methods=["GET", "POST"])]

    async def _serve(self, request: Request) -> Response:
        method = request.path_params["method"]
        fault_answer = await self._fault(method)
        if fault_answer is not None:
            return fault_answer
        arguments = await _arguments(request)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip() if kind.lower() == "bearer" else str(arguments.pop("token", ""))
        try:
            if not token:
                raise _Error("not_authed")
            if token not in self._knobs.slack_tokens:
                raise _Error("invalid_auth")
            if method not in self._methods:
                raise _Error("unknown_method")
            answer = self._methods[method](self._knobs.slack_tokens[token], arguments)
        except _Error as error:
            return Json({"ok": False, "error": str(error)})
        return Json({"ok": True, **answer}, headers={"X-OAuth-Scopes": "chat:write,im:write"})

    async def _fault(self, method: str) -> Response | None:
        fault = self._faults.take(f"slack.{method}", BEFORE)
        if fault is None:
            return None
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
            return None
        if fault.kind == "reset":
            return Cut()
        if fault.kind == "hang":
            return Hang(fault.delay_s)
        if fault.kind == "429":
            headers = {"Retry-After": fault.retry_after or "1"}
            return Json({"ok": False, "error": "ratelimited"}, 429, headers=headers)
        if fault.kind in ("token_expiry", "forbidden", "fail_200"):
            return Json({"ok": False, "error": fault.text or "invalid_auth"})
        return Response("upstream error", status_code=fault.status, media_type="text/html")

    def _auth_test(self, team: str, arguments: Row) -> Row:
        return {
            "url": f"https://{team.lower()}.slack.example/",
            "team": f"Workspace {team}",
            "user": "nightdesk",
            "team_id": team,
            "user_id": f"UBOT{team}",
            "bot_id": f"BBOT{team}",
            "is_enterprise_install": False,
        }

    def _post_message(self, team: str, arguments: Row) -> Row:
        channel = str(arguments.get("channel") or "")
        if not channel:
            raise _Error("channel_not_found")
        if not (arguments.get("text") or arguments.get("blocks") or arguments.get("attachments")):
            raise _Error("no_text")
        ts = f"{int(self._clock.now().timestamp())}.{next(self._numbers):06d}"
        message: Row = {
            "type": "message",
            "subtype": "bot_message",
            "text": arguments.get("text", ""),
            "ts": ts,
            "username": "nightdesk",
            "user": f"UBOT{team}",
            "bot_id": f"BBOT{team}",
            "app_id": "ASIM",
            "team": team,
        }
        for name in ("blocks", "attachments", "thread_ts", "metadata"):
            if arguments.get(name):
                message[name] = arguments[name]
        at = self._clock.now().isoformat(timespec="milliseconds")
        kept: Row = {"team": team, "channel": channel, "at": at, "updates": [], "message": message}
        self.messages.append(kept)
        self._tell("slack.post", kept)
        return {"channel": channel, "ts": ts, "message": message}

    def _update(self, team: str, arguments: Row) -> Row:
        place = (team, arguments.get("channel"), arguments.get("ts"))
        for kept in self.messages:
            message = kept["message"]
            if (kept["team"], kept["channel"], message["ts"]) != place:
                continue
            kept["updates"].append(dict(message))
            for name in ("text", "blocks", "attachments"):
                if name in arguments:
                    message[name] = arguments[name]
            self._tell("slack.update", kept)
            return {
                "channel": kept["channel"],
                "ts": message["ts"],
                "text": message["text"],
                "message": message,
            }
        raise _Error("message_not_found")

    def _open_conversation(self, team: str, arguments: Row) -> Row:
        users = str(arguments.get("users") or "")
        if not users and not arguments.get("channel"):
            raise _Error("users_list_not_supplied")
        channel = arguments.get("channel") or "D" + users.replace(",", "")
        return {"no_op": True, "already_open": True, "channel": {"id": channel}}

    def _open_view(self, team: str, arguments: Row) -> Row:
        view = arguments.get("view")
        if not arguments.get("trigger_id"):
            raise _Error("invalid_trigger_id")
        if not isinstance(view, dict):
            raise _Error("invalid_arguments")
        number = next(self._numbers)
        opened = {**view, "id": f"V{number:08d}", "team_id": team, "app_id": "ASIM"}
        opened |= {"hash": f"{number}.sim", "state": {"values": {}}, "root_view_id": opened["id"]}
        self.views.append(opened)
        self._feed.publish("slack.view", team=team, view=opened["id"])
        return {"view": opened}

    def _tell(self, kind: str, kept: Row) -> None:
        message = kept["message"]
        self._feed.publish(
            kind,
            team=kept["team"],
            channel=kept["channel"],
            ts=message["ts"],
            thread_ts=message.get("thread_ts"),
            text=message["text"],
        )


async def _arguments(request: Request) -> Row:
    arguments: Row = dict(request.query_params)
    if request.headers.get("content-type", "").startswith("application/json"):
        given: Any = json.loads(await request.body() or b"{}")
        return arguments | (given if isinstance(given, dict) else {})
    form = await request.form()
    arguments |= {name: value for name, value in form.items() if isinstance(value, str)}
    for name in _JSON_ARGUMENTS:
        if isinstance(arguments.get(name), str):
            arguments[name] = json.loads(arguments[name])
    return arguments
