"""How much work one evaluation may make; pure, counted and never timed: the same twice.

A condition or template that compiled may still meet a document that makes it long. What loops over
such a document spends from the budget of its evaluation, and is refused once that is gone: the loop
of the process is never held up.
"""

from app.errors import BadInput


class Effort:
    """The budget of one evaluation at a time."""

    __slots__ = ("_left", "_most", "_refusal")

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._left = most
        self._refusal = refusal

    def begin(self) -> None:
        """A new evaluation starts with a full budget."""
        self._left = self._most

    def spend(self, units: int) -> None:
        """Take from the budget.

        Raises:
            BadInput: nothing is left.
        """
        self._left -= units
        if self._left < 0:
            raise BadInput(self._refusal)
