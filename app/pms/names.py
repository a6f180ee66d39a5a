"""Whether a name as it was heard is a guest's name: tolerant of spelling, script and accents.

Pure. Recognition writes "Kowalsky" for Kowalski, "Mueller" for Müller, "محمد" for Mohammed.
"""

import functools
import re
from collections.abc import Sequence

from anyascii import anyascii
from rapidfuzz.distance import JaroWinkler, Levenshtein

ALIKE = 0.84
"""Likeness from which two words are one name."""
SHORTEST_SKELETON = 3
_SOUNDS = (
    ("tsch", "c"), ("sch", "s"), ("szcz", "sc"), ("sz", "s"), ("cz", "c"), ("rz", "s"), ("zh", "s"),
    ("sh", "s"), ("ch", "h"), ("th", "t"), ("ph", "f"), ("gh", "g"), ("kh", "h"), ("ck", "k"),
    ("dz", "c"), ("ts", "c"), ("tz", "c"), ("qu", "kv"), ("x", "ks"), ("q", "k"), ("z", "s"),
    ("w", "f"), ("v", "f"), ("j", "i"), ("y", "i"), ("d", "t"), ("b", "p"), ("g", "k"), ("c", "k"),
)  # fmt: skip
_WORD = re.compile(r"[a-z]+")
_ARTICLE = re.compile(r"(?<!\w)ال(?=\w{2})")
_LATIN_ARTICLE = re.compile(r"^(?:al|el)(?=[a-z]{3})")
_PARTICLES = frozenset(
    {
        "al", "el", "bin", "ibn", "van", "von", "der", "de", "la", "le", "da", "dos", "di", "und",
        "and", "i",
    }
)  # fmt: skip


def likeness(said: Sequence[str], name: str | None) -> float:
    """How sure the words of a name are a guest's name; 0 where they are not.

    The last name must be among them, or two names: a first name alone is anybody's, unless the
    booking knows no more.
    """
    heard = [part for word in said for part in _parts(word)]
    known = _parts(name or "")
    if not heard or not known:
        return 0.0
    best = [max(_alike(one, part) for one in heard) for part in known]
    hits = [score for score in best if score >= ALIKE]
    unheard = [one for one in heard if max(_alike(one, part) for part in known) < ALIKE]
    if len(hits) < min(2, len(known)) and best[-1] < ALIKE:
        return 0.0
    if not hits or len(unheard) > len(hits):
        return 0.0
    return sum(hits) / (len(hits) + 0.5 * len(unheard))


def _parts(name: str) -> list[str]:
    words: list[str] = _WORD.findall(_latin(name))
    return [word for word in words if len(word) > 1 and word not in _PARTICLES]


@functools.lru_cache(maxsize=65536)
def _latin(name: str) -> str:
    """Latin small letters; umlauts as they are written without."""
    spelt = name.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    spelt = _ARTICLE.sub("", spelt).replace("ع", "a")
    return str(anyascii(spelt)).lower().replace("'", "").replace("`", "")


def _alike(one: str, other: str) -> float:
    """How alike two words are, by letters and by sound, with or without an Arabic article."""
    bare = _LATIN_ARTICLE.sub("", one), _LATIN_ARTICLE.sub("", other)
    alike = _alike_as_they_are(one, other)
    return alike if bare == (one, other) else max(alike, _alike_as_they_are(*bare))


def _alike_as_they_are(one: str, other: str) -> float:
    letters = max(
        JaroWinkler.normalized_similarity(one, other),
        JaroWinkler.normalized_similarity(_thin(one), _thin(other)),
    )
    mine, theirs = _skeleton(one), _skeleton(other)
    if min(len(mine), len(theirs)) < SHORTEST_SKELETON - (0 if one[0] != other[0] else 1):
        return letters
    sound = Levenshtein.normalized_similarity(mine, theirs)
    is_consonants = not set("aeiou") & set(one[1:]) or not set("aeiou") & set(other[1:])
    return max(letters, 0.9 * sound + 0.1 * letters if is_consonants else (2 * sound + letters) / 3)


def _thin(word: str) -> str:
    """Umlauts without their `e`."""
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


@functools.lru_cache(maxsize=65536)
def _skeleton(word: str) -> str:
    """The consonants of a word by their sound, each once in a row; the first letter stays."""
    for spelling, sound in _SOUNDS:
        word = word.replace(spelling, sound)
    kept = ("a" if word[0] in "aeiou" else word[0]) + re.sub(r"[aeiouh]", "", word[1:])
    return re.sub(r"(.)\1+", r"\1", kept)
