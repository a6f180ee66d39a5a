"""Two companies in one house whose ids, guests, numbers and codes are all the same.

What each has that may be told from the other's carries its own mark: names of listings, words of
guests and bots, secrets. So a search of all that came out of the house for one of them proves it.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import orjson

from app.bots.library import default_content
from app.bots.llm import Messages, RouteOutput, Stream
from app.bots.records import ModelCall
from app.panel.links import Links
from app.product import Product
from app.settings import LlmSettings
from app.sim.rows import Row, full_message
from app.sim.world import World
from app.tenants import PmsAccount, Tenant
from app.voice.record import CallRecord, RecordParts
from app.voice.stages import Stages, Utterance
from app.voice.tickets import Ticket
from app.voice.transcript import Transcript

LISTING, UNIT = 41001, 41002
QUIET_GUEST, LOUD_GUEST, UNSURE_GUEST, LATE_GUEST = 5000, 5001, 5002, 5003
"""Reservations: one is answered, one opens a case, one's answer is a draft, one is left alone."""
THREAD = 600_000_000
OPERATOR = "Ola"
DESK_TOKEN = "desk-token-of-twins"
SAME_WORDS = "when does the clock of the house turn"
"""A tenant's own phrase in both libraries, for another code in each."""
SHARED_ROWS = (
    "wake", "job_runs", "pms_accounts", "slack_workspaces", "hotlines", "carrier_accounts",
    "tenants",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Twin:
    """One of the two companies."""

    name: str
    mark: str
    account_id: int
    door_code: str
    http: aiohttp.ClientSession
    base: str = ""
    account: PmsAccount | None = None
    form_token: str = ""
    heard: list[str] = field(default_factory=list)
    """Everything that came out of the house for it."""

    @property
    def hotline(self) -> str:
        """Its telephone number."""
        return f"+482200{self.account_id}"

    @property
    def marks(self) -> tuple[str, ...]:
        """What may stand in nothing of the other's."""
        assert self.account is not None
        logins = [word for pair in self.account.webhook_logins for word in pair]
        return (
            self.mark, self.mark.title(), self.door_code, f"t_{self.name}", f"xoxb-{self.name}",
            f"key-{self.name}", self.account.account_key, *logins,
        )  # fmt: skip

    async def asks(
        self, method: str, path: str, *, form: Mapping[str, str] | None = None, **more: Any
    ) -> tuple[int, str, str]:
        """(status, text, where it leads) of a request with this company's session."""
        async with self.http.request(
            method, self.base + path, data=form, allow_redirects=False, **more
        ) as answer:
            text = await answer.text()
            told = (answer.status, text, answer.headers.get("Location", ""))
        self.heard.append(f"{method} {path} -> {told}")
        return told

    async def enter(self, link: str) -> None:
        """Open the case by its link; what its forms carry is kept."""
        assert (await self.asks("POST", link))[0] == 303
        _, page, _ = await self.asks("GET", f"/case/{self.name}/1")
        found = re.search(r'name="form_token" value="([^"]+)"', page)
        assert found is not None, page
        self.form_token = found.group(1)


class MarkedModel:
    """A model that keeps what it was asked and by which key, and answers with the marks it saw."""

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, str]] = []

    async def classify(
        self,
        messages: Messages,
        codes: Sequence[str],
        settings: LlmSettings,
        key: str | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RouteOutput, ModelCall]:
        """A code of the company's own where there is one; unsure where the guest says so."""
        self._keep(messages, key)
        own = [code for code in codes if code.endswith("MARK")]
        score = 0.2 if "UNSURE" in str(messages[-1]["content"]) else 0.9
        output = RouteOutput(actionCode=(own or ["OTHER_QUESTION"])[0], score=score)
        return output, _call("route", messages, output.model_dump_json())

    def stream(
        self, messages: Messages, model: str, settings: LlmSettings, key: str | None
    ) -> Stream:
        """An answer that repeats every mark of its prompt."""
        prompt = self._keep(messages, key)
        seen = sorted(set(re.findall(r"[A-Z]+MARK", prompt)))
        stream = Stream(words=_nothing())
        stream.words = _words(stream, f"Of course, {' and '.join(seen)}.", messages)
        return stream

    async def close(self) -> None:
        """Nothing is open."""

    def _keep(self, messages: Messages, key: str | None) -> str:
        prompt = json.dumps([dict(message) for message in messages], ensure_ascii=False)
        self.asked.append((key, prompt))
        return prompt


@dataclass(slots=True, kw_only=True)
class Twins:
    """The house, the outside, and the two companies."""

    product: Product
    world: World
    model: MarkedModel
    public: str
    desk: str
    environment: dict[str, str]
    alder: Twin
    birch: Twin

    def pair(self, who: str) -> tuple[Twin, Twin]:
        """(the one that acts, the other)."""
        return (self.alder, self.birch) if who == "alder" else (self.birch, self.alder)

    def link(self, twin: Twin, *, case_id: int, operator: str = "") -> str:
        """The path of a fresh link, as an alert of the company carries it."""
        links = next(part for part in self.product.desk if isinstance(part, Links))
        return links.link_to_case(twin.name, case_id, operator).removeprefix(self.desk)

    async def tenant(self, twin: Twin) -> Tenant:
        return await self.product.tenants.get(twin.name)

    async def rows(self, twin: Twin) -> dict[str, list[str]]:
        """Every row a company has, closed values opened: table → lines in order."""
        found: dict[str, list[str]] = {}
        keyring = (await self.tenant(twin)).keyring
        async with self.product.database.shared().transaction() as conn:
            tables = await conn.fetch(
                "select tablename from pg_tables where schemaname = $1 order by 1",
                f"t_{twin.name}",
            )
            for table in SHARED_ROWS:
                key = "id" if table == "tenants" else "tenant_id"
                found[table] = _lines(
                    await conn.fetch(f"select * from nightdesk.{table} where {key} = $1", twin.name)
                )
        async with (await self.product.database.tenant(twin.name)).transaction() as conn:
            for row in tables:
                rows = await conn.fetch(f"select * from {{schema}}.{row[0]}")
                found[row[0]] = _lines(rows, keyring.open)
        return found

    async def outside(self, twin: Twin) -> list[str]:
        """What the product asked of the outside for a company, as the outside kept it."""
        account = self.world.store.accounts[twin.account_id]
        sent = [m.row["body"] for thread in account.threads.values() for m in thread]
        hooks = [f"{hook['url']} {hook['login']}" for hook in account.webhooks.values()]
        team = f"T{twin.account_id}"
        posts = [json.dumps(p, ensure_ascii=False) for p in self.world.slack.messages
                 if p["team"] == team]  # fmt: skip
        prompts = [text for key, text in self.model.asked if key == f"key-{twin.name}"]
        return [*sent, *hooks, *posts, *prompts]

    async def hits(self, twin: Twin, other: Twin) -> list[str]:
        """Where something of the other stands in what came out for a company."""
        rows = await self.rows(twin)
        everything = [
            *((f"heard {n}", text) for n, text in enumerate(twin.heard)),
            *((f"outside {n}", text) for n, text in enumerate(await self.outside(twin))),
            *((table, line) for table, lines in rows.items() for line in lines),
        ]
        return [
            f"{where}: {mark} in {text[:300]}"
            for where, text in everything
            for mark in other.marks
            if mark in text
        ]

    async def quiet(self) -> None:
        """Until nothing is due and nothing is under way, for anybody."""
        calm = 0
        for _ in range(600):
            busy = await self._busy()
            calm = 0 if busy else calm + 1
            if calm == 3:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"never quiet: {busy}")

    async def _busy(self) -> list[str]:
        async with self.product.database.shared().transaction() as conn:
            rows = await conn.fetch(
                """select tenant_id, kind, key, due_at, attempts from nightdesk.wake
                   where dead_at is null and due_at < now() + interval '5 seconds'"""
            )
        for twin in (self.alder, self.birch):
            async with (await self.product.database.tenant(twin.name)).transaction() as conn:
                rows += await conn.fetch(
                    "select id, event, attempts from {schema}.inbox where handled_at is null"
                )
        return [str(dict(row)) for row in rows]

    def writes(self, twin: Twin, reservation: int, text: str) -> Row:
        """A guest of a company writes."""
        account = self.world.store.accounts[twin.account_id]
        conversation = account.conversations[reservation + THREAD]
        message = self.world.happenings.write(account, conversation, "guest", text, {})
        return full_message(message.row)


def furnish(world: World, twin: Twin) -> None:
    """Give the PMS account the same homes as the other's, with its mark; nobody has booked."""
    account, now = world.store.accounts[twin.account_id], world.clock.now()
    account.listings.clear()
    account.custom_fields.clear()
    for store in (account.reservations, account.conversations, account.threads, account.units):
        store.clear()
    for number in (LISTING, UNIT):
        account.listings[number] = {
            "id": number, "name": f"{twin.mark} flat", "internalListingName": f"{twin.mark} loft",
            "timeZoneName": "Europe/Warsaw", "countryCode": "PL", "city": "Warsaw",
            "checkInTimeStart": 15, "checkOutTime": 11, "houseRules": f"{twin.mark} rules.",
            "doorSecurityCode": None, "wifiUsername": twin.mark,
            "wifiPassword": f"wifi-{twin.mark}",
            "address": f"{twin.mark} street 1", "latestActivityOn": f"{now:%Y-%m-%d} 00:00:00",
        }  # fmt: skip
    account.next_message_id = 900


def book(world: World, twin: Twin) -> None:
    """The four stays that both companies have."""
    account = world.store.accounts[twin.account_id]
    now = world.clock.now()
    for number in (QUIET_GUEST, LOUD_GUEST, UNSURE_GUEST, LATE_GUEST):
        row: Row = {
            "id": number, "listingMapId": LISTING, "channelId": 2018,
            "channelName": "airbnbOfficial", "status": "new", "guestName": f"Jan Testowy {number}",
            "guestFirstName": "Jan", "guestLastName": "Testowy", "phone": f"+4850010{number}",
            "guestEmail": "jan@guest.example", "guestLocale": "en", "numberOfGuests": 2,
            "confirmationCode": f"HM{number}", "doorCode": twin.door_code, "isDatesUnspecified": 0,
            "arrivalDate": f"{now + timedelta(days=-1):%Y-%m-%d}",
            "departureDate": f"{now + timedelta(days=2 + number % 10):%Y-%m-%d}",
            "reservationAgreement": "not_required", "hostNote": f"{twin.mark} note",
            "updatedOn": f"{now:%Y-%m-%d} 00:00:00", "latestActivityOn": f"{now:%Y-%m-%d} 00:00:00",
        }  # fmt: skip
        world.store.add_reservation(account, row, "en")


def library_of(twin: Twin) -> dict[str, Any]:
    """The default library with bots, codes, replies and phrases of the same names and other words.

    The bot's condition holds for the company's own homes alone: a look at the other's finds none.
    """
    content: dict[str, Any] = orjson.loads(orjson.dumps(default_content()))
    own = {"listingName": {"$regex": f"^{twin.mark}"}}
    for bot in content["bots"]:
        bot["template"] = f"{twin.mark} speaks.\n{bot['template']}"
        bot["conditions"] = own
    content["codes"].append(
        {"code": f"ABOUT_{twin.mark}", "description": f"{twin.mark} matters", "leads_to": "bot"}
    )
    for by_language in content["templates"].values():
        for language, text in by_language.items():
            if language in ("en", "pl", "de", "ar"):
                by_language[language] = f"{twin.mark}: {text}"
    code = "CHECK_OUT_TIME" if twin.name == "alder" else "CHECK_IN_TIME"
    content["phrases"] = {code: {"en": [SAME_WORDS]}}
    return content


async def ring(twins: Twins, twin: Twin) -> None:
    """A call of the company's, with one turn: what it leaves behind, without its sound."""
    product = twins.product
    parts = RecordParts(
        database=product.database, bus=product.bus, clock=product.clock,
        background=product.background, conversations=product.conversations, jobs=product.jobs,
        telemetry=product.telemetry,
    )  # fmt: skip
    ticket = Ticket(
        call_sid="CA-call", tenant_id=twin.name, hotline_e164=twin.hotline,
        caller_e164="+48500100200", is_doubtful=False,
    )  # fmt: skip
    record = CallRecord(parts, ticket)
    record.begin("en")
    transcript = Transcript(
        tenant_id=twin.name, conversations=product.conversations, ledger=record.ledger,
        conversation_id=record.conversation_id,
    )  # fmt: skip
    said = Utterance(text=f"This is about {twin.mark}.", begins_at=product.clock.now())
    transcript.keep("guest", said, mask=str, heard="", stages=Stages())
    await record.end("the caller hung up")


def _lines(rows: Sequence[Any], opened: Callable[[bytes], bytes] | None = None) -> list[str]:
    lines = []
    for row in rows:
        cells = []
        for name, value in dict(row).items():
            if isinstance(value, bytes) and opened is not None and name in ("gated", "sealed"):
                value = opened(value).decode()
            cells.append(f"{name}={value}")
        lines.append(" ".join(cells))
    return sorted(lines)


async def _nothing() -> Any:
    return
    yield


async def _words(stream: Stream, text: str, messages: Messages) -> Any:
    for word in text.split(" "):
        yield word + " "
    stream.call = _call("answer", messages, text)


def _call(purpose: Any, messages: Messages, raw: str) -> ModelCall:
    return ModelCall(
        purpose=purpose, model="marked", messages=tuple(messages), parameters={}, raw_output=raw,
        first_token_ms=1, total_ms=2,
    )  # fmt: skip
