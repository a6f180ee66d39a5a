"""A caller whose number stands on a stay: which one is meant, and the fact that proves it; pure."""

import re
from dataclasses import replace
from datetime import date

from app.pms.names import likeness
from app.pms.stay import Stay
from app.voice.caller import Fact
from app.voice.heard import Heard
from app.voice.known import MOST_ASKED, Known, Step, Tried, wrong_step
from app.voice.spoken_codes import is_code


def with_stay(known: Known, heard: Heard, today: date) -> Step | None:
    """A caller of level 1 proves more, or has it sent into the chat."""
    caller = known.caller
    if caller.assurance == 2 or caller.is_barred:
        return None
    if known.awaiting == "fact" and (heard.wants_chat or (known.is_offered and _agrees(heard))):
        after = replace(known, awaiting="", is_offered=False)
        return Step(before=known, after=after, sends_access=True)
    tried = _tried(known, heard, today) if known.awaiting == "fact" or heard.is_claim else ()
    if tried:
        return _after_facts(known, heard, tried)
    if known.awaiting != "fact":
        return None
    if heard.does_not_know:
        return Step(before=known, after=replace(known, is_offered=True), says="voice_offer_chat")
    is_try = heard.has_signs or heard.dates
    if not is_try or heard.asks:
        return None
    if known.asked >= MOST_ASKED - 1:
        after = replace(known, is_offered=True)
        return Step(before=known, after=after, says="voice_offer_chat")
    after = replace(known, asked=known.asked + 1)
    return Step(before=known, after=after, says="voice_fact_again")


def _agrees(heard: Heard) -> bool:
    return heard.says_yes and not (heard.codes or heard.dates or heard.asks)


def _tried(known: Known, heard: Heard, today: date) -> tuple[Tried, ...]:
    """Facts of the turn against the caller's stay; only such as still count."""
    caller = known.caller
    stay = caller.stay
    if stay is None:
        return ()
    mine = (stay.reservation.id,)
    tried = []
    if heard.codes:
        is_right = len(heard.codes) == 1 and is_code(
            heard.codes[0], stay.reservation.confirmation_code
        )
        tried.append(Tried(fact="code", is_right=is_right, reservation_ids=mine))
    if heard.departure is not None and "departure" in caller.missing:
        is_right = heard.departure.is_on(stay.reservation.departure_on, today)
        if heard.arrival is not None:
            is_right = is_right and heard.arrival.is_on(stay.reservation.arrival_on, today)
        tried.append(Tried(fact="departure", is_right=is_right, reservation_ids=mine))
    return tuple(tried)


def _after_facts(known: Known, heard: Heard, tried: tuple[Tried, ...]) -> Step:
    if all(each.is_right for each in tried):
        proven = known.caller.proven | {each.fact for each in tried}
        after = replace(
            known, caller=replace(known.caller, proven=proven), awaiting="", pending="",
            is_offered=False, asked=0,
        )  # fmt: skip
        question = known.pending or heard.text
        return Step(before=known, after=after, tried=tried, question=question)
    return wrong_step(known, tried, says="voice_wrong_fact", awaiting="fact", is_offered=True)


def which(known: Known, heard: Heard, today: date) -> Step | None:
    """Which of the stays of this number is meant: by the city, the flat or the dates."""
    by_words = [stay for stay in known.caller.stays if _is_named(stay, heard.text)]
    by_dates = [stay for stay in known.caller.stays if _is_dated(stay, heard, today)]
    stays = known.caller.stays
    if heard.dates and by_dates:
        stays = tuple(stay for stay in stays if stay in by_dates)
    if by_words:
        stays = tuple(stay for stay in stays if stay in by_words) or stays
    if len(stays) == 1:
        used: set[Fact] = set()
        if heard.dates and by_dates:
            used |= {"arrival"} if heard.arrival is not None else set()
            used |= {"departure"} if heard.departure is not None else set()
        caller = replace(known.caller, meant=stays[0], finding=frozenset(used))
        after = replace(known, caller=caller, awaiting="", pending="", asked=0)
        return Step(before=known, after=after, question=known.pending or heard.text)
    if known.asked >= MOST_ASKED:
        after = replace(known, awaiting="", asked=0)
        return Step(
            before=known, after=after, says="voice_not_proven",
            needs_person="the caller has several bookings and none could be singled out",
        )  # fmt: skip
    pending = known.pending or heard.text
    after = replace(known, awaiting="which", pending=pending, asked=known.asked + 1)
    return Step(before=known, after=after, says="voice_ask_which")


def _is_named(stay: Stay, text: str) -> bool:
    """Whether a turn names the stay's city or its listing."""
    said = [word for word in re.findall(r"\w+", text) if len(word) > 2]
    city = stay.listing.city
    if city and any(likeness((word,), city) > 0 for word in said):
        return True
    telling = [word for word in re.findall(r"\w+", stay.listing.name) if len(word) > 3]
    hits = [name for name in telling if any(likeness((word,), name) > 0 for word in said)]
    return len(hits) >= min(2, len(telling)) > 0


def _is_dated(stay: Stay, heard: Heard, today: date) -> bool:
    r = stay.reservation
    if heard.arrival is not None and not heard.arrival.is_on(r.arrival_on, today):
        return False
    if heard.departure is None:
        return heard.arrival is not None
    if heard.arrival is None:
        is_either = heard.departure.is_on(r.arrival_on, today)
        return is_either or heard.departure.is_on(r.departure_on, today)
    return heard.departure.is_on(r.departure_on, today)
