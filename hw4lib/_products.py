"""The products of NumPy in the sizes at which it is fast."""

import os
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

SMALL = 2**19
"""A matrix product with so many multiplications is left to BLAS's kernel for small
matrices, which packs nothing."""

BUFFER = 2**8
"""Numbers that NumPy's buffer should hold where arrays are broadcast.

What it broadcasts NumPy copies to a buffer, of 8192 numbers unless `np.setbufsize` says
otherwise, and then takes two to four times as long. `np.errstate` is the scope.
"""

# With several processors BLAS shares a large product among them, and a small one not.
_ALONE = (
    len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
) == 1
# With fewer rows than this a small product is no longer faster.
_FEWEST = 2**4
# So few numbers do not repay the time it takes to set the buffer.
_FEW = 2**11

_Number = TypeVar("_Number", np.float64, np.complex128)


def matmul(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    out: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return `a @ b`, on one processor few rows at a time, which BLAS need not pack."""
    rows, inner = a.shape[-2:]
    # The largest power of two, 0 if there is none.
    few = 2 ** (SMALL // max(inner * b.shape[-1], 1)).bit_length() // 2
    stacked = b.ndim == 2 or (b.ndim > 2 and b.shape[:-2] == a.shape[:-2])
    if not (_ALONE and stacked and a.size and _FEWEST <= few < rows):
        return np.asarray(np.matmul(a, b, out=out))
    if out is None:
        out = np.empty((*a.shape[:-1], b.shape[-1]))
    whole = rows - rows % few
    stack = (*a.shape[:-2], whole // few, few, -1)
    top, bottom = np.s_[..., :whole, :], np.s_[..., whole:, :]
    np.matmul(a[top].reshape(stack), b[..., None, :, :], out=out[top].reshape(stack))
    np.matmul(a[bottom], b, out=out[bottom])
    return out


def multiply(
    left: NDArray[_Number],
    right: NDArray[_Number],
    out: NDArray[_Number] | None = None,
) -> NDArray[_Number]:
    """Return `left * right`, of rows that are broadcast."""
    if left.size <= _FEW and right.size <= _FEW:
        return np.asarray(np.multiply(left, right, out=out))
    with np.errstate():
        np.setbufsize(BUFFER)
        return np.asarray(np.multiply(left, right, out=out))
