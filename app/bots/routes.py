"""Where a question leads: rules, then certain facts, then the routing bot; parts set aside.

What was found is kept here until the answer is made of it: words that are prepared already, the
parts that a person sees to, and what is left for a bot to answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from app.bots.facts import SILENT, certain_intents, certain_messages, template_reply
from app.bots.llm import LanguageModel, ModelError, RouteOutput
from app.bots.parts import Aside, Part, parts_of, read_burst, without
from app.bots.prompt import codes_of, routing_messages
from app.bots.records import SEVERITIES, Library, ModelCall, Question, Route, Severity
from app.bots.rules import Ruling, person, ruling, silence
from app.bots.selection import choose_bot
from app.bots.sentences import (
    LOCKED_BY_REASON,
    UNPROVEN,
    access_sentence,
    by_medium,
    sentence,
)
from app.errors import NotFound
from app.pms.stay import Stay

ACCESS_CODE = "ACCESS_INSTRUCTIONS"
ACCESS_CODES = frozenset({ACCESS_CODE, "WIFI_QUESTION"})
ATTACHMENT = "[attachment]"
URGENT_BEFORE_CHECK_IN = timedelta(hours=2)


class Router:
    """Finds the route of one question; nothing is written."""

    def __init__(
        self,
        question: Question,
        library: Library,
        model: LanguageModel,
        language: str,
        *,
        on_model: Callable[[], None],
    ) -> None:
        self.question = question
        self.language = language
        self.prepared: str | None = None
        """What is said, where no bot need find the words."""
        self.asides: list[Aside] = []
        """What a person sees to, beside what is answered."""
        self.asked = question
        """What is left for a bot to answer."""
        self.calls: list[ModelCall] = []
        self._library = library
        self._model = model
        self._on_model = on_model
        """Told when neither rules nor facts decided, right before the model is asked."""

    async def find(self) -> Route:
        """Where the question leads.

        Raises:
            ModelError: no model could tell.
            NotFound: the tenant has no routing bot for this.
        """
        if (ruled := ruling(self.question, self.language)) is not None:
            return self._ruled(ruled)
        self._set_aside_by_kind()
        route = self._by_facts()
        return self._joined(route if route is not None else await self._by_model())

    def _set_aside_by_kind(self) -> None:
        """What goes to a person by what it is: requests of the channel, and pictures."""
        burst = read_burst(self.question)
        self.asked = replace(self.question, asked=burst.rest)
        for text, kind in burst.for_people:
            says = self._sentence("rest" if kind.says == "holding" else kind.says)
            self._set_aside(text, kind.name.replace("_", " "), "normal", says)
        if self.question.has_attachment:
            self._set_aside(
                ATTACHMENT, "a photo or voice note", "low", self._sentence("attachment")
            )

    def _by_facts(self) -> Route | None:
        intents = certain_intents(self.asked, self._library)
        if not intents:
            return None
        if intents[0].action_code == SILENT:
            return self._ruled(silence("no reply is needed", self.language))
        codes = [intent.action_code for intent in intents]
        text = self._by_templates(codes)
        if text is None:
            return None
        if isinstance(text, Ruling):
            return self._ruled(text)
        self.prepared = text
        return Route(
            outcome="reply",
            origin="facts",
            because="certain: " + "; ".join(intent.phrase for intent in intents),
            language=self.language,
            action_code=codes[0],
            score=1.0,
        )

    async def _by_model(self) -> Route:
        """What the routing bot decides, within the tenant's threshold."""
        q = self.asked
        bot = choose_bot(
            self._library, kind="routing", medium=q.medium, reservation=self.reservation()
        )
        codes = [code.code for code in codes_of(bot, self._library)]
        self._on_model()
        output, call = await self._model.classify(
            routing_messages(bot, self._library, q, self.language),
            codes,
            q.tenant.settings.llm,
            q.tenant.openai_api_key,
            is_brief=q.medium == "phone",
        )
        self.calls.append(call)
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
        return self._by_parts(chosen, output)

    def _by_parts(self, chosen: Route, output: RouteOutput) -> Route:
        """What follows of each code the bot found: people's parts aside, the rest answered."""
        found = parts_of(output, self._library, self.asked.asked)
        people = [part for part in found if part.code.leads_to == "person"]
        bots = [part for part in found if part.code.leads_to in ("bot", "template")]
        if not people and not bots:
            return replace(chosen, outcome="silence")
        if people and not bots:
            is_partly = not output.coversAll and not output.parts
            certain = self._certain_beside(chosen, people[0]) if is_partly else None
            return certain or self._to_person(chosen, people)
        covers_all = output.coversAll or len(found) > 1
        if people:
            left = without(self.asked.asked, people)
            if left is None and not (left := tuple(p.words for p in bots if p.words)):
                return self._to_person(chosen, people)
            self.asked = replace(self.asked, asked=left)
            for part in people:
                because = f"{chosen.bot} chose {part.code.code}"
                self._set_aside(part.words, because, part.code.severity, self._sentence("rest"))
        codes = [part.code for part in bots]
        answered = replace(chosen, action_code=codes[0].code, covers_all=covers_all)
        refusals = [self._access_matter(code.code) for code in codes]
        text: str | Ruling | None = None
        if any(refusals) or (covers_all and all(code.leads_to == "template" for code in codes)):
            text = self._by_templates([code.code for code in codes])
        if isinstance(text, Ruling):
            return replace(
                self._ruled(text), score=chosen.score, reasoning=chosen.reasoning, bot=chosen.bot
            )
        self.prepared = text
        return answered if text is None else replace(answered, origin="template")

    def _certain_beside(self, chosen: Route, part: Part) -> Route | None:
        """From a bot that names no parts: the messages that are certain beside the others."""
        certain = certain_messages(self.asked, self._library)
        left = [text for text in self.asked.asked if text not in certain]
        if not certain or not left:
            return None
        codes = list(dict.fromkeys(certain.values()))
        text = self._by_templates(codes)
        if not isinstance(text, str):
            return None
        self.prepared = text
        self._set_aside("\n".join(left), chosen.because, part.code.severity, self._sentence("rest"))
        return replace(chosen, origin="facts", action_code=codes[0])

    def _by_templates(self, codes: Sequence[str]) -> str | Ruling | None:
        """The templates' words; a ruling where access refuses all; none where one says nothing.

        Of several, what access refuses is set aside for a person.
        """
        said: list[str] = []
        refused: list[tuple[str, Ruling]] = []
        for code in codes:
            if (refusal := self._access_matter(code)) is not None:
                if refusal.route.outcome == "reply":
                    said.append(refusal.says or "")
                else:
                    refused.append((code, refusal))
                continue
            text = template_reply(self.asked, self._library, code, self.language, self.bot_name())
            if text is None:
                return None
            said.append(text)
        if refused and not said:
            return refused[0][1]
        for _, refusal in refused:
            route = refusal.route
            self._set_aside("", route.because, route.severity, refusal.says or "")
        return "\n".join(dict.fromkeys(said))

    def _to_person(self, chosen: Route, people: Sequence[Part]) -> Route:
        self.prepared = self._holding()
        severity = worst(*(part.code.severity for part in people))
        gravest = next(part.code for part in people if part.code.severity == severity)
        return replace(chosen, outcome="person", severity=severity, action_code=gravest.code)

    def _joined(self, route: Route) -> Route:
        """The route with what was set aside: a person is needed, and the rest is said."""
        is_mere_picture = all(aside.words == ATTACHMENT for aside in self.asides)
        if route.outcome == "person" or (is_mere_picture and route.outcome == "silence"):
            return route
        if not self.asides:
            return route
        severity = worst(*(aside.severity for aside in self.asides))
        words = [aside.words for aside in self.asides]
        if route.outcome == "silence":
            self.prepared = " ".join(dict.fromkeys(aside.says for aside in self.asides))
        reasons = "; ".join(aside.because for aside in self.asides)
        return replace(
            route,
            outcome="person",
            because=f"{route.because}; for a person: {reasons}",
            severity=severity,
            is_answered=route.outcome == "reply",
            for_people="\n".join(words) if all(words) else "",
        )

    def _unsure(self, chosen: Route) -> Route:
        """Below the threshold: a person, or a draft that a person decides on."""
        because = f"unsure ({chosen.score:.2f}): {chosen.because}"
        if self.question.tenant.settings.chat.low_score == "draft":
            return replace(chosen, because=because, is_draft=True)
        self.prepared = self._holding()
        return replace(chosen, outcome="person", because=because, severity="normal")

    def _access_matter(self, action_code: str) -> Ruling | None:
        """What a person must see to: no code yet (urgent near check-in), or access refused."""
        stay = self.question.stay
        if action_code not in ACCESS_CODES:
            return None
        if stay is None and self.question.medium == "phone":
            return person(
                "access is asked for by nobody knows whom",
                self.language,
                action_code=action_code,
                says=self._sentence("cannot_say"),
            )
        if stay is None:
            return None
        if stay.access.reason in UNPROVEN:
            return self._fact_wanted(stay, action_code)
        if not stay.access.allowed and stay.access.reason not in LOCKED_BY_REASON:
            return person(
                f"access is refused: {stay.access.reason}",
                self.language,
                action_code=action_code,
                says=access_sentence(stay.access, self.language),
            )
        if action_code != ACCESS_CODE:
            return None
        if not stay.access.allowed or stay.is_code_ready:
            return None
        is_urgent = stay.now >= stay.check_in_at - URGENT_BEFORE_CHECK_IN
        return person(
            "the door code is not ready",
            self.language,
            action_code=action_code,
            severity="high" if is_urgent else "normal",
            says=self._sentence("not_ready"),
        )

    def _fact_wanted(self, stay: Stay, action_code: str) -> Ruling:
        """The caller is asked for a fact of the booking first."""
        route = Route(
            outcome="reply",
            origin="rule",
            because="the caller must tell a fact of the booking first",
            language=self.language,
            action_code=action_code,
            score=1.0,
        )
        return Ruling(route=route, says=access_sentence(stay.access, self.language))

    def bot_name(self) -> str:
        """By which name the guest knows the one who answers."""
        try:
            return choose_bot(
                self._library,
                kind="informational",
                medium=self.question.medium,
                reservation=self.reservation(),
            ).name
        except NotFound:
            return self.question.tenant.name

    def reservation(self) -> dict[str, object]:
        """What conditions see."""
        stay = self.question.stay
        return stay.mapping() if stay else {"tenant": self.question.tenant.id}

    def _ruled(self, ruled: Ruling) -> Route:
        self.prepared = ruled.says
        return ruled.route

    def _set_aside(self, words: str, because: str, severity: Severity, says: str) -> None:
        aside = Aside(words=words, because=because, severity=severity, says=says)
        self.asides.append(aside)

    def _holding(self) -> str:
        return self._sentence("holding")

    def _sentence(self, name: str) -> str:
        return sentence(by_medium(name, self.question.medium), self.language)


def worst(*severities: Severity) -> Severity:
    """The gravest of some."""
    return max(severities, key=SEVERITIES.index)
