"""Exponential and logarithm for loops that compute several numbers at once.

Those of the C library take one number at a time. These have no branch and no table, so
that a loop over them compiles to vector instructions. Their error is at most 1 ulp.
"""

from typing import Any

import numpy as np


def exp(x: Any) -> Any:
    """Return e to the x for all floats, as 2**n e**r with |r| at most log(2) / 2."""
    x = np.where(x < -750.0, -750.0, x)
    x = np.where(x > 710.0, 710.0, x)
    # 1.5 * 2**52 leaves no bits for a fraction: n is in the last ones
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    whole = shifted - 6755399441055744.0
    n = np.float64(shifted).view(np.int64) - 0x4338000000000000
    # log 2 in two parts, of which the first times a whole number is exact
    r = (x - whole * 0.6931471803691238) - whole * 1.9082149292705877e-10
    tail = 1.0 / 479001600.0 + r * (1.0 / 6227020800.0)
    tail = 1.0 / 3628800.0 + r * (1.0 / 39916800.0 + r * tail)
    tail = 1.0 / 40320.0 + r * (1.0 / 362880.0 + r * tail)
    tail = 1.0 / 720.0 + r * (1.0 / 5040.0 + r * tail)
    tail = 1.0 / 24.0 + r * (1.0 / 120.0 + r * tail)
    tail = 0.5 + r * (1.0 / 6.0 + r * tail)
    # 2**n as two factors, because 2**n alone may overflow or underflow
    half = n >> 1
    first = np.int64((half + 1023) << 52).view(np.float64)
    second = np.int64((n - half + 1023) << 52).view(np.float64)
    return (1.0 + (r + r * r * tail)) * first * second


def log(x: Any) -> Any:
    """Return the logarithm of a finite x >= 2**-1022, the smallest normal number."""
    return _logarithm(x, 0.0)


def log1p(x: Any) -> Any:
    """Return log(1 + x) for finite x > -1."""
    u = 1.0 + x
    lost = np.where(x > 1.0, 1.0 - (u - x), x - (u - 1.0))
    return _logarithm(u, lost / u)


def _logarithm(x: Any, more: Any) -> Any:
    """Return n log 2 + log(m) + more, with m near 1 and 2**n m = x."""
    bits = np.float64(x).view(np.int64) + 0x95F6200000000
    n = (bits >> 52) - 1023
    m = np.int64((bits & 0xFFFFFFFFFFFFF) + 0x3FE6A09E00000000).view(np.float64)
    # The series of log((1 + s) / (1 - s)), economized by FreeBSD's `e_log.c`.
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    tail = 0.1531383769920937 + z * 0.14798198605116586
    tail = 0.22222198432149784 + z * (0.1818357216161805 + z * tail)
    tail = 0.3999999999940942 + z * (0.2857142874366239 + z * tail)
    tail = z * (0.6666666666666735 + z * tail)
    square = 0.5 * f * f
    low = s * (square + tail) + (n * 1.9082149292705877e-10 + more)
    return n * 0.6931471803691238 + (f - (square - low))
