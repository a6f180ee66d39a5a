"""Slack's Web API by the `slack_sdk` package; loaded late, by `app.slack.client`.

Source: Slack's method reference for chat.postMessage and chat.update, and its page on rate limits
(status 429 with `Retry-After` in seconds).
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from app.settings import SlackSettings
from app.slack.blocks import Post
from app.slack.client import Posted, SlackError
from app.tenants import SlackWorkspace

LONGEST_RETRY_AFTER_S = 20
"""Seconds; told to wait longer, we give up and leave it to the job behind."""
PASSING_ERRORS = frozenset(
    {"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
"""Codes of Slack's that say nothing against the request itself."""
UNREADABLE = "an unreadable answer"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class WebSlack:
    """One client of Slack's package per workspace token."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str, float], AsyncWebClient] = {}

    async def post(
        self,
        workspace: SlackWorkspace,
        settings: SlackSettings,
        post: Post,
        *,
        channel: str | None = None,
        thread_ts: str | None = None,
        is_broadcast: bool = False,
    ) -> Posted:
        """Post a message, by default into the tenant's channel; in a thread where one is given.

        Raises:
            SlackError: it did not arrive, as far as we know.
        """
        more: dict[str, Any] = {"thread_ts": thread_ts} if thread_ts else {}
        if thread_ts and is_broadcast:
            more["reply_broadcast"] = True
        answer = await self._call(
            workspace,
            settings,
            "chat.postMessage",
            {
                "channel": channel or settings.channel,
                "text": post.text,
                "blocks": list(post.blocks),
                "unfurl_links": False,
                "unfurl_media": False,
                **more,
            },
        )
        place, ts = answer.get("channel"), answer.get("ts")
        if not (isinstance(place, str) and place and isinstance(ts, str) and ts):
            # It was taken: posting it again and again would be worse than not knowing where.
            raise SlackError("Slack took a message and did not say where it is", retryable=False)
        return Posted(channel=place, ts=ts)

    async def update(
        self,
        workspace: SlackWorkspace,
        settings: SlackSettings,
        post: Post,
        *,
        channel: str,
        ts: str,
    ) -> None:
        """Put something else in a message's place.

        Raises:
            SlackError: it could not be changed.
        """
        arguments = {
            "channel": channel, "ts": ts, "text": post.text, "blocks": list(post.blocks)
        }  # fmt: skip
        await self._call(workspace, settings, "chat.update", arguments)

    async def _call(
        self,
        workspace: SlackWorkspace,
        settings: SlackSettings,
        method: str,
        arguments: dict[str, Any],
    ) -> dict[str, Any]:
        try:
            answer = await self._client(workspace, settings).api_call(method, json=arguments)
        except SlackApiError as exc:
            raise _translated(method, exc) from exc
        except (AttributeError, LookupError, TypeError, ValueError) as exc:
            # The package takes for granted that an answer is an object.
            raise SlackError(f"Slack answered {method} with {UNREADABLE}", retryable=True) from exc
        if not isinstance(answer.data, dict):
            raise SlackError(f"Slack answered {method} with {UNREADABLE}", retryable=True)
        return answer.data

    def _client(self, workspace: SlackWorkspace, settings: SlackSettings) -> AsyncWebClient:
        key = (workspace.bot_token, settings.base_url, settings.timeout_s)
        if key not in self._clients:
            client = AsyncWebClient(
                workspace.bot_token,
                base_url=settings.base_url,
                timeout=max(1, round(settings.timeout_s)),
                retry_handlers=[_Patience()],
            )
            host = urlsplit(settings.base_url).hostname or ""
            if host in LOOPBACK or proxy_bypass(host):
                client.proxy = None
            self._clients[key] = client
        return self._clients[key]


class _Patience(AsyncRetryHandler):
    """One retry after the pause that a 429 asks for; a broken connection becomes our error."""

    async def can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if error is not None and not isinstance(error, (SlackApiError, SlackError)):
            why = "did not answer in time" if isinstance(error, TimeoutError) else "is away"
            raise SlackError(f"Slack {why}", retryable=True) from error
        if response is None or response.status_code != 429:
            return False
        return state.current_attempt == 0 and _pause_s(response) <= LONGEST_RETRY_AFTER_S

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        await asyncio.sleep(_pause_s(response) if response else 1)
        state.next_attempt_requested = True
        state.increment_current_attempt()


def _pause_s(response: HttpResponse) -> int:
    """What `Retry-After` asks for; a second where it says nothing readable."""
    for name, values in response.headers.items():
        if name.lower() == "retry-after" and str(values[0]).isdigit():
            return int(values[0])
    return 1


def _translated(method: str, error: SlackApiError) -> SlackError:
    answer = error.response
    code, status = UNREADABLE, 0
    if isinstance(answer, AsyncSlackResponse):
        status = answer.status_code
        said = answer.data.get("error") if isinstance(answer.data, dict) else None
        code = str(said or f"status {status}")
    is_passing = status == 429 or status >= 500 or status == 0 or code in PASSING_ERRORS
    return SlackError(f"Slack refused {method}: {code}", retryable=is_passing)
