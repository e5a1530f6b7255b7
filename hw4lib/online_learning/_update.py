"""One round of online gradient descent, as NumPy evaluates it and as Numba compiles it.

Everywhere `x` is a sample's features times its label, so that w^T x is its margin.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw4lib._engine import on_all_processors, parts_of, with_numbers
from hw4lib._typing import Engine

# Squares of numbers between their roots keep all their digits, and so do their sums.
_SMALL, _LARGE = 1e-280, 1e280


class Block(NamedTuple):
    """The results of some rounds; `*S` is nothing or the number of runs.

    The weights after the last round, shape `(*S, p)`, and after each, `(n, *S, p)`, if
    they are kept; the margins of the samples, the norms of the gradients and the
    losses, shape `(n, *S)`. The totals are the sums of the losses and of the squared
    norms of the gradients, the largest norm of the weights before a round, and the
    largest margin, shape `(4, *S)`.
    """

    weights: NDArray[np.float64]
    path: NDArray[np.float64]
    margins: NDArray[np.float64]
    gradient_norms: NDArray[np.float64]
    losses: NDArray[np.float64]
    totals: NDArray[np.float64]


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


def loss(margin: Any, norm: Any, root: Any) -> Any:
    """Return the loss, from the root of lambda: the squared norm may be no float."""
    below = np.where(margin < 0.0, -margin, 0.0)
    return below + np.log1p(np.exp(-np.abs(margin))) + (root * norm) ** 2


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
    """Play some rounds. A sample that is none leaves weights that are no numbers.

    Args:
        engine: Who computes.
        w: Weights, shape `(*S, p)`.
        samples: Features, shape `(n, p)`, and labels, shape `(n,)`: NaN and infinity,
            and labels other than -1 and 1, make the last weights NaN or infinite.
        steps: Step sizes, shape `(n, *S)`, or `(1, *S)` for the same in each round.
        lam: Regularization.
        keep_path: Whether to return the weights of every round.
    """
    X, y = samples
    # A compiler that reorders may take 2 lambda first, which is past the floats then.
    if engine == "numba" and lam < 1e300:
        return _play_compiled(w, X, y, steps, lam, keep_path=keep_path)
    x = np.where(np.abs(y) == 1.0, y, np.nan)[:, None] * X
    # Features before runs: the long axis is the one that NumPy's inner loops run over.
    columns = x[..., None] if w.ndim == 2 else x
    path = np.empty((len(y) + 1, *w.T.shape))
    path[0] = w.T
    steps = np.broadcast_to(steps, (len(y), *w.shape[:-1]))
    margins = np.empty(steps.shape)
    for i in range(len(y)):
        margins[i] = x[i] @ path[i]
        path[i + 1] = step(path[i], share(margins[i]) * columns[i], steps[i], lam)
    gradients = gradient(path[:-1], share(margins)[:, None] * columns, lam)
    norms, gradient_norms = norm(path[:-1], axis=1), norm(gradients, axis=1)
    losses = loss(margins, norms, math.sqrt(lam))
    after = np.moveaxis(path[1:], 1, -1)
    squares = np.square(gradient_norms)
    return Block(
        after[-1],
        after if keep_path else after[:0],
        margins,
        gradient_norms,
        losses,
        np.array([losses.sum(0), squares.sum(0), norms.max(0), margins.max(0)]),
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


def scaled_root(rows: NDArray[np.float64], k: int) -> float:
    """Return minus the norm of row k, whose square may have left the floats.

    The minus tells it from a square, of which the root is taken later: a processor
    takes roots and quotients one after the other, and the rounds wait for quotients.
    """
    unit = square = 0.0
    for j in range(rows.shape[1]):
        unit = max(unit, abs(rows[k, j]))
    if unit > 0.0:
        for j in range(rows.shape[1]):
            square += (rows[k, j] / unit) ** 2
    return -unit * math.sqrt(square)


def norm_of(number: float) -> Any:
    """Return the norm from its square, or from what `scaled_root` returned."""
    return np.where(number > 0.0, math.sqrt(abs(number)), -number)


def rounded_step(w: Any, pull: Any, eta: Any, lam: Any) -> Any:
    """Return what `step` does, with eta times the pull rounded, as NumPy rounds it.

    The choice between two numbers keeps a compiler from fusing the product and the sum,
    which leaves a remainder where two steps cancel.
    """
    push = eta * pull
    return step(w, np.where(push == 0.0, 0.0, push), 1.0, lam * eta)


def play_in_turn(
    weights: NDArray[np.float64],
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    rates: tuple[NDArray[np.float64], float],
    results: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    runs: tuple[int, int],
) -> None:
    """Play some rounds of some runs, one run after the other.

    A step meets the next sample at once: the margin and the norm are sums over the
    weights that the step has just computed.

    Args:
        weights: Those to start from, shape `(S, p)`, overwritten by the last ones.
        samples: Features, shape `(n, p)`, and labels, shape `(n,)`.
        rates: Step sizes, shape `(n, S)` or `(1, S)`, and the regularization.
        results: What to fill: the weights after each round, shape `(n, S, p)`, or
            `(0, S, p)` if they are not kept; margins, gradient norms and losses, shape
            `(3, n, S)`; and the totals, shape `(4, S)`.
        runs: The first run and the one after the last.
    """
    (X, y), (steps, lam), path = samples, rates, results[0]
    # The weights before a step and after it, by turns; and a gradient. By index: to
    # count references to a row would take as long as a division.
    rows, record = np.empty((3, X.shape[1])), np.empty((4, len(y), 1))
    for r in range(*runs):
        product = square = 0.0
        for j in range(X.shape[1]):
            rows[0, j] = weights[r, j]
            product += rows[0, j] * X[0, j]
            square += rows[0, j] * rows[0, j]
        for i in range(len(y)):
            now, then, following = i % 2, (i + 1) % 2, min(i + 1, len(y) - 1)
            eta, label = steps[min(i, len(steps) - 1), r], label_of(y[i])
            if not _SMALL < square < _LARGE:
                square = scaled_root(rows, now)
            margin = label * product
            record[0, i, 0], record[1, i, 0] = margin, square
            part = label * share(margin)
            product = square = total = 0.0
            for j in range(X.shape[1]):
                pull = part * X[i, j]
                slope = gradient(rows[now, j], pull, lam)
                w = rounded_step(rows[now, j], pull, eta, lam)
                rows[then, j] = w
                total += slope * slope
                product += w * X[following, j]
                square += w * w
            if not _SMALL < total < _LARGE:
                for j in range(X.shape[1]):
                    rows[2, j] = gradient(rows[now, j], part * X[i, j], lam)
                total = scaled_root(rows, 2)
            record[2, i, 0] = total
            if len(path):
                path[i, r] = rows[then]
        weights[r] = rows[len(y) % 2]
        hand_in(record, results, lam, r)


def play_side_by_side(
    weights: NDArray[np.float64],
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    rates: tuple[NDArray[np.float64], float],
    results: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    runs: tuple[int, int],
) -> None:
    """Do what `play_in_turn` does, each line for all of the runs."""
    (X, y), (steps, lam), path = samples, rates, results[0]
    first, last = runs
    k = last - first
    w, slopes = weights[first:last].T.copy(), np.empty((X.shape[1], k))
    parts, record = np.empty(k), np.zeros((4, len(y) + 1, k))
    for j in range(X.shape[1]):
        for s in range(k):
            record[0, 0, s] += w[j, s] * X[0, j]
            record[1, 0, s] += w[j, s] * w[j, s]
    for i in range(len(y)):
        following, label = min(i + 1, len(y) - 1), label_of(y[i])
        row = min(i, len(steps) - 1)
        scale_roots(record, 1, i, w)
        for s in range(k):
            record[0, i, s] *= label
            parts[s] = label * share(record[0, i, s])
        # Each loop changes few arrays, else it would not be compiled to vectors.
        for j in range(X.shape[1]):
            for s in range(k):
                slopes[j, s] = gradient(w[j, s], parts[s] * X[i, j], lam)
                record[2, i, s] += slopes[j, s] * slopes[j, s]
            for s in range(k):
                w[j, s] = rounded_step(
                    w[j, s], parts[s] * X[i, j], steps[row, first + s], lam
                )
            for s in range(k):
                record[0, i + 1, s] += w[j, s] * X[following, j]
                record[1, i + 1, s] += w[j, s] * w[j, s]
        scale_roots(record, 2, i, slopes)
        if len(path):
            path[i, first:last] = w.T
    weights[first:last] = w.T
    hand_in(record, results, lam, first)


def label_of(number: float) -> float:
    """Return a label, and NaN for every number that is none."""
    return number if abs(number) == 1.0 else math.nan


def scale_roots(
    record: NDArray[np.float64], kind: int, i: int, v: NDArray[np.float64]
) -> None:
    """Replace the squares of columns that may have left the floats."""
    usual = True
    for s in range(v.shape[1]):
        usual &= _SMALL < record[kind, i, s] < _LARGE
    if not usual:
        for s in range(v.shape[1]):
            if not _SMALL < record[kind, i, s] < _LARGE:
                record[kind, i, s] = scaled_root(v.T, s)


def hand_in(
    record: NDArray[np.float64],
    results: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    lam: float,
    first: int,
) -> None:
    """Write the results of some runs to where they belong.

    Args:
        record: Margins; what `norm_of` takes, of the weights and of the gradients; and
            memory for losses. Shape `(4, n, k)`, or with more rounds.
        results: As for `play_in_turn`.
        lam: Regularization.
        first: The first of the runs.
    """
    _, rounds, totals = results
    flat, root_of_lam = record.reshape(4, -1), math.sqrt(lam)
    margins, norms, sizes, losses = flat[0], flat[1], flat[2], flat[3]
    for k in range(len(losses)):
        norms[k], sizes[k] = norm_of(norms[k]), norm_of(sizes[k])
        losses[k] = loss(margins[k], norms[k], root_of_lam)
    for k in range(record.shape[2]):
        loss_sum = square_sum = largest = 0.0
        highest = -math.inf
        for i in range(rounds.shape[1]):
            margin, size, loss_ = record[0, i, k], record[2, i, k], record[3, i, k]
            rounds[0, i, first + k] = margin
            rounds[1, i, first + k] = size
            rounds[2, i, first + k] = loss_
            loss_sum += loss_
            square_sum += size * size
            largest, highest = max(largest, record[1, i, k]), max(highest, margin)
        totals[0, first + k], totals[1, first + k] = loss_sum, square_sum
        totals[2, first + k], totals[3, first + k] = largest, highest


_SIGNATURE = (
    "void(float64[:,::1],"
    " Tuple((Array(float64, 2, 'C', True), Array(float64, 1, 'C', True))),"
    " Tuple((Array(float64, 2, 'C', True), float64)),"
    " Tuple((float64[:,:,::1], float64[:,:,::1], float64[:,::1])),"
    " UniTuple(int64, 2))"
)


def loop_of(runs: int, features: int) -> Callable[..., None]:
    """Return the compiled loop for some number of runs and of features."""
    # Only sums may be reordered: a product in another order may be no float.
    own: tuple[Callable[..., Any], ...] = (hand_in, gradient, rounded_step)
    formulas: list[Callable[..., Any]] = [scaled_root, label_of]
    if runs > 4 * features:
        own, formulas = (*own, share), [*formulas, scale_roots]
        return with_numbers(play_side_by_side, _SIGNATURE, own, *formulas)
    # Here each step waits for its exponential: one number's is there sooner.
    formulas.append(share)
    return with_numbers(play_in_turn, _SIGNATURE, own, *formulas, reorder=True)


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
    last = w.copy()
    weights = last.reshape(-1, p)
    runs = len(weights)
    path = np.empty((n if keep_path else 0, runs, p))
    rounds, totals = np.empty((3, n, runs)), np.empty((4, runs))
    samples = np.ascontiguousarray(X), np.ascontiguousarray(y)
    rates = np.ascontiguousarray(steps.reshape(-1, runs)), lam
    loop, results = loop_of(runs, p), (path, rounds, totals)

    def run(part: tuple[int, int]) -> None:
        loop(weights, samples, rates, results, part)

    on_all_processors(run, parts_of(runs, n * w.size if runs > 1 else 0))
    margins, gradient_norms, losses = rounds.reshape(3, n, *w.shape[:-1])
    return Block(
        last,
        path.reshape(-1, *w.shape),
        margins,
        gradient_norms,
        losses,
        totals.reshape(4, *w.shape[:-1]),
    )
