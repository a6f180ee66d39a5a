"""What is loaded once and stays for good, kept out of the garbage collector's way.

A full collection walks every object there is, in the loop: over modules and phrase sets it took up
to 185 ms, in which no webhook was answered and no call heard.
"""

import gc

SELDOM = (5000, 10, 50)
"""New objects before a young collection, and of these before an older one: what lives long is kept
by name and ends by count of its references; cycles are few."""


def collect_seldom() -> None:
    """Have the collector run less often than it would; once, at start."""
    gc.set_threshold(*SELDOM)


def keep_loaded() -> None:
    """Never look again at what is in memory now; for whoever has just loaded something large."""
    gc.freeze()
