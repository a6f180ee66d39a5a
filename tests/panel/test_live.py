import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import aiohttp
import orjson
import pytest

from app import events
from app.events import CaseOpened, Event, JobFailed, MessageReceived, TurnRecorded
from app.panel import live
from app.panel.live import WAITING, messages_of
from app.tenants import Tenant
from app.wiring import TOLD_LIVE
from tests.panel.conftest import BEARER, Browser, Desk

NOON = datetime(2026, 4, 13, 12, 0, tzinfo=UTC)


class Feed:
    """An open feed."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def line(self) -> str:
        """The next line that says something; empty at the end."""
        async with asyncio.timeout(10):
            while line := (await self._answer.content.readline()).decode():
                if line.strip():
                    return line.strip()
        return ""

    async def message(self) -> dict[str, Any]:
        line = await self.line()
        assert line.startswith("data: "), line
        told: dict[str, Any] = orjson.loads(line.removeprefix("data: "))
        return told


@asynccontextmanager
async def following(
    desk: Desk, query: str = "", browser: Browser | None = None
) -> AsyncIterator[Feed]:
    headers = {} if browser else BEARER
    cookies = browser.cookies if browser else {}
    async with (
        aiohttp.ClientSession(cookies=cookies) as http,
        http.get(f"{desk.url}/live{query}", headers=headers) as answer,
    ):
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        feed = Feed(answer)
        assert (await feed.line()).startswith(":")
        yield feed


def failed(tenant_id: str, key: str = "1") -> JobFailed:
    return JobFailed(tenant_id=tenant_id, kind="chat.send", key=key, error="away")


async def test_a_guests_message_is_told_as_webhook_and_debounce_with_its_thread(
    desk: Desk, tenant: Tenant
) -> None:
    thread = await desk.world.thread(tenant, external_id="7788")
    async with following(desk) as feed:
        await desk.live.on_event(
            MessageReceived(
                tenant_id="acme", conversation_id=thread.id, generation=3, due_at=NOON
            )
        )  # fmt: skip
        for kind in ("webhook", "debounce"):
            assert await feed.message() == {
                "type": kind,
                "tenant": "acme",
                "conversation": thread.id,
                "generation": 3,
                "due_at": "2026-04-13T12:00:00+00:00",
                "thread": "7788",
            }


async def test_a_session_hears_of_its_own_tenant_alone(desk: Desk, tenant: Tenant) -> None:
    await desk.world.tenants.add("beta", "Beta Homes")
    ala = await desk.signed_in("acme", "Ala")
    async with following(desk, browser=ala) as feed:
        await desk.live.on_event(failed("beta"))
        await desk.live.on_event(failed("acme"))
        assert (await feed.message())["tenant"] == "acme"
    refused = await ala.get("/live?tenant=beta")
    assert refused.status == 404


async def test_the_desk_token_hears_of_every_tenant_or_of_the_one_it_names(
    desk: Desk, tenant: Tenant
) -> None:
    async with following(desk) as every, following(desk, "?tenant=beta") as one:
        await desk.live.on_event(failed("acme"))
        await desk.live.on_event(failed("beta"))
        assert [(await every.message())["tenant"] for _ in range(2)] == ["acme", "beta"]
        assert (await one.message())["tenant"] == "beta"


async def test_a_listener_that_lags_is_let_go_and_disturbs_nobody(
    desk: Desk, tenant: Tenant
) -> None:
    async with following(desk) as lagging:
        for number in range(WAITING + 1):
            await desk.live.on_event(failed("acme", str(number)))
        async with following(desk) as fresh:
            await desk.live.on_event(failed("acme", "fresh"))
            assert (await fresh.message())["key"] == "fresh"
        lines = [line async for line in until_end(lagging)]
        assert not any("fresh" in line for line in lines)


async def until_end(feed: Feed) -> AsyncIterator[str]:
    while line := await feed.line():
        yield line


async def test_closing_ends_every_feed_and_lets_nobody_in(desk: Desk, tenant: Tenant) -> None:
    async with following(desk) as feed:
        desk.live.close()
        assert await feed.line() == ""
    assert (await desk.visitor().get("/live", **BEARER)).status == 503


async def test_an_event_about_an_unknown_thread_is_told_without_it(
    desk: Desk, tenant: Tenant
) -> None:
    async with following(desk) as feed:
        await desk.live.on_event(events.HandlingChanged(tenant_id="acme", id=404))
        assert await feed.message() == {"type": "handling", "tenant": "acme", "conversation": 404}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            TurnRecorded(
                tenant_id="t", conversation_id=1, turn_id=2, speaker="guest", text="hi",
                said_at=NOON,
            ),
            {
                "type": "turn", "conversation": 1, "turn": 2, "speaker": "guest", "text": "hi",
                "said_at": "2026-04-13T12:00:00+00:00",
            },
        ),
        (
            events.DecisionMade(
                tenant_id="t", conversation_id=1, decision_id=2, outcome="reply",
                origin="bot", action_code="WIFI_QUESTION", bot="guide", score=0.9,
                because="asked",
            ),
            {
                "type": "decision", "conversation": 1, "decision": 2, "outcome": "reply",
                "origin": "bot", "action_code": "WIFI_QUESTION", "bot": "guide", "score": 0.9,
                "because": "asked",
            },
        ),
        (
            events.ReplySent(tenant_id="t", conversation_id=1, outbox_id=2, origin="bot"),
            {"type": "reply", "conversation": 1, "outbox": 2, "origin": "bot"},
        ),
        (
            events.DraftWritten(tenant_id="t", conversation_id=1, outbox_id=2),
            {"type": "draft", "conversation": 1, "outbox": 2},
        ),
        (CaseOpened(tenant_id="t", id=3), {"type": "case", "case": 3, "step": "opened"}),
        (
            events.CaseRaised(tenant_id="t", id=3, is_worse=True),
            {"type": "case", "case": 3, "step": "raised"},
        ),
        (
            events.CaseTakenOver(tenant_id="t", id=3),
            {"type": "case", "case": 3, "step": "taken over"},
        ),
        (events.CaseResolved(tenant_id="t", id=3), {"type": "case", "case": 3, "step": "resolved"}),
        (
            failed("t"),
            {"type": "job_failed", "job": "chat.send", "key": "1", "error": "away"},
        ),
        (
            TurnRecorded(
                tenant_id="t", conversation_id=1, turn_id=2, speaker="bot", text="hi",
                said_at=NOON, ended_at=NOON, decision_id=4, heard_ms=700, is_cut=True,
                stages={"token_ms": 500},
            ),
            {
                "type": "turn", "conversation": 1, "turn": 2, "speaker": "bot", "text": "hi",
                "said_at": "2026-04-13T12:00:00+00:00", "ended_at": "2026-04-13T12:00:00+00:00",
                "decision": 4, "heard_ms": 700, "is_cut": True, "stages": {"token_ms": 500},
            },
        ),
        (
            events.CallStarted(
                tenant_id="t", conversation_id=1, call_sid="CA1", hotline_e164="+48221234567",
                caller="+48•••••0200", language="pl", started_at=NOON,
            ),
            {
                "type": "call_started", "conversation": 1, "call": "CA1",
                "hotline": "+48221234567", "caller": "+48•••••0200", "language": "pl",
                "started_at": "2026-04-13T12:00:00+00:00",
            },
        ),
        (
            events.CallerIdentified(
                tenant_id="t", conversation_id=1, call_sid="CA1", assurance=1, reservation_id=7
            ),
            {
                "type": "caller", "conversation": 1, "call": "CA1", "assurance": 1,
                "reservation": 7,
            },
        ),
        (
            events.SpeechHeard(
                tenant_id="t", conversation_id=1, call_sid="CA1", text="is there", is_final=False
            ),
            {
                "type": "heard", "conversation": 1, "call": "CA1", "text": "is there",
                "is_final": False,
            },
        ),
        (
            events.AnswerBegan(
                tenant_id="t", conversation_id=1, call_sid="CA1", stages={"sound_ms": 900}
            ),
            {
                "type": "answer_began", "conversation": 1, "call": "CA1",
                "stages": {"sound_ms": 900},
            },
        ),
        (
            events.CallEnded(
                tenant_id="t", conversation_id=1, call_sid="CA1", because="over", ended_at=NOON
            ),
            {
                "type": "call_ended", "conversation": 1, "call": "CA1", "because": "over",
                "ended_at": "2026-04-13T12:00:00+00:00",
            },
        ),
    ],
)  # fmt: skip
def test_every_event_has_its_words(event: Event, told: dict[str, Any]) -> None:
    assert messages_of(event) == [{"tenant": "t", **told}]


def test_events_of_the_mirror_are_not_told() -> None:
    assert messages_of(events.ListingChanged(tenant_id="t", listing_id=1)) == []


def test_every_type_of_the_feed_stands_in_its_document() -> None:
    source = Path(live.__file__).read_text()
    types = set(re.findall(r'"type": "(\w+)"', source)) | {"webhook", "debounce"}
    document = (Path(live.__file__).parents[2] / "docs" / "live.md").read_text()
    assert len(types) > 10
    assert {name for name in types if f"`{name}`" not in document} == set()


def test_the_feed_tells_of_every_event_of_a_call() -> None:
    assert set(get_args(live.CallEvent)) <= set(TOLD_LIVE)
