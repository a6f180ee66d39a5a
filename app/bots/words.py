"""What tells words apart (phrase sets, languages), loaded once, in a thread.

Whoever looks for phrases awaits `words_loaded` first: reading them takes most of a second, and in
the loop everybody else would wait as long. Before a process has them, events are stored and threads
fetched, nothing more.
"""

import asyncio
import functools
from concurrent.futures import Future, ThreadPoolExecutor

from app.bots.language import load_language_model
from app.bots.phrases import load_phrase_sets
from app.bots.urgent import load_urgent_sets
from app.heap import keep_loaded


async def words_loaded() -> None:
    """Come back when phrases and languages can be told."""
    loading = _loading()
    if not loading.done():
        await asyncio.wrap_future(loading)
    loading.result()


@functools.cache
def _loading() -> "Future[None]":
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="words")
    loading = executor.submit(_load)
    executor.shutdown(wait=False)
    return loading


def _load() -> None:
    load_urgent_sets()
    load_phrase_sets()
    load_language_model()
    keep_loaded()
