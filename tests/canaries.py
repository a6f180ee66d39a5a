"""Canaries: unique values for secrets and gated texts, and the search for them in any bytes.

Not each value is disguised in every way, but what is searched is read in every way: decoded,
reversed, with its characters put together. So thousands of values are found at once.
"""

import base64
import binascii
import codecs
import functools
import html
import random
import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote_to_bytes

SYLLABLES = (
    "bra", "cor", "dun", "fel", "gim", "hov", "jas", "kel", "lum", "mor", "nib", "ost", "pel",
    "qua", "rud", "sel", "tam", "ulv", "wex", "yor", "zem",
)  # fmt: skip
TOKEN = re.compile(rb"[a-z0-9]+")
PARTS = re.compile(rb"[a-z]+|[0-9]+")
NOT_HEX = re.compile(rb"[g-z]")
LONGEST_MIXED = 40
"""Longer tokens of letters and digits are ciphertext, in which any number stands by chance."""
LARGEST_GLUED = 500_000
"""Bytes in which a word is also looked for inside longer words."""
ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
HEXED = re.compile(rb"(?:[0-9a-fA-F]{2}){6,}")
APART = re.compile(rb"\w(?:[\s._,/\-]{1,3}\w){4,}(?!\w)")
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufe0f\u20e3\u00ad]")


class Canaries:
    """Makes values that stand nowhere else; the same seed makes the same."""

    def __init__(self, seed: int = 1) -> None:
        self._dice = random.Random(seed)
        self._made: set[str] = set()

    def word(self) -> str:
        """A word of letters alone, such as `Melosttamgim`."""
        return self._new(lambda: "".join(self._dice.sample(SYLLABLES, 4)).capitalize())

    def code(self, digits: int = 7) -> str:
        """A door code that is no date, time, year or round number."""
        least, most = 4 * 10 ** (digits - 1), 10**digits
        return self._new(lambda: str(self._dice.randrange(least, most) // 10 * 10 + 7))

    def password(self) -> str:
        """A wifi password as routers print them."""
        return self._new(lambda: f"{self.word().lower()}-{self._dice.randrange(1000, 9999)}")

    def _new(self, make: Callable[[], str]) -> str:
        while (made := make()) in self._made:
            continue
        self._made.add(made)
        return made


def found(values: Iterable[str], *haystacks: bytes | str, is_deep: bool = True) -> list[str]:
    """Which values stand in the haystacks, plainly or in any common disguise.

    Args:
        values: what must not be there.
        haystacks: what is searched.
        is_deep: whether encodings are undone, too.
    """
    whole = b"\n".join(h.encode(errors="replace") if isinstance(h, str) else h for h in haystacks)
    tokens, joined = _read(whole, is_deep=is_deep)
    low = whole.lower() if len(whole) < LARGEST_GLUED else b""
    return [
        value
        for value in values
        if (core := _core(value)) in tokens or core in joined or (core.isalpha() and core in low)
    ]


def _core(value: str) -> bytes:
    """By what a value is known: its longest run of letters, or of digits."""
    parts: list[bytes] = PARTS.findall(value.lower().encode())
    return max(parts, key=len)


@functools.lru_cache(maxsize=32)
def _read(whole: bytes, *, is_deep: bool) -> tuple[set[bytes], bytes]:
    """(every word and number, what was set apart put together) of all readings."""
    tokens: set[bytes] = set()
    joined: list[bytes] = []
    for reading in _readings(whole, is_deep=is_deep):
        low = reading.lower()
        for token in TOKEN.findall(low):
            tokens.add(token)
            if len(token) <= LONGEST_MIXED and NOT_HEX.search(token):
                tokens.update(PARTS.findall(token))
        joined += (re.sub(rb"[\s._,/\-]", b"", run[0]) for run in APART.finditer(low))
    return tokens, b"\n".join(joined)


def _readings(whole: bytes, *, is_deep: bool) -> Iterable[bytes]:
    """The bytes, plainly and undone from every common encoding."""
    text = INVISIBLE.sub("", whole.decode(errors="replace"))
    plain = text.encode()
    yield plain
    if not text.isascii():
        yield "".join(_digit(character) for character in text).encode()
    if not is_deep:
        return
    yield unquote_to_bytes(plain)
    yield html.unescape(text).encode()
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda hit: chr(int(hit[1], 16)), text).encode(
        "utf-8", "replace"
    )
    yield text[::-1].encode()
    yield codecs.encode(text, "rot13").encode()
    yield b"\n".join(_decoded(plain, ENCODED, _of_base64))
    yield b"\n".join(_decoded(plain, HEXED, lambda run: [binascii.unhexlify(run)]))


def _digit(character: str) -> str:
    return str(int(character)) if character.isdecimal() else character


def _decoded(
    plain: bytes, pattern: re.Pattern[bytes], undo: Callable[[bytes], list[bytes]]
) -> Iterable[bytes]:
    for hit in pattern.finditer(plain):
        yield from undo(hit[0])


def _of_base64(run: bytes) -> list[bytes]:
    """What a run of base64 may hold, wherever its first group begins."""
    standard = run.translate(bytes.maketrans(b"-_", b"+/"))
    undone = []
    for shift in range(4):
        body = standard[shift:]
        body = body[:-1] if len(body) % 4 == 1 else body
        undone.append(base64.b64decode(body + b"=" * (-len(body) % 4)))
    return undone
