"""Urgent and fact phrases scored on a folder of sentences: `python -m bench.phrases FOLDER`.

A folder holds `urgent_{en,pl,de,ar}.toml` (kind -> one sentence a line, `none` is not urgent) and
`facts_{en,pl,de,ar}.toml` (action code -> one sentence a line, `left_alone` must not be answered).
"""

import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.bots.phrase_patterns import phrase_lines
from app.bots.phrases import LANGUAGES, load_phrase_sets, match_intent
from app.bots.urgent import CRITICAL_KINDS, find_urgent

NOTHING = ("none", "left_alone")
"""What is expected where nothing may be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One sentence, what it should be taken for, and what it was taken for."""

    language: str
    expected: str
    found: str | None
    sentence: str


def urgent_answers(folder: Path) -> list[Answer]:
    """Every urgent sentence of a folder, with the kind that was found."""
    return [
        Answer(
            language=language,
            expected=kind,
            found=urgent.kind if (urgent := find_urgent(line, country_code=None)) else None,
            sentence=line,
        )
        for language, kind, line in _sentences(folder, "urgent")
    ]


def fact_answers(folder: Path) -> list[Answer]:
    """Every fact sentence of a folder, with the code that would be answered from facts."""
    sets = load_phrase_sets()
    answers = []
    for language, code, line in _sentences(folder, "facts"):
        match = match_intent(line, sets)
        is_acted_on = match is not None and match.is_certain and match.covers_all
        found = match.action_code if match and is_acted_on else None
        answers.append(Answer(language=language, expected=code, found=found, sentence=line))
    return answers


def recall(answers: Iterable[Answer]) -> float:
    """Share of what should be found of which something was."""
    wanted = [a for a in answers if a.expected not in NOTHING]
    return sum(a.found is not None for a in wanted) / max(1, len(wanted))


def precision(answers: Iterable[Answer], *, same: bool = False) -> float:
    """Share of what was found that should have been; `same`: and as just that kind or code."""
    found = [a for a in answers if a.found is not None]
    right = [a for a in found if (a.found == a.expected if same else a.expected not in NOTHING)]
    return len(right) / max(1, len(found))


def confused(answers: Iterable[Answer]) -> list[Answer]:
    """Emergencies found as a kind of another severity."""
    return [
        a
        for a in answers
        if a.found
        and a.expected not in NOTHING
        and (a.found in CRITICAL_KINDS) != (a.expected in CRITICAL_KINDS)
    ]


def _sentences(folder: Path, topic: str) -> Iterator[tuple[str, str, str]]:
    for language in LANGUAGES:
        path = folder / f"{topic}_{language}.toml"
        blocks = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        for name, block in blocks.items():
            yield from ((language, name, line) for line in phrase_lines(block))


def _show_urgent(answers: list[Answer]) -> None:
    for title, group in _by_language(answers):
        kinds = Counter(a.expected for a in group)
        by_kind = ", ".join(
            f"{kind} {recall(a for a in group if a.expected == kind):.2f}"
            for kind in kinds
            if kind not in NOTHING
        )
        print(
            f"urgent {title}: n={len(group)}, recall {recall(group):.3f}, "
            f"precision {precision(group):.3f}, other severity {len(confused(group))}"
        )
        print(f"    recall by kind: {by_kind}")
    for a in answers:
        if (a.found is None) != (a.expected in NOTHING):
            print(f"  {a.language} {a.expected} taken for {a.found or 'nothing'}: {a.sentence}")
    for a in confused(answers):
        print(f"  {a.language} {a.expected} taken for {a.found}: {a.sentence}")


def _show_facts(answers: list[Answer]) -> None:
    for title, group in _by_language(answers):
        codes = Counter(a.expected for a in group)
        by_code = ", ".join(
            f"{code} {_coverage(a for a in group if a.expected == code):.2f}"
            for code in codes
            if code not in NOTHING
        )
        print(
            f"facts {title}: n={len(group)}, precision {precision(group, same=True):.3f}, "
            f"coverage {_coverage(group):.3f}"
        )
        print(f"    coverage by code: {by_code}")
    for a in answers:
        if a.found != a.expected and not (a.found is None and a.expected in NOTHING):
            print(f"  {a.language} {a.expected} taken for {a.found or 'nothing'}: {a.sentence}")


def _coverage(answers: Iterable[Answer]) -> float:
    wanted = [a for a in answers if a.expected not in NOTHING]
    return sum(a.found == a.expected for a in wanted) / max(1, len(wanted))


def _by_language(answers: list[Answer]) -> Iterator[tuple[str, list[Answer]]]:
    for language in LANGUAGES:
        if group := [a for a in answers if a.language == language]:
            yield language, group
    yield "all", answers


def main() -> None:
    """The scores of the folder named on the command line."""
    folder = Path(sys.argv[1])
    for answers, show in (
        (urgent_answers(folder), _show_urgent),
        (fact_answers(folder), _show_facts),
    ):
        if answers:
            show(answers)


if __name__ == "__main__":
    main()
