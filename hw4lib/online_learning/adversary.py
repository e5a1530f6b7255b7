r"""Worst-case data, chosen by an adversary who sees every iterate.

Only the norm of the weights matters to a round: by symmetry, a sample of norm
$\rho \le R$ may have any margin $m$ with $\lvert m \rvert \le \lVert w \rVert \rho$,
as long as there are two dimensions. At a given margin a longer sample gives a longer
gradient and longer weights, so $\rho = R$, and the adversary's only choice is $m$.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw4lib._checks import as_integer, as_number, check_memory, contract
from hw4lib._elementary import sigmoid, softplus
from hw4lib._typing import Integer, Real
from hw4lib.online_learning._recursion import (
    best_margin,
    gain_rate,
    largest_norms,
    loss_excess,
    scaled_bound,
    scaled_steps,
)
from hw4lib.online_learning._update import share, step
from hw4lib.online_learning.descent import online_gradient_descent
from hw4lib.online_learning.radius import KAPPA
from hw4lib.online_learning.regret import batch_optimum

__all__ = [
    "KnownRegret",
    "WorstCase",
    "alternating_stream",
    "costliest_stream",
    "farthest_stream",
    "known_regret",
]


@contract
def farthest_stream(
    step_sizes: ArrayLike, feature_bound: Real, *, regularization: Real = 1.0
) -> NDArray[np.float64]:
    r"""Return the features that drive the weights as far from 0 as any data can.

    In each round the sample has norm $R$, label 1, and the angle to $w$ that makes the
    next weights longest. Longer weights are never a disadvantage later, so to be greedy
    is optimal, and the norms are those of
    [`worst_radii`][hw4lib.online_learning.radius.worst_radii].

    Args:
        step_sizes: $\eta_1, \dots, \eta_n$ in $(0, 1/(2\lambda)]$, shape `(n,)`.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The features, shape `(n, 2)`; all labels are 1.

    References:
        Homework 4, [Theorem 4.2][4-beyond-radius].

    Examples:
        >>> X = farthest_stream([0.01, 0.01], 77.0)
        >>> run = online_gradient_descent(X, [1, 1], 0.01)
        >>> round(float(np.linalg.norm(run.weights)), 6)
        0.798204
    """
    steps, R, unit = _scaled(step_sizes, feature_bound, regularization)
    margins = best_margin(steps, R)
    return unit * _stream(steps, R, lambda i, _: float(margins[i]))


@dataclass(frozen=True, eq=False)
class WorstCase:
    r"""The most that a stream can cost, from below and from above.

    The cost is $\sum_i \frac{\eta_i}{2} \lVert \nabla_i \rVert^2$, the term of
    inequality (10) that depends on the data, or the loss $\sum_i \ell_i(w^{(i)})$.
    """

    X: NDArray[np.float64]
    """Features of a costly stream, shape `(n, 2)`; all labels are 1."""
    cost: float
    """The cost of that stream, measured by a run."""
    bound: float
    """A cost that no stream exceeds."""


@contract
def costliest_stream(
    step_sizes: ArrayLike,
    feature_bound: Real,
    *,
    regularization: Real = 1.0,
    cost: Literal["gradients", "losses"] = "gradients",
    states: Integer = 200,
    margins: Integer = 200,
) -> WorstCase:
    r"""Return a stream that costs about the most, by dynamic programming.

    For $\lambda = 1$ the largest cost from round $t$ on, at weights of norm $r$, is
    $\alpha_t r^2 + W_t(r)$. Of the gradients
    $\alpha_t = 2 \eta_t + (1 - 2\eta_t)^2 \alpha_{t+1}$, of the losses it is
    $\alpha_t = 1 + (1 - 2\eta_t)^2 \alpha_{t+1}$, and

    $$W_t(r) = \max_{\lvert m \rvert \le r R} \left[ c_t(m) + W_{t+1}(r') \right],$$

    $c_t(m)$ being what the margin adds now and through $r'^2$. $W_t$ does not decrease
    in $r$. So rounding $r'$ down to a grid leaves a value that the adversary can reach,
    and rounding it up, with the best of each cell of margins, one that it can not
    exceed. The difference of the two bounds how far the stream is from the costliest:
    where step sizes differ by orders of magnitude, use a finer grid of norms. Time
    grows as `n * states * margins`.

    A cost of losses $C$ is an average regret of at least $C/n - \log 2$, because the
    best fixed weights are no worse than 0; and no average regret exceeds `bound` over
    $n$.

    Args:
        step_sizes: $\eta_1, \dots, \eta_n$ in $(0, 1/(2\lambda)]$, shape `(n,)`.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.
        cost: Of the `"gradients"`, or of the `"losses"`.
        states: Cells of the grid of norms.
        margins: About as many margins are tried in each cell.

    Returns:
        The stream, its cost, and the bound on the cost of any stream.

    Raises:
        ValueError: If `cost` is another word.
        MemoryError: If the plan, `n` by `states`, would not fit in memory.

    References:
        Homework 4, [Theorem 4.5][4-beyond-half].

    Examples:
        >>> worst = costliest_stream([0.01], 77.0)  # one gradient, of norm 77/2
        >>> round(worst.cost, 6), bool(worst.cost <= worst.bound)
        (np.float64(7.41125), True)
    """
    steps, R, unit = _scaled(step_sizes, feature_bound, regularization)
    if cost not in ("gradients", "losses"):
        raise ValueError(f"`cost` is {cost!r}, expected 'gradients' or 'losses'")
    states = as_integer("states", states, at_least=2)
    margins = as_integer("margins", margins, at_least=2)
    check_memory("step_sizes", f"of {len(steps)} rounds", len(steps), states + 1)
    check_memory("margins", margins, states + 1, 16 * margins)
    norms = np.linspace(0.0, largest_norms(steps, R).max(), states + 1)
    tried = _margin_grid(R * norms[-1], margins)
    room = R * norms[:, None]
    allowed = np.abs(tried) <= room
    cells = (tried[1:] >= -room) & (tried[:-1] <= room)

    lower = upper = np.zeros(states + 1)
    alpha = 0.0
    plan = np.empty((len(steps), states + 1), dtype=np.intp)
    previous = math.nan
    for t in reversed(range(len(steps))):
        eta = float(steps[t])
        if eta != previous:
            previous, kept = eta, ((1.0 - 2.0 * eta) * norms[:, None]) ** 2
            gain = eta * gain_rate(tried, eta, R)
            down = _index(kept + gain, norms, np.floor)
            peak = np.clip(best_margin(steps[t], R), tried[:-1], tried[1:])
            most = eta * gain_rate(peak, eta, R)
            up = _index(kept + most, norms, np.ceil)
            now, weight = _cost_now(tried, eta, R, cost)
        value = np.where(allowed, now + alpha * gain + lower[down], -np.inf)
        plan[t], lower = value.argmax(axis=1), value.max(axis=1)
        # In a cell of margins the cost now is largest at the left end.
        value = np.where(cells, now[:-1] + alpha * most + upper[up], -np.inf)
        upper = value.max(axis=1)
        alpha = weight + (1.0 - 2.0 * eta) ** 2 * alpha

    def planned(i: int, norm: float) -> float:
        state = int(norm / norms[-1] * states)
        return float(tried[plan[i, min(state, states)]])

    X = _stream(steps, R, planned)
    run = online_gradient_descent(X, np.ones(len(X)), lambda t: steps[t - 1])
    paid = run.losses if cost == "losses" else steps / 2.0 * run.gradient_norms**2
    return WorstCase(unit * X, float(paid.sum()), float(upper[0]))


@contract
def alternating_stream(
    n: Integer, feature_bound: Real, *, tilt: Real = 0.0
) -> NDArray[np.float64]:
    r"""Return features $R (\pm \sqrt{1 - s^2}, s)$ of samples that all have label 1.

    Each sample undoes the last step along the first axis. With tilt $s = 0$,
    $w^{(1)} = 0$, $\lambda = 1$ and steps $\eta_i \le \frac12$ that do not grow, the
    weights have alternating signs and absolute values $a_1 = 0$ and

    $$
    \begin{aligned}
    a_{i+1} &= \eta_i R \, \sigma(R a_i) - (1 - 2 \eta_i) \, a_i \\
    \ell_i(w^{(i)}) &= \log(1 + e^{R a_i}) + a_i^2.
    \end{aligned}
    $$

    For even $n$ the best fixed weights are 0, so the regret is
    $\frac1n \sum_i \ell_i(w^{(i)}) - \log 2$. For a constant step size and large
    $\eta R^2$ it is about $\frac12 \eta R^2 - \log 2$, since $a_i$ is about
    $\frac12 \eta R$: with $\eta = D / (G \sqrt n)$ almost half of the bound
    $D G / \sqrt n$ once that is large. With a small tilt the best fixed weights,
    along the second axis, lose less than $\log 2$, and the regret is larger; with
    tilt 1 one sample is repeated.

    Args:
        n: Number of samples.
        feature_bound: $R > 0$.
        tilt: $s$ in $[0, 1]$.

    Returns:
        The features, shape `(n, 2)`; all labels are 1.

    References:
        Homework 4, [when the bounds say something][4-beyond-vacuous].

    Examples:
        >>> alternating_stream(3, 77.0)
        array([[ 77.,   0.],
               [-77.,   0.],
               [ 77.,   0.]])
    """
    n = as_integer("n", n, at_least=1)
    R = as_number("feature_bound", feature_bound, above=0.0)
    s = as_number("tilt", tilt, at_least=0.0, at_most=1.0)
    check_memory("n", n, n, 2)
    X = np.tile([R * math.sqrt((1.0 - s) * (1.0 + s)), R * s], (n, 1))
    X[1::2, 0] *= -1.0
    return X


@dataclass(frozen=True, eq=False)
class KnownRegret:
    """An average regret that a stream reaches."""

    X: NDArray[np.float64]
    """Features of the stream, shape `(n, 2)`; all labels are 1."""
    regret: float
    """Its average regret."""


@contract
def known_regret(
    step_sizes: ArrayLike, feature_bound: Real, *, regularization: Real = 1.0
) -> KnownRegret:
    r"""Return the largest average regret of the streams that alternate.

    The largest regret of all data lies between this and a bound on the regret. The
    streams are those of
    [`alternating_stream`][hw4lib.online_learning.adversary.alternating_stream] with 61
    tilts from 0 to 1. Takes `n` steps for all at once. For short
    streams [`costliest_stream`][hw4lib.online_learning.adversary.costliest_stream] with
    `cost="losses"` comes closer.

    Args:
        step_sizes: $\eta_1, \dots, \eta_n$ in $(0, 1/(2\lambda)]$, shape `(n,)`.
        feature_bound: $R > 0$.
        regularization: $\lambda > 0$.

    Returns:
        The stream and its regret.

    References:
        Homework 4, [when the bounds say something][4-beyond-vacuous].

    Examples:
        >>> steps = np.full(40, 1 / (79 * np.sqrt(40)))
        >>> round(known_regret(steps, 77.0).regret, 2)  # the bound is 12.49
        np.float64(5.14)
    """
    steps, R, unit = _scaled(step_sizes, feature_bound, regularization)
    n = len(steps)
    tilts = np.append(0.0, np.geomspace(1e-3, 1.0, 60))
    x = R * np.stack([np.sqrt((1.0 - tilts) * (1.0 + tilts)), tilts])
    w, excess = np.zeros_like(x), np.zeros_like(tilts)
    for eta in steps:
        margins = (w * x).sum(axis=0)
        excess = excess + loss_excess(margins) + np.square(w).sum(axis=0)
        w = step(w, share(margins) * x, eta, 1.0)
        x[0] *= -1.0
    # For even n the best weights lie along the second axis; for odd n they almost do.
    worst = int(np.argmax(excess / n - _least_excess(x[1])))
    X = alternating_stream(n, R, tilt=tilts[worst])
    best = batch_optimum(X, np.ones(n))
    least = loss_excess(X @ best).mean() + best @ best
    return KnownRegret(unit * X, float(excess[worst] / n - least))


def _least_excess(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least loss of one sample of each size, less log 2, for lambda = 1."""
    optima = [float(batch_optimum([[x]], [1.0])[0]) for x in sizes]
    losses: NDArray[np.float64] = loss_excess(sizes * optima) + np.square(optima)
    return losses


def _cost_now(
    margin: NDArray[np.float64], eta: float, R: float, cost: str
) -> tuple[NDArray[np.float64], float]:
    """Return a round's cost by its margin, and the weight of the squared norm."""
    if cost == "losses":
        return softplus(-margin), 1.0
    s = sigmoid(-margin)
    return eta / 2.0 * ((R * s) ** 2 - 4.0 * margin * s), 2.0 * eta


def _scaled(
    step_sizes: ArrayLike, feature_bound: Real, regularization: Real
) -> tuple[NDArray[np.float64], float, float]:
    """Return step sizes and R in units in which lambda is 1, and the unit of R."""
    lam = as_number("regularization", regularization, above=0.0)
    R = scaled_bound(feature_bound, lam)
    steps = scaled_steps(step_sizes, R, lam)
    if steps.ndim > 1:
        raise ValueError(f"`step_sizes` has shape {steps.shape}, expected (n)")
    return steps, R, math.sqrt(lam)


def _margin_grid(reach: float, size: int) -> NDArray[np.float64]:
    """Return margins from -reach up, dense where the sigmoid changes, with 0 in it."""
    low, high = math.asinh(reach), math.asinh(min(reach, 1.0 + KAPPA))
    fine = np.sinh(np.linspace(-low, high, 16 * size))
    level = fine / reach - sigmoid(-fine) ** 2
    even = np.linspace(level[0], level[-1], size)
    return np.union1d(np.interp(even, level, fine), 0.0)


def _index(
    square: NDArray[np.float64], norms: NDArray[np.float64], rounding: np.ufunc
) -> NDArray[np.intp]:
    """Return the grid index of squared norms, rounded down or up."""
    last = len(norms) - 1
    position = np.sqrt(np.maximum(square, 0.0)) / norms[-1] * last
    index: NDArray[np.intp] = np.minimum(rounding(position), last).astype(np.intp)
    return index


def _stream(
    steps: NDArray[np.float64], R: float, margin_of: Callable[[int, float], float]
) -> NDArray[np.float64]:
    """Play an adversary who picks each round's margin from the norm of the weights."""
    w, X = 0j, np.empty(len(steps), np.complex128)  # the plane, in plain numbers
    for i, eta in enumerate(steps.tolist()):
        norm = abs(w)
        reach = norm * R
        margin = min(max(margin_of(i, norm), -reach), reach)
        cosine, ahead = (margin / reach, w / norm) if reach else (1.0, 1.0)
        x = R * complex(cosine, math.sqrt(1.0 - cosine**2)) * ahead
        X[i] = x
        w += eta * (float(share(margin)) * x - 2.0 * w)
    return X.view(np.float64).reshape(-1, 2)
