"""Who is calling, on a real call: found by name and proven by a fact, before a code is said."""

from collections.abc import AsyncIterator
from datetime import date

import pytest
import pytest_asyncio

from tests.paths.caller import Caller, caller_of, digits_in
from tests.paths.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "What is the door code please?"


@pytest_asyncio.fixture(loop_scope="session")
async def strict(hotline: House) -> AsyncIterator[House]:
    """The tenant asks for a fact before it says a code, as tenants do unless they choose less."""
    tenants = hotline.product.tenants
    await tenants.set("warsaw", {"voice.access_assurance": 2})
    yield hotline
    await tenants.set("warsaw", {"voice.access_assurance": 1})


async def test_a_known_number_hears_the_code_after_the_departure_date(strict: House):
    caller = await caller_of(strict, doorCode="7391")
    await caller.hears()
    asked = await caller.says(QUESTION)
    assert "7391" not in digits_in(asked)
    assert "departure" in asked.lower(), asked
    assert caller.guest is not None
    leaves_on = date.fromisoformat(str(caller.guest.reservation["departureDate"]))
    said = await caller.says(f"We are leaving on {leaves_on:%B} {leaves_on.day}.")
    await caller.hangs_up()
    turns = await caller.turns()
    assert "7391" in digits_in(said), turns[-2:]
    assert "7391" not in str(turns)


async def test_an_unknown_number_tells_name_and_confirmation_code_and_hears_its_code(
    strict: House,
):
    guest = await strict.book(
        guestName="Margaret Thornton", confirmationCode="40817253", doorCode="7391"
    )
    await strict.quiet()
    caller = Caller(strict, guest, "+48600700811")
    await caller.hears()
    assert "name" in (await caller.says(QUESTION)).lower()
    assert "confirmation" in (await caller.says("My name is Margaret Thornton.")).lower()
    said = await caller.says("The code is four zero eight one seven two five three.")
    assert "7391" in digits_in(said), said
    await caller.hangs_up()
    assert "7391" not in str(await caller.turns())
    (row,) = await strict.rows(
        "select assurance from {schema}.calls where call_sid = $1", caller.phone.call_sid
    )
    assert row["assurance"] == 2
