"""Two model stand-ins of the injection tries: one that behaves, and one that does its worst."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from app.bots.llm import Messages, RouteOutput, Stream
from app.bots.records import ModelCall
from app.settings import LlmSettings
from app.sim.hostile import worst_route, worst_words
from app.sim.responder import respond


class ModelOfTries:
    """Answers like a stand-in of `app.sim`, in this process; keeps every prompt."""

    def __init__(self, *, is_hostile: bool) -> None:
        self.is_hostile = is_hostile
        self.prompts: list[str] = []

    async def classify(
        self,
        messages: Messages,
        codes: Sequence[str],
        settings: LlmSettings,
        key: str | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RouteOutput, ModelCall]:
        """The stand-in's route."""
        self._keep(messages)
        if self.is_hostile:
            said: Any = worst_route(messages, codes)
        else:
            said = json.loads(respond(messages, _route_format(codes)))
        output = RouteOutput.model_validate(said)
        return output, _call("route", messages, output.model_dump_json())

    def stream(
        self, messages: Messages, model: str, settings: LlmSettings, key: str | None
    ) -> Stream:
        """The stand-in's words."""
        self._keep(messages)
        words = worst_words(messages) if self.is_hostile else respond(messages, None)
        stream = Stream(words=_once(words))
        stream.call = _call("answer", messages, words)
        return stream

    async def close(self) -> None:
        """Nothing is open."""

    def _keep(self, messages: Messages) -> None:
        self.prompts.append("\n".join(message["content"] for message in messages))


async def _once(words: str) -> AsyncIterator[str]:
    yield words


def _call(purpose: Any, messages: Messages, raw: str) -> ModelCall:
    return ModelCall(
        purpose=purpose, model="stand-in", messages=tuple(messages), parameters={},
        raw_output=raw, first_token_ms=1, total_ms=1,
    )  # fmt: skip


def _route_format(codes: Sequence[str]) -> dict[str, Any]:
    properties = {
        "actionCode": {"type": "string", "enum": list(codes)},
        "score": {"type": "number"},
        "reasoning": {"type": "string"},
        "coversAll": {"type": "boolean"},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "json_schema", "json_schema": {"name": "route", "schema": schema}}
