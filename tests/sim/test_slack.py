from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Case*"}}]


def client_of(outside: Any, bearer: str = "xoxb-sim-70001") -> AsyncWebClient:
    """Slack's own client, pointed at the stand-in."""
    return AsyncWebClient(
        bearer, base_url=f"{outside.base}/slack/api/", session=outside.http, retry_handlers=[]
    )


async def messages(outside: Any) -> list[dict[str, Any]]:
    kept = await outside.sim("GET", "/slack/messages")
    assert kept["count"] == len(kept["messages"])
    return list(kept["messages"])


async def test_auth_test_names_the_workspace(outside: Any) -> None:
    answer = await client_of(outside).auth_test()
    assert (answer["ok"], answer["team_id"], answer["user"]) == (True, "T70001", "nightdesk")
    other = await client_of(outside, "xoxb-sim-70002").auth_test()
    assert other["team_id"] == "T70002"


async def test_a_posted_message_is_answered_and_kept(outside: Any) -> None:
    slack = client_of(outside)
    answer = await slack.chat_postMessage(channel="C1", text="A case", blocks=BLOCKS)
    reply = await slack.chat_postMessage(channel="C1", text="more", thread_ts=answer["ts"])
    assert (answer["channel"], answer["message"]["text"]) == ("C1", "A case")
    first, second = await messages(outside)
    assert (first["team"], first["message"]["blocks"]) == ("T70001", BLOCKS)
    assert second["message"]["thread_ts"] == answer["ts"]
    assert second["message"]["ts"] == reply["ts"] > answer["ts"]


async def test_a_message_can_be_updated_and_its_past_is_kept(outside: Any) -> None:
    slack = client_of(outside)
    posted = await slack.chat_postMessage(channel="C1", text="open")
    answer = await slack.chat_update(channel="C1", ts=posted["ts"], text="taken")
    assert (answer["ts"], answer["text"]) == (posted["ts"], "taken")
    (kept,) = await messages(outside)
    assert kept["message"]["text"] == "taken"
    assert [old["text"] for old in kept["updates"]] == ["open"]


async def test_a_form_is_understood_like_json(outside: Any) -> None:
    form = {"token": "xoxb-sim-70001", "channel": "C2", "text": "hi", "blocks": '[{"type": "x"}]'}
    async with outside.http.post(f"{outside.base}/slack/api/chat.postMessage", data=form) as answer:
        assert (await answer.json())["ok"] is True
    assert (await messages(outside))[0]["message"]["blocks"] == [{"type": "x"}]


async def test_views_and_conversations_open(outside: Any) -> None:
    slack = client_of(outside)
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Reply"}, "blocks": []}
    opened = await slack.views_open(trigger_id="1.2", view=view)
    assert opened["view"]["id"].startswith("V")
    assert (await slack.conversations_open(users="U5"))["channel"]["id"] == "DU5"
    kept = await outside.sim("GET", "/slack/views")
    assert [row["title"]["text"] for row in kept["views"]] == ["Reply"]


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "C1"}, "no_text"),
        ("chat.postMessage", {"text": "x"}, "channel_not_found"),
        ("chat.update", {"channel": "C1", "ts": "1.0", "text": "x"}, "message_not_found"),
        ("views.open", {"view": {}}, "invalid_trigger_id"),
        ("chat.delete", {}, "unknown_method"),
    ],
)
async def test_what_cannot_be_done_is_said_in_slacks_words(
    outside: Any, method: str, arguments: dict[str, Any], error: str
) -> None:
    with pytest.raises(SlackApiError) as raised:
        await client_of(outside).api_call(method, json=arguments)
    assert raised.value.response["error"] == error
    assert await messages(outside) == []


async def test_an_unknown_token_is_invalid_auth(outside: Any) -> None:
    with pytest.raises(SlackApiError) as raised:
        await client_of(outside, "xoxb-nobody").chat_postMessage(channel="C1", text="x")
    assert raised.value.response["error"] == "invalid_auth"
    assert await messages(outside) == []


async def test_being_rate_limited_comes_with_retry_after(outside: Any) -> None:
    fault = {"target": "slack.chat.postMessage", "kind": "429", "retry_after": "2", "count": 1}
    await outside.sim("POST", "/faults", fault)
    slack = client_of(outside)
    assert (await slack.auth_test())["ok"]
    with pytest.raises(SlackApiError) as raised:
        await slack.chat_postMessage(channel="C1", text="x")
    assert raised.value.response.status_code == 429
    assert raised.value.response.headers["Retry-After"] == "2"
    assert (await slack.chat_postMessage(channel="C1", text="x"))["ok"]
    assert len(await messages(outside)) == 1


async def test_posts_are_told_on_the_feed(outside: Any) -> None:
    await client_of(outside).chat_postMessage(channel="C1", text="look")
    (event,) = await outside.until("slack.post")
    assert (event["channel"], event["text"], event["team"]) == ("C1", "look", "T70001")
