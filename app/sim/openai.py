"""An OpenAI-compatible chat completions server on loopback, with a responder instead of a model.

Mounted at `/openai/v1`. Speech endpoints of the same API may stand beside these routes.
"""

import asyncio
import json
import math
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from app.sim.hostile import worst_reply
from app.sim.openai_faults import Fault, FaultRefused, Faults, spoil
from app.sim.responder import is_routing, respond, text_of

FINGERPRINT = "nightdesk-sim"
"""The `system_fingerprint` of every response: nobody need take the stand-in for a model."""

MODELS = ("nightdesk-sim-large", "nightdesk-sim-small")
"""What `GET /models` lists; any other name is served and echoed as well."""

_TOKEN = re.compile(r"\S+\s*|\s+")
_LETTERS_PER_TOKEN = 4
_FORMATS = ("text", "json_object", "json_schema")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the stand-in speaks when no fault says otherwise."""

    first_token_s: float = 0.0
    tokens_per_second: float = 0.0
    """0 for as fast as they go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What will be said to one request, and how."""

    id: str
    created: int
    model: str
    tokens: tuple[str, ...]
    finish_reason: str
    usage: dict[str, int]
    fault: Fault
    pace: Pace

    @property
    def text(self) -> str:
        return "".join(self.tokens)


class _Refused(Exception):
    """A request that the API answers with an error object."""

    def __init__(self, status: int, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param


def routes(*, pace: Pace | None = None, faults: Faults | None = None) -> list[BaseRoute]:
    """Give the routes of one stand-in, to be mounted at `/openai/v1`.

    Args:
        pace: how fast it speaks; at once without it.
        faults: to set faults from inside the process; `POST /_faults` works either way.
    """
    model = _ModelStandIn(pace or Pace(), faults or Faults())
    return [
        Route("/chat/completions", model.complete, methods=["POST"]),
        Route("/models", model.list_models, methods=["GET"]),
        Route("/models/{name:path}", model.show_model, methods=["GET"]),
        Route("/_faults", model.set_fault, methods=["POST"]),
        Route("/_faults", model.show_faults, methods=["GET"]),
        Route("/_faults", model.clear_faults, methods=["DELETE"]),
    ]


class _ModelStandIn:
    """Answers the requests of one mounted stand-in."""

    def __init__(self, pace: Pace, faults: Faults) -> None:
        self._pace = pace
        self._faults = faults

    async def complete(self, request: Request) -> Response:
        try:
            asked = await _read_request(request)
        except _Refused as refused:
            return _error(refused.status, refused.message, param=refused.param)
        routing = is_routing(asked["messages"], asked.get("response_format"))
        fault = self._faults.meet(is_routing=routing)
        if fault.status:
            headers = {"retry-after": f"{fault.retry_after_s:g}"} if fault.retry_after_s else {}
            return _error(fault.status, "The stand-in was told to fail.", headers=headers)
        reply = _compose(asked, fault, self._pace)
        is_cut = fault.cut_after_tokens >= 0
        if asked.get("stream"):
            options = asked.get("stream_options") or {}
            events = _events(reply, with_usage=bool(options.get("include_usage")))
            return _Spoken(events, "text/event-stream", is_cut=is_cut)
        return _Spoken(_whole(reply), "application/json", is_cut=is_cut)

    async def list_models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_model(name) for name in MODELS]})

    async def show_model(self, request: Request) -> Response:
        return JSONResponse(_model(request.path_params["name"]))

    async def set_fault(self, request: Request) -> Response:
        try:
            wanted = await request.json()
            if not isinstance(wanted, dict):
                return _error(400, "A fault is a JSON object.")
            fault = self._faults.put(wanted)
        except (json.JSONDecodeError, UnicodeDecodeError):
            return _error(400, "The body is no JSON.")
        except FaultRefused as exc:
            return _error(400, str(exc))
        return JSONResponse(asdict(fault), status_code=201)

    async def show_faults(self, request: Request) -> Response:
        return JSONResponse([asdict(fault) for fault in self._faults.current()])

    async def clear_faults(self, request: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)


class _Spoken(Response):
    """A body that comes piece by piece, ends when the listener leaves, and may be cut off."""

    def __init__(self, pieces: AsyncIterator[bytes], media_type: str, *, is_cut: bool) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._pieces = pieces
        self._is_cut = is_cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        speaking = asyncio.create_task(self._speak(send))
        leaving = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({speaking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            speaking.cancel()
            await asyncio.gather(speaking, leaving, return_exceptions=True)

    async def _speak(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        is_started = False
        async for piece in self._pieces:
            if not is_started:
                await send(start)
                is_started = True
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if not self._is_cut:
            await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_request(request: Request) -> dict[str, Any]:
    if not request.headers.get("authorization", "").removeprefix("Bearer").strip():
        raise _Refused(401, "You didn't provide an API key.")
    try:
        asked = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as exc:
        raise _Refused(400, "We could not parse the JSON body of your request.") from exc
    if not isinstance(asked, dict) or not isinstance(asked.get("model"), str):
        raise _Refused(400, "you must provide a model parameter", param="model")
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _Refused(400, "Missing required parameter: 'messages'.", param="messages")
    if not all(isinstance(one, dict) and isinstance(one.get("role"), str) for one in messages):
        raise _Refused(400, "Every message needs a role.", param="messages")
    wanted = asked.get("response_format")
    if wanted is not None and not (isinstance(wanted, dict) and wanted.get("type") in _FORMATS):
        raise _Refused(400, "Invalid response_format.", param="response_format")
    return asked


def _compose(asked: Mapping[str, Any], fault: Fault, pace: Pace) -> _Reply:
    response_format = asked.get("response_format")
    is_json = response_format is not None and response_format["type"] != "text"
    answer = worst_reply if fault.hostile else respond
    text = spoil(answer(asked["messages"], response_format), fault, is_json=is_json)
    if fault.refusal:
        text = "I'm sorry, I can't assist with that request."
    tokens = tuple(_TOKEN.findall(text))
    most = asked.get("max_completion_tokens") or asked.get("max_tokens")
    is_short = isinstance(most, int) and len(tokens) > most
    prompt = sum(_tokens_in(text_of(one.get("content"))) + 4 for one in asked["messages"])
    said = sum(_tokens_in(token) for token in (tokens[:most] if is_short else tokens))
    return _Reply(
        id=f"chatcmpl-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=asked["model"],
        tokens=tokens[:most] if is_short else tokens,
        finish_reason="length" if is_short else "stop",
        usage={
            "prompt_tokens": prompt,
            "completion_tokens": said,
            "total_tokens": prompt + said,
        },
        fault=fault,
        pace=Pace(
            first_token_s=fault.first_token_s or pace.first_token_s,
            tokens_per_second=fault.tokens_per_second or pace.tokens_per_second,
        ),
    )


async def _whole(reply: _Reply) -> AsyncIterator[bytes]:
    """Give the body of a reply that is not streamed, half of it when it is cut."""
    drip = reply.pace.tokens_per_second
    await asyncio.sleep(reply.pace.first_token_s + (len(reply.tokens) / drip if drip else 0.0))
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.fault.refusal:
        message |= {"content": None, "refusal": reply.text}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": reply.finish_reason,
    }
    whole = _head(reply, "chat.completion") | {"choices": [choice], "usage": reply.usage}
    body = json.dumps(whole, ensure_ascii=False).encode()
    yield body[: len(body) // 2] if reply.fault.cut_after_tokens >= 0 else body


async def _events(reply: _Reply, *, with_usage: bool) -> AsyncIterator[bytes]:
    """Give the stream as server-sent events; a cut one has no end mark."""
    async for chunk in _chunks(reply, with_usage=with_usage):
        yield f"data: {chunk}\n\n".encode()
    if reply.fault.cut_after_tokens < 0:
        yield b"data: [DONE]\n\n"


async def _chunks(reply: _Reply, *, with_usage: bool) -> AsyncIterator[str]:
    """Give the chunks of a stream as JSON: a role, the tokens, the end, the usage if asked."""
    key = "refusal" if reply.fault.refusal else "content"
    await asyncio.sleep(reply.pace.first_token_s)
    yield _chunk(reply, {"role": "assistant", key: ""}, with_usage=with_usage)
    for at, token in enumerate(reply.tokens):
        if at == reply.fault.cut_after_tokens:
            return
        if at and reply.pace.tokens_per_second:
            await asyncio.sleep(1 / reply.pace.tokens_per_second)
        yield _chunk(reply, {key: token}, with_usage=with_usage)
    if reply.fault.cut_after_tokens >= 0:
        return
    yield _chunk(reply, {}, with_usage=with_usage, finish_reason=reply.finish_reason)
    if with_usage:
        last = _head(reply, "chat.completion.chunk") | {"choices": [], "usage": reply.usage}
        yield json.dumps(last, ensure_ascii=False)


def _chunk(
    reply: _Reply, delta: dict[str, Any], *, with_usage: bool, finish_reason: str | None = None
) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    chunk = _head(reply, "chat.completion.chunk") | {"choices": [choice]}
    if with_usage:
        chunk["usage"] = None
    return json.dumps(chunk, ensure_ascii=False)


def _head(reply: _Reply, kind: str) -> dict[str, Any]:
    return {
        "id": reply.id,
        "object": kind,
        "created": reply.created,
        "model": reply.model,
        "system_fingerprint": FINGERPRINT,
    }


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": FINGERPRINT}


def _tokens_in(text: str) -> int:
    return math.ceil(len(text) / _LETTERS_PER_TOKEN)


def _error(
    status: int,
    message: str,
    *,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    kinds = {401: "authentication_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    codes = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
    error = {"message": message, "type": kind, "param": param, "code": codes.get(status)}
    return JSONResponse({"error": error}, status_code=status, headers=dict(headers or {}))
