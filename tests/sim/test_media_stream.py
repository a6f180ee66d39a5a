"""The caller's end of a stream: scripted speech, and a microphone whose pieces come unevenly."""

from app.sim.media_stream import SILENT_TICK, Handset

A, B, C, D = (bytes([n]) * len(SILENT_TICK) for n in range(4))


def test_with_nothing_to_say_there_is_silence() -> None:
    assert Handset().next_tick() == SILENT_TICK


def test_scripted_speech_is_said_in_order_and_at_once() -> None:
    handset = Handset(cushion=3)
    handset.speech.extend([A, B])
    assert [handset.next_tick() for _ in range(3)] == [A, B, SILENT_TICK]


def test_a_microphone_is_heard_once_it_is_a_cushion_ahead() -> None:
    handset = Handset(cushion=2)
    handset.microphone.append(A)
    assert handset.next_tick() == SILENT_TICK
    handset.microphone.append(B)
    assert [handset.next_tick(), handset.next_tick()] == [A, B]


def test_after_a_gap_the_cushion_is_waited_for_again() -> None:
    handset = Handset(cushion=2)
    handset.microphone.extend([A, B])
    assert [handset.next_tick() for _ in range(3)] == [A, B, SILENT_TICK]
    handset.microphone.append(C)
    assert handset.next_tick() == SILENT_TICK
    handset.microphone.append(D)
    assert handset.next_tick() == C


def test_scripted_speech_is_not_mixed_with_the_microphone() -> None:
    handset = Handset(cushion=1)
    handset.microphone.append(A)
    handset.speech.append(B)
    assert [handset.next_tick(), handset.next_tick()] == [B, SILENT_TICK]
