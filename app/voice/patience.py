"""Nobody waits in silence for the mind: a filler while it is slow, an end when it is too slow."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from app.background import Background
from app.errors import ProductError

FILLERS = ("voice_moment", "voice_still_looking")
FILLER_EVERY_S = 3.0
"""From one filler to the next; each takes about a second to say."""


class TooSlow(ProductError):
    """No words came in time."""


async def patiently(
    clauses: AsyncGenerator[str, None],
    *,
    fillers: Sequence[str],
    filler_after_s: float,
    within_s: float,
    background: Background,
) -> AsyncGenerator[str, None]:
    """Clauses as they come; before the first one, fillers in their order where it is slow.

    Raises (while iterating):
        TooSlow: the next clause did not come within so many seconds.
    """
    left, has_begun = list(fillers), False
    async with aclosing(clauses):
        while True:
            coming = background.spawn("next clause", _next(clauses))
            try:
                waited_s = 0.0
                while True:
                    until_s = within_s
                    if left and not has_begun:
                        first_s = filler_after_s if len(left) == len(fillers) else FILLER_EVERY_S
                        until_s = min(within_s, waited_s + first_s)
                    await asyncio.wait([coming], timeout=until_s - waited_s)
                    waited_s = until_s
                    if coming.done():
                        break
                    if waited_s >= within_s:
                        raise TooSlow("the mind was too slow")
                    yield left.pop(0)
            finally:
                coming.cancel()
                await asyncio.wait([coming])
            clause = coming.result()
            if clause is None:
                return
            has_begun = True
            yield clause


async def _next(clauses: AsyncGenerator[str, None]) -> str | None:
    return await anext(clauses, None)
