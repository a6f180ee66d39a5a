"""The language model behind one protocol: `classify` for routes, `stream` for words.

Model, key and base URL are the tenant's. What a model says is checked before anybody acts on it: a
refusal, an empty or a malformed answer is a `ModelError`.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.bots.records import ModelCall
from app.errors import OutsideError
from app.heap import keep_loaded
from app.settings import LlmSettings

Messages = Sequence[Mapping[str, str]]
CLIENT_MODULE = "app.bots.openai_model"


class ModelError(OutsideError):
    """The model failed us, or said something that cannot be used."""

    def __init__(self, message: str, *, retryable: bool = False, raw_output: str = "") -> None:
        super().__init__(message, outside="model", retryable=retryable)
        self.raw_output = raw_output


class RoutePart(BaseModel):
    """One request of a burst, as a routing bot found it."""

    model_config = ConfigDict(extra="ignore")

    actionCode: str = Field(max_length=60)  # noqa: N815
    words: str = Field(default="", max_length=4000)


class RouteOutput(BaseModel):
    """What a routing bot must answer."""

    model_config = ConfigDict(extra="ignore")

    actionCode: str = Field(min_length=2, max_length=60)  # noqa: N815
    score: float = Field(ge=0, le=1)
    reasoning: str = Field(default="", max_length=4000)
    coversAll: bool = True  # noqa: N815
    parts: list[RoutePart] = Field(default_factory=list)
    """Every request by itself; empty from a model that was not asked for it."""

    @field_validator("parts", mode="before")
    @classmethod
    def _readable(cls, value: object) -> list[object]:
        """Only what has the shape of a part: the code alone decides as well."""
        found = value if isinstance(value, list) else []
        return [one for one in found if isinstance(one, Mapping) and _is_part(one)]


def _is_part(one: Mapping[str, object]) -> bool:
    return all(isinstance(one.get(name, ""), str) for name in ("actionCode", "words")) and (
        0 < len(str(one.get("actionCode", ""))) <= 60 and len(str(one.get("words", ""))) <= 4000
    )


@dataclass(slots=True)
class Stream:
    """Words as they come; `call` is whole once the stream has ended."""

    words: AsyncIterator[str]
    call: ModelCall | None = field(default=None)


class LanguageModel(Protocol):
    """What the mind needs of a model."""

    async def classify(
        self,
        messages: Messages,
        codes: Sequence[str],
        settings: LlmSettings,
        key: str | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RouteOutput, ModelCall]:
        """A route, one of the codes; a brief one has neither reasoning nor parts."""

    def stream(
        self, messages: Messages, model: str, settings: LlmSettings, key: str | None
    ) -> Stream:
        """An answer's words."""

    async def close(self) -> None:
        """Close every connection."""


class LateModel:
    """The real model, its client loaded in a thread: importing that takes seconds."""

    def __init__(self, process_key: str | None) -> None:
        self._process_key = process_key
        self._model: LanguageModel | None = None
        self._loading = threading.Lock()
        """Many may ask for the first time at once, each in a thread."""

    async def warm(self) -> None:
        """Load the client now, without holding anybody up."""
        await asyncio.to_thread(self._loaded)

    async def close(self) -> None:
        """Close every connection."""
        if self._model is not None:
            await self._model.close()

    async def classify(
        self,
        messages: Messages,
        codes: Sequence[str],
        settings: LlmSettings,
        key: str | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RouteOutput, ModelCall]:
        """A route, one of the codes; a brief one has neither reasoning nor parts.

        Raises:
            ModelError: no answer, a refusal, or not one of the codes.
        """
        await self.warm()
        return await self._loaded().classify(messages, codes, settings, key, is_brief=is_brief)

    def stream(
        self, messages: Messages, model: str, settings: LlmSettings, key: str | None
    ) -> Stream:
        """An answer's words."""
        return self._loaded().stream(messages, model, settings, key)

    def _loaded(self) -> LanguageModel:
        with self._loading:
            if self._model is None:
                client: LanguageModel = import_module(CLIENT_MODULE).OpenAiModel(self._process_key)
                self._model = client
                keep_loaded()
            return self._model
