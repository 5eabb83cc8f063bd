"""Pairs of float64 whose unevaluated sum carries about 32 digits (Dekker 1971).

Only for finite arguments below 1e150 in magnitude: the splitting overflows beyond.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Pair = tuple[Array, Array]

_SPLITTER = 134217729.0  # 2**27 + 1


def _split(a: Array) -> Pair:
    shifted = _SPLITTER * a
    high = shifted - (shifted - a)
    return high, a - high


def two_product(a: Array, b: Array) -> Pair:
    """The product a * b exactly: as rounded, and its rounding error (Dekker 1971, mul12)."""
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def two_sum(a: Array, b: Array) -> Pair:
    """The sum a + b exactly: the rounded sum and its rounding error (Knuth, TAOCP 4.2.2)."""
    total = a + b
    virtual = total - a
    return total, (a - (total - virtual)) + (b - virtual)


def pair_product(a: Pair, b: Pair) -> Pair:
    """The product of two pairs, to about 31 digits."""
    high, low = two_product(a[0], b[0])
    return two_sum(high, low + (a[0] * b[1] + a[1] * b[0]))


def exp_of_pair(a: Pair) -> Array:
    """exp(high + low) for a low part far below 1."""
    return np.asarray(np.exp(a[0]) * (1.0 + a[1]))
