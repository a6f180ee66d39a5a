"""What a turn's words hold, as far as they may say who calls; pure."""

import re
from dataclasses import dataclass
from datetime import date

from app.voice.known import Awaiting
from app.voice.spoken_codes import codes_in, has_signs
from app.voice.spoken_dates import SpokenDate, dates_in, is_about_departure
from app.voice.spoken_names import asks, does_not_know, names_in
from app.voice.spoken_numbers import plain
from app.voice.strangers import Stranger, find_stranger

NO_BOOKING = re.compile(
    r"\b(?:no|not have|don'?t have|without)(?: a| any)? (?:booking|reservation)|\bnot a guest"
    r"|\bnie mam rezerwacji|\bnie jestem gosciem|\bkeine (?:buchung|reservierung)|\bkein gast"
    r"|ليس لدي حجز|ما عندي حجز|لا يوجد حجز"
)
YES = re.compile(
    r"^\W*(?:(?:oh|okay|ok|well|no)\W+)?(?:yes|yeah|yep|please|sure|okay|ok|go ahead|do that"
    r"|that would|tak|prosze|dobrze|poprosze|jasne|ja|gerne|gern|bitte|klar|einverstanden"
    r"|نعم|ايوه|اي|تمام|طيب|من فضلك)\b"
)
INTO_CHAT = re.compile(
    r"\b(?:send|write|text) (?:it|them|that)|\b(?:in|into|to|via|by) (?:the |my )?(?:booking )?chat"
    r"|\b(?:wyslij|wyslac|napisz|przeslij)|\bna czat|\b(?:schick|schreib|sende)|\bin den chat"
    r"|ارسل|ابعث|في المحادثه"
)
CLAIMS_CODE = re.compile(
    r"\b(?:confirmation|booking|reservation) (?:code|number|reference)|\bbooking id"
    r"|\b(?:kod|numer) (?:potwierdzenia|rezerwacji)"
    r"|\b(?:buchungs|bestatigungs|reservierungs)\w*(?:code|nummer|kode)"
    r"|رقم (?:الحجز|التاكيد)|رمز (?:الحجز|التاكيد)|كود (?:الحجز|التاكيد)"
)
CLAIMS_DEPARTURE = re.compile(
    r"\b(?:departure|check-?out|checkout|leaving) date|\bdate of departure|\bdata wyjazdu"
    r"|\babreise(?:datum|tag)|\babreise ist|تاريخ المغادره|موعد المغادره"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a turn holds, as far as it may say who calls."""

    text: str
    names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    arrival: SpokenDate | None = None
    departure: SpokenDate | None = None
    dates: tuple[SpokenDate, ...] = ()
    is_claim: bool = False
    """The caller says expressly that this is the code, or the departure."""
    has_signs: bool = False
    does_not_know: bool = False
    asks: bool = False
    says_yes: bool = False
    wants_chat: bool = False
    has_no_booking: bool = False
    stranger: Stranger | None = None
    """Who the caller says to be, where that is no guest."""


def read(text: str, awaiting: Awaiting, today: date) -> Heard:
    """The facts in a turn's words."""
    flat = plain(text.replace("’", "'"))
    awaits_facts = awaiting in ("code", "dates", "again", "fact")
    codes = tuple(codes_in(text))
    dates = tuple(dates_in(text, today, is_awaited=awaits_facts and not codes))
    arrival, departure = _by_role(text, dates)
    signs = has_signs(text)
    awaits_name = awaiting == "name" or (awaiting == "again" and not codes)
    names = names_in(text, is_awaited=awaits_name and not dates)
    return Heard(
        text=text,
        names=names,
        codes=codes,
        arrival=arrival,
        departure=departure,
        dates=dates,
        is_claim=bool(CLAIMS_CODE.search(flat) if codes else CLAIMS_DEPARTURE.search(flat)),
        has_signs=signs,
        does_not_know=does_not_know(text),
        asks=asks(text),
        says_yes=YES.search(flat) is not None,
        wants_chat=INTO_CHAT.search(flat) is not None,
        has_no_booking=NO_BOOKING.search(flat) is not None,
        stranger=find_stranger(text),
    )


def _by_role(
    text: str, dates: tuple[SpokenDate, ...]
) -> tuple[SpokenDate | None, SpokenDate | None]:
    """(arrival, departure) of one or two dates; of more, none are believed."""
    if len(dates) == 1:
        is_departure = is_about_departure(text, dates[0])
        return (dates[0], None) if is_departure is False else (None, dates[0])
    if len(dates) != 2:
        return None, None
    first, second = dates
    is_turned = is_about_departure(text, first) is True and (
        is_about_departure(text, second) is False
    )
    return (second, first) if is_turned else (first, second)
