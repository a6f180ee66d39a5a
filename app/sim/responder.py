"""Stands in for a language model: reads the prompt and the question, answers from what is there."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.sim.answering import answer_from
from app.sim.reading import Code, read_codes
from app.sim.routing import Route, choose_code

_CODE_NAMES = ("actioncode", "action", "code")
_SCORE_NAMES = ("score", "confidence")
_REASON_NAMES = ("reasoning", "reason", "explanation")
_COVERS_NAMES = ("coversall", "coverseverything")
_WORDS_NAMES = ("words", "quote", "text", "message")
_DEEPEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A request's messages, sorted: what the operator says, and what the guest said when."""

    prompt: str
    burst: tuple[str, ...]
    earlier: tuple[str, ...]
    is_first: bool


def respond(
    messages: Sequence[Mapping[str, Any]], response_format: Mapping[str, Any] | None
) -> str:
    """Give the reply's text: JSON where the request wants it, else words for the guest.

    Args:
        messages: as in a chat completion request.
        response_format: as in the request; `json_schema` and `json_object` are understood.
    """
    heard = hear(messages)
    if is_routing(messages, response_format):
        schema = _schema(response_format)
        route = choose_code(_codes(heard.prompt, schema), heard.burst, heard.earlier)
        return _as_json(_routed(route, schema))
    answer = answer_from(heard.prompt, heard.burst, heard.earlier, is_first=heard.is_first)
    if response_format and response_format.get("type") == "json_object":
        return _as_json({"answer": answer})
    if response_format and response_format.get("type") == "json_schema":
        schema = _schema(response_format)
        return _as_json(_filled(schema, schema, {}, answer))
    return answer


def is_routing(
    messages: Sequence[Mapping[str, Any]], response_format: Mapping[str, Any] | None
) -> bool:
    """Say whether the request asks for an action code."""
    kind = (response_format or {}).get("type")
    if kind == "json_schema":
        return _property_like(_schema(response_format), _CODE_NAMES) is not None
    if kind == "json_object":
        return bool(read_codes(hear(messages).prompt))
    return False


def hear(messages: Sequence[Mapping[str, Any]]) -> Heard:
    """Sort the messages of a request."""
    prompt: list[str] = []
    turns: list[tuple[str, str]] = []
    for message in messages:
        text = text_of(message.get("content"))
        if message.get("role") in {"system", "developer"}:
            prompt.append(text)
        elif message.get("role") in {"user", "assistant"} and text.strip():
            turns.append((str(message["role"]), text))
    while turns and turns[-1][0] == "assistant":
        turns.pop()
    cut = len(turns)
    while cut and turns[cut - 1][0] == "user":
        cut -= 1
    return Heard(
        prompt="\n".join(prompt),
        burst=tuple(text for _, text in turns[cut:]),
        earlier=tuple(text for role, text in turns[:cut] if role == "user"),
        is_first=all(role == "user" for role, _ in turns),
    )


def text_of(content: Any) -> str:
    """Give the text of a message's content, which may be a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def _schema(response_format: Mapping[str, Any] | None) -> Mapping[str, Any]:
    wrapped = (response_format or {}).get("json_schema") or {}
    schema = wrapped.get("schema")
    return schema if isinstance(schema, Mapping) else {}


def _codes(prompt: str, schema: Mapping[str, Any]) -> Sequence[Code]:
    """Give the prompt's codes that the schema allows; the schema's own where none is listed."""
    codes = read_codes(prompt)
    key = _property_like(schema, _CODE_NAMES)
    allowed = _allowed(schema, _resolved(schema, schema.get("properties", {})[key])) if key else []
    if allowed:
        codes = tuple(code for code in codes if code.name in allowed) or tuple(
            Code(name=name, description="", examples=()) for name in allowed
        )
    return codes or (Code(name="UNKNOWN", description="", examples=()),)


def _allowed(root: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    options = list(wanted.get("enum", ())) + ([wanted["const"]] if "const" in wanted else [])
    for branch in wanted.get("anyOf", ()):
        options += _allowed(root, _resolved(root, branch))
    return [option for option in options if isinstance(option, str)]


def _routed(route: Route, schema: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for names, value in (
        (_CODE_NAMES, route.code),
        (_SCORE_NAMES, route.score),
        (_REASON_NAMES, route.reasoning),
        (_COVERS_NAMES, route.covers_all),
    ):
        key = _property_like(schema, names)
        known[key or _plain_name(names)] = value
    if not schema.get("properties"):
        return known
    for key, wanted in schema["properties"].items():
        listed = _resolved(schema, wanted)
        if listed.get("type") != "array":
            continue
        if "code" in key.lower():
            known[key] = list(route.other_codes)
        elif parts := _listed(route, _resolved(schema, listed.get("items"))):
            known[key] = parts
    return dict(_filled(schema, schema, known, ""))


def _listed(route: Route, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give what the guest said part by part, where the schema has a code and words for each."""
    code, words = _property_like(wanted, _CODE_NAMES), _property_like(wanted, _WORDS_NAMES)
    if code is None or words is None:
        return []
    return [
        dict(_filled(wanted, wanted, {code: name, words: said}, said)) for name, said in route.parts
    ]


def _plain_name(names: tuple[str, ...]) -> str:
    return {"actioncode": "actionCode", "coversall": "coversAll"}.get(names[0], names[0])


def _property_like(schema: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Give the schema's own spelling of a property, `action_code` for `actioncode`."""
    bare = {re.sub(r"[^a-z]", "", key.lower()): key for key in schema.get("properties", {})}
    return next((bare[name] for name in names if name in bare), None)


def _resolved(root: Mapping[str, Any], wanted: Any) -> Mapping[str, Any]:
    """Follow `$ref` inside the schema."""
    for _ in range(_DEEPEST):
        if not isinstance(wanted, Mapping):
            return {}
        if "$ref" not in wanted:
            return wanted
        target: Any = root
        for step in str(wanted["$ref"]).removeprefix("#/").split("/"):
            target = target.get(step, {}) if isinstance(target, Mapping) else {}
        wanted = target
    return {}


def _filled(
    root: Mapping[str, Any],
    wanted: Mapping[str, Any],
    known: Mapping[str, Any],
    answer: str,
    depth: int = 0,
) -> Any:
    """Give a value that the schema accepts: what is known, the answer for text, plain defaults."""
    wanted = _resolved(root, wanted)
    kind = wanted.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if wanted.get("enum"):
        return wanted["enum"][0]
    if "const" in wanted:
        return wanted["const"]
    if wanted.get("anyOf"):
        return _filled(root, wanted["anyOf"][0], known, answer, depth + 1)
    if kind == "object" or "properties" in wanted:
        return {
            key: known[key] if key in known else _filled(root, inner, {}, answer, depth + 1)
            for key, inner in (wanted.get("properties") or {}).items()
            if depth < _DEEPEST
        }
    plain: dict[Any, Any] = {
        "number": 0.0,
        "integer": 0,
        "boolean": False,
        "array": [],
        "null": None,
    }
    return plain.get(kind, answer)


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
