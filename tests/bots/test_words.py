import asyncio
import threading

from app.bots import phrases, urgent
from app.bots.words import _loading, words_loaded


async def test_the_loop_goes_on_while_words_are_loaded_once() -> None:
    for loaded in (_loading, urgent.load_urgent_sets, phrases.load_phrase_sets):
        loaded.cache_clear()
    before = threading.active_count()
    waiting = [asyncio.ensure_future(words_loaded()) for _ in range(5)]
    turns = 0
    while not all(each.done() for each in waiting):
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    assert urgent.load_urgent_sets.cache_info().misses == 1
    assert phrases.load_phrase_sets.cache_info().misses == 1
    assert threading.active_count() <= before + 1


async def test_words_that_are_there_are_not_waited_for() -> None:
    await words_loaded()
    waiting = asyncio.ensure_future(words_loaded())
    await asyncio.sleep(0)
    assert waiting.done()
