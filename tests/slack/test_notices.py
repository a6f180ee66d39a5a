from datetime import timedelta

from app.conversations import Conversation, Turn
from app.events import DraftWritten, JobFailed
from app.slack.notices import Notices, unanswered
from app.tenants import Tenant
from tests.case_world import CaseWorld
from tests.slack.conftest import LoopbackSlack


async def person_spoke(world: CaseWorld, tenant: Tenant, thread: Conversation) -> None:
    door = await world.database.tenant(tenant.id)
    async with door.transaction() as conn:
        await world.cases.person_spoke(
            conn, tenant, thread.id, thread.reservation_id, who="somebody in the PMS",
            route="pms", is_inferred=True,
        )  # fmt: skip
    await world.background.drain(10)


async def test_an_inferred_silence_is_told_once_with_its_end_at_the_listing(
    world: CaseWorld, notices: Notices, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await person_spoke(world, wired, thread)
    await person_spoke(world, wired, thread)
    (post,) = slack.posts()
    assert "thread_ts" not in post
    assert post["text"] == (
        "The bot is silent for Maria Kowalska, Loft 3 (Warsaw) until Tue 02:00 (Europe/Warsaw), "
        "because somebody in the PMS replied."
    )


async def test_a_silence_is_told_with_the_words_it_was_inferred_from(
    world: CaseWorld, notices: Notices, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await world.say(wired, thread, "operator", "Hi, Ola here. The code is [[door_code]].")
    await person_spoke(world, wired, thread)
    (post,) = slack.posts()
    assert "Hi, Ola here. The code is [[door_code]]." in str(post["blocks"])


async def test_a_silence_after_the_last_one_ended_is_told_again(
    world: CaseWorld, notices: Notices, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await person_spoke(world, wired, thread)
    world.clock.advance(timedelta(hours=13).total_seconds())
    await person_spoke(world, wired, thread)
    assert len(slack.posts()) == 2


async def test_the_silence_of_a_case_is_the_alerts_matter(
    world: CaseWorld, notices: Notices, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await world.open_case(wired, thread)
    await person_spoke(world, wired, thread)
    assert slack.calls == []


async def test_a_draft_is_shown_with_what_was_asked(
    world: CaseWorld, notices: Notices, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    await world.say(wired, thread, "guest", "When can we come?")
    draft_id = await world.put_draft(wired, thread, "From 15:00. The code is [[door_code]].")
    await world.bus.publish(
        DraftWritten(tenant_id=wired.id, conversation_id=thread.id, outbox_id=draft_id)
    )
    await world.background.drain(10)
    (post,) = slack.posts()
    told = str(post["blocks"])
    assert "When can we come?" in told
    assert "The code is [[door_code]]." in told
    assert "http://desk/acme/drafts" in told


async def test_a_draft_that_is_gone_is_not_shown(
    world: CaseWorld, notices: Notices, wired: Tenant, slack: LoopbackSlack
) -> None:
    thread = await world.thread(wired)
    draft_id = await world.put_draft(wired, thread, "From 15:00.")
    await world.operators.drop_draft(wired.id, draft_id)
    await world.bus.publish(
        DraftWritten(tenant_id=wired.id, conversation_id=thread.id, outbox_id=draft_id)
    )
    await world.background.drain(10)
    assert slack.calls == []


async def test_a_failing_kind_of_job_alarms_once_in_ten_minutes(
    world: CaseWorld, notices: Notices, wired: Tenant, slack: LoopbackSlack
) -> None:
    async def fail(kind: str) -> None:
        await world.bus.publish(
            JobFailed(tenant_id=wired.id, kind=kind, key="7", error="HostawayError: away")
        )
        await world.background.drain(10)

    await fail("chat.send")
    await fail("chat.send")
    await fail("pms.full_sync")
    assert len(slack.posts()) == 2
    assert "chat.send (7). HostawayError: away" in slack.posts()[0]["text"]
    world.clock.advance(601)
    await fail("chat.send")
    assert len(slack.posts()) == 3


def test_unanswered_words_are_those_since_anybody_answered() -> None:
    def turn(number: int, speaker: str, text: str) -> Turn:
        return Turn(
            id=number, external_id=None, speaker=speaker, text=text, said_at=None  # type: ignore[arg-type]
        )  # fmt: skip

    turns = [
        turn(1, "guest", "Hi"), turn(2, "bot", "Hello"), turn(3, "guest", "When?"),
        turn(4, "automation", "Welcome"), turn(5, "guest", "And where?"),
    ]  # fmt: skip
    assert unanswered(turns) == ["When?", "And where?"]
