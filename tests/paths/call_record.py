"""What a spoken call must leave behind, and what must have been told while it ran."""

from typing import Any

from app.events import Event
from app.panel.live import messages_of
from app.wiring import TOLD_LIVE
from tests.paths.house import House

STAGES = ["transcript_ms", "turn_ms", "token_ms", "clause_ms", "sound_ms"]


def follow(house: House) -> list[dict[str, Any]]:
    """What the live feed tells from now on."""
    told: list[dict[str, Any]] = []

    async def hear(event: Event) -> None:
        told.extend(messages_of(event))

    for event_type in TOLD_LIVE:
        house.product.bus.subscribe(event_type, hear)
    return told


async def check_record(house: House, call_sid: str, told: list[dict[str, Any]]) -> None:
    """Every answer has its decision and its stage times, and was told as it came."""
    turns = await house.rows(
        """select t.*, c.id as conversation from {schema}.turns t
           join {schema}.conversations c on c.id = t.conversation_id
           where c.external_id = $1 order by t.id""",
        call_sid,
    )
    ours = [turn for turn in turns if turn["speaker"] == "bot"]
    asked = [turn for turn in turns if turn["speaker"] == "guest"]
    assert (ours[0]["decision_id"], ours[0]["stages"]) == (None, {})
    answered = [turn for turn in ours if turn["decision_id"]]
    assert [turn["decision_id"] for turn in answered] == [turn["decision_id"] for turn in asked]
    decided = await house.rows("select * from {schema}.decisions where trace_id is not null")
    assert {turn["decision_id"] for turn in answered} <= {row["id"] for row in decided}
    for turn in answered:
        assert set(turn["stages"]) == set(STAGES)
        assert 0 < turn["stages"]["transcript_ms"] <= turn["stages"]["sound_ms"] < 20_000
        assert turn["ended_at"] > turn["said_at"]
        assert turn["heard_ms"] > 0
    assert all(turn["heard"] for turn in turns)
    of_call = [one for one in told if one.get("conversation") == turns[0]["conversation"]]
    types = [one["type"] for one in of_call]
    assert (types[0], types[-1]) == ("call_started", "call_ended")
    assert {"caller", "heard", "answer_began", "turn", "decision"} <= set(types)
    assert types.index("heard") < types.index("answer_began")
