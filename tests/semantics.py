"""What the npm packages answered, and how far ours may differ from them: each way with its reason.

The stored answers in tests/bots/semantics come from `python -m bench.semantics --store`, which runs
the pinned packages; without it the same command tries cases that nobody has seen.
"""

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.bots.sift import compile_condition
from app.bots.template import compile_template
from app.errors import BadInput

STORED = Path(__file__).parent / "bots" / "semantics"

SIFT_REASONS = {
    "reference": "a regular expression that refers to its own groups is refused: no automaton can "
    "search for it in linear time",
    "code": "$where runs code and is refused",
    "no text": "at an object with a field `toString` that has to be ordered sift throws; ours does "
    "not where an earlier clause has settled the answer",
}
"""Differences between sift and `app.bots.sift`."""

TEMPLATE_REASONS = {
    "outside": "a template that leaves the dialect is refused when it is saved, with its place",
    "joined": "braces that would become a tag only by what EJS joins or prints are refused",
    "thrown": "where the packages threw ours answers (a missing name or member is empty, an item "
    "that is null is passed over) or refuses",
    "function": "a path that leads to a function of JavaScript is an error when it is rendered",
}
"""Differences between ejs with mustache and `app.bots.template`."""

OUTSIDE = re.compile(
    "|".join(
        (
            "a template cannot (calculate|assign)", "only if, else if and else are statements",
            "brackets are not known", "write a \\|\\| b", "write a.b", "functions are not known",
            "put texts into", "cannot be called", "includes (is asked|takes)", "no escape",
            "half a .u pair", "there is no such character", "write numbers plainly",
            "is not understood; (write if|an opening|one expression|a closing|a name|a choice|the "
            "condition|take it out)",
            "the tag ends here", "closes no (tag|if)", "follows no if", "there was an else already",
            "write } else in one tag", "nothing stands", "is not closed", "is not open",
            "is still open", "partials are not known", "delimiters cannot", "is no name",
            "a word of JavaScript", "no comment may follow", "this comment does not end",
            "before the end of its line or tag", "only names and values", "no if",
        )
    )
)  # fmt: skip
"""What is refused as outside the dialect."""


def stored(name: str) -> str:
    """The stored cases of that name, one a line."""
    return gzip.decompress((STORED / f"{name}.jsonl.gz").read_bytes()).decode()


def sift_cases(lines: str) -> Iterator[tuple[Any, Any, Any]]:
    """(condition, document, answer) of every line."""
    for line in lines.split("\n")[:-1]:
        yield tuple(json.loads(line))


def sift_difference(condition: Any, document: Any, answer: Any) -> str:
    """How ours differs from sift: `none`, one of `SIFT_REASONS`, or `!` with our answer."""
    ours: Any
    try:
        ours = compile_condition(revived(condition))(revived(document))
    except BadInput as refusal:
        ours = "refused"
        if answer != "refused":
            listed = {"reference": "not available; write out", "code": "$where runs code"}
            kinds = (kind for kind, words in listed.items() if words in str(refusal))
            return next(kinds, f"! {refusal}")
    if ours == answer:
        return "none"
    has_own_text = "toString" in json.dumps([condition, document])
    return "no text" if answer == "refused" and has_own_text else f"! {ours}"


def template_cases(lines: str) -> Iterator[tuple[str, Any, Any, str]]:
    """(template, variables, answer, how the packages came to it) of every line."""
    first, *rest = lines.split("\n")[:-1]
    views = json.loads(first)["views"]
    for line in rest:
        text, number, answer, *how = json.loads(line)
        yield text, views[number], answer, how[0] if how else "answered"


def template_difference(text: str, view: Any, answer: Any, how: str, *, is_wild: bool) -> str:
    """How ours differs: `none`, `refused by both`, one of `TEMPLATE_REASONS`, or `!` with ours."""
    try:
        template = compile_template(text)
    except BadInput as refusal:
        return _refused(str(refusal), how, is_wild=is_wild)
    try:
        ours = template.render(view)
    except BadInput as refusal:
        if how == "threw":
            return "thrown"
        return "function" if "a function of JavaScript" in str(refusal) else f"! {refusal}"
    if how == "threw":
        return "thrown"
    # half of a character beyond U+FFFF, by its number: ours prints what UTF-8 makes of it
    is_same = how != "refused" and ours == re.sub("[\ud800-\udfff]", "\ufffd", answer)
    return "none" if is_same else f"! {ours}"


def _refused(message: str, how: str, *, is_wild: bool) -> str:
    if not re.match(r"line \d+, column \d+: ", message):
        return f"! {message}"
    if how == "refused":
        return "refused by both"
    if re.search(r"would join|not read as Mustache", message):
        return "joined"
    if how == "threw":
        return "thrown"
    is_listed = OUTSIDE.search(message) is not None
    return "outside" if how == "mutated" or (is_wild and is_listed) else f"! {message}"


def revived(item: Any) -> Any:
    """A value with its dates, which stand as `{"@date": milliseconds}`."""
    if isinstance(item, list):
        return [revived(inner) for inner in item]
    if not isinstance(item, dict):
        return item
    if "@date" in item:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=item["@date"])
    return {name: revived(inner) for name, inner in item.items()}
