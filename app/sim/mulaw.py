"""G.711 mu-law, as the telephone network codes sound; written apart from the product's."""

import numpy as np
from numpy.typing import NDArray

SILENCE = 0xFF

_BIAS = 33


def _value_of(code: int) -> int:
    inverted = ~code & 0xFF
    exponent, mantissa = (inverted >> 4) & 7, inverted & 15
    magnitude = ((2 * mantissa + _BIAS) << exponent) - _BIAS
    return -4 * magnitude if inverted & 0x80 else 4 * magnitude


_VALUES = np.array([_value_of(code) for code in range(256)], dtype=np.int16)
_ORDER = np.argsort(_VALUES, kind="stable")
_SORTED = _VALUES[_ORDER].astype(np.int32)


def from_mulaw(coded: bytes) -> NDArray[np.int16]:
    """16-bit samples of codes."""
    return _VALUES[np.frombuffer(coded, dtype=np.uint8)]


def to_mulaw(samples: NDArray[np.int16]) -> bytes:
    """The nearest code of each sample."""
    wide = samples.astype(np.int32)
    above = np.clip(np.searchsorted(_SORTED, wide), 1, 255)
    is_lower = wide - _SORTED[above - 1] <= _SORTED[above] - wide
    return _ORDER[np.where(is_lower, above - 1, above)].astype(np.uint8).tobytes()
