"""The spoken calls of the story, each with what must be true on the tape, in the feed, in Slack."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime

from app.sim.bookings import Wish
from app.sim.call_act import CallAct, Exchange
from app.sim.numbers import ENGLISH, POLISH
from app.sim.scenes import WARSAW
from app.sim.stage import Played
from app.sim.witness import NotSeen

UNKNOWN = "+48600100299"
"""A number that stands in no booking."""
CODE = "73918"
ALERTED_WITHIN_S = 4.0
"""From the caller's last word: end of turn, recognition and Slack's own request."""
SILENCED_WITHIN_MS = 1500
"""The voice stops so soon after the caller breaks in; recognition of speech comes first."""
_POLISH = set("ąćęłńśźż")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_HOURS = (
    "twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CallScene:
    """One call: who rings which number, and what is said."""

    letter: str
    title: str
    label: str
    language: str
    hotline: str
    wish: Wish
    says: tuple[str, ...]
    """What the caller will say, in the order it is made before the call."""
    play: Callable[[CallAct], Awaitable[None]]
    caller: str = ""
    """Empty: the number of the booking."""

    async def run(self, act: CallAct) -> Played:
        """Play it to the end; what does not happen in time is a check that fails."""
        try:
            await act.dial()
            await self.play(act)
        except (NotSeen, TimeoutError) as missing:
            act.check("the call could be played to its end", is_met=False, saw=missing)
        try:
            await act.hangs_up()
        except NotSeen as missing:
            act.check("the call ended", is_met=False, saw=missing)
        stay = act.booking.reservation
        who = act.booking.guest if not self.caller else "an unknown number"
        setting = f"{who} calls {self.hotline}"
        if not self.caller:
            setting += f" · {act.booking.listing['name']}, {act.tenant.city} · "
            setting += f"{stay['arrivalDate']} to {stay['departureDate']}"
        return act.played(self.letter, self.title, setting)


async def arrival_day(act: CallAct) -> None:
    """Check-in time, then the door code."""
    told = await act.says(CHECK_IN)
    _tells_hour(act, told, act.booking.check_in_at.hour, "check-in")
    code = await act.says(DOOR_CODE)
    for fact in leaving_on(act.booking.reservation["departureDate"]):
        if "[[door_code]]" not in code.answer:
            code = await act.says(fact)
    if "[[door_code]]" not in code.answer:
        code = await act.says(DOOR_CODE)
    act.check("in the feed the code stands as a placeholder", "[[door_code]]" in code.answer, code)
    act.listen(f"the code is heard: {CODE}", code, lambda heard: CODE in digits_in(heard))


async def too_early(act: CallAct) -> None:
    """The door code three weeks before arrival."""
    told = await act.says(DOOR_CODE)
    act.check("the code is not given", "[[" not in told.answer, told.answer)
    act.listen("no code is heard", told, lambda heard: CODE not in digits_in(heard))
    opens = act.booking.opens_at(act.tenant.hours_before_arrival)
    act.check(
        f"the caller hears from when it is: {opens:%-d %B}", str(opens.day) in told.answer, told
    )


async def unknown(act: CallAct) -> None:
    """Somebody whose number no booking has."""
    told = await act.says(WIFI)
    act.check("the name is asked for", "name" in told.answer.lower(), told.answer)
    act.check("nothing of any stay is told", "[[" not in told.answer, told.answer)


async def interrupted(act: CallAct) -> None:
    """The caller breaks in mid-sentence."""
    await act.asks(HOUSE_RULES)
    told = await act.interrupts(CHECK_OUT, after_s=1.2)
    took = told.silenced_ms
    is_quick = took is not None and took <= SILENCED_WITHIN_MS
    act.check(f"the voice stopped {took} ms after the caller broke in", is_quick, told)
    _tells_hour(act, told, act.booking.check_out_hour, "check-out")
    cut = act.told("turn", speaker="bot", is_cut=True)
    act.check("what was not heard any more stands in no turn", cut, "no turn is marked as cut")


async def burst_pipe(act: CallAct) -> None:
    """An emergency by telephone."""
    told = await act.says(PIPE)
    post = await act.until_posted(act.began_at)
    alerted_s = (datetime.fromisoformat(post["at"]) - told.ended_at).total_seconds()
    act.slack_note = f"alert {alerted_s * 1000:.0f} ms"
    act.check(
        f"Slack knew {alerted_s:.1f} s after the caller's last word",
        alerted_s <= ALERTED_WITHIN_S,
        f"limit {ALERTED_WITHIN_S:.0f} s",
    )
    act.check("the caller is told that people know", told.answer, "nothing was said")


async def in_polish(act: CallAct) -> None:
    """A call in another language than the others."""
    told = await act.says(HASLO)
    greeting = act.told("turn", speaker="bot")[0]["text"]
    act.check("the greeting is Polish: an AI speaks", "asystent" in greeting, greeting)
    act.check("the answer is Polish", set(told.answer.lower()) & _POLISH, told.answer)


def _tells_hour(act: CallAct, told: Exchange, hour: int, what: str) -> None:
    act.check(f"the {what} time is right: {hour}:00", f"{hour}:00" in told.answer, told.answer)
    spoken = {str(hour), str(hour % 12 or 12), _HOURS[hour % 12]}

    def is_heard(heard: str) -> bool:
        return bool(spoken & set(re.findall(r"[a-z]+|\d+", heard.lower())))

    act.listen(f"the {what} time is heard", told, is_heard)


def digits_in(heard: str) -> str:
    """The digits of what was heard, whether they were written as digits or as words."""
    words = re.findall(r"\d|[a-z]+", heard.lower())
    return "".join(
        str(_DIGITS.index(word)) if word in _DIGITS else word
        for word in words
        if word in _DIGITS or word.isdigit()
    )


def leaving_on(iso: str) -> tuple[str, str]:
    """The day of departure, as a guest says it, and once more where it was not understood."""
    day = date.fromisoformat(iso)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(0 if 10 < day.day < 14 else day.day % 10, "th")
    said = f"on the {day.day}{ending} of {day:%B}."
    return f"We leave {said}", f"We are leaving {said}"


CHECK_IN = "What time can we check in today?"
DOOR_CODE = "And what is the door code please?"
WIFI = "Hello, what is the wifi password please?"
HOUSE_RULES = "Could you please tell me the house rules?"
CHECK_OUT = "Sorry, what time do we have to check out?"
PIPE = "There is a burst pipe in the bathroom and water everywhere!"
HASLO = "Proszę o hasło do internetu."

CALL_SCENES = (
    CallScene(
        letter="i",
        title="A known guest asks for check-in time and door code",
        label="i-known-guest",
        language="en",
        hotline=ENGLISH,
        wish=Wish(
            account=WARSAW, guest="Oliver Hartley", arrives_in=0,
            more={"phone": "+48510100431", "guestLocale": "en", "doorCode": CODE},
        ),
        says=(CHECK_IN, DOOR_CODE),
        play=arrival_day,
    ),
    CallScene(
        letter="j",
        title="Three weeks early the code is not said",
        label="j-three-weeks-early",
        language="en",
        hotline=ENGLISH,
        wish=Wish(
            account=WARSAW, guest="Imogen Fairbanks", arrives_in=21,
            more={"phone": "+48510100432", "guestLocale": "en", "doorCode": CODE},
        ),
        says=(DOOR_CODE,),
        play=too_early,
    ),
    CallScene(
        letter="k",
        title="An unknown number is asked for the name",
        label="k-unknown-number",
        language="en",
        hotline=ENGLISH,
        wish=Wish(account=WARSAW, guest="Rosalind Marsh", arrives_in=1),
        says=(WIFI,),
        play=unknown,
        caller=UNKNOWN,
    ),
    CallScene(
        letter="l",
        title="The caller breaks in mid-sentence",
        label="l-interrupted",
        language="en",
        hotline=ENGLISH,
        wish=Wish(
            account=WARSAW, guest="Desmond Clarke", arrives_in=-1,
            more={"phone": "+48510100433", "guestLocale": "en"},
        ),
        says=(HOUSE_RULES, CHECK_OUT),
        play=interrupted,
    ),
    CallScene(
        letter="m",
        title="A burst pipe by telephone goes to Slack",
        label="m-burst-pipe",
        language="en",
        hotline=ENGLISH,
        wish=Wish(
            account=WARSAW, guest="Beatrix Holloway", arrives_in=-1,
            more={"phone": "+48510100434", "guestLocale": "en"},
        ),
        says=(PIPE,),
        play=burst_pipe,
    ),
    CallScene(
        letter="n",
        title="A call in Polish",
        label="n-in-polish",
        language="pl",
        hotline=POLISH,
        wish=Wish(
            account=WARSAW, guest="Agnieszka Kowalczyk", arrives_in=0,
            more={"phone": "+48600100435", "guestLocale": "pl"},
        ),
        says=(HASLO,),
        play=in_polish,
    ),
)  # fmt: skip
LANES = (("i", "l", "n"), ("j", "k", "m"))
"""Two calls at a time; each lane one after the other."""
