import pytest

from app.bots.effort import Effort
from app.errors import BadInput


def test_what_is_spent_is_gone_until_the_next_evaluation_begins() -> None:
    effort = Effort(10, "it takes too long")
    effort.spend(10)
    with pytest.raises(BadInput, match="it takes too long"):
        effort.spend(1)
    effort.begin()
    effort.spend(10)
