"""Names as people say them on the telephone in English, Polish, German and Arabic; pure."""

import re

from app.voice.spoken_numbers import plain, words_of

MOST_WORDS = 5
"""Words of a name; an answer with more that names nobody expressly is another thing."""
LEADS = re.compile(
    r"(?:\b(?:sur)?name(?: is|'s| s)|\bname of\b|\bnamed\b"
    r"|\bunder(?: the name(?: of)?)?\b|\bbooked (?:by|as)\b"
    r"|\bbooking (?:is )?(?:for|under)\b"
    r"|\bnazywam sie|\bmam na imie|\b(?:moje )?nazwisko(?: to| brzmi)?|\bna nazwisko"
    r"|\bimie i nazwisko"
    r"|\bmein (?:nach|familien)?name ist|\bich heisse|\bauf den namen|\bder name ist|\bname ist"
    r"|اسمي(?: هو)?|الاسم(?: هو)?|باسم|انا اسمي)\s*:?"
)
"""Behind these stands a name, whoever asked for it or not."""
SOFT_LEADS = re.compile(
    r"(?:\b(?:this is|it is|it's|its|i am|i'm|im|here is|speaking is)\b"
    r"|\b(?:tu|tutaj|mowi|z tej strony|jestem|to jest|to)\b"
    r"|\b(?:hier ist|hier spricht|ich bin|das ist|es ist)\b"
    r"|معك|انا|هذا|هذه)\s*"
)
"""Behind these may stand a name, where two capitalised words say so or one was asked for."""
NO_NAME = frozenset(
    {
        "yes", "no", "yeah", "sure", "okay", "ok", "hello", "hi", "good", "morning", "evening",
        "afternoon", "day", "please", "thanks", "thank", "you", "well", "so", "um", "uh", "eh",
        "hmm", "speaking", "here", "mr", "mrs", "ms", "miss", "sir", "madam", "the", "a", "an",
        "and", "it", "its", "is", "of", "for", "my", "booking", "reservation", "guest", "name",
        "surname", "first", "last", "spelled", "spelt", "that", "under", "i", "m", "s", "am",
        "this", "was", "tak", "nie", "dzien", "dobry", "halo", "prosze", "dziekuje", "pan",
        "pani", "panie", "panstwo", "rezerwacja", "nazwisko", "imie", "to", "jest", "na", "mowi",
        "przy", "telefonie", "ja", "wiec", "nein", "guten", "tag", "abend", "morgen", "hallo",
        "bitte", "danke", "herr", "frau", "der", "die", "das", "ist", "und", "auf", "buchung",
        "buchstabiert", "apparat", "hier", "ich", "also", "mein", "den", "namen", "نعم", "لا",
        "مرحبا", "السلام", "عليكم", "من", "فضلك", "شكرا", "الحجز", "اسم", "السيد", "السيده",
        "استاذ", "صباح", "مساء", "الخير", "هو",
    }
)  # fmt: skip
QUESTIONS = frozenset(
    {
        "what", "when", "where", "which", "who", "why", "how", "can", "could", "would", "is",
        "do", "does", "co", "kiedy", "gdzie", "jak", "jaki", "jaka", "czy", "ile", "czego", "was",
        "wann", "wo", "wie", "welche", "welcher", "kann", "konnte", "gibt", "ist", "ما", "متى",
        "متي", "اين", "كيف", "هل", "كم", "لماذا",
    }
)  # fmt: skip
UNKNOWN = re.compile(
    r"\b(?:don'?t|do not|dont|cannot|can'?t|cant) (?:know|have|remember|find|see)"
    r"|\bno idea|\bnot sure"
    r"|\bforgot|\bhaven'?t got|\bno (?:booking|reservation|code|confirmation)\b"
    r"|\bnie (?:wiem|mam|pamietam|znam|moge|umiem)|\bzapomnial|\bnie mam"
    r"|\b(?:weiss|habe|kenne|finde) (?:ich )?(?:es |das |den |die |ihn |sie )?"
    r"(?:leider )?(?:gerade )?(?:nicht|kein)"
    r"|\bkeine ahnung|\bvergessen|\bweiss nicht|\bhabe keine?\b"
    r"|لا اعرف|لا ادري|ما اعرف|لا اتذكر|نسيت|ليس لدي|ما عندي|لا املك|مش عارف"
)


def names_in(text: str, *, is_awaited: bool = False) -> tuple[str, ...]:
    """The words of the name that somebody gives, as they were heard; empty where nobody does.

    Args:
        text: as it was heard.
        is_awaited: the caller was asked for it.
    """
    flat = _plain_text(text)
    if (lead := LEADS.search(flat)) is not None:
        return _name(_same_part(text, flat, lead.end()), most=3 if not is_awaited else MOST_WORDS)
    for soft in SOFT_LEADS.finditer(flat):
        name = _name(_same_part(text, flat, soft.end()), most=3, is_capital=not is_awaited)
        if len(name) >= 2 or (name and is_awaited):
            return name
    if not is_awaited or UNKNOWN.search(flat) or asks(text):
        return ()
    name = _name(text, most=MOST_WORDS + 1)
    return name if len(name) <= MOST_WORDS else ()


def does_not_know(text: str) -> bool:
    """Whether somebody says that they do not know, or have, what they were asked for."""
    return UNKNOWN.search(_plain_text(text)) is not None


def asks(text: str) -> bool:
    """Whether a turn is a question."""
    words = words_of(text)
    return "?" in text or "؟" in text or bool(words and words[0].plain in QUESTIONS)


def _name(text: str, *, most: int, is_capital: bool = False) -> tuple[str, ...]:
    """The first words of a text as a name, up to its clause's end."""
    clause = re.split(r"[.!?؟;\n]|,(?=\s*(?:and|i|und|و|what|how|can|could|ich|mam|when)\b)", text)[
        0
    ]
    clause = _joined_letters(clause)
    name: list[str] = []
    for word in words_of(clause):
        if word.plain in NO_NAME or any(c.isdecimal() for c in word.plain):
            if name:
                break
            continue
        if is_capital and not (word.text[:1].isupper() or not word.plain.isascii()):
            break
        name.append(word.text)
        if len(name) == most:
            break
    return tuple(name)


def _joined_letters(text: str) -> str:
    """A name that was spelled letter by letter, as one word."""
    spelt = r"(?<![^\W_])(?:[^\W\d_][\s.,-]+){2,}[^\W\d_](?![^\W_])"
    return re.sub(spelt, lambda m: re.sub(r"[\s.,-]+", "", m[0]).capitalize(), text)


def _plain_text(text: str) -> str:
    return plain(text.replace("’", "'"))


def _same_part(text: str, flat: str, at: int) -> str:
    """The part of a text behind a place of its plain form."""
    words_before = len(words_of(flat[:at]))
    words = words_of(text.replace("’", "'"))
    return text[words[words_before].start :] if words_before < len(words) else ""
