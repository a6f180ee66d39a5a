"""The door of the mind: a question becomes a route and words, and one stored decision.

Rules first (urgent words before all), then facts that need no model, then the routing bot, then a
template or the informational bot. A part that needs a person is set aside: the rest is answered,
and the same reply says that somebody sees to it. Nothing happens until `commit`; `discard` leaves
nothing. What a model says reaches nobody unless it passed every check: else a person is asked.
On the phone the informational bot is asked while the routing bot still is.
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from app.background import Background
from app.bots import store
from app.bots.ahead import Ahead
from app.bots.facts import template_reply
from app.bots.language import choose_language
from app.bots.library import Libraries
from app.bots.llm import LanguageModel, ModelError, Stream
from app.bots.nonsense import refuse_nonsense
from app.bots.prompt import answering_messages
from app.bots.records import Bot, Library, ModelCall, Question, Route
from app.bots.routes import Router, worst
from app.bots.selection import choose_bot
from app.bots.sentences import by_medium, sentence
from app.bots.words import words_loaded
from app.db import Connection, Database
from app.errors import BadInput, NotFound
from app.pms.gated import PlaceholderMangled, check
from app.telemetry import current_trace_id

logger = logging.getLogger(__name__)

ASK_TEAM = "[[ask_team]]"
"""What an informational bot adds when it does not know: then somebody really is asked."""


class Mind:
    """Answers questions for voice and chat."""

    def __init__(
        self,
        *,
        database: Database,
        libraries: Libraries,
        model: LanguageModel,
        background: Background,
    ) -> None:
        self._database = database
        self._libraries = libraries
        self._model = model
        self._background = background

    async def warm(self, tenant_id: str) -> None:
        """Have at hand what a tenant's first question needs."""
        await words_loaded()
        door = await self._database.tenant(tenant_id)
        async with door.transaction() as conn:
            await self._libraries.current(conn, tenant_id)

    async def begin(self, question: Question, conn: Connection | None = None) -> "Answering":
        """Start on a question, by the caller's connection where one is held.

        Nothing is written before `commit`.
        """
        if conn is not None:
            library = await self._libraries.current(conn, question.tenant.id)
            return Answering(question, library, self._model, self._background)
        door = await self._database.tenant(question.tenant.id)
        async with door.transaction() as own:
            library = await self._libraries.current(own, question.tenant.id)
        return Answering(question, library, self._model, self._background)


class Answering:
    """One question on its way to an answer."""

    def __init__(
        self,
        question: Question,
        library: Library,
        model: LanguageModel,
        background: Background | None = None,
    ) -> None:
        self.question = question
        self._library = library
        self._model = model
        self._background = background
        """None: the answer is asked for after the route, on the phone too."""
        self._ahead: Ahead | None = None
        self.on_words_ahead: Callable[[str], None] = lambda _: None
        """Told of all the words so far of an answer whose route is not known yet."""
        self._route: Route | None = None
        self._said: list[str] = []
        settings = question.tenant.settings
        locale = question.stay.reservation.guest_locale if question.stay else None
        # On the phone the call's own language holds: its ears and its voice have it.
        self.language = (
            question.language_hint
            if question.medium == "phone" and question.language_hint
            else choose_language(
                question.asked,
                locale=locale,
                before=question.language_hint,
                supported=settings.language.supported,
                default=settings.language.default,
            )
        )
        self._router = self._new_router()

    def _new_router(self) -> Router:
        return Router(
            self.question, self._library, self._model, self.language, on_model=self._think_ahead
        )

    @property
    def calls(self) -> Sequence[ModelCall]:
        """What the model was asked, as far as it has answered."""
        return self._router.calls

    @property
    def promise(self) -> str:
        """What the reply says, behind its answer, of the parts that a person sees to."""
        if self._route is None or not self._route.is_answered:
            return ""
        return " ".join(dict.fromkeys(aside.says for aside in self._router.asides))

    @property
    def known_route(self) -> Route | None:
        """Where the question leads, once that is known; nobody is asked."""
        return self._route

    async def route(self) -> Route:
        """Where the question leads; asked of the model at most once."""
        if self._route is None:
            try:
                self._route = await self._router.find()
            except BaseException:
                self._drop_ahead()
                raise
        return self._route

    async def words(self) -> AsyncIterator[str]:
        """The answer as it comes; nothing where the route is silence.

        Raises (while iterating):
            ModelError: the model failed; ask `give_up` for what to say instead.
        """
        try:
            route = await self.route()
            if self._router.prepared is not None:
                self._said = [self._router.prepared]
                yield self._router.prepared
            elif route.outcome == "reply" or route.is_answered:
                async for word in self._informed(route):
                    self._said.append(word)
                    yield word
        finally:
            self._drop_ahead()
        if promise := self.promise:
            self._said.append(f"\n{promise}")
            yield f"\n{promise}"

    async def whole(self) -> str | None:
        """The whole answer, checked; a failure on the way becomes a route to a person."""
        try:
            route = await self.route()
            is_to_be_said = route.outcome == "reply" or route.is_answered
            is_of_a_model = is_to_be_said and self._router.prepared is None
            async for _ in self.words():
                pass
            lines = "".join(self._said).strip().split("\n")
            text = self._passed(self._asked_team("\n".join(line.rstrip() for line in lines)))
            if is_of_a_model:
                refuse_nonsense(text, self.language)
        except ModelError as exc:
            self._router.calls.append(_failed_call(exc))
            return self.give_up(str(exc))
        except (BadInput, NotFound) as exc:
            return self.give_up(str(exc))
        return text or None

    def _passed(self, text: str) -> str:
        """The words with secrets as placeholders, where they may be said at all.

        Our own sentences pass as they are: an emergency number is one, whatever a door code is.
        """
        stay = self.question.stay
        is_ours = self._router.prepared is not None
        if is_ours and self._route is not None and self._route.origin in ("urgent", "rule"):
            return text
        text = stay.mask(text) if stay else text
        check(text, self._may_carry(), known=stay.known if stay else ())
        if stay is not None and stay.must_not_say(text):
            raise PlaceholderMangled("the answer held what is locked")
        self._said = [text]
        return text

    async def _informed(self, route: Route) -> AsyncIterator[str]:
        """The informational bot's words."""
        bot = choose_bot(
            self._library,
            kind="informational",
            medium=self.question.medium,
            reservation=self._router.reservation(),
            action_code=route.action_code,
        )
        self._route = replace(route, bot=bot.name)
        ahead = self._ahead
        if ahead is not None and (ahead.bot, ahead.asked) == (bot, self._router.asked):
            async for word in ahead.words():
                yield word
            call = ahead.call
        else:
            stream = self._asked(bot)
            async for word in stream.words:
                yield word
            call = stream.call
        if call is not None:
            self._router.calls.append(call)

    def _asked(self, bot: Bot) -> Stream:
        settings = self.question.tenant.settings.llm
        model = settings.chat_model if self.question.medium == "thread" else settings.voice_model
        return self._model.stream(
            answering_messages(bot, self._router.asked, self.language),
            model,
            settings,
            self.question.tenant.openai_api_key,
        )

    def _think_ahead(self) -> None:
        """Ask the bot that most likely answers, while the route is looked for."""
        if self._background is None or self.question.medium != "phone":
            return
        try:
            bot = choose_bot(
                self._library,
                kind="informational",
                medium="phone",
                reservation=self._router.reservation(),
            )
        except NotFound:
            return
        self._ahead = Ahead(
            bot, self._router.asked, self._asked(bot), self._background, self._hear_ahead
        )

    def _hear_ahead(self, words: str) -> None:
        if self._route is None:
            self.on_words_ahead(words)

    def _drop_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.drop()
            self._ahead = None

    def _asked_team(self, text: str) -> str:
        """The words without the mark of not knowing, which makes it a person's matter."""
        if ASK_TEAM not in text or self._route is None:
            return text
        text = _without_mark(text)
        self._leave_to_team(self._route, is_answered=bool(text))
        text = text or self._holding()
        self._said = [text]
        return text

    def spoken(self, clause: str) -> str:
        """A clause that is said at once, without the mark; it may have nothing else to say."""
        if ASK_TEAM not in clause or self._route is None:
            return clause
        self._said = ["".join(self._said).replace(ASK_TEAM, "")]
        self._leave_to_team(self._route, is_answered=True)
        return _without_mark(clause)

    def _leave_to_team(self, route: Route, *, is_answered: bool) -> None:
        self._route = replace(
            route,
            outcome="person",
            because="the bot does not know",
            severity=worst("low", *(aside.severity for aside in self._router.asides)),
            is_answered=is_answered,
            for_people="",
        )

    def from_templates(self, codes: Sequence[str]) -> str:
        """What the reply templates of some codes say; empty where they say nothing."""
        texts = [
            template_reply(self.question, self._library, code, self.language, self.bot_name())
            for code in codes
        ]
        return "\n".join(dict.fromkeys(text for text in texts if text))

    def say_instead(self, text: str, route: Route) -> None:
        """Answer with prepared words, whatever was asked; no model is."""
        self._route, self._router.prepared = route, text

    def give_up(self, because: str, *, says: str | None = None) -> str:
        """Turn to a person; gives what the guest is told meanwhile: `says`, or the usual."""
        logger.warning("answer given up", extra={"why": because})
        before = self._route
        self._route = Route(
            outcome="person",
            origin=before.origin if before else "rule",
            because=because,
            language=self.language,
            action_code=before.action_code if before else None,
            score=before.score if before else None,
            reasoning=before.reasoning if before else "",
            severity=worst("normal", *(aside.severity for aside in self._router.asides)),
            bot=before.bot if before else None,
        )
        self._drop_ahead()
        self._router.prepared = says or self._holding()
        self._said = [self._router.prepared]
        return self._router.prepared

    async def commit(self, conn: Connection) -> int:
        """Write the decision in the caller's transaction; its id."""
        route = await self.route()
        return await store.add_decision(
            conn,
            self.question,
            route,
            library_version=self._library.version,
            answer="".join(self._said).strip() or None,
            calls=self._router.calls,
            trace_id=current_trace_id(),
        )

    def discard(self) -> None:
        """Forget what was thought; it cost tokens and changed nothing."""
        self._drop_ahead()
        self._route, self._said = None, []
        self._router = self._new_router()

    def bot_name(self) -> str:
        """By which name the guest knows the one who answers."""
        return self._router.bot_name()

    def _may_carry(self) -> frozenset[str]:
        stay = self.question.stay
        return frozenset(stay.deliverable) if stay else frozenset()

    def _holding(self) -> str:
        return sentence(by_medium("holding", self.question.medium), self.language)


def _without_mark(text: str) -> str:
    return " ".join(text.replace(ASK_TEAM, " ").split())


def _failed_call(error: ModelError) -> ModelCall:
    return ModelCall(
        purpose="answer",
        model="",
        messages=(),
        parameters={"error": str(error)},
        raw_output=error.raw_output,
        first_token_ms=None,
        total_ms=0,
    )
