"""Moments of a turn become milliseconds after the caller fell silent; nothing is made up."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.voice.stages import Stages, Utterance, utterance_of

NOON = datetime(2026, 4, 13, 12, 0, tzinfo=UTC)


@dataclass
class Item:
    """A message as LiveKit gives it."""

    text_content: str | None = "Hello?"
    interrupted: bool = False
    metrics: dict[str, float] = field(default_factory=dict)


def test_what_was_not_reached_is_left_out():
    stages = Stages(speech_ended_at=NOON, token_at=NOON + timedelta(milliseconds=640.4))
    assert stages.told() == {"token_ms": 640}


def test_without_a_question_there_are_no_stages():
    assert Stages(sound_at=NOON).told() == {}


def test_moments_are_told_in_the_order_in_which_they_come():
    at = [NOON + timedelta(milliseconds=100 * step) for step in range(6)]
    stages = Stages(
        sound_at=at[5], clause_at=at[4], token_at=at[3], turn_ended_at=at[2],
        transcribed_at=at[1], speech_ended_at=at[0],
    )  # fmt: skip
    assert list(stages.told().items()) == [
        ("transcript_ms", 100), ("turn_ms", 200), ("token_ms", 300), ("clause_ms", 400),
        ("sound_ms", 500),
    ]  # fmt: skip


def test_a_callers_utterance_is_read_with_its_moments():
    began = NOON.timestamp()
    item = Item(
        metrics={
            "started_speaking_at": began, "stopped_speaking_at": began + 2,
            "transcription_delay": 0.25, "end_of_turn_delay": 0.5,
        }
    )  # fmt: skip
    silent_at = NOON + timedelta(seconds=2)
    assert utterance_of(item, now=NOON + timedelta(seconds=9)) == Utterance(
        text="Hello?", begins_at=NOON, ends_at=silent_at,
        transcribed_at=silent_at + timedelta(seconds=0.25),
        turn_ended_at=silent_at + timedelta(seconds=0.5),
    )  # fmt: skip


def test_an_interrupted_answer_says_how_much_was_heard():
    utterance = utterance_of(Item(interrupted=True), now=NOON, heard_s=1.2344)
    assert (utterance.is_cut, utterance.heard_ms) == (True, 1234)


def test_a_message_without_moments_was_said_now():
    utterance = utterance_of(Item(text_content=None), now=NOON)
    assert utterance == Utterance(text="", begins_at=NOON)
