from typing import Any

import pytest

from app.settings import SlackSettings
from app.slack.blocks import Post
from app.slack.client import Posted, SlackClient, SlackError
from app.tenants import SlackWorkspace
from tests.slack.conftest import LoopbackSlack

WORKSPACE = SlackWorkspace(team_id="T1", tenant_id="acme", bot_token="xoxb-1")
POST = Post(text="hello", blocks=({"type": "divider"},))


def settings_of(slack: LoopbackSlack, **more: Any) -> SlackSettings:
    return SlackSettings(base_url=slack.base_url, **more)


async def test_a_post_goes_to_the_tenants_channel_and_tells_where_it_stands(
    slack: LoopbackSlack,
) -> None:
    posted = await SlackClient().post(WORKSPACE, settings_of(slack, channel="#night"), POST)
    assert posted == Posted(channel="C42", ts="1776000000.000001")
    (body,) = slack.posts()
    assert (body["channel"], body["text"]) == ("#night", "hello")
    assert body["blocks"] == [{"type": "divider"}]
    assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)


async def test_each_workspace_is_spoken_to_with_its_own_token(slack: LoopbackSlack) -> None:
    client, settings = SlackClient(), settings_of(slack)
    other = SlackWorkspace(team_id="T2", tenant_id="beta", bot_token="xoxb-2")
    for workspace in (WORKSPACE, other, WORKSPACE):
        await client.post(workspace, settings, POST)
    assert slack.tokens == ["xoxb-1", "xoxb-2", "xoxb-1"]


async def test_only_a_broadcast_leaves_its_thread(slack: LoopbackSlack) -> None:
    client, settings = SlackClient(), settings_of(slack)
    await client.post(WORKSPACE, settings, POST, channel="C1", thread_ts="1.2")
    await client.post(
        WORKSPACE, settings, POST, channel="C1", thread_ts="1.2", is_broadcast=True
    )  # fmt: skip
    quiet, loud = slack.posts()
    assert quiet["thread_ts"] == loud["thread_ts"] == "1.2"
    assert "reply_broadcast" not in quiet
    assert loud["reply_broadcast"] is True


async def test_a_message_is_changed_in_its_place(slack: LoopbackSlack) -> None:
    await SlackClient().update(WORKSPACE, settings_of(slack), POST, channel="C1", ts="1.2")
    (body,) = slack.updates()
    assert (body["channel"], body["ts"], body["text"]) == ("C1", "1.2", "hello")


async def test_a_rate_limit_is_waited_out_once(slack: LoopbackSlack) -> None:
    limited = (429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "0"})
    slack.troubles = [limited]
    await SlackClient().post(WORKSPACE, settings_of(slack), POST)
    assert len(slack.posts()) == 1
    slack.troubles = [limited, limited]
    with pytest.raises(SlackError, match="ratelimited") as raised:
        await SlackClient().post(WORKSPACE, settings_of(slack), POST)
    assert raised.value.retryable
    assert slack.troubles == []


async def test_a_long_rate_limit_is_left_to_the_caller(slack: LoopbackSlack) -> None:
    slack.troubles = [(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "3600"})]
    with pytest.raises(SlackError) as raised:
        await SlackClient().post(WORKSPACE, settings_of(slack), POST)
    assert raised.value.retryable
    assert slack.posts() == []


@pytest.mark.parametrize(
    ("trouble", "is_retryable", "said"),
    [
        ((200, {"ok": False, "error": "invalid_auth"}, {}), False, "invalid_auth"),
        ((200, {"ok": False, "error": "internal_error"}, {}), True, "internal_error"),
        ((503, "<html>upstream error</html>", {}), True, "status 503"),
        ((404, "<html>nothing</html>", {}), False, "status 404"),
    ],
)
async def test_a_refusal_says_why_and_whether_to_try_again(
    slack: LoopbackSlack, trouble: Any, is_retryable: bool, said: str
) -> None:
    slack.troubles = [trouble]
    with pytest.raises(SlackError, match=said) as raised:
        await SlackClient().post(WORKSPACE, settings_of(slack), POST)
    assert raised.value.retryable is is_retryable
    assert raised.value.outside == "slack"


async def test_nobody_listening_is_an_outage_and_not_a_strangers_error() -> None:
    settings = SlackSettings(base_url="http://127.0.0.1:9/api/")
    with pytest.raises(SlackError, match="Slack is away") as raised:
        await SlackClient().post(WORKSPACE, settings, POST)
    assert raised.value.retryable


async def test_silence_ends_after_the_tenants_timeout(slack: LoopbackSlack) -> None:
    slack.gate.clear()
    with pytest.raises(SlackError, match="did not answer in time") as raised:
        await SlackClient().post(WORKSPACE, settings_of(slack, timeout_s=1.0), POST)
    assert raised.value.retryable


@pytest.mark.parametrize(
    "answer",
    [
        "", "<html>hello</html>", [], [1], "text", None, 5, {}, {"ok": "yes"}, {"ok": True},
        {"ok": True, "channel": None, "ts": None}, {"ok": True, "channel": "C1", "ts": 5},
        {"ok": True, "channel": {}, "ts": "1.2"}, {"ok": False}, {"ok": False, "error": [1]},
    ],
    ids=repr,
)  # fmt: skip
async def test_an_answer_that_is_nonsense_is_our_error(slack: LoopbackSlack, answer: Any) -> None:
    slack.troubles = [(200, answer, {})]
    with pytest.raises(SlackError):
        await SlackClient().post(WORKSPACE, settings_of(slack), POST)


@pytest.mark.parametrize("body", ["{", "[" * 50_000, "\x00", '{"ok": true'])
async def test_an_answer_that_is_no_json_is_our_error(slack: LoopbackSlack, body: str) -> None:
    slack.troubles = [(200, body, {"Content-Type": "application/json"})]
    with pytest.raises(SlackError):
        await SlackClient().post(WORKSPACE, settings_of(slack), POST)
