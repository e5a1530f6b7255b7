r"""Online gradient descent for logistic regression: loss, gradient, step, run.

The loss of sample $(x, y)$, $y \in \{-1, 1\}$, at weights $w$ is
$\ell(w) = \log(1 + e^{-m}) + \lambda \lVert w \rVert^2$ with the margin
$m = y \, w^\top x$ and, on the sheet, $\lambda = 1$. Weights have no intercept and no
restriction: no iterate is projected.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from operator import mul
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_labels,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    is_finite,
)
from hw4lib.activations import sigmoid, softplus
from hw4lib.online_learning._rounds import LOOPS, Loops, share
from hw4lib.online_learning._samples import as_samples

__all__ = [
    "Keep",
    "OnlineRun",
    "StepSize",
    "gradient_step",
    "logistic_loss",
    "logistic_loss_gradient",
    "online_gradient_descent",
    "online_gradient_descent_stream",
]

StepSize: TypeAlias = ArrayLike | Callable[[NDArray[np.int64]], ArrayLike]
Keep: TypeAlias = Literal["totals", "losses", "iterates"]
_Samples: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]

# Numbers in the arrays of a block of rounds: two megabytes.
_BLOCK = 2**18

# So many features are faster as Python's numbers than as arrays.
_FEW = 8


def logistic_loss(
    x: ArrayLike, y: ArrayLike, w: ArrayLike, *, regularization: float = 1.0
) -> NDArray[np.float64]:
    r"""Return the loss $\log(1 + e^{-y w^\top x}) + \lambda \lVert w \rVert^2$.

    Args:
        x: Features, shape `(..., p)`.
        y: Labels $-1$ or $1$, shape `(...)`.
        w: Weights, shape `(..., p)`.
        regularization: $\lambda \ge 0$.

    Returns:
        The losses, of the shape that the leading axes broadcast to.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is not finite, a label is another number,
            `regularization` is negative, or the shapes do not fit.

    References:
        Homework 4, [Problem 4(a)][4-a], equation (5).

    Examples:
        >>> logistic_loss([3.0, 4.0], 1, [0.0, 0.0])
        np.float64(0.6931471805599453)
        >>> logistic_loss([1e4, 0.0], -1, [[1.0, 0.0], [0.0, 1.0]])
        array([1.00010000e+04, 1.69314718e+00])
    """
    x, y, w, lam = _loss_arguments(x, y, w, regularization)
    penalty: NDArray[np.float64] = lam * np.vecdot(w, w)
    return softplus(-y * np.vecdot(w, x)) + penalty


def logistic_loss_gradient(
    x: ArrayLike, y: ArrayLike, w: ArrayLike, *, regularization: float = 1.0
) -> NDArray[np.float64]:
    r"""Return $\nabla \ell(w) = -y \, \sigma(-y w^\top x) \, x + 2 \lambda w$.

    Args:
        x: Features, shape `(..., p)`.
        y: Labels $-1$ or $1$, shape `(...)`.
        w: Weights, shape `(..., p)`.
        regularization: $\lambda \ge 0$.

    Returns:
        The gradients, shape `(..., p)` with the leading axes broadcast.

    Raises:
        TypeError: If an argument is not real.
        ValueError: As for `logistic_loss`.

    References:
        Homework 4, [Problem 4(a)][4-a].

    Examples:
        >>> logistic_loss_gradient([3.0, 4.0], 1, [0.0, 0.0])
        array([-1.5, -2. ])
    """
    x, y, w, lam = _loss_arguments(x, y, w, regularization)
    pull = y * sigmoid(-y * np.vecdot(w, x))
    return 2.0 * lam * w - pull[..., None] * x


def gradient_step(
    x: ArrayLike,
    y: ArrayLike,
    w: ArrayLike,
    step_size: ArrayLike,
    *,
    regularization: float = 1.0,
) -> NDArray[np.float64]:
    r"""Return the next iterate of online gradient descent.

    $w' = w - \eta \nabla \ell(w)
        = (1 - 2 \lambda \eta) \, w + \eta \, y \, \sigma(-y w^\top x) \, x$:
    the weights shrink, then the sample pulls them to its own side. The domain is
    all of $\mathbb R^p$, so there is nothing to project on.

    Args:
        x: Features, shape `(..., p)`.
        y: Labels $-1$ or $1$, shape `(...)`.
        w: Weights, shape `(..., p)`.
        step_size: $\eta > 0$, shape `(...)`.
        regularization: $\lambda \ge 0$.

    Returns:
        The next weights, shape `(..., p)` with the leading axes broadcast.

    Raises:
        TypeError: If an argument is not real.
        ValueError: As for `logistic_loss`,
            or if a step size is not positive.

    References:
        Homework 4, [Problem 4(a)][4-a].

    Examples:
        >>> gradient_step([3.0, 4.0], 1, [0.0, 0.0], 0.1)
        array([0.15, 0.2 ])
    """
    step = as_numbers("step_size", step_size, above=0.0)
    gradient = logistic_loss_gradient(x, y, w, regularization=regularization)
    check_broadcast(step_size=step, gradient=gradient[..., 0])
    return np.asarray(w, dtype=np.float64) - step[..., None] * gradient


@dataclass(frozen=True)
class OnlineRun:
    r"""What a run of online gradient descent leaves behind.

    With `S` step sizes at once, the shape `()` of a total becomes `(S,)`, `(n,)`
    becomes `(n, S)` and `(n + 1, p)` becomes `(n + 1, S, p)`.

    Attributes:
        count: Number of samples $n$.
        weights: The weights $w^{(n+1)}$ after the last sample, shape `(p,)`.
        total_loss: $\sum_i \ell_i(w^{(i)})$, shape `()`.
        total_squared_gradient: $\sum_i \lVert \nabla \ell_i(w^{(i)}) \rVert^2$,
            shape `()`.
        largest_norm: $\max_{i \le n} \lVert w^{(i)} \rVert$, shape `()`.
        losses: $\ell_i(w^{(i)})$, shape `(n,)`, unless only totals were asked for.
        gradient_norms: $\lVert \nabla \ell_i(w^{(i)}) \rVert$, likewise.
        iterates: $w^{(1)}, \dots, w^{(n+1)}$, shape `(n + 1, p)`, if asked for.
    """

    count: int
    weights: NDArray[np.float64]
    total_loss: NDArray[np.float64]
    total_squared_gradient: NDArray[np.float64]
    largest_norm: NDArray[np.float64]
    losses: NDArray[np.float64] | None
    gradient_norms: NDArray[np.float64] | None
    iterates: NDArray[np.float64] | None

    @property
    def average_loss(self) -> NDArray[np.float64]:
        r"""The average loss $L_n = \frac1n \sum_i \ell_i(w^{(i)})$, equation (9)."""
        return self.total_loss / self.count


def online_gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    step_size: StepSize,
    *,
    regularization: float = 1.0,
    initial: ArrayLike | None = None,
    keep: Keep = "losses",
) -> OnlineRun:
    r"""Run online gradient descent once over the samples of two arrays.

    In round $i$ the weights $w^{(i)}$ are fixed, sample $i$ is shown, its loss
    $\ell_i(w^{(i)})$ is paid, and one
    [step][hw4lib.online_learning.descent.gradient_step] gives $w^{(i+1)}$. Where Numba
    is installed (the extra `fast`) it compiles the rounds, as soon as a program has run
    enough of them to make up for the import; results agree to rounding.

    Args:
        X: Features, shape `(n, p)`.
        y: Labels $-1$ or $1$, shape `(n,)`.
        step_size: A number $\eta$; or `S` of them, shape `(S,)`, for `S` runs in one
            pass; or a function that takes rounds $t = 1, 2, \dots$, shape `(k,)`, to
            their step sizes $\eta_t$, shape `(k,)`. All in $(0, 1/\lambda]$: beyond,
            $\lvert 1 - 2 \lambda \eta \rvert > 1$ and the weights explode.
        regularization: $\lambda \ge 0$.
        initial: Weights $w^{(1)}$, shape `(p,)`; zeros if not given.
        keep: `"totals"` for sums alone, `"losses"` also for the loss and gradient
            norm of every round, `"iterates"` also for every iterate.

    Returns:
        The run.

    Raises:
        TypeError: If an argument is not real.
        ValueError: If an argument is empty, not finite, out of range, or of a wrong
            shape, or `keep` is another word.
        MemoryError: If the iterates would not fit in memory.

    References:
        Homework 4, [Problem 4(a)][4-a].

    Examples:
        >>> run = online_gradient_descent([[3.0], [4.0]], [1, -1], 0.1)
        >>> run.losses.round(4)
        array([0.6931, 1.06  ])
        >>> online_gradient_descent([[3.0]], [1], [0.1, 0.2]).weights
        array([[0.15],
               [0.3 ]])
    """
    X = as_array("X", X, "n", "p", finite=False)
    y = as_array("y", y, len(X), finite=False)
    if keep == "iterates":
        runs = 1 if callable(step_size) else as_array("step_size", step_size).size
        check_memory("X", f"of {len(X)} samples", len(X) + 1, runs, X.shape[1])
    start = 0

    def take(count: int) -> _Samples:
        nonlocal start
        first, start = start, start + count
        return X[first:start], y[first:start]

    return _run(
        take,
        X.shape[1],
        step_size,
        regularization=regularization,
        initial=initial,
        keep=keep,
        name="X",
    )


def online_gradient_descent_stream(
    samples: Iterable[tuple[ArrayLike, float]],
    step_size: StepSize,
    *,
    regularization: float = 1.0,
    initial: ArrayLike | None = None,
    keep: Keep = "totals",
) -> OnlineRun:
    r"""Run online gradient descent once over any iterable of samples.

    The samples are taken in blocks, and a block is forgotten when it is done: a
    stream larger than memory needs no more memory than a short one, as long as only
    totals are kept. The result is that of
    [`online_gradient_descent`][hw4lib.online_learning.descent.online_gradient_descent].

    Args:
        samples: Pairs $(x^{(i)}, y^{(i)})$ of features, shape `(p,)`, and a label.
        step_size: As for `online_gradient_descent`.
        regularization: $\lambda \ge 0$.
        initial: Weights $w^{(1)}$, shape `(p,)`; zeros if not given.
        keep: As for `online_gradient_descent`.

    Returns:
        The run.

    Raises:
        TypeError: If a sample is not a pair of real numbers.
        ValueError: As for `online_gradient_descent`; a bad sample is noticed when
            its block is reached.

    References:
        Homework 4, [Problem 4(a)][4-a].

    Examples:
        >>> samples = (([3.0, 4.0], label) for label in (1, -1))
        >>> online_gradient_descent_stream(samples, 0.1).count
        2
    """
    try:
        remaining = iter(samples)
    except TypeError:
        raise TypeError(
            f"`samples` is of type {type(samples).__name__}, expected pairs (x, y)"
        ) from None
    first = list(islice(remaining, 1))
    if not first:
        raise ValueError("`samples` is empty, expected at least one sample")
    features = _sample_block(first, "p")[0].shape[1]
    remaining = chain(first, remaining)

    def take(count: int) -> _Samples:
        return _sample_block(list(islice(remaining, count)), features)

    return _run(
        take,
        features,
        step_size,
        regularization=regularization,
        initial=initial,
        keep=keep,
        name="samples",
    )


def _loss_arguments(
    x: ArrayLike, y: ArrayLike, w: ArrayLike, regularization: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    w = as_array("w", w, "...", "p")
    x = as_array("x", x, "...", w.shape[-1])
    y = as_labels("y", y, (-1, 1))
    check_broadcast(w=w[..., 0], x=x[..., 0], y=y)
    return x, y, w, as_number("regularization", regularization, at_least=0.0)


def _sample_block(
    samples: list[tuple[ArrayLike, float]], features: int | str
) -> _Samples:
    if not samples:
        return np.empty((0, 0)), np.empty(0)
    try:
        rows, labels = zip(*samples, strict=True)
    except (TypeError, ValueError):
        raise TypeError("`samples` does not hold pairs, expected (x, y)") from None
    X = as_array("samples", rows, len(rows), features)
    return X, as_labels("samples", labels, (-1, 1), len(rows))


def _run(
    take: Callable[[int], _Samples],
    features: int,
    step_size: StepSize,
    *,
    regularization: float,
    initial: ArrayLike | None,
    keep: Keep,
    name: str,
) -> OnlineRun:
    """Run over the samples, of which `take` returns as many as asked while it can.

    The name is that of the samples' argument.
    """
    lam = as_number("regularization", regularization, at_least=0.0)
    steps_of, runs = _schedule(step_size, lam)
    W, count = np.zeros((*runs, features)), 0
    if initial is not None:
        W += as_array("initial", initial, features)
    if keep not in ("totals", "losses", "iterates"):
        raise ValueError(
            f"`keep` is {keep!r}, expected 'totals', 'losses' or 'iterates'"
        )
    several = W.size // features
    kept: list[NDArray[np.float64]] = []
    path = [W[None]]
    totals, largest, more = np.zeros((2, *runs)), np.zeros(runs), True
    while more:
        loops = LOOPS()
        # NumPy needs all iterates of a block, loops the latest and three results.
        most = min(1024, _BLOCK // W.size)
        if loops:
            most = min(8192, _BLOCK // max(4 * several, features))
        X, y = take(max(1, most))
        if not y.size:
            break
        more = len(y) >= most
        play = partial(_play_loops, loops=loops) if loops else _play
        steps = steps_of(count, len(y))
        if not loops:
            as_samples(X, y)  # NumPy would warn on the way
        with np.errstate(over="ignore", invalid="ignore"):
            block = play(W, (X, y), steps, lam, keep=keep == "iterates")
            totals = totals + block.totals
        if not (is_finite(block.weights) and is_finite(totals)):
            # Compiled loops spoil the weights for good by a wrong sample: where they
            # are finite all samples are right, without a pass over them.
            as_samples(X, y)
            raise ValueError(
                f"`{name}`, `step_size`, `regularization` or `initial` make the "
                f"weights, a loss or the square of a gradient overflow, expected "
                f"smaller ones"
            )
        W, count = block.weights, count + len(y)
        LOOPS.work += several * len(y)
        largest = np.maximum(largest, block.largest)
        if keep != "totals":
            kept.append(block.rounds)
        if block.iterates is not None:
            path.append(block.iterates)
    losses, squares = np.concatenate(kept, axis=1) if kept else (None, None)
    return OnlineRun(
        count=count,
        weights=W,
        total_loss=totals[0],
        total_squared_gradient=totals[1],
        largest_norm=np.sqrt(largest),
        losses=losses,
        gradient_norms=None if squares is None else np.sqrt(squares),
        iterates=np.concatenate(path) if keep == "iterates" else None,
    )


def _schedule(
    step_size: StepSize, lam: float
) -> tuple[Callable[[int, int], NDArray[np.float64]], tuple[int, ...]]:
    """Return a function from what is done and to do to step sizes, and the runs' shape.

    Where step sizes are constant it returns those of a single round.
    """
    most = 1.0 / lam if lam else math.inf
    if callable(step_size):
        return partial(_scheduled, step_size, most), ()
    constant = as_numbers("step_size", step_size, above=0.0, at_most=most)
    if constant.ndim > 1 or constant.size == 0:
        raise ValueError(f"`step_size` has shape {constant.shape}, expected () or (S)")
    return lambda _done, _count: constant[None], constant.shape


def _scheduled(
    schedule: Callable[[NDArray[np.int64]], ArrayLike],
    most: float,
    done: int,
    count: int,
) -> NDArray[np.float64]:
    steps = schedule(np.arange(done + 1, done + count + 1, dtype=np.int64))
    return as_numbers("step_size", steps, count, above=0.0, at_most=most)


class _Block(NamedTuple):
    """What a block of n rounds leaves behind; `...` is `S` or nothing.

    Attributes:
        weights: The weights after it, shape `(..., p)`.
        rounds: The losses, and the squared norms of the gradients, shape `(2, n, ...)`.
        totals: Their sums, shape `(2, ...)`.
        largest: The largest squared norm of the weights before a step, shape `(...)`.
        iterates: The weights after each step, shape `(n, ..., p)`, if they are kept.
    """

    weights: NDArray[np.float64]
    rounds: NDArray[np.float64]
    totals: NDArray[np.float64]
    largest: NDArray[np.float64]
    iterates: NDArray[np.float64] | None


def _play(
    W: NDArray[np.float64],
    samples: _Samples,
    steps: NDArray[np.float64],
    lam: float,
    *,
    keep: bool,
) -> _Block:
    """Play a block of rounds with NumPy, from weights of shape `(p)` or `(S, p)`."""
    X, y = samples
    pulls = y[:, None] * X
    steps = np.broadcast_to(steps, (len(y), *W.shape[:-1]))
    # Features before runs: the long axis is the one that NumPy's inner loops run over.
    path = np.empty((len(y) + 1, *W.T.shape))
    path[0] = W.T
    descend = _descend_few if W.ndim == 1 and W.size <= _FEW else _descend
    margins = descend(path, pulls, steps, lam)
    iterates = np.moveaxis(path, 1, -1)
    if W.ndim == 2:
        pulls = pulls[:, :, None]
    gradients = 2.0 * lam * path[:-1]
    gradients -= share(margins, np.exp, np.minimum)[:, None] * pulls
    squares = np.square(gradients, out=gradients).sum(axis=1)
    norms = np.square(path[:-1]).sum(axis=1)
    # Not `softplus`, which refuses an infinite margin by a name that nobody gave.
    losses = np.maximum(-margins, 0.0) + np.log1p(np.exp(-np.abs(margins)))
    rounds = np.stack([losses + lam * norms, squares])
    return _Block(
        weights=iterates[-1].copy(),
        rounds=rounds,
        totals=rounds.sum(axis=1),
        largest=norms.max(axis=0),
        iterates=iterates[1:] if keep else None,
    )


def _descend(
    path: NDArray[np.float64],
    pulls: NDArray[np.float64],
    steps: NDArray[np.float64],
    lam: float,
) -> NDArray[np.float64]:
    """Fill `path[1:]` with the iterates that follow `path[0]`, and return the margins.

    Args:
        path: Weights, shape `(n + 1, p)` for one run and `(n + 1, p, S)` for `S`.
        pulls: Features times labels, shape `(n, p)`.
        steps: Step sizes, shape `(n,)` or `(n, S)`.
        lam: Regularization.
    """
    several = path.ndim == 3
    columns = pulls[:, :, None] if several else pulls
    # With one run a margin is a number, and Python's own functions are the fast ones.
    exp: Callable[[Any], Any] = np.exp if several else math.exp
    minimum: Callable[[Any, float], Any] = np.minimum if several else min
    shrinks = 1.0 - 2.0 * lam * steps
    each = (steps, shrinks) if several else (steps.tolist(), shrinks.tolist())
    margins, moved = [], np.empty(path.shape[1:])
    for i, (step, shrink) in enumerate(zip(*each, strict=True)):
        margin = pulls[i].dot(path[i])
        np.multiply(path[i], shrink, out=path[i + 1])
        np.multiply(columns[i], step * share(margin, exp, minimum), out=moved)
        path[i + 1] += moved
        margins.append(margin)
    return np.array(margins)


def _descend_few(
    path: NDArray[np.float64],
    pulls: NDArray[np.float64],
    steps: NDArray[np.float64],
    lam: float,
) -> NDArray[np.float64]:
    """Do what `_descend` does for one run, by numbers in place of arrays."""
    w, iterates, margins = path[0].tolist(), [], []
    for pull, step in zip(pulls.tolist(), steps.tolist(), strict=True):
        margin = sum(map(mul, w, pull))
        shrink, grow = 1.0 - 2.0 * lam * step, step * share(margin, math.exp, min)
        w = [shrink * a + grow * b for a, b in zip(w, pull, strict=True)]
        margins.append(margin)
        iterates.append(w)
    path[1:] = iterates
    return np.array(margins)


def _play_loops(
    W: NDArray[np.float64],
    samples: _Samples,
    steps: NDArray[np.float64],
    lam: float,
    *,
    keep: bool,
    loops: Loops,
) -> _Block:
    """Play a block of rounds with compiled loops; arguments and results of `_play`."""
    X, y = map(np.ascontiguousarray, samples)
    shape = len(y), *W.shape[:-1]
    state = W.reshape(-1, W.shape[-1])
    runs, features = state.shape
    turned = runs > features
    state = state.T if turned else state
    path = np.empty((len(y) + 1 if keep else 1, *state.shape))
    path[0] = state
    steps = np.ascontiguousarray(steps.reshape(-1, runs))
    results, largest = np.empty((3, len(y), runs)), np.zeros(runs)
    loop = loops.by_features if turned else loops.by_runs
    loop(path, (X, y), steps, lam, (results, largest))
    rounds, smaller = results[:2], results[2]
    rounds[0] -= np.log1p(smaller)
    # Of several runs NumPy is slow at sums over an axis that is not the last.
    totals = np.ones(len(y)) @ rounds if runs > 1 else np.add.reduce(rounds, axis=1)
    iterates = path.swapaxes(1, 2) if turned else path
    return _Block(
        weights=iterates[-1].reshape(W.shape).copy(),
        rounds=rounds.reshape(2, *shape),
        totals=totals.reshape(2, *shape[1:]),
        largest=largest.reshape(shape[1:]),
        iterates=iterates[1:].reshape(len(y), *W.shape) if keep else None,
    )
