"""The rest of the stand-in's Hostaway API: webhooks, their logs and tasks."""

from collections.abc import Iterable
from itertools import count
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.sim.answers import fail, success
from app.sim.clock import SimClock
from app.sim.hostaway_gate import Call, Gate, Refused
from app.sim.knobs import Knobs
from app.sim.paging import page_of
from app.sim.rows import Row, utc_text
from app.sim.webhooks import WebhookSender

_HOOK_FIELDS = ("isEnabled", "url", "login", "password", "alertingEmailAddress")


class HostawayDesk:
    """Endpoints of unified webhooks, webhook logs and tasks."""

    def __init__(self, gate: Gate, webhooks: WebhookSender, knobs: Knobs, clock: SimClock) -> None:
        self._gate = gate
        self._webhooks = webhooks
        self._knobs = knobs
        self._clock = clock
        self._ids = count(3001)

    def routes(self) -> list[BaseRoute]:
        """All of them, relative to the base path."""
        hooks, tasks = "/webhooks/unifiedWebhooks", "/tasks"
        table = (
            (hooks, "webhooks", self._hooks, "GET"),
            (hooks, "webhook_write", self._add_hook, "POST"),
            (hooks + "/{id:int}", "webhooks", self._hook, "GET"),
            (hooks + "/{id:int}", "webhook_write", self._change_hook, "PUT"),
            (hooks + "/{id:int}", "webhook_write", self._drop_hook, "DELETE"),
            ("/unifiedWebhookLogs", "webhook_logs", self._logs, "GET"),
            (tasks, "tasks", self._tasks, "GET"),
            (tasks, "task_write", self._add_task, "POST"),
            (tasks + "/{id:int}", "tasks", self._task, "GET"),
            (tasks + "/{id:int}", "task_write", self._change_task, "PUT"),
            (tasks + "/{id:int}", "task_write", self._drop_task, "DELETE"),
        )
        return [
            Route(path, self._gate.endpoint(name, handler), methods=[method])
            for path, name, handler, method in table
        ]

    async def _hooks(self, call: Call) -> Response:
        return page_of(call, [_masked(row) for row in call.account.webhooks.values()])

    async def _hook(self, call: Call) -> Response:
        return success(_masked(_one_of(call, call.account.webhooks)))

    async def _add_hook(self, call: Call) -> Response:
        self._check_url(call.body.get("url"))
        row: Row = {
            "id": next(self._ids),
            "accountId": call.account.id,
            **dict.fromkeys(_HOOK_FIELDS),
            "isEnabled": 1,
            **_picked(call.body, _HOOK_FIELDS),
        }
        call.account.webhooks[row["id"]] = row
        self._webhooks.ping(call.account, row)
        return success(_masked(row))

    async def _change_hook(self, call: Call) -> Response:
        row = _one_of(call, call.account.webhooks)
        wanted = _picked(call.body, _HOOK_FIELDS)
        if "url" in wanted:
            self._check_url(wanted["url"])
        if wanted.get("password") == "****":
            del wanted["password"]
        row |= wanted
        return success(_masked(row))

    async def _drop_hook(self, call: Call) -> Response:
        del call.account.webhooks[_one_of(call, call.account.webhooks)["id"]]
        return success([])

    async def _logs(self, call: Call) -> Response:
        hook_id = call.number("unifiedWebhookId")
        rows = [
            row
            for row in reversed(call.account.webhook_logs)
            if hook_id in (0, row["webhookNotificationSettingId"])
        ]
        return page_of(call, rows)

    async def _tasks(self, call: Call) -> Response:
        return page_of(call, list(call.account.tasks.values()))

    async def _task(self, call: Call) -> Response:
        return success(_one_of(call, call.account.tasks))

    async def _add_task(self, call: Call) -> Response:
        if not call.body.get("title"):
            return fail(400, "title is required")
        now = utc_text(self._clock.now())
        row: Row = {
            "status": "pending",
            **call.body,
            "id": next(self._ids),
            "accountId": call.account.id,
            "insertedOn": now,
            "updatedOn": now,
        }
        call.account.tasks[row["id"]] = row
        return success(row)

    async def _change_task(self, call: Call) -> Response:
        row = _one_of(call, call.account.tasks)
        row |= call.body | {"id": row["id"], "updatedOn": utc_text(self._clock.now())}
        return success(row)

    async def _drop_task(self, call: Call) -> Response:
        del call.account.tasks[_one_of(call, call.account.tasks)["id"]]
        return success([])

    def _check_url(self, url: object) -> None:
        parts = urlsplit(url) if isinstance(url, str) else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused(400, "url must be a valid URL")
        if self._knobs.webhook_refuse_port and parts.port is not None:
            raise Refused(400, "url must not contain a port")


def _one_of(call: Call, rows: dict[int, Row]) -> Row:
    row = rows.get(call.path_id())
    if row is None:
        raise Refused(404, "Not found")
    return row


def _masked(row: Row) -> Row:
    return row | {"password": "****" if row["password"] else None}


def _picked(body: Row, names: Iterable[str]) -> Row:
    return {name: body[name] for name in names if name in body}
