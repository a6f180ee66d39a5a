"""Sound of telephones is coded as the standard says, and resampled without holding it back."""

import hashlib

import numpy as np
import pytest

from app.voice.audio import LINE_RATE, SILENCE, Resampler, from_mulaw, resampled, to_mulaw

ALL_CODES_SHA256 = "3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827"
ALL_SAMPLES_SHA256 = "81d633c9e6972a18c74a58720b96cb8ca0bdd096d4060b646dd708c3b846019a"
"""Of the C coder that CPython had until 3.12: every code, and every sample in order."""


def tone(hertz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(
        np.int16
    )


def loudness(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def test_every_code_gives_the_sample_of_the_standard():
    decoded = from_mulaw(bytes(range(256))).tobytes()
    assert hashlib.sha256(decoded).hexdigest() == ALL_CODES_SHA256


def test_every_sample_gives_the_code_of_the_standard():
    every = np.arange(-32768, 32768).astype(np.int16)
    assert hashlib.sha256(to_mulaw(every)).hexdigest() == ALL_SAMPLES_SHA256


def test_silence_is_silent():
    assert from_mulaw(bytes([SILENCE]))[0] == 0


@pytest.mark.parametrize("rate", [16000, 22050, 24000, 48000])
def test_a_voice_keeps_its_loudness_at_the_lines_rate(rate: int):
    out = resampled(tone(1000, rate), rate, LINE_RATE)
    assert len(out) == pytest.approx(LINE_RATE * 0.5, abs=2)
    assert loudness(out[400:-400]) == pytest.approx(loudness(tone(1000, LINE_RATE)), rel=0.05)


def test_what_a_line_cannot_carry_leaves_no_hiss():
    out = resampled(tone(6000, 24000), 24000, LINE_RATE)
    assert loudness(out[400:-400]) < loudness(tone(6000, 24000)) / 1000


def test_a_stream_is_never_held_back_for_long():
    resampler = Resampler(24000, LINE_RATE)
    given = given_back = 0.0
    lags = []
    for at in range(0, 24000, 480):
        given += 480 / 24000
        given_back += len(resampler.push(tone(400, 24000, 1.0)[at : at + 480])) / LINE_RATE
        lags.append(given - given_back)
    assert max(lags) < 0.004


def test_the_same_rate_passes_through():
    samples = tone(300, LINE_RATE)
    assert (Resampler(LINE_RATE, LINE_RATE).push(samples) == samples).all()
