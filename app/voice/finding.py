"""A caller without a known number: a name, then facts of the booking; pure.

An unknown name is asked for its facts just like a known one: nobody learns who stays.
"""

from dataclasses import replace
from datetime import date

from app.pms.stay import Stay
from app.voice.caller import MOST_WRONG_A_DAY, Caller, Fact
from app.voice.heard import Heard
from app.voice.known import MOST_ASKED, Known, Step, Tried, wrong_step
from app.voice.spoken_codes import is_code


def by_name(known: Known, heard: Heard, found: tuple[Stay, ...] | None, today: date) -> Step | None:
    """Name, then the confirmation code, or else both dates."""
    if heard.has_no_booking and not heard.names:
        after = replace(known, has_given_up=True, awaiting="", pending="")
        return Step(before=known, after=after, question=known.pending or heard.text)
    after = _with_facts(known, heard, found)
    if not after.names:
        return _ask_name(known, after, heard)
    is_new = (after.names, after.code, after.arrival, after.departure) != (
        known.names, known.code, known.arrival, known.departure,
    )  # fmt: skip
    if is_new and (after.code or (after.arrival and after.departure)):
        return _matched(known, after, heard, today)
    return _ask_facts(known, after, heard)


def _with_facts(known: Known, heard: Heard, found: tuple[Stay, ...] | None) -> Known:
    after = known
    if not known.pending and known.awaiting == "":
        after = replace(after, pending=heard.text)
    if heard.names and found is not None:
        after = replace(after, names=heard.names, found=found)
    is_asked = known.awaiting in ("code", "dates", "again") or heard.is_claim
    if heard.codes and is_asked:
        # Two codes in one turn are two guesses: neither is believed.
        after = replace(after, code=heard.codes[0] if len(heard.codes) == 1 else "?")
    if heard.dates and is_asked:
        after = replace(
            after,
            arrival=heard.arrival or after.arrival,
            departure=heard.departure or after.departure,
        )
    return after


def _matched(known: Known, after: Known, heard: Heard, today: date) -> Step:
    """A name with facts: the booking they are of, or one wrong fact more."""
    open_ones = [
        stay
        for stay in after.found
        if known.wrong_of.get(stay.reservation.id, 0) < MOST_WRONG_A_DAY
    ]
    by_code = [s for s in open_ones if is_code(after.code, s.reservation.confirmation_code)]
    by_dates = [s for s in open_ones if _has_both_dates(s, after, today)]
    matching = by_code if after.code else by_dates
    facts: tuple[Fact, ...] = ("code",) if after.code else ("arrival", "departure")
    ids = tuple(stay.reservation.id for stay in (matching or after.found))
    tried = tuple(
        Tried(fact=fact, is_right=len(matching) == 1, reservation_ids=ids) for fact in facts
    )
    if len(matching) == 1:
        caller = Caller(meant=matching[0], proven=frozenset(facts))
        question = known.pending or heard.text
        fresh = replace(after, caller=caller, awaiting="", pending="", asked=0)
        return Step(before=known, after=fresh, tried=tried, question=question)
    after = replace(after, code="", arrival=None, departure=None)
    step = wrong_step(after, tried, says="voice_no_match", awaiting="again")
    return replace(step, before=known)


def _has_both_dates(stay: Stay, known: Known, today: date) -> bool:
    if known.arrival is None or known.departure is None:
        return False
    r = stay.reservation
    return known.arrival.is_on(r.arrival_on, today) and known.departure.is_on(r.departure_on, today)


def _ask_name(known: Known, after: Known, heard: Heard) -> Step:
    if known.awaiting != "name":
        after = replace(after, awaiting="name", asked=1)
        return Step(before=known, after=after, says="voice_ask_name")
    if known.asked < MOST_ASKED:
        after = replace(after, asked=known.asked + 1)
        return Step(before=known, after=after, says="voice_ask_name_again")
    after = replace(after, has_given_up=True, awaiting="", pending="")
    return Step(before=known, after=after, question=known.pending or heard.text)


def _ask_facts(known: Known, after: Known, heard: Heard) -> Step:
    if known.awaiting in ("", "name"):
        return Step(
            before=known, after=replace(after, awaiting="code", asked=1), says="voice_ask_code"
        )
    if known.awaiting == "again" and heard.names:
        return Step(
            before=known, after=replace(after, awaiting="code", asked=1), says="voice_ask_code"
        )
    is_in_vain = known.asked >= MOST_ASKED or heard.does_not_know
    if known.awaiting in ("code", "again") and is_in_vain:
        after = replace(after, awaiting="dates", asked=1)
        return Step(before=known, after=after, says="voice_ask_dates")
    if is_in_vain:
        after = replace(after, awaiting="", has_given_up=True)
        return Step(
            before=known, after=after, says="voice_not_proven",
            needs_person="the caller could not tell whose booking it is",
        )  # fmt: skip
    again = {"code": "voice_ask_code_again", "dates": "voice_ask_dates"}
    after = replace(after, asked=known.asked + 1)
    return Step(before=known, after=after, says=again.get(known.awaiting, "voice_ask_name_again"))
