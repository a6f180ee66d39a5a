"""Models spoken to by the `openai` package: any OpenAI-compatible base URL.

Loaded late (`app.bots.llm.LateModel`): importing the package takes seconds.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import openai
from openai import AsyncOpenAI
from pydantic import ValidationError

from app.bots.llm import Messages, ModelError, RouteOutput, Stream
from app.bots.records import ModelCall
from app.settings import LlmSettings

NO_KEY = "no-key"
"""What is sent where no key is configured: local servers want none."""


class OpenAiModel:
    """Models spoken to by the `openai` package."""

    def __init__(self, process_key: str | None) -> None:
        self._process_key = process_key
        self._clients: dict[tuple[str, str, float], AsyncOpenAI] = {}

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.close()

    async def classify(
        self, messages: Messages, codes: Sequence[str], settings: LlmSettings, key: str | None
    ) -> tuple[RouteOutput, ModelCall]:
        """Ask for a route as structured output.

        Raises:
            ModelError: no answer, a refusal, or not one of the codes.
        """
        started = asyncio.get_running_loop().time()
        parameters = {
            "temperature": settings.temperature,
            "max_completion_tokens": settings.max_reply_tokens,
            "response_format": route_format(codes),
        }
        try:
            answer = await self._create(
                settings, key, model=settings.chat_model, messages=list(messages), **parameters
            )
        except openai.OpenAIError as exc:
            raise _translated(exc) from exc
        choice = answer.choices[0].message if answer.choices else None
        raw = (choice.content if choice else None) or ""
        if choice is None or getattr(choice, "refusal", None) or not raw:
            raise ModelError("the model refused to route", raw_output=raw)
        try:
            route = RouteOutput.model_validate_json(raw)
        except ValidationError as exc:
            raise ModelError("the model's route is malformed", raw_output=raw) from exc
        if route.actionCode not in codes:
            raise ModelError("the model chose a code that does not exist", raw_output=raw)
        return route, ModelCall(
            purpose="route",
            model=settings.chat_model,
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
        parameters: dict[str, Any] = {
            "temperature": settings.temperature,
            "max_completion_tokens": settings.max_reply_tokens,
        }
        said: list[str] = []
        first_ms: int | None = None
        finish: str | None = None
        try:
            chunks = await self._create(
                settings, key, model=model, messages=list(messages), stream=True, **parameters
            )
            async for chunk in chunks:
                if not chunk.choices:
                    continue
                delta = chunk.choices[0].delta
                if getattr(delta, "refusal", None):
                    raise ModelError("the model refused to answer", raw_output="".join(said))
                finish = chunk.choices[0].finish_reason or finish
                if delta.content:
                    first_ms = first_ms if first_ms is not None else _since(started)
                    said.append(delta.content)
                    yield delta.content
        except openai.OpenAIError as exc:
            raise _translated(exc) from exc
        except (OSError, ValueError) as exc:
            raise ModelError("the model's stream was cut") from exc
        if finish != "stop" or not "".join(said).strip():
            raise ModelError("the model's answer is not whole", raw_output="".join(said))
        stream.call = ModelCall(
            purpose="answer",
            model=model,
            messages=tuple(messages),
            parameters=parameters,
            raw_output="".join(said),
            first_token_ms=first_ms,
            total_ms=_since(started),
        )

    async def _create(self, settings: LlmSettings, key: str | None, **request: Any) -> Any:
        completions: Any = self._client(settings, key).chat.completions
        return await completions.create(**request)

    def _client(self, settings: LlmSettings, key: str | None) -> AsyncOpenAI:
        chosen = key or self._process_key or NO_KEY
        place = (settings.base_url, chosen, settings.timeout_s)
        if place not in self._clients:
            self._clients[place] = AsyncOpenAI(
                base_url=settings.base_url,
                api_key=chosen,
                timeout=settings.timeout_s,
                max_retries=1,
            )
        return self._clients[place]


def route_format(codes: Sequence[str]) -> dict[str, Any]:
    """The structured output that a routing bot must give."""
    code = {"actionCode": {"type": "string", "enum": list(codes)}}
    properties = {
        **code,
        "score": {"type": "number"},
        "reasoning": {"type": "string"},
        "coversAll": {"type": "boolean"},
        "parts": {"type": "array", "items": _object(code | {"words": {"type": "string"}})},
    }
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
