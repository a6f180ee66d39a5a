"""The tenant's bots, codes and templates: checked, published as a whole, versioned.

Checking compiles everything, which may take a second of a large library: it is done in a thread.
"""

import asyncio
import functools
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.bots import store
from app.bots.library_folder import DEFAULT_LIBRARY, read_library
from app.bots.phrases import load_phrase_sets
from app.bots.records import CODE_NAME, ActionCode, Bot, Library
from app.bots.sift import compile_condition
from app.bots.template import compile_template
from app.bus import Bus
from app.clock import Clock
from app.db import Connection, Database, UniqueViolation
from app.errors import BadInput, Conflict
from app.events import LibraryPublished, TenantRemoved
from app.pms.incoming import clean_text

BUILT_IN_CODES = frozenset(
    {
        "ACCESS_INSTRUCTIONS", "WIFI_QUESTION", "PARKING_QUESTION", "CHECK_IN_TIME",
        "CHECK_OUT_TIME", "HOUSE_RULES", "EARLY_CHECK_IN", "LATE_CHECK_OUT", "EXTRA_NIGHT",
        "PRICE_AVAILABILITY", "ESCALATE", "NO_MESSAGE",
    }
)  # fmt: skip
"""Every library has these; the product itself knows what they mean."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


MOST_BOTS = 200
MOST_CODES = 300
MOST_CHARACTERS = 1_000_000
"""Of all templates of a library."""
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?")
"""How a reply's language is written; it stands in a file's name too."""
LONGEST_PHRASE = 200
MOST_GAPS, MOST_OPTIONALS, MOST_WORDS = 3, 5, 20
"""Of a tenant's own phrase: each gap and choice multiplies the ways to look for it."""
DEEPEST = 64
"""Levels of lists and objects of a library's content."""

Line = Annotated[str, Field(max_length=500)]


class _CodeForm(_Form):
    code: str = Field(pattern=CODE_NAME.pattern)
    description: str = Field(min_length=3, max_length=500)
    examples: tuple[Line, ...] = Field(default=(), max_length=30)
    leads_to: Literal["template", "bot", "person", "silence"] = "bot"
    severity: Literal["low", "normal", "high", "critical"] = "normal"


class _BotForm(_Form):
    name: str = Field(min_length=1, max_length=100)
    kind: Literal["routing", "informational"]
    medium: Literal["phone", "thread"]
    conditions: dict[str, Any] = Field(default_factory=dict)
    action_codes: tuple[Line, ...] = Field(default=(), max_length=MOST_CODES)
    template: str


class _LibraryForm(_Form):
    bots: list[_BotForm] = Field(max_length=MOST_BOTS)
    codes: list[_CodeForm] = Field(max_length=MOST_CODES)
    templates: dict[str, dict[str, str]] = Field(default_factory=dict, max_length=MOST_CODES + 1)
    phrases: dict[str, dict[str, tuple[str, ...]]] = Field(
        default_factory=dict, max_length=MOST_CODES
    )


def check_library(content: Mapping[str, Any], version: int = 0) -> Library:
    """The library of a content, after everything in it was checked.

    Raises:
        BadInput: what is wrong, and where.
    """
    _check_plain(content, "library", 0)
    try:
        form = _LibraryForm.model_validate(content)
    except ValidationError as exc:
        first = exc.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"library: {place[:120]}: {first['msg']}") from exc
    texts = [bot.template for bot in form.bots]
    texts += [text for versions in form.templates.values() for text in versions.values()]
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise BadInput(f"library: its templates have more than {MOST_CHARACTERS} characters in all")
    codes = {code.code for code in form.codes}
    if len(codes) != len(form.codes):
        raise BadInput("library: an action code stands twice")
    if missing := BUILT_IN_CODES - codes:
        raise BadInput(f"library: the built-in code {min(missing)} is missing")
    for bot in form.bots:
        _check_bot(bot, codes)
    for code, versions in form.templates.items():
        if code == "fallback":
            continue
        if code not in codes:
            raise BadInput(f"library: replies/{code[:80]}: there is no such action code")
        for language, text in versions.items():
            if LANGUAGE.fullmatch(language) is None:
                where = f"library: replies/{code}.{language[:80]}"
                raise BadInput(f"{where}: write the language as en, pl or pt-BR")
            _named(f"replies/{code}.{language}", lambda text=text: compile_template(text))
    _check_phrases(form.phrases, codes)
    return Library(
        version=version,
        bots=tuple(Bot(**bot.model_dump()) for bot in form.bots),
        codes=tuple(ActionCode(**code.model_dump()) for code in form.codes),
        templates=form.templates,
        phrases=form.phrases,
    )


def _check_bot(bot: _BotForm, codes: set[str]) -> None:
    _named(f"bot {bot.name!r}: conditions", lambda: compile_condition(bot.conditions))
    _named(f"bot {bot.name!r}: template", lambda: compile_template(bot.template))
    if strangers := set(bot.action_codes) - codes:
        raise BadInput(f"bot {bot.name!r}: there is no action code {min(strangers)}")
    if bot.kind == "routing" and "actionCodes" not in compile_template(bot.template).names:
        raise BadInput(f"bot {bot.name!r}: a routing template must hold {{{{actionCodes}}}}")


def _check_phrases(phrases: Mapping[str, Mapping[str, tuple[str, ...]]], codes: set[str]) -> None:
    if strangers := set(phrases) - codes:
        raise BadInput(f"library: phrases: there is no action code {min(strangers)}")
    additions = {
        code: {language: list(said) for language, said in by_language.items()}
        for code, by_language in phrases.items()
    }
    for code, by_language in additions.items():
        for language, said in by_language.items():
            for phrase in said:
                _named(f"library: phrases: {code}.{language}", lambda it=phrase: _check_phrase(it))
    _named("library: phrases", lambda: load_phrase_sets().with_tenant(additions))


def _check_phrase(phrase: str) -> None:
    """Refuse a phrase that takes too long to look for, however short it is."""
    words = phrase.split()
    gaps = words.count("...")
    optionals = sum(word.endswith("?") and word != "?" for word in words)
    if len(phrase) > LONGEST_PHRASE or len(words) > MOST_WORDS:
        raise BadInput(f"{phrase[:40]!r}… is longer than {MOST_WORDS} words; split it")
    if gaps > MOST_GAPS or optionals > MOST_OPTIONALS:
        most = f"{MOST_GAPS} gaps or {MOST_OPTIONALS} optional words"
        raise BadInput(f"{phrase!r} has more than {most}; split it")


def _check_plain(value: Any, place: str, depth: int) -> None:
    """Refuse what no row can hold, before anything else looks at it."""
    if depth > DEEPEST:
        raise BadInput(f"{place[:120]}: is nested deeper than {DEEPEST} levels")
    if isinstance(value, str):
        if clean_text(value) != value:
            raise BadInput(f"{place[:120]}: holds a character that is none (NUL, or half a pair)")
    elif isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) >= 2**63:
            raise BadInput(f"{place[:120]}: holds a number that is too large, or none")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _check_plain(key, place, depth + 1)
            _check_plain(inner, f"{place}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _check_plain(inner, f"{place}[{number}]", depth + 1)


def _named(place: str, check: Any) -> None:
    try:
        check()
    except BadInput as exc:
        raise BadInput(f"{place}: {exc}") from exc


@functools.cache
def default_content() -> dict[str, Any]:
    """What every new tenant starts with."""
    return read_library(DEFAULT_LIBRARY)


class Libraries:
    """Published libraries, the newest kept in memory."""

    def __init__(self, database: Database, bus: Bus, clock: Clock) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._current: dict[str, Library] = {}
        self._published: Counter[str] = Counter()
        """How often we heard of a newer one: what was read before is not kept after."""

    async def on_published(self, event: LibraryPublished) -> None:
        """Forget what another process replaced, and what is being read just now."""
        self._published[event.tenant_id] += 1
        self._current.pop(event.tenant_id, None)

    async def on_tenant_removed(self, event: TenantRemoved) -> None:
        """Forget what a tenant had: who comes by its id starts anew."""
        self._current.pop(event.tenant_id, None)

    async def current(self, conn: Connection, tenant_id: str) -> Library:
        """The newest library; the built-in one where none was published."""
        if (known := self._current.get(tenant_id)) is not None:
            return known
        published = self._published[tenant_id]
        found = await store.newest_library(conn)
        version, content = found or (0, default_content())
        library = await asyncio.to_thread(check_library, content, version)
        if published == self._published[tenant_id]:
            self._current[tenant_id] = library
        return library

    async def content(self, tenant_id: str) -> dict[str, Any]:
        """The newest library as it was published."""
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            found = await store.newest_library(conn)
        return found[1] if found else default_content()

    async def publish(self, tenant_id: str, content: Mapping[str, Any], *, by: str) -> int:
        """Put a new version into use, as a whole; its number.

        Raises:
            BadInput: it cannot be used; nothing has changed.
            Conflict: another version was published at the same moment.
        """
        await asyncio.to_thread(check_library, content)
        door = await self._database.tenant(tenant_id)
        try:
            async with door.transaction() as conn:
                version = await store.add_library(conn, dict(content), self._clock.now(), by)
        except UniqueViolation as exc:
            raise Conflict("somebody published at the same moment; try again") from exc
        self._current.pop(tenant_id, None)
        await self._bus.publish(LibraryPublished(tenant_id=tenant_id, id=version))
        return version
