"""One round of online gradient descent, as NumPy evaluates it and as Numba compiles it.

Everywhere `x` is a sample's features times its label, so that w^T x is its margin.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw4lib._engine import compiled, on_all_processors, parts_of, with_numbers
from hw4lib._typing import Engine

# Squares of numbers between their roots keep all their digits, and so do their sums.
_SMALL, _LARGE = 1e-280, 1e280


class Block(NamedTuple):
    """The results of some rounds; `*S` is nothing or the number of runs.

    The weights after the last round, shape `(*S, p)`, and after each, `(n, *S, p)`, if
    they are kept; the margins of the samples, the norms of the weights before each
    round, and those of the gradients, shape `(n, *S)`.
    """

    weights: NDArray[np.float64]
    path: NDArray[np.float64]
    margins: NDArray[np.float64]
    norms: NDArray[np.float64]
    gradient_norms: NDArray[np.float64]


# The formulas, for numbers and for arrays.


def share(margin: Any) -> Any:
    """Return sigma(-m), the share of x in the gradient; 0 once exp(m) overflows."""
    return 1.0 / (1.0 + np.exp(margin))


def gradient(w: Any, pull: Any, lam: Any) -> Any:
    """Return the gradient at w, where `pull` is sigma(-m) x."""
    return 2.0 * (lam * w) - pull  # 2 lam may overflow


def step(w: Any, pull: Any, eta: Any, lam: Any) -> Any:
    """Return the weights after a step of size eta."""
    return (1.0 - 2.0 * (lam * eta)) * w + eta * pull


# The rounds, by arrays.


def play(
    engine: Engine,
    w: NDArray[np.float64],
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    steps: NDArray[np.float64],
    lam: float,
    *,
    keep_path: bool,
) -> Block:
    """Play some rounds.

    Args:
        engine: Who computes.
        w: Weights, shape `(*S, p)`.
        samples: Features, shape `(n, p)`, and labels, shape `(n,)`.
        steps: Step sizes, shape `(n, *S)`.
        lam: Regularization.
        keep_path: Whether to return the weights of every round.
    """
    X, y = samples
    # A compiler that reorders may take 2 lambda first, which is past the floats then.
    if engine == "numba" and lam < 1e300:
        return _play_compiled(w, X, y, steps, lam, keep_path=keep_path)
    x = y[:, None] * X
    # Features before runs: the long axis is the one that NumPy's inner loops run over.
    columns = x[..., None] if w.ndim == 2 else x
    path = np.empty((len(y) + 1, *w.T.shape))
    path[0] = w.T
    margins = np.empty(steps.shape)
    for i in range(len(y)):
        margins[i] = x[i] @ path[i]
        path[i + 1] = step(path[i], share(margins[i]) * columns[i], steps[i], lam)
    gradients = gradient(path[:-1], share(margins)[:, None] * columns, lam)
    after = np.moveaxis(path[1:], 1, -1)
    return Block(
        after[-1],
        after if keep_path else after[:0],
        margins,
        norm(path[:-1], axis=1),
        norm(gradients, axis=1),
    )


def norm(v: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """Return the norms along an axis, also where squares leave the range of floats."""
    squares: NDArray[np.float64] = np.square(v).sum(axis=axis)
    usual = (squares > _SMALL) & (squares < _LARGE)
    if np.all(usual):
        return np.asarray(np.sqrt(squares))
    unit = np.abs(v).max(axis=axis, keepdims=True)
    unit[unit == 0.0] = 1.0
    scaled = unit.squeeze(axis) * np.sqrt(np.square(v / unit).sum(axis=axis))
    return np.where(usual, np.sqrt(squares), scaled)


# The rounds, one number at a time.


def root(square: float, v: NDArray[np.float64]) -> float:
    """Return the norm of a vector from its square, which may have left the floats."""
    if _SMALL < square < _LARGE:
        return math.sqrt(square)
    unit = 0.0
    for a in v:
        unit = max(unit, abs(a))
    square = 0.0
    if unit > 0.0:
        for a in v:
            square += (a / unit) ** 2
    return unit * math.sqrt(square)


def square_or_root(square: float, v: NDArray[np.float64]) -> float:
    """Return a square, or minus its root if the square may have left the floats.

    A processor takes roots and quotients one after the other: while the rounds wait for
    their quotients, roots would be in the way.
    """
    return square if _SMALL < square < _LARGE else -root(square, v)


def play_in_loops(
    weights: NDArray[np.float64],
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    steps: NDArray[np.float64],
    lam: float,
    results: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Play some rounds of S runs.

    Args:
        weights: Those to start from, shape `(S, p)`, overwritten by the last ones.
        samples: Features, shape `(n, p)`, and labels, shape `(n,)`.
        steps: Step sizes, shape `(n, S)`, or `(1, S)` for the same in each round.
        lam: Regularization.
        results: What to fill: the weights after each round, shape `(n, S, p)`, or
            `(0, S, p)` if they are not kept; and margins, norms and gradient norms,
            shape `(3, n, S)`.
    """
    X, y = samples
    path, rounds = results
    slopes = np.empty(X.shape[1])
    for i in range(len(y)):
        x, label = X[i], y[i]
        for s in range(len(weights)):
            w, eta = weights[s], steps[min(i, len(steps) - 1), s]
            margin = square = total = 0.0
            for j in range(len(x)):
                margin += w[j] * (label * x[j])
                square += w[j] * w[j]
            rounds[0, i, s], rounds[1, i, s] = margin, square_or_root(square, w)
            part = share(margin)
            for j in range(len(x)):
                pull = part * (label * x[j])
                slopes[j] = gradient(w[j], pull, lam)
                total += slopes[j] * slopes[j]
                w[j] = step(w[j], pull, eta, lam)
            rounds[2, i, s] = square_or_root(total, slopes)
            if len(path):
                path[i, s] = w
    squares = rounds[1:].ravel()
    for k in range(len(squares)):
        squares[k] = math.sqrt(squares[k]) if squares[k] > 0.0 else -squares[k]


def play_side_by_side(
    weights: NDArray[np.float64],
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    rates: tuple[NDArray[np.float64], float],
    results: tuple[NDArray[np.float64], NDArray[np.float64]],
    runs: tuple[int, int],
) -> None:
    """Play some rounds of some runs, each line for all of these.

    Args:
        weights: Those to start from, shape `(p, S)`, overwritten by the last ones.
        samples: As for `play_in_loops`.
        rates: Step sizes and regularization, as for `play_in_loops`.
        results: As for `play_in_loops`.
        runs: The first run and the one after the last.
    """
    (X, y), (steps, lam), (path, rounds) = samples, rates, results
    first, last = runs
    slopes, parts = np.empty((X.shape[1], last - first)), np.empty(last - first)
    for i in range(len(y)):
        x, eta = y[i] * X[i], steps[min(i, len(steps) - 1), first:last]
        margins, norms = rounds[0, i, first:last], rounds[1, i, first:last]
        sizes = rounds[2, i, first:last]
        margins[:], norms[:], sizes[:] = 0.0, 0.0, 0.0
        for j in range(len(x)):
            w, feature = weights[j, first:last], x[j]
            for s in range(len(w)):
                margins[s] += w[s] * feature
                norms[s] += w[s] * w[s]
        take_roots(norms, weights[:, first:last])
        for s in range(len(parts)):
            parts[s] = share(margins[s])
        for j in range(len(x)):
            w, feature, slope = weights[j, first:last], x[j], slopes[j]
            for s in range(len(w)):
                pull = parts[s] * feature
                slope[s] = gradient(w[s], pull, lam)
                sizes[s] += slope[s] * slope[s]
                w[s] = step(w[s], pull, eta[s], lam)
        take_roots(sizes, slopes)
        if len(path):
            path[i, first:last] = weights[:, first:last].T


def take_roots(squares: NDArray[np.float64], v: NDArray[np.float64]) -> None:
    """Turn squares into the norms of the columns of a matrix."""
    usual = True
    for square in squares:
        usual &= _SMALL < square < _LARGE
    for s in range(len(squares)):
        squares[s] = math.sqrt(squares[s]) if usual else root(squares[s], v[:, s])


_SIGNATURE = (
    "void(float64[:,::1],"
    " Tuple((Array(float64, 2, 'C', True), Array(float64, 1, 'C', True))),"
    " Array(float64, 2, 'C', True), float64, UniTuple(float64[:,:,::1], 2))"
)
_FORMULAS = share, gradient, step, root, square_or_root
_SIDE_BY_SIDE = (
    "void(float64[:,::1],"
    " Tuple((Array(float64, 2, 'C', True), Array(float64, 1, 'C', True))),"
    " Tuple((Array(float64, 2, 'C', True), float64)),"
    " UniTuple(float64[:,:,::1], 2), UniTuple(int64, 2))"
)


def _play_compiled(
    w: NDArray[np.float64],
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    steps: NDArray[np.float64],
    lam: float,
    *,
    keep_path: bool,
) -> Block:
    """Do what `play` does, with the compiled loop."""
    n, p = X.shape
    weights = w.reshape(-1, p).copy()
    path = np.empty((n if keep_path else 0, *weights.shape))
    rounds = np.empty((3, n, len(weights)))
    samples = np.ascontiguousarray(X), np.ascontiguousarray(y)
    different = steps if steps.strides[0] else steps[:1]
    sizes = np.ascontiguousarray(different.reshape(len(different), -1))
    if len(weights) <= 4 * p:
        loop = compiled(play_in_loops, _SIGNATURE, *_FORMULAS, reorder=True)
        loop(weights, samples, sizes, lam, (path, rounds))
    else:
        others = gradient, step, root, take_roots
        loop = with_numbers(play_side_by_side, _SIDE_BY_SIDE, (share,), *others)
        columns = weights.T.copy()

        def run(runs: tuple[int, int]) -> None:
            loop(columns, samples, (sizes, lam), (path, rounds), runs)

        on_all_processors(run, parts_of(len(weights), n * len(weights)))
        weights = columns.T
    return Block(
        weights.reshape(w.shape),
        path.reshape(-1, *w.shape),
        *rounds.reshape(3, *steps.shape),
    )
