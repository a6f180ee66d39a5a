import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from app.sim.happenings import altered


async def book(outside: Any, **wanted: Any) -> dict[str, Any]:
    booked = await outside.sim("POST", "/hostaway/reservations", {"account": 70001} | wanted)
    assert isinstance(booked, dict)
    return booked


async def walk(outside: Any, limit: int) -> list[dict[str, Any]]:
    """All reservations by `afterId`."""
    rows: list[dict[str, Any]] = []
    after: dict[str, int] = {}
    token = await outside.token()
    while True:
        _, page = await outside.call("GET", "/reservations", token=token, limit=limit, **after)
        rows += page["result"]
        if len(page["result"]) < limit:
            return rows
        after = {"afterId": rows[-1]["id"]}


async def test_a_token_has_the_documented_shape_and_opens_the_api(outside: Any) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "70002",
        "client_secret": "sim-secret-70002",
    }
    url = f"{outside.base}/hostaway/v1/accessTokens"
    async with outside.http.post(url, data=form) as answer:
        body = await answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 63_072_000)
    assert body["access_token"].count(".") == 2
    status, listings = await outside.call("GET", "/listings", token=body["access_token"])
    assert status == 200
    assert {row["city"] for row in listings["result"]} == {"Dubai"}


async def test_a_wrong_secret_is_refused_with_401(outside: Any) -> None:
    form = {"grant_type": "client_credentials", "client_id": "70001", "client_secret": "no"}
    async with outside.http.post(f"{outside.base}/hostaway/v1/accessTokens", data=form) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"] == "invalid_client"


async def test_unknown_revoked_and_expired_tokens_are_refused_with_403(outside: Any) -> None:
    for_good, expiring = await outside.token(), await outside.token()
    assert (await outside.call("GET", "/listings", token="nobody"))[0] == 403
    url = f"{outside.base}/hostaway/v1/accessTokens"
    async with outside.http.delete(url, params={"token": for_good}) as answer:
        assert (await answer.json()) == {"status": "success", "result": []}
    assert (await outside.call("GET", "/listings", token=for_good))[0] == 403
    assert (await outside.call("GET", "/listings", token=expiring))[0] == 200
    await outside.sim("POST", "/clock", {"advance_s": 63_072_001})
    status, body = await outside.call("GET", "/listings", token=expiring)
    assert (status, body["status"]) == (403, "fail")
    assert "expired" in body["result"]


async def test_a_new_token_is_refused_for_as_long_as_the_knob_says(outside: Any) -> None:
    await outside.sim("POST", "/settings", {"token_delay_s": 1.0})
    token = await outside.token()
    assert (await outside.call("GET", "/listings", token=token))[0] == 403
    await outside.sim("POST", "/clock", {"advance_s": 1.5})
    assert (await outside.call("GET", "/listings", token=token))[0] == 200


async def test_lists_come_in_the_envelope_and_ignore_page(outside: Any) -> None:
    _, first = await outside.call("GET", "/listings", limit=10, page=1)
    _, second = await outside.call("GET", "/listings", limit=10, page=2)
    _, moved = await outside.call("GET", "/listings", limit=10, offset=10)
    assert first == second
    assert first["result"][0]["id"] != moved["result"][0]["id"]
    assert {k: first[k] for k in ("status", "limit", "offset", "count", "page", "totalPages")} == {
        "status": "success",
        "limit": 10,
        "offset": 0,
        "count": 30,
        "page": 1,
        "totalPages": 3,
    }


async def test_walking_by_after_id_gives_every_reservation_once_newest_change_first(
    outside: Any,
) -> None:
    rows = await walk(outside, 7)
    assert len(rows) == len({row["id"] for row in rows}) == 60
    assert rows == sorted(rows, key=lambda row: (row["updatedOn"], row["id"]), reverse=True)
    _, mixed = await outside.call("GET", "/reservations", afterId=rows[9]["id"], offset=3, limit=1)
    assert mixed["result"][0]["id"] == rows[10]["id"]


async def test_lists_leave_resources_out_unless_asked_for(outside: Any) -> None:
    field = outside.world.store.accounts[70001].custom_fields[4]["id"]
    booked = await book(outside, customFieldValues=[{"customFieldId": field, "value": "77"}])
    wanted = booked["reservation"]["id"]
    for asked, expected in ((0, []), (1, [{"customFieldId": field, "value": "77"}])):
        _, page = await outside.call("GET", "/reservations", includeResources=asked)
        (row,) = [row for row in page["result"] if row["id"] == wanted]
        assert row["customFieldValues"] == expected
    _, single = await outside.call("GET", f"/reservations/{wanted}")
    assert single["result"]["customFieldValues"][0]["value"] == "77"


async def test_hidden_custom_fields_of_a_listing_need_include_resources(outside: Any) -> None:
    account = outside.world.store.accounts[70001]
    public = {row["id"] for row in account.custom_fields if row["isPublic"]}
    hidden = next(
        row["id"]
        for row in account.listings.values()
        if any(v["customFieldId"] not in public for v in row["customFieldValues"])
    )
    _, bare = await outside.call("GET", f"/listings/{hidden}")
    _, whole = await outside.call("GET", f"/listings/{hidden}", includeResources=1)
    assert {v["customFieldId"] for v in bare["result"]["customFieldValues"]} <= public
    assert not {v["customFieldId"] for v in whole["result"]["customFieldValues"]} <= public


async def test_reservations_filter_by_listing_and_dates(outside: Any) -> None:
    booked = await book(outside, arrivalInDays=88, nights=4)
    row = booked["reservation"]
    query = {"listingId": row["listingMapId"], "arrivalStartDate": row["arrivalDate"]}
    _, page = await outside.call("GET", "/reservations", **query)
    assert row["id"] in {found["id"] for found in page["result"]}
    assert {found["listingMapId"] for found in page["result"]} == {row["listingMapId"]}
    assert all(found["arrivalDate"] >= row["arrivalDate"] for found in page["result"])


async def test_the_sixteenth_request_of_an_ip_gets_429_without_a_header(outside: Any) -> None:
    token = await outside.token()
    await outside.sim("POST", "/settings", {"rate_ip": 15})
    used = [(await outside.call("GET", "/amenities", token=token))[0] for _ in range(15)]
    url = f"{outside.base}/hostaway/v1/amenities"
    async with outside.http.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
        body = await answer.json()
        assert "Retry-After" not in answer.headers
    # The token itself was asked for while there was no limit; it still counts in the window.
    assert used == [200] * 14 + [429]
    assert (answer.status, body["status"], set(body)) == (429, "fail", {"status", "message"})
    state = await outside.sim("GET", "/hostaway/state?account=70001")
    assert state["accounts"]["70001"]["throttled"] == 2


async def test_the_account_limit_counts_each_account_by_itself(outside: Any) -> None:
    tokens = [await outside.token(account) for account in (70001, 70002)]
    await outside.sim("POST", "/settings", {"rate_account": 3, "retry_after": "3"})
    first = [(await outside.call("GET", "/amenities", token=tokens[0]))[0] for _ in range(4)]
    assert first == [200, 200, 200, 429]
    assert (await outside.call("GET", "/amenities", token=tokens[1]))[0] == 200


async def test_conversations_come_newest_first_and_bring_resources_when_asked(outside: Any) -> None:
    booked = await book(outside)
    conversation = booked["conversation"]["id"]
    said = {"conversationId": conversation, "body": "hello there"}
    await outside.sim("POST", "/hostaway/guest-message", said)
    _, bare = await outside.call("GET", "/conversations", limit=1)
    _, whole = await outside.call("GET", "/conversations", limit=1, includeResources=1)
    assert bare["result"][0]["id"] == whole["result"][0]["id"] == conversation
    assert bare["result"][0]["conversationMessages"] == []
    assert "Reservation" not in bare["result"][0]
    assert whole["result"][0]["conversationMessages"][0]["body"] == "hello there"
    assert whole["result"][0]["Reservation"]["id"] == booked["reservation"]["id"]
    assert bare["result"][0]["hasUnreadMessages"] == 1


async def test_a_message_is_sent_as_email_unless_said_otherwise(outside: Any) -> None:
    thread = (await book(outside, channelId=2018))["conversation"]["id"]
    path = f"/conversations/{thread}/messages"
    _, plain = await outside.call("POST", path, {"body": "one"})
    body = {"body": "two", "communicationType": "channel"}
    _, channel = await outside.call("POST", path, body)
    assert plain["result"]["communicationType"] == "email"
    assert channel["result"]["communicationType"] == "channel"
    _, listed = await outside.call("GET", path)
    assert [row["body"] for row in listed["result"]] == ["two", "one"]
    sent = await outside.sim("GET", "/hostaway/sent")
    assert [row["body"] for row in sent["messages"]] == ["one", "two"]


async def test_an_empty_message_and_an_unknown_thread_are_refused(outside: Any) -> None:
    thread = (await book(outside))["conversation"]["id"]
    path = f"/conversations/{thread}/messages"
    assert (await outside.call("POST", path, {"body": " "}))[0] == 400
    assert (await outside.call("POST", "/conversations/1/messages", {"body": "x"}))[0] == 404
    assert (await outside.sim("GET", "/hostaway/sent"))["count"] == 0


async def test_an_awaiting_message_is_listed_once_it_is_sent(outside: Any) -> None:
    thread = (await book(outside))["conversation"]["id"]
    path = f"/conversations/{thread}/messages"
    fault = {"target": "hostaway.send", "kind": "message_awaiting", "delay_s": 20, "count": 1}
    await outside.sim("POST", "/faults", fault)
    _, posted = await outside.call("POST", path, {"body": "soon"})
    assert posted["result"]["status"] == "awaiting"
    assert (await outside.call("GET", path))[1]["result"] == []
    _, scheduled = await outside.call("GET", path, includeScheduledMessages=1)
    assert [row["status"] for row in scheduled["result"]] == ["awaiting"]
    await outside.sim("POST", "/clock", {"advance_s": 21})
    _, listed = await outside.call("GET", path)
    assert [row["status"] for row in listed["result"]] == ["sent"]


async def test_a_message_may_be_listed_later_than_it_was_sent(outside: Any) -> None:
    thread = (await book(outside))["conversation"]["id"]
    path = f"/conversations/{thread}/messages"
    fault = {"target": "hostaway.send", "kind": "listed_late", "delay_s": 20, "count": 1}
    await outside.sim("POST", "/faults", fault)
    _, posted = await outside.call("POST", path, {"body": "soon"})
    assert posted["result"]["status"] == "sent"
    assert (await outside.call("GET", path))[1]["result"] == []
    await outside.sim("POST", "/clock", {"advance_s": 21})
    _, listed = await outside.call("GET", path)
    assert [row["body"] for row in listed["result"]] == ["soon"]


async def test_the_record_tells_what_was_written_though_nobody_is_shown_it_yet(
    outside: Any,
) -> None:
    thread = (await book(outside))["conversation"]["id"]
    fault = {"target": "hostaway.send", "kind": "listed_late", "delay_s": 20, "count": 1}
    await outside.sim("POST", "/faults", fault)
    _, posted = await outside.call("POST", f"/conversations/{thread}/messages", {"body": "soon"})
    sent = posted["result"]["id"]
    rows = (await outside.sim("GET", f"/hostaway/record?since={sent - 1}"))["messages"]
    assert (rows[0]["id"], rows[0]["body"], rows[0]["origin"]) == (sent, "soon", "api")
    assert rows[0]["asked_at"] <= rows[0]["at"]
    later = (await outside.sim("GET", f"/hostaway/record?since={sent}"))["messages"]
    assert sent not in [row["id"] for row in later]


async def test_what_is_beyond_a_limit_meets_no_fault(outside: Any) -> None:
    token = await outside.token()
    await outside.sim("POST", "/settings", {"rate_account": 1})
    await outside.call("GET", "/amenities", token=token)
    await outside.sim("POST", "/faults", {"target": "hostaway", "kind": "5xx", "count": 1})
    assert (await outside.call("GET", "/amenities", token=token))[0] == 429
    await outside.sim("POST", "/settings", {"rate_account": 0})
    assert (await outside.call("GET", "/amenities", token=token))[0] == 503


async def test_a_slow_request_is_acted_on_though_its_client_is_gone(outside: Any) -> None:
    thread = (await book(outside))["conversation"]["id"]
    path = f"/conversations/{thread}/messages"
    token = await outside.token()
    fault = {"target": "hostaway.send", "kind": "slow", "delay_s": 0.5, "count": 1}
    await outside.sim("POST", "/faults", fault)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(
            outside.call("POST", path, {"body": "did it arrive?"}, token=token), timeout=0.2
        )
    await outside.until("message")
    _, listed = await outside.call("GET", path, token=token)
    assert [row["body"] for row in listed["result"]] == ["did it arrive?"]


async def test_a_message_may_fail_and_may_be_altered_by_the_channel(outside: Any) -> None:
    thread = (await book(outside))["conversation"]["id"]
    path = f"/conversations/{thread}/messages"
    await outside.sim("POST", "/faults", {"target": "hostaway", "kind": "alter_text"})
    fault = {"target": "hostaway.send", "kind": "message_failed", "count": 1}
    await outside.sim("POST", "/faults", fault)
    _, failed = await outside.call("POST", path, {"body": "one"})
    _, changed = await outside.call("POST", path, {"body": "*Hello*  there\n\nfriend 🙂"})
    assert failed["result"]["status"] == "failed"
    assert changed["result"]["body"] == "Hello there friend"


def test_an_altered_text_keeps_its_words_and_letters() -> None:
    assert altered("Zażółć <b>gęślą</b>  jaźń\nكود #12") == "Zażółć bgęślą/b jaźń كود 12"


async def test_a_connection_cut_after_sending_leaves_the_message_in_the_thread(
    outside: Any,
) -> None:
    thread = (await book(outside))["conversation"]["id"]
    token = await outside.token()
    path = f"/conversations/{thread}/messages"
    fault = {"target": "hostaway.send", "kind": "accepted_then_cut", "count": 1}
    await outside.sim("POST", "/faults", fault)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await outside.call("POST", path, {"body": "did it arrive?"}, token=token)
    _, listed = await outside.call("GET", path, token=token)
    assert [row["body"] for row in listed["result"]] == ["did it arrive?"]


async def test_a_500_after_acting_has_acted(outside: Any) -> None:
    thread = (await book(outside))["conversation"]["id"]
    path = f"/conversations/{thread}/messages"
    await outside.sim("POST", "/faults", {"target": "hostaway.send", "kind": "500_after_acting"})
    status, body = await outside.call("POST", path, {"body": "x"})
    assert (status, body["status"]) == (500, "fail")
    assert (await outside.sim("GET", "/hostaway/sent"))["count"] == 1


async def read(outside: Any) -> tuple[int, str, str]:
    headers = {"Authorization": f"Bearer {await outside.token()}"}
    url = f"{outside.base}/hostaway/v1/amenities"
    async with outside.http.get(url, headers=headers) as answer:
        return answer.status, answer.content_type, await answer.text()


Check = Callable[[int, str, str], bool]


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ({"kind": "429"}, lambda status, kind, text: status == 429 and '"message"' in text),
        ({"kind": "5xx", "status": 502}, lambda status, kind, text: status == 502),
        ({"kind": "html_500"}, lambda status, kind, text: (status, kind) == (500, "text/html")),
        ({"kind": "fail_200"}, lambda status, kind, text: status == 200 and '"fail"' in text),
        ({"kind": "forbidden"}, lambda status, kind, text: status == 403 and "permission" in text),
        ({"kind": "truncated"}, lambda status, kind, text: status == 200 and text[-1] != "}"),
        ({"kind": "token_expiry"}, lambda status, kind, text: status == 403 and "expired" in text),
        ({"kind": "slow", "delay_s": 0.01}, lambda status, kind, text: status == 200),
    ],
)
async def test_faults_strike_where_they_are_set(
    outside: Any, fault: dict[str, Any], check: Check
) -> None:
    planned = {"target": "hostaway.amenities", "count": 1} | fault
    await outside.sim("POST", "/faults", planned)
    assert (await outside.call("GET", "/listings"))[0] == 200
    assert check(*await read(outside))
    assert (await read(outside))[0] == 200
    assert (await outside.sim("GET", "/faults"))["faults"][0]["struck"] == 1


@pytest.mark.parametrize("kind", ["reset", "hang"])
async def test_a_broken_line_gives_no_answer_and_spares_the_next_request(
    outside: Any, kind: str
) -> None:
    # For ever, since aiohttp itself tries a GET again whose reused connection broke.
    fault = {"target": "hostaway.amenities", "kind": kind, "delay_s": 0.05}
    await outside.sim("POST", "/faults", fault)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await read(outside)
    await outside.sim("DELETE", "/faults")
    assert (await read(outside))[0] == 200


async def test_a_client_that_gives_up_on_a_hanging_line_is_let_go(outside: Any) -> None:
    fault = {"target": "hostaway.amenities", "kind": "hang", "delay_s": 60, "count": 1}
    await outside.sim("POST", "/faults", fault)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await read(outside)
    assert (await read(outside))[0] == 200


async def test_faults_can_be_taken_away(outside: Any) -> None:
    await outside.sim("POST", "/faults", {"target": "hostaway", "kind": "5xx"})
    assert (await outside.sim("DELETE", "/faults"))["cleared"] == 1
    assert (await read(outside))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/faults", {"target": "hostaway", "kind": "meteor"}, "meteor"),
        ("/faults", {"kind": "5xx"}, "target"),
        ("/faults", {"target": "x", "kind": "5xx", "chance": 1}, "chance"),
        ("/settings", {"rate_limit": 3}, "rate_limit"),
        ("/settings", {"rate_ip": "3"}, "int"),
        ("/clock", {"now": "2026-05-01T10:00:00"}, "zone"),
        ("/hostaway/guest-message", {"body": "x"}, "reservationId"),
    ],
)
async def test_the_control_plane_says_what_was_wrong(
    outside: Any, path: str, body: dict[str, Any], word: str
) -> None:
    async with outside.http.post(f"{outside.base}/sim{path}", json=body) as answer:
        assert answer.status == 400
        assert word in (await answer.json())["error"]


async def test_putting_a_reservation_keeps_other_fields_and_marks_the_change(outside: Any) -> None:
    row = (await book(outside, checkOutTime=11))["reservation"]
    path = f"/reservations/{row['id']}"
    await outside.sim("POST", "/clock", {"advance_s": 60})
    status, put = await outside.call("PUT", path, {"checkOutTime": 13, "doorCode": "5511"})
    assert status == 200
    changed = {name for name in row if row[name] != put["result"][name]}
    assert changed == {"checkOutTime", "doorCode", "updatedOn", "latestActivityOn"}
    assert (await outside.call("GET", path))[1]["result"]["checkOutTime"] == 13


async def test_a_write_may_be_ignored_or_refused_as_locked(outside: Any) -> None:
    row = (await book(outside))["reservation"]
    path = f"/reservations/{row['id']}"
    fault = {"target": "hostaway.reservation_write", "kind": "ignore_write", "count": 1}
    await outside.sim("POST", "/faults", fault)
    assert (await outside.call("PUT", path, {"hostNote": "a"}))[0] == 200
    assert (await outside.call("GET", path))[1]["result"]["hostNote"] is None
    await outside.sim("PATCH", f"/hostaway/reservations/{row['id']}", {"isLocked": 1})
    status, body = await outside.call("PUT", path, {"hostNote": "a"})
    assert (status, body["result"]) == (403, "Reservation is locked")


async def test_each_account_sees_only_its_own(outside: Any) -> None:
    row = (await book(outside))["reservation"]
    assert (await outside.call("GET", f"/reservations/{row['id']}", account=70002))[0] == 404
    assert (await outside.call("GET", f"/reservations/{row['id']}", account=70001))[0] == 200


async def test_small_tables_answer_and_unknown_paths_fail_in_the_envelope(outside: Any) -> None:
    multi = next(iter(outside.world.store.accounts[70001].units))
    _, units = await outside.call("GET", f"/listingUnits/{multi}")
    assert len(units["result"]) == 3
    _, fields = await outside.call("GET", "/customFields", objectType="listing")
    assert {row["varName"] for row in fields["result"] if row["isPublic"]} == {"listing_parking"}
    _, days = await outside.call("GET", f"/listings/{multi}/calendar")
    assert len(days["result"]) == 31
    status, body = await outside.call("GET", "/nothing/here")
    assert (status, body["status"]) == (404, "fail")


async def test_tasks_can_be_made_changed_and_dropped(outside: Any) -> None:
    assert (await outside.call("POST", "/tasks", {}))[0] == 400
    _, made = await outside.call("POST", "/tasks", {"title": "Leak", "priority": 1})
    path = f"/tasks/{made['result']['id']}"
    await outside.call("PUT", path, {"status": "completed"})
    assert (await outside.call("GET", path))[1]["result"]["status"] == "completed"
    await outside.call("DELETE", path)
    assert (await outside.call("GET", path))[0] == 404


async def test_a_booked_stay_works_out_what_follows_from_what_was_given(outside: Any) -> None:
    await outside.sim("POST", "/clock", {"now": "2026-05-04T21:00:00+00:00"})
    booked = await book(
        outside,
        account=70002,
        city="Dubai",
        arrivalInDays=0,
        nights=2,
        guestFirstName="Ann",
        guestLastName="Lee",
    )
    row = booked["reservation"]
    # 21:00 UTC is already the next day in Dubai.
    assert (row["arrivalDate"], row["departureDate"]) == ("2026-05-05", "2026-05-07")
    assert (row["guestName"], row["status"], row["isPaid"]) == ("Ann Lee", "new", 1)
    assert booked["conversation"]["reservationId"] == row["id"]
    dated = await book(outside, arrivalDate="2026-07-01", departureDate="2026-07-05")
    assert dated["reservation"]["nights"] == 4


async def test_the_thread_tells_who_wrote_what(outside: Any) -> None:
    thread = {"conversationId": (await book(outside))["conversation"]["id"]}
    guest = await outside.sim("POST", "/hostaway/guest-message", thread | {"body": "hi"})
    human = await outside.sim("POST", "/hostaway/human-reply", thread | {"body": "hello"})
    machine = await outside.sim("POST", "/hostaway/automation-message", thread)
    channel = await outside.sim("POST", "/hostaway/channel-message", thread | {"body": "Noted."})
    assert guest["isIncoming"] == 1
    for outgoing in (human, machine, channel):
        assert outgoing["isIncoming"] == 0
    assert (human["sentUsingHostaway"], human["userId"], human["communicationId"]) == (
        0,
        None,
        None,
    )
    assert machine["communicationId"]
    assert machine["communicationEvent"]
    assert (channel["communicationId"], channel["communicationEvent"]) == (None, None)
    seen = await outside.sim("GET", f"/hostaway/conversations/{thread['conversationId']}")
    assert seen["origins"] == {"guest": 1, "human": 1, "automation": 1, "channel": 1}
    assert [row["origin"] for row in seen["messages"]][:2] == ["guest", "human"]


async def test_a_changed_listing_is_seen_at_once(outside: Any) -> None:
    listing = (await book(outside))["listing"]["id"]
    await outside.sim("PATCH", f"/hostaway/listings/{listing}", {"wifiUsername": "Changed_5G"})
    _, seen = await outside.call("GET", f"/listings/{listing}")
    assert seen["result"]["wifiUsername"] == "Changed_5G"


async def test_the_state_counts_requests_tokens_and_peaks(outside: Any) -> None:
    token = await outside.token()
    for _ in range(3):
        await outside.call("GET", "/amenities", token=token)
    state = (await outside.sim("GET", "/hostaway/state?account=70001"))["accounts"]
    assert list(state) == ["70001"]
    assert state["70001"]["requests"] == {"amenities": 3}
    assert (state["70001"]["tokens_issued"], state["70001"]["peak_per_window"]) == (1, 3)


async def test_the_search_of_the_guest_page_finds_by_all_words(outside: Any) -> None:
    row = (await book(outside, guestFirstName="Zenobia", guestLastName="Quill"))["reservation"]
    found = await outside.sim("GET", "/hostaway/reservations?q=quill+warsaw")
    assert [entry["id"] for entry in found["reservations"]] == [row["id"]]
    assert (await outside.sim("GET", "/hostaway/reservations?q=quill+dubai"))["count"] == 0


async def test_the_pages_and_the_feed_are_served(outside: Any) -> None:
    for path in ("/sim/", "/sim/guest"):
        async with outside.http.get(outside.base + path) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
    async with outside.http.get(f"{outside.base}/sim/product-live") as answer:
        assert answer.status == 404
    thread = (await book(outside))["conversation"]["id"]
    async with outside.http.get(f"{outside.base}/sim/events") as stream:
        assert stream.content_type == "text/event-stream"
        await outside.sim(
            "POST", "/hostaway/guest-message", {"conversationId": thread, "body": "ping"}
        )
        async with asyncio.timeout(10):
            line = await line_with(stream, b"ping")
    assert b'"type": "message"' in line


async def line_with(stream: aiohttp.ClientResponse, word: bytes) -> bytes:
    async for line in stream.content:
        if word in line:
            return line
    raise AssertionError("the feed ended")
