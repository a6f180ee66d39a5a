"""One question to the mind, on its way to being said or forgotten."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from app.bots.answer import Answering
from app.errors import BadInput
from app.pms.gated import check
from app.voice.bare import bare
from app.voice.clauses import first_clause
from app.voice.escalation import Prepared
from app.voice.known import Step
from app.voice.stages import Stages
from app.voice.transcript import Said


@dataclass(slots=True, eq=False)
class Thought:
    """One question to the mind, on its way to being said or forgotten."""

    asked: str
    answering: Answering | None = None
    is_confirmed: bool = False
    is_said: bool = False
    """The mind has no more words for it."""
    is_heard: bool = False
    """The caller has heard it, or its beginning."""
    is_concluded: bool = False
    given_up: str = ""
    """Why a person was called instead: the mind failed, or was too slow."""
    step: Step | None = None
    """What it tells of who is calling."""
    prepared: Prepared | None = None
    """What was said without asking the mind."""
    words: list[str] = field(default_factory=list)
    """What was given to the voice, clause by clause."""
    stages: Stages = field(default_factory=Stages)
    decision_id: int | None = None
    """None until it is written, and where nothing was decided."""
    turns: list[Said] = field(default_factory=list)
    """The caller's turn that asked, and ours that answered."""

    @property
    def question(self) -> str:
        """What the mind is asked: an earlier turn, where that waited to know who calls."""
        return (self.step.question if self.step else None) or self.asked

    def is_of(self, asked: str | None) -> bool:
        """Whether this was thought of those words."""
        return asked is not None and bare(self.asked) == bare(asked)

    def may_be(self, heard: str) -> bool:
        """Whether what was heard is how this answer begins."""
        return bool(bare(heard)) and bare("".join(self.words)).startswith(bare(heard))


class Foreseeing:
    """Finds the first clause of words that come before their route."""

    def __init__(self, answering: Answering, tell: Callable[[str], None]) -> None:
        self._answering = answering
        self._tell = tell
        self._has_told = False

    def __call__(self, words: str) -> None:
        """More words came; `words` is all of them."""
        if self._has_told or (clause := first_clause(words)) is None:
            return
        self._has_told = True
        with contextlib.suppress(BadInput):
            check(clause, allowed(self._answering))
            self._tell(clause)


def allowed(answering: Answering) -> frozenset[str]:
    """The placeholders that an answer may carry."""
    stay = answering.question.stay
    return frozenset(stay.deliverable) if stay else frozenset()
