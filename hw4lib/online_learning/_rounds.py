"""The rounds of online gradient descent as loops to compile."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw4lib._compiled import Compiled, compile_loop


class Loops(NamedTuple):
    """The two loops, compiled."""

    by_runs: Callable[..., None]
    by_features: Callable[..., None]


def _compile(numba: ModuleType) -> Loops:
    numba.extending.register_jitable(share)
    read, write = (
        [numba.types.Array(numba.float64, ndim, "C", readonly) for ndim in (1, 2, 3)]
        for readonly in (True, False)
    )
    samples = numba.types.Tuple((read[1], read[0]))
    results = numba.types.Tuple((write[2], write[0]))
    signature = numba.void(write[2], samples, read[1], numba.float64, results)
    # Sums in any order, as NumPy has them too, so that wide registers are used.
    options = {"error_model": "numpy", "fastmath": {"contract", "nsz", "reassoc"}}
    return Loops(
        *(
            compile_loop(numba, loop, signature, **options)
            for loop in (by_runs, by_features)
        )
    )


LOOPS = Compiled(_compile, patience=2**17)
"""The loops; a round of one run is a piece of work."""


def share(margin: Any, exp: Callable[[Any], Any], minimum: Callable[..., Any]) -> Any:
    """Return sigma(-m), how much of its features a sample adds to the weights.

    For numbers and arrays alike. Past 700 it is as good as 0, and exp would overflow.
    """
    return 1.0 / (1.0 + exp(minimum(margin, 700.0)))


def by_runs(
    path: NDArray[np.float64],
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    steps: NDArray[np.float64],
    lam: float,
    results: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Run some rounds of S runs, run by run within a round.

    Args:
        path: Weights, of shape `(n + 1, S, p)` if those after each round are to be
            kept, or `(1, S, p)`. The first ones are in `path[0]`, which ends as the
            last ones: not finite if a feature is not, or a label is neither -1 nor 1.
        samples: Features, shape `(n, p)`, and labels, shape `(n,)`.
        steps: Step sizes, shape `(n, S)`, or `(1, S)` if they are constant.
        lam: Regularization.
        results: An array to fill, of shape `(3, n, S)`: the loss without its part
            `-log(1 - q)`; the squared norm of the gradient; that `-q`, `q` the
            probability of the less likely label. And one to raise, of shape `(S,)`:
            the largest squared norm of the weights before a step.
    """
    X, y = samples
    W = path[0]
    rounds, largest = results
    losses, gradients, smaller = rounds[0], rounds[1], rounds[2]
    constant = len(steps) == 1
    for i in range(len(y)):
        x, eta = X[i], steps[0 if constant else i]
        label = y[i] if y[i] * y[i] == 1.0 else math.nan
        for s in range(len(W)):
            w = W[s]
            product = square = total = 0.0
            for j in range(len(w)):
                product += w[j] * x[j]
                square += w[j] * w[j]
            margin = label * product
            wrong = share(margin, math.exp, min)
            smaller[i, s] = -min(wrong, 1.0 - wrong)
            losses[i, s] = max(-margin, 0.0) + lam * square
            largest[s] = max(largest[s], square)
            pull, step = label * wrong, eta[s]
            for j in range(len(w)):
                slope = 2.0 * lam * w[j] - pull * x[j]
                w[j] -= step * slope
                total += slope * slope
            gradients[i, s] = total
        if len(path) > 1:
            path[i + 1] = W


def by_features(
    path: NDArray[np.float64],
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    steps: NDArray[np.float64],
    lam: float,
    results: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Run some rounds of S runs, feature by feature within a round.

    The same as `by_runs` with `path` of shape `(n + 1, p, S)` or `(1, p, S)`: its inner
    loops are over the runs, which are long where features are few.
    """
    X, y = samples
    W = path[0]
    rounds, largest = results
    losses, gradients, smaller = rounds[0], rounds[1], rounds[2]
    constant = len(steps) == 1
    square = np.empty_like(largest)
    for i in range(len(y)):
        x, eta = X[i], steps[0 if constant else i]
        label = y[i] if y[i] * y[i] == 1.0 else math.nan
        wrong, total = smaller[i], gradients[i]
        wrong[:] = square[:] = total[:] = 0.0
        for j in range(len(W)):
            w, feature = W[j], label * x[j]
            for s in range(len(w)):
                wrong[s] += w[s] * feature
                square[s] += w[s] * w[s]
        for s in range(len(wrong)):
            losses[i, s] = max(-wrong[s], 0.0) + lam * square[s]
            largest[s] = max(largest[s], square[s])
            wrong[s] = share(wrong[s], math.exp, min)
        for j in range(len(W)):
            w, feature = W[j], label * x[j]
            for s in range(len(w)):
                slope = 2.0 * lam * w[s] - wrong[s] * feature
                w[s] -= eta[s] * slope
                total[s] += slope * slope
        for s in range(len(wrong)):
            wrong[s] = -min(wrong[s], 1.0 - wrong[s])
        if len(path) > 1:
            path[i + 1] = W
