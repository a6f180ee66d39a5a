"""The door of the mind: a question becomes a route and words, and one stored decision.

Urgent words first, then rules, then facts that need no model, then the routing bot, then a template
or the informational bot. Nothing happens until `commit`; `discard` leaves nothing. What a model
says reaches nobody unless it passed every check: otherwise a person is asked.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from app.bots import store
from app.bots.facts import SILENT, certain_intent, template_reply
from app.bots.language import choose_language
from app.bots.library import Libraries
from app.bots.llm import LanguageModel, ModelError
from app.bots.phrases import retracts, wants_human
from app.bots.prompt import answering_messages, codes_of, routing_messages
from app.bots.records import Library, ModelCall, Question, Route, Severity
from app.bots.selection import choose_bot
from app.bots.sentences import LOCKED_BY_REASON, access_sentence, sentence
from app.bots.urgent import Urgent, emergency_sentence, find_urgent
from app.db import Connection, Database
from app.errors import BadInput, NotFound
from app.pms.gated import PlaceholderMangled, check
from app.telemetry import current_trace_id

logger = logging.getLogger(__name__)

ACCESS_CODE = "ACCESS_INSTRUCTIONS"
ACCESS_CODES = frozenset({ACCESS_CODE, "WIFI_QUESTION"})
ASK_TEAM = "[[ask_team]]"
"""What an informational bot adds when it does not know: then somebody really is asked."""
ESCALATE = "ESCALATE"
URGENT_BEFORE_CHECK_IN = timedelta(hours=2)


class Mind:
    """Answers questions for voice and chat."""

    def __init__(self, *, database: Database, libraries: Libraries, model: LanguageModel) -> None:
        self._database = database
        self._libraries = libraries
        self._model = model

    async def begin(self, question: Question) -> "Answering":
        """Start on a question; nothing is written before `commit`."""
        door = await self._database.tenant(question.tenant.id)
        async with door.transaction() as conn:
            library = await self._libraries.current(conn, question.tenant.id)
        return Answering(question, library, self._model)


class Answering:
    """One question on its way to an answer."""

    def __init__(self, question: Question, library: Library, model: LanguageModel) -> None:
        self.question = question
        self._library = library
        self._model = model
        self._route: Route | None = None
        self._prepared: str | None = None
        self._calls: list[ModelCall] = []
        self._said: list[str] = []
        settings = question.tenant.settings
        locale = question.stay.reservation.guest_locale if question.stay else None
        self.language = choose_language(
            question.asked,
            locale=locale,
            before=question.language_hint,
            supported=settings.language.supported,
            default=settings.language.default,
        )

    async def route(self) -> Route:
        """Where the question leads; asked of the model at most once."""
        if self._route is None:
            self._route = self._without_model() or await self._by_model()
        return self._route

    async def words(self) -> AsyncIterator[str]:
        """The answer as it comes; nothing where the route is silence.

        Raises (while iterating):
            ModelError: the model failed; ask `give_up` for what to say instead.
        """
        route = await self.route()
        if self._prepared is not None:
            self._said = [self._prepared]
            yield self._prepared
            return
        if route.outcome != "reply":
            return
        bot = choose_bot(
            self._library,
            kind="informational",
            medium=self.question.medium,
            reservation=self._reservation(),
            action_code=route.action_code,
        )
        self._route = replace(route, bot=bot.name)
        settings = self.question.tenant.settings.llm
        model = settings.chat_model if self.question.medium == "thread" else settings.voice_model
        stream = self._model.stream(
            answering_messages(bot, self.question, self.language),
            model,
            settings,
            self.question.tenant.openai_api_key,
        )
        async for word in stream.words:
            self._said.append(word)
            yield word
        if stream.call is not None:
            self._calls.append(stream.call)

    async def whole(self) -> str | None:
        """The whole answer, checked; a failure on the way becomes a route to a person."""
        try:
            await self.route()
            async for _ in self.words():
                pass
            text = self._passed(self._asked_team("".join(self._said).strip()))
        except ModelError as exc:
            self._calls.append(_failed_call(exc))
            return self.give_up(str(exc))
        except (BadInput, NotFound) as exc:
            return self.give_up(str(exc))
        return text or None

    def _passed(self, text: str) -> str:
        """The words with secrets as placeholders, where they may be said at all."""
        stay = self.question.stay
        text = stay.mask(text) if stay else text
        check(text, self._may_carry(), known=stay.known if stay else ())
        if stay is not None and stay.must_not_say(text):
            raise PlaceholderMangled("the answer held what is locked")
        self._said = [text]
        return text

    def _asked_team(self, text: str) -> str:
        """The words without the mark of not knowing, which makes it a person's matter."""
        if ASK_TEAM not in text or self._route is None:
            return text
        text = " ".join(text.replace(ASK_TEAM, " ").split()) or self._holding()
        self._route = replace(
            self._route, outcome="person", because="the bot does not know", severity="low"
        )
        self._said = [text]
        return text

    def give_up(self, because: str) -> str | None:
        """Turn to a person; gives what the guest is told meanwhile."""
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
            bot=before.bot if before else None,
        )
        self._prepared = self._holding()
        self._said = [self._prepared]
        return self._prepared

    async def commit(self, conn: Connection) -> int:
        """Write the decision in the caller's transaction; its id."""
        route = await self.route()
        return await store.add_decision(
            conn,
            self.question,
            route,
            library_version=self._library.version,
            answer="".join(self._said).strip() or None,
            calls=self._calls,
            trace_id=current_trace_id(),
        )

    def discard(self) -> None:
        """Forget what was thought; it cost tokens and changed nothing."""
        self._route, self._prepared = None, None
        self._calls, self._said = [], []

    # -- routes ------------------------------------------------------------------------------

    def _without_model(self) -> Route | None:
        """What rules and facts decide."""
        q = self.question
        urgent = find_urgent(q.text, country_code=q.stay.listing.country_code if q.stay else None)
        if urgent is not None:
            return self._urgent(urgent)
        if q.refuses_robot:
            return self._person("the guest asked for no robot")
        if wants_human(q.text):
            return self._person("the guest asked for a person", action_code=ESCALATE)
        if not q.text.strip():
            if not q.has_attachment:
                return self._silent("nothing was said")
            return self._person(
                "a photo or voice note alone", severity="low", says=self._sentence("attachment")
            )
        if q.asked and retracts(q.asked[-1]):
            return self._silent("the guest took it back")
        return self._by_facts()

    def _by_facts(self) -> Route | None:
        intent = certain_intent(self.question, self._library)
        if intent is None:
            return None
        if intent.action_code == SILENT:
            return self._silent("no reply is needed", action_code=SILENT)
        if (refusal := self._access_matter(intent.action_code)) is not None:
            return refusal
        text = template_reply(
            self.question, self._library, intent.action_code, self.language, self.bot_name()
        )
        if text is None:
            return None
        self._prepared = text
        return Route(
            outcome="reply",
            origin="facts",
            because=f"certain: {intent.phrase}",
            language=self.language,
            action_code=intent.action_code,
            score=1.0,
        )

    async def _by_model(self) -> Route:
        """What the routing bot decides, within the tenant's threshold."""
        q = self.question
        bot = choose_bot(
            self._library, kind="routing", medium=q.medium, reservation=self._reservation()
        )
        codes = [code.code for code in codes_of(bot, self._library)]
        output, call = await self._model.classify(
            routing_messages(bot, self._library, q, self.language),
            codes,
            q.tenant.settings.llm,
            q.tenant.openai_api_key,
        )
        self._calls.append(call)
        code = self._library.code(output.actionCode)
        if code is None:
            raise ModelError("the model chose a code that does not exist")
        chosen = Route(
            outcome="reply",
            origin="bot",
            because=f"{bot.name} chose {code.code}",
            language=self.language,
            action_code=code.code,
            score=output.score,
            reasoning=output.reasoning,
            covers_all=output.coversAll,
            severity=code.severity,
            bot=bot.name,
        )
        if output.score < q.tenant.settings.chat.score_threshold:
            return self._unsure(chosen)
        if code.leads_to == "silence":
            return replace(chosen, outcome="silence")
        if code.leads_to == "person":
            self._prepared = self._holding()
            return replace(chosen, outcome="person")
        if (refusal := self._access_matter(code.code)) is not None:
            return replace(refusal, score=output.score, reasoning=output.reasoning, bot=bot.name)
        if code.leads_to == "template" and output.coversAll:
            self._prepared = template_reply(
                q, self._library, code.code, self.language, self.bot_name()
            )
            if self._prepared is not None:
                return replace(chosen, origin="template")
        return chosen

    def _unsure(self, chosen: Route) -> Route:
        """Below the threshold: a person, or a draft that a person decides on."""
        because = f"unsure ({chosen.score:.2f}): {chosen.because}"
        if self.question.tenant.settings.chat.low_score == "draft":
            return replace(chosen, because=because, is_draft=True)
        self._prepared = self._holding()
        return replace(chosen, outcome="person", because=because, severity="normal")

    def _urgent(self, urgent: Urgent) -> Route:
        first = emergency_sentence(urgent, self.language) if urgent.emergency_number else ""
        self._prepared = f"{first} {self._holding()}".strip()
        return Route(
            outcome="person",
            origin="urgent",
            because=f"urgent: {urgent.kind}",
            language=self.language,
            action_code=ESCALATE,
            score=1.0,
            severity=urgent.severity,
        )

    def _access_matter(self, action_code: str) -> Route | None:
        """What a person must see to: no code yet (urgent near check-in), or access refused."""
        stay = self.question.stay
        if stay is None or action_code not in ACCESS_CODES:
            return None
        if not stay.access.allowed and stay.access.reason not in LOCKED_BY_REASON:
            return self._person(
                f"access is refused: {stay.access.reason}",
                action_code=action_code,
                says=access_sentence(stay.access, self.language),
            )
        if action_code != ACCESS_CODE:
            return None
        if not stay.access.allowed or stay.is_code_ready:
            return None
        is_urgent = stay.now >= stay.check_in_at - URGENT_BEFORE_CHECK_IN
        return self._person(
            "the door code is not ready",
            action_code=action_code,
            severity="high" if is_urgent else "normal",
            says=self._sentence("not_ready"),
        )

    def _person(
        self,
        because: str,
        *,
        action_code: str | None = None,
        severity: Severity = "normal",
        says: str | None = None,
    ) -> Route:
        self._prepared = says or self._holding()
        return Route(
            outcome="person",
            origin="rule",
            because=because,
            language=self.language,
            action_code=action_code,
            severity=severity,
        )

    def _silent(self, because: str, *, action_code: str | None = None) -> Route:
        return Route(
            outcome="silence",
            origin="rule",
            because=because,
            language=self.language,
            action_code=action_code or SILENT,
        )

    # -- small things ------------------------------------------------------------------------

    def _reservation(self) -> dict[str, object]:
        stay = self.question.stay
        return stay.mapping() if stay else {"tenant": self.question.tenant.id}

    def _may_carry(self) -> frozenset[str]:
        stay = self.question.stay
        return frozenset(stay.deliverable) if stay else frozenset()

    def bot_name(self) -> str:
        """By which name the guest knows the one who answers."""
        try:
            return choose_bot(
                self._library,
                kind="informational",
                medium=self.question.medium,
                reservation=self._reservation(),
            ).name
        except NotFound:
            return self.question.tenant.name

    def _holding(self) -> str:
        return self._sentence("holding")

    def _sentence(self, name: str) -> str:
        return sentence(name, self.language)


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
