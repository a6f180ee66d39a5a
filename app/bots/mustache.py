"""Fills the inner layer of a template, Mustache, with variables; pure.

It follows mustache.js 4.2.0 without HTML escaping. Partials and other delimiters are refused,
lambdas do not exist, and an item of a list that is null is passed over where mustache.js throws.

Rendered here and not by `chevron`, which is unlike mustache.js where it matters: it prints
Python's `True` and `1.0` and hides `[]`, `''` and `None` alike, reads attributes of Python
objects (`{{name.__class__}}`), escapes `{{x}}` always, keeps its line count in a global, cannot
render printed values unparsed, and its errors know no column.

Source: mustache.js 4.2.0, measured by `bench/semantics/template`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from app.bots.effort import Effort
from app.bots.javascript import UNDEFINED, is_truthy, length_of, refuse_function, text_of
from app.bots.mustache_layout import Part, Section, Variable
from app.bots.position import excerpt, place
from app.errors import BadInput

SECTION_EFFORT: Final = 10
"""What one turn of a section counts as, in characters."""
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def fill(
    parts: Sequence[Part],
    variables: Mapping[str, Any],
    printed: Sequence[str],
    whole: str,
    *,
    most: int,
) -> str:
    """The finished text; `printed` are the solid parts of the printed values, in order.

    Raises:
        BadInput: a variable that is printed holds no JSON value, or the text would have more than
            `most` characters; every part counts as one, however short.
    """
    hint = f"the text grows past {most} characters; print shorter values, or shorter lists"
    pieces: list[str] = []
    _fill(parts, [variables], _Page(pieces, printed, whole, Effort(most, hint)))
    return "".join(pieces)


def look_up(name: str, views: Sequence[Any]) -> Any:
    """The value of `name` in the innermost of `views` that has it; `UNDEFINED` if none does.

    Raises:
        BadInput: JavaScript has a function there.
    """
    if name == ".":
        return views[-1]
    path = name.split(".") if name.find(".") > 0 else None
    for view in reversed(views):
        if path is None:
            value = UNDEFINED if isinstance(view, str) else _own(view, name)
        else:
            value = _at(view, path)
        if value is not UNDEFINED:
            return value
    return UNDEFINED


def _at(value: Any, path: Sequence[str]) -> Any:
    *through, last = path
    for part in through:
        found = _own(value, part)
        if found is UNDEFINED:
            refuse_function(value, part)
        value = found
    return _own(value, last)


class _Page(NamedTuple):
    pieces: list[str]
    printed: Sequence[str]
    whole: str
    effort: Effort


def _fill(parts: Sequence[Part], views: list[Any], page: _Page) -> None:
    for part in parts:
        if isinstance(part, Section):
            page.effort.spend(SECTION_EFFORT)
            _fill_section(part, views, page)
            continue
        if isinstance(part, str):
            piece = part
        elif isinstance(part, Variable):
            piece = _text_at(part, views, page.whole)
        else:
            piece = page.printed[part]
        page.effort.spend(len(piece) + 1)
        page.pieces.append(piece)


def _fill_section(section: Section, views: list[Any], page: _Page) -> None:
    value = _value_of(section, views, page.whole)
    is_list = isinstance(value, list | tuple)
    if section.is_inverted:
        if not is_truthy(value) or (is_list and not value):
            _fill(section.parts, views, page)
    elif is_list:
        page.effort.spend(len(value))
        for item in value:
            _fill(section.parts, [*views, item], page)
    elif value is True:
        _fill(section.parts, views, page)
    elif is_truthy(value):
        _fill(section.parts, [*views, value], page)


def _text_at(variable: Variable, views: list[Any], whole: str) -> str:
    value = _value_of(variable, views, whole)
    if isinstance(value, str):
        return value
    try:
        return text_of(value)
    except BadInput as exc:
        raise _placed(exc, variable, whole) from exc


def _value_of(part: Variable | Section, views: list[Any], whole: str) -> Any:
    try:
        return look_up(part.name, views)
    except BadInput as exc:
        raise _placed(exc, part, whole) from exc


def _placed(error: BadInput, part: Variable | Section, whole: str) -> BadInput:
    return BadInput(f"{place(whole, part.offset)}: {excerpt(part.name)}: {error}")


def _own(value: Any, name: str) -> Any:
    """What `value` itself holds under `name`; texts and lists hold a length and numbered items."""
    if isinstance(value, dict | Mapping):
        return value.get(name, UNDEFINED)
    if not isinstance(value, str | list | tuple):
        return UNDEFINED
    if name == "length":
        return length_of(value)
    is_index = name.isascii() and name.isdigit() and (name == "0" or name[0] != "0")
    if not is_index or len(name) > len(str(len(value) * 2)):
        if not isinstance(value, str):
            refuse_function(value, name)
        return UNDEFINED
    return _item(value, int(name))


def _item(value: str | list[Any] | tuple[Any, ...], index: int) -> Any:
    if not isinstance(value, str):
        return value[index] if index < len(value) else UNDEFINED
    units = value[: index + 1].encode("utf-16-le", "surrogatepass")[2 * index : 2 * index + 2]
    if not units:
        return UNDEFINED
    unit = chr(int.from_bytes(units, "little"))
    return _REPLACEMENT if "\ud800" <= unit <= "\udfff" else unit
