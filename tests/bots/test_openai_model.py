import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route

from app.bots.llm import LateModel, Messages, ModelError
from app.bots.openai_model import OpenAiModel
from app.settings import LlmSettings
from app.sim.openai import routes
from app.sim.openai_faults import Faults

ANSWERING: Messages = (
    {"role": "system", "content": "Answer the guest briefly.\nCheck-in: from 15:00\n"},
    {"role": "user", "content": "What time is check-in?"},
)
ROUTING: Messages = (
    {"role": "system", "content": "- ARRIVAL_HOUR: when check-in is possible\n- PERSON: broken\n"},
    {"role": "user", "content": "What time is check-in?"},
)
CODES = ("ARRIVAL_HOUR", "PERSON")


class Server:
    """The model stand-in on a port of its own, and the product's client of it."""

    def __init__(self, base_url: str, faults: Faults) -> None:
        self.settings = LlmSettings(base_url=base_url, timeout_s=1, temperature=0.5)
        self.faults = faults
        self.model = OpenAiModel("process-key")

    async def words(self) -> tuple[str, Any]:
        stream = self.model.stream(ANSWERING, "small", self.settings, None)
        return "".join([word async for word in stream.words]), stream.call

    async def route(self, codes: tuple[str, ...] = CODES) -> Any:
        return await self.model.classify(ROUTING, codes, self.settings, None)


@contextlib.asynccontextmanager
async def serving_models(app: Starlette, faults: Faults) -> AsyncIterator[Server]:
    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.ensure_future(running.serve(sockets=[listening]))
    opened = Server(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", faults)
    yield opened
    await opened.model.close()
    running.should_exit = True
    await serving


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    faults = Faults()
    app = Starlette(routes=[Mount("/v1", routes=routes(faults=faults))])
    async with serving_models(app, faults) as opened:
        yield opened


async def test_a_route_comes_with_the_call_that_can_be_made_again(server: Server) -> None:
    route, call = await server.route()
    assert route.actionCode == "ARRIVAL_HOUR"
    assert (call.purpose, call.model, call.messages) == ("route", "gpt-4.1", ROUTING)
    assert call.parameters["temperature"] == 0.5
    schema = call.parameters["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["actionCode"]["enum"] == list(CODES)
    assert route.actionCode in call.raw_output


async def test_words_come_one_after_the_other_and_are_kept(server: Server) -> None:
    said, call = await server.words()
    assert said == "Check-in is from 15:00."
    assert (call.purpose, call.model, call.raw_output) == ("answer", "small", said)
    assert call.first_token_ms is not None


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"refusal": True}, "refused"),
        ({"malformed_json": True}, "malformed"),
        ({"status": 400}, "answered 400"),
        ({"status": 401}, "answered 401"),
        ({"first_token_s": 5.0}, "in time"),
    ],
)
async def test_a_route_that_cannot_be_used_is_an_error(
    server: Server, fault: dict[str, Any], complaint: str
) -> None:
    server.settings = server.settings.model_copy(update={"timeout_s": 0.1})
    if "first_token_s" not in fault:
        server.settings = server.settings.model_copy(update={"timeout_s": 5})
    server.faults.put(fault)
    with pytest.raises(ModelError, match=complaint):
        await server.route()


async def test_a_code_that_was_not_offered_is_an_error(server: Server) -> None:
    server.faults.put({"nonsense": True})
    with pytest.raises(ModelError):
        await server.route(("SOMETHING_ELSE",))


@pytest.mark.parametrize(
    "fault", [{"refusal": True}, {"cut_after_tokens": 2}, {"cut_after_tokens": 0}, {"status": 400}]
)
async def test_words_that_are_not_whole_are_an_error(server: Server, fault: dict[str, Any]) -> None:
    server.faults.put(fault)
    with pytest.raises(ModelError):
        await server.words()


async def test_a_passing_failure_is_tried_once_more(server: Server) -> None:
    server.faults.put({"status": 503, "times": 1})
    said, _ = await server.words()
    assert said == "Check-in is from 15:00."
    server.faults.put({"status": 503, "times": 2})
    with pytest.raises(ModelError, match="503") as caught:
        await server.words()
    assert caught.value.retryable


async def test_a_server_that_is_away_is_an_error(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    server.settings = LlmSettings(base_url=f"http://127.0.0.1:{port}/v1")
    with pytest.raises(ModelError, match="cannot be reached"):
        await server.route()


async def test_the_late_model_speaks_through_the_same_client(server: Server) -> None:
    late = LateModel("process-key")
    route, _ = await late.classify(ROUTING, CODES, server.settings, None)
    assert route.actionCode == "ARRIVAL_HOUR"
    stream = late.stream(ANSWERING, "small", server.settings, None)
    assert "".join([word async for word in stream.words]) == "Check-in is from 15:00."
    await late.close()


# -- a server that answers nonsense ----------------------------------------------------------------

EVENTS = "text/event-stream"
DONE = b"data: [DONE]\n\n"


def chunk(words: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": words}, "finish_reason": finish}
    return b"data: " + orjson.dumps({"id": "1", "choices": [choice]}) + b"\n\n"


def raw(text: str) -> bytes:
    return f"data: {text}\n\n".encode() + DONE


NONSENSE: dict[str, tuple[str, bytes]] = {
    "a page": ("text/html", b"<html><body>It works!</body></html>"),
    "a whole answer": ("application/json", b'{"choices": [{"message": {"content": "Hi"}}]}'),
    "nothing": (EVENTS, b""),
    "no events": (EVENTS, b"hello\n\nworld\n\n"),
    "no JSON": (EVENTS, raw("{")),
    "a list": (EVENTS, raw("[1, 2]")),
    "a text": (EVENTS, raw('"words"')),
    "null": (EVENTS, raw("null")),
    "choices of text": (EVENTS, raw('{"choices": "abc"}')),
    "choices of numbers": (EVENTS, raw('{"choices": [5]}')),
    "no delta": (EVENTS, raw('{"choices": [{"finish_reason": "stop"}]}')),
    "delta null": (EVENTS, raw('{"choices": [{"delta": null, "finish_reason": "stop"}]}')),
    "words a list": (EVENTS, raw('{"choices": [{"delta": {"content": ["a"]}}]}')),
    "finish a number": (
        EVENTS,
        raw('{"choices": [{"delta": {"content": "a"}, "finish_reason": 5}]}'),
    ),
    "an error": (EVENTS, raw('{"error": {"message": 5}}')),
    "only empty choices": (EVENTS, raw('{"choices": []}') * 3),
    "only spaces": (EVENTS, chunk("  ", "stop") + DONE),
    "cut for length": (EVENTS, chunk("The code", "length") + DONE),
    "filtered": (EVENTS, chunk("", "content_filter") + DONE),
    "no end": (EVENTS, chunk("The code is")),
    "bytes": ("application/octet-stream", bytes(range(256)) * 10),
}


@contextlib.asynccontextmanager
async def answering(kind: str, body: bytes) -> AsyncIterator[Server]:
    async def answer(_: Request) -> Response:
        return Response(body, media_type=kind)

    app = Starlette(routes=[Route("/v1/{rest:path}", answer, methods=["POST"])])
    async with serving_models(app, Faults()) as opened:
        yield opened


@pytest.mark.parametrize("name", NONSENSE)
async def test_an_answer_that_is_nonsense_is_an_error(name: str) -> None:
    async with answering(*NONSENSE[name]) as server:
        with pytest.raises(ModelError):
            await server.words()
        with pytest.raises(ModelError):
            await server.route()


ROUTE = {"actionCode": "PERSON", "score": 0.9, "reasoning": "x", "coversAll": True}


@pytest.mark.parametrize(
    "change",
    [
        {"actionCode": "NO_SUCH"}, {"actionCode": None}, {"actionCode": 5}, {"score": 1.5},
        {"score": -1}, {"score": "high"}, {"score": None}, {"reasoning": 5}, {"coversAll": "maybe"},
        {"reasoning": "x" * 10_000},
    ],
)  # fmt: skip
async def test_a_route_of_the_wrong_kind_is_an_error(change: dict[str, Any]) -> None:
    said = orjson.dumps({**ROUTE, **change}).decode()
    async with answering(EVENTS, chunk(said, "stop") + DONE) as server:
        with pytest.raises(ModelError):
            await server.route()


@pytest.mark.parametrize(
    "said", ["", "PERSON", "[]", "```json\n{}\n```", '{"actionCode": "PERSON"}', "NaN", "{" * 500]
)
async def test_a_route_that_is_no_route_is_an_error(said: str) -> None:
    async with answering(EVENTS, chunk(said, "stop") + DONE) as server:
        with pytest.raises(ModelError):
            await server.route()


async def test_what_no_row_can_hold_is_cut_out_of_words() -> None:
    half = b'data: {"choices": [{"delta": {"content": "a\\u0000\\ud83d b"}}]}\n\n'
    async with answering(EVENTS, half + chunk(".", "stop") + DONE) as server:
        assert (await server.words())[0] == "a\N{REPLACEMENT CHARACTER} b."


@pytest.mark.parametrize(
    "piece", [chunk("word "), chunk(""), b": ping\n\n", b"x" * 100_000, raw('{"choices": []}')[:18]]
)
async def test_an_answer_without_an_end_is_left(piece: bytes) -> None:
    async def forever() -> AsyncIterator[bytes]:
        while True:
            yield piece
            await asyncio.sleep(0)

    async def answer(_: Request) -> Response:
        return StreamingResponse(forever(), media_type=EVENTS)

    app = Starlette(routes=[Route("/v1/{rest:path}", answer, methods=["POST"])])
    async with serving_models(app, Faults()) as server:
        server.settings = server.settings.model_copy(update={"timeout_s": 0.5})
        with pytest.raises(ModelError, match=r"does not stop|in time|cannot be read|was cut"):
            await server.words()
