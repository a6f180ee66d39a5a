"""A booking that changes after the webhook and before the send, through the real HTTP paths.

The events of the change are lost on the way: only what is fetched again can tell.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.paths.house import Guest, House

pytestmark = pytest.mark.asyncio(loop_scope="session")

CODE = "What is the door code?"
BOTH = "Which code opens the door, and until what time do we have to check out on the last day?"


async def changes_unseen(house: House, guest: Guest, **fields: Any) -> None:
    """A change of which no event arrives, like of anything after it."""
    await house.sim("PATCH", "/settings", {"webhook_loss": 1.0})
    await house.sim("PATCH", f"/hostaway/reservations/{guest.reservation['id']}", fields)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def events_arrive_again(house: House) -> AsyncIterator[None]:
    """After each test."""
    yield
    await house.sim("PATCH", "/settings", {"webhook_loss": 0.0})


async def thinks_long(house: House, seconds: float) -> None:
    """The next answer of the model takes its time."""
    fault = {"first_token_s": seconds, "only": "routing", "times": 1}
    async with house.http.post(f"{house.base}/openai/v1/_faults", json=fault) as answer:
        assert answer.status == 201, await answer.text()


async def is_armed(house: House, guest: Guest) -> bool:
    return bool(await armings(house, guest))


async def is_being_answered(house: House, guest: Guest) -> bool:
    rows = await armings(house, guest)
    return any(row["claimed_until"] is not None for row in rows)


async def armings(house: House, guest: Guest) -> list[dict[str, Any]]:
    return await house.rows(
        """select w.claimed_until from nightdesk.wake w
           join {schema}.conversations c on w.key = c.id::text
           where w.kind = 'chat.reply' and c.external_id = $1""",
        str(guest.conversation["id"]),
    )


async def test_a_booking_cancelled_within_the_quiet_window_gets_no_code(house: House) -> None:
    guest = await house.book()
    await house.quiet()
    await guest.writes(CODE)
    await house.until(lambda: is_armed(house, guest))
    await changes_unseen(house, guest, status="cancelled")
    reply = await guest.reads()
    assert guest.reservation["doorCode"] not in reply
    assert "once your booking is confirmed" in reply


async def test_a_booking_moved_within_the_quiet_window_is_told_its_new_day(house: House) -> None:
    guest = await house.book()
    await house.quiet()
    await guest.writes(CODE)
    await house.until(lambda: is_armed(house, guest))
    await changes_unseen(house, guest, arrivalDate="2099-05-05", departureDate="2099-05-08")
    reply = await guest.reads()
    assert guest.reservation["doorCode"] not in reply
    assert "Monday 4 May" in reply


@pytest.mark.parametrize("change", [{"status": "cancelled"}, {"doorCode": "90210"}])
async def test_what_changes_while_the_model_thinks_decides(
    house: House, change: dict[str, Any]
) -> None:
    guest = await house.book()
    await house.quiet()
    await thinks_long(house, 2.0)
    await guest.writes(BOTH)
    await house.until(lambda: is_being_answered(house, guest))
    await asyncio.sleep(1.0)
    assert await guest.replies() == []
    await changes_unseen(house, guest, **change)
    said = await guest.reads()
    assert guest.reservation["doorCode"] not in said
    assert ("90210" in said) == ("doorCode" in change)
