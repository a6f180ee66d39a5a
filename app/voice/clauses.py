"""Streamed words become clauses, each given out at its own last character; pure.

A sentence is spoken once it is whole; the very first may end at a comma, so that sound begins
early. A full stop behind a number waits for the next word: it may be an ordinal or a decimal.
"""

import re
from collections.abc import AsyncIterable, AsyncIterator

SENTENCE_END = re.compile(r"[.!?؟…]+[\"”’)\]]*(?=\s)|(?<=[^\W\d_])[.!?؟…]+$|(?<=[\])])[.!?؟…]+$|\n")
FIRST_CLAUSE_END = re.compile(r"[,;:،؛–—](?=\s)")
FEWEST_WORDS = 4
"""A first clause shorter than this is no beginning: the voice would stop right after it."""
ABBREVIATION = re.compile(
    r"\b(?:ul|al|pl|os|nr|m|św|np|tj|godz|tel|min|str|bzw|z\.B|ca|dr|mr|mrs|ms|st|no|e\.g|i\.e|apt|[a-z])\.$",
    re.IGNORECASE,
)
"""What ends in a full stop without ending a sentence; also initials."""
ORDINAL = re.compile(r"(?<!\w)\d{1,2}\.$")
MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
    "November", "Dezember",
)  # fmt: skip
"""German months are written with a capital, so an ordinal before one ends no sentence."""


async def clauses(words: AsyncIterable[str]) -> AsyncIterator[str]:
    """Clauses of a stream of words, each with something to say; a placeholder is never cut."""
    waiting, is_first = "", True
    async for word in words:
        waiting += word
        while (end := _end_of_clause(waiting, is_first=is_first)) is not None:
            clause, waiting = waiting[:end].strip(), waiting[end:]
            if _says_something(clause):
                is_first = False
                yield clause
    if _says_something(waiting):
        yield waiting.strip()


def first_clause(text: str) -> str | None:
    """The first clause of words that are still coming; none where it has not ended yet."""
    start = 0
    while (end := _end_of_clause(text[start:], is_first=True)) is not None:
        clause = text[start : start + end].strip()
        if _says_something(clause):
            return clause
        start += end
    return None


def _end_of_clause(text: str, *, is_first: bool) -> int | None:
    """Behind which character a clause ends; none where none does yet."""
    for hit in SENTENCE_END.finditer(text):
        if hit[0] == "\n" or not _goes_on(text[: hit.end()], text[hit.end() :].lstrip()):
            return hit.end()
        if ORDINAL.search(text[: hit.end()]) and not text[hit.end() :].strip():
            return None
    if is_first:
        for hit in FIRST_CLAUSE_END.finditer(text):
            if len(text[: hit.start()].split()) >= FEWEST_WORDS:
                return hit.end()
    return None


def _goes_on(said: str, following: str) -> bool:
    """Whether a full stop ends an abbreviation or an ordinal, not a sentence."""
    if ABBREVIATION.search(said):
        return True
    if not ORDINAL.search(said):
        return False
    word = following.split(" ")[0]
    return not word or word[0].islower() or any(month.startswith(word) for month in MONTHS)


def _says_something(clause: str) -> bool:
    return any(letter.isalnum() for letter in clause)
