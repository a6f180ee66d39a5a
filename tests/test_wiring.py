"""Wiring: every job and event has its function, and building opens nothing."""

import inspect
import socket
from pathlib import Path

import pytest

from app.events import Event
from app.jobs import Job
from app.keys import KEY_FILE, new_key
from app.product import Product
from app.settings import load_settings
from app.wiring import INBOX, JOBS, SUBSCRIPTIONS, build


@pytest.fixture
def product(tmp_path: Path) -> Product:
    """A built product, not open."""
    return build(load_settings(None, {"NIGHTDESK_DATA__DIR": str(tmp_path)}))


def test_every_job_has_a_function(product: Product) -> None:
    jobs = JOBS(product)
    assert sorted(Job) == sorted(jobs)
    for function in jobs.values():
        assert inspect.iscoroutinefunction(function)
        assert len(inspect.signature(function).parameters) == 1


def test_every_kind_of_webhook_event_has_a_handler(product: Product) -> None:
    assert INBOX(product)
    assert all(inspect.iscoroutinefunction(handler) for handler in INBOX(product).values())


def test_handlers_are_named_for_what_they_hear_of(product: Product) -> None:
    table = SUBSCRIPTIONS(product)
    assert table
    for event_type, handler in table:
        assert issubclass(event_type, Event)
        assert getattr(handler, "__name__", "").startswith("on_")
        assert inspect.iscoroutinefunction(handler)
    assert len(set(table)) == len(table)


def test_building_makes_nothing_but_the_key_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("building opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    build(load_settings(None, {"NIGHTDESK_DATA__DIR": str(tmp_path / "data")}))
    assert [path.name for path in tmp_path.rglob("*")] == ["data", KEY_FILE]


def test_building_with_a_configured_key_makes_nothing(tmp_path: Path) -> None:
    environment = {
        "NIGHTDESK_DATA__DIR": str(tmp_path / "data"), "NIGHTDESK_ENCRYPTION_KEYS": new_key(),
    }  # fmt: skip
    product = build(load_settings(None, environment))
    assert list(tmp_path.iterdir()) == []
    assert not product.is_ready
