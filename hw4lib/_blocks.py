"""Elementwise formulas, evaluated a cacheful of numbers at a time."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

_BLOCK = 2**13


def by_blocks(
    formula: Callable[..., Sequence[NDArray[np.float64]]],
    *arrays: NDArray[np.float64],
) -> Sequence[NDArray[np.float64]]:
    """Evaluate an elementwise formula on blocks of rows that fit a cache.

    With a million numbers a formula of twenty operations is about twice as fast that
    way, because what it stores on the way needs no new memory.

    Args:
        formula: Takes the arrays, or blocks of their rows, and returns its results,
            all of the shape that its arguments broadcast to.
        *arrays: Arrays that broadcast.
    """
    shape = np.broadcast(*arrays).shape
    if not shape:  # NumPy's numbers are several times as fast as its arrays of one
        return formula(*(array[()] for array in arrays))
    if math.prod(shape) <= _BLOCK:
        return formula(*arrays)
    rows = max(1, _BLOCK // math.prod(shape[1:]))
    results: list[NDArray[np.float64]] = []
    for start in range(0, shape[0], rows):
        block = slice(start, start + rows)
        parts = formula(
            *(
                array[block] if array.ndim == len(shape) and len(array) > 1 else array
                for array in arrays
            )
        )
        results = results or [np.empty(shape) for _ in parts]
        for result, part in zip(results, parts, strict=True):
            result[block] = part
    return results
