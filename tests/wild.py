"""What the outside may send, wild: strategies that bend real events, rows, templates, conditions.

Everything is drawn by Hypothesis, so that a failure shrinks and comes again.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from app.pms.records import plain_text
from app.settings import Settings, known_names
from tests.make import NOON, raw_listing, raw_message, raw_reservation

ANY_TEXT = st.text(st.characters(), max_size=30)
"""Halves of characters, controls and every script included."""
EDGES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63), 10**40, 0.5, -0.0, 1e300,
    float("nan"), float("inf"), float("-inf"), "", " ", "0", "-5", "1e5", "9" * 50, "²", "١٢٣",
    "true", "null", "NaN", "x" * 5000, "\x00", "a\x00b", "\ud800", "\udc00\ud800", "😀" * 50,
    "\u202eabc\u202c", "مرحبا بك", "\ufdfa" * 40, "e\u0301" * 40, "'; drop table x; --",
    "{{door_code}}", "[[door_code]]", "<% if (a) { %>", "<p>", "<p " * 300, "</", "../etc/passwd",
    "0000-00-00", "0000-00-00 00:00:00", "0001-01-01", "9999-12-31", "2026-02-30", "20260413",
    "2026-04-13T25:00:00", "9999-12-31T23:59:59-14:00", "\r\nX-Evil: 1", "%00", "Europe/Nowhere",
    [], {}, [[]], [None], ["x"] * 50, {"id": 1}, {"a": {"b": [1, {"c": None}]}},
)  # fmt: skip
"""Values that somebody's software has sent somewhere before."""
MOMENTS: tuple[Any, ...] = (
    "0000-00-00", "0000-00-00 00:00:00", "0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31",
    "9999-12-31T23:59:59-14:00", "2026-02-30", "2026-04-13T25:00:00", "20260413", 1776081600,
    "2026-04-13", "2199-12-31", "2000-01-01", "soon", "2026-04-13 12:00:00.123456", "12:00", -1, 24,
)  # fmt: skip
IDS: tuple[Any, ...] = (
    5000, "5000", 5000.0, 0, -1, 2**63, 10**40, "abc", "a\x00b", "²", "١٢", "9" * 5000, [5000],
    {"id": 1}, True, "x" * 300, "".join(chr(33 + n * 7919 % 90) for n in range(20_000)),
)  # fmt: skip
edges = st.sampled_from(EDGES)
numbers = st.integers() | st.floats()
json_values = st.recursive(
    edges | numbers | ANY_TEXT | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=8,
)
odd_values = edges | json_values


def message_event() -> dict[str, Any]:
    """A message's event as Hostaway sends it."""
    body = raw_message(9001, "Hello, is there parking?", at=NOON) | {
        "userId": None, "isSeen": 0, "sentUsingHostaway": 0, "hash": "0123456789abcdef" * 2,
        "listingTimeZoneName": "Europe/Warsaw", "airbnbThreadMessageId": None, "inReplyTo": None,
        "updatedOn": "2026-04-13 12:00:42", "bookingcomReplyOptions": None,
    }  # fmt: skip
    return {
        "object": "conversationMessage", "event": "message.received", "accountId": 70001,
        "data": body,
    }  # fmt: skip


def reservation_event() -> dict[str, Any]:
    """A reservation's event as Hostaway sends it."""
    return {
        "object": "reservation", "event": "reservation.updated", "accountId": 70001,
        "data": raw_reservation(reservationUnit=[{"id": 1, "listingMapIdUnit": 1043}]),
    }  # fmt: skip


SHAPES: tuple[Callable[[], dict[str, Any]], ...] = (
    message_event,
    reservation_event,
    lambda: message_event()["data"],
    lambda: {"eventType": "message.received", "payload": {"data": message_event()["data"]}},
    lambda: {"event": "new message received", "data": {"reservationId": 5000, "body": "Hi"}},
    lambda: {"data": "test"},
)


WEIGHTY = (
    "id", "conversationId", "reservationId", "listingMapId", "accountId", "date", "isIncoming",
    "body", "arrivalDate", "departureDate", "updatedOn", "status", "event", "object", "data",
)  # fmt: skip
"""What decisions hang on."""


def _odd_for(name: str) -> st.SearchStrategy[Any]:
    """Strange values, mostly of the kind that a field of that name is read as."""
    if name.lower().endswith(("date", "on", "time")):
        return st.sampled_from(MOMENTS) | odd_values
    if name.lower().endswith("id"):
        return st.sampled_from(IDS) | odd_values
    return odd_values


@st.composite
def bent(draw: st.DrawFn, whole: Mapping[str, Any], *, most: int = 4) -> Any:
    """A row or event of which some places are lost, strange, doubled or wrapped."""
    value: Any = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(0, most))):
        holder = value
        if isinstance(value.get("data"), dict) and draw(st.booleans()):
            holder = value["data"]
        weighty = [name for name in WEIGHTY if name in holder] or ["id"]
        name = draw(st.sampled_from(weighty) | st.sampled_from(sorted(holder) or weighty))
        what = draw(st.sampled_from(["odd", "odd", "lost", "added", "wrapped"]))
        if what == "odd":
            holder[name] = draw(_odd_for(name))
        elif what == "lost":
            holder.pop(name, None)
        elif what == "added":
            holder[draw(ANY_TEXT)] = draw(json_values)
        else:
            holder[name] = [holder.get(name)]
    return value


@st.composite
def events(draw: st.DrawFn) -> Any:
    """An event of any shape that was seen, bent; or no event at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(json_values)
    return draw(bent(draw(st.sampled_from(SHAPES))()))


DAMAGE = ["whole"] * 6 + ["cut", "flip", "bom", "utf16", "deep", "twice", "raw"]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """The bytes of an event, whole or damaged on the way."""
    text = json.dumps(draw(events()), ensure_ascii=draw(st.booleans()))
    raw = text.encode("utf-8", "surrogatepass")
    match draw(
        st.sampled_from(["whole"] * 6 + ["cut", "flip", "bom", "utf16", "deep", "twice", "raw"])
    ):
        case "cut":
            return raw[: draw(st.integers(0, len(raw)))]
        case "flip":
            at = draw(st.integers(0, max(len(raw) - 1, 0)))
            return raw[:at] + draw(st.binary(min_size=1, max_size=3)) + raw[at + 1 :]
        case "bom":
            return b"\xef\xbb\xbf" + raw
        case "utf16":
            return text.encode("utf-16", "surrogatepass")
        case "deep":
            levels = draw(st.sampled_from([10, 200, 500, 1_000, 3_000]))
            return raw.replace(b":", b":" + b"[" * levels, 1)[:-1] + b"]" * levels + b"}"
        case "twice":
            return raw[:-1] + b',"data":' + json.dumps(draw(json_values)).encode() + b"}"
        case "raw":
            return draw(st.binary(max_size=100))
    return raw


# -- operators' text -------------------------------------------------------------------------------

NAMES = ("a", "b", "listing.name", "list", "canAccess", "missing", "a.b.c", "n", "text.length")
names = st.sampled_from(NAMES)
literals = st.sampled_from(
    ["1", "0.5", "-3", "'x'", '"it\\"s"', "true", "null", "undefined", "''", "'\\u0105'", "1e9"]
)
expressions: st.SearchStrategy[str] = st.recursive(
    names | literals,
    lambda inner: st.one_of(
        st.builds("!{}".format, inner),
        st.builds("({})".format, inner),
        st.builds("{}.length".format, names),
        st.builds("{}.includes({})".format, names, inner),
        st.builds(
            "{} {} {}".format,
            inner,
            st.sampled_from(["&&", "||", "===", "!==", "==", "!=", "<", "<=", ">", ">="]),
            inner,
        ),
        st.builds("{} ? {} : {}".format, inner, inner, inner),
    ),
    max_leaves=8,
)
plain = st.sampled_from(
    ["Hello ", "\n", " ", "  \n", "Zażółć", "مرحبا", "😀", "{", "}", "<", "%", "x"]
)
pieces: st.SearchStrategy[str] = st.recursive(
    plain
    | st.builds("{{{{{}}}}}".format, names)
    | st.builds("{{{{{{{}}}}}}}".format, names)
    | st.builds("<%= {} %>".format, expressions)
    | st.just("<%# a comment %>")
    | st.just("{{! a comment }}"),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.builds("{{{{#{0}}}}}{1}{{{{/{0}}}}}".format, names, inner),
        st.builds("{{{{^{0}}}}}{1}{{{{/{0}}}}}".format, names, inner),
        st.builds("<% if ({}) {{ %>{}<% }} %>".format, expressions, inner),
        st.builds(
            "<%_ if ({}) {{ -%>{}<% }} else {{ %>{}<% }} _%>".format, expressions, inner, inner
        ),
        st.builds(
            "<% if ({}) {{ %>{}<% }} else if ({}) {{ %>{}<% }} %>".format,
            expressions, inner, expressions, inner,
        ),
    ),
    max_leaves=12,
)  # fmt: skip
SIGNS = [
    "<%",
    "%>",
    "<%=",
    "-%>",
    "_%>",
    "{{",
    "}}",
    "{{#",
    "{{/",
    "{{{",
    "if (",
    ") {",
    "}",
    "else",
]
raw_templates = st.lists(
    st.sampled_from([*SIGNS, "a", "b", ".", " ", "\n", "'", '"', "!", "&&", "?", ":", "(", ")"])
    | st.text(st.characters(), max_size=4),
    max_size=25,
).map("".join)


@st.composite
def templates(draw: st.DrawFn) -> str:
    """A template by the grammar, mostly whole, else with a place cut out or put in."""
    text = "".join(draw(st.lists(pieces, max_size=5)))
    if draw(st.integers(0, 2)) == 0:
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.integers(0, 4)))
        text = text[:at] + draw(st.sampled_from(["", *SIGNS]) | ANY_TEXT) + text[to:]
    times = draw(st.sampled_from([1, 1, 1, 1, 40, 2_000]))
    return (text * times)[:60_000]


variables = st.fixed_dictionaries(
    {},
    optional={
        "a": odd_values, "b": odd_values, "n": numbers, "text": ANY_TEXT,
        "canAccess": st.booleans(), "list": st.lists(odd_values, max_size=4),
        "listing": st.dictionaries(st.sampled_from(["name", "b"]), odd_values, max_size=2),
    },
)  # fmt: skip

OPERATORS = (
    "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$all", "$size", "$mod", "$exists",
    "$type", "$regex", "$options", "$elemMatch", "$not", "$and", "$or", "$nor", "$where", "$foo",
)  # fmt: skip
paths = st.sampled_from(
    ["a", "b", "a.b", "a.0", "list", "listing.name", "a.b.c", "", "a..b", "__proto__"]
)
regexes = st.sampled_from(
    ["^a", "[", "(a+)+$", "[a-z]{2,}", "\\d+", "(?=.*b)a", "(a|b)*a(a|b){9}",
     "\\p{L}", "(", "a{3,1}",     "(?<x>a)\\k<x>", "(a{1000}){1000}", ".*.*.*=", "\\bfoo\\b"]
) | st.text(st.sampled_from("ab(){}[]|*+?^$\\.,1-"), max_size=12)  # fmt: skip
conditions: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(paths, odd_values | st.builds(dict, st.just([("$regex", "a")])), max_size=3)
    | st.builds(lambda path, text: {path: {"$regex": text}}, paths, regexes),
    lambda inner: st.one_of(
        st.builds(
            lambda name, several: {name: several},
            st.sampled_from(["$and", "$or", "$nor"]),
            st.lists(inner, max_size=3),
        ),
        st.builds(lambda path, one: {path: {"$elemMatch": one}}, paths, inner),
        st.builds(lambda path, one: {path: {"$not": one}}, paths, inner),
        st.builds(
            lambda path, name, value: {path: {name: value}},
            paths, st.sampled_from(OPERATORS), odd_values | st.lists(odd_values, max_size=3),
        ),
    ),
    max_leaves=8,
)  # fmt: skip
wild_conditions = st.one_of(conditions, conditions, json_values)
documents = st.fixed_dictionaries(
    {},
    optional={
        "a": odd_values, "b": odd_values, "list": st.lists(odd_values, max_size=5),
        "listing": st.dictionaries(st.sampled_from(["name", "b"]), odd_values, max_size=2),
        "text": st.builds(lambda piece, times: piece * times, ANY_TEXT, st.integers(1, 500)),
    },
)  # fmt: skip

# -- rows, settings, words -------------------------------------------------------------------------

listings = bent(
    raw_listing(
        description="Bright.", specialInstruction="The code is 4821#", keyPickup=None,
        customFieldValues=[{"customFieldId": 167, "value": "Spot 14"}], country="Poland",
    ),
    most=6,
)  # fmt: skip
reservations = bent(
    raw_reservation(
        customFieldValues=[{"customField": {"id": 201}, "value": "7788"}], guestPortalUrl="https://x",
        doorCodeInstruction="Ring twice", reservationUnit=[],
    ),
    most=6,
)  # fmt: skip
messages = bent(raw_message(9001, "<p>Hello</p>", at=NOON), most=5)

DOTTED = tuple(name for name in known_names(Settings) if "." in name)
setting_texts = st.sampled_from([str(value) for value in EDGES]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20
)
environments = st.dictionaries(
    st.sampled_from([f"NIGHTDESK_{name.replace('.', '__').upper()}" for name in DOTTED])
    | st.sampled_from(["NIGHTDESK_SERVR__PORT", "NIGHTDESK_X", "NIGHTDESK___"]),
    setting_texts,
    max_size=4,
)  # fmt: skip
tenant_overrides = st.dictionaries(st.sampled_from(DOTTED) | ANY_TEXT, odd_values, max_size=4)


@st.composite
def guest_words(draw: st.DrawFn) -> str:
    """What a guest may write, up to the longest that is kept: a little of it, many times over."""
    some = [
        "code ",
        "fire ",
        "gas ",
        "wifi? ",
        "🔥",
        "الرمز ",
        "12 34 ",
        "a.b@",
        "<",
        "[[",
        "\n",
        "!",
    ]
    piece = "".join(draw(st.lists(st.sampled_from(some) | ANY_TEXT, max_size=6)))
    return plain_text(piece * draw(st.sampled_from([1, 1, 5, 300, 3_000])))
