import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest

from app.events import CaseOpened, CaseRaised
from app.jobs import Job, JobRun
from app.settings import Settings
from app.slack.alerts import Alerts
from app.slack.channel import Channels
from app.slack.client import SlackError
from app.tenants import Tenant
from tests.case_world import CaseWorld
from tests.slack.conftest import LoopbackSlack


async def settled(world: CaseWorld) -> None:
    """Every handler has ended."""
    await world.background.drain(10)


def words_of(post: dict[str, Any]) -> str:
    return orjson.dumps(post).decode()


def sweep(case_id: int, attempt: int = 1) -> JobRun:
    return JobRun(tenant_id="acme", kind=Job.ALERT, key=str(case_id), generation=1, attempt=attempt)


async def test_an_alert_tells_who_where_when_what_and_links_to_the_case(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    earlier = world.clock.now() - timedelta(minutes=30)
    await world.say(
        wired, thread, "bot", "Welcome, the kettle is in the cupboard.", said_at=earlier
    )
    case = await world.open_case(wired, thread)
    await settled(world)
    (post,) = slack.posts()
    assert post["channel"] == "#nightdesk"
    assert slack.tokens == ["xoxb-1"]
    told = words_of(post)
    for part in (
        "High", "Maria Kowalska", "Loft 3 (Warsaw)", "Mon 13 Apr – Thu 16 Apr 2026",
        "airbnbOfficial",
        "There is water everywhere!", "the kettle is in the cupboard", "an urgent phrase",
        f"http://desk/acme/{case.id}",
    ):  # fmt: skip
        assert part in told, part
    assert "Maria Kowalska, Loft 3 (Warsaw): There is water everywhere!" in post["text"]


async def test_where_the_alert_stands_is_kept_and_the_sweep_is_taken_back(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    case = await world.open_case(wired, await world.thread(wired))
    await settled(world)
    kept = await world.case(wired, case.id)
    assert (kept.slack_channel, kept.slack_ts) == ("C42", "1776000000.000001")
    assert kept.alerted_at == world.clock.now()
    assert not await world.is_armed(Job.ALERT)


async def test_nobody_waits_for_slack(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    slack.gate.clear()
    case = await world.open_case(wired, await world.thread(wired))
    assert (await world.case(wired, case.id)).state == "open"
    slack.gate.set()
    await settled(world)
    assert (await world.case(wired, case.id)).alerted_at is not None


async def test_event_and_sweep_that_meet_alert_once(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    slack.gate.clear()
    case = await world.open_case(wired, await world.thread(wired))
    await slack.arrived.wait()
    sweeping = world.background.spawn("sweep", alerts.alert(sweep(case.id)))
    await alerts.on_case_opened(CaseOpened(tenant_id=wired.id, id=case.id))
    for _ in range(10):
        assert (await world.case(wired, case.id)).alerted_at is None
    slack.gate.set()
    assert await sweeping is None
    await settled(world)
    assert len(slack.posts()) == 1


async def test_an_outage_is_survived_and_the_sweep_alerts_later(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    slack.fail(times=2)
    case = await world.open_case(wired, await world.thread(wired))
    await settled(world)
    with pytest.raises(SlackError) as raised:
        await alerts.alert(sweep(case.id))
    assert raised.value.retryable
    assert (await world.case(wired, case.id)).alerted_at is None
    assert await alerts.alert(sweep(case.id)) is None
    assert (await world.case(wired, case.id)).alerted_at is not None
    assert len(slack.posts()) == 1


async def test_the_sweep_never_gives_up_while_slack_is_merely_away(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    slack.fail(times=2)
    case = await world.open_case(wired, await world.thread(wired))
    await settled(world)
    again_at = await alerts.alert(sweep(case.id, attempt=Settings().jobs.max_attempts - 1))
    assert again_at == world.clock.now() + timedelta(minutes=1)


async def test_a_refusal_is_given_up_so_that_the_ledger_shows_it(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    slack.troubles = [(200, {"ok": False, "error": "channel_not_found"}, {})] * 2
    case = await world.open_case(wired, await world.thread(wired))
    await settled(world)
    with pytest.raises(SlackError, match="channel_not_found") as raised:
        await alerts.alert(sweep(case.id, attempt=4))
    assert not raised.value.retryable


async def test_a_follow_up_stands_once_in_the_thread(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await world.open_case(wired, thread)
    await slack.until(1)
    await world.follow_up(wired, thread, "It is still coming in.")
    await settled(world)
    _, follow_up = slack.posts()
    assert follow_up["thread_ts"] == "1776000000.000001"
    assert follow_up["channel"] == "C42"
    assert "reply_broadcast" not in follow_up
    assert "It is still coming in." in words_of(follow_up)


async def test_follow_ups_in_quick_succession_stand_in_order_and_once_each(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await world.open_case(wired, thread)
    await slack.until(1)
    slack.gate.clear()
    for words in ("one", "two", "three"):
        await world.follow_up(wired, thread, words)
    slack.gate.set()
    await settled(world)
    assert [post["text"] for post in slack.posts()[1:]] == [
        "Guest: one", "Guest: two", "Guest: three"
    ]  # fmt: skip


async def test_a_worse_follow_up_is_loud(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await world.open_case(wired, thread, "The tap drips.", severity="normal")
    await slack.until(1)
    await world.follow_up(wired, thread, "Now it smells of gas!", severity="critical")
    await settled(world)
    _, worse = slack.posts()
    assert worse["reply_broadcast"] is True
    assert worse["thread_ts"] == "1776000000.000001"
    assert "Critical" in words_of(worse)
    assert "http://desk/acme/" in words_of(worse)


async def test_what_came_during_an_outage_stands_in_the_thread_of_the_late_alert(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    slack.fail(times=2)
    thread = await world.thread(wired)
    case = await world.open_case(wired, thread)
    await settled(world)
    await world.follow_up(wired, thread, "Is anybody there?")
    await settled(world)
    assert slack.posts() == []
    await alerts.alert(sweep(case.id))
    alert, follow_up = slack.posts()
    assert "There is water everywhere!" in words_of(alert)
    assert "Is anybody there?" in words_of(follow_up)
    assert follow_up["thread_ts"] == "1776000000.000001"


async def test_a_case_that_nobody_takes_is_told_loudly_again(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    case = await world.open_case(wired, await world.thread(wired))
    await slack.until(1)
    run = JobRun(
        tenant_id="acme", kind=Job.UNACKNOWLEDGED, key=str(case.id), generation=1, attempt=1
    )
    await world.cases.remind(run)
    await settled(world)
    _, reminder = slack.posts()
    assert reminder["reply_broadcast"] is True
    assert "Nobody has taken case" in reminder["text"]


async def test_who_took_and_who_resolved_is_told_and_the_alert_changes(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    case = await world.open_case(wired, await world.thread(wired))
    await slack.until(1)
    await world.cases.take_over(wired.id, case.id, operator="Ala", route="panel")
    await slack.until(3)
    await world.cases.resolve(wired.id, case.id, operator="Ala", route="panel")
    await slack.until(5)
    _, taken, resolved = slack.posts()
    assert (taken["text"], taken["thread_ts"]) == ("Ala has it (by panel).", "1776000000.000001")
    assert "Ala resolved this" in resolved["text"]
    first, second = slack.updates()
    assert (first["channel"], first["ts"]) == ("C42", "1776000000.000001")
    assert first["text"].startswith("Taken: case")
    assert second["text"].startswith("Resolved: case")
    assert "open_link" not in words_of(second)


async def test_an_operators_reply_is_mirrored_and_old_turns_are_not(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await world.open_case(wired, thread)
    await slack.until(1)
    long_ago = world.clock.now() - timedelta(days=1)
    await world.say(wired, thread, "guest", "Hello, we booked!", said_at=long_ago)
    await world.say(wired, thread, "operator", "The code is [[door_code]].")
    await settled(world)
    assert [post["text"] for post in slack.posts()[1:]] == ["Operator: The code is [[door_code]]."]


async def test_a_guests_words_that_raised_nothing_are_mirrored(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await world.open_case(wired, thread)
    await slack.until(1)
    await world.say(wired, thread, "guest", "[attachment]")
    await settled(world)
    assert [post["text"] for post in slack.posts()[1:]] == ["Guest: [attachment]"]


async def test_without_an_open_case_nothing_is_mirrored(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await world.say(wired, thread, "guest", "Hello")
    await settled(world)
    assert slack.calls == []


async def test_after_a_restart_only_what_was_not_told_is_posted(
    world: CaseWorld, channels: Channels, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    case = await world.open_case(wired, thread)
    await world.follow_up(wired, thread, "first")
    await settled(world)
    await world.follow_up(wired, thread, "second")
    await settled(world)
    slack.calls.clear()
    restarted = Alerts(
        database=world.database, tenants=world.tenants, cases=world.cases,
        conversations=world.conversations, stays=world.stays, clock=world.clock,
        background=world.background, channels=channels, settings=Settings(),
        link_to_case=lambda *_: "http://desk/",
    )  # fmt: skip
    assert await restarted.alert(sweep(case.id)) is None
    assert slack.calls == []
    await _raised_by_a_process_that_ended(world, wired, case.id, "third", "fourth")
    await restarted.on_case_raised(CaseRaised(tenant_id=wired.id, id=case.id))
    await settled(world)
    assert [post["text"] for post in slack.posts()] == ["Guest: third", "Guest: fourth"]


async def test_follow_ups_whose_telling_a_crash_prevented_are_told_by_the_sweep(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    case = await world.open_case(wired, await world.thread(wired))
    await settled(world)
    await _raised_by_a_process_that_ended(world, wired, case.id, "Is anybody there?")
    assert await world.is_armed(Job.ALERT)
    assert await alerts.alert(sweep(case.id)) is None
    assert [post["text"] for post in slack.posts()[1:]] == ["Guest: Is anybody there?"]
    assert not await world.is_armed(Job.ALERT)


async def test_a_worse_follow_up_that_a_crash_kept_back_is_still_loud(
    world: CaseWorld, channels: Channels, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    case = await world.open_case(wired, await world.thread(wired), severity="normal")
    await settled(world)
    await _raised_by_a_process_that_ended(world, wired, case.id, "It smells of gas!")
    alerts._told.clear()
    await alerts.alert(sweep(case.id))
    _, worse = slack.posts()
    assert worse["reply_broadcast"] is True


async def _raised_by_a_process_that_ended(
    world: CaseWorld, tenant: Tenant, case_id: int, *texts: str
) -> None:
    door = await world.database.tenant(tenant.id)
    async with door.transaction() as conn:
        for text in texts:
            known = await world.cases.get(conn, case_id)
            await world.cases.raise_severity(conn, tenant, known, severity="high", text=text)
        conn.after_commit.clear()


async def test_a_tenant_without_a_workspace_is_passed_over(
    world: CaseWorld, alerts: Alerts, tenant: Tenant, slack: LoopbackSlack
) -> None:
    case = await world.open_case(tenant, await world.thread(tenant))
    await settled(world)
    assert await alerts.alert(sweep(case.id)) is None
    assert slack.calls == []
    assert (await world.case(tenant, case.id)).alerted_at is None


async def test_a_lost_database_row_after_posting_does_not_alert_twice(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    case = await world.open_case(wired, await world.thread(wired))
    await settled(world)
    door = await world.database.tenant(wired.id)
    async with door.transaction() as conn:
        await conn.execute("update {schema}.cases set alerted_at = null, slack_ts = null")
    await asyncio.gather(alerts.alert(sweep(case.id)), alerts.alert(sweep(case.id)))
    assert len(slack.posts()) == 1
    assert (await world.case(wired, case.id)).slack_ts == "1776000000.000001"


async def test_a_promise_to_call_back_is_loud_and_hides_the_number(
    world: CaseWorld, alerts: Alerts, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    case = await world.open_case(wired, thread)
    await slack.until(1)
    async with (await world.database.tenant(wired.id)).transaction() as conn:
        await world.cases.promise_call(
            conn, wired, case, number="+48500100200",
            due_at=world.clock.now() + timedelta(minutes=30),
        )  # fmt: skip
    await settled(world)
    _, promise = slack.posts()
    assert promise["reply_broadcast"] is True
    assert "Please call back" in words_of(promise)
    assert "500100200" not in str(promise)
