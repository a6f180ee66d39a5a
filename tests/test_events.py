"""Events: frozen facts; those that cross processes are rebuilt from a tenant and an id."""

import dataclasses
import inspect
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from app import events
from app.events import Event

EVENTS = [
    known
    for known in vars(events).values()
    if inspect.isclass(known) and issubclass(known, Event) and known.__module__ == "app.events"
]
CROSSING = [known for known in EVENTS if known.crosses_processes]
EXAMPLES: dict[Any, object] = {
    str: "x", int: 1, bool: True, datetime: datetime(2026, 4, 13, tzinfo=UTC), float | None: 0.5,
    str | None: None, int | None: 1, datetime | None: None, Mapping[str, int]: {"token_ms": 1},
}  # fmt: skip


def example(event_type: type[Event]) -> Event:
    values: dict[str, Any] = {
        field.name: EXAMPLES[field.type] for field in dataclasses.fields(event_type)
    }
    return event_type(**values)


@pytest.mark.parametrize("event_type", EVENTS)
def test_an_event_is_frozen_slotted_and_keyword_only(event_type: type[Event]) -> None:
    event = example(event_type)
    assert dataclasses.is_dataclass(event)
    assert not hasattr(event, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.tenant_id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        event_type("acme")  # type: ignore[call-arg]
    assert all(field.kw_only for field in dataclasses.fields(event_type))
    assert event_type.__doc__


@pytest.mark.parametrize("event_type", EVENTS)
def test_an_event_carries_its_tenant_and_small_values(event_type: type[Event]) -> None:
    assert "tenant_id" in {field.name for field in dataclasses.fields(event_type)}
    assert {type(value) for value in dataclasses.asdict(example(event_type)).values()} <= {
        str, int, float, bool, datetime, type(None), dict,
    }  # fmt: skip


@pytest.mark.parametrize("event_type", CROSSING)
def test_an_event_that_crosses_is_rebuilt_from_tenant_and_id(event_type: type[Event]) -> None:
    rebuilt = event_type(tenant_id="acme", id=7)  # type: ignore[call-arg]
    assert dataclasses.asdict(rebuilt).items() >= {"tenant_id": "acme", "id": 7}.items()


def test_cases_handling_libraries_and_settings_cross_processes() -> None:
    assert {known.__name__ for known in CROSSING} >= {
        "CaseOpened", "CaseRaised", "CaseTakenOver", "CaseResolved", "HandlingChanged",
        "LibraryPublished", "SettingsChanged",
    }  # fmt: skip
