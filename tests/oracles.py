"""Slow and plain ways to the same numbers, sharing no code with the library."""

from collections.abc import Callable

import numpy as np


def difference_quotient(f: Callable[[np.ndarray], float], x, step=1e-5):
    """Central difference of a scalar function, an entry of `x` at a time."""
    x = np.array(x, dtype=float)
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[index] += step
        behind[index] -= step
        gradient[index] = (f(ahead) - f(behind)) / (2 * step)
    return gradient


def matrix_of(linear_map: Callable[[np.ndarray], np.ndarray], size: int):
    """Matrix of a linear map, one basis vector at a time."""
    return np.stack([np.ravel(linear_map(e)) for e in np.eye(size)], axis=1)
