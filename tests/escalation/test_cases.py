import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.conversations import Conversation
from app.errors import Conflict, NotFound
from app.escalation.records import Case, Handling
from app.events import CaseOpened, CaseRaised, CaseResolved, CaseTakenOver, Event, HandlingChanged
from app.jobs import Job, JobRun
from tests.rooms import Rooms


async def open_case(rooms: Rooms, thread: str = "70", **more: Any) -> Case:
    conversation = await rooms.conversation(thread)
    values: dict[str, Any] = {
        "conversation_id": conversation.id, "reservation_id": conversation.reservation_id,
        "severity": "normal", "trigger_text": "It is cold", "brief": "heating", **more,
    }  # fmt: skip
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        return await rooms.cases.open(conn, rooms.tenant, **values)


async def handling(rooms: Rooms, thread: str = "70") -> Handling:
    conversation = await rooms.conversation(thread)
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        return await rooms.cases.may_speak(conn, "acme", conversation.id)


async def person_spoke(rooms: Rooms, *, is_inferred: bool, who: str = "Ola") -> None:
    conversation = await rooms.conversation()
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        await rooms.cases.person_spoke(
            conn, rooms.tenant, conversation.id, conversation.reservation_id,
            who=who, route="pms", is_inferred=is_inferred,
        )  # fmt: skip


async def second_thread(rooms: Rooms) -> Conversation:
    rooms.hostaway.add_thread("75", "5000")
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        made = await rooms.conversations.ensure_thread(
            conn, account=str(rooms.account.id), external_id="75", now=rooms.clock.now()
        )
        return await rooms.mirror.attach_known(conn, rooms.tenant, made, "5000")


def heard(rooms: Rooms) -> list[Event]:
    events: list[Event] = []

    async def hear(event: Event) -> None:
        events.append(event)

    for kind in (CaseOpened, CaseRaised, CaseTakenOver, CaseResolved, HandlingChanged):
        rooms.bus.subscribe(kind, hear)
    return events


async def test_a_case_opens_with_its_trigger_and_silences_the_bot(rooms: Rooms) -> None:
    events = heard(rooms)
    case = await open_case(rooms)
    assert (case.state, case.severity, case.trigger_text) == ("open", "normal", "It is cold")
    assert (await handling(rooms)).mode == "human"
    assert [type(event) for event in events] == [CaseOpened, HandlingChanged]
    (change,) = case.history
    assert (change["what"], change["by"], change["route"]) == ("opened", "nightdesk", "bot")
    assert change["at"] == rooms.clock.now().isoformat()


async def test_a_stay_has_one_unresolved_case(rooms: Rooms) -> None:
    first = await open_case(rooms)
    second = await open_case(rooms, trigger_text="It is colder", severity="high")
    assert second.id == first.id
    assert second.severity == "high"
    assert second.history[-1]["text"] == "It is colder"
    assert len(await rooms.cases.list("acme")) == 1


async def test_a_milder_follow_up_does_not_lower_the_severity(rooms: Rooms) -> None:
    events = heard(rooms)
    await open_case(rooms, severity="high")
    assert (await open_case(rooms, severity="low")).severity == "high"
    assert [event.is_worse for event in events if isinstance(event, CaseRaised)] == [False]


async def test_cases_of_one_moment_become_one(rooms: Rooms) -> None:
    made = await asyncio.gather(*(open_case(rooms, trigger_text=f"t{n}") for n in range(8)))
    assert len({case.id for case in made}) == 1
    (case,) = await rooms.cases.list("acme")
    assert len(case.history) == 8


async def test_after_a_case_was_resolved_the_next_is_new(rooms: Rooms) -> None:
    first = await open_case(rooms)
    await rooms.cases.resolve("acme", first.id, operator="Ola", route="cli")
    assert (await open_case(rooms)).id != first.id
    assert len(await rooms.cases.list("acme")) == 1
    assert len(await rooms.cases.list("acme", with_resolved=True)) == 2


async def test_a_case_without_a_stay_belongs_to_its_conversation(rooms: Rooms) -> None:
    first = await open_case(rooms, reservation_id=None)
    assert (await open_case(rooms, reservation_id=None)).id == first.id
    assert (await handling(rooms)).mode == "human"


async def test_a_case_silences_the_stays_other_conversations(rooms: Rooms) -> None:
    await second_thread(rooms)
    assert (await handling(rooms, "75")).mode == "bot"
    case = await open_case(rooms)
    assert (await handling(rooms, "75")).mode == "human"
    await rooms.cases.resolve("acme", case.id, operator="Ola", route="cli")
    assert (await handling(rooms, "75")).mode == "bot"


async def test_a_conversation_that_joins_the_stay_later_is_silent_too(rooms: Rooms) -> None:
    await open_case(rooms)
    await second_thread(rooms)
    assert (await handling(rooms, "75")).mode == "human"


async def test_two_threads_of_a_stay_that_need_a_person_at_once_share_a_case(rooms: Rooms) -> None:
    await second_thread(rooms)
    threads = [await rooms.conversation("70"), await rooms.conversation("75")]
    have_begun = asyncio.Barrier(2)

    async def needs_a_person(conversation: Conversation) -> None:
        door = await rooms.database.tenant("acme")
        async with door.transaction() as conn:
            await have_begun.wait()
            await rooms.cases.unresolved(conn, conversation.id, conversation.reservation_id)
            await rooms.cases.may_speak(conn, "acme", conversation.id)
            await asyncio.sleep(0.1)
            await rooms.cases.open(
                conn,
                rooms.tenant,
                conversation_id=conversation.id,
                reservation_id=conversation.reservation_id,
                severity="normal",
                trigger_text=f"from {conversation.external_id}",
            )

    await asyncio.gather(*(needs_a_person(each) for each in threads))
    (case,) = await rooms.cases.list("acme")
    assert len(case.history) == 2


async def test_a_case_of_one_stay_leaves_others_alone(rooms: Rooms) -> None:
    await rooms.books(5001, 71)
    await open_case(rooms)
    assert (await handling(rooms, "71")).mode == "bot"


async def test_of_ten_operators_one_takes_the_case(rooms: Rooms) -> None:
    case = await open_case(rooms)
    names = [f"operator {number}" for number in range(10)]
    outcomes = await asyncio.gather(
        *(rooms.cases.take_over("acme", case.id, operator=name, route="slack") for name in names),
        return_exceptions=True,
    )
    (taken,) = [outcome for outcome in outcomes if isinstance(outcome, Case)]
    refused = [str(outcome) for outcome in outcomes if isinstance(outcome, Conflict)]
    assert len(refused) == 9
    assert set(refused) == {f"case {case.id} was taken by {taken.assignee}"}
    assert taken.state == "acknowledged"


async def test_taking_twice_changes_nothing(rooms: Rooms) -> None:
    case = await open_case(rooms)
    first = await rooms.cases.take_over("acme", case.id, operator="Ola", route="slack")
    assert await rooms.cases.take_over("acme", case.id, operator="Ola", route="panel") == first


async def test_a_resolved_case_cannot_be_taken(rooms: Rooms) -> None:
    case = await open_case(rooms)
    await rooms.cases.resolve("acme", case.id, operator="Ola", route="cli")
    with pytest.raises(Conflict, match="is resolved"):
        await rooms.cases.take_over("acme", case.id, operator="Ola", route="cli")


@pytest.mark.parametrize("what", ["take_over", "resolve"])
async def test_a_case_nobody_knows_is_not_found(rooms: Rooms, what: str) -> None:
    with pytest.raises(NotFound):
        await getattr(rooms.cases, what)("acme", 12345, operator="Ola", route="cli")
    door = await rooms.database.tenant("acme")
    async with door.transaction() as conn:
        with pytest.raises(NotFound):
            await rooms.cases.get(conn, 12345)


async def test_resolving_frees_the_bot_and_tells_it_once(rooms: Rooms) -> None:
    events = heard(rooms)
    case = await open_case(rooms)
    resolved = await rooms.cases.resolve("acme", case.id, operator="Ola", route="panel")
    again = await rooms.cases.resolve("acme", case.id, operator="Jan", route="panel")
    assert again == resolved
    assert resolved.resolved_at == rooms.clock.now()
    assert (resolved.history[-1]["what"], resolved.history[-1]["by"]) == ("resolved", "Ola")
    assert (await handling(rooms)).mode == "bot"
    assert len([event for event in events if isinstance(event, CaseResolved)]) == 1


async def test_every_change_of_who_speaks_raises_the_epoch(rooms: Rooms) -> None:
    epochs = [(await handling(rooms)).epoch]
    case = await open_case(rooms)
    epochs.append((await handling(rooms)).epoch)
    await rooms.cases.take_over("acme", case.id, operator="Ola", route="cli")
    epochs.append((await handling(rooms)).epoch)
    await rooms.cases.resolve("acme", case.id, operator="Ola", route="cli")
    epochs.append((await handling(rooms)).epoch)
    assert epochs == [0, 1, 2, 3]


async def test_looking_at_who_speaks_changes_nothing(rooms: Rooms) -> None:
    first = await handling(rooms)
    assert await handling(rooms) == first
    await open_case(rooms)
    silent = await handling(rooms)
    assert await handling(rooms) == silent


async def test_an_inferred_silence_ends_after_twelve_hours(rooms: Rooms) -> None:
    await person_spoke(rooms, is_inferred=True)
    until = rooms.clock.now() + timedelta(hours=12)
    silent = await handling(rooms)
    assert (silent.mode, silent.until, silent.reason) == ("human", until, "Ola replied")
    rooms.clock.advance(12 * 3600 - 1)
    assert (await handling(rooms)).mode == "human"
    rooms.clock.advance(1)
    assert (await handling(rooms)).mode == "bot"


async def test_a_further_word_prolongs_the_silence(rooms: Rooms) -> None:
    await person_spoke(rooms, is_inferred=True)
    rooms.clock.advance(3600)
    await person_spoke(rooms, is_inferred=True)
    assert (await handling(rooms)).until == rooms.clock.now() + timedelta(hours=12)


async def test_a_case_makes_an_inferred_silence_last(rooms: Rooms) -> None:
    await person_spoke(rooms, is_inferred=True)
    await open_case(rooms)
    rooms.clock.advance(24 * 3600)
    assert (await handling(rooms)).mode == "human"


async def test_somebody_in_the_pms_acknowledges_and_leaves_it_to_be_taken(rooms: Rooms) -> None:
    case = await open_case(rooms)
    await person_spoke(rooms, is_inferred=True, who="somebody in the PMS")
    await person_spoke(rooms, is_inferred=True, who="somebody in the PMS")
    seen = await rooms.case()
    assert seen is not None
    assert (seen.state, seen.assignee) == ("acknowledged", None)
    assert [change["what"] for change in seen.history] == ["opened", "taken over"]
    taken = await rooms.cases.take_over("acme", case.id, operator="Ola", route="slack")
    assert taken.assignee == "Ola"


async def test_a_named_person_who_replies_has_the_case(rooms: Rooms) -> None:
    await open_case(rooms)
    await person_spoke(rooms, is_inferred=False, who="Ola")
    seen = await rooms.case()
    assert seen is not None
    assert seen.assignee == "Ola"
    assert (await handling(rooms)).until is None


async def test_a_case_that_nobody_takes_is_alerted_again(rooms: Rooms) -> None:
    events = heard(rooms)
    await open_case(rooms)
    assert (await rooms.due())[Job.UNACKNOWLEDGED] == 300
    await rooms.passes_time(300)
    assert [event.is_worse for event in events if isinstance(event, CaseRaised)] == [True]
    assert (await rooms.due())[Job.UNACKNOWLEDGED] == 300
    case = await rooms.case()
    assert case is not None
    assert case.history[-1]["what"] == "nobody took it"


@pytest.mark.parametrize("what", ["take_over", "resolve"])
async def test_a_case_somebody_saw_to_is_not_alerted_again(rooms: Rooms, what: str) -> None:
    case = await open_case(rooms)
    await getattr(rooms.cases, what)("acme", case.id, operator="Ola", route="cli")
    run = JobRun(
        tenant_id="acme", kind=Job.UNACKNOWLEDGED, key=str(case.id), generation=1, attempt=1
    )
    assert await rooms.cases.remind(run) is None


async def test_an_alert_that_went_out_needs_no_sweep(rooms: Rooms) -> None:
    case = await open_case(rooms)
    assert Job.ALERT in await rooms.due()
    await rooms.cases.mark_told("acme", case.id, entries=1, channel="C1", ts="1.2")
    assert Job.ALERT not in await rooms.due()
    seen = await rooms.case()
    assert seen is not None
    assert (seen.slack_channel, seen.slack_ts, seen.alerted_at) == ("C1", "1.2", rooms.clock.now())


async def test_a_follow_up_that_was_not_told_keeps_the_sweep(rooms: Rooms) -> None:
    case = await open_case(rooms)
    await open_case(rooms)
    await rooms.cases.mark_told("acme", case.id, entries=1, channel="C1", ts="1.2")
    assert Job.ALERT in await rooms.due()
    await rooms.cases.mark_told("acme", case.id, entries=2)
    assert Job.ALERT not in await rooms.due()


async def call_of(rooms: Rooms) -> int:
    """A guest of the thread's stay is on the phone."""
    conversation = await rooms.conversation()
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        call_id: int = await conn.fetchval(
            """insert into {schema}.conversations
                   (medium, account, external_id, reservation_id, opened_at)
               values ('phone', '+48221234567', 'CA1', $1, $2) returning id""",
            conversation.reservation_id, rooms.clock.now(),
        )  # fmt: skip
    return call_id


async def test_a_case_that_began_on_the_phone_quiets_the_stays_thread(rooms: Rooms) -> None:
    await open_case(rooms, conversation_id=await call_of(rooms))
    assert (await handling(rooms)).mode == "human"


async def test_whoever_takes_a_case_of_the_thread_is_heard_by_the_call(rooms: Rooms) -> None:
    call_id = await call_of(rooms)
    case = await open_case(rooms)
    events = heard(rooms)
    await rooms.cases.take_over("acme", case.id, operator="Ola", route="slack")
    changes = [event for event in events if isinstance(event, HandlingChanged)]
    assert (call_id, "person") in [(change.id, change.speaker) for change in changes]
    await rooms.cases.resolve("acme", case.id, operator="Ola", route="slack")
    changes = [event for event in events if isinstance(event, HandlingChanged)]
    assert (call_id, "bot") in [(change.id, change.speaker) for change in changes]


async def test_a_promise_to_call_back_is_kept_with_number_and_time(rooms: Rooms) -> None:
    case = await open_case(rooms)
    due_at = rooms.clock.now() + timedelta(minutes=30)
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        case = await rooms.cases.promise_call(
            conn, rooms.tenant, case, number="+48500100200", due_at=due_at
        )
    assert (case.history[-1]["number"], case.history[-1]["due_at"]) == (
        "+48500100200", due_at.isoformat(),
    )  # fmt: skip


async def attach(rooms: Rooms, call_id: int) -> None:
    conversation = await rooms.conversation()
    assert conversation.reservation_id is not None
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        await rooms.cases.attach(
            conn, rooms.tenant, conversation_id=call_id, reservation_id=conversation.reservation_id
        )


async def unknown_call(rooms: Rooms) -> int:
    call_id = await call_of(rooms)
    async with (await rooms.database.tenant("acme")).transaction() as conn:
        await conn.execute(
            "update {schema}.conversations set reservation_id = null where id = $1", call_id
        )
    await open_case(rooms, conversation_id=call_id, reservation_id=None)
    return call_id


async def test_an_unknown_callers_case_is_the_stays_once_that_is_known(rooms: Rooms) -> None:
    call_id = await unknown_call(rooms)
    assert (await handling(rooms)).mode == "bot"
    await attach(rooms, call_id)
    (case,) = await rooms.cases.list("acme")
    assert case.reservation_id == (await rooms.conversation()).reservation_id
    assert (await handling(rooms)).mode == "human"


async def test_a_stay_that_has_a_case_gets_no_second_one(rooms: Rooms) -> None:
    call_id = await unknown_call(rooms)
    await open_case(rooms)
    await attach(rooms, call_id)
    stays = [case.reservation_id for case in await rooms.cases.list("acme")]
    assert sorted(stay is None for stay in stays) == [False, True]
