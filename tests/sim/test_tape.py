"""When somebody spoke, and how soon the other side answered, by the tape alone."""

import io
import wave

import numpy as np

from app.sim.tape import RATE, TICK, Spoken, Tape, turns_in

QUIET = np.zeros(TICK, np.int16)
LOUD = (np.sin(np.arange(TICK) * 0.2) * 4000).astype(np.int16)


def tape_of(caller: str, hotline: str) -> Tape:
    """A tape of two lines of 100 ms a letter: `x` is speech, a dot is silence."""
    tape = Tape()
    for said, answered in zip(caller, hotline, strict=True):
        for _ in range(RATE // TICK // 10):
            tape.add(LOUD if said == "x" else QUIET, LOUD if answered == "x" else QUIET)
    return tape


def stretch(begins_s: float, ends_s: float) -> Spoken:
    return Spoken(begins_s=round(begins_s, 2), ends_s=round(ends_s, 2))


def spoken(tape: Tape, *, by_hotline: bool = False) -> list[Spoken]:
    return [stretch(one.begins_s, one.ends_s) for one in tape.spoken(by_hotline=by_hotline)]


def test_speech_begins_and_ends_where_it_does() -> None:
    tape = tape_of("...xxxx...", "..........")
    assert spoken(tape) == [stretch(0.3, 0.7)]
    assert spoken(tape, by_hotline=True) == []


def test_a_short_pause_belongs_to_the_sentence_and_a_long_one_does_not() -> None:
    tape = tape_of("xx...xx.....xx", "." * 14)
    assert spoken(tape) == [stretch(0.0, 0.7), stretch(1.2, 1.4)]


def test_latency_is_from_the_callers_last_sound_to_the_hotlines_first() -> None:
    (turn,) = tape_of("xxxx..........", "..........xxxx").turns()
    assert turn.latency_ms == 600
    assert turn.silenced_s is None


def test_a_turn_that_was_never_answered_has_no_latency() -> None:
    first, second = tape_of("xx......xx......", "............xxxx").turns()
    assert (first.latency_ms, second.latency_ms) == (None, 200)


def test_a_voice_that_is_broken_into_is_known_by_when_it_fell_silent() -> None:
    turn, _ = turns_in(
        [Spoken(begins_s=2.0, ends_s=3.0), Spoken(begins_s=9.0, ends_s=9.5)],
        [Spoken(begins_s=0.0, ends_s=2.4), Spoken(begins_s=4.0, ends_s=5.0)],
    )
    assert (turn.silenced_s, turn.answered_s, turn.latency_ms) == (2.4, 4.0, 1000)


def test_the_recording_has_the_caller_left_and_the_hotline_right() -> None:
    with wave.open(io.BytesIO(tape_of("x.", ".x").wav())) as recording:
        assert (recording.getnchannels(), recording.getframerate()) == (2, RATE)
        both = np.frombuffer(recording.readframes(recording.getnframes()), np.int16).reshape(-1, 2)
    half = RATE // 10
    assert [bool(np.any(side)) for side in both[:half].T] == [True, False]
    assert [bool(np.any(side)) for side in both[half:].T] == [False, True]


def test_what_the_hotline_said_between_two_moments_can_be_had() -> None:
    tape = tape_of("....", "..x.")
    assert np.any(tape.hotline_sound(0.2, 0.3))
    assert not np.any(tape.hotline_sound(0.0, 0.2))
