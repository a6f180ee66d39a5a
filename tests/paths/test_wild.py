"""Generated inputs, some hundred a kind and the same every time; thousands in `bench/fuzz.py`."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from starlette.routing import Route

from app.embedded import ServerUrls
from tests import properties, wild
from tests.described import case_holds, described_cases, description, operations_of
from tests.doors import Doors, opened_doors
from tests.strangers import ask_desk, desk_requests

FEW = settings(
    max_examples=200, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture,
                           HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
BATCH = 20
"""Wild events between two good messages."""


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop for all that is asked: Hypothesis asks without one."""
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def doors(
    runner: asyncio.Runner, embedded_urls: ServerUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Doors]:
    """Both doors, with a guest who exists."""
    opening = opened_doors(embedded_urls, tmp_path_factory.mktemp("doors"))
    opened = runner.run(opening.__aenter__())
    yield opened
    runner.run(opening.__aexit__(None, None, None))


def test_the_description_names_every_route_of_the_public_door_and_no_other(doors: Doors) -> None:
    served = {
        (route.path, method.lower())
        for route in doors.public.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert set(operations_of(description())) == served


def test_wild_events_are_answered_drained_and_hold_up_no_good_one(
    doors: Doors, runner: asyncio.Runner
) -> None:
    good: list[str] = []
    count = 0

    @FEW
    @given(wild.bodies())
    def deliver(raw: bytes) -> None:
        nonlocal count
        properties.event_holds(raw, runner.run(doors.deliver(raw)))
        count += 1
        if count % BATCH == 0:
            good.append(runner.run(doors.deliver_good()))
            runner.run(doors.drain())

    deliver()
    runner.run(doors.drain())
    assert runner.run(doors.open_rows()) == []
    assert len(good) >= 200 // BATCH
    for external_id in good:
        assert runner.run(doors.is_turn(external_id)), external_id


@pytest.mark.parametrize("with_login", [True, False])
def test_the_public_door_answers_as_it_is_described(
    doors: Doors, runner: asyncio.Runner, with_login: bool
) -> None:
    @settings(FEW, max_examples=120)
    @given(described_cases())
    def ask(case: Any) -> None:
        runner.run(case_holds(doors, case, with_login=with_login))

    ask()
    runner.run(doors.drain())
    assert runner.run(doors.open_rows()) == []


@FEW
@given(request=desk_requests())
def test_a_stranger_gets_nothing_from_the_desk(
    doors: Doors, runner: asyncio.Runner, request: Mapping[str, Any]
) -> None:
    runner.run(ask_desk(doors, request))


@FEW
@given(wild.templates() | wild.raw_templates, wild.variables)
def test_a_template_renders_or_is_refused_with_its_place(text: str, values: Any) -> None:
    properties.template_holds(text, values)


@FEW
@given(wild.wild_conditions, wild.documents)
def test_a_condition_matches_or_is_refused_in_words(condition: Any, document: Any) -> None:
    properties.condition_holds(condition, document)


ROWS = {"listing": wild.listings, "reservation": wild.reservations, "message": wild.messages}


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_of_the_pms_is_lived_with_or_refused(kind: str) -> None:
    @FEW
    @given(ROWS[kind])
    def read(row: Any) -> None:
        properties.row_holds(kind, row)

    read()


@FEW
@given(wild.environments)
def test_an_environment_gives_usable_settings_or_is_refused(environment: Any) -> None:
    properties.environment_holds(environment)


@FEW
@given(overrides=wild.tenant_overrides)
def test_a_tenants_values_give_usable_settings_or_are_refused(
    doors: Doors, overrides: Mapping[str, Any]
) -> None:
    properties.overrides_hold(doors.product.tenants, overrides)


@pytest.mark.parametrize("judge", [properties.words_hold, properties.answer_holds])
def test_whatever_is_said_is_judged(judge: Callable[[str], bool]) -> None:
    @settings(FEW, max_examples=60)
    @given(wild.guest_words())
    def hear(text: str) -> None:
        judge(text)

    hear()
