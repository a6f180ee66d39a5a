import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.chat.operator import Operators
from app.db import Connection, Database
from app.errors import BadInput, Conflict, NotFound
from app.escalation.records import Case
from app.jobs import Job
from tests.make import DOOR_CODE
from tests.rooms import Rooms


async def a_case(rooms: Rooms) -> Case:
    await rooms.writes("Please let me talk to a human")
    await rooms.passes_time(120)
    case = await rooms.case()
    assert case is not None
    return case


async def a_draft(rooms: Rooms, text: str = "What is the door code?") -> int:
    rooms.tenant = await rooms.tenants.set_mode("acme", "draft")
    await rooms.writes(text)
    await rooms.passes_time(120)
    (draft,) = await rooms.operators.drafts("acme")
    return draft.id


async def test_a_persons_reply_takes_the_case_and_goes_out(rooms: Rooms) -> None:
    case = await a_case(rooms)
    await rooms.operators.reply("acme", case.id, "  Hi, Ola here. ", operator="Ola", route="panel")
    await rooms.works()
    assert rooms.hostaway.sent[-1] == ("70", "Hi, Ola here.", "channel")
    seen = await rooms.case()
    assert seen is not None
    assert seen.assignee == "Ola"
    assert [turn.speaker for turn in await rooms.turns()] == ["guest", "bot", "operator"]


async def test_a_code_that_a_person_types_is_kept_as_a_placeholder(rooms: Rooms) -> None:
    case = await a_case(rooms)
    await rooms.changes(arrivalDate="2026-05-01", departureDate="2026-05-03")
    await rooms.operators.reply(
        "acme", case.id, f"It is {DOOR_CODE}", operator="Ola", route="slack"
    )
    await rooms.works()
    assert rooms.hostaway.sent[-1][1] == f"It is {DOOR_CODE}"
    assert (await rooms.outgoing())[-1]["text"] == "It is [[door_code]]"
    assert (await rooms.turns())[-1].text == "It is [[door_code]]"


@pytest.mark.parametrize(
    "text", ["You wrote: [[door_code]]", "[[other_listing_door_code]]", "[[wifi_password]]"]
)
async def test_a_mark_that_the_guest_may_not_have_is_refused_at_once(
    rooms: Rooms, text: str
) -> None:
    case = await a_case(rooms)
    await rooms.changes(arrivalDate="2026-05-01", departureDate="2026-05-03")
    with pytest.raises(BadInput, match="too_early"):
        await rooms.operators.reply("acme", case.id, text, operator="Ola", route="slack")
    await rooms.works()
    assert [row["origin"] for row in await rooms.outgoing()] == ["holding"]


async def test_a_mark_in_a_persons_reply_is_filled_in_while_access_is_open(rooms: Rooms) -> None:
    case = await a_case(rooms)
    text = "It is [[door_code]]"
    await rooms.operators.reply("acme", case.id, text, operator="Ola", route="slack")
    await rooms.works()
    assert rooms.hostaway.sent[-1][1] == f"It is {DOOR_CODE}"


async def test_a_mark_is_not_filled_in_once_access_has_closed_before_the_send(
    rooms: Rooms,
) -> None:
    case = await a_case(rooms)
    before = len(rooms.hostaway.sent)
    text = "It is [[door_code]]"
    await rooms.operators.reply("acme", case.id, text, operator="Ola", route="slack")
    await rooms.changes(status="cancelled")
    await rooms.works()
    assert rooms.hostaway.sent[before:] == []
    assert (await rooms.outgoing())[-1]["status"] == "failed"


async def test_a_draft_with_a_code_is_refused_once_access_has_closed(rooms: Rooms) -> None:
    draft = await a_draft(rooms)
    await rooms.changes(status="cancelled")
    for text in (None, "Please use [[door_code]]"):
        with pytest.raises(BadInput, match="not_confirmed"):
            await rooms.operators.send_draft("acme", draft, text=text)
    await rooms.works()
    assert rooms.hostaway.sent == []


async def test_a_persons_reply_goes_out_where_the_mirror_lacks_the_listing(rooms: Rooms) -> None:
    case = await a_case(rooms)
    await rooms.rows("delete from {schema}.listings returning id")
    await rooms.operators.reply("acme", case.id, "Hi", operator="Ola", route="slack")
    await rooms.works()
    assert rooms.hostaway.sent[-1][1] == "Hi"


async def test_two_persons_do_not_answer_one_case(rooms: Rooms) -> None:
    case = await a_case(rooms)
    await rooms.operators.reply("acme", case.id, "Hi", operator="Ola", route="slack")
    with pytest.raises(Conflict, match="taken by Ola"):
        await rooms.operators.reply("acme", case.id, "Hi too", operator="Jan", route="slack")


async def test_several_replies_of_one_person_go_out_in_order(rooms: Rooms) -> None:
    case = await a_case(rooms)
    for text in ("one", "two"):
        await rooms.operators.reply("acme", case.id, text, operator="Ola", route="slack")
    await rooms.works()
    await rooms.passes_time(1)
    assert [text for _, text, _ in rooms.hostaway.sent[-2:]] == ["one", "two"]


async def test_an_empty_reply_is_refused_and_takes_nothing(rooms: Rooms) -> None:
    case = await a_case(rooms)
    with pytest.raises(BadInput):
        await rooms.operators.reply("acme", case.id, "  ", operator="Ola", route="slack")
    seen = await rooms.case()
    assert seen is not None
    assert seen.assignee is None


async def test_a_draft_goes_out_as_it_stands(rooms: Rooms) -> None:
    draft = await a_draft(rooms)
    await rooms.operators.send_draft("acme", draft)
    await rooms.works()
    assert f"Your door code is {DOOR_CODE}." in rooms.hostaway.sent[-1][1]
    assert await rooms.operators.drafts("acme") == []


async def test_a_draft_may_go_out_in_other_words(rooms: Rooms) -> None:
    draft = await a_draft(rooms)
    await rooms.operators.send_draft("acme", draft, text=f"Please use {DOOR_CODE}")
    await rooms.works()
    assert rooms.hostaway.sent[-1][1] == f"Please use {DOOR_CODE}"
    assert (await rooms.outgoing())[-1]["text"] == "Please use [[door_code]]"


async def test_a_draft_thrown_away_stays_away(rooms: Rooms) -> None:
    draft = await a_draft(rooms)
    await rooms.operators.drop_draft("acme", draft)
    with pytest.raises(NotFound):
        await rooms.operators.send_draft("acme", draft)
    with pytest.raises(NotFound):
        await rooms.operators.drop_draft("acme", draft)
    assert Job.SEND not in await rooms.due()


async def test_a_draft_that_the_guest_overtook_is_gone(rooms: Rooms) -> None:
    draft = await a_draft(rooms)
    await rooms.writes("And the wifi?")
    with pytest.raises(NotFound):
        await rooms.operators.send_draft("acme", draft)


async def test_a_draft_let_go_twice_goes_out_once(rooms: Rooms) -> None:
    draft = await a_draft(rooms)
    outcomes = await asyncio.gather(
        *(rooms.operators.send_draft("acme", draft) for _ in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if outcome] == [NotFound, NotFound]
    await rooms.works()
    assert len(rooms.hostaway.sent) == 1


async def test_taking_with_nothing_in_flight_says_so(rooms: Rooms) -> None:
    case = await a_case(rooms)
    taken, flight = await rooms.operators.take("acme", case.id, operator="Ola", route="slack")
    assert (taken.assignee, flight) == ("Ola", None)


class LandingDatabase:
    """The database, in which something happens just before the second look."""

    def __init__(self, database: Database, land: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._land = land
        self._looks = 0

    async def tenant(self, tenant_id: str) -> "LandingDatabase":
        self._door = await self._database.tenant(tenant_id)
        return self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        self._looks += 1
        if self._looks == 2:
            await self._land()
        async with self._door.transaction() as conn:
            yield conn


@pytest.mark.parametrize("landed", ["sent", "ambiguous"])
async def test_taking_waits_for_a_reply_in_flight(rooms: Rooms, landed: str) -> None:
    case = await a_case(rooms)
    (row,) = await rooms.outgoing()
    update = "update {schema}.outbox set status = $2, attempts = 1 where id = $1 returning id"
    await rooms.rows(update, row["id"], "sending")

    async def land() -> None:
        await rooms.rows(update, row["id"], landed)

    landing: Any = LandingDatabase(rooms.database, land)
    operators = Operators(
        database=landing, tenants=rooms.tenants, clock=rooms.clock, jobs=rooms.jobs,
        conversations=rooms.conversations, cases=rooms.cases, stays=rooms.stays,
    )  # fmt: skip
    _, flight = await operators.take("acme", case.id, operator="Ola", route="slack")
    assert flight == landed


CLOSED: dict[str, Any] = {"status": "cancelled"}


async def test_a_draft_does_not_go_out_unread_once_access_has_closed(rooms: Rooms) -> None:
    rooms.model.will_say("The small lift in the yard brings you up.")
    draft = await a_draft(rooms, "What about the thing next to the stairs?")
    await rooms.changes(**CLOSED)
    with pytest.raises(Conflict, match="access has closed since this draft was written"):
        await rooms.operators.send_draft("acme", draft)
    await rooms.operators.send_draft("acme", draft, text="Ask at the desk please.")
    await rooms.works()
    assert [text for _, text, _ in rooms.hostaway.sent] == ["Ask at the desk please."]


async def test_a_draft_that_was_let_go_waits_for_what_the_pms_says(rooms: Rooms) -> None:
    draft = await a_draft(rooms)
    rooms.tenant = await rooms.tenants.set_mode("acme", "on")
    await rooms.operators.send_draft("acme", draft)
    rooms.hostaway.reservation_rows["5000"] |= CLOSED
    await rooms.works()
    assert rooms.hostaway.sent == []
    assert (await rooms.outgoing())[-1]["status"] == "failed"
