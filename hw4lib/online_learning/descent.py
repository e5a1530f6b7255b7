r"""Online gradient descent for logistic regression: loss, gradient, step, run.

The loss of sample $(x, y)$, $y \in \{-1, 1\}$, at weights $w$ is
$\ell(w) = \log(1 + e^{-m}) + \lambda \lVert w \rVert^2$ with the margin
$m = y \, w^\top x$ and, on the sheet, $\lambda = 1$. Weights have no intercept and no
restriction: no iterate is projected.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import (
    as_array,
    as_labels,
    as_number,
    as_numbers,
    check_broadcast,
    check_memory,
    contract,
    is_finite,
)
from hw4lib._elementary import softplus
from hw4lib._engine import check_engine
from hw4lib._typing import Engine, Real
from hw4lib.online_learning._update import Block, gradient, norm, play, step

__all__ = [
    "Keep",
    "OnlineRun",
    "RunWithIterates",
    "RunWithLosses",
    "StepSize",
    "gradient_step",
    "logistic_loss",
    "logistic_loss_gradient",
    "online_gradient_descent",
    "online_gradient_descent_stream",
]

StepSize: TypeAlias = ArrayLike | Callable[[NDArray[np.int64]], ArrayLike]
"""One step size, one for each of several runs, or a function of the rounds."""
Keep: TypeAlias = Literal["totals", "losses", "iterates"]
"""How much of a run is kept."""
_Samples: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]

# Numbers in the iterates of a block of rounds, two megabytes; and in its features,
# where iterates are not stored.
_BLOCK, _FEATURES = 2**18, 2**20


@contract
def logistic_loss(
    x: ArrayLike, y: ArrayLike, w: ArrayLike, *, regularization: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return the loss $\log(1 + e^{-y w^\top x}) + \lambda \lVert w \rVert^2$.

    Args:
        x: Features, shape `(..., p)`.
        y: Labels $-1$ or $1$, shape `(...)`.
        w: Weights, shape `(..., p)`.
        regularization: $\lambda \ge 0$.

    Returns:
        The losses, of the shape that the leading axes broadcast to.

    References:
        Homework 4, [Problem 4(a)][4-a], equation (5).

    Examples:
        >>> logistic_loss([3.0, 4.0], 1, [0.0, 0.0])
        np.float64(0.6931471805599453)
        >>> logistic_loss([1e4, 0.0], -1, [[1.0, 0.0], [0.0, 1.0]])
        array([1.00010000e+04, 1.69314718e+00])
    """
    x, y, w, lam = _loss_arguments(x, y, w, regularization)
    margin = y * np.vecdot(w, x)
    # The root first, because the square of the norm may be no float.
    return np.asarray(softplus(-margin) + (math.sqrt(lam) * norm(w)) ** 2)


@contract
def logistic_loss_gradient(
    x: ArrayLike, y: ArrayLike, w: ArrayLike, *, regularization: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return $\nabla \ell(w) = -y \, \sigma(-y w^\top x) \, x + 2 \lambda w$.

    Args:
        x: Features, shape `(..., p)`.
        y: Labels $-1$ or $1$, shape `(...)`.
        w: Weights, shape `(..., p)`.
        regularization: $\lambda \ge 0$.

    Returns:
        The gradients, shape `(..., p)` with the leading axes broadcast.

    References:
        Homework 4, [Problem 4(a)][4-a].

    Examples:
        >>> logistic_loss_gradient([3.0, 4.0], 1, [0.0, 0.0])
        array([-1.5, -2. ])
    """
    x, y, w, lam = _loss_arguments(x, y, w, regularization)
    return np.asarray(gradient(w, _pull(x, y, w), lam))


@contract
def gradient_step(
    x: ArrayLike,
    y: ArrayLike,
    w: ArrayLike,
    step_size: ArrayLike,
    *,
    regularization: Real = 1.0,
) -> NDArray[np.float64]:
    r"""Return the next iterate of online gradient descent.

    $w' = w - \eta \nabla \ell(w)
        = (1 - 2 \lambda \eta) \, w + \eta \, y \, \sigma(-y w^\top x) \, x$:
    the weights shrink, then move along $y x$. The domain is all of $\mathbb R^p$, so
    no projection is needed.

    Args:
        x: Features, shape `(..., p)`.
        y: Labels $-1$ or $1$, shape `(...)`.
        w: Weights, shape `(..., p)`.
        step_size: $\eta > 0$, shape `(...)`.
        regularization: $\lambda \ge 0$.

    Returns:
        The next weights, shape `(..., p)` with the leading axes broadcast.

    References:
        Homework 4, [Problem 4(a)][4-a].

    Examples:
        >>> gradient_step([3.0, 4.0], 1, [0.0, 0.0], 0.1)
        array([0.15, 0.2 ])
    """
    eta = as_numbers("step_size", step_size, above=0.0)
    x, y, w, lam = _loss_arguments(x, y, w, regularization, step_size=eta)
    return np.asarray(step(w, _pull(x, y, w), eta[..., None], lam))


@dataclass(frozen=True, eq=False)
class OnlineRun:
    r"""The result of a run of online gradient descent.

    With `S` step sizes at once, the shape `()` of a total becomes `(S,)`, `(n,)`
    becomes `(n, S)` and `(n + 1, p)` becomes `(n + 1, S, p)`.
    """

    count: int
    """Number of samples $n$."""
    weights: NDArray[np.float64]
    """The weights $w^{(n+1)}$ after the last sample, shape `(p,)`."""
    total_loss: NDArray[np.float64]
    r"""$\sum_i \ell_i(w^{(i)})$, shape `()`."""
    total_squared_gradient: NDArray[np.float64]
    r"""$\sum_i \lVert \nabla \ell_i(w^{(i)}) \rVert^2$, shape `()`."""
    largest_norm: NDArray[np.float64]
    r"""$\max_{i \le n} \lVert w^{(i)} \rVert$, shape `()`."""
    losses: NDArray[np.float64] | None
    r"""$\ell_i(w^{(i)})$, shape `(n,)`, unless only totals were asked for."""
    gradient_norms: NDArray[np.float64] | None
    r"""$\lVert \nabla \ell_i(w^{(i)}) \rVert$, likewise."""
    iterates: NDArray[np.float64] | None
    r"""$w^{(1)}, \dots, w^{(n+1)}$, shape `(n + 1, p)`, if asked for."""

    @property
    def average_loss(self) -> NDArray[np.float64]:
        r"""The average loss $L_n = \frac1n \sum_i \ell_i(w^{(i)})$, equation (9)."""
        return self.total_loss / self.count


@dataclass(frozen=True, eq=False)
class RunWithLosses(OnlineRun):
    """A run with the loss and the gradient norm of every round."""

    losses: NDArray[np.float64]
    r"""$\ell_i(w^{(i)})$, shape `(n,)`."""
    gradient_norms: NDArray[np.float64]
    r"""$\lVert \nabla \ell_i(w^{(i)}) \rVert$, shape `(n,)`."""


@dataclass(frozen=True, eq=False)
class RunWithIterates(RunWithLosses):
    """A run with every iterate, too."""

    iterates: NDArray[np.float64]
    r"""$w^{(1)}, \dots, w^{(n+1)}$, shape `(n + 1, p)`."""


@overload
def online_gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    step_size: StepSize,
    *,
    regularization: Real = ...,
    initial: ArrayLike | None = ...,
    keep: Literal["losses"] = ...,
    engine: Engine = ...,
) -> RunWithLosses: ...
@overload
def online_gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    step_size: StepSize,
    *,
    regularization: Real = ...,
    initial: ArrayLike | None = ...,
    keep: Literal["iterates"],
    engine: Engine = ...,
) -> RunWithIterates: ...
@overload
def online_gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    step_size: StepSize,
    *,
    regularization: Real = ...,
    initial: ArrayLike | None = ...,
    keep: Keep,
    engine: Engine = ...,
) -> OnlineRun: ...
@contract
def online_gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    step_size: StepSize,
    *,
    regularization: Real = 1.0,
    initial: ArrayLike | None = None,
    keep: Keep = "losses",
    engine: Engine = "numpy",
) -> OnlineRun:
    r"""Run online gradient descent once over the samples of two arrays.

    In round $i$ sample $i$ arrives, its loss at the current weights is
    $\ell_i(w^{(i)})$, and one
    [step][hw4lib.online_learning.descent.gradient_step] gives $w^{(i+1)}$. To resume a
    run, pass its `weights` as `initial`.

    Args:
        X: Features, shape `(n, p)`.
        y: Labels $-1$ or $1$, shape `(n,)`.
        step_size: A number $\eta$; or `S` of them, shape `(S,)`, for `S` runs in one
            pass; or a function that takes rounds $t = 1, 2, \dots$, shape `(k,)`, to
            their step sizes $\eta_t$, shape `(k,)` or `()`. The rounds are integers, or
            floats where integers raise `ValueError`, as in `t**-1`. All in
            $(0, 1/\lambda]$: beyond, $\lvert 1 - 2 \lambda \eta \rvert > 1$ and the
            weights explode.
        regularization: $\lambda \ge 0$.
        initial: Weights $w^{(1)}$, shape `(p,)`, or `(S, p)` for `S` step sizes; zeros
            if not given.
        keep: `"totals"` for sums alone, `"losses"` also for the loss and gradient
            norm of every round, `"iterates"` also for every iterate.
        engine: `"numpy"`, or `"numba"` for the same rounds as a compiled loop, which
            needs the extra `fast` and takes some seconds the first time on a machine.
            Where there are more than four runs per feature, it plays them side by side.
            Results agree to rounding.

    Returns:
        The run.

    Raises:
        ValueError: If the square of a gradient's norm is past the largest float, or a
            feature is beyond 1e140 in a sample whose margin is between 700 and 1500:
            $\sigma(-m)$ is then less than any float, although $\sigma(-m) \, x$ counts.
        MemoryError: If what is kept would not fit in memory.
        ImportError: If Numba is asked for and missing.

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
    position = 0

    def take(count: int) -> _Samples:
        nonlocal position
        rows = slice(position, position + count)
        position += count
        return X[rows], y[rows]

    return _run(
        take,
        X.shape[1],
        step_size,
        regularization=regularization,
        initial=initial,
        keep=keep,
        engine=engine,
        names=("X", "y"),
        count=len(X),
    )


@overload
def online_gradient_descent_stream(
    samples: Iterable[tuple[ArrayLike, Real]],
    step_size: StepSize,
    *,
    regularization: Real = ...,
    initial: ArrayLike | None = ...,
    keep: Literal["losses"],
    engine: Engine = ...,
) -> RunWithLosses: ...
@overload
def online_gradient_descent_stream(
    samples: Iterable[tuple[ArrayLike, Real]],
    step_size: StepSize,
    *,
    regularization: Real = ...,
    initial: ArrayLike | None = ...,
    keep: Literal["iterates"],
    engine: Engine = ...,
) -> RunWithIterates: ...
@overload
def online_gradient_descent_stream(
    samples: Iterable[tuple[ArrayLike, Real]],
    step_size: StepSize,
    *,
    regularization: Real = ...,
    initial: ArrayLike | None = ...,
    keep: Keep = ...,
    engine: Engine = ...,
) -> OnlineRun: ...
@contract
def online_gradient_descent_stream(
    samples: Iterable[tuple[ArrayLike, Real]],
    step_size: StepSize,
    *,
    regularization: Real = 1.0,
    initial: ArrayLike | None = None,
    keep: Keep = "totals",
    engine: Engine = "numpy",
) -> OnlineRun:
    r"""Run online gradient descent once over any iterable of samples.

    The samples are taken in blocks, and a block is forgotten when it is done: a
    stream larger than memory needs no more memory than a short one, as long as only
    totals are kept. The result is that of
    [`online_gradient_descent`][hw4lib.online_learning.descent.online_gradient_descent].
    An iterable without end never returns.

    Args:
        samples: Pairs $(x^{(i)}, y^{(i)})$ of features, shape `(p,)`, and a label.
        step_size: As for `online_gradient_descent`.
        regularization: $\lambda \ge 0$.
        initial: As for `online_gradient_descent`.
        keep: As for `online_gradient_descent`.
        engine: As for `online_gradient_descent`.

    Returns:
        The run.

    Raises:
        TypeError: If a sample is not a pair of real numbers. A bad sample is noticed
            when its block is reached.
        ValueError: As for `online_gradient_descent`.

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
    features = _as_block(first, "p")[0].shape[1]
    remaining = chain(first, remaining)

    def take(count: int) -> _Samples:
        return _as_block(list(islice(remaining, count)), features)

    return _run(
        take,
        features,
        step_size,
        regularization=regularization,
        initial=initial,
        keep=keep,
        engine=engine,
        names=("samples", "samples"),
    )


def _loss_arguments(
    x: ArrayLike,
    y: ArrayLike,
    w: ArrayLike,
    regularization: Real,
    **others: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    x = as_array("x", x, "...", "p")
    w = as_array("w", w, "...", x.shape[-1])
    y = as_labels("y", y, (-1, 1))
    rows = max(x.ndim, w.ndim) - 1
    if y.ndim > rows > 0 and y.shape[-1] == 1:
        raise ValueError(
            f"`y` is a column of shape {y.shape}, expected one axis less, as in "
            f"`x` {x.shape} and `w` {w.shape}"
        )
    shape = check_broadcast(x=x[..., 0], y=y, w=w[..., 0], **others)
    check_memory("x", x.shape, *shape, x.shape[-1])
    return x, y, w, as_number("regularization", regularization, at_least=0.0)


def _pull(
    x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return sigma(-m) y x.

    One half of the decay for each side of x, because sigma(-m) may be less than any
    float where the product is not: sigma(-m) = half^2 / (1 + exp(-|m|)).
    """
    margin = (y * np.vecdot(w, x))[..., None]
    half = np.exp(-0.5 * np.maximum(margin, 0.0))
    return np.asarray(
        half / (1.0 + np.exp(-np.abs(margin))) * (half * y[..., None] * x)
    )


def _as_block(samples: list[tuple[ArrayLike, Real]], features: int | str) -> _Samples:
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
    regularization: Real,
    initial: ArrayLike | None,
    keep: Keep,
    engine: Engine,
    names: tuple[str, str],
    count: int = 0,
) -> OnlineRun:
    """Run over the samples, of which `take` returns as many as asked while it can.

    The names are those of the arguments that hold features and labels; `count` is the
    number of samples, if known.
    """
    check_engine(engine)
    if keep not in ("totals", "losses", "iterates"):
        raise ValueError(
            f"`keep` is {keep!r}, expected 'totals', 'losses' or 'iterates'"
        )
    lam = as_number("regularization", regularization, at_least=0.0)
    steps_of, runs = _schedule(step_size, lam)
    check_memory("step_size", runs, *runs, features)
    if keep != "totals":
        kept = features if keep == "iterates" else 2
        check_memory(names[0], f"of {count} samples", count + 1, *runs, kept)
    w = np.zeros((*runs, features))
    if initial is not None:
        start = as_array("initial", initial)
        if start.shape not in (w.shape, (features,)):
            raise ValueError(f"`initial` has shape {start.shape}, expected {w.shape}")
        w += start

    path, losses, gradient_norms = [w[None]], [], []
    done, totals, largest = 0, np.zeros((2, *runs)), np.zeros(runs)
    stored = engine == "numpy" or keep == "iterates"
    fitting = _BLOCK // w.size if stored else _FEATURES // features
    rounds = max(1, min(2**14, 2**15 // largest.size, fitting))
    while (samples := take(rounds))[1].size:
        n = len(samples[1])
        steps = steps_of(done, n)
        block = play(engine, w, samples, steps, lam, keep_path=keep == "iterates")
        _check_samples(names, samples, block)
        totals += block.totals[:2]
        largest = np.maximum(largest, block.totals[2])
        w, done = block.weights, done + n
        if keep != "totals":
            losses.append(block.losses)
            gradient_norms.append(block.gradient_norms)
        if keep == "iterates":
            path.append(block.path)

    total = (done, w, totals[0], totals[1], largest)
    if keep == "totals":
        return OnlineRun(*total, losses=None, gradient_norms=None, iterates=None)
    each = np.concatenate(losses), np.concatenate(gradient_norms)
    if keep == "losses":
        return RunWithLosses(*total, *each, iterates=None)
    return RunWithIterates(*total, *each, iterates=np.concatenate(path))


def _check_samples(names: tuple[str, str], samples: _Samples, block: Block) -> None:
    """Refuse samples of a block that has been played, which is when it is known best.

    Whatever is no sample leaves weights that are no numbers. And `share` may be no
    float, although its product with x counts: for features up to 1e140 the product is
    lost beside the weights of such a margin.
    """
    X, y = samples
    if not is_finite(block.weights):
        as_array(names[0], X)
        as_labels(names[1], y, (-1, 1))
    if np.count_nonzero(block.totals[3] > 700.0):
        lost = (block.margins > 700.0) & (block.margins < 1500.0)
        if lost.any() and np.abs(X).max() > 1e140:
            raise ValueError(
                f"`{names[0]}` holds features up to {np.abs(X).max():g} and has a "
                f"margin of {block.margins[lost][0]:g}, expected features up to 1e+140"
            )


def _schedule(
    step_size: StepSize, lam: float
) -> tuple[Callable[[int, int], NDArray[np.float64]], tuple[int, ...]]:
    """Return the step sizes of `n` rounds after `done`, as a function, and the shape.

    The shape is that of the runs, and the function returns shape `(n, *runs)`, or
    `(1, *runs)` for the same in each round.
    """
    most = 1.0 / lam if lam else math.inf
    if not callable(step_size):
        constant = as_numbers("step_size", step_size, above=0.0, at_most=most)
        if constant.ndim > 1 or constant.size == 0:
            raise ValueError(
                f"`step_size` has shape {constant.shape}, expected () or (S)"
            )
        return lambda _done, _n: constant[None], constant.shape

    def scheduled(done: int, n: int) -> NDArray[np.float64]:
        rounds = np.arange(done + 1, done + n + 1, dtype=np.int64)
        try:
            sizes = step_size(rounds)
        except ValueError:  # integers have no negative powers
            sizes = step_size(rounds.astype(np.float64))
        except TypeError as error:
            raise TypeError(
                "`step_size` does not take an array of rounds, expected a function "
                "that does"
            ) from error
        steps = as_numbers("step_size", sizes, above=0.0, at_most=most)
        if steps.shape not in ((), (n,)):
            raise ValueError(f"`step_size` has shape {steps.shape}, expected ({n})")
        return steps.reshape(-1)

    return scheduled, ()
