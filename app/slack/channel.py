"""A tenant's Slack channel: where something is posted, or why not."""

import logging

from app.slack.blocks import Post
from app.slack.client import Posted, SlackClient
from app.telemetry import Telemetry
from app.tenants import SlackWorkspace, Tenant, Tenants

logger = logging.getLogger(__name__)


class Channels:
    """Posts into tenants' channels; a tenant without a workspace is passed over."""

    def __init__(self, *, client: SlackClient, tenants: Tenants, telemetry: Telemetry) -> None:
        self._client = client
        self._tenants = tenants
        self._telemetry = telemetry

    async def workspace(self, tenant_id: str) -> SlackWorkspace | None:
        """Where a tenant's alerts go, if anywhere."""
        return await self._tenants.workspace(tenant_id)

    async def post(
        self,
        tenant: Tenant,
        post: Post,
        *,
        channel: str | None = None,
        thread_ts: str | None = None,
        is_loud: bool = False,
    ) -> Posted | None:
        """Post something; none where the tenant has no workspace.

        Raises:
            SlackError: Slack refused, or is away.
        """
        workspace = await self.workspace(tenant.id)
        if workspace is None:
            logger.info("tenant has no slack workspace", extra={"tenant": tenant.id})
            return None
        with self._telemetry.span("slack post", tenant=tenant.id):
            return await self._client.post(
                workspace,
                tenant.settings.slack,
                post,
                channel=channel,
                thread_ts=thread_ts,
                is_broadcast=is_loud,
            )

    async def update(self, tenant: Tenant, post: Post, *, channel: str, ts: str) -> None:
        """Put something in a message's place.

        Raises:
            SlackError: Slack refused, or is away.
        """
        workspace = await self.workspace(tenant.id)
        if workspace is None:
            return
        with self._telemetry.span("slack update", tenant=tenant.id):
            await self._client.update(
                workspace, tenant.settings.slack, post, channel=channel, ts=ts
            )
