import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

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


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    faults = Faults()
    app = Starlette(routes=[Mount("/v1", routes=routes(faults=faults))])
    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.ensure_future(running.serve(sockets=[listening]))
    opened = Server(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", faults)
    yield opened
    await opened.model.close()
    running.should_exit = True
    await serving


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
        ({"refusal": True}, "refused to route"),
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
