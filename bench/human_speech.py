"""How well the local recogniser hears people, over a telephone line: words wrong, digits wrong.

Recordings come from two Debian packages, fetched with `apt-get download` into a cache in the
temporary folder (after an `apt-get update`, and from the cache ever after): read sentences
(`pocketsphinx-testdata`, LibriVox) and spoken digits (`asterisk-core-sounds-en-wav`, CC-BY-SA-3.0)
which are joined into door codes of four digits. They are no part of the tests because a fresh
machine that is no Debian, or has no package lists, could not run them. Both go through mu-law at
8 kHz; the sentences at their own 16 kHz too. Environment: HUMAN_CODES (40).
"""

import asyncio
import os
import random
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.voice.audio import LINE_RATE, Samples, from_mulaw, resampled, to_mulaw
from app.voice.local_ears import WhisperEars
from app.voice.speech_server import read_wav

PACKAGES = ("pocketsphinx-testdata", "asterisk-core-sounds-en-wav")
CACHE = Path(tempfile.gettempdir()) / "nightdesk-human-speech"
WEIGHTS = Path(tempfile.gettempdir()) / "nightdesk-speech"
SENTENCES = CACHE / "usr/share/pocketsphinx/test/data/librivox"
DIGITS = CACHE / "usr/share/asterisk/sounds/en_US_f_Allison/digits"
CODES = int(os.environ.get("HUMAN_CODES", "40"))
BETWEEN_S = 0.12
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


async def measure() -> dict[str, tuple[list[float], str]]:
    return await asyncio.to_thread(_measure)


def _measure() -> dict[str, tuple[list[float], str]]:
    _fetch()
    ears = WhisperEars(WEIGHTS)
    ears.warm()
    wide, line = [], []
    for said, samples, rate in _sentences():
        words = _words(said)
        wide.append(_wrong(words, _words(ears.words(samples, rate, "en", "").text)))
        heard = ears.words(_telephone(samples, rate), LINE_RATE, "en", "").text
        line.append(_wrong(words, _words(heard)))
    codes = [_code(ears, number) for number in range(CODES)]
    return {
        "human sentences, 16 kHz: words wrong": (_share(wide), "percent"),
        "human sentences, telephone: words wrong": (_share(line), "percent"),
        "human door codes, telephone: digits wrong": (_share(codes), "percent"),
        "human door codes, telephone: codes wrong": (
            [100 * sum(wrong > 0 for wrong, _ in codes) / len(codes)],
            "percent",
        ),
    }


def _fetch() -> None:
    if SENTENCES.exists() and DIGITS.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=CACHE, check=True)  # noqa: S607
    for package in CACHE.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(CACHE)], check=True)  # noqa: S607


def _sentences() -> list[tuple[str, Samples, int]]:
    """(what was said, samples, rate) of each."""
    found = []
    for entry in (SENTENCES / "transcription").read_text().splitlines():
        hit = re.fullmatch(r"(?:<s>)?(.*?)(?:</s>)?\s*\((\S+)\)", entry.strip())
        if hit is not None:
            samples, rate = read_wav((SENTENCES / f"{hit[2]}.wav").read_bytes())
            found.append((hit[1], samples, rate))
    return found


def _code(ears: WhisperEars, number: int) -> tuple[int, int]:
    """(digits wrong, digits) of one code, said by a person."""
    code = f"{random.Random(number).randrange(10_000):04d}"
    pause = np.zeros(int(BETWEEN_S * LINE_RATE), np.int16)
    parts = []
    for digit in code:
        samples, rate = read_wav((DIGITS / f"{digit}.wav").read_bytes())
        parts += [resampled(samples, rate, LINE_RATE), pause]
    text = ears.words(from_mulaw(to_mulaw(np.concatenate(parts))), LINE_RATE, "en", "").text
    heard = [
        str(WORDS.index(part)) if part in WORDS else part
        for part in re.findall(r"\d|[a-z]+", text.lower())
    ]
    return _wrong(list(code), heard)


def _telephone(samples: Samples, rate: int) -> Samples:
    return from_mulaw(to_mulaw(resampled(samples, rate, LINE_RATE)))


def _words(text: str) -> list[str]:
    return re.findall(
        r"[a-z']+|\d+", text.lower().replace("mr.", "mister").replace("mrs.", "missus")
    )


def _wrong(said: Sequence[str], heard: Sequence[str]) -> tuple[int, int]:
    """(insertions, deletions and substitutions at the fewest, length of what was said)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, start=1):
        before, row[0] = row[0], number
        for at, other in enumerate(heard, start=1):
            best = min(row[at] + 1, row[at - 1] + 1, before + (word != other))
            before, row[at] = row[at], best
    return row[-1], len(said)


def _share(scores: list[tuple[int, int]]) -> list[float]:
    return [100 * sum(wrong for wrong, _ in scores) / max(1, sum(of for _, of in scores))]
