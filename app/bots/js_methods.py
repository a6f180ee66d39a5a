"""The names under which JavaScript's own values answer without holding a field; pure.

A path that leads to one gives a function in JavaScript. Conditions treat it as a value equal to
nothing; templates refuse it, because neither printing nor testing a function is ever meant.

Source: ECMAScript 2024, chapters 20 to 23, and annex B.2; node 20.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

ARRAYS: Final = (list, tuple)
"""What counts as an array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """What a path gives where JavaScript has a method of that name; equal to no value."""

    name: str
    length: int
    """How many parameters it has."""


def _methods(constructor: str, spaced: str) -> dict[str, Method]:
    """The methods of a type, given as names with their count of parameters."""
    known = (*_EVERY_METHOD.split(), *spaced.split())
    methods = {item[:-1]: Method(name=item[:-1], length=int(item[-1])) for item in known}
    return {**methods, "constructor": Method(name=constructor, length=1)}


_EVERY_METHOD: Final = """
    hasOwnProperty1 isPrototypeOf1 propertyIsEnumerable1 toLocaleString0 toString0 valueOf0
    __defineGetter__2 __defineSetter__2 __lookupGetter__1 __lookupSetter__1
"""
OBJECT_METHODS: Final = _methods("Object", "")
"""What every object answers to."""
ARRAY_METHODS: Final = _methods(
    "Array",
    """at1 concat1 copyWithin2 entries0 every1 fill1 filter1 find1 findIndex1 findLast1
    findLastIndex1 flat0 flatMap1 forEach1 includes1 indexOf1 join1 keys0 lastIndexOf1 map1 pop0
    push1 reduce1 reduceRight1 reverse0 shift0 slice2 some1 sort1 splice2 toReversed0 toSorted1
    toSpliced2 unshift1 values0 with2""",
)
_STRING_METHODS: Final = _methods(
    "String",
    """anchor1 at1 big0 blink0 bold0 charAt1 charCodeAt1 codePointAt1 concat1 endsWith1 fixed0
    fontcolor1 fontsize1 includes1 indexOf1 isWellFormed0 italics0 lastIndexOf1 link1
    localeCompare1 match1 matchAll1 normalize0 padEnd1 padStart1 repeat1 replace2 replaceAll2
    search1 slice2 small0 split2 startsWith1 strike0 sub0 substr2 substring2 sup0
    toLocaleLowerCase0 toLocaleUpperCase0 toLowerCase0 toUpperCase0 toWellFormed0 trim0 trimEnd0
    trimLeft0 trimRight0 trimStart0""",
)
_NUMBER_METHODS: Final = _methods("Number", "toExponential1 toFixed1 toPrecision1 toString1")
_BOOLEAN_METHODS: Final = _methods("Boolean", "")
_METHOD_METHODS: Final = _methods("Function", "apply2 bind1 call1")
_DATE_METHODS: Final = {**OBJECT_METHODS, "constructor": Method(name="Date", length=7)}

EVERY_OBJECTS: Final = frozenset({*OBJECT_METHODS, "__proto__"})
"""Names that no variable of a template can have: every object already answers to them."""

_GLOBAL_WORDS: Final = """
    AbortController AbortSignal AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array
    BigUint64Array Blob Boolean Buffer DataView Date Error EvalError Event EventTarget File
    FinalizationRegistry Float32Array Float64Array FormData Function Headers Int16Array Int32Array
    Int8Array Intl Iterator JSON Map Math Number Object Promise Proxy RangeError ReferenceError
    Reflect RegExp Request Response Set SharedArrayBuffer String Symbol SyntaxError TypeError
    URIError URL URLSearchParams Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap
    WeakRef WeakSet WebAssembly WebSocket
    atob btoa clearImmediate clearInterval clearTimeout console crypto decodeURI
    decodeURIComponent encodeURI encodeURIComponent escape eval fetch global globalThis isFinite
    isNaN navigator parseFloat parseInt performance process queueMicrotask setImmediate
    setInterval setTimeout structuredClone unescape
    __append __filename __line __lines __output arguments escapeFn include locals rethrow
"""
GLOBALS: Final = EVERY_OBJECTS | frozenset(_GLOBAL_WORDS.split())
"""First names that mean something to JavaScript or EJS even where no variable is called so."""


def methods_of(value: Any) -> Mapping[str, Method]:
    """The methods of a value's type, by name."""
    for kinds, methods in (
        (str, _STRING_METHODS),
        (ARRAYS, ARRAY_METHODS),
        (bool, _BOOLEAN_METHODS),
        ((int, float), _NUMBER_METHODS),
        (Method, _METHOD_METHODS),
        (date, _DATE_METHODS),
    ):
        if isinstance(value, kinds):
            return methods
    return OBJECT_METHODS
