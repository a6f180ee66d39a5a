"""The public door as `docs/public-door.json` describes it, driven by schemathesis."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.doors import Answer, Doors

DESCRIPTION = Path(__file__).parent.parent / "docs" / "public-door.json"
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip


def description() -> dict[str, Any]:
    """What the file says."""
    said: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return said


def described_cases() -> st.SearchStrategy[Any]:
    """Requests that keep to the description, and requests that do not."""
    schema = schemathesis.openapi.from_dict(description())
    operations = [schema[path][method] for path, method in operations_of(description())]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    return st.one_of(
        *(one.as_strategy(generation_mode=mode) for one in operations for mode in modes)
    )


def operations_of(described: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, method) of everything that is described."""
    return [(path, method) for path, methods in described["paths"].items() for method in methods]


async def case_holds(doors: Doors, case: Any, *, with_login: bool) -> Answer:
    """The door answers a described request as it says it does."""
    if with_login and "account_key" in case.path_parameters:
        case.path_parameters["account_key"] = doors.account.account_key
    asked = requests.Request(**case.as_transport_kwargs(base_url="http://desk")).prepare()
    headers = [(name, _text(value)) for name, value in asked.headers.items()]
    headers = [
        pair for pair in headers if pair[0].lower() not in ("content-length", "authorization")
    ]
    if with_login:
        headers.append(("Authorization", doors.basic))
    path, _, query = (asked.path_url or "/").partition("?")
    body: Any = asked.body or b""
    answer = await doors.ask(
        doors.public,
        asked.method or "GET",
        unquote(path),
        query=query.encode(),
        headers=headers,
        body=body.encode() if isinstance(body, str) else body,
    )
    case.validate_response(_response(asked, answer), checks=CHECKS)
    return answer


def _response(asked: requests.PreparedRequest, answer: Answer) -> Response:
    headers: dict[str, list[str]] = {}
    for name, value in answer.headers:
        headers.setdefault(name, []).append(value)
    return Response(
        status_code=answer.status, headers=headers, content=answer.body, request=asked,
        elapsed=answer.cpu_ms / 1000, verify=False,
    )  # fmt: skip


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
