r"""The best fixed weights, the regret of a run, and inequality (10) term by term."""

import math
from dataclasses import dataclass

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
)
from hw4lib._elementary import sigmoid_derivative, softplus
from hw4lib._typing import Real
from hw4lib.online_learning._update import gradient, norm, share
from hw4lib.online_learning.descent import OnlineRun

__all__ = [
    "RegretTerms",
    "average_regret",
    "batch_optimum",
    "regret_bound",
    "regret_terms",
    "tuned_step_size",
]

# Features of which products of two, and sums of those, do not overflow.
_LARGEST = 1e150


@contract
def batch_optimum(
    X: ArrayLike, y: ArrayLike, *, regularization: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return $w^* = \arg\min_w \sum_i \ell_i(w)$, to machine precision.

    Newton's method. Reading all samples is what takes time, so only the gradients use
    all of them; one sample in 16 gives the Hessian (by conjugate gradients if there are
    many features) and the start, which is their own optimum. A gradient
    $g$ at weights $w$ is a certificate, $\lVert w - w^* \rVert \le \lVert g \rVert
    / (2 \lambda)$, as the objective is $2 \lambda$-strongly convex. Where a step does
    not cut it to a third, the Hessian of all samples takes over, and a step that still
    does not goes as far as the loss along it decreases. Because $\lambda > 0$,
    separable data have a finite optimum like any other. Five to ten steps are usual,
    and it gives up after 1000.

    Args:
        X: Features, shape `(n, p)`, up to 1e150.
        y: Labels $-1$ or $1$, shape `(n,)`.
        regularization: $\lambda > 0$.

    Returns:
        The weights $w^*$, shape `(p,)`.

    Raises:
        ValueError: If a feature is larger, or floats cannot hold the optimum.
        MemoryError: If the Hessian, shape `(p, p)`, would not fit in memory.

    References:
        Homework 4, [Problem 4(d)][4-d], equation (7).

    Examples:
        >>> batch_optimum([[1.0], [1.0]], [1, 1], regularization=0.25).round(6)
        array([0.674832])
        >>> batch_optimum([[1e-3], [1e-3]], [1, -1])
        array([0.])
    """
    X = as_numbers("X", X, "n", "p", at_least=-_LARGEST, at_most=_LARGEST)
    y = as_labels("y", y, (-1, 1), len(X))
    lam = as_number("regularization", regularization, above=0.0)
    p = X.shape[1]
    check_memory("X", f"of {p} features", p, p)
    try:
        w = _optimum(X, y, lam, 1e-15)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"`X` holds features up to {np.abs(X).max():g}, expected smaller ones of "
            f"similar size that are not collinear, or a larger `regularization`"
        ) from None
    if math.exp(-700.0) * _LARGEST > 1e-15 * 2.0 * lam * np.abs(w).max():
        _check_shares(X, y, lam, w)
    return w


@contract
def average_regret(
    X: ArrayLike,
    y: ArrayLike,
    run: OnlineRun,
    *,
    regularization: Real = 1.0,
    comparator: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Return the average regret $L_n - L_*$.

    $L_* = \frac1n \sum_i \ell_i(w^*)$. It can be negative: $w^*$ is fixed,
    the iterates are not.

    Args:
        X: Features, shape `(n, p)`.
        y: Labels $-1$ or $1$, shape `(n,)`.
        run: A run over these samples.
        regularization: $\lambda > 0$, that of the run.
        comparator: Weights to compare with, shape `(p,)`;
            [`batch_optimum`][hw4lib.online_learning.regret.batch_optimum] if not given.

    Returns:
        The average regret, shape `()`, or `(S,)` for `S` step sizes.

    Raises:
        TypeError: If `run` is not a run.
        ValueError: If the run has another number of samples or features.

    References:
        Homework 4, [Problem 4(d)][4-d], equations (7) to (9).

    Examples:
        >>> from hw4lib.online_learning import online_gradient_descent
        >>> X, y = [[3.0], [3.0]], [1, 1]
        >>> run = online_gradient_descent(X, y, 0.1)
        >>> average_regret(X, y, run).round(6)
        np.float64(0.182703)
    """
    X, y = _as_samples(X, y)
    if not isinstance(run, OnlineRun):
        raise TypeError(f"`run` is of type {type(run).__name__}, expected an OnlineRun")
    if len(X) != run.count:
        raise ValueError(f"`X` has {len(X)} samples, expected the {run.count} of `run`")
    if X.shape[1] != run.weights.shape[-1]:
        raise ValueError(
            f"`X` has {X.shape[1]} features, expected the {run.weights.shape[-1]} "
            "of `run`"
        )
    lam = as_number("regularization", regularization, above=0.0)
    best = _comparator(X, y, lam, comparator)
    return np.asarray(run.average_loss - _losses(X, y, best, lam).mean())


@contract
def regret_bound(
    distance: ArrayLike,
    squared_gradients: ArrayLike,
    step_size: ArrayLike,
    n: ArrayLike,
) -> NDArray[np.float64]:
    r"""Return $\frac{1}{2n} \left( \frac1\eta D^2 + \eta S \right)$.

    With $D = \lVert w^{(1)} - w^* \rVert$ and
    $S = \sum_i \lVert \nabla \ell_i(w^{(i)}) \rVert^2$ this is the right side of
    inequality (10), whatever the convex losses and whatever the comparator.

    Args:
        distance: $D \ge 0$, any shape.
        squared_gradients: $S \ge 0$, a shape that broadcasts with it.
        step_size: $\eta > 0$, likewise.
        n: Number of samples, likewise.

    Returns:
        The bound on the average regret, of the broadcast shape.

    References:
        Homework 4, [Problem 4(d)][4-d], inequality (10).

    Examples:
        >>> regret_bound(1.0, 100 * 79.0**2, 1 / 790, 100).round(12)
        np.float64(7.9)
    """
    D = as_numbers("distance", distance, at_least=0.0)
    S = as_numbers("squared_gradients", squared_gradients, at_least=0.0)
    eta = as_numbers("step_size", step_size, above=0.0)
    n = as_numbers("n", n, at_least=1.0)
    check_broadcast(distance=D, squared_gradients=S, step_size=eta, n=n)
    return ((D / np.sqrt(eta)) ** 2 + eta * S) / (2.0 * n)


@dataclass(frozen=True, eq=False)
class RegretTerms:
    r"""Inequality (10), with the two terms that it drops.

    Average regret = `initial_distance` + `gradients` - `final_distance` - `curvature`,
    all of them at least 0, each of shape `()`, or `(S,)` for `S` step sizes.
    """

    regret: NDArray[np.float64]
    """$L_n - L_*$."""
    initial_distance: NDArray[np.float64]
    r"""$\lVert w^{(1)} - w^* \rVert^2 / (2 \eta n)$."""
    gradients: NDArray[np.float64]
    r"""$\frac{\eta}{2n} \sum_i \lVert \nabla \ell_i(w^{(i)}) \rVert^2$."""
    final_distance: NDArray[np.float64]
    r"""$\lVert w^{(n+1)} - w^* \rVert^2 / (2 \eta n)$, lost when the telescoped sum is
    cut."""
    curvature: NDArray[np.float64]
    r"""The average height of $\ell_i(w^*)$ above the tangent at $w^{(i)}$, lost when
    convexity is used."""

    @property
    def bound(self) -> NDArray[np.float64]:
        """The right side of inequality (10), `initial_distance` + `gradients`."""
        return self.initial_distance + self.gradients


@contract
def regret_terms(
    X: ArrayLike,
    y: ArrayLike,
    iterates: ArrayLike,
    step_size: ArrayLike,
    *,
    regularization: Real = 1.0,
    comparator: ArrayLike | None = None,
) -> RegretTerms:
    r"""Return both sides of inequality (10) and all that lies between them.

    Args:
        X: Features, shape `(n, p)`.
        y: Labels $-1$ or $1$, shape `(n,)`.
        iterates: $w^{(1)}, \dots, w^{(n+1)}$, shape `(n + 1, p)`, or
            `(n + 1, S, p)` for `S` step sizes.
        step_size: The constant $\eta > 0$ that made them, shape `()` or `(S,)`.
        regularization: $\lambda > 0$.
        comparator: Weights to compare with, shape `(p,)`;
            [`batch_optimum`][hw4lib.online_learning.regret.batch_optimum] if not given.

    Returns:
        The terms. The regret is measured, not summed from the other terms.

    References:
        Homework 4, [Problem 4(d)][4-d], inequality (10).

    Examples:
        >>> from hw4lib.online_learning import online_gradient_descent
        >>> X, y = [[3.0], [4.0]], [1, -1]
        >>> run = online_gradient_descent(X, y, 0.1, keep="iterates")
        >>> terms = regret_terms(X, y, run.iterates, 0.1)
        >>> terms.regret <= terms.bound
        np.True_
    """
    X, y = _as_samples(X, y)
    n, p = X.shape
    eta = as_numbers("step_size", step_size, above=0.0)
    if eta.ndim > 1:
        raise ValueError(f"`step_size` has shape {eta.shape}, expected () or (S)")
    path = as_array("iterates", iterates, n + 1, *eta.shape, p)
    lam = as_number("regularization", regularization, above=0.0)
    best = _comparator(X, y, lam, comparator)
    if eta.ndim:
        X, y = X[:, None], y[:, None]

    w, distances = path[:-1], norm(path[[0, -1]] - best)
    x = y[..., None] * X
    gradients = gradient(w, share(np.vecdot(w, x))[..., None] * x, lam)
    gaps = _losses(X, y, w, lam) - _losses(X, y, best, lam)
    first, last = (distances / np.sqrt(2.0 * n) / np.sqrt(eta)) ** 2
    return RegretTerms(
        regret=gaps.mean(axis=0),
        initial_distance=first,
        gradients=((np.sqrt(eta / 2.0) * norm(gradients)) ** 2).mean(axis=0),
        final_distance=last,
        curvature=(np.vecdot(gradients, w - best) - gaps).mean(axis=0),
    )


@contract
def tuned_step_size(
    n: ArrayLike,
    feature_bound: ArrayLike,
    comparator_bound: ArrayLike = 1.0,
    *,
    regularization: Real = 1.0,
) -> NDArray[np.float64]:
    r"""Return the step size $\eta = D / (G \sqrt n)$ with $G = R + 2 \lambda D$.

    It minimizes $\frac{1}{2n} (D^2 / \eta + \eta n G^2)$, the right side of (10) when
    no gradient's norm exceeds $G$. That $G$ holds is not obvious, because nothing
    keeps the iterates in the ball of radius $D$; see
    [Theorem 4.3][4-beyond-tuned].

    Args:
        n: Number of samples, any shape.
        feature_bound: $R > 0$, at least every $\lVert x^{(i)} \rVert$.
        comparator_bound: $D > 0$, at least $\lVert w^* \rVert$.
        regularization: $\lambda \ge 0$.

    Returns:
        The step size, of the shape that the arguments broadcast to.

    References:
        Homework 4, [Problem 4(e)][4-e], where $R = 77$ and $D = 1$.

    Examples:
        >>> 1 / tuned_step_size(100, 77.0)
        np.float64(790.0)
    """
    n = as_numbers("n", n, at_least=1.0)
    R = as_numbers("feature_bound", feature_bound, above=0.0)
    D = as_numbers("comparator_bound", comparator_bound, above=0.0)
    lam = as_number("regularization", regularization, at_least=0.0)
    check_broadcast(n=n, feature_bound=R, comparator_bound=D)
    return 1.0 / ((R / D + 2.0 * lam) * np.sqrt(n))  # D G may be past the floats


def _as_samples(
    X: ArrayLike, y: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    X = as_array("X", X, "n", "p")
    return X, as_labels("y", y, (-1, 1), len(X))


def _comparator(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    lam: float,
    comparator: ArrayLike | None,
) -> NDArray[np.float64]:
    if comparator is None:
        return batch_optimum(X.reshape(len(X), -1), y, regularization=lam)
    return as_array("comparator", comparator, X.shape[-1])


def _losses(
    X: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], lam: float
) -> NDArray[np.float64]:
    """Return the losses of the samples at some weights."""
    losses: NDArray[np.float64] = (
        softplus(-y * np.vecdot(w, X)) + (math.sqrt(lam) * norm(w)) ** 2
    )
    return losses


def _check_shares(
    X: NDArray[np.float64], y: NDArray[np.float64], lam: float, w: NDArray[np.float64]
) -> None:
    """Refuse an optimum at which a share that is less than any float would count."""
    far = y * (X @ w) > 700.0
    missed = math.exp(-700.0) * np.abs(X[far]).max(initial=0.0)
    if missed > 1e-15 * 2.0 * lam * np.abs(w).max():
        raise ValueError(
            f"`regularization` is {lam:g}, so small that margins of the optimum "
            f"pass 700, expected a larger one"
        )


def _optimum(
    X: NDArray[np.float64], y: NDArray[np.float64], lam: float, tolerance: float
) -> NDArray[np.float64]:
    p = X.shape[1]
    w = np.zeros(p)
    if X.size < 2**14:  # where calls cost more than samples
        return _newton((X, y), lam, w, X, tolerance)
    sample = X[::16].copy()
    if len(sample) > 20 * p + 1000:
        # Its optimum costs little, and saves the whole data set the long steps.
        w = _optimum(sample, y[::16].copy(), lam, 1e-6)
    return _newton((X, y), lam, w, sample, tolerance)


def _newton(
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    lam: float,
    w: NDArray[np.float64],
    sample: NDArray[np.float64],
    tolerance: float,
) -> NDArray[np.float64]:
    """Descend from `w` with the Hessian of some rows of X, or of all of them."""
    X, y = samples
    slope, margins, change = _mean_gradient(X, y, lam, w), sample @ w, 0.0
    for _ in range(1000):
        bend = sigmoid_derivative(margins) / len(sample)
        direction = _direction(sample, bend, lam, -slope)
        moves = sample @ direction
        previous, change = change, float(np.abs(moves).max())
        if not math.isfinite(change):  # singular, which not every LAPACK notices
            raise np.linalg.LinAlgError
        shrinks = min(change / previous, 1.0) if previous else 1.0
        after = w + direction
        # Where no margin moves by more than this, a Newton step leaves rounding only.
        near = change < 1e-2
        # The next change is about `change * shrinks` or less, until rounding stops it.
        if change * shrinks < tolerance or (near and change >= previous > 0.0):
            return after
        further = _mean_gradient(X, y, lam, after)
        if not np.linalg.norm(further) <= np.linalg.norm(slope) / 3.0:
            if sample is not X:
                start = w if near else np.zeros(len(w))
                return _newton((X, y), lam, start, X, tolerance)
            if near:
                return after
            length = _length((X, y), lam, w, direction)
            least = w + length * direction
            other = _mean_gradient(X, y, lam, least)
            if not np.linalg.norm(further) <= np.linalg.norm(other):
                after, further, moves = least, other, length * moves
        w, margins, slope = after, margins + moves, further
    raise np.linalg.LinAlgError


def _length(
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    lam: float,
    w: NDArray[np.float64],
    direction: NDArray[np.float64],
) -> float:
    """Return how far to go for the least loss, where its slope is a tenth as steep."""
    X, y = samples
    margins, moves = y * (X @ w), y * (X @ direction)
    at_start = 2.0 * lam * float(w @ direction)
    turn = 2.0 * lam * float(direction @ direction)

    def slope(length: float) -> float:
        shares = share(margins + length * moves)
        return at_start + length * turn - float(moves @ shares) / len(y)

    enough = 0.1 * abs(slope(0.0))
    low, high = 0.0, 1.0
    while slope(high) < 0.0:
        low, high = high, 2.0 * high
    while low < (middle := (low + high) / 2.0) < high:
        steep = slope(middle)
        if abs(steep) <= enough:
            break
        low, high = (middle, high) if steep < 0.0 else (low, middle)
    return middle


def _mean_gradient(
    X: NDArray[np.float64], y: NDArray[np.float64], lam: float, w: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the gradient of the mean loss, 2 lam w - X^T (y sigma(-m)) / n.

    In blocks that stay in the cache, so that X is read from memory once, not twice.
    """
    n, p = X.shape
    pulls, rows = np.zeros(p), max(1, min(2**13, 2**17 // p))
    for first in range(0, n, rows):
        x, labels = X[first : first + rows], y[first : first + rows]
        pulls += (labels * share(labels * (x @ w))) @ x
    return np.asarray(gradient(w, pulls / n, lam))


def _direction(
    X: NDArray[np.float64],
    bend: NDArray[np.float64],
    lam: float,
    descent: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Solve for Newton's direction, the Hessian being X^T diag(bend) X + 2 lam I.

    By conjugate gradients to three digits, if they need so few of their two passes
    over the data that the Hessian, with its p, would cost more.
    """
    p = X.shape[1]
    direction, residual, search = np.zeros(p), descent, descent
    square = start = float(descent @ descent)
    for _ in range(p // 16):
        if square <= 1e-6 * start:
            return direction
        turned = X.T @ (bend * (X @ search)) + 2.0 * lam * search
        curvature = float(search @ turned)
        if not curvature > 0.0:  # it underflows
            break
        step = square / curvature
        direction = direction + step * search
        residual = residual - step * turned
        previous, square = square, float(residual @ residual)
        search = residual + (square / previous) * search
    root = X * np.sqrt(bend)[:, None]
    hessian = root.T @ root + 2.0 * lam * np.eye(p)
    return np.asarray(np.linalg.solve(hessian, descent), dtype=np.float64)
