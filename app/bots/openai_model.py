"""Models spoken to by the `openai` package: any OpenAI-compatible base URL.

Loaded late (`app.bots.llm.LateModel`): importing the package takes seconds. Routes and words both
come as streams, so that one reader bounds them: in time, in bytes, in what is believed of a piece.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI
from pydantic import ValidationError

from app.bots.llm import Messages, ModelError, RouteOutput, Stream
from app.bots.records import ModelCall
from app.pms.incoming import clean_text
from app.settings import LlmSettings

NO_KEY = "no-key"
"""What is sent where no key is configured: local servers want none."""
WHOLE_CALL = 1.25
"""A call with its retry ends after so many times the tenant's timeout."""
LONGEST_ANSWER = 20_000
"""Characters; a model that says more does not stop by itself."""
LARGEST_ANSWER = 4_000_000
"""Bytes of one answer on the wire."""


class OpenAiModel:
    """Models spoken to by the `openai` package."""

    def __init__(self, process_key: str | None) -> None:
        self._process_key = process_key
        self._clients: dict[tuple[str, str, float], AsyncOpenAI] = {}
        # Loads what the package would else load at the first question, with the loop waiting.
        _ = AsyncOpenAI(api_key=NO_KEY).chat.completions

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.close()

    async def classify(
        self,
        messages: Messages,
        codes: Sequence[str],
        settings: LlmSettings,
        key: str | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RouteOutput, ModelCall]:
        """Ask for a route as structured output; a brief one of the model for calls.

        Raises:
            ModelError: no answer, a refusal, or not one of the codes.
        """
        started = asyncio.get_running_loop().time()
        model = settings.voice_model if is_brief else settings.chat_model
        form = route_format(codes, is_brief=is_brief)
        parameters = {**_parameters(settings), "response_format": form}
        pieces = self._pieces(settings, key, model, messages, parameters)
        raw = "".join([piece async for piece in pieces])
        try:
            route = RouteOutput.model_validate_json(raw)
        except ValidationError as exc:
            raise ModelError("the model's route is malformed", raw_output=raw) from exc
        if route.actionCode not in codes:
            raise ModelError("the model chose a code that does not exist", raw_output=raw)
        return route, ModelCall(
            purpose="route",
            model=model,
            messages=tuple(messages),
            parameters=parameters,
            raw_output=raw,
            first_token_ms=None,
            total_ms=_since(started),
        )

    def stream(
        self, messages: Messages, model: str, settings: LlmSettings, key: str | None
    ) -> Stream:
        """Ask for an answer; its words come as the model finds them.

        Raises (while iterating):
            ModelError: no answer, a refusal, or a stream cut short.
        """
        stream = Stream(words=_nothing())
        stream.words = self._words(stream, messages, model, settings, key)
        return stream

    async def _words(
        self,
        stream: Stream,
        messages: Messages,
        model: str,
        settings: LlmSettings,
        key: str | None,
    ) -> AsyncIterator[str]:
        started = asyncio.get_running_loop().time()
        parameters = _parameters(settings)
        said: list[str] = []
        first_ms: int | None = None
        async for word in self._pieces(settings, key, model, messages, parameters):
            first_ms = first_ms if first_ms is not None else _since(started)
            said.append(word)
            yield word
        stream.call = ModelCall(
            purpose="answer",
            model=model,
            messages=tuple(messages),
            parameters=parameters,
            raw_output="".join(said),
            first_token_ms=first_ms,
            total_ms=_since(started),
        )

    async def _pieces(
        self,
        settings: LlmSettings,
        key: str | None,
        model: str,
        messages: Messages,
        parameters: dict[str, Any],
    ) -> AsyncIterator[str]:
        """What a model says, whole at the end.

        Raises:
            ModelError: no answer, a refusal, a stream cut short or without an end, nonsense.
        """
        until = asyncio.get_running_loop().time() + settings.timeout_s * WHOLE_CALL
        completions: Any = self._client(settings, key).chat.completions
        said: list[str] = []
        size, finish = 0, None
        chunks: Any = None
        try:
            async with asyncio.timeout_at(until):
                chunks = await completions.create(
                    model=model, messages=list(messages), stream=True, **parameters
                )
            while True:
                async with asyncio.timeout_at(until):
                    piece = _piece_of(await anext(chunks))
                if piece.is_refusal:
                    raise ModelError("the model refused to answer", raw_output="".join(said))
                finish = piece.finish or finish
                size += len(piece.words)
                if size > LONGEST_ANSWER:
                    raise ModelError("the model does not stop", raw_output="".join(said))
                if piece.words:
                    said.append(piece.words)
                    yield piece.words
        except StopAsyncIteration:
            pass
        except openai.OpenAIError as exc:
            raise _translated(exc) from exc
        except TimeoutError as exc:
            raise ModelError("the model did not answer in time", retryable=True) from exc
        except (OSError, ValueError, httpx2.HTTPError) as exc:
            raise ModelError("the model's stream was cut") from exc
        finally:
            if isinstance(chunks, openai.AsyncStream):
                await chunks.close()
        if finish != "stop" or not "".join(said).strip():
            raise ModelError("the model's answer is not whole", raw_output="".join(said))

    def _client(self, settings: LlmSettings, key: str | None) -> AsyncOpenAI:
        chosen = key or self._process_key or NO_KEY
        place = (settings.base_url, chosen, settings.timeout_s)
        if place not in self._clients:
            self._clients[place] = AsyncOpenAI(
                base_url=settings.base_url,
                api_key=chosen,
                timeout=settings.timeout_s,
                max_retries=1,
                http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [_bound]}),
            )
        return self._clients[place]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """What one chunk of a stream says."""

    words: str = ""
    finish: str | None = None
    is_refusal: bool = False


def _piece_of(chunk: Any) -> _Piece:
    """What a chunk says; the package does not check what a server sends.

    Raises:
        ModelError: it is no chunk of an answer.
    """
    try:
        if not chunk.choices:
            return _Piece()
        choice = chunk.choices[0]
        words, finish = choice.delta.content, choice.finish_reason
        is_refusal = bool(getattr(choice.delta, "refusal", None))
    except (AttributeError, TypeError, LookupError) as exc:
        raise ModelError("the model's answer cannot be read") from exc
    if not isinstance(words, str | None) or not isinstance(finish, str | None):
        raise ModelError("the model's answer cannot be read")
    return _Piece(words=clean_text(words or ""), finish=finish, is_refusal=is_refusal)


class _Bounded(httpx2.AsyncByteStream):
    """An answer's bytes, which have an end."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._inner:
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise ModelError("the model does not stop")
            yield piece

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._inner.aclose()


async def _bound(response: httpx2.Response) -> None:
    response.stream = _Bounded(response.stream)


def _parameters(settings: LlmSettings) -> dict[str, Any]:
    return {
        "temperature": settings.temperature,
        "max_completion_tokens": settings.max_reply_tokens,
    }


def route_format(codes: Sequence[str], *, is_brief: bool = False) -> dict[str, Any]:
    """The structured output that a routing bot must give; brief where somebody waits on a line."""
    code = {"actionCode": {"type": "string", "enum": list(codes)}}
    properties: dict[str, Any] = {**code, "score": {"type": "number"}}
    if not is_brief:
        properties["reasoning"] = {"type": "string"}
    properties["coversAll"] = {"type": "boolean"}
    if not is_brief:
        part = _object(code | {"words": {"type": "string"}})
        properties["parts"] = {"type": "array", "items": part}
    return {
        "type": "json_schema",
        "json_schema": {"name": "route", "strict": True, "schema": _object(properties)},
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _translated(error: openai.OpenAIError) -> ModelError:
    if isinstance(error, openai.APITimeoutError):
        return ModelError("the model did not answer in time", retryable=True)
    if isinstance(error, openai.APIConnectionError):
        return ModelError("the model cannot be reached", retryable=True)
    if isinstance(error, openai.APIStatusError):
        is_retryable = error.status_code in (408, 409, 429) or error.status_code >= 500
        return ModelError(f"the model answered {error.status_code}", retryable=is_retryable)
    return ModelError("the model's answer cannot be read")


def _since(started: float) -> int:
    return int((asyncio.get_running_loop().time() - started) * 1000)


async def _nothing() -> AsyncIterator[str]:
    return
    yield
