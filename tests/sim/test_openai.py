"""The model stand-in over real HTTP, spoken to by the real client package."""

import asyncio
import json
import socket
from types import SimpleNamespace
from typing import Any

import openai
import pytest
import uvicorn
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.routing import Mount

from app.sim.openai import FINGERPRINT, Pace, routes

PROMPT = "Answer the guest briefly.\nCheck-in: from 15:00\nDoor code: [[door_code]]\n"
CODES = "- ARRIVAL_HOUR: when check-in is possible\n- PERSON: something broken, complaint\n"
QUESTION = [
    {"role": "system", "content": PROMPT},
    {"role": "user", "content": "What time is check-in?"},
]
CODE_QUESTION = [
    {"role": "system", "content": PROMPT},
    {"role": "user", "content": "What's the door code?"},
]
ROUTING = [{"role": "system", "content": CODES}, QUESTION[1]]
EXPECTED = "Check-in is from 15:00."


class Route(BaseModel):
    actionCode: str  # noqa: N815 - the outside's spelling
    score: float
    reasoning: str
    coversAll: bool  # noqa: N815 - the outside's spelling


@pytest.fixture
async def sim():
    app = Starlette(routes=[Mount("/openai/v1", routes=routes(pace=Pace()))])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/openai/v1"
    plain_http = openai.DefaultAsyncHttpxClient(verify=False)
    async with openai.AsyncOpenAI(
        base_url=base_url, api_key="test", max_retries=0, http_client=plain_http
    ) as client:

        async def fault(**wanted):
            await client.post("/_faults", body=wanted, cast_to=object)

        async def ask(messages=QUESTION, **more):
            return await client.chat.completions.create(
                model="any-model", messages=messages, **more
            )

        yield SimpleNamespace(client=client, fault=fault, ask=ask)
    server.should_exit = True
    await serving


async def streamed(sim: Any, messages: Any = QUESTION, **more: Any) -> list[Any]:
    stream = await sim.ask(messages, stream=True, **more)
    return [chunk async for chunk in stream]


def words_of(chunks: list[Any]) -> list[str]:
    return [
        chunk.choices[0].delta.content
        for chunk in chunks
        if chunk.choices and chunk.choices[0].delta.content
    ]


async def test_a_completion_has_the_shape_the_client_expects(sim):
    completion = await sim.ask()

    assert completion.choices[0].message.content == EXPECTED
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "any-model"
    assert completion.system_fingerprint == FINGERPRINT
    assert completion.usage.total_tokens > completion.usage.completion_tokens > 0


async def test_a_stream_brings_the_same_text_word_by_word(sim):
    chunks = await streamed(sim)

    assert words_of(chunks) == ["Check-in ", "is ", "from ", "15:00."]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.system_fingerprint for chunk in chunks} == {FINGERPRINT}
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_ends_with_the_usage_only_when_asked(sim):
    with_usage = await streamed(sim, stream_options={"include_usage": True})
    without = await streamed(sim)

    assert with_usage[-1].choices == []
    assert with_usage[-1].usage.total_tokens > 0
    assert all(chunk.usage is None for chunk in without)


async def test_structured_output_is_parsed_by_the_client(sim):
    completion = await sim.client.chat.completions.parse(
        model="any-model", messages=ROUTING, response_format=Route
    )

    assert completion.choices[0].message.parsed.actionCode == "ARRIVAL_HOUR"
    assert completion.choices[0].message.parsed.coversAll is True


async def test_structured_output_streams_as_well(sim):
    chunks = await streamed(sim, ROUTING, response_format={"type": "json_object"})

    assert json.loads("".join(words_of(chunks)))["actionCode"] == "ARRIVAL_HOUR"
    assert len(words_of(chunks)) > 4


async def test_a_reply_longer_than_allowed_is_cut_for_its_length(sim):
    completion = await sim.ask(max_completion_tokens=2)

    assert completion.choices[0].message.content == "Check-in is "
    assert completion.choices[0].finish_reason == "length"


async def test_models_are_listed(sim):
    listed = [model.id async for model in sim.client.models.list()]

    assert listed
    assert (await sim.client.models.retrieve("some/name")).id == "some/name"


@pytest.mark.parametrize(
    "broken",
    [
        {"messages": []},
        {"messages": ["hello"]},
        {"messages": [{"content": "no role"}]},
        {"response_format": {"type": "xml"}},
        {"model": None},
    ],
)
async def test_a_wrong_request_is_refused_in_the_shape_of_the_api(sim, broken):
    body = {"model": "m", "messages": QUESTION} | broken

    with pytest.raises(openai.BadRequestError) as refused:
        await sim.client.post("/chat/completions", body=body, cast_to=object)

    assert refused.value.type == "invalid_request_error"


async def test_a_request_without_a_key_is_refused(sim):
    with pytest.raises(openai.AuthenticationError):
        await sim.ask(extra_headers={"Authorization": ""})


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (401, openai.AuthenticationError),
    ],
)
async def test_a_burst_of_errors_lasts_as_often_as_told(sim, status, error):
    await sim.fault(status=status, times=2)

    for _ in range(2):
        with pytest.raises(error):
            await sim.ask()
    assert (await sim.ask()).choices[0].message.content == EXPECTED


async def test_a_slow_first_token_meets_the_clients_timeout(sim):
    await sim.fault(first_token_s=30.0)

    with pytest.raises(openai.APITimeoutError):
        await sim.ask(timeout=0.05)


async def test_a_drip_leaves_the_text_whole(sim):
    await sim.fault(tokens_per_second=500.0)

    assert "".join(words_of(await streamed(sim))) == EXPECTED


async def test_a_refusal_comes_in_its_own_field(sim):
    await sim.fault(refusal=True)

    message = (await sim.ask()).choices[0].message
    chunks = await streamed(sim)

    assert message.content is None
    assert message.refusal
    assert words_of(chunks) == []
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == message.refusal


async def test_malformed_structured_output_is_no_json(sim):
    await sim.fault(malformed_json=True)

    completion = await sim.ask(ROUTING, response_format={"type": "json_object"})

    with pytest.raises(json.JSONDecodeError):
        json.loads(completion.choices[0].message.content)


async def test_a_cut_stream_breaks_off_after_so_many_words(sim):
    await sim.fault(cut_after_tokens=2)
    stream = await sim.ask(stream=True)
    heard: list[Any] = []

    async def listen() -> None:
        async for chunk in stream:
            heard.append(chunk)  # noqa: PERF401 - what came before the break is wanted

    with pytest.raises(openai.APIConnectionError):
        await listen()

    assert words_of(heard) == ["Check-in ", "is "]


async def test_a_cut_reply_that_is_not_streamed_is_a_connection_error(sim):
    await sim.fault(cut_after_tokens=2)

    with pytest.raises(openai.APIConnectionError):
        await sim.ask()


async def test_nonsense_is_well_formed_and_means_nothing(sim):
    await sim.fault(nonsense=True)

    told = await sim.ask()
    routed = await sim.ask(ROUTING, response_format={"type": "json_object"})

    assert "15:00" not in told.choices[0].message.content
    chosen = json.loads(routed.choices[0].message.content)
    assert chosen["actionCode"] not in CODES
    assert chosen["score"] > 1


async def test_a_placeholder_comes_back_mangled_or_unasked(sim):
    await sim.fault(mangled_placeholder=True)

    mangled = await sim.ask(CODE_QUESTION)
    unasked = await sim.ask()

    assert "[[" in mangled.choices[0].message.content
    assert "[[door_code]]" not in mangled.choices[0].message.content
    assert "[[door_code]]" in unasked.choices[0].message.content


async def test_a_fault_may_meet_only_routing(sim):
    await sim.fault(status=500, only="routing")

    assert (await sim.ask()).choices[0].message.content == EXPECTED
    with pytest.raises(openai.InternalServerError):
        await sim.ask(ROUTING, response_format={"type": "json_object"})


async def test_faults_end_when_they_are_cleared(sim):
    await sim.fault(status=500)
    assert await sim.client.get("/_faults", cast_to=object)
    await sim.client.delete("/_faults", cast_to=object)

    assert (await sim.ask()).choices[0].message.content == EXPECTED


@pytest.mark.parametrize("wanted", [{"statsu": 500}, {"status": "500"}, {"only": "x"}, ["status"]])
async def test_a_fault_that_does_not_exist_is_refused(sim, wanted):
    with pytest.raises(openai.BadRequestError):
        await sim.client.post("/_faults", body=wanted, cast_to=object)
