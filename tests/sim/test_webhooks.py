import base64
import json
from typing import Any

import pytest

DELIVERED = "webhook.delivered"


async def register(outside: Any, receiver: Any, **more: Any) -> dict[str, Any]:
    """A hook for the receiver; its test ping has arrived and is forgotten."""
    hook = {"isEnabled": 1, "url": receiver.url, "login": "desk", "password": "s3cret"} | more
    _, made = await outside.call("POST", "/webhooks/unifiedWebhooks", hook)
    await outside.until(DELIVERED)
    receiver.bodies.clear()
    receiver.authorizations.clear()
    result = made["result"]
    assert isinstance(result, dict)
    return result


async def say(outside: Any, thread: int, body: str, path: str = "guest-message") -> None:
    await outside.sim("POST", f"/hostaway/{path}", {"conversationId": thread, "body": body})


async def book(outside: Any, **wanted: Any) -> dict[str, Any]:
    body = {"account": 70001, "webhook": False} | wanted
    booked = await outside.sim("POST", "/hostaway/reservations", body)
    assert isinstance(booked, dict)
    return booked


def texts(receiver: Any) -> list[str]:
    return [json.loads(body)["data"]["body"] for body in receiver.bodies]


async def test_a_new_hook_is_pinged_with_the_test_body(outside: Any, receiver: Any) -> None:
    await outside.call("POST", "/webhooks/unifiedWebhooks", {"url": receiver.url})
    await outside.until(DELIVERED)
    assert receiver.bodies == [b'{"data": "test"}']
    assert receiver.authorizations == [None]


async def test_a_guest_message_arrives_in_the_envelope_with_basic_auth(
    outside: Any, receiver: Any
) -> None:
    await register(outside, receiver)
    booked = await book(outside)
    await say(outside, booked["conversation"]["id"], "Hi, مرحبا, cześć")
    await outside.until(DELIVERED, 2)
    (body,) = receiver.bodies
    event = json.loads(body)
    assert list(event) == ["object", "event", "accountId", "data"]
    assert (event["object"], event["event"]) == ("conversationMessage", "message.received")
    assert event["accountId"] == 70001
    data = event["data"]
    assert data["reservationId"] == booked["reservation"]["id"]
    assert (data["body"], data["isIncoming"], data["status"]) == ("Hi, مرحبا, cześć", 1, "sent")
    assert {"id", "conversationId", "communicationType", "date", "attachments"} <= data.keys()
    assert receiver.authorizations == ["Basic " + base64.b64encode(b"desk:s3cret").decode()]


async def test_a_burst_arrives_in_order(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    thread = (await book(outside))["conversation"]["id"]
    wanted = [f"message {number}" for number in range(8)]
    for body in wanted:
        await say(outside, thread, body)
    await outside.until(DELIVERED, 9)
    assert texts(receiver) == wanted


async def test_bookings_and_changes_fire_reservation_events(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    row = (await book(outside, webhook=True))["reservation"]
    await outside.call("PUT", f"/reservations/{row['id']}", {"doorCode": "9921"})
    await outside.call("PUT", f"/reservations/{row['id']}/statuses/cancelled", {})
    await outside.until(DELIVERED, 4)
    events = [json.loads(body) for body in receiver.bodies]
    assert [e["event"] for e in events] == [
        "reservation.created",
        "reservation.updated",
        "reservation.updated",
    ]
    assert events[1]["data"]["doorCode"] == "9921"
    assert events[2]["data"]["status"] == "cancelled"
    assert {e["object"] for e in events} == {"reservation"}


async def test_a_note_of_the_company_fires_nothing(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    booked = await book(outside)
    await outside.call("PUT", f"/reservations/{booked['reservation']['id']}", {"hostNote": "x"})
    await say(outside, booked["conversation"]["id"], "after it")
    await outside.until(DELIVERED, 2)
    assert texts(receiver) == ["after it"]


async def test_outgoing_messages_fire_only_by_the_knob(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    thread = (await book(outside))["conversation"]["id"]
    await say(outside, thread, "quiet", "human-reply")
    await outside.sim("POST", "/settings", {"webhook_outgoing": True})
    await say(outside, thread, "heard", "human-reply")
    await outside.until(DELIVERED, 2)
    assert texts(receiver) == ["heard"]


async def test_a_message_may_come_without_its_webhook(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    thread = (await book(outside))["conversation"]["id"]
    silent = {"conversationId": thread, "body": "unheard", "webhook": False}
    await outside.sim("POST", "/hostaway/guest-message", silent)
    await say(outside, thread, "heard")
    await outside.until(DELIVERED, 2)
    assert texts(receiver) == ["heard"]


@pytest.mark.parametrize("status", [500, 429])
async def test_5xx_and_429_are_tried_again_until_taken(
    outside: Any, receiver: Any, status: int
) -> None:
    await register(outside, receiver)
    await outside.sim("POST", "/settings", {"webhook_time_factor": 0.0001})
    receiver.statuses = [status, status]
    await say(outside, (await book(outside))["conversation"]["id"], "again")
    await outside.until(DELIVERED, 4)
    assert texts(receiver) == ["again"] * 3
    assert len(set(receiver.bodies)) == 1


async def test_after_three_retries_it_is_given_up_with_an_alert(
    outside: Any, receiver: Any
) -> None:
    hook = await register(outside, receiver)
    await outside.sim("POST", "/settings", {"webhook_time_factor": 0.0001})
    receiver.statuses = [500] * 9
    await say(outside, (await book(outside))["conversation"]["id"], "lost")
    await outside.until("webhook.given_up")
    assert len(receiver.bodies) == 4
    state = await outside.sim("GET", "/hostaway/state?account=70001")
    (alert,) = state["accounts"]["70001"]["alerts"]
    assert (alert["hook"], alert["event"]) == (hook["id"], "message.received")


async def test_a_4xx_is_final(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    await outside.sim("POST", "/settings", {"webhook_time_factor": 0.0})
    receiver.statuses = [401]
    thread = (await book(outside))["conversation"]["id"]
    await say(outside, thread, "refused")
    await say(outside, thread, "next")
    await outside.until(DELIVERED, 3)
    assert texts(receiver) == ["refused", "next"]
    _, logs = await outside.call("GET", "/unifiedWebhookLogs", limit=2)
    assert [row["responseStatus"] for row in logs["result"]] == [200, 401]
    assert logs["result"][0]["password"] == "****"


async def test_nobody_listening_is_tried_again(outside: Any, receiver: Any) -> None:
    await register(outside, receiver, url="http://127.0.0.1:9/hook")
    await outside.sim("POST", "/settings", {"webhook_time_factor": 0.0001})
    await say(outside, (await book(outside))["conversation"]["id"], "anybody?")
    await outside.until("webhook.given_up")
    tries = [e for e in outside.world.feed.since(0) if e["type"] == DELIVERED and e["object_id"]]
    assert [(e["attempt"], e["status"]) for e in tries] == [(n, None) for n in range(4)]


async def test_duplicates_are_the_same_byte_by_byte(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    knobs = {"webhook_duplicate": 1, "webhook_duplicate_copies": 2, "webhook_duplicate_gap_s": 0}
    await outside.sim("POST", "/settings", knobs)
    await say(outside, (await book(outside))["conversation"]["id"], "thrice")
    await outside.until(DELIVERED, 4)
    assert texts(receiver) == ["thrice"] * 3
    assert len(set(receiver.bodies)) == 1


async def test_a_held_back_event_is_overtaken(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    thread = (await book(outside))["conversation"]["id"]
    await outside.sim("POST", "/settings", {"webhook_reorder": 1.0, "webhook_reorder_s": 0.3})
    await say(outside, thread, "first")
    await outside.sim("POST", "/settings", {"webhook_reorder": 0.0})
    await say(outside, thread, "second")
    await outside.until(DELIVERED, 3)
    assert texts(receiver) == ["second", "first"]


async def test_a_lost_event_never_arrives(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    thread = (await book(outside))["conversation"]["id"]
    await outside.sim("POST", "/settings", {"webhook_loss": 1.0})
    await say(outside, thread, "lost")
    await outside.sim("POST", "/settings", {"webhook_loss": 0.0})
    await say(outside, thread, "found")
    await outside.until(DELIVERED, 2)
    assert texts(receiver) == ["found"]
    assert len(await outside.until("webhook.lost")) == 1


async def test_a_change_may_arrive_as_two_events(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    await outside.sim("POST", "/settings", {"webhook_double_updated": 1.0})
    row = (await book(outside))["reservation"]
    await outside.sim("PATCH", f"/hostaway/reservations/{row['id']}", {"checkOutTime": 13})
    await outside.until(DELIVERED, 3)
    assert [json.loads(body)["event"] for body in receiver.bodies] == ["reservation.updated"] * 2


async def test_only_enabled_hooks_of_the_account_hear_it(outside: Any, receiver: Any) -> None:
    hook = await register(outside, receiver)
    path = f"/webhooks/unifiedWebhooks/{hook['id']}"
    other = await outside.sim("POST", "/hostaway/reservations", {"account": 70002})
    await say(outside, other["conversation"]["id"], "another account")
    await outside.call("PUT", path, {"isEnabled": 0})
    thread = (await book(outside))["conversation"]["id"]
    await say(outside, thread, "switched off")
    await outside.call("PUT", path, {"isEnabled": 1})
    await say(outside, thread, "switched on")
    await outside.until(DELIVERED, 2)
    assert texts(receiver) == ["switched on"]


async def test_hooks_can_be_listed_changed_and_dropped(outside: Any, receiver: Any) -> None:
    hook = await register(outside, receiver)
    path = f"/webhooks/unifiedWebhooks/{hook['id']}"
    _, listed = await outside.call("GET", "/webhooks/unifiedWebhooks")
    assert [(row["id"], row["password"]) for row in listed["result"]] == [(hook["id"], "****")]
    await outside.call("PUT", path, {"password": "****", "login": "other"})
    kept = outside.world.store.accounts[70001].webhooks[hook["id"]]
    assert (kept["login"], kept["password"]) == ("other", "s3cret")
    assert (await outside.call("PUT", path, {"url": "ftp://x"}))[0] == 400
    assert (await outside.call("GET", path, account=70002))[0] == 404
    await outside.call("DELETE", path)
    assert (await outside.call("GET", path))[0] == 404


async def test_a_url_with_a_port_is_refused_by_the_knob(outside: Any, receiver: Any) -> None:
    await outside.sim("POST", "/settings", {"webhook_refuse_port": True})
    status, _ = await outside.call("POST", "/webhooks/unifiedWebhooks", {"url": receiver.url})
    assert status == 400


async def test_ack_times_are_kept(outside: Any, receiver: Any) -> None:
    await register(outside, receiver)
    state = await outside.sim("GET", "/hostaway/state?account=70001")
    acks = state["accounts"]["70001"]["acks_ms"]
    assert acks["count"] == 1
    assert acks["most"] == acks["median"]


async def test_a_hook_that_failed_for_five_days_is_switched_off(
    outside: Any, receiver: Any
) -> None:
    hook = await register(outside, receiver)
    await outside.sim("POST", "/settings", {"webhook_time_factor": 0.0})
    receiver.statuses = [500] * 8
    thread = (await book(outside))["conversation"]["id"]
    await say(outside, thread, "first")
    await outside.until("webhook.given_up")
    assert outside.world.store.accounts[70001].webhooks[hook["id"]]["isEnabled"] == 1
    await outside.sim("POST", "/clock", {"advance_s": 5 * 86_400})
    await say(outside, thread, "second")
    await outside.until("webhook.given_up", 2)
    assert outside.world.store.accounts[70001].webhooks[hook["id"]]["isEnabled"] == 0
