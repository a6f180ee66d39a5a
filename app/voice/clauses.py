"""Streamed words become clauses, each given out at its own last character; pure.

A sentence is spoken once it is whole; the very first may end at a comma, so that sound begins
early.
"""

import re
from collections.abc import AsyncIterable, AsyncIterator

SENTENCE_END = re.compile(r"[.!?؟…](?=[\"”’)\]]*(?:\s|$))|\n")
FIRST_CLAUSE_END = re.compile(r"[,;:،؛–—](?=\s|$)")
FEWEST_WORDS = 4
"""A first clause shorter than this is no beginning: the voice would stop right after it."""
ABBREVIATIONS = re.compile(
    r"(?:\b(?:ul|al|pl|os|nr|m|św|np|tj|godz|tel|min|Str|Nr|bzw|z\.B|ca|Dr|Mr|Mrs|Ms|St|No|e\.g|i\.e|apt)"
    r"|(?<!\w)\d{1,2}|\b[A-Z])\.$",
    re.IGNORECASE,
)
"""What ends in a full stop without ending a sentence: abbreviations, ordinals, initials."""


async def clauses(words: AsyncIterable[str]) -> AsyncIterator[str]:
    """Clauses of a stream of words, none of them empty; a placeholder is never cut."""
    waiting, is_first = "", True
    async for word in words:
        waiting += word
        while (end := _end_of_clause(waiting, is_first=is_first)) is not None:
            clause, waiting = waiting[:end].strip(), waiting[end:]
            if clause:
                is_first = False
                yield clause
    if waiting.strip():
        yield waiting.strip()


def _end_of_clause(text: str, *, is_first: bool) -> int | None:
    """Behind which character a clause ends; none where none does yet."""
    for hit in SENTENCE_END.finditer(text):
        if hit[0] == "\n" or not ABBREVIATIONS.search(text[: hit.end()]):
            return hit.end()
    if is_first:
        for hit in FIRST_CLAUSE_END.finditer(text):
            if len(text[: hit.start()].split()) >= FEWEST_WORDS:
                return hit.end()
    return None
