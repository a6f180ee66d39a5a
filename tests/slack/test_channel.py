from app.slack.blocks import Post
from app.slack.channel import Channels
from app.slack.client import Posted
from app.tenants import Tenant
from tests.slack.conftest import LoopbackSlack

POST = Post(text="hello", blocks=())


async def test_a_tenants_post_goes_where_its_settings_say(
    channels: Channels, wired: Tenant, slack: LoopbackSlack
) -> None:
    posted = await channels.post(wired, POST, thread_ts="1.2", is_loud=True)
    assert posted == Posted(channel="C42", ts="1776000000.000001")
    (body,) = slack.posts()
    assert (body["channel"], body["thread_ts"]) == ("#nightdesk", "1.2")
    assert body["reply_broadcast"] is True


async def test_without_a_workspace_nothing_is_posted(
    channels: Channels, tenant: Tenant, slack: LoopbackSlack
) -> None:
    assert await channels.post(tenant, POST) is None
    await channels.update(tenant, POST, channel="C42", ts="1.2")
    assert slack.calls == []
