"""What must hold of every input, generated or named: used by the tests and by `bench/fuzz.py`."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson

from app.bots.channel_texts import is_of_a_machine
from app.bots.language import choose_language
from app.bots.llm import ModelError
from app.bots.nonsense import refuse_nonsense
from app.bots.phrases import load_phrase_sets, match_intent, refuses_robot, retracts, wants_human
from app.bots.rules import ruling
from app.bots.sift import compile_condition
from app.bots.template import compile_template
from app.bots.urgent import find_urgent
from app.chat.altered import likeness
from app.chat.ways import holds_forbidden, shortened
from app.errors import BadInput
from app.pms.gated import check, cut_codes
from app.pms.incoming import read_json
from app.pms.records import parse_listing, parse_message, parse_reservation
from app.settings import Section, load_settings
from app.tenants import Tenants
from tests.doors import Answer
from tests.make import NOON, make_question, make_stay

PLACED = re.compile(r"line \d+, column \d+: \S")
SAID = re.compile(r"\S+")


def tried(call: Callable[[], Any]) -> tuple[Any, str]:
    """(what it gave, "") or (none, how it was refused)."""
    try:
        return call(), ""
    except BadInput as exc:
        return None, str(exc) or "refused without a word"


def template_holds(text: str, variables: Mapping[str, Any]) -> bool:
    """A template compiles or is refused with its place; rendering gives text or our own error."""
    template, refusal = tried(lambda: compile_template(text))
    if template is None:
        assert PLACED.match(refusal), refusal
        return False
    rendered, refusal = tried(lambda: template.render(variables))
    assert isinstance(rendered, str) or SAID.match(refusal), refusal
    return True


def condition_holds(condition: Any, document: Mapping[str, Any]) -> bool:
    """A condition compiles or is refused in words; matching gives a truth or our own error."""
    matches, refusal = tried(lambda: compile_condition(condition))
    if matches is None:
        assert len(refusal) < 500, refusal
        return False
    matched, refusal = tried(lambda: matches(document))
    assert isinstance(matched, bool) or refusal.startswith("document: "), refusal
    return True


def event_holds(raw: bytes, answer: Answer) -> bool:
    """An event that can be read is kept, or acknowledged and left; only the others are refused."""
    assert answer.status in (200, 400, 403), answer
    assert answer.is_ours, answer
    event, _ = tried(lambda: read_json(raw))
    if isinstance(event, dict) and b"[[[[[[[[" not in raw:
        assert answer.status != 400, answer
    return answer.status == 200


def row_holds(kind: str, row: Any) -> bool:
    """A row is read or refused; what was read can be kept, and a stay can be lived with it."""
    row = read_json(json.dumps(row).encode("utf-8", "surrogatepass"))
    if not isinstance(row, dict):
        return False
    try:
        if kind == "message":
            message = parse_message(row)
            assert "\x00" not in message.text
            message.text.encode()
            return True
        if kind == "listing":
            stay = make_stay(listing=parse_listing(row, {}, as_of=NOON))
            fields = stay.listing.fields
        else:
            reservation = parse_reservation(row, {}, as_of=NOON)
            stay = make_stay(reservation=reservation)
            fields = reservation.fields
    except BadInput:
        return False
    orjson.dumps(dict(fields))
    orjson.dumps(stay.snapshot())
    assert "\x00" not in str(stay.variables())
    template_holds("{{listing.name}} {{checkInTimeStart}} {{accessSentence}}", stay.variables())
    condition_holds({"listing.name": {"$regex": "a+b"}, "nights": {"$gte": 2}}, stay.mapping())
    return True


def environment_holds(environment: Mapping[str, str]) -> bool:
    """An environment gives settings that can be used, or is refused by a name."""
    settings, refusal = tried(lambda: load_settings(None, environment))
    if settings is None:
        assert SAID.match(refusal), refusal
        return False
    _usable(settings)
    return True


def overrides_hold(tenants: Tenants, overrides: Mapping[str, Any]) -> bool:
    """A tenant's own values give settings that can be used and kept, or are refused by name."""
    settings, refusal = tried(lambda: tenants.settings_with(overrides))
    if settings is None:
        assert refusal.startswith("settings (tenant): "), refusal
        return False
    _usable(settings)
    return True


def _usable(section: Section) -> None:
    """Every length of time can be reckoned with from now."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            _usable(value)
        elif name.endswith("_s"):
            assert NOON + timedelta(seconds=value) > NOON - timedelta(seconds=value) or value == 0
        elif name.endswith(("_days", "_min", "hours_before_arrival")):
            days = timedelta(days=value)
            assert NOON - days <= NOON


def words_hold(text: str) -> bool:
    """Whatever a guest writes is judged without breaking anything."""
    sets = load_phrase_sets()
    find_urgent(text, country_code="PL")
    match_intent(text, sets)
    refuses_robot(text)
    wants_human(text)
    retracts(text)
    is_of_a_machine(text)
    ruling(make_question(text), "en")
    likeness(text, "Check-in is from 15:00, and the parking is behind the house.")
    likeness(text, text[::-1])
    choose_language((text,), locale=None, before=None, supported=("en", "pl"), default="en")
    masked = make_stay().mask(text)
    cut_codes(masked, prefix="unknown")
    return True


def answer_holds(text: str) -> bool:
    """Whatever a model says passes every check or is refused by our own error."""
    try:
        check(text, frozenset({"door_code"}))
        refuse_nonsense(text, "en")
    except (BadInput, ModelError):
        return False
    holds_forbidden(text)
    shortened(text, 140)
    return True
