import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.bots.library import BUILT_IN_CODES, Libraries, check_library, default_content
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.errors import BadInput, Conflict
from app.events import LibraryPublished
from app.tenants import Tenant

Content = dict[str, Any]


def content(**changes: Any) -> Content:
    return {**default_content(), **changes}


def with_bot(**changes: Any) -> Content:
    bots = default_content()["bots"]
    return content(bots=[bots[0], {**bots[1], **changes}])


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def without_code(name: str) -> Content:
    return content(codes=[code for code in default_content()["codes"] if code["code"] != name])


def test_what_every_tenant_starts_with_can_be_used() -> None:
    library = check_library(default_content(), 4)
    assert library.version == 4
    assert {code.code for code in library.codes} >= BUILT_IN_CODES
    assert {bot.kind for bot in library.bots} == {"routing", "informational"}
    asked_of_people = {code.code for code in library.codes if code.leads_to == "person"}
    assert asked_of_people == {
        "EARLY_CHECK_IN", "LATE_CHECK_OUT", "EXTRA_NIGHT", "PRICE_AVAILABILITY", "ESCALATE",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: without_code("ESCALATE"), "ESCALATE is missing"),
        (lambda: content(codes=default_content()["codes"] * 2), "stands twice"),
        (lambda: content(more=1), "more"),
        (lambda: with_bot(conditions={"a": {"$where": "1"}}), "conditions"),
        (lambda: with_bot(template="<% if (x) { %>"), "template"),
        (lambda: with_bot(action_codes=["NOBODY"]), "NOBODY"),
        (lambda: with_bot(kind="routing"), "actionCodes"),
        (lambda: with_bot(medium="smoke"), "medium"),
        (lambda: content(templates={"NOBODY": {"en": "x"}}), "NOBODY"),
        (lambda: content(templates={"WIFI_QUESTION": {"en": "{{#a}}"}}), "WIFI_QUESTION.en"),
        (lambda: content(phrases={"NOBODY": {"en": ["x"]}}), "NOBODY"),
        (lambda: content(phrases={"WIFI_QUESTION": {"fr": ["mot de passe"]}}), "'fr'"),
        (lambda: content(codes=[{"code": "x", "description": "abc"}]), "codes.0.code"),
        (lambda: with_bot(template="a\x00b"), r"bots\[1\].template: holds a character"),
        (lambda: with_bot(name="half \ud83d"), r"bots\[1\].name: holds a character"),
        (lambda: with_bot(conditions={"a": deep(100)}), "nested deeper"),
        (lambda: with_bot(conditions={"$and": [{"a": n} for n in range(10_000)]}), "clauses"),
        (lambda: with_bot(conditions={"a": {"$regex": "(a{1000}){1000}"}}), "repeats more"),
        (lambda: with_bot(conditions={"a": {"$foo": 1}}), r"\$foo is not known"),
        (lambda: with_bot(conditions={"a": 2**70}), "too large"),
        (lambda: with_bot(conditions={"a": [float("nan")]}), r"a\[0\]: holds a number"),
        (lambda: with_bot(template="x" * 1_000_001), "characters in all"),
        (lambda: with_bot(template=5), "bots.1.template"),
        (lambda: with_bot(conditions=[]), "bots.1.conditions"),
        (lambda: content(bots=5), "bots"),
        (lambda: content(bots=default_content()["bots"] * 101), "bots"),
        (lambda: content(templates={"WIFI_QUESTION": {"../../x": "y"}}), "write the language as"),
        (lambda: content(phrases={"WIFI_QUESTION": {"en": ["a? b? c? d? e? f? g"]}}), "optional"),
        (lambda: content(phrases={"WIFI_QUESTION": {"en": ["a ... b ... c ... d ... e"]}}), "gaps"),
        (lambda: content(phrases={"WIFI_QUESTION": {"en": ["x" * 300]}}), "longer than"),
        (lambda: content(phrases={"WIFI_QUESTION": {"ar": ["\u0640"]}}), "no letters|stray sign"),
        (lambda: content(phrases={"WIFI_QUESTION": ["x"]}), "phrases.WIFI_QUESTION"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    make: Callable[[], Content], complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        check_library(make())


@pytest.fixture
def libraries(database: Database, bus: Bus, clock: ManualClock) -> Libraries:
    return Libraries(database, bus, clock)


async def version_of(libraries: Libraries, database: Database) -> int:
    async with (await database.tenant("acme")).transaction() as conn:
        return (await libraries.current(conn, "acme")).version


async def test_a_tenant_without_a_library_has_the_built_in_one(
    libraries: Libraries, database: Database, tenant: Tenant
) -> None:
    assert await version_of(libraries, database) == 0
    assert await libraries.content(tenant.id) == default_content()


async def test_a_published_library_is_used_at_once(
    libraries: Libraries, database: Database, tenant: Tenant
) -> None:
    await version_of(libraries, database)
    changed = with_bot(name="Basia")
    assert await libraries.publish(tenant.id, changed, by="Ola") == 1
    assert await libraries.content(tenant.id) == changed
    async with (await database.tenant("acme")).transaction() as conn:
        library = await libraries.current(conn, "acme")
    assert [bot.name for bot in library.bots] == ["Routing", "Basia"]
    assert library.version == 1


async def test_what_cannot_be_used_is_not_published(
    libraries: Libraries, database: Database, tenant: Tenant
) -> None:
    with pytest.raises(BadInput):
        await libraries.publish(tenant.id, without_code("ESCALATE"), by="Ola")
    assert await version_of(libraries, database) == 0


async def test_what_another_process_published_is_heard(
    libraries: Libraries, database: Database, bus: Bus, clock: ManualClock, tenant: Tenant
) -> None:
    await version_of(libraries, database)
    await Libraries(database, bus, clock).publish(tenant.id, default_content(), by="Ola")
    assert await version_of(libraries, database) == 0
    await libraries.on_published(LibraryPublished(tenant_id=tenant.id, id=1))
    assert await version_of(libraries, database) == 1


async def test_of_two_who_publish_at_once_nobody_is_lost_silently(
    libraries: Libraries, tenant: Tenant
) -> None:
    made = await asyncio.gather(
        *(libraries.publish(tenant.id, default_content(), by=str(n)) for n in range(4)),
        return_exceptions=True,
    )
    versions = [outcome for outcome in made if isinstance(outcome, int)]
    assert len(versions) == len(set(versions)) >= 1
    assert all(isinstance(outcome, int | Conflict) for outcome in made)
