"""Posting and changing messages in Slack, its errors as ours.

The package behind it is loaded in a thread at the first post: importing it takes its time.
"""

import asyncio
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from app.errors import OutsideError
from app.settings import SlackSettings
from app.slack.blocks import Post
from app.tenants import SlackWorkspace

WEB_MODULE = "app.slack.web"


class SlackError(OutsideError):
    """Slack refused, or could not be reached."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message, outside="slack", retryable=retryable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Where a message stands."""

    channel: str
    """The channel's id, also where it was named by `#name`."""
    ts: str


class SlackClient:
    """Slack's Web API for every workspace of the process."""

    def __init__(self) -> None:
        self._web: Any = None

    async def warm(self) -> None:
        """Load the package now, without holding anybody up."""
        if self._web is None:
            module = await asyncio.to_thread(import_module, WEB_MODULE)
            self._web = self._web or module.WebSlack()

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
        await self.warm()
        posted: Posted = await self._web.post(
            workspace,
            settings,
            post,
            channel=channel,
            thread_ts=thread_ts,
            is_broadcast=is_broadcast,
        )
        return posted

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
        await self.warm()
        await self._web.update(workspace, settings, post, channel=channel, ts=ts)
