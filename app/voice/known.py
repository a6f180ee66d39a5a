"""What is known of a caller so far, and what follows of a turn; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from app.pms.stay import Stay
from app.voice.caller import MOST_WRONG_A_DAY, MOST_WRONG_IN_A_CALL, Caller, Fact
from app.voice.spoken_dates import SpokenDate
from app.voice.strangers import Stranger

Awaiting = Literal["", "name", "code", "dates", "again", "which", "fact", "message"]
MOST_ASKED = 2
"""How often one thing is asked for in vain."""


NOBODY = Caller()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a caller so far."""

    caller: Caller = NOBODY
    awaiting: Awaiting = ""
    """What the caller was asked for."""
    is_offered: bool = False
    """Whether sending it into the booking's chat was offered."""
    pending: str = ""
    """The question that waits until we know who asks."""
    names: tuple[str, ...] = ()
    found: tuple[Stay, ...] = ()
    """Live stays of a guest so named."""
    code: str = ""
    arrival: SpokenDate | None = None
    departure: SpokenDate | None = None
    asked: int = 0
    """How often the same was asked for in vain."""
    wrong: int = 0
    """Wrong facts in this call."""
    wrong_of: Mapping[int, int] = field(default_factory=dict)
    """Reservation → wrong facts within a day, of this call and others."""
    stranger: Stranger | None = None
    has_given_up: bool = False
    """Nobody asks any more who calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A fact that a caller told, without its value."""

    fact: Fact
    is_right: bool
    reservation_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What follows of a turn, once it is confirmed."""

    before: Known
    after: Known
    says: str | None = None
    """A sentence of ours, by name; none where the mind answers."""
    question: str | None = None
    """What the mind is asked instead of the turn's own words."""
    tried: tuple[Tried, ...] = ()
    needs_person: str = ""
    """Why a person is called; empty where none is."""
    severity: Literal["low", "normal", "high"] = "normal"
    sends_access: bool = False
    """Access information is to go into the booking's own thread."""

    @property
    def is_ours(self) -> bool:
        """Whether a sentence of ours is said, and not the mind's answer."""
        return self.says is not None or self.sends_access

    @property
    def must_be_confirmed(self) -> bool:
        """Whether nothing may be said on it before the turn is surely over."""
        return bool(self.tried) or self.sends_access or self.before.caller != self.after.caller


def wrong_step(
    known: Known,
    tried: tuple[Tried, ...],
    *,
    says: str,
    awaiting: Awaiting,
    is_offered: bool = False,
) -> Step:
    """One wrong fact more; enough of them call a person."""
    wrong_of = dict(known.wrong_of)
    for number in {n for each in tried if not each.is_right for n in each.reservation_ids}:
        wrong_of[number] = wrong_of.get(number, 0) + 1
    after = replace(
        known, wrong=known.wrong + 1, wrong_of=wrong_of, awaiting=awaiting, asked=0,
        is_offered=is_offered,
    )  # fmt: skip
    is_enough = after.wrong >= MOST_WRONG_IN_A_CALL or any(
        count >= MOST_WRONG_A_DAY for count in wrong_of.values()
    )
    if not is_enough:
        return Step(before=known, after=after, tried=tried, says=says)
    after = replace(
        after, caller=replace(known.caller, is_barred=True), awaiting="", is_offered=False,
        has_given_up=True,
    )  # fmt: skip
    return Step(
        before=known, after=after, tried=tried, says="voice_not_proven",
        needs_person="the caller told too many wrong facts of the booking",
    )  # fmt: skip
