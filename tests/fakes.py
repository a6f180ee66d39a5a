"""Stand-ins written by hand: a model that says what it was told to, and a small Hostaway."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from app.bots.llm import Messages, ModelError, RouteOutput, Stream
from app.bots.records import ModelCall
from app.clock import Clock
from app.pms.hostaway_answers import HostawayError
from app.settings import LlmSettings
from app.tenants import PmsAccount
from tests.make import raw_message


class FakeLanguageModel:
    """Gives scripted routes and words in turn; the last of each stays."""

    def __init__(self) -> None:
        self.routes: list[Mapping[str, Any] | ModelError] = [
            {"actionCode": "OTHER_QUESTION", "score": 0.9, "reasoning": "it fits"}
        ]
        self.answers: list[str | ModelError] = ["The shop is on the corner."]
        self.asked: list[Messages] = []
        """Every prompt, in order."""
        self.on_route: Callable[[], Awaitable[None]] | None = None
        """What happens in the world while the route is looked for."""
        self.on_words: Callable[[], Awaitable[None]] | None = None
        """What happens in the world while the model thinks."""

    def will_route(self, *routes: Mapping[str, Any] | ModelError) -> None:
        """Script the next routes."""
        self.routes = list(routes)

    def will_say(self, *answers: str | ModelError) -> None:
        """Script the next answers."""
        self.answers = list(answers)

    async def classify(
        self,
        messages: Messages,
        codes: Sequence[str],
        settings: LlmSettings,
        key: str | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RouteOutput, ModelCall]:
        """The next scripted route."""
        self.asked.append(messages)
        if self.on_route is not None:
            await self.on_route()
        route = self.routes.pop(0) if len(self.routes) > 1 else self.routes[0]
        if isinstance(route, ModelError):
            raise route
        output = RouteOutput.model_validate(route)
        return output, _call("route", settings.chat_model, messages, output.model_dump_json())

    def stream(
        self, messages: Messages, model: str, settings: LlmSettings, key: str | None
    ) -> Stream:
        """The next scripted answer, word by word."""
        self.asked.append(messages)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        stream = Stream(words=_nothing())
        stream.words = self._words(stream, answer, model, messages)
        return stream

    async def close(self) -> None:
        """Nothing is open."""

    async def _words(
        self, stream: Stream, answer: str | ModelError, model: str, messages: Messages
    ) -> AsyncIterator[str]:
        if self.on_words is not None:
            await self.on_words()
        if isinstance(answer, ModelError):
            raise answer
        for word in answer.split(" "):
            yield word + " "
        stream.call = _call("answer", model, messages, answer)


class FakeHostaway:
    """One account's rows in memory, with faults on demand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.listing_rows: dict[str, dict[str, Any]] = {}
        self.reservation_rows: dict[str, dict[str, Any]] = {}
        self.conversation_rows: dict[str, dict[str, Any]] = {}
        self.threads: dict[str, list[dict[str, Any]]] = {}
        self.definitions: list[dict[str, Any]] = []
        self.sent: list[tuple[str, str, str]] = []
        """(thread, words, how) of every request to send that arrived."""
        self.send_faults: list[tuple[HostawayError, bool]] = []
        """(error, whether the message arrived all the same) of the next requests to send."""
        self.faults: dict[str, list[Exception | None]] = {}
        """Method (or `page`) → errors of the next calls, none for one that works."""
        self.webhooks: list[str] = []
        self.asked: list[str] = []
        """Every call, in order."""
        self.page_size = 2
        self.on_turn: Callable[[], Awaitable[None]] | None = None
        """What happens in the world while a reply waits for its turn."""
        self.after_send: Callable[[], Awaitable[None]] | None = None
        """What happens between the message's arrival and the answer."""
        self.tells_times = True
        """Whether threads say when their guest last wrote."""
        self.is_newest_first = True
        """Whether the list of threads begins with the latest words."""
        self.pages_given = 0
        """How many pages of threads were read."""
        self.unread: set[str] = set()
        self._next_message_id = 90000

    # -- what tests do with it ---------------------------------------------------------------

    def add_thread(self, thread: str, reservation: str) -> None:
        """A thread of a reservation."""
        self.conversation_rows[thread] = {"id": int(thread), "reservationId": int(reservation)}
        self.threads[thread] = []

    def add_message(
        self, text: str, *, thread: str = "70", is_incoming: bool = True, **more: Any
    ) -> dict[str, Any]:
        """A message that appears in a thread now."""
        self._next_message_id += 1
        reservation = self.conversation_rows[thread]["reservationId"]
        values = {
            "conversationId": int(thread), "reservationId": reservation,
            "at": self._clock.now(), "is_incoming": is_incoming, **more,
        }  # fmt: skip
        row = raw_message(self._next_message_id, text, **values)
        self.threads[thread].append(row)
        return row

    def will_fail(self, method: str, *errors: Exception | None) -> None:
        """Script the next errors of a method."""
        self.faults[method] = list(errors)

    def words(self, thread: str = "70") -> list[str]:
        """What stands in a thread that is not the guest's, oldest first."""
        return [row["body"] for row in self.threads[thread] if not row["isIncoming"]]

    # -- what the product asks ---------------------------------------------------------------

    async def listings(self, account: PmsAccount) -> AsyncIterator[list[dict[str, Any]]]:
        """Every listing."""
        self._asked("listings")
        rows = list(self.listing_rows.values())
        for start in range(0, len(rows), self.page_size):
            yield rows[start : start + self.page_size]

    async def listing(
        self, account: PmsAccount, listing_id: str, *, is_urgent: bool = False
    ) -> dict[str, Any]:
        """One listing."""
        self._asked("listing")
        return self._one(self.listing_rows, listing_id)

    async def reservations(
        self,
        account: PmsAccount,
        *,
        latest_activity_start: Any = None,
        arrival_until: Any = None,
        departure_from: Any = None,
        only_unread: bool = False,
        after_id: str | None = None,
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Reservations, the greatest id first."""
        self._asked(f"reservations after {after_id}")
        rows = sorted(self.reservation_rows.values(), key=lambda row: -int(row["id"]))
        if only_unread:
            rows = [row for row in rows if str(row["id"]) in self.unread]
        if after_id is not None:
            rows = [row for row in rows if int(row["id"]) < int(after_id)]
        for start in range(0, len(rows), self.page_size):
            self._fail_if_scripted("page")
            yield rows[start : start + self.page_size]

    async def reservation(
        self,
        account: PmsAccount,
        reservation_id: str,
        *,
        is_urgent: bool = False,
        on_turn: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """One reservation."""
        self._asked("reservation")
        if on_turn is not None:
            on_turn()
        return self._one(self.reservation_rows, reservation_id)

    async def conversations_of(
        self, account: PmsAccount, reservation_id: str, *, is_urgent: bool = False
    ) -> list[dict[str, Any]]:
        """The threads of a reservation."""
        self._asked("conversations_of")
        rows = self.conversation_rows.values()
        return [row for row in rows if str(row["reservationId"]) == reservation_id]

    async def conversations(self, account: PmsAccount) -> AsyncIterator[list[dict[str, Any]]]:
        """Every thread, the one with the latest words of its guest first."""
        self._asked("conversations")
        rows = [{**row, **self._times(thread)} for thread, row in self.conversation_rows.items()]
        rows.sort(key=lambda row: str(row["messageReceivedOn"]), reverse=self.is_newest_first)
        self.pages_given = 0
        for start in range(0, len(rows), self.page_size):
            self.pages_given += 1
            yield rows[start : start + self.page_size]

    async def conversation(
        self, account: PmsAccount, conversation_id: str, *, is_urgent: bool = False
    ) -> dict[str, Any]:
        """One thread."""
        self._asked("conversation")
        return self._one(self.conversation_rows, conversation_id)

    async def messages(
        self,
        account: PmsAccount,
        conversation_id: str,
        *,
        limit: int = 50,
        include_scheduled: bool = False,
        is_urgent: bool = False,
        on_turn: Callable[[], None] | None = None,
    ) -> list[dict[str, Any]]:
        """A thread's messages, newest first, as captures show."""
        self._asked("messages")
        if on_turn is not None:
            on_turn()
        rows = self.threads[conversation_id]
        shown = [row for row in rows if include_scheduled or row["status"] == "sent"]
        return list(reversed(shown))[:limit]

    async def send_message(
        self,
        account: PmsAccount,
        conversation_id: str,
        words: Callable[[], Awaitable[str]],
        *,
        communication_type: str,
    ) -> dict[str, Any]:
        """Store a message, or fail as scripted."""
        self._asked("send_message")
        if self.on_turn is not None:
            await self.on_turn()
        text = await words()
        self.sent.append((conversation_id, text, communication_type))
        error, arrives = self.send_faults.pop(0) if self.send_faults else (None, True)
        row = None
        if arrives:
            row = self.add_message(
                text,
                thread=conversation_id,
                is_incoming=False,
                communicationType=communication_type,
            )
        if self.after_send is not None:
            await self.after_send()
        if error is not None:
            raise error
        assert row is not None
        return row

    async def custom_fields(self, account: PmsAccount) -> list[dict[str, Any]]:
        """Definitions of custom fields."""
        self._asked("custom_fields")
        return self.definitions

    async def ensure_webhook(
        self, account: PmsAccount, *, url: str, login: str, password: str
    ) -> str:
        """Keep the URL."""
        self._asked("ensure_webhook")
        self.webhooks.append(url)
        return "1"

    def _times(self, thread: str) -> dict[str, Any]:
        """When a thread's guest last wrote; nothing where the account tells no times."""
        told = [row["date"] for row in self.threads[thread] if row["isIncoming"]]
        return {"messageReceivedOn": max(told, default=None) if self.tells_times else None}

    def _asked(self, what: str) -> None:
        self.asked.append(what)
        self._fail_if_scripted(what.split()[0])

    def _fail_if_scripted(self, what: str) -> None:
        if self.faults.get(what) and (error := self.faults[what].pop(0)) is not None:
            raise error

    def _one(self, rows: Mapping[str, dict[str, Any]], row_id: str) -> dict[str, Any]:
        if row_id not in rows:
            raise HostawayError("refused by Hostaway (404)", retryable=False, status=404)
        return rows[row_id]


def lost_answer() -> HostawayError:
    """What a request ends in whose answer never came."""
    return HostawayError("no answer", retryable=False, was_sent=True)


def refused(*, retryable: bool = False) -> HostawayError:
    """What a request ends in that did nothing."""
    return HostawayError("refused by Hostaway (400)", retryable=retryable, status=400)


def _call(purpose: Any, model: str, messages: Messages, raw: str) -> ModelCall:
    return ModelCall(
        purpose=purpose,
        model=model,
        messages=tuple(messages),
        parameters={"temperature": 0.0},
        raw_output=raw,
        first_token_ms=1,
        total_ms=2,
    )


async def _nothing() -> AsyncIterator[str]:
    return
    yield
