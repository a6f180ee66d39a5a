"""`nightdesk drafts`."""

import pytest

from app.cli.connection import Desk
from tests.cli.conftest import Terminal


@pytest.fixture
def draft(acme: Terminal) -> Terminal:
    """One reply waits."""

    async def write(desk: Desk) -> None:
        door = await desk.database.tenant("acme")
        now = desk.clock.now()
        async with door.transaction() as conn:
            thread = await desk.conversations.ensure_thread(
                conn, account="1", external_id="7", now=now
            )
            await conn.execute(
                """insert into {schema}.outbox
                   (conversation_id, generation, origin, epoch, text, status, created_at)
                   values ($1, 1, 'bot', 0, 'Check-in is from 15:00.', 'draft', $2)""",
                thread.id, now,
            )  # fmt: skip

    acme.desk(write)
    return acme


def test_drafts_are_listed(draft: Terminal) -> None:
    assert draft.says("drafts", "list", "acme").splitlines()[1].endswith("Check-in is from 15:00.")
    assert [d["status"] for d in draft.json("drafts", "list", "acme")] == ["draft"]


def test_a_draft_goes_out_in_other_words(draft: Terminal) -> None:
    draft.says("drafts", "send", "acme", "1", "--text", "From 15:00, dear guest.")

    async def stored(desk: Desk) -> tuple[str, str]:
        door = await desk.database.tenant("acme")
        async with door.transaction() as conn:
            row = await conn.fetchrow("select status, text from {schema}.outbox")
        assert row is not None
        return row["status"], row["text"]

    assert draft.desk(stored) == ("queued", "From 15:00, dear guest.")
    assert draft.says("drafts", "list", "acme") == "no drafts\n"


def test_a_dropped_draft_cannot_be_sent(draft: Terminal) -> None:
    draft.says("drafts", "drop", "acme", "1")
    result = draft.type("drafts", "send", "acme", "1")
    assert (result.exit_code, result.stderr) == (1, "nightdesk: there is no draft 1\n")
