"""The steps of gradient descent on the adversarial objective, to run or to compile."""

import math
from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from hw4lib._compiled import Compiled, compile_loop

# Beyond it the slope of the sigmoid is exp(-m) to the last digit.
_FLAT = 700.0


def logits_of_descent(
    m: float, margin: float, pull: float, push: float, kink: float
) -> Iterator[float]:
    """Yield the logits of gradient descent; plain floats beat arrays of one."""
    cosh, half = math.cosh, 0.5 * push  # once, not every step
    while True:
        while kink < m < _FLAT:
            yield m
            m += pull * (margin - m) - half / (1.0 + cosh(m))
        yield m
        # So far out cosh might overflow, and the slope of the sigmoid is exp(-m).
        slope = math.exp(-m) if m > kink else 0.0
        m += pull * (margin - m) - push * slope


def write_logits(
    logits: NDArray[np.float64], line: tuple[float, float, float, float, float]
) -> None:
    """Write the logits of gradient descent, a loop to compile."""
    # Not strict, because the descent has no end.
    for t, logit in zip(range(len(logits)), logits_of_descent(*line)):  # noqa: B905
        logits[t] = logit


def _compile(numba: ModuleType) -> Callable[..., None]:
    numba.extending.register_jitable(logits_of_descent)
    line = numba.types.UniTuple(numba.float64, 5)
    logits = numba.types.Array(numba.float64, 1, "C")
    return compile_loop(numba, write_logits, numba.void(logits, line))


LOOPS = Compiled(_compile, patience=2**22)
"""The loop of gradient descent; a step is a piece of work."""
