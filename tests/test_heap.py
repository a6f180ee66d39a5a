import gc

from app.heap import SELDOM, collect_seldom, keep_loaded


def test_the_collector_runs_seldom() -> None:
    before = gc.get_threshold()
    try:
        collect_seldom()
        assert gc.get_threshold() == SELDOM
    finally:
        gc.set_threshold(*before)


def test_what_was_loaded_is_not_looked_at_again() -> None:
    loaded = [[number] for number in range(1000)]
    before = gc.get_freeze_count()
    try:
        keep_loaded()
        assert gc.get_freeze_count() >= before + len(loaded)
        assert not any(one is loaded for one in gc.get_objects())
    finally:
        gc.unfreeze()
