from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.conversations import Conversation, Turn
from app.escalation.records import Case
from app.keys import Keyring, new_key
from app.pms.records import Gated
from app.pms.stay import Stay, assemble
from app.slack import blocks
from app.tenants import Tenant, TenantSettings
from tests.case_world import DOOR_CODE, make_listing, make_reservation

NOON = datetime(2026, 4, 13, 12, 0, tzinfo=UTC)
LINK = "http://desk/open/x"
THREAD = Conversation(
    id=1, medium="thread", account="1", external_id="70", reservation_id=1, channel_id=2018,
    communication_type="channel", language="en",
)  # fmt: skip


def make_case(**changes: Any) -> Case:
    values: dict[str, Any] = {
        "id": 7, "conversation_id": 1, "reservation_id": 1, "severity": "high", "state": "open",
        "trigger_text": "Water!", "brief": "", "assignee": None, "history": (),
        "opened_at": NOON, "alerted_at": None, "resolved_at": None, "slack_channel": None,
        "slack_ts": None, "told": 0,
    }  # fmt: skip
    return Case(**{**values, **changes})


def make_stay(**changes: Any) -> Stay:
    tenant = Tenant(
        id="acme", name="Acme", mode="on", live_since=None, settings=TenantSettings(),
        keyring=Keyring((new_key(),)),
    )  # fmt: skip
    return assemble(tenant, 1, make_reservation(**changes), make_listing(), now=NOON)


def alert(case: Case, stay: Stay | None = None, turns: tuple[Turn, ...] = ()) -> blocks.Post:
    return blocks.alert(case, stay, THREAD, turns, link=LINK)


def sections(post: blocks.Post) -> list[str]:
    return [b["text"]["text"] for b in post.blocks if b["type"] == "section" and "text" in b]


def test_guests_words_are_escaped_and_mention_nobody() -> None:
    words = "<!channel> <@U123> @here @Everyone & <http://bad.example|click> a@b.example"
    quoted = sections(alert(make_case(trigger_text=words)))[0]
    assert "<" not in quoted.replace("&lt;", "")
    assert "&lt;!channel&gt; &lt;@U123&gt;" in quoted
    assert "@here" not in quoted
    assert "@Everyone" not in quoted
    assert "a@b.example" in quoted
    assert " &amp; " in quoted


def test_names_and_places_are_escaped_too() -> None:
    post = alert(make_case(), make_stay(guest_name="<!here> & Sons"))
    told = str(post.blocks) + post.text
    assert "<!here>" not in told
    assert "&lt;!here&gt; &amp; Sons" in told


def test_a_secret_in_a_guests_name_is_a_placeholder() -> None:
    post = alert(make_case(), make_stay(guest_name=f"Maria {DOOR_CODE}"))
    told = str(post.blocks) + post.text
    assert DOOR_CODE not in told
    assert "Maria [[door_code]]" in told


def test_every_line_of_the_words_is_quoted() -> None:
    quoted = sections(alert(make_case(trigger_text="one\ntwo\nthree")))[0]
    assert quoted == "*The guest wrote*\n>one\n>two\n>three"


@pytest.mark.parametrize("words", ["<" * 9000, "a\n" * 4000, "&" * 2999, "ż" * 12_000])
def test_no_section_is_longer_than_slack_takes(words: str) -> None:
    for post in (
        alert(make_case(trigger_text=words, brief=words)),
        blocks.follow_up(words),
        blocks.worse(make_case(), None, words, link=LINK),
        blocks.draft(None, [words], words, link=LINK),
        blocks.job_failed("kind", "key", words),
    ):
        assert all(len(text) <= blocks.SECTION_LIMIT for text in sections(post))
        assert len(post.text) <= blocks.SUMMARY_LIMIT


def test_a_cut_never_halves_an_escaped_sign() -> None:
    assert blocks.escaped("&&&", 12) == "&amp;&amp;…"
    assert blocks.escaped("abc", 4) == "abc"


def test_the_bots_last_words_are_those_before_the_case() -> None:
    def turn(number: int, speaker: Any, text: str, minute: int) -> Turn:
        at = NOON.replace(hour=11, minute=minute) if minute else NOON.replace(hour=13)
        return Turn(id=number, external_id=None, speaker=speaker, text=text, said_at=at)

    turns = (
        turn(1, "bot", "first", 1), turn(2, "bot", "second", 2), turn(3, "guest", "Water!", 3),
        turn(4, "bot", "A colleague will come.", 0),
    )  # fmt: skip
    told = sections(alert(make_case(), None, turns))
    assert "*The bot's last words*\n>second" in told


def test_a_case_without_a_stay_is_still_told() -> None:
    post = alert(make_case(reservation_id=None))
    assert post.text.startswith("High: a person is needed (case 7). a guest, no reservation known")
    assert "no dates known" in str(post.blocks)


def test_the_alert_says_who_has_it_and_loses_its_button_when_it_is_over() -> None:
    taken = alert(make_case(assignee="Ala", state="acknowledged"))
    assert "*Who has it*\nAla" in str(taken.blocks[1]["fields"]).replace("\\n", "\n")
    assert LINK in str(taken.blocks)
    resolved = alert(make_case(assignee="Ala", state="resolved"))
    assert "resolved, was with Ala" in str(resolved.blocks)
    assert LINK not in str(resolved.blocks)


def test_the_way_the_guest_writes_is_named() -> None:
    assert blocks.channel_of(make_stay(), THREAD) == "airbnbOfficial"
    assert blocks.channel_of(None, THREAD) == "unknown"


def test_dates_that_nobody_gave_are_not_told() -> None:
    stay = make_stay(are_dates_unspecified=True, gated=Gated())
    assert blocks.dates_of(stay) == "no dates known"
    one = make_stay(arrival_on=date(2026, 4, 13), departure_on=date(2026, 4, 14))
    assert blocks.dates_of(one) == "Mon 13 Apr – Tue 14 Apr 2026, 1 night"


def test_a_promise_to_call_back_names_the_time_in_the_stays_zone() -> None:
    post = blocks.promised("+48•••••0200", datetime(2026, 4, 13, 12, 30, tzinfo=UTC), make_stay())
    assert "+48•••••0200 by Mon 14:30 (Europe/Warsaw)" in post.text
