"""After a long run of the real process every byte that it wrote or sent is searched."""

import asyncio

import pytest

from app.embedded import ServerUrls
from tests.canaries import found
from tests.paths.evidence import OPEN, Evidence
from tests.paths.leak_story import play

OUR_SIDE = (
    "postgres", "valkey", "valkey at the end", "model", "slack", "spans", "stdout", "stderr",
    "desk", "live", "public", "cli", "files",
)  # fmt: skip
"""Where no secret may ever stand."""
QUIET = ("valkey", "valkey at the end", "spans", "stdout", "stderr", "public", "files")
"""Where not even what guests were told may stand."""
SAID = {"turns.text", "outbox.text", "decisions.answer"}
"""Columns that keep what was said; gated text of an open stay may be part of it."""


@pytest.fixture(scope="module")
def evidence(embedded_urls: ServerUrls) -> Evidence:
    return asyncio.run(play(embedded_urls))


@pytest.mark.parametrize("place", OUR_SIDE)
def test_no_secret_leaves(evidence: Evidence, place: str) -> None:
    assert found(evidence.garden.of("secret"), evidence.sent[place]) == []


def test_a_secret_leaves_only_in_a_reply_to_a_guest_who_may_have_it(evidence: Evidence) -> None:
    """Of a guest's own booking, or of the listing where the open stays are."""
    garden = evidence.garden
    assert found(garden.of("secret"), evidence.sent["hostaway"]) == []
    for owner, body in evidence.replies:
        own = {owner, f"listing {OPEN}"} if owner in evidence.open_owners else set[str]()
        assert found(garden.besides("secret", *own), body) == [], owner
        assert found(garden.besides("gated", *own), body) == [], owner


@pytest.mark.parametrize("place", [*OUR_SIDE, "hostaway"])
def test_nothing_gated_of_a_locked_stay_leaves(evidence: Evidence, place: str) -> None:
    withheld = evidence.garden.besides("gated", *evidence.open_owners)
    assert found(withheld, evidence.sent[place]) == []


@pytest.mark.parametrize("place", QUIET)
def test_gated_text_of_an_open_stay_stays_with_what_was_said(
    evidence: Evidence, place: str
) -> None:
    assert found(evidence.garden.of("gated"), evidence.sent[place]) == []


def test_rows_hold_gated_text_only_where_they_keep_what_was_said(evidence: Evidence) -> None:
    gated = evidence.garden.of("gated")
    holding = {column for column, values in evidence.rows.items() if found(gated, values)}
    assert holding <= SAID


@pytest.mark.parametrize("place", [*OUR_SIDE, "hostaway"])
def test_what_must_be_dropped_was_never_kept(evidence: Evidence, place: str) -> None:
    assert found(evidence.garden.of("dropped"), evidence.sent[place]) == []


@pytest.mark.parametrize("place", sorted({*OUR_SIDE} - {"slack"}))
def test_credentials_stay_with_whom_they_open(evidence: Evidence, place: str) -> None:
    for credential in (b"sim-secret-70001", b"xoxb-sim-70001"):
        assert credential not in evidence.sent[place]


def test_the_run_went_where_it_should(evidence: Evidence) -> None:
    """Otherwise nothing was proved."""
    rows = evidence.rows
    gated, secret = evidence.garden.of("gated"), evidence.garden.of("secret")
    assert found(gated, evidence.sent["model"]), "a model was told of an open stay"
    assert found(secret, *(body for _, body in evidence.replies)), "a guest got a code"
    assert len({owner for owner, _ in evidence.replies}) > 15
    assert "[[door_code]]" in rows["turns.text"]
    assert {"open", "too_early", "not_paid", "agreement_missing", "over", "not_confirmed", "owner",
            "dates_unspecified", "previous_stay", "listing_archived"} <= {
        word for word in rows["decisions.stay"].replace('"', " ").replace(",", " ").split()
    }  # fmt: skip
    assert "dead" in rows["job_runs.status"]
    assert "failed" in rows["outbox.status"]
    assert b"chat.postMessage" in evidence.sent["slack"]
    assert b"warsaw" in evidence.sent["spans"]
    assert b"ZADD" in evidence.sent["valkey"]
    assert b'"type":"turn"' in evidence.sent["live"]
    assert b"[[door_code]]" in evidence.sent["desk"]
    assert b"message left out" in evidence.sent["stdout"]
    assert b"messages" in evidence.sent["cli"]
    assert b"libraries" in evidence.sent["files"] or b"actionCodes" in evidence.sent["files"]
    assert evidence.closed
    assert evidence.sent["stderr"] == b""
